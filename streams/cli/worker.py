"""`gridwatch worker`: intake and watch against the brokers."""

from collections.abc import Callable

import click

from streams.cli.ending import leave, run_to_status, stall_status
from streams.cli.failures import surroundings_failed
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

EXIT_FAILED = 1


@click.command(epilog="Example: gridwatch worker watch")
@click.argument("roles", nargs=-1, type=click.Choice(["intake", "watch"]))
@click.pass_obj
def command(settings: Settings, roles: tuple[str, ...]) -> None:
    """Run intake, watch, or both (without a name) in this process, until SIGTERM.

    Any number of workers may run; they share the partitions. SIGTERM finishes the batch in work, writes the state down and
    hands over. Exit status: 0 stopped, 1 a record could not be decided or a part failed (the reason is logged; start it
    again when it is mended, nothing is lost), 2 the health port is taken, 4 no broker answers, 70 it stood still and its
    watchdog ended it.
    """
    leave(run_to_status(lambda: _run(settings, roles or ("intake", "watch"))))


async def _run(settings: Settings, roles: tuple[str, ...]) -> int:
    from streams.batching.insight import in_flight
    from streams.health.supervision import Supervision
    from streams.health.survey import Survey
    from streams.health.worker import WorkerVitals
    from streams.running import run_parts, stop_on_signals, worker_part
    from streams.workers import Worker

    workers = [Worker(role, settings) for role in dict.fromkeys(roles)]
    stop = stop_on_signals()
    survey = Survey(settings, lambda: {worker.role: in_flight(worker.app) for worker in workers})
    vitals = [WorkerVitals(worker, settings, survey) for worker in workers]
    Supervision(settings, vitals, survey, stop.is_set).start()
    parts = [worker_part(worker, on_ready=_ready(worker.role)) for worker in workers]
    try:
        await run_parts(parts, stop)
    except BaseExceptionGroup as group:
        return _status(group)
    return 0


def _status(group: BaseExceptionGroup[BaseException]) -> int:
    """Say why the process ends and return with which exit status."""
    if (unreachable := group.subgroup(_is_unreachable)) is not None:
        surroundings_failed("no broker answers", unreachable.exceptions[0])
    for error in group.exceptions:
        log.critical("worker failed", reason=str(error), cause=str(error.__cause__ or ""))
    return stall_status(group, EXIT_FAILED)


def _is_unreachable(error: BaseException) -> bool:
    from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, RequestTimedOutError

    away = (KafkaConnectionError, KafkaTimeoutError, RequestTimedOutError)
    return isinstance(error, away) or isinstance(error.__cause__, away)


def _ready(role: str) -> Callable[[], None]:
    return lambda: log.info("worker ready", role=role)
