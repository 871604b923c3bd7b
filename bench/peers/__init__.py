"""Other ways to do the same or less, each in an environment of its own that `peer` makes on demand from locked versions."""
