"""Outages

While the way of the records is broken nobody is accused: what may have been done and could not be told is unknown.
"""

SECTIONS = ("held", "released", "where", "alert")
