"""fever: a reading at or above the threshold

A screen must be confirmed before it is an alarm: a warning until then, critical after. One is open for a person at a time;
its occurrence is the event id of the first reading.
"""

SECTIONS = ("first_reading", "confirmation", "earlier_readings", "deadline", "one_at_a_time")
