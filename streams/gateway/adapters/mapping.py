"""A mapping file: how a device's document becomes records, in TOML (docs/DEVICES.md says it for technicians)."""

import re
import tomllib
from collections.abc import Iterable
from datetime import tzinfo
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from events.faults import every_fault
from events.vocabulary import Decision, Direction, HealthCode, Site
from streams.gateway.adapters.times import ReadTime, load_zone, time_reader
from streams.gateway.adapters.toml_lines import line_of
from streams.gateway.adapters.values import FieldPath, code_of

LARGEST_MAPPING_BYTES = 64 * 1024
_SCANS_ONLY = ("decision", "direction", "health_code")


class MappingError(ValueError):
    """A mapping cannot be used; `faults` are line (None where no line is at fault), key and what was expected there."""

    def __init__(self, faults: list[tuple[int | None, str, str]]) -> None:
        super().__init__(
            "; ".join(f"line {line or '?'}, {key or 'mapping'}: {message}" for line, key, message in faults)
        )
        self.faults = faults


def _paths(value: object) -> object:
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= 16 or isinstance(value, FieldPath):
        raise ValueError("expected a path, or a list of 1 to 16 paths of which the first that is there counts")
    return tuple(FieldPath.parse(item) for item in items)


def _codes(value: object) -> object:
    codes = [code_of(item) for item in (value if isinstance(value, list) else [value])]
    if not 1 <= len(codes) <= 1000 or None in codes:
        raise ValueError("expected a value, or a list of values: texts, numbers, true or false")
    if "" in codes:
        raise ValueError("expected no empty text: a field that is empty counts as missing")
    return frozenset(codes)


def _listed(value: object) -> object:
    return [value] if isinstance(value, dict) else value


def _known_zone(name: str) -> str:
    load_zone(name)
    return name


def _readable_format(written: str) -> str:
    time_reader(written)
    return written


Paths = Annotated[tuple[FieldPath, ...], BeforeValidator(_paths)]
Codes = Annotated[frozenset[str], BeforeValidator(_codes)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:-]{0,63}$")]
NumberingType = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class _Table(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True, populate_by_name=False
    )


class Condition(_Table):
    """Something that holds of an event: a field is one of some values, none of them, or missing."""

    field: Paths
    is_: Codes | None = Field(default=None, alias="is")
    is_not: Codes | None = None
    is_missing: bool | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(each is not None for each in (self.is_, self.is_not, self.is_missing)) != 1:
            raise ValueError("expected one of is, is_not and is_missing")
        return self

    def holds(self, value: object) -> bool:
        """Tell whether it holds of a value, None for one that is missing."""
        if self.is_missing is not None:
            return (value is None) == self.is_missing
        if self.is_ is not None:
            return code_of(value) in self.is_
        return value is not None and self.is_not is not None and code_of(value) not in self.is_not


class PassOver(Condition):
    """A condition under which an event is none for us; `why` is the word under which it is counted.

    It holds for events without a reading, and for those with one only where `with_readings` says so.
    """

    why: Label
    with_readings: bool = False


Word = TypeVar("Word")


class Coded(_Table, Generic[Word]):
    """A field with a closed set of words: always the same word, or the device's codes by a table.

    `nothing` are codes that say nothing; `otherwise` stands for codes that are neither there nor in the table, and for a
    field that is missing.
    """

    value: Word | None = None
    path: Paths | None = None
    values: dict[str, Word] = Field(default_factory=dict, max_length=1000)
    nothing: Codes = frozenset()
    otherwise: Word | None = None

    @field_validator("values")
    @classmethod
    def _codes_differ(cls, values: dict[str, Any]) -> dict[str, Any]:
        folded = {code_of(code) or "": word for code, word in values.items()}
        if len(folded) != len(values):
            raise ValueError("expected codes that differ by more than small and capital letters")
        return folded

    @model_validator(mode="after")
    def _has_value_or_path(self) -> Self:
        if (self.value is None) == (self.path is None):
            raise ValueError("expected either value, or path with values")
        if (self.path is None) != (not self.values):
            raise ValueError("expected path and values together: which code of the device means which word")
        if self.value is not None and (self.otherwise is not None or self.nothing):
            raise ValueError("expected neither otherwise nor nothing beside value: they would never hold")
        if self.nothing & self.values.keys():
            raise ValueError("expected each code once, in values or in nothing")
        return self


class NumberedPerson(_Table):
    """A number of the device's own, which the gateway turns into a pseudonym.

    Where each device numbers people by itself, `per_device` makes a numbering of its own of each.
    """

    type: NumberingType
    number: Paths
    per_device: bool = False


