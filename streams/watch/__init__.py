"""Watch: the timeline goes through the core, verdicts and alerts come out."""
