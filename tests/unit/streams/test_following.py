"""Which alerts a follower sees, and each revision once."""

import json
from typing import Any

import pytest

from events.vocabulary import Severity
from streams.following import AlertFilter, Revisions, read_alert

ALERT = {"alert_id": "a1", "revision": 1, "area": "t/c0/g1", "rule": "fever", "state": "open", "severity": "warning"}


@pytest.mark.parametrize(
    ("wanted", "is_let_through"),
    [
        ({}, True),
        ({"area": "t"}, True),
        ({"area": "t/c0"}, True),
        ({"area": "t/c0/g1"}, True),
        ({"area": "t/c0/g1/x"}, False),
        ({"area": "t/c"}, False),
        ({"area": "c0"}, False),
        ({"rules": frozenset({"fever", "breach"})}, True),
        ({"rules": frozenset({"breach"})}, False),
        ({"states": frozenset({"open"})}, True),
        ({"states": frozenset({"acknowledged", "resolved"})}, False),
        ({"severity": Severity.INFO}, True),
        ({"severity": Severity.WARNING}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"area": "t", "rules": frozenset({"fever"}), "severity": Severity.CRITICAL}, False),
    ],
)
def test_filter(wanted: dict[str, Any], is_let_through: bool) -> None:
    """Area and all below, rule, state, this severity and the more severe; everything asked must hold."""
    assert AlertFilter(**wanted).lets_through(ALERT) is is_let_through


def test_revisions() -> None:
    """A revision written again, or an older one, is known already; each id on its own."""
    revisions = Revisions("alert_id")
    came = [("a1", 1), ("a1", 1), ("a1", 2), ("a1", 1), ("a2", 1), ("a1", 4), ("a1", 3)]

    seen = [revisions.is_new({**ALERT, "alert_id": identity, "revision": number}) for identity, number in came]

    assert seen == [True, False, True, False, True, True, False]


WHOLE = {**ALERT, "reason": "opened", "subject": "person:P1", "occurrence": "e1", "updated_at": "2020-02-03T01:00:00Z"}


def test_an_alert_is_read_whole() -> None:
    """With what is not looked at here too."""
    document = {**WHOLE, "detail": {"site": "ear"}}

    assert read_alert(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        json.dumps({name: value for name, value in WHOLE.items() if name != "alert_id"}).encode(),
        json.dumps(WHOLE | {"revision": "1"}).encode(),
        json.dumps(WHOLE | {"severity": "grave"}).encode(),
        json.dumps(WHOLE | {"area": None}).encode(),
        json.dumps(WHOLE | {"detail": {"note": "\ud800"}}).encode(),
        json.dumps(WHOLE)[:-1].encode() + b',"detail":' + b"[" * 3000 + b"]" * 3000 + b"}",
        # Read it could be, and not written again where the stack is not nearly empty.
        json.dumps(WHOLE)[:-1].encode() + b',"detail":' + b"[" * 64 + b"]" * 64 + b"}",
    ],
    ids=[
        *("nothing", "object", "list", "no text", "no id", "revision", "severity", "area", "surrogate", "deep"),
        "a little too deep",
    ],
)
def test_what_is_no_alert_is_passed_over(raw: bytes) -> None:
    """Whoever follows goes on with the next."""
    assert read_alert(raw) is None
