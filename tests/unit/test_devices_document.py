"""`docs/DEVICES.md`: its mapping is sound, what it names exists, and its list of keys is complete."""

import re

from events.codec import DEEPEST_LEVELS
from streams.gateway.adapters.adapting import ADAPTERS, NATIVE, adapt
from streams.gateway.adapters.bodies import LARGEST_BODY_BYTES, MOST_EVENTS, MOST_VALUES
from streams.gateway.adapters.mapping import Mapping, read_mapping
from streams.gateway.adapters.multipart import MOST_PARTS
from streams.gateway.adapters.xml_reading import MOST_ELEMENTS
from tests.unit.cli.programs import call
from tests.unit.gateway.adapters.devices import ROOT, source, taken

PAGE = (ROOT / "docs" / "DEVICES.md").read_text(encoding="utf-8")


def test_the_whole_example() -> None:
    """The mapping makes a record of the document that stands above it."""
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (document,) = re.findall(r"^A gate sends `(.*)`:$", PAGE, re.MULTILINE)
    adapted = taken(adapt(document.encode(), "application/json", source(own=read_mapping(text.encode()))))
    assert adapted.document["temperature_c"] == 36.78
    assert adapted.document["decision"] == "passed"


def test_every_key_is_explained() -> None:
    """The table has each key of a mapping, and no other."""
    table = PAGE.split("### All keys")[1]
    named = set(re.findall(r"^\| `\[*([a-z_]+)\]*` \|", table, re.MULTILINE))
    assert named == Mapping.model_fields.keys()


def test_adapters_and_paths() -> None:
    """Adapters and files that are named exist."""
    named = set(re.findall(r"^\| .* \| `([a-z]+)` \| ", PAGE, re.MULTILINE))
    assert named == ADAPTERS.keys() | {NATIVE}
    paths = re.findall(r"`((?:[a-z_]+/)+[a-z_.]*)`", PAGE)
    assert len(paths) >= 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_command() -> None:
    """The example of a check is sound as it stands there."""
    (line,) = re.findall(r"^gridwatch (mapping .*)$", PAGE, re.MULTILINE)
    arguments = [str(ROOT / word) if "/" in word else word for word in line.split()]
    assert call(*arguments).status == 0


def test_the_limits() -> None:
    """They are those of the code."""
    assert f"a body of {LARGEST_BODY_BYTES // 2**20} MiB, {MOST_EVENTS:,} events, {MOST_PARTS} parts" in PAGE
    assert f"{DEEPEST_LEVELS} levels, {MOST_VALUES:,} values, {MOST_ELEMENTS:,} XML elements" in PAGE
