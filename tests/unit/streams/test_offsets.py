"""How far a group is behind."""

from faust.types import TP

from streams.broker.offsets import behind

ONE, TWO = TP("visits", 0), TP("visits", 1)


def test_behind() -> None:
    """Only partitions that are behind are named, with the number of records."""
    assert behind({ONE: 5, TWO: 7}, {ONE: 5, TWO: 4}) == {TWO: 3}


def test_nothing_committed() -> None:
    """Everything is still to come, unless there is nothing; brokers say -1 for no commit."""
    assert behind({ONE: 5, TWO: 0}, {}) == {ONE: 5}
    assert behind({ONE: 5}, {ONE: -1}) == {ONE: 5}


def test_committed_beyond_the_end() -> None:
    """Is not behind: the log was made anew, or more was written since the ends were read."""
    assert behind({ONE: 5}, {ONE: 9}) == {}


def test_other_partitions() -> None:
    """What the group has committed elsewhere does not count."""
    assert behind({ONE: 5}, {TP("temperatures", 0): 5, TWO: 5}) == {ONE: 5}
