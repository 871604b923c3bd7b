"""The pipeline: a pure core that decides, and thin shells that carry records to it and results away."""
