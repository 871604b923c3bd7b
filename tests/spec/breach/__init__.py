"""breach: a person who must stay is met at a checkpoint

A critical alert for each day and observation; its occurrence is `OBSERVATION/DATE/N`, N counting from 1.
"""

SECTIONS = ("raised", "count", "resolved")
