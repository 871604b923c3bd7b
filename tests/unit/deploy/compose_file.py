"""Read the YAML that `deploy/compose.yaml` is written in: a small, strict part of the language.

There is no YAML library among the locked packages, and one file is no reason for one. Read are: mappings and lists by
indentation of two, plain and double-quoted scalars, lists in brackets, an anchor on a mapping, and `<<: *name`. Every scalar
is a string. What is not part of that raises ValueError with the line, so that nothing is half understood.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_KEY = re.compile(r"([A-Za-z_<][\w.<-]*):(?: (.*))?$")
_ANCHOR = re.compile(r"&([a-z-]+)$")
_REFUSED = ("|", ">", "{", "!", "%", "@", "`", "'", "*")


@dataclass(slots=True)
class _Lines:
    """Lines that say something, as (number, indentation, text)."""

    rest: list[tuple[int, int, str]]
    anchors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def indentation(self) -> int:
        return self.rest[0][1] if self.rest else -1


def read_yaml(text: str) -> dict[str, Any]:
    """Return the document; raises ValueError for anything outside the part of YAML that is read."""
    lines = _Lines([])
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare and not bare.startswith("#"):
            if "\t" in line or " #" in line:
                raise ValueError(f"line {number}: expected no tab, and comments on lines of their own")
            lines.rest.append((number, len(line) - len(line.lstrip()), bare))
    document = _mapping(lines, 0)
    if lines.rest:
        raise ValueError(f"line {lines.rest[0][0]}: expected the end, or another indentation")
    return document


def _mapping(lines: _Lines, indentation: int) -> dict[str, Any]:
    own: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    while lines.indentation() == indentation and not lines.rest[0][2].startswith("- "):
        number, _, text = lines.rest.pop(0)
        match = _KEY.fullmatch(text)
        if match is None or match[1] in own:
            raise ValueError(f"line {number}: expected a key that is new here")
        name, value = match[1], match[2] or ""
        if name == "<<":
            merged |= lines.anchors[value.removeprefix("*")]
        elif (anchor := _ANCHOR.fullmatch(value)) is not None:
            own[name] = lines.anchors[anchor[1]] = _mapping(lines, indentation + 2)
        elif value:
            own[name] = _scalar(value, number)
        else:
            own[name] = _below(lines, indentation)
    return merged | own


def _below(lines: _Lines, indentation: int) -> Any:
    if lines.indentation() != indentation + 2:
        return None
    return _list(lines, indentation + 2) if lines.rest[0][2].startswith("- ") else _mapping(lines, indentation + 2)


def _list(lines: _Lines, indentation: int) -> list[Any]:
    items = []
    while lines.indentation() == indentation and lines.rest[0][2].startswith("- "):
        number, _, text = lines.rest.pop(0)
        items.append(_scalar(text[2:], number))
    return items


def _scalar(text: str, number: int) -> Any:
    if text.startswith(("[", '"')):
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError(f"line {number}: expected a list or string as in JSON") from None
    if text.startswith(_REFUSED) or ": " in text:
        raise ValueError(f"line {number}: expected a plain scalar")
    return text
