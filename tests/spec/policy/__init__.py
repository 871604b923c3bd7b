"""The policy

What is expected and when stands in a policy, which enters the log whole, as a record, with a version of its own.
"""

SECTIONS = ("changes", "versions", "terms_of_an_observation", "local_time", "refusals")
