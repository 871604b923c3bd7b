"""released_early: somebody was released before the end

A warning about a release before the last window of any check of the last day ends; its occurrence is the observation.
"""

SECTIONS = ("raised",)
