"""An independent slow model of the contract: every record is kept, everything is found by scanning lists.

It shares no code with the packages it judges. Comments `choice N` mark places where the contract leaves room.
"""

from tests.support.model.replay import Result, run, run_world

__all__ = ["Result", "run", "run_world"]
