"""missed_check: a check was not made

A warning about a person, one for every check that becomes `missed`; its occurrence is `CHECK/DATE/WINDOW`.
"""

SECTIONS = ("raised", "resolved")
