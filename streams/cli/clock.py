"""`gridwatch clock`: the tick writer."""

import click

from streams.cli.ending import leave, run_to_status, stall_status
from streams.cli.failures import EXIT_SURROUNDINGS, surroundings_failed
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)


@click.command(epilog="Example: GRIDWATCH_CLOCK__TICK_SECONDS=5 gridwatch clock")
@click.pass_obj
def command(settings: Settings) -> None:
    """Write ticks by this machine's time, each once intake has read everything received before it.

    While intake is behind or down the clock stands still: alerts come later, never wrongly. So it does while this machine's
    time is further ahead than can be believed, or behind the last tick; the log says so and what to do. One clock is enough;
    a second does no harm. Keep the machine's time by NTP. Exit status: 0 stopped, 2 the health port is taken, 4 brokers or
    topics are not there, 70 it stood still and its watchdog ended it.
    """
    leave(run_to_status(lambda: _run(settings)))


async def _run(settings: Settings) -> int:
    from streams.health.clock import ClockVitals
    from streams.health.supervision import Supervision
    from streams.health.survey import Survey
    from streams.running import clock_part, run_parts, stop_on_signals

    stop = stop_on_signals()
    # Of intake nothing but an answer is asked: the tick writer itself looks at the rest.
    survey = Survey(settings, lambda: {"intake": ()})
    vitals = ClockVitals(settings, survey)
    Supervision(settings, [vitals], survey, stop.is_set).start()
    try:
        await run_parts([clock_part(settings, vitals)], stop)
    except BaseExceptionGroup as group:
        status = stall_status(group, EXIT_SURROUNDINGS)
        if status == EXIT_SURROUNDINGS:
            surroundings_failed("the clock cannot go on", group.exceptions[0])
        log.critical("clock failed", reason=str(group.exceptions[0]))
        return status
    return 0
