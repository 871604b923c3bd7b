"""The options of `gridwatch sources` that several of its commands have, and what they mean in the registry."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from events.records import OUTSIDE_KINDS
from events.vocabulary import Direction

Function = TypeVar("Function", bound=Callable[..., Any])

_LOGIN = "login:"
# Where the field has another name than its option.
_NAMES = {
    "kinds": "--kind",
    "areas": "--area",
    "checkpoints": "--checkpoint",
    "watched_areas": "--watched-area",
    "is_active": "--active",
    "expires_at": "--expires-in-days",
    "overlap": "--overlap-hours",
    "keys": "keys",
    "source_id": "SOURCE_ID",
}


def option_of(message: str) -> str:
    """Return the message of a ValueError that begins with a field, beginning with its option."""
    path, colon, said = message.partition(": ")
    name = path.partition(".")[0]
    if not colon or re.fullmatch(r"[a-z_]+", name) is None:
        return message
    return f"{_NAMES.get(name, '--' + name.replace('_', '-'))}: {said}"


def login_name() -> str:
    """Return `login:NAME` of whom the system runs this process for; variables of the environment are not asked."""
    uid = os.getuid()
    try:
        import pwd

        name = pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        name = f"uid-{uid}"
    return _LOGIN + name


def _actor(_: click.Context, __: click.Parameter, value: str | None) -> str:
    actor_id = login_name() if value is None else value
    if re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", actor_id, re.ASCII) is None:
        raise click.BadParameter("expected 1 to 64 characters A-Z a-z 0-9 . _ : -")
    if value is not None and value.startswith(_LOGIN):
        raise click.BadParameter(f"expected no name that begins with {_LOGIN}, which only the system says")
    return actor_id


actor_option = click.option(
    "--actor", "actor_id", callback=_actor, help="Who does this, for the audit trail; default login:NAME of this login."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
expiry_option = click.option(
    "--expires-in-days", type=click.IntRange(1, 36_500), help="The key ends then; without it, when it is revoked."
)
key_file_option = click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the key into this new file, rights 0600, and not to standard output.",
)


def _mapping(_: click.Context, __: click.Parameter, value: Path | None) -> str | None:
    try:
        return None if value is None else text_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def text_of(file: Path) -> str:
    """Return the text of a file; raises ValueError."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file}: expected text in UTF-8") from None


_RIGHTS = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(list(OUTSIDE_KINDS)),
        help="A kind it may send, repeatable; with another adapter than native those that it makes.",
    ),
    click.option("--area", "areas", multiple=True, help="An area it may name, with all below; repeatable."),
    click.option("--checkpoint", "checkpoints", multiple=True, help="A checkpoint it may name; repeatable."),
    click.option(
        "--adapter", type=click.Choice(["native", "hikvision", "mapping"]), help="How it sends; default native."
    ),
    click.option("--time-zone", help="For times without an offset: an IANA name or an offset; default UTC."),
    click.option(
        "--direction", type=click.Choice([each.value for each in Direction]), help="Where the device does not say one."
    ),
    click.option(
        "--mapping",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        callback=_mapping,
        help="Mapping file (TOML), for the adapter mapping or in place of the built-in one; at most 32 KiB.",
    ),
    click.option(
        "--sequence-counts/--no-sequence-counts",
        default=None,
        help="Its counter counts records and nothing else, so that a hole is a loss; default for native alone.",
    ),
    click.option(
        "--interval-seconds", type=click.IntRange(0, 604_800), help="How long it may be silent; default 0, for ever."
    ),
    click.option(
        "--watched-area",
        "watched_areas",
        multiple=True,
        help="An area whose checks depend on it, repeatable; default its areas where it is there for visits or readings.",
    ),
    click.option("--no-watched-areas", is_flag=True, help="No check depends on it."),
    click.option("--records-per-s", type=float, help="So many it may send for ever; default 100."),
    click.option("--burst", type=int, help="So many at once; default 2000."),
    click.option("--active/--inactive", "is_active", default=None, help="Whether its keys let it in."),
)


def rights_options(function: Function) -> Function:
    """Add the options that say what a source may send, and how."""
    for option in reversed(_RIGHTS):
        function = option(function)
    return function


def options_from(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said on the command line, by the fields of the registry."""
    said = {name: value for name, value in given.items() if value not in (None, ())}
    if said.pop("no_watched_areas", False):
        if "watched_areas" in said:
            raise click.UsageError("expected either --watched-area or --no-watched-areas")
        said["watched_areas"] = ()
    return said
