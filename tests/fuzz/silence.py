"""Refusals repeat nothing of what came: their messages are so many sentences, and none was made from an input.

The sentences are found by refusing, in every field, things that hold nothing of anybody. What a refusal then says of any
input must be one of them.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

from events.codec import LARGEST_TIMELINE_BYTES, Refusal, decode_from_topic, decode_strictly
from events.policy import PolicyError
from events.records import RAW_TOPICS
from tests.fuzz.corpus import CORPUS

_PROBES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    5.5,
    10**30,
    float("inf"),
    "",
    "\n",
    "\ud800",
    "~" * 600,
    [],
    [None],
    {},
    {"~": 0},
)
_DAYS = ("2020-02-30", "1900-01-01", "9999-01-01", "1971-01-01")
_TIMES = ("T00:00:00Z", "T23:59:60Z")
_OVERLAP = re.compile(r"(?<=^expected no overlap with )window [0-9]{1,4}$", re.ASCII)
# The name of a field, a place in a list, what could not be either; no single field is an empty path.
_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{1,4}|\?|", re.ASCII)


@cache
def sentences() -> frozenset[str]:
    """Return every message that a refusal may have."""
    found = {
        f"expected at most {LARGEST_TIMELINE_BYTES} bytes",
        "expected one JSON object, found nothing",
        "expected null: intake makes the copies",
        "expected an instant at most 5 minutes after received_at; check the source's clock",
    }
    for raw in _probes():
        try:
            decode_strictly(raw)
        except Refusal as refusal:
            found.add(refusal.message)
    for topic in RAW_TOPICS:
        try:
            decode_from_topic(b'{"kind":""}', topic)
        except Refusal as refusal:
            found.add(refusal.message)
    return frozenset(found)


def _probes() -> Iterator[bytes]:
    yield from (b"", b"[]", b"{}", b" " * 65_537, b'{"":0,"":0}', b"[" * 65)
    for path in sorted((CORPUS / "records").glob("valid_*")):
        document = json.loads(path.read_bytes())
        yield from _with_probes(document)


def _with_probes(document: dict[str, Any]) -> Iterator[bytes]:
    for steps in _places(document):
        for probe in (*_PROBES, *_DAYS, *(day + time for day in _DAYS for time in _TIMES)):
            changed = deepcopy(document)
            _put(changed, steps, probe)
            yield json.dumps(changed).replace("Infinity", "1e400").encode()
        changed = deepcopy(document)
        _take(changed, steps)
        yield json.dumps(changed).encode()
    yield json.dumps({**document, "~": 0}).encode()
    if "policy" in document:
        yield from (
            json.dumps({**document, "policy": policy}).encode() for policy in _contradictions(document["policy"])
        )


def _places(document: Any) -> Iterator[tuple[Any, ...]]:
    keys = document if isinstance(document, dict) else range(len(document))
    for key in keys:
        yield (key,)
        if isinstance(document[key], dict | list):
            yield from ((key, *rest) for rest in _places(document[key]))


def _holder(document: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps[:-1]:
        document = document[step]
    return document


def _put(document: Any, steps: tuple[Any, ...], value: Any) -> None:
    _holder(document, steps)[steps[-1]] = value


def _take(document: Any, steps: tuple[Any, ...]) -> None:
    del _holder(document, steps)[steps[-1]]


def _contradictions(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    window = {"name": "w", "start": "01:00", "end": "02:00"}
    check = {**policy["checks"][0], "windows": [window]}
    yield {**policy, "checks": [check, check]}
    for windows in (
        [window, window],
        [{**window, "end": "01:00"}],
        *([{**window, "name": f"w{n}"} for n in range(k)] for k in (2, 3)),
    ):
        yield {**policy, "checks": [{**check, "windows": windows}]}
    yield {**policy, "fever": {**policy["fever"], "implausible_below_c": 99}}


def assert_silent(refusal: Refusal) -> None:
    """Demand that a refusal says one of the sentences, and names nothing but fields."""
    _assert_said(refusal.path, refusal.message)
    assert refusal.__suppress_context__ or refusal.__context__ is None, "the cause may repeat what came"


def assert_policy_silent(error: PolicyError) -> None:
    """Demand the same of the refusal of a policy."""
    _assert_said(error.path, error.message)


def _assert_said(path: str, message: str) -> None:
    # The number of the other window is a place in a list.
    known = _OVERLAP.sub("window 0", message)
    assert known in sentences(), f"a refusal repeats nothing of what came, this one may: {known}"
    assert all(_STEP.fullmatch(step) for step in path.split("."))
