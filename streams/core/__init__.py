"""What follows from the log: a pure, deterministic state machine over the records of one timeline partition.

`engine.step(state, record)` is the whole of it. Nothing here reads a clock, an environment, a file other than the pinned
zone data, or a random source; time is an argument that came from the log.
"""
