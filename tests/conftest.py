"""Fixtures that every test may use, and a plain word at the end about what was left out."""

from collections import Counter

import pytest

pytest_plugins = ["tests.support.brokers", "tests.support.timeline"]


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
