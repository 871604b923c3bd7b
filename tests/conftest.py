"""Fixtures that every test may use, and a plain word at the end about what was left out."""

import os
from collections import Counter

import pytest
from hypothesis import settings

# The same examples every time, so that a change is judged by itself; EXPLORE=1 looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("exploring", print_blob=True)
settings.load_profile("exploring" if os.environ.get("EXPLORE") else "repeatable")

pytest_plugins = ["tests.support.brokers", "tests.support.real_parts", "tests.support.timeline"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which parts did not run and why, however quiet the run is."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reasons[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(
            f"{count} tests {reason}" if reason.startswith("left out") else f"{count} tests left out: {reason}"
        )
