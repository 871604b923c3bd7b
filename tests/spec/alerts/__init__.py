"""Alerts

What every alert has in common: its identity, its revisions, and what staff can do with it.
"""

SECTIONS = ("identity", "staff", "fields")
