"""Records and readings

Which record satisfies which check, what waits for its observation, and what a repeat is worth.
"""

SECTIONS = ("visits", "readings", "scans", "waiting", "repeats")
