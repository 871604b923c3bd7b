"""`gridwatch clock`: the tick writer."""

import asyncio
import sys

import click

from streams.cli.failures import surroundings_failed
from streams.settings import Settings


@click.command(epilog="Example: GRIDWATCH_CLOCK__TICK_SECONDS=5 gridwatch clock")
@click.pass_obj
def command(settings: Settings) -> None:
    """Write ticks by this machine's time, each once intake has read everything received before it.

    While intake is behind or down the clock stands still: alerts come later, never wrongly. One clock is enough; a second
    does no harm. Keep the machine's time by NTP. Exit status: 0 stopped, 4 brokers or topics are not there.
    """
    sys.exit(asyncio.run(_run(settings)))


async def _run(settings: Settings) -> int:
    from streams.running import clock_part, run_parts, stop_on_signals

    try:
        await run_parts([clock_part(settings)], stop_on_signals())
    except BaseExceptionGroup as group:
        surroundings_failed("the clock cannot go on", group.exceptions[0])
    return 0
