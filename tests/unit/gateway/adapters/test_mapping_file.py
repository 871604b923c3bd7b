"""A mapping file: every fault is told with its line and its key, and what is sound is read."""

import pytest

from streams.gateway.adapters.hikvision import hikvision_mapping
from streams.gateway.adapters.mapping import LARGEST_MAPPING_BYTES, MappingError, read_mapping
from tests.unit.gateway.adapters.devices import MAPPINGS, example

SOUND = """\
name = "gate"
format = "json"
kind = "checkpoint_scanned"

[[pass_over]]
why = "heartbeat"
field = "op"
is = ["beat"]

[person]
identity = { type = "n", number = "who" }

[occurred_at]
path = "at"
written = "iso"

[temperature_c]
path = "t"

[decision]
path = "code"
values = { 1 = "passed" }
"""
TABLE_LINES = {"person": 10, "occurred_at": 13, "temperature_c": 17, "decision": 20}


def faults(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(MappingError) as caught:
        read_mapping(text.encode())
    return caught.value.faults


def test_a_sound_one() -> None:
    """It is read, with a mark of UTF-8 in front as well."""
    assert read_mapping(SOUND.encode()).name == "gate"
    assert read_mapping(SOUND.encode("utf-8-sig")) == read_mapping(SOUND.encode())


@pytest.mark.parametrize("name", sorted(path.stem for path in MAPPINGS.glob("*.toml")))
def test_the_examples(name: str) -> None:
    """The examples that are shipped are sound."""
    assert example(name).name


def test_the_built_in_one() -> None:
    """So is the one for Hikvision."""
    assert hikvision_mapping() is hikvision_mapping()


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message"),
    [
        ('"json"', '"jsom"', 2, "format", "expected 'json', 'xml'"),
        ('kind = "checkpoint_scanned"', "", None, "kind", "expected this field"),
        ('field = "op"', 'field = "op..x"', 7, "pass_over.0.field", "expected a path"),
        ('is = ["beat"]', 'is = ["beat", " "]', 8, "pass_over.0.is", "expected no empty text"),
        ('is = ["beat"]', "is = [{}]", 8, "pass_over.0.is", "expected a value"),
        (
            'is = ["beat"]',
            'is_not = ["x"]\nis_missing = true',
            5,
            "pass_over.0",
            "expected one of is, is_not and is_missing",
        ),
        (
            'number = "who"',
            'number = "who", card = "c"',
            11,
            "person.identity.0.card",
            "expected no field of this name",
        ),
        ('number = "who" }', 'number = "who" }\nperson_id = "p"', 10, "person", "expected either person_id"),
        ('written = "iso"', 'written = "%Y-%q"', 15, "occurred_at.written", "not %q"),
        ('written = "iso"', 'written = "iso"\ntime_zone = "Mars"', 16, "occurred_at.time_zone", "IANA name"),
        ('path = "t"', 'path = "t"\nunit = "C"', 19, "temperature_c.unit", "expected 'celsius'"),
        ('path = "t"', 'path = "t"\nunit_path = "u"', 17, "temperature_c", "unit_path and units together"),
        ('1 = "passed"', '1 = "let in"', 22, "decision.values.1", "expected 'passed', 'held' or 'turned_back'"),
        ('1 = "passed"', 'A = "passed", a = "held"', 22, "decision.values", "differ by more than"),
        ('values = { 1 = "passed" }', "", 20, "decision", "path and values together"),
        ('1 = "passed" }', '1 = "passed" }\nnothing = [1]', 20, "decision", "each code once"),
        ("[decision]", "[verdict]", 20, "verdict", "expected no field of this name"),
        ('"checkpoint_scanned"', '"temperature_taken"', None, "", "with kind checkpoint_scanned only"),
        ('"json"', '"columns"', None, "", "expected columns"),
        ('"json"', '"json', 2, "", "expected TOML"),
        ('"json"', "1" + "0" * 5000, None, "", "beyond all bounds"),
        ('"json"', "[" * 5000 + "]" * 5000, None, "", "beyond all bounds"),
        ("[occurred_at]", "[person]", 13, "", "expected TOML"),
    ],
)
def test_faults(old: str, new: str, line: int | None, key: str, message: str) -> None:
    """Each fault has the line of its key or of the table around it."""
    assert old in SOUND
    found = faults(SOUND.replace(old, new, 1))
    assert any((at, where) == (line, key) and message in said for at, where, said in found), found


def test_all_faults_at_once() -> None:
    """Whoever writes a mapping sees everything that is wrong with it."""
    text = SOUND.replace('"json"', '"jsom"').replace('"iso"', '"?"').replace('"passed"', '"in"')
    assert [(line, key) for line, key, _ in faults(text)] == [
        (2, "format"),
        (15, "occurred_at.written"),
        (22, "decision.values.1"),
    ]


def test_lists_of_tables_are_counted() -> None:
    """The second table of a list has its own line, and so have quoted and dotted keys."""
    more = '[[pass_over]]\nwhy = "x"\n"field" = "a..b"\nis = [1]\n'
    assert (25, "pass_over.1.field") in [(line, key) for line, key, _ in faults(SOUND + more)]
    dotted = SOUND.replace('[temperature_c]\npath = "t"', "").replace("\n[[", 'temperature_c . "path" = ""\n[[')
    assert read_mapping(dotted.encode()).temperature_c is not None
    wrong = dotted.replace('"path" = ""', '"path" = 5')
    assert (4, "temperature_c.path") in [(line, key) for line, key, _ in faults(wrong)]


def test_bytes_that_are_no_text() -> None:
    """The line is that of the first byte that cannot be read."""
    with pytest.raises(MappingError) as caught:
        read_mapping(b'name = "a"\nformat = "\xff"\n')
    assert caught.value.faults == [(2, "", "expected text in UTF-8")]


def test_too_large() -> None:
    """A file beyond all reason is not even read."""
    assert "at most" in faults("#" * (LARGEST_MAPPING_BYTES + 1))[0][2]
