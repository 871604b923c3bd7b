"""The device client."""
