"""`gridwatch sources`: who may send what, and by which keys."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.sources_carrying import carry_out, read, refuse, registered
from streams.cli.sources_options import (
    actor_option,
    expiry_option,
    json_option,
    key_file_option,
    options_from,
    rights_options,
)
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.gateway.registrar import Change
    from streams.gateway.registry import RegisteredSource
    from streams.gateway.source_log import Standing


@click.group(
    "sources",
    epilog="Example: gridwatch sources add gate-3 --kind checkpoint_scanned --area jintang/huaikou --checkpoint gate-3",
)
def command() -> None:
    """Give devices and terminals their rights and keys, and take them away.

    Gateways follow within a second or two. Every change stands in the topic `audit` with the --actor who made it; that
    name is a claim, unless it begins with `login:`. Where two change one source at the same time the last one holds, apart
    from what the other one shut, and the command says so. Exit status of all: 0 done, 1 refused by what is registered, or
    somebody else changed the same source meanwhile, 2 the command is wrong and the option is named, 4 the brokers or topics
    are not there.
    """


@command.command(
    epilog="Example: gridwatch sources add --from gates.csv --kind checkpoint_scanned --key-file keys --dry-run"
)
@click.argument("source_id", required=False)
@rights_options
@expiry_option
@key_file_option
@click.option(
    "--from",
    "listing",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Add every line of a file: JSON lines, or CSV; the fields have the names that `show --json` gives them.",
)
@click.option("--dry-run", is_flag=True, help="Say what is wrong, and change nothing.")
@actor_option
@json_option
@click.pass_obj
def add(
    settings: Settings,
    /,
    source_id: str | None,
    listing: Path | None,
    key_file: Path | None,
    expires_in_days: int | None,
    dry_run: bool,
    actor_id: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Register SOURCE_ID and show its key, once: of the key nothing but a hash is kept.

    The key alone goes to standard output, or with --key-file into a file that nobody else can read. With --from the file
    gets a line `SOURCE_ID KEY` for each; options hold for every line that does not say otherwise, and nothing is written
    where any line is wrong. Exit status: 0 done, 1 it is registered already, 2 an option or a line is wrong, 4 the brokers
    or topics are not there.
    """
    if (source_id is None) == (listing is None):
        raise click.UsageError("expected either SOURCE_ID or --from FILE")
    if listing is not None and key_file is None and not dry_run:
        raise click.UsageError("--key-file: expected with --from, for the keys")
    options = options_from(given)

    def make(standing: "Standing", now: datetime) -> "list[Change]":
        from streams.cli.sources_listing import read_listing

        if listing is not None:
            sources = read_listing(listing, options, standing.sources)
        else:
            assert source_id is not None
            sources = [_new(source_id, options, standing)]
        return [_added(source, now, actor_id, expires_in_days) for source in sources]

    carry_out(settings, make, key_file=key_file, is_many=listing is not None, dry_run=dry_run, as_json=as_json)


def _new(source_id: str, options: Mapping[str, Any], standing: "Standing") -> "RegisteredSource":
    from streams.gateway.registrar import new_source

    if source_id in standing.sources:
        refuse(f"{source_id} is registered already; `gridwatch sources show {source_id}`")
    return new_source(source_id, options)


def _expiry(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def _added(source: "RegisteredSource", now: datetime, actor_id: str, expires_in_days: int | None) -> "Change":
    from streams.gateway.registrar import add_source

    return add_source(
        source,
        actor_id=actor_id,
        now=now,
        random_bytes=secrets.token_bytes,
        expires_at=_expiry(now, expires_in_days),
    )


@command.command(epilog="Example: gridwatch sources change gate-3 --area jintang/huaikou/c001 --interval-seconds 900")
@click.argument("source_id")
@rights_options
@actor_option
@json_option
@click.pass_obj
def change(settings: Settings, /, source_id: str, actor_id: str, as_json: bool, **given: Any) -> None:
    """Change rights and settings of SOURCE_ID; its keys stay.

    An option that may be repeated replaces all that was there. Without any option everything is written once more. Exit
    status: 0 done, 1 it is not registered, or somebody else changed it meanwhile, 2 an option is wrong, 4 the brokers or
    topics are not there.
    """

    def make(standing: "Standing", now: datetime) -> "list[Change]":
        from streams.gateway.registrar import change_source

        found = registered(standing, source_id)
        return [change_source(found, options_from(given), actor_id=actor_id, now=now)]

    carry_out(settings, make, as_json=as_json)


@command.command(epilog="Example: gridwatch sources rotate gate-3 --overlap-hours 48 --key-file key")
@click.argument("source_id")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 24 * 365),
    default=24.0,
    show_default=True,
    help="How long the keys before it may still be used.",
)
@expiry_option
@key_file_option
@actor_option
@json_option
@click.pass_obj
def rotate(
    settings: Settings,
    source_id: str,
    overlap_hours: float,
    expires_in_days: int | None,
    key_file: Path | None,
    actor_id: str,
    as_json: bool,
) -> None:
    """Give SOURCE_ID another key, and let those before it end when the overlap is over.

    The key is shown once, as by `add`. Exit status: 0 done, 1 it is not registered, or somebody else changed it meanwhile,
    2 an option is wrong, 4 the brokers or topics are not there.
    """

    def make(standing: "Standing", now: datetime) -> "list[Change]":
        from streams.gateway.registrar import rotate_key

        return [
            rotate_key(
                registered(standing, source_id),
                actor_id=actor_id,
                now=now,
                random_bytes=secrets.token_bytes,
                overlap=timedelta(hours=overlap_hours),
                expires_at=_expiry(now, expires_in_days),
            )
        ]

    carry_out(settings, make, key_file=key_file, as_json=as_json)


