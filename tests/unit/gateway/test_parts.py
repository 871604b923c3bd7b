"""The small parts of the gateway: buckets, recent records, denials, highest numbers."""

from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.denials import Denial, Denials
from streams.gateway.door import Judged, Result
from streams.gateway.limits import Bucket
from streams.gateway.numbers import HighestNumbers
from streams.gateway.recent import RecentRecords


def test_a_bucket_fills_at_its_rate() -> None:
    bucket = Bucket(2.0, 10, 0.0)
    assert bucket.take(10, 0.0) == 0
    assert bucket.take(5, 0.0) == 3  # 2.5 s, rounded up
    assert bucket.take(5, 2.4) == 1
    assert bucket.take(5, 2.5) == 0
    assert bucket.take(11, 7.4) == 1
    assert bucket.take(11, 7.5) == 0, "more than it holds goes when it is full"
    assert bucket.take(1, 7.5) == 1, "and is paid for afterwards"


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 5)), max_size=50))
def test_a_bucket_never_lets_more_through_than_burst_and_rate(asked: list[tuple[int, float]]) -> None:
    bucket, now, taken, most = Bucket(3.0, 20, 0.0), 0.0, 0, 0.0
    for records, pause in asked:
        now += pause
        if bucket.take(records, now) == 0:
            taken += records
        most = 20 + 3.0 * now
        assert taken <= most + 1e-6


def test_recent_records_are_bounded_and_keep_the_last() -> None:
    recent = RecentRecords(100)
    for number in range(1000):
        recent.remember([number.to_bytes(4)])
        assert len(recent) <= 200
        assert number.to_bytes(4) in recent
        assert all(earlier.to_bytes(4) in recent for earlier in range(max(0, number - 99), number))


def test_denials_are_told_at_once_and_then_gathered() -> None:
    denials, denial = Denials(60), Denial("s", "k", "not_allowed", "area")
    assert denials.note(denial, 0) == denial
    assert denials.note(denial, 1) is None
    assert denials.note(Denial("s", "k", "not_allowed", "kind"), 1) is not None
    assert list(denials.due(59)) == []
    (told,) = denials.due(60)
    assert (told, told.count) == (denial, 1)
    assert list(denials.due(200)) == []
    again = denials.note(denial, 200)
    assert again is not None
    assert again.count == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30)), max_size=60))
def test_no_denial_is_lost(asked: list[tuple[str, float]]) -> None:
    denials, now, told = Denials(60), 0.0, 0
    for path, pause in asked:
        now += pause
        found = denials.note(Denial("s", "k", "not_allowed", path), now)
        told += found.count if found else 0
        told += sum(each.count for each in denials.due(now))
    told += sum(each.count for each in denials.due(now + 61))
    assert told == len(asked)


def test_the_highest_number_is_of_the_source() -> None:
    numbers = HighestNumbers()
    numbers.note("a", [Judged(Result.ACCEPTED, sequence=5), Judged(Result.ACCEPTED, sequence=3)])
    numbers.note("a", [Judged(Result.REFUSED)])
    assert (numbers.of("a"), numbers.of("b")) == (5, 0)
