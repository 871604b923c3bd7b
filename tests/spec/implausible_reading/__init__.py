"""implausible_reading: a source reported what no body has

An info about a source, once for each day and person; its occurrence is `DATE/PERSON`.
"""

SECTIONS = ("raised",)
