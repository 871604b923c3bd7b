"""Any bytes in the topic `alerts`, for whoever follows it (`streams/following.py`): an alert to show, or passed over."""

import json
from collections.abc import Sequence
from random import Random

from events.vocabulary import Severity
from streams.cli.watch import alert_line
from streams.following import AlertFilter, Revisions, read_alert
from tests.fuzz.corpus import records
from tests.fuzz.mutation import mutate_record
from tests.fuzz.target import Found
from tests.fuzz.targets import sink

_FILTERS = (
    AlertFilter(),
    AlertFilter(area="t", rules=frozenset({"fever"}), severity=Severity.CRITICAL, states=frozenset({"open"})),
)


def run(data: bytes) -> Found:
    """Follow messages, one a line: each alert is shown once, and filtered as asked."""
    revisions = Revisions("alert_id")
    taken = refused = 0
    for line in data.split(b"\n"):
        alert = read_alert(line)
        if alert is None:
            refused += 1
            continue
        taken += 1
        if revisions.is_new(alert):
            assert not revisions.is_new(alert)
            assert _FILTERS[0].lets_through(alert)
            _FILTERS[1].lets_through(alert)
            assert alert_line(alert, in_colour=taken % 2 == 0).encode()
            assert json.dumps(alert, ensure_ascii=False).encode()
    return Found(taken, refused)


def mutate(data: bytes, random: Random) -> bytes:
    """Change one of the messages."""
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    lines[number] = mutate_record(lines[number], random, records())
    return b"\n".join(lines)


def seeds() -> Sequence[bytes]:
    """Return single messages, and what some logs become, alerts among them."""
    return sink.seeds()
