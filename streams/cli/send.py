"""`gridwatch send`: a file of records into the raw topics."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.failures import surroundings_failed
from streams.cli.progress import byte_progress
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.broker.publisher import Publisher
    from streams.clock.writer import TickWriter
    from streams.feeding import RawLine

_LARGEST_LINE_BYTES = 1_000_000
_GROUP_LINES = 2000
EXIT_REFUSED = 3


@dataclass(slots=True)
class _Sent:
    records: int = 0
    ticks: int = 0
    refused: int = 0
    skipped_ticks: int = 0


@click.command(epilog="Example: gridwatch send town/events.ndjson")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--ticks/--no-ticks",
    "drives_clock",
    default=False,
    help="Let the ticks of the file drive the clock of the log, each once intake has read what stands before it. For a "
    "cluster of its own, on which no `gridwatch clock` runs. Without it ticks are skipped.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the counts as JSON.")
@click.pass_obj
def command(settings: Settings, file: Path, drives_clock: bool, as_json: bool) -> None:
    """Send every line of FILE (NDJSON, - is stdin) to the raw topic of its kind, and wait for the acknowledgements.

    A line that is no valid record is sent too: intake says in `dead-letters` what is wrong with it. Only a line that no
    topic can carry (over 1 MB) is refused here. Sending a file again is harmless: repeats are recognised. Exit status: 0
    everything was acknowledged, 3 a line was refused, 4 the brokers or topics are not there.
    """
    try:
        sent = asyncio.run(_send(settings, file, drives_clock))
    except (OSError, LookupError, RuntimeError) as error:
        surroundings_failed(f"cannot send to {settings.kafka.brokers}", error)
    if as_json:
        click.echo(json.dumps({"records": sent.records, "ticks": sent.ticks, "refused": sent.refused}))
    else:
        records = "1 record" if sent.records == 1 else f"{sent.records} records"
        click.echo(f"sent {records}" + (f", wrote {sent.ticks} ticks" if drives_clock else ""))
        if sent.skipped_ticks:
            click.echo(
                f"skipped {sent.skipped_ticks} ticks: the clock of the log is not theirs without --ticks", err=True
            )
    sys.exit(EXIT_REFUSED if sent.refused else 0)


async def _send(settings: Settings, file: Path, drives_clock: bool) -> _Sent:
    from streams.broker.offsets import OffsetReader
    from streams.broker.publisher import Publisher
    from streams.clock.writer import TickWriter

    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(settings))
        writer = None
        if drives_clock:
            writer = TickWriter(settings, await stack.enter_async_context(OffsetReader(settings)), publisher)
            await writer.start()
        return await feed(_lines(file), publisher, writer)


async def feed(lines: Iterator[tuple[int, bytes]], publisher: "Publisher", writer: "TickWriter | None") -> _Sent:
    """Send numbered lines in groups; with a writer, ticks raise the clock and a policy is in the log before what follows."""
    from streams.feeding import read_line

    sent, group = _Sent(), list["RawLine"]()
    for number, raw in lines:
        if len(raw) > _LARGEST_LINE_BYTES:
            sent.refused += 1
            click.echo(f"line {number}: {len(raw)} bytes, expected at most {_LARGEST_LINE_BYTES}", err=True)
            continue
        line = read_line(raw)
        if isinstance(line, datetime):
            if writer is not None:
                sent.records += await _flush(group, publisher)
                await writer.advance_to(line)
                sent.ticks += 1
            else:
                sent.skipped_ticks += 1
            continue
        group.append(line)
        if line.is_policy and writer is not None:
            sent.records += await _flush(group, publisher)
            await writer.wait_for_intake()
        elif len(group) >= _GROUP_LINES:
            sent.records += await _flush(group, publisher)
    sent.records += await _flush(group, publisher)
    return sent


async def _flush(group: "list[RawLine]", publisher: "Publisher") -> int:
    count = await publisher.publish([line.output for line in group])
    group.clear()
    return count


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    from streams.replay import numbered_lines

    source = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    total = None if str(file) == "-" else file.stat().st_size
    with source, byte_progress("send", total) as advance:
        for number, raw, size_bytes in numbered_lines(source):
            advance(size_bytes)
            if raw.strip():
                yield number, raw
