"""observation_overdue: the last day has passed and nobody closed

A warning for every last day on which an observation was left open; its occurrence is `OBSERVATION/LAST-DAY`.
"""

SECTIONS = ("raised", "resolved")
