"""The clock of the log: ticks, each a promise that every record received before it stands before it."""
