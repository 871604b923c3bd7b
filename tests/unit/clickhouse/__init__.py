"""Tests of the ClickHouse sink without a database, and the messages that they and the contract suite use."""
