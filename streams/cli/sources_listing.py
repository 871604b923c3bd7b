"""A file of sources to be added: CSV with a head, or JSON lines; every fault with its line."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.sources_options import text_of

if TYPE_CHECKING:
    from streams.gateway.registry import RegisteredSource

_LISTS = frozenset({"kinds", "areas", "checkpoints", "watched_areas"})
_NUMBERS: dict[str, Callable[[str], int | float]] = {"interval_seconds": int, "burst": int, "records_per_s": float}
_FLAGS = frozenset({"sequence_counts", "is_active"})
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_JSON_SUFFIXES = frozenset({".ndjson", ".jsonl", ".json"})

Row = dict[str, Any]


def read_listing(file: Path, options: Mapping[str, Any], existing: Mapping[str, object]) -> "list[RegisteredSource]":
    """Return the sources of a file; `options` hold where a line says nothing else. Raises a UsageError with every fault."""
    faults: list[str] = []
    sources: dict[str, RegisteredSource] = {}
    for line, row in _rows(file, faults):
        try:
            source = _source(row, options, file.parent)
            if source.source_id in existing:
                raise ValueError("source_id: is registered already")
            if source.source_id in sources:
                raise ValueError("source_id: expected each once")
            sources[source.source_id] = source
        except ValueError as error:
            faults.append(f"{file}:{line}: {error}")
    if not sources and not faults:
        faults.append(f"{file}: expected at least one source")
    if faults:
        raise click.UsageError("nothing was added\n" + "\n".join(faults))
    return list(sources.values())


def _source(row: Row, options: Mapping[str, Any], directory: Path) -> "RegisteredSource":
    from streams.gateway.registrar import OPTIONS, new_source

    said = dict(row)
    source_id = said.pop("source_id", None)
    if unknown := sorted(name for name in said if name not in OPTIONS):
        raise ValueError(f"expected {', '.join(sorted(OPTIONS))}; not {', '.join(unknown)}")
    if isinstance(said.get("mapping"), str):
        try:
            said["mapping"] = text_of(directory / said["mapping"])
        except ValueError as error:
            raise ValueError(f"mapping: {error}") from None
    return new_source(source_id, {**options, **said})


def _rows(file: Path, faults: list[str]) -> Iterator[tuple[int, Row]]:
    try:
        text = text_of(file)
    except ValueError as error:
        raise click.UsageError(f"--from: {error}") from None
    rows = _json_rows(text) if file.suffix.lower() in _JSON_SUFFIXES else _csv_rows(text)
    for line, read in rows:
        if isinstance(read, str):
            faults.append(f"{file}:{line}: {read}")
        else:
            yield line, read


def _json_rows(text: str) -> Iterator[tuple[int, Row | str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else "expected one JSON object"


def _csv_rows(text: str) -> Iterator[tuple[int, Row | str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    try:
        for cells in reader:
            try:
                yield reader.line_num, dict(_values(cells))
            except ValueError as error:
                yield reader.line_num, str(error)
    except csv.Error:
        yield reader.line_num, "expected CSV"


def _values(cells: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    if "" in cells:
        raise ValueError("expected as many cells as the first line has")
    for name, cell in cells.items():
        if written := cell.strip():
            yield name.strip(), _value(name.strip(), written)


def _value(name: str, written: str) -> Any:
    if name in _LISTS:
        return tuple(written.split())
    if name in _FLAGS:
        if written.lower() not in _WORDS:
            raise ValueError(f"{name}: expected true or false")
        return _WORDS[written.lower()]
    if name in _NUMBERS:
        try:
            return _NUMBERS[name](written)
        except ValueError:
            raise ValueError(f"{name}: expected a number") from None
    return written
