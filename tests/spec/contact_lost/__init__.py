"""contact_lost: one check was missed several times in a row

A critical alert, counted for each check of an observation; its occurrence is the miss that opens it.
"""

SECTIONS = ("raised", "count", "resolved")
