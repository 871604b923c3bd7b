"""What every shell needs of the brokers: writing, offsets, snapshots of state, topics."""
