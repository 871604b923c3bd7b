"""`gridwatch device`: the device's side of the gateway, to be taken as it is or as an example."""

import json
import os
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from streams.device.keys import Key

KEY_VARIABLE = "GW_DEVICE_KEY"
EXIT_REFUSED = 3
EXIT_UNDELIVERED = 4
EXIT_KEY = 5
EXIT_SPOOL = 6

_spool_option = click.option(
    "--spool", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the records."
)


@click.group("device")
def command() -> None:
    """Send records from a device to a gateway: on disk first, then over HTTPS until the gateway has them.

    A key stands in a file (send --key-file) or in the variable GW_DEVICE_KEY, never among the arguments.

    Exit status: 0 all is well, 2 the command, the URL or the key is wrong, 3 a line is no record or the gateway refused one,
    4 records are still waiting or unread, 5 the gateway refuses the key, 6 the spool cannot be used: in use, no room, not
    writable.

    \b
    Example:
      gridwatch device send readings.ndjson --url https://gateway.example.org --spool spool.db --key-file key
      gridwatch device status --spool spool.db
    """


@command.command("send")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--url", required=True, help="Where the gateway is, like https://gateway.example.org.")
@_spool_option
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the key; else GW_DEVICE_KEY.")
@click.option("--follow", "follows", is_flag=True, help="Go on reading what is added to FILE, until stopped.")
@click.option("--from-start", is_flag=True, help="Read FILE from its beginning, also where it was read before.")
@click.option("--give-up-after", type=click.FloatRange(min=0), metavar="SECONDS", help="End, delivered or not.")
@click.option(
    "--keep-records", type=click.IntRange(0), default=10_000, show_default=True, help="Delivered ones, for back-fill."
)
@click.option("--keep-days", type=click.FloatRange(0, 3650), default=7.0, show_default=True, help="How long.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Certificates to trust.")
@click.option(
    "--plain-http", is_flag=True, help="Allow http:// to other machines: anybody on the way can read the key."
)
def send_command(
    *,
    file: Path,
    url: str,
    spool: Path,
    key_file: Path | None,
    follows: bool,
    from_start: bool,
    give_up_after: float | None,
    keep_records: int,
    keep_days: float,
    ca_file: Path | None,
    plain_http: bool,
) -> None:
    """Spool and send the lines of FILE (NDJSON, - is stdin): each an object with `kind` and the fields of that kind.

    `event_id`, `source_id` and `sequence` are set here, `occurred_at` where a line has none. Lines are read once: a second
    run goes on where the first one stopped, also after a crash (not with stdin, of which nothing is read twice). Records
    that wait in the spool from an earlier run are sent first. SIGTERM and Ctrl-C let the request under way end.

    Exit status: 0 all was delivered (with --follow: stopped), 2 the command, the URL or the key is wrong, 3 a line is no
    record or the gateway refused one, 4 records are still waiting or unread, 5 the gateway refuses the key (with --follow it
    is tried again every five minutes), 6 the spool cannot be used: in use, no room, not writable.

    \b
    Example:
      gridwatch device send readings.ndjson --url https://gateway.example.org --spool spool.db --key-file key
      sensor | gridwatch device send - --follow --url https://gateway.example.org --spool spool.db --key-file key
    """
    from streams.cli.device_send import Sender
    from streams.device.errors import DeviceError, SpoolError, WrongKeyError
    from streams.device.gateway import Gateway
    from streams.device.spool import Keeping, Spool

    def read_key() -> "Key":
        return _key(key_file)

    keeping = Keeping(records=keep_records, age=timedelta(days=keep_days))
    try:
        gateway = Gateway(url, read_key, ca_file=ca_file, allows_plain_http=plain_http)
        with Spool.open(spool, read_key().source_id, keeping=keeping) as opened:
            sender = Sender(opened, gateway, follows=follows)
            ended = sender.run(file, from_start=from_start, give_up_after_s=give_up_after)
    except WrongKeyError as error:
        raise click.UsageError(str(error)) from None
    except SpoolError as error:
        _spool_failed(error)
    except DeviceError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{error.filename or '--ca-file'}: {error.strerror}") from None
    click.echo(ended.summary())
    if isinstance(ended.error, SpoolError):
        _spool_failed(ended.error)
    if ended.error is not None:
        raise click.UsageError(f"{file}: {getattr(ended.error, 'strerror', None) or ended.error}")
    if ended.is_key_refused and not follows:
        sys.exit(EXIT_KEY)
    if (ended.waiting or not ended.has_read_all) and not (follows and ended.was_stopped):
        sys.exit(EXIT_UNDELIVERED)
    sys.exit(EXIT_REFUSED if ended.left_out or ended.refused else 0)


@command.command("status")
@_spool_option
@click.option("--json", "as_json", is_flag=True, help="Write one document of JSON.")
def status_command(*, spool: Path, as_json: bool) -> None:
    """Say how a spool stands: what waits, since when, the last sequence, what was refused, the last answer.

    Reads only, also while `send` runs. `gone` counts what the gateway lacks and the spool no longer has.

    Exit status: 0 it was read, 2 the command is wrong, 6 there is no spool or it cannot be read.

    \b
    Example:
      gridwatch device status --spool spool.db --json
    """
    from streams.device.errors import SpoolError
    from streams.device.spool_view import status_of

    try:
        status = status_of(spool)
    except SpoolError as error:
        _spool_failed(error)
    facts = asdict(status)
    if as_json:
        click.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            shown = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{name.replace('_', ' '):<22}{'-' if shown in (None, '') else shown}")


@command.command("refused")
@_spool_option
@click.option("--json", "as_json", is_flag=True, help="Write an object a line.")
@click.option(
    "--records",
    "shows_records",
    is_flag=True,
    help="Write the records themselves, as `send` takes them. Personal data.",
)
def refused_command(*, spool: Path, as_json: bool, shows_records: bool) -> None:
    """List the records that the gateway refused, and why: reason, field, and what was expected there.

    Exit status: 0 they were read, 2 the command is wrong, 6 there is no spool or it cannot be read.

    \b
    Example:
      gridwatch device refused --spool spool.db
      gridwatch device refused --spool spool.db --records > mend.ndjson
    """
    from streams.device.errors import SpoolError
    from streams.device.spool_view import refused_in

    try:
        for each in refused_in(spool):
            if shows_records:
                _show_record(each.body, each.sequence)
            elif as_json:
                facts = asdict(each)
                del facts["body"]
                click.echo(json.dumps(facts))
            else:
                click.echo(f"{each.refused_at}  {each.sequence:>9}  {each.reason}  {each.path or '-'}  {each.message}")
    except SpoolError as error:
        _spool_failed(error)


def _show_record(body: bytes, sequence: int) -> None:
    try:
        document = json.loads(body)
        fields = {name: value for name, value in document.items() if name not in ("event_id", "source_id")}
    except (ValueError, AttributeError):
        click.echo(f"record {sequence} is damaged", err=True)
    else:
        click.echo(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def _key(key_file: Path | None) -> "Key":
    from streams.device.errors import WrongKeyError
    from streams.device.keys import parse_key, read_key_file

    if key_file is not None:
        return read_key_file(key_file)
    if text := os.environ.get(KEY_VARIABLE):
        return parse_key(text)
    raise WrongKeyError(f"expected a key: in a file named by --key-file, or in {KEY_VARIABLE}")


def _spool_failed(error: Exception) -> NoReturn:
    click.echo(f"Error: {error}", err=True)
    sys.exit(EXIT_SPOOL)
