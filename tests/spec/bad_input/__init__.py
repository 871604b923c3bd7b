"""Bad input

Nothing is dropped, nothing is coerced, and one bad record never stops the rest.
"""

SECTIONS = ("dead_letters", "json", "fields", "instants_and_days", "kinds_and_topics")
