"""Observations

How a period of observation begins, grows and ends, and what is refused on the way.
"""

SECTIONS = ("opening", "extension", "closing", "waivers")
