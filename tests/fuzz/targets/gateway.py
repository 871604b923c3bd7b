"""Any bytes as a request to the gateway: a problem, or a result for each record; what is written is what intake takes.

An input begins with three bytes that choose adapter, content type and encoding; the rest is the body. With some encodings
the body is packed first, so that what is inside is reached; with others it stands as it is.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from events.codec import decode_from_topic
from events.records import OUTSIDE_KINDS
from streams.broker.outputs import Output
from streams.gateway.adapters.adapting import adapt
from streams.gateway.answers import answer
from streams.gateway.bodies import (
    LARGEST_BODY_BYTES,
    LARGEST_DEVICE_BODY_BYTES,
    MOST_RECORDS,
    decompress,
    read_records,
    zstd,
)
from streams.gateway.door import Door, Judged, Result, outputs_of
from streams.gateway.problems import Problem
from streams.gateway.pseudonyms import Pseudonyms
from streams.gateway.recent import RecentRecords
from streams.gateway.registry import RegisteredSource
from streams.gateway.sources import Rights, Source
from tests.fuzz.corpus import records
from tests.fuzz.mutation import mutate_bytes, mutate_record
from tests.fuzz.target import Found

_ROOT = Path(__file__).parents[3]
_DEVICES, _MAPPINGS = _ROOT / "tests" / "fixtures" / "devices", _ROOT / "deploy" / "devices" / "mappings"
# After everything in the corpus that is not refused for itself.
_RECEIVED_MS = 4_102_444_800_000
_AREA = "jintang/huaikou/c001"
_SOURCE_ID = re.compile(rb'"source_id": ?"([A-Za-z0-9._:-]{1,64})"')
_PLACE = re.compile(r'"(area|checkpoint_id)": ?"([^"\\]{1,64})"')


def _device(adapter: str, mapping: str = "", **options: Any) -> RegisteredSource:
    text = (_MAPPINGS / f"{mapping}.toml").read_text("utf-8") if mapping else None
    given = {"time_zone": "Asia/Shanghai", "direction": "in", "areas": (_AREA,), "checkpoints": ("gate-3",), **options}
    kinds = ("checkpoint_scanned", "temperature_taken")
    return RegisteredSource(source_id="gate-3", kinds=kinds, adapter=adapter, mapping=text, **given)


_ADAPTERS: tuple[RegisteredSource | None, ...] = (
    None,
    _device("hikvision", sequence_counts=False),
    *(_device("mapping", path.stem) for path in sorted(_MAPPINGS.glob("*.toml"))),
)
_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/xml",
    "text/plain",
    "multipart/form-data; boundary=gridwatch-sample",
    'multipart/mixed; boundary="-"',
    "application/json; charset=us-ascii",
    "",
    "application/json; charset*=utf-8''\"; ;=",
    "multipart/form-data; boundary=" + "x" * 300,
)
_AS_IT_IS: Callable[[bytes], bytes] = bytes
_ENCODINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("", _AS_IT_IS),
    ("gzip", gzip.compress),
    ("zstd", zstd.compress),
    ("gzip", _AS_IT_IS),
    ("zstd", _AS_IT_IS),
    ("br", _AS_IT_IS),
)
_PLAIN = 0


def run(data: bytes) -> Found:
    """Judge the records of a request twice: the second time nothing of it is new that can be a repeat."""
    choice, body = data[:3].ljust(3, b"\0"), data[3:]
    adapter = _ADAPTERS[choice[0] % len(_ADAPTERS)]
    content_type = _TYPES[choice[1] % len(_TYPES)]
    encoding, pack = _ENCODINGS[choice[2] % len(_ENCODINGS)]
    door = Door(RecentRecords(10_000), Pseudonyms("k1", b"\x0f" * 32).person_id)
    source = _native(body) if adapter is None else adapter.source
    try:
        judged = _judge(door, source, adapter, pack(body), content_type, encoding)
    except Problem as problem:
        if json.loads(problem.body())["status"] != problem.status:
            raise AssertionError("a problem says its status") from problem
        return Found(refused=1)
    found = _assert_sound(source, judged)
    door.acknowledge(judged)
    again = _judge(door, source, adapter, pack(body), content_type, encoding)
    # What the core may refuse is taken as often as it comes, and has no fingerprint.
    assert not any(each.result is Result.ACCEPTED and each.fingerprint for each in again), (
        "what was acknowledged is a repeat"
    )
    return found


def _judge(
    door: Door, source: Source, adapter: RegisteredSource | None, body: bytes, content_type: str, encoding: str
) -> list[Judged]:
    if adapter is None:
        lines = read_records(decompress(body, encoding, LARGEST_BODY_BYTES), content_type)
        judged = door.judge(source, lines, _RECEIVED_MS)
        assert 1 <= len(judged) == len(lines) <= MOST_RECORDS
        return judged
    adapted = adapt(decompress(body, encoding, LARGEST_DEVICE_BODY_BYTES), content_type, adapter.adapter_settings())
    judged = door.judge_adapted(source, adapted, _RECEIVED_MS, counts_records=adapter.sequence_counts)
    assert len(judged) == len(adapted)  # of a page without events none
    return judged


def _assert_sound(source: Source, judged: list[Judged]) -> Found:
    """Demand a result for each record, and that what is written is the source's own and can be read."""
    counts = Counter(each.result for each in judged)
    told = json.loads(answer(judged)[1])
    assert [each["result"] for each in told["records"]] == [each.result for each in judged]
    outputs = outputs_of(judged)
    assert len(outputs) == counts[Result.ACCEPTED]
    for output in outputs:
        _assert_readable(source, output)
    for each in judged:
        if each.result is Result.REFUSED:
            assert each.reason
            assert each.message.isprintable()
            assert len(each.path) < 1000, "a path names fields, and repeats nothing else"
    taken = len(outputs) + counts[Result.DUPLICATE] + counts[Result.PASSED_OVER]
    return Found(taken, counts[Result.REFUSED])


