"""Servers that run on one machine for trying and for tests."""