class Person(_Table):
    """Who was met, by the first numbering that names somebody.

    `nobody` are the values by which the device says that it does not know.
    """

    person_id: Paths | None = None
    identity: Annotated[tuple[NumberedPerson, ...], BeforeValidator(_listed), Field(max_length=16)] = ()
    nobody: Codes = frozenset()

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.person_id is None) == (not self.identity):
            raise ValueError("expected either person_id, where the device has the pseudonym, or identity")
        return self


class Time(_Table):
    """When it happened, by the device's clock."""

    path: Paths
    written: Annotated[str, Field(max_length=64), AfterValidator(_readable_format)]
    time_zone: Annotated[str, AfterValidator(_known_zone)] | None = None

    @cached_property
    def read(self) -> ReadTime:
        """What reads such times."""
        return time_reader(self.written)

    @cached_property
    def zone(self) -> tzinfo | None:
        """The zone that the mapping fixes; None for that of the source."""
        return None if self.time_zone is None else load_zone(self.time_zone)


Unit = Literal["celsius", "fahrenheit", "kelvin"]


class Temperature(_Table):
    """The reading, in a fixed unit or in one that the device names; what says `not measured`, and the device's own alarm."""

    path: Paths
    unit: Unit = "celsius"
    unit_path: Paths | None = None
    units: dict[str, Unit] = Field(default_factory=dict, max_length=100)
    not_measured: Codes = frozenset()
    alarm: Condition | None = None

    @field_validator("units")
    @classmethod
    def _folded(cls, units: dict[str, Any]) -> dict[str, Any]:
        folded = {code_of(code) or "": unit for code, unit in units.items()}
        if len(folded) != len(units):
            raise ValueError("expected codes that differ by more than small and capital letters")
        return folded

    @model_validator(mode="after")
    def _unit_is_known(self) -> Self:
        if (self.unit_path is None) != (not self.units):
            raise ValueError("expected unit_path and units together: which code of the device means which unit")
        return self


class Counter(_Table):
    """The device's own counter, and the number of the event before where it says that."""

    path: Paths
    previous: Paths | None = None


class Mapping(_Table):
    """How one format becomes records of one kind."""

    name: Label
    format: Literal["json", "xml", "json_or_xml", "key_values", "columns"]
    columns: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=64)
    events: Paths = (FieldPath("", ()),)
    kind: Literal["checkpoint_scanned", "temperature_taken"]
    pass_over: tuple[PassOver, ...] = Field(default=(), max_length=100)
    backlog: Condition | None = None
    person: Person
    occurred_at: Time
    sequence: Counter | None = None
    temperature_c: Temperature | None = None
    site: Coded[Site] | None = None
    decision: Coded[Decision] | None = None
    direction: Coded[Direction] | None = None
    health_code: Coded[HealthCode] | None = None

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        if (self.format == "columns") != (self.columns is not None):
            raise ValueError("expected columns, the names from left to right, with format columns and only there")
        if self.kind == "checkpoint_scanned" and self.decision is None:
            raise ValueError("expected the table decision: what the checkpoint did with the person")
        if self.kind == "temperature_taken":
            self._refuse_tables_of_scans()
        if self.kind == "temperature_taken" and self.temperature_c is None:
            raise ValueError("expected the table temperature_c")
        return self

    def _refuse_tables_of_scans(self) -> None:
        if any(getattr(self, name) is not None for name in _SCANS_ONLY):
            raise ValueError(f"expected {', '.join(_SCANS_ONLY)} with kind checkpoint_scanned only")


def read_mapping(raw: bytes) -> Mapping:
    """Read a mapping file; raises MappingError with every fault, its line and its key."""
    if len(raw) > LARGEST_MAPPING_BYTES:
        raise MappingError([(None, "", f"expected at most {LARGEST_MAPPING_BYTES} bytes")])
    try:
        text = raw.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise MappingError([(raw[: error.start].count(b"\n") + 1, "", "expected text in UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line ([0-9]+)", str(error))
        last = text.count("\n") + 1
        raise MappingError([(int(place[1]) if place else last, "", f"expected TOML: {_plain(str(error))}")]) from None
    except (RecursionError, ValueError):
        raise MappingError([(None, "", "expected TOML without numbers or lists beyond all bounds")]) from None
    try:
        return Mapping.model_validate(document)
    except ValidationError as error:
        raise MappingError(list(_faults(every_fault(error), text))) from None


def _faults(faults: Iterable[tuple[tuple[str | int, ...], str]], text: str) -> Iterable[tuple[int | None, str, str]]:
    for steps, message in faults:
        yield line_of(text, steps), ".".join(map(str, steps)), message


def _plain(message: str) -> str:
    """Return tomllib's message in small letters and without the place, which is told by itself."""
    said = re.sub(r" \(at .*\)$", "", message)
    return said[:1].lower() + said[1:]
