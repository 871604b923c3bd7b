"""Reading answers: what settles a record, and what never does."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.device.answers import (
    Answer,
    Failed,
    KeyRefused,
    Later,
    Result,
    Settled,
    Standing,
    TooMuch,
    read_results,
    read_standing,
)

PROBLEM = {"content-type": "application/problem+json"}
ACCEPTED = {"result": "accepted"}


def answer(status: int, document: object = None, **headers: str) -> Answer:
    """Return an answer of the gateway."""
    return Answer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(document).encode()
    )


def problem(status: int, code: object, **headers: str) -> Answer:
    """Return an answer to a whole request."""
    return answer(status, {"status": status, "code": code}, content_type="application/problem+json", **headers)


def test_results_stand_in_the_order_of_the_request() -> None:
    refused = {"result": "refused", "reason": "invalid_field", "path": "temperature_c", "message": "expected a number"}

    outcome = read_results(answer(200, {"records": [ACCEPTED, {"result": "duplicate"}, refused]}), 3)

    assert outcome == Settled(
        (
            Result("accepted"),
            Result("duplicate"),
            Result("refused", "invalid_field", "temperature_c", "expected a number"),
        )
    )


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"records": {}},
        {"records": []},
        {"records": [ACCEPTED, ACCEPTED]},
        {"records": ["accepted"]},
        {"records": [{"result": "taken"}]},
        {"records": [{"result": None}]},
        {"accepted": 1},
    ],
)
@pytest.mark.parametrize("status", [200, 422])
def test_what_is_not_understood_settles_nothing(status: int, document: object) -> None:
    assert isinstance(read_results(answer(status, document), 1), Failed)


@pytest.mark.parametrize("status", [100, 201, 202, 204, 301, 400, 401, 403, 404, 413, 429, 500, 503])
def test_another_status_settles_nothing(status: int) -> None:
    assert not isinstance(read_results(answer(status, {"records": [ACCEPTED]}), 1), Settled)


@pytest.mark.parametrize(
    ("given_answer", "outcome"),
    [
        (problem(401, "bad_key"), KeyRefused("401 bad_key")),
        (problem(403, "not_allowed"), KeyRefused("403 not_allowed")),
        (problem(413, "too_large"), TooMuch("413 too_large", "too_large")),
        (answer(413, {"code": "too_large"}), TooMuch("413", "")),
        (problem(400, "not_json"), TooMuch("400 not_json", "not_json")),
        (problem(400, "truncated"), TooMuch("400 truncated", "")),
        (problem(429, "too_many", retry_after="7"), Later("429 too_many", 7)),
        (problem(503, "unavailable", retry_after=" 30 "), Later("503 unavailable", 30)),
        (problem(503, "unavailable", retry_after="Sat, 01 Feb 2020 08:00:00 GMT"), Later("503 unavailable", None)),
        (problem(503, "unavailable", retry_after="-1"), Later("503 unavailable", None)),
        (problem(503, "unavailable", retry_after="9" * 5000), Later("503 unavailable", None)),
        (problem(415, "type"), Failed("415 type")),
        (problem(500, ["x"]), Failed("500")),
        (problem(500, "a\x1b[31m"), Failed("500")),
    ],
)
def test_answers_to_the_whole_request(given_answer: Answer, outcome: object) -> None:
    assert read_results(given_answer, 1) == outcome


def test_texts_of_the_gateway_are_shown_safely() -> None:
    """Nothing in them moves a terminal's cursor, and none is endless."""
    refused = {"result": "refused", "reason": "x y", "path": "a\x1b[2Jb\ud800", "message": "m" * 1000}

    outcome = read_results(answer(200, {"records": [refused]}), 1)

    assert outcome == Settled((Result("refused", "unknown", "a?[2Jb?", "m" * 300),))


@settings(deadline=None)
@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_bytes_raise_or_settle(status: int, body: bytes) -> None:
    """Random bytes are no answer to a request of three."""
    assert not isinstance(read_results(Answer(status, PROBLEM, body), 3), Settled)
    read_standing(Answer(status, PROBLEM, body))


ODD = st.sampled_from(
    [None, True, -1, 2**70, 1e400, "x", [], [1], [[1, 2]], [[2, 1], [None, 3]], {}, {"expires_at": 5}]
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["source_id", "last_sequence", "holes", "clock_offset_seconds", "key", "records"]), ODD
    )
)
def test_no_json_raises(document: dict[str, Any]) -> None:
    read_results(answer(200, document), 1)
    standing = read_standing(answer(200, document))

    assert isinstance(standing, Standing | Failed)


def test_the_standing() -> None:
    document = {
        "source_id": "d-000001",
        "last_sequence": 20,
        "holes": [[9, 9], [3, 4], [5, 6], [0, 2], [8, 7], ["1", 2], [1], [True, 2], [9, 11]],
        "clock_offset_seconds": -3,
        "key": {"key_id": "k1", "expires_at": "2021-01-01T00:00:00Z"},
    }

    assert read_standing(answer(200, document)) == Standing(
        "d-000001", 20, ((3, 6), (9, 11)), -3.0, "2021-01-01T00:00:00Z"
    )


@pytest.mark.parametrize("last", [-1, 2**62 + 1, True, "5", 1.0])
def test_a_last_sequence_that_cannot_be(last: object) -> None:
    """It would spoil the numbers of the spool for ever."""
    assert isinstance(read_standing(answer(200, {"source_id": "d-000001", "last_sequence": last, "holes": []})), Failed)


def test_a_source_that_sent_nothing_yet() -> None:
    assert read_standing(answer(200, {"source_id": "d-000001", "last_sequence": None, "holes": []})) == Standing(
        "d-000001", 0, ()
    )
    assert isinstance(read_standing(answer(200, {"source_id": "d-000001", "holes": []})), Failed)
    assert isinstance(read_standing(answer(200, {"last_sequence": None, "holes": []})), Failed)