@command.command(epilog="Example: gridwatch sources revoke gate-3 --all")
@click.argument("source_id")
@click.option("--key", "key_id", help="The id of the key, as `show` lists it: the middle part of a key.")
@click.option("--all", "is_all", is_flag=True, help="All its keys.")
@actor_option
@json_option
@click.pass_obj
def revoke(settings: Settings, source_id: str, key_id: str | None, is_all: bool, actor_id: str, as_json: bool) -> None:
    """Shut a key of SOURCE_ID, or all of them, at once and for good.

    Exit status: 0 done, 1 it is not registered, or somebody else changed it meanwhile, 2 there is no such key or the
    command is wrong, 4 the brokers or topics are not there.
    """
    if (key_id is None) != is_all:
        raise click.UsageError("expected either --key or --all")

    def make(standing: "Standing", now: datetime) -> "list[Change]":
        from streams.gateway.registrar import revoke_keys

        return [revoke_keys(registered(standing, source_id), key_id, actor_id=actor_id, now=now)]

    carry_out(settings, make, as_json=as_json)


@command.command(epilog="Example: gridwatch sources remove gate-3")
@click.argument("source_id")
@actor_option
@json_option
@click.pass_obj
def remove(settings: Settings, source_id: str, actor_id: str, as_json: bool) -> None:
    """Take SOURCE_ID away with all its keys; what it has sent stays.

    Exit status: 0 done, 1 it is not registered, or somebody else changed it meanwhile, 2 the command is wrong, 4 the
    brokers or topics are not there.
    """

    def make(standing: "Standing", now: datetime) -> "list[Change]":
        from streams.gateway.registrar import remove_source

        is_unreadable = source_id in standing.sources and standing.sources[source_id] is None
        source = None if is_unreadable else registered(standing, source_id)
        return [remove_source(source_id, source, actor_id=actor_id, now=now)]

    carry_out(settings, make, as_json=as_json)


@command.command("list", epilog="Example: gridwatch sources list --json")
@json_option
@click.pass_obj
def list_command(settings: Settings, as_json: bool) -> None:
    """List the sources: how each sends, what it may send and where, and until when its last key is valid.

    Standard error names those of which no key is valid, or none will be in 14 days. Exit status: 0 they were listed, 4 the
    brokers or topics are not there.
    """
    from streams.cli.sources_shown import document_of, line_of, warning_of

    standing, now = read(settings), datetime.now(UTC)
    sources = sorted(standing.sources.items())
    if as_json:
        click.echo(
            json.dumps([document_of(source_id, source, now) for source_id, source in sources], ensure_ascii=False)
        )
    for source_id, source in sources:
        if not as_json:
            click.echo(line_of(source_id, source, now))
        if (warning := warning_of(source_id, source, now)) is not None:
            click.echo(warning, err=True)


@command.command(epilog="Example: gridwatch sources show gate-3")
@click.argument("source_id")
@json_option
@click.pass_obj
def show(settings: Settings, source_id: str, as_json: bool) -> None:
    """Show all that is registered of SOURCE_ID, with its keys by their ids.

    Exit status: 0 it was shown, 1 it is not registered, 2 the command is wrong, 4 the brokers or topics are not there.
    """
    from streams.cli.sources_shown import document_of, lines_of

    standing, now = read(settings), datetime.now(UTC)
    source = registered(standing, source_id)
    if as_json:
        click.echo(json.dumps(document_of(source_id, source, now), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(lines_of(source, now)))
