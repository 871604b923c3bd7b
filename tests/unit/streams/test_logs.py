"""Logs: one JSON object a line, that of libraries too, and nothing personal in them."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from streams.logs import configure_logs, get_logger
from tests.support.logging_state import logging_kept


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Give the loggers of the test run back as they were."""
    with logging_kept():
        yield


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Read what was logged; nothing may go to standard output."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What, when, how severe, by whom, and the fields given."""
    configure_logs("json", "info")

    get_logger("streams.some").info("partitions taken over", partitions=3)

    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "partitions taken over", "partitions": 3, "level": "info", "logger": "streams.some"}


def test_what_a_client_repeats_is_said_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Each of its sentences once, whatever it names in it; others may repeat themselves, and at level debug it may too."""
    configure_logs("json", "info")
    for node in range(100):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", node)
        logging.getLogger("aiokafka").error("Unable to update metadata from [%s]", node)
    for _ in range(2):
        get_logger("streams.some").error("again")
    assert [line["event"] for line in lines(capsys)] == [
        "Unable connect to node with id 0",
        "Unable to update metadata from [0]",
        "again",
        "again",
    ]

    configure_logs("json", "debug")
    for node in range(3):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", node)
    assert len(lines(capsys)) == 3


def test_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    """Their lines have the same form; what they say below a warning is left out."""
    configure_logs("json", "info")

    logging.getLogger("aiokafka.consumer").warning("Heartbeat failed: %s", "slow")
    logging.getLogger("aiokafka.consumer").info("Metadata updated")
    logging.getLogger("urllib3.connectionpool").warning("Retrying: /?query=SELECT")

    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("Heartbeat failed: slow", "warning")


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_level(level: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    """This one and the more severe."""
    configure_logs("json", level)
    log = get_logger("streams.some")

    for method in (log.debug, log.info, log.warning, log.error):
        method("something")

    assert len(lines(capsys)) == count


def test_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    """Stays one line."""
    configure_logs("json", "info")

    try:
        raise RuntimeError("broken")
    except RuntimeError:
        get_logger("streams.some").exception("worker failed")

    (line,) = lines(capsys)
    assert "RuntimeError: broken" in line["exception"]


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    """For a person to read; auto is JSON where standard error is no terminal."""
    configure_logs("text", "info")
    get_logger("streams.some").info("worker ready", role="watch")
    text = capsys.readouterr().err
    configure_logs("auto", "info")
    get_logger("streams.other").info("worker ready", role="watch")

    assert "worker ready" in text
    assert not text.startswith("{")
    assert json.loads(capsys.readouterr().err)["role"] == "watch"


def test_configured_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line comes once."""
    configure_logs("json", "info")
    configure_logs("json", "info")

    get_logger("streams.some").info("once")

    assert len(lines(capsys)) == 1
