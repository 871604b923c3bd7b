"""The door for devices: what comes over HTTP becomes records in the raw topics."""
