"""The alarms for Prometheus: each metric they name exists, each is explained, and promtool agrees where there is one."""

import re
import shutil
import subprocess

import pytest

from streams.clock.writer import Waiting
from streams.health.catalogue import METRICS
from tests.support import metrics_table
from tests.unit.deploy.test_deploy import ROOT, STANDING, ours

RULES = ROOT / "deploy" / "prometheus" / "gridwatch.rules.yml"
CASES = RULES.with_name("gridwatch.rules.test.yml")
# What every target has, and what Prometheus' own client adds.
OTHERS = {"up", "process_start_time_seconds"}


def text() -> str:
    return RULES.read_text(encoding="utf-8")


def alarms() -> list[str]:
    return re.findall(r"- alert: (\w+)$", text(), re.MULTILINE)


def expressions() -> list[str]:
    """Return each expression; one over several lines is indented further than its key."""
    return re.findall(r"^        expr: (?:\|\n)?((?:.+\n)(?: {10,}.+\n)*)", text(), re.MULTILINE)


def test_every_alarm_has_an_expression_a_severity_and_a_sentence() -> None:
    assert len(alarms()) == len(set(alarms())) == len(expressions()) == text().count("summary: ")
    assert set(re.findall(r"severity: (\w+)", text())) == {"critical", "warning"}


def test_the_metrics_and_labels_they_name_exist() -> None:
    known = {metric.name: set(metric.labels) for metric in METRICS}
    found = set()
    for expression in expressions():
        for name, labels in re.findall(r"\b(gridwatch_\w+)(?:\{([^}]*)\})?", expression):
            found.add(name)
            assert name in known, name
            assert set(re.findall(r"(\w+)=", labels)) <= known[name], expression
    assert len(found) >= 15
    words = set(re.findall(r"\b([a-z]+_[a-z_]+)\b", " ".join(expressions())))
    assert {word for word in words if word.endswith("_seconds") and not word.startswith("gridwatch_")} <= OTHERS


def test_the_reasons_they_name_exist() -> None:
    named = {word for group in re.findall(r'reason=~?"([^"]+)"', text()) for word in group.split("|")}
    assert named
    assert named <= {reason.value for reason in Waiting}


def test_what_to_do_is_said_for_each() -> None:
    page = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    table = page.split("<!-- table: alarms -->")[1].split("<!-- end -->")[0]
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", table, re.MULTILINE) == alarms()


def test_the_table_of_metrics_is_current() -> None:
    page = metrics_table.PAGE.read_text(encoding="utf-8")
    assert page == metrics_table.page(page), "python -m tests.support.metrics_table --write"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="left out: no promtool (Debian: prometheus)")
@pytest.mark.parametrize("arguments", [("check", "rules", RULES), ("test", "rules", CASES)], ids=["check", "test"])
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_standing_container_asks_its_own_health_port() -> None:
    for name in STANDING:
        service = ours()[name]
        (asked,) = re.findall(r"http://127\.0\.0\.1:(\d+)/livez", service["healthcheck"]["test"][-1])
        assert asked == service["environment"]["GRIDWATCH_HEALTH__PORT"], name
        assert service["healthcheck"]["test"][0] == "CMD"
