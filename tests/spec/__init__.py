"""What follows from the log, told as time lines.

Folders are chapters, files are sections, tests are paragraphs of the rule handbook (`docs/handbook/`).
"""

CHAPTERS = (
    "clock",
    "policy",
    "ledger",
    "outages",
    "sources",
    "records_and_readings",
    "observations",
    "alerts",
    "missed_check",
    "contact_lost",
    "fever",
    "observation_overdue",
    "released_early",
    "breach",
    "health_code",
    "implausible_reading",
    "results",
    "bad_input",
)
