"""The policy of a town: what is expected, when, and what follows from its absence (contract section 3).

A policy is read whole from TOML or from the object of a `policy_changed` record; one that contradicts itself is refused
with the path of the field. Values are frozen, so that a window can keep the policy it began under.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from events.faults import first_fault
from events.timezones import is_timezone, load_timezone
from events.vocabulary import Category, Site

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)
_MINUTES_PER_DAY = 24 * 60
_LONGEST_MINUTES = 366 * _MINUTES_PER_DAY
_LONGEST_DAYS = 3660
_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)


class PolicyError(ValueError):
    """A policy cannot be used: `path` names the field, `message` says what was expected."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'policy'}: {message}")
        self.path = path
        self.message = message


def _minute_of_day(value: object) -> int:
    match = _CLOCK_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a local time HH:MM, 00:00 to 24:00")
    return _MINUTES_PER_DAY if match.group(1) is None else int(match.group(1)) * 60 + int(match.group(2))


def format_minute_of_day(minute: int) -> str:
    """Write a minute of the day as `HH:MM`; 1440 is `24:00`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _known_timezone(value: str) -> str:
    if not is_timezone(value):
        raise ValueError("expected the IANA name of a time zone")
    return value


def _carried_by_utf8(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("expected text that UTF-8 can carry") from None
    return text


def _from_list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Name = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Version = Annotated[str, Field(strict=True, pattern=r"^[^\x00-\x1f\x7f]{1,64}$"), AfterValidator(_carried_by_utf8)]
TimezoneName = Annotated[str, Field(strict=True), AfterValidator(_known_timezone)]
MinuteOfDay = Annotated[
    int,
    BeforeValidator(_minute_of_day),
    WithJsonSchema({"type": "string", "pattern": f"^({_CLOCK_TIME.pattern})$"}),
]
Minutes = Annotated[int, Field(strict=True, ge=0, le=_LONGEST_MINUTES)]
Days = Annotated[int, Field(strict=True, ge=0, le=_LONGEST_DAYS)]
Celsius = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_THRESHOLDS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {site.value: {"type": "number"} for site in Site},
    "required": [site.value for site in Site],
    "additionalProperties": False,
}
SatisfyingKind = Literal["visit_recorded", "temperature_taken", "checkpoint_scanned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of the local day, `[start, end)` in minutes since local midnight; `end` may be 1440."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    start: MinuteOfDay
    end: MinuteOfDay


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPolicy:
    """One check that every person under observation is promised, once in each of its windows."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    satisfied_by: Annotated[tuple[SatisfyingKind, ...], Field(min_length=1), BeforeValidator(_from_list)]
    grace_minutes: Minutes
    settle_minutes: Minutes
    lost_after: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
    windows: Annotated[tuple[Window, ...], Field(min_length=1), BeforeValidator(_from_list)]

    @property
    def grace(self) -> timedelta:
        """How long after the window's end a satisfying record may have been made."""
        return timedelta(minutes=self.grace_minutes)

    @property
    def settle(self) -> timedelta:
        """How long after the due time the verdict waits for records that are under way."""
        return timedelta(minutes=self.settle_minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationPolicy:
    """How long an observation lasts and whom a checkpoint must not meet."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    period_days: Annotated[int, Field(strict=True, ge=1, le=_LONGEST_DAYS)]
    overdue_grace_minutes: Minutes
    breach_categories: Annotated[tuple[Category, ...], BeforeValidator(_from_list)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeverPolicy:
    """What counts as a fever, where it is confirmed, and what cannot be a body temperature."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    confirm_sites: Annotated[tuple[Site, ...], BeforeValidator(_from_list)]
    confirm_within_minutes: Minutes
    implausible_below_c: Celsius
    implausible_above_c: Celsius
    threshold_c: Annotated[dict[Site, Celsius], WithJsonSchema(_THRESHOLDS_SCHEMA)]

    def is_plausible(self, temperature_c: float) -> bool:
        """Tell whether a body can have this temperature; the bounds are plausible."""
        return self.implausible_below_c <= temperature_c <= self.implausible_above_c

    def is_fever(self, temperature_c: float, site: Site) -> bool:
        """Tell whether a plausible reading is at or above the threshold of its site."""
        return temperature_c >= self.threshold_c[site]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The whole policy of a town under one version."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    policy_version: Version
    timezone: TimezoneName
    late_days: Days
    early_days: Days
    observation: ObservationPolicy
    checks: Annotated[tuple[CheckPolicy, ...], Field(min_length=1), BeforeValidator(_from_list)]
    fever: FeverPolicy

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone to which windows and days are local."""
        return load_timezone(self.timezone)

    @cached_property
    def content(self) -> str:
        """Everything but the version as canonical JSON: equal content means the same policy."""
        document = policy_document(self)
        del document["policy_version"]
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @cached_property
    def longest_grace(self) -> timedelta:
        """The longest grace of any check."""
        return max(check.grace for check in self.checks)

    @property
    def late(self) -> timedelta:
        """How long after its due time a check can be revised."""
        return timedelta(days=self.late_days)

    @property
    def early(self) -> timedelta:
        """How long a visit or reading waits for an opening."""
        return timedelta(days=self.early_days)


_ADAPTER: TypeAdapter[Policy] = TypeAdapter(Policy)


def parse_policy(document: object) -> Policy:
    """Read a policy from its fields as TOML or JSON gave them; raises PolicyError naming the field."""
    try:
        policy = _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise PolicyError(*first_fault(error)) from None
    for path, message in contradictions(policy):
        raise PolicyError(path, message)
    return policy


def parse_policy_toml(text: str) -> Policy:
    """Read a policy from the text of its TOML file; raises PolicyError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError("", f"expected TOML: {error}") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, nesting of hundreds of levels
        raise PolicyError("", "expected TOML of a sensible size") from None
    return parse_policy(document)


def contradictions(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield path and message of everything in which a well-typed policy contradicts itself."""
    yield from _repeated("checks", [check.name for check in policy.checks])
    for index, check in enumerate(policy.checks):
        yield from _window_contradictions(f"checks.{index}.windows", check.windows)
    fever = policy.fever
    for site in Site:
        if site not in fever.threshold_c:
            yield f"fever.threshold_c.{site}", "expected a threshold for every site"
    if fever.implausible_below_c > fever.implausible_above_c:
        yield "fever.implausible_below_c", "expected a bound that is not above implausible_above_c"


def _window_contradictions(path: str, windows: tuple[Window, ...]) -> Iterator[tuple[str, str]]:
    yield from _repeated(path, [window.name for window in windows])
    for index, window in enumerate(windows):
        if window.start >= window.end:
            yield f"{path}.{index}.end", "expected an end after the start"
        for number, earlier in enumerate(windows[:index]):
            if window.start < earlier.end and earlier.start < window.end:
                yield f"{path}.{index}.start", f"expected no overlap with window {number}"


def _repeated(path: str, names: list[str]) -> Iterator[tuple[str, str]]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"{path}.{index}.name", "expected a name that is used once"


def policy_document(policy: Policy) -> dict[str, Any]:
    """Return the fields of a policy as JSON values, in the order of the contract; `parse_policy` reads them back."""
    document: dict[str, Any] = asdict(policy)
    for check in document["checks"]:
        for window in check["windows"]:
            window["start"] = format_minute_of_day(window["start"])
            window["end"] = format_minute_of_day(window["end"])
    as_json: dict[str, Any] = _plain(document)
    return as_json


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def default_policy() -> Policy:
    """Return the policy that holds where none is given."""
    text = resources.files("events").joinpath("default_policy.toml").read_text(encoding="utf-8")
    return parse_policy_toml(text)
