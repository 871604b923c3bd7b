"""Carrying out what `gridwatch sources` was told: read what stands, change it, hand the keys out, write, look again."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from streams.cli.failures import surroundings_failed
from streams.cli.sources_options import option_of
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.gateway.registrar import Change
    from streams.gateway.registry import RegisteredSource
    from streams.gateway.source_log import Standing

EXIT_REFUSED = 1
_KEY_FILE_MODE = 0o600

Make = Callable[["Standing", datetime], "Sequence[Change]"]


def carry_out(
    settings: Settings,
    make: Make,
    *,
    key_file: Path | None = None,
    is_many: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> None:
    """Make changes of what stands now and write them; ends the process where something is not as it should be.

    A key file is written before anything else is: a key that nobody could keep must not be given.
    """
    standing = read(settings)
    try:
        changes = make(standing, datetime.now(UTC))
    except ValueError as error:
        raise click.UsageError(option_of(str(error))) from None
    if dry_run:
        click.echo(f"nothing is wrong with {_sources(len(changes))}; nothing was changed", err=True)
        return
    if key_file is not None:
        _write_key_file(key_file, changes, is_many)
    changed_meanwhile = _write(settings, changes, standing, key_file)
    _show(changes, changed_meanwhile, is_key_shown=key_file is None, is_many=is_many, as_json=as_json)
    if changed_meanwhile:
        for source_id in changed_meanwhile:
            click.echo(
                f"{source_id} was changed by somebody else at the same time, and the change that came last holds: look at "
                f"`gridwatch sources show {source_id}`",
                err=True,
            )
        sys.exit(EXIT_REFUSED)


def read(settings: Settings) -> "Standing":
    """Return what is registered; ends the process where the brokers or the topic are not there."""
    from streams.gateway.source_log import read_standing

    try:
        return asyncio.run(read_standing(settings))
    except (OSError, LookupError, RuntimeError) as error:
        surroundings_failed(f"cannot read the sources at {settings.kafka.brokers}", error)


def registered(standing: "Standing", source_id: str) -> "RegisteredSource":
    """Return a source; ends the process where there is none, or it cannot be read."""
    if source_id not in standing.sources:
        refuse(f"{source_id} is not registered; `gridwatch sources list` shows those that are")
    source = standing.sources[source_id]
    if source is None:
        refuse(f"{source_id} was registered by another version of gridwatch, and this one cannot read it")
    return source


def refuse(said: str) -> NoReturn:
    """End the process because of what is registered."""
    click.echo(f"Error: {said}", err=True)
    sys.exit(EXIT_REFUSED)


def _write(settings: Settings, changes: "Sequence[Change]", standing: "Standing", key_file: Path | None) -> list[str]:
    from streams.gateway.source_log import write_changes

    try:
        return asyncio.run(write_changes(settings, changes, standing))
    except (OSError, LookupError, RuntimeError) as error:
        kept = "" if key_file is None else f"; {key_file} has keys of which it is not known whether they are valid"
        surroundings_failed(f"not known to be written at {settings.kafka.brokers}{kept}", error)


def _write_key_file(key_file: Path, changes: "Sequence[Change]", is_many: bool) -> None:
    keys = [(change.source_id, change.key_text) for change in changes if change.key_text is not None]
    lines = [f"{source_id} {text}\n" if is_many else f"{text}\n" for source_id, text in keys]
    try:
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_FILE_MODE), "w") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise click.UsageError(f"--key-file: {key_file}: {error.strerror}") from None


def _show(
    changes: "Sequence[Change]", changed_meanwhile: list[str], *, is_key_shown: bool, is_many: bool, as_json: bool
) -> None:
    from streams.cli.sources_shown import said_of

    if as_json:
        shown = [_document(change, changed_meanwhile, is_key_shown=is_key_shown) for change in changes]
        click.echo(json.dumps(shown if is_many else shown[0], ensure_ascii=False))
    elif is_key_shown:
        for change in changes:
            if change.key_text is not None:
                click.echo(change.key_text)
    click.echo(f"added {_sources(len(changes))}" if is_many else said_of(changes[0]), err=True)


def _document(change: "Change", changed_meanwhile: list[str], *, is_key_shown: bool) -> dict[str, object]:
    from events.results import encode_access_record

    document: dict[str, object] = json.loads(encode_access_record(change.record))
    if is_key_shown and change.key_text is not None:
        document["key"] = change.key_text
    return {**document, "is_changed_meanwhile": change.source_id in changed_meanwhile}


def _sources(count: int) -> str:
    return "1 source" if count == 1 else f"{count:,} sources"
