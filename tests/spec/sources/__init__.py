"""Sources

What the log knows of the devices and terminals that write it: whether they live, and which of their records are missing.
"""

SECTIONS = ("silence", "gap", "numbers", "known", "staff")
