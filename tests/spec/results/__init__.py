"""Verdicts and alerts as they are written

What leaves the core is the same for everybody, byte for byte.
"""

SECTIONS = ("json",)
