"""Intake: the way of a record from a raw topic into the timeline."""
