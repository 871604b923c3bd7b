"""Values of a device's document: finding them by a path, and reading them whatever type they were written in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:[.,][0-9]{1,18})?", re.ASCII)
_ROOT = "$"


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Names and indexes joined by dots, as `info.temperature`; from the event on, or from the whole document with `$.`."""

    text: str
    steps: tuple[str, ...]
    is_from_root: bool = False

    @classmethod
    def parse(cls, text: object) -> "FieldPath":
        """Read a path; an empty one is the event itself. Raises ValueError."""
        if not isinstance(text, str) or len(text) > 256:
            raise ValueError("expected a path such as info.temperature, of at most 256 characters")
        steps = text.split(".") if text else []
        is_from_root = steps[:1] == [_ROOT]
        if is_from_root:
            steps = steps[1:]
        if not all(step and step.isprintable() for step in steps) or len(steps) > 16:
            raise ValueError("expected a path such as info.temperature: 1 to 16 names joined by single dots")
        return cls(text, tuple(steps), is_from_root)


Paths = tuple[FieldPath, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a device's document, and the whole document around it."""

    value: Any = field(repr=False)
    document: Any = field(repr=False)
    where: str = ""

    def find(self, paths: Paths) -> tuple[Any, str]:
        """Return the first value of some paths that is there and not empty, and its path; None and the first path else."""
        return self.find_besides(paths, frozenset())

    def find_besides(self, paths: Paths, codes: frozenset[str]) -> tuple[Any, str]:
        """Return the first value as `find` does, those apart that the device writes where it has none."""
        for path in paths:
            value = _follow(self.document if path.is_from_root else self.value, path.steps)
            if value is not None and code_of(value) not in {"", *codes}:
                return value, self.name(path)
        return None, self.name(paths[0])

    def name(self, path: FieldPath) -> str:
        """Return the path from the whole document on."""
        return ".".join(path.steps if path.is_from_root or not self.where else (self.where, *path.steps))


def _follow(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and len(step) <= 4:
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def text_of(value: object) -> str | None:
    """Return a scalar as text: 1, 1.0 and "1 " are all `1`, true is `true`; None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value).strip() if isinstance(value, int | str) else None


def code_of(value: object) -> str | None:
    """Return a scalar as codes are compared: as text, small and capital letters alike."""
    text = text_of(value)
    return None if text is None else text.casefold()


def number(value: object) -> float | None:
    """Return a number, also one that is written as text (`36.5`, `36,5`); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value.strip().replace(",", "."))
    return None


def whole_number(value: object) -> int | None:
    """Return an integer, also one that is written as text or as 40.0; None for anything else."""
    text = text_of(value) if not isinstance(value, bool) else None
    return int(text) if text is not None and re.fullmatch(r"[+-]?[0-9]{1,20}", text, re.ASCII) else None


def numbered(items: list[Any], where: str) -> Iterator[tuple[Any, str]]:
    """Return items with their places in the document, as `events.3`."""
    for index, item in enumerate(items):
        yield item, f"{where}.{index}" if where else str(index)
