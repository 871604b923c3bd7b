"""The ledger

Every check that somebody promised is an entry, and ends in one known state.
"""

SECTIONS = ("expected_checks", "states", "done", "missed_and_late", "final", "closing", "verdicts")
