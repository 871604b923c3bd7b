"""The gateway against its description: right and wrong requests are made of it, and each answer must stand in it."""
