"""What holds of any bytes and of any mapping: nothing is raised, and what is taken is a record of the contract."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from events.codec import decode_strictly
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.adapting import ADAPTERS, adapt
from streams.gateway.adapters.mapping import Mapping, MappingError, read_mapping
from streams.gateway.adapters.outcomes import Adapted, PassedOver, Refused, Taken
from tests.unit.gateway.adapters.devices import MAPPINGS, SAMPLE_BOUNDARY, SAMPLES, example, sample, source

SAMPLE_NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix != ".md")
EXAMPLES = [example(path.stem) for path in sorted(MAPPINGS.glob("*.toml"))]
CONTENT_TYPES = st.sampled_from(
    [
        "",
        "application/json",
        "application/json; charset=gbk",
        "application/x-ndjson",
        "application/xml",
        "text/plain; charset=nonsense",
        SAMPLE_BOUNDARY,
        "multipart/mixed; boundary*0=a; boundary*1=b",
        'multipart/mixed; boundary="a b"',
        "multipart/mixed",
    ]
) | st.text(max_size=60)


def check(adapted: list[Adapted]) -> None:
    """Look at every outcome as the gateway would."""
    for each in adapted:
        if isinstance(each, PassedOver):
            assert each.why
        elif isinstance(each, Refused):
            assert isinstance(each.reason, DeadLetterReason)
            assert each.message.startswith("expected")
        else:
            check_record(each)


def check_record(taken: Taken) -> None:
    """A record is what the contract takes, under a pseudonym where the device had an identity."""
    person_id = None if taken.identity is None else "p-000001"
    written = json.dumps(taken.record(person_id), ensure_ascii=False).encode()
    record: Any = decode_strictly(written)
    assert record.received_at is None
    assert record.source_id == "gate-1"
    assert taken.record(person_id) == taken.record(person_id)


@settings(deadline=None)
@given(st.sampled_from(sorted(ADAPTERS)), st.sampled_from(EXAMPLES), st.binary(max_size=300), CONTENT_TYPES)
def test_any_bytes(adapter: str, mapping: Mapping, body: bytes, content_type: str) -> None:
    """Any bytes under any content type give a list of outcomes."""
    check(adapt(body, content_type, source(adapter, mapping)))


@settings(deadline=None)
@given(st.data())
def test_damaged_samples(data: st.DataObject) -> None:
    """A sample that was cut, overwritten or doubled gives a list of outcomes, whichever adapter reads it."""
    body = bytearray(sample(data.draw(st.sampled_from(SAMPLE_NAMES))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body)))
        length = data.draw(st.integers(0, 8))
        body[at : at + length] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"1e999", b"\\ud800", b"null", b"-1"])
        )
    adapter = data.draw(st.sampled_from(sorted(ADAPTERS)))
    content_type = SAMPLE_BOUNDARY if body.startswith(b"--") else "application/json"

    check(
        adapt(
            bytes(body),
            content_type,
            source(
                adapter,
                data.draw(
                    st.sampled_from([None, *EXAMPLES[:1]]) if adapter == "hikvision" else st.sampled_from(EXAMPLES)
                ),
            ),
        )
    )


NAMES = st.sampled_from(["who", "at", "t", "code", "list", "0"])
PATHS = st.lists(NAMES, min_size=0, max_size=3).map(".".join) | NAMES.map("$.{}".format)
ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**17, 10**60)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["\ud800", "١", [], {}, ["x"], {"t": 1}])
)
TIMES = st.sampled_from(
    [
        "2020-02-08T09:10:11+08:00",
        "2020-02-08 09:10:11",
        "08.02.2020 0910+01",
        "2020-03-29T02:30:00",
        "2020-10-25T02:30:00",
        "0000-01-01 00:00:00",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59-12:00",
        "1580000000",
        1580000000,
        1580000000000,
        1e300,
        -1,
    ]
)
READINGS = st.sampled_from([36.5, "36.5", "36,5", 98.2, 310.1, 0, "0", 0.0, -0.0, 32, 1e308, 10**40, -273.15, "x", ""])
PEOPLE = st.sampled_from(["p-1", "p-1", 17, "E 17", "x" * 65, "a/b"])


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any] = ODD) -> st.SearchStrategy[Any]:
    """Return what is usual in nine of ten cases, and odd else."""
    return st.integers(0, 9).flatmap(lambda number: odd if number == 7 else usual)


CODED = st.sampled_from(["0", 1, "x", 1.0, "new"])
EVENTS = st.fixed_dictionaries(
    {"who": mostly(PEOPLE), "at": mostly(TIMES), "t": mostly(READINGS), "code": mostly(CODED)}
)
VALUES = mostly(EVENTS | st.builds(dict, list=st.lists(mostly(EVENTS), max_size=3)) | st.lists(EVENTS, max_size=3))
CODES = st.lists(st.sampled_from([0, 1, "1", "x", True, 36.5, "p-1"]), min_size=1, max_size=3)
CONDITIONS = st.fixed_dictionaries({"field": PATHS, "is": CODES}) | st.fixed_dictionaries(
    {"field": PATHS, "is_missing": st.booleans()}
)
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "+14:00", "-23:59"])
WRITTEN = st.sampled_from(["iso", "iso", "unix", "unix_s", "unix_ms", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H%M%z"])


def at(name: str) -> st.SearchStrategy[str]:
    """Return paths that lead to a field as a rule."""
    return mostly(st.just(name), PATHS)


def coded(*words: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return tables for a field with a closed set of words."""
    word = st.sampled_from(words)
    by_table = st.fixed_dictionaries(
        {"path": at("code"), "values": st.dictionaries(st.sampled_from(["0", "1", "x", "true"]), word, min_size=1)},
        optional={"otherwise": word},
    )
    return st.builds(dict, value=word) | by_table


