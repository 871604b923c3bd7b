"""Device formats into records: pure functions without clock and without I/O; `adapting.adapt` is the way in."""
