"""What is in the log: record types, policy, verdicts, alerts, their codec, the topics they live in and their schemas."""
