"""A seeded town: its daily life and trouble as records, and the truth that must follow from them."""
