"""The line on which a key of a TOML file stands; tomllib does not tell."""

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_STEP = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, steps: tuple[str | int, ...]) -> int | None:
    """Return the line, from 1, of a key or of the nearest table around it; None where there is none.

    Lines within a text of several lines are taken for keys too: a line may then be wrong, nothing else.
    """
    known = _lines(text)
    for length in range(len(steps), 0, -1):
        if (line := known.get(tuple(map(str, steps[:length])))) is not None:
            return line
    return None


def _lines(text: str) -> dict[tuple[str, ...], int]:
    known: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for line, written in enumerate(text.splitlines(), 1):
        if (header := _HEADER.fullmatch(written)) is not None:
            table = _steps(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            known.setdefault(table, line)
        elif (key := _KEY.match(written)) is not None:
            known.setdefault((*table, *_steps(key[1])), line)
    return known


def _steps(dotted: str) -> tuple[str, ...]:
    return tuple(step.strip("\"'") for step in _STEP.findall(dotted))
