"""The state written down and read back, and a form in which two states can be compared whatever the order of the log."""

import json
from typing import Any

import msgspec

from streams.core import snapshot
from streams.core.ledger import Ledger
from streams.core.person import Person
from streams.core.state import State


def written(state: State) -> tuple[str, dict[str, bytes]]:
    """Return the whole state as it would be written down: its head as JSON, and all entries."""
    snapshot.changes(state)
    entries = {key: snapshot.entry(state, key) for key in sorted(snapshot.entry_keys(state))}
    whole = {key: value for key, value in entries.items() if value is not None}
    assert len(whole) == len(entries)
    return json.dumps(snapshot.dump_head(state)), whole


def read_back(state: State) -> State:
    """Return the state as it comes back from what is written down."""
    head, entries = written(state)
    return snapshot.load_state(json.loads(head), dict(entries))


def state_document(state: State) -> dict[str, Any]:
    """Return everything that the state holds, layouts by what is in them and nothing in the order of the log."""
    head = snapshot.dump_head(state)
    for cache in ("last_layout", "references", "passed_generation"):
        del head[cache]
    people = [msgspec.msgpack.decode(msgspec.msgpack.encode(person, enc_hook=_ledger)) for person in state.people]
    passed = sorted([*state.passed_scans.older.items(), *state.passed_scans.newer.items()])
    return {
        "head": head,
        "people": [repr(_without_layouts(person)) for person in people],
        "passed": passed,
        "sources": list(map(repr, state.sources)),
    }


def _ledger(value: Any) -> Any:
    assert isinstance(value, Ledger)
    return [value.layout.content, bytes(value.marks).hex(), sorted(value.fresh_misses.items())]


def _without_layouts(person: list[Any]) -> list[Any]:
    place = Person.__struct_fields__.index("layouts")
    return [*person[:place], *person[place + 1 :]]
