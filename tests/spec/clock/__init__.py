"""The clock

Time is a record of the log. A tick carries it; nothing that decides asks a machine what time it is.
"""

SECTIONS = ("ticks", "deadlines", "outages", "forgetting", "order")
