"""What to do next, and what an answer changes, as pure decisions."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.device.answers import Failed, KeyRefused, Later, Standing, TooMuch, Trouble
from streams.device.sending import (
    Limits,
    Sending,
    Step,
    after_settled,
    after_standing,
    after_trouble,
    after_trouble_with_asking,
    holes_beyond,
    next_step,
    refusal_of_all,
    rest_seconds,
)

NOW = 5000.0
KNOWN = after_standing(Sending(), Standing("d-000001", 0, ()), NOW)


def test_first_of_all_it_asks() -> None:
    assert next_step(Sending(), NOW, has_waiting=True) is Step.ASK


def test_then_it_sends_and_rests_until_it_asks_again() -> None:
    assert next_step(KNOWN, NOW, has_waiting=True) is Step.SEND_NEW
    assert next_step(KNOWN, NOW, has_waiting=False) is Step.REST
    assert rest_seconds(KNOWN, NOW, has_waiting=False) == 900
    assert next_step(KNOWN, NOW + 900, has_waiting=True) is Step.ASK


@pytest.mark.parametrize(
    ("trouble", "chance", "seconds"),
    [
        (KeyRefused("401"), 0.5, 300),
        (Later("429", 7), 0.0, 7),
        (Later("429", 7), 0.5, 7.35),
        (Later("503", 999_999_999), 0.0, 3600),
        (Later("503", None), 0.5, 1),
        (Later("503", 0), 0.5, 1),
        (Failed("500"), 0.5, 1),
        (TooMuch("413", ""), 0.5, 1),
        (TooMuch("413 too_large", "too_large"), 0.5, 0),
    ],
)
def test_how_long_it_waits(trouble: Trouble, chance: float, seconds: float) -> None:
    after = after_trouble(KNOWN, trouble, NOW, chance=chance, count=10)

    assert rest_seconds(after, NOW, has_waiting=True) == pytest.approx(seconds)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_are_bounded(failures: int, chance: float) -> None:
    """Full jitter: from nothing up to twice as much each time, never above five minutes."""
    after = after_trouble(replace(KNOWN, failures=failures), Failed(""), NOW, chance=chance, count=1)

    wait = rest_seconds(after, NOW, has_waiting=True)
    assert 0 <= wait <= 300
    assert wait == pytest.approx(min(300, 2.0 ** min(failures + 1, 60)) * chance)


@pytest.mark.parametrize(
    ("trouble", "count", "size"),
    [
        (TooMuch("413 too_large", "too_large"), 1000, 500),
        (TooMuch("413", ""), 9, 4),
        (TooMuch("413", ""), 1, 1000),
        (Failed("timed out", was_slow=True), 1000, 500),
        (Failed("timed out", was_slow=True), 30, 25),
        (Failed("timed out", was_slow=True), 10, 1000),
        (Failed("Connection refused"), 1000, 1000),
    ],
)
def test_how_large_the_next_request_is(trouble: Trouble, count: int, size: int) -> None:
    assert after_trouble(KNOWN, trouble, NOW, chance=0.5, count=count).batch_size() == size


def test_requests_grow_again() -> None:
    sending, sizes = replace(KNOWN, most_records=1), []
    for _ in range(60):
        sending = after_settled(sending, NOW)
        sizes.append(sending.batch_size())

    assert sizes[:3] == [2, 3, 4]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 1000


def test_only_the_gateways_own_word_refuses_a_record() -> None:
    assert refusal_of_all(TooMuch("413 too_large", "too_large"), 1) == "too_large"
    assert refusal_of_all(TooMuch("413 too_large", "too_large"), 2) == ""
    assert refusal_of_all(TooMuch("413", ""), 1) == ""
    assert refusal_of_all(Failed("500"), 1) == ""


def test_an_answer_that_cannot_be_had_keeps_no_known_source_back() -> None:
    after = after_trouble_with_asking(KNOWN, Failed("500"), NOW + 900, chance=0.5)

    assert next_step(after, NOW + 900, has_waiting=True) is Step.SEND_NEW
    assert next_step(after, NOW + 2000, has_waiting=True) is Step.ASK


@pytest.mark.parametrize("trouble", [KeyRefused("401"), Later("503", 60)])
def test_a_demand_to_wait_holds_for_everything(trouble: Trouble) -> None:
    after = after_trouble_with_asking(KNOWN, trouble, NOW + 900, chance=0.5)

    assert next_step(after, NOW + 901, has_waiting=True) is Step.REST


def test_the_end_of_an_outage_is_a_reason_to_ask() -> None:
    failed = after_trouble(KNOWN, Failed("500"), NOW, chance=0.5, count=1)

    assert next_step(after_settled(failed, NOW + 1), NOW + 1, has_waiting=True) is Step.ASK
    assert next_step(after_settled(KNOWN, NOW + 1), NOW + 1, has_waiting=True) is Step.SEND_NEW


def test_what_is_left_of_holes() -> None:
    assert holes_beyond(((1, 3), (5, 9), (12, 12)), 5) == ((6, 9), (12, 12))
    assert holes_beyond(((1, 3),), 3) == ()


def test_limits_of_the_door() -> None:
    """What one request may hold, as the gateway states it."""
    assert (Limits().most_records, Limits().most_bytes) == (1000, 2**20 - 1)