def _assert_readable(source: Source, output: Output) -> None:
    assert output.value is not None
    assert output.key == source.source_id.encode()
    record = decode_from_topic(output.value, output.topic)
    assert record.source_id == source.source_id
    assert source.rights.lacking(record) is None
    assert record.received_at is not None


def _native(body: bytes) -> Source:
    """Return the source that a body names first; it may send what the corpus has."""
    named = _SOURCE_ID.search(body)
    return Source(named[1].decode() if named else "gate-3", _rights())


@cache
def _rights() -> Rights:
    found: dict[str, set[str]] = {"area": {_AREA}, "checkpoint_id": {"gate-3"}}
    for name, value in chain.from_iterable(_PLACE.findall(record.decode("utf-8", "replace")) for record in records()):
        found[name].add(value)
    return Rights(frozenset(OUTSIDE_KINDS), tuple(sorted(found["area"])), frozenset(found["checkpoint_id"]))


# -- inputs


@cache
def seeds() -> tuple[bytes, ...]:
    """Return records in all forms, and what devices send, for the adapter that knows it."""
    return tuple(_seeds())


def _seeds() -> Iterator[bytes]:
    single = [record for record in records() if record[:1] == b"{"]
    for record in single:
        yield bytes((0, 0, _PLAIN)) + record
    for begin in range(0, len(single), 7):
        group = single[begin : begin + 7]
        yield bytes((0, 0, 1)) + b"[" + b",".join(group) + b"]"
        yield bytes((0, 1, 2)) + b"\n".join(group)
    scan = {"kind": "checkpoint_scanned", "event_id": "e", "occurred_at": "2020-02-01T00:00:00Z", "area": _AREA}
    scan |= {"checkpoint_id": "gate-3", "direction": "in", "decision": "passed"}
    for number in ("E12345678", "11010519491231002X", "\uff11", ""):
        yield bytes(3) + json.dumps({**scan, "identity": {"type": "cn_resident_id", "number": number}}).encode()
    for number, adapter in enumerate(_ADAPTERS):
        for path in sorted(_DEVICES.iterdir()):
            if adapter is not None and path.suffix != ".md":
                kind = {".multipart": 4, ".xml": 2, ".txt": 3}.get(path.suffix, 0)
                yield bytes((number, kind, _PLAIN)) + path.read_bytes()


def mutate(data: bytes, random: Random) -> bytes:
    """Make another request of one: mostly of its body, which is mostly a record or what a device sends."""
    choice, body = bytearray(data[:3].ljust(3, b"\0")), data[3:]
    if random.random() < 0.1:
        choice[random.randrange(3)] = random.randrange(256)
    bodies = [seed[3:] for seed in _some_seeds()]
    chance = random.random()
    if chance < 0.1:
        others = [body, *(random.choice(bodies) for _ in range(random.choice((1, 2, 20))))]
        random.shuffle(others)
        separator, around = random.choice(((b",", b"[]"), (b"\n", b""), (b"", b"")))
        return bytes(choice) + around[:1] + separator.join(others) + around[1:]
    change = mutate_bytes if chance < 0.3 else mutate_record
    return bytes(choice) + change(body, random, bodies)


@cache
def _some_seeds() -> tuple[bytes, ...]:
    return tuple(seed for seed in seeds() if len(seed) < 5000)