IDENTITIES = st.fixed_dictionaries({"type": st.just("n"), "number": at("who")}, optional={"per_device": st.booleans()})
TABLES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.just("any"),
    "format": st.sampled_from(["json", "json_or_xml"]),
    "person": st.builds(dict, person_id=at("who")) | st.builds(dict, identity=IDENTITIES),
    "occurred_at": st.fixed_dictionaries({"path": at("at"), "written": WRITTEN}, optional={"time_zone": ZONES}),
    "temperature_c": st.fixed_dictionaries(
        {"path": at("t")},
        optional={"unit": st.sampled_from(["celsius", "fahrenheit", "kelvin"]), "not_measured": CODES},
    ),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "events": st.just("list") | PATHS,
    "pass_over": st.lists(st.fixed_dictionaries({"why": st.just("w"), "field": PATHS, "is": CODES}), max_size=2),
    "backlog": CONDITIONS,
    "sequence": st.fixed_dictionaries({"path": PATHS}, optional={"previous": PATHS}),
    "site": coded("forehead", "ear"),
}
SCANS = {"direction": coded("in", "out"), "health_code": coded("green", "red")}
MAPPING_DOCUMENTS = st.fixed_dictionaries(
    TABLES | {"kind": st.just("temperature_taken")}, optional=OPTIONAL
) | st.fixed_dictionaries(
    TABLES | {"kind": st.just("checkpoint_scanned"), "decision": coded("passed", "held")}, optional=OPTIONAL | SCANS
)


@settings(deadline=None)
@given(MAPPING_DOCUMENTS, VALUES, ZONES)
def test_any_mapping(document: dict[str, Any], value: Any, zone: str) -> None:
    """A mapping that the checker takes makes records of the contract, or refusals, of any document."""
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError:
        return
    body = json.dumps(value).encode()

    check(adapt(body, "application/json", source(own=mapping, time_zone=zone)))


@settings(deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace")))
def test_any_mapping_file(raw: bytes) -> None:
    """Any bytes are a mapping, or faults with what was expected."""
    faults = []
    try:
        read_mapping(raw)
    except MappingError as error:
        faults = error.faults
    assert all("expected" in message for _, _, message in faults)
