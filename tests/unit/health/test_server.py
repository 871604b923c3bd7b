"""What the health server answers, and that nobody's blocked event loop keeps it from doing so."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from streams.health.collector import registry_of
from streams.health.pulses import Stall
from streams.health.report import Report, answer
from streams.health.server import HealthServer, PortTakenError
from streams.health.vitals import Check, Sample
from tests.unit.health.parts import Kennel, Part

GOOD, BAD = Check("watch", "assigned", True), Check("watch", "caught_up", False, "timeline:3 is 20000 records behind")


@contextmanager
def serving(kennel: Kennel) -> Iterator[HealthServer]:
    report = Report(kennel.parts, kennel.watchdog, kennel.survey, lambda: kennel.is_stopping)
    server = HealthServer("127.0.0.1", 0, report, registry_of(kennel.parts, kennel.watchdog, kennel.survey))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def ask(server: HealthServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read().decode()
    finally:
        connection.close()


def failing(body: str) -> list[dict[str, Any]]:
    return [check for check in json.loads(body)["checks"] if not check["good"]]


def test_ready() -> None:
    """Under both names."""
    with serving(Kennel(Part(checked=[GOOD]))) as server:
        answers = [ask(server, path) for path in ("/readyz", "/healthz", "/readyz?verbose")]

    assert [(status, headers["Content-Type"]) for status, headers, _ in answers] == [(200, "application/json")] * 3
    body = json.loads(answers[0][2])
    assert body["status"] == "good"
    assert {"part": "watch", "check": "assigned", "good": True} in body["checks"]


def test_not_ready_says_which_check_failed_and_why() -> None:
    with serving(Kennel(Part(checked=[GOOD, BAD]))) as server:
        status, _, body = ask(server, "/readyz")

    assert status == 503
    reason = "timeline:3 is 20000 records behind"
    assert failing(body) == [{"part": "watch", "check": "caught_up", "good": False, "reason": reason}]


@pytest.mark.parametrize(("stops", "answers", "check"), [(True, True, "running"), (False, False, "brokers")])
def test_the_process_itself_is_not_ready(stops: bool, answers: bool, check: str) -> None:
    """While it stops, and while no broker answers."""
    kennel = Kennel(Part(checked=[GOOD]))
    kennel.is_stopping, kennel.survey.is_answering = stops, answers  # type: ignore[assignment,misc]
    with serving(kennel) as server:
        assert [found["check"] for found in failing(ask(server, "/readyz")[2])] == [check]


def test_live_does_not_ask_for_anything_outside() -> None:
    """Neither brokers nor readiness: to start a process again brings neither back."""
    kennel = Kennel(Part(checked=[BAD]))
    kennel.survey.is_answering = False  # type: ignore[assignment,misc]
    kennel.watchdog.start()
    try:
        with serving(kennel) as server:
            assert ask(server, "/livez")[0] == 200
    finally:
        kennel.watchdog.stop()


def test_not_live() -> None:
    """Where something has stood still for its limit, and where nobody looks."""
    kennel = Kennel()
    kennel.watchdog.stall = Stall(next(kennel.parts[0].pulses()), 120.0)
    with serving(kennel) as server:
        status, _, body = ask(server, "/livez")

    assert status == 503
    assert [found["check"] for found in failing(body)] == ["no_stall", "watched"]
    assert "timeline:3 stands still for 120 s" in body


def test_metrics_in_both_forms() -> None:
    part = Part(sampled=[Sample("gridwatch_records_taken_total", ("watch",), 7)], checked=[GOOD, BAD])
    with serving(Kennel(part)) as server:
        text = ask(server, "/metrics")[2]
        _, headers, open_text = ask(server, "/metrics", Accept="application/openmetrics-text; version=1.0.0")

    assert headers["Content-Type"].startswith("application/openmetrics-text")
    for families in (list(parse_text(text)), list(parse_openmetrics(open_text))):
        samples = {
            (sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples
        }
        assert samples["gridwatch_records_taken_total", "watch"] == 7
        assert samples["gridwatch_standing_still_seconds", "watch"] == 0
        assert samples["process_start_time_seconds",] > 0
        ready = {key[1:]: value for key, value in samples.items() if key[0] == "gridwatch_ready"}
        assert {frozenset(key): value for key, value in ready.items()} == {
            frozenset(("watch", "assigned")): 1,
            frozenset(("watch", "caught_up")): 0,
        }


def test_a_head_has_no_body_and_nothing_else_is_there() -> None:
    with serving(Kennel(Part(checked=[GOOD]))) as server:
        status, headers, body = ask(server, "/readyz", "HEAD")
        missing, _, _ = ask(server, "/")
        refused, _, _ = ask(server, "/metrics", "POST")

    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 0
    assert (missing, refused) == (404, 501)


def test_a_port_that_is_taken() -> None:
    """Is said with the name of the setting."""
    with serving(Kennel()) as server, pytest.raises(PortTakenError, match=rf"^health\.port: .*:{server.port}"):
        HealthServer("127.0.0.1", server.port, None, None)  # type: ignore[arg-type]


def test_an_answer() -> None:
    assert answer([GOOD])[0] == 200
    assert answer([GOOD, BAD])[0] == 503


def test_whoever_asks_and_goes_away_leaves_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """A scrape that times out is no error of ours; any other is told."""
    server = HealthServer("127.0.0.1", 0, None, CollectorRegistry())  # type: ignore[arg-type]  # never asked
    try:
        for error in (BrokenPipeError(), ConnectionResetError(), ValueError("another")):
            try:
                raise error
            except Exception:
                server._server.handle_error(None, ("127.0.0.1", 1))
    finally:
        server._server.server_close()

    told = capsys.readouterr().err
    assert "ValueError: another" in told
    assert "BrokenPipe" not in told
    assert "ConnectionReset" not in told
