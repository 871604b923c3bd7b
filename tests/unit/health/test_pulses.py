"""Stall or idleness, told from looks alone: what was due and did not move, for how many looks in a row."""

import pytest

from streams.health.pulses import Pulse, StalledError, Standing, find_stall, take_look

NAME = ("watch", "timeline:3")


def pulse(mark: object, *, is_due: bool = True, limit_s: float = 3, part: str = "watch") -> Pulse:
    return Pulse(part, "timeline:3", mark, is_due, limit_s, {"records to commit": 7})


def looks(history: str, limit_s: float = 3) -> list[int]:
    """Take a look for each letter, the mark; a small one is due, a large one is not. Return for how long it stood still."""
    standings: dict[tuple[str, str], Standing] = {}
    found = []
    for letter in history:
        standings = take_look(standings, [pulse(letter.lower(), is_due=letter.islower(), limit_s=limit_s)])
        found.append(standings[NAME].looks)
    return found


@pytest.mark.parametrize(
    ("history", "stood"),
    [
        ("abcd", [0, 0, 0, 0]),  # it goes on
        ("aaaa", [0, 1, 2, 3]),  # it is due and stands still
        ("AAAA", [0, 0, 0, 0]),  # nothing to do, or something is rightly waited for
        ("aaab", [0, 1, 2, 0]),  # it has moved at last
        ("aaAa", [0, 1, 0, 1]),  # what was waited for is there: its time begins anew
        ("AAaa", [0, 0, 1, 2]),
    ],
)
def test_standing_still(history: str, stood: list[int]) -> None:
    assert looks(history) == stood


def test_the_time_between_looks_does_not_count() -> None:
    """A process that was stopped for an hour between two looks has taken one look, and stands still for one."""
    standings = take_look({}, [pulse("a")])
    assert find_stall(take_look(standings, [pulse("a")]), [pulse("a")], look_s=1.0) is None


def test_a_stall_comes_with_the_look_that_makes_up_the_limit() -> None:
    standing = Standing("a", 2)
    assert find_stall({NAME: standing}, [pulse("a")], look_s=1.0) is None

    stall = find_stall({NAME: standing._replace(looks=3)}, [pulse("a")], look_s=1.0)

    assert stall is not None
    assert str(stall) == "watch: timeline:3 stands still for 3 s (records to commit 7)"
    assert str(StalledError(stall)) == str(stall)
    assert StalledError(stall).exit_status == 70


def test_no_limit_is_never() -> None:
    assert find_stall({NAME: Standing("a", 10**9)}, [pulse("a", limit_s=0)], look_s=1.0) is None


def test_the_first_of_several_is_told() -> None:
    """Parts put the most telling first."""
    first, second = pulse("a", part="intake"), pulse("a", part="watch")
    standings = {each.name: Standing("a", 9) for each in (first, second)}

    assert find_stall(standings, [first, second], look_s=1.0) is not None
    assert find_stall(standings, [first, second], look_s=1.0).pulse is first  # type: ignore[union-attr]


def test_what_is_gone_is_forgotten() -> None:
    """A partition that went to another worker and comes back begins anew."""
    standings = take_look({NAME: Standing("a", 2)}, [])

    assert take_look(standings, [pulse("a")])[NAME].looks == 0


def test_what_cannot_be_heard_stays_as_it_was() -> None:
    """While an event loop does not answer, its partitions are not looked at, and not forgiven either."""
    standings = take_look({NAME: Standing("a", 2)}, [], unheard={"watch"})

    assert take_look(standings, [pulse("a")])[NAME].looks == 3
