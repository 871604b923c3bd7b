"""health_code: a yellow or red code was shown

A warning (yellow) or critical alert (red) about anybody who shows such a code; its occurrence is `DATE/CODE/N`.
"""

SECTIONS = ("raised", "count")
