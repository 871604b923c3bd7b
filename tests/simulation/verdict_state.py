"""The judgement of the state topics: whoever takes over now comes to the state that the whole log gives."""

from typing import Any

from faust.types import TP

from streams.broker.state_log import LoadedState
from streams.broker.state_reader import StateReader
from streams.intake.decider import new_intake
from streams.watch.decider import new_watch
from tests.simulation.broker import Broker
from tests.simulation.devices import RAW_TOPICS
from tests.simulation.verdict import Judgement
from tests.support.written import state_document

_REPEAT_HOURS = 48
_NEVER = 1 << 62  # nothing is to be published


def judge_state(judgement: Judgement, broker: Broker) -> None:
    """Load every scope, decide the rest of its log, and compare with one who decides all of it."""
    for tp in broker.of_topics(["timeline", *RAW_TOPICS]):
        loaded = load(broker, tp)
        if loaded is None:
            continue
        if loaded.next_offset > broker.partitions[tp].end:
            judgement.add_wrong("states ahead of their log", [f"{tp.topic}/{tp.partition}"])
        elif _state(broker, tp, loaded) != _state(broker, tp, None):
            judgement.add_wrong("states that are not what the log gives", [f"{tp.topic}/{tp.partition}"])
    judgement.add_lost("scopes of which no snapshot is whole", lost_scopes(broker))


def lost_scopes(broker: Broker) -> list[str]:
    """Return the scopes of which a snapshot was sealed once and none can be loaded now."""
    lost = []
    for tp in broker.of_topics(["timeline", *RAW_TOPICS]):
        scope = f"{tp.topic}/{tp.partition}/".encode()
        ever = broker.partitions[_state_tp(tp)].ever
        was_sealed = any(
            record.key and record.key.startswith(scope) and record.key.endswith(b"/seal") for record in ever
        )
        if was_sealed and load(broker, tp) is None:
            lost.append(f"{tp.topic}/{tp.partition}")
    return lost


def load(broker: Broker, tp: TP) -> LoadedState | None:
    """Load the newest state of a partition from its state topic as it stands."""
    reader = StateReader()
    for record in broker.partitions[_state_tp(tp)].records:
        reader.add(record.key, record.value)
    return reader.newest(f"{tp.topic}/{tp.partition}")


def _state_tp(tp: TP) -> TP:
    return TP("watch-state" if tp.topic == "timeline" else "intake-state", tp.partition)


def _state(broker: Broker, tp: TP, loaded: LoadedState | None) -> Any:
    begin, saved = (0, None) if loaded is None else (loaded.next_offset, loaded.state)
    records = broker.partitions[tp].ever[begin:]
    if tp.topic == "timeline":
        watch = new_watch(tp.partition, saved)
        watch.take(records, _NEVER)
        return state_document(watch.state)
    intake = new_intake(tp.topic, tp.partition, _REPEAT_HOURS, saved)
    intake.take(records, _NEVER)
    return intake._repeats._known
