"""What a seed breaks: which kinds of faults there are in its run, how often they strike, and how often they did."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

# Kinds that may strike at any request, and how often at most.
AT_REQUESTS = {
    "crash before": 0.01,
    "crash within": 0.01,
    "crash after": 0.01,
    "freeze before": 0.006,
    "freeze within": 0.006,
    "freeze after": 0.006,
    "lost request": 0.03,
    "lost answer": 0.03,
    "slow": 0.08,
}
# Kinds that come at some moment of the story, and how many of them at most.
AT_MOMENTS = {
    "worker joins": 4,
    "worker leaves": 4,
    "worker killed": 6,
    "group without coordinator": 4,
    "partition unreachable": 6,
    "raw topics unreachable": 2,
    "clock jumps ahead": 2,
    "clock jumps back": 2,
    "broker's time jumps": 2,
    "state compacted": 20,
    "results compacted": 8,
    "tables merged": 20,
    "tables out of reach": 3,
}
# Kinds that may strike at any insert, and how often at most.
AT_INSERTS = {"insert refused": 0.2, "insert unanswered": 0.2, "insert hangs": 0.05}
# Kinds that may strike at any record that a source sends.
AT_SOURCES = {"source sends twice": 0.05}

# What is asked often and changes nothing is struck less often, what is rare and counts more often.
_WEIGHTS = {
    "describe": 0.2,
    "ends": 0.2,
    "committed intake": 0.2,
    "insert": 5.0,
    "commit sink": 5.0,
    "commit intake": 5.0,
    "commit watch": 3.0,
}
_STALLS_MAX = 40


@dataclass
class Faults:
    """The faults of a run; none strikes while it is calm."""

    random: Random
    rates: dict[str, float]
    struck: Counter[str] = field(default_factory=Counter)
    is_calm: bool = False
    _stalls: int = 0

    def strikes(self, kind: str, what: str = "") -> bool:
        """Draw whether a fault strikes here, and count it if it does."""
        rate = self.rates.get(kind)
        if rate is None or self.is_calm or self.random.random() >= rate * _WEIGHTS.get(what, 1.0):
            return False
        if kind.startswith(("crash", "freeze")):
            if self._stalls >= _STALLS_MAX:
                return False
            self._stalls += 1
        self.count(f"{kind} {what}" if what else kind)
        return True

    def count(self, kind: str) -> None:
        """Count a fault that struck."""
        self.struck[kind] += 1

    def seconds(self, shortest: float, longest: float) -> float:
        """Draw how long something lasts: short as often as long, by orders of magnitude."""
        return float(shortest * (longest / shortest) ** self.random.random())


def draw_faults(random: Random) -> tuple[Faults, dict[str, int]]:
    """Draw the faults of a seed and how many of each kind come at some moment.

    About half of the kinds are left out: what always comes together hides what comes alone.
    """
    share = random.choice([0.3, 0.6, 0.9])
    rates = {
        kind: highest * random.choice([0.03, 0.1, 0.3, 1.0])
        for kind, highest in (AT_REQUESTS | AT_INSERTS | AT_SOURCES).items()
        if random.random() < share
    }
    moments = {kind: random.randint(1, most) for kind, most in AT_MOMENTS.items() if random.random() < share}
    return Faults(random, rates), moments
