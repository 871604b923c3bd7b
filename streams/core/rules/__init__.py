"""The rules that raise alerts, one module each (contract section 5). What a rule remembers stands in the person's state."""
