"""`gridwatch sink`: carry timeline, checks, alerts and dead letters into ClickHouse."""

import signal
import threading
from typing import TYPE_CHECKING

import click

from streams.cli.ending import leave
from streams.cli.migrate import SurroundingsError, open_database

if TYPE_CHECKING:
    from streams.settings import Settings


@click.command("sink")
@click.pass_context
def command(context: click.Context) -> None:
    """Carry timeline, checks, alerts and dead letters into ClickHouse until stopped.

    Brings the tables up to date first. Writes in batches and commits what is written, so it may be killed at any moment:
    nothing is lost or counted twice. Several may run at once against a server; each takes part of the partitions.
    Ends with exit status 4, without committing, when ClickHouse or Kafka stays out of reach; with 2 when the health port is
    taken, and with 70 when it stood still and its watchdog ended it.

    \b
    Example:
      GRIDWATCH_CLICKHOUSE__DSN=https://sink:secret@clickhouse:8443/gridwatch gridwatch sink
    """
    import structlog
    from aiokafka.errors import KafkaError
    from faust.types import TP

    from sinks.clickhouse.batches import UnreadableTopicError
    from sinks.clickhouse.consumer import build_consumer
    from sinks.clickhouse.loop import SinkLoop, SinkSettings
    from sinks.clickhouse.migration import migrate
    from sinks.clickhouse.writer import DatabaseWriter
    from streams.cli.sink_vitals import SinkVitals
    from streams.health.pulses import StalledError
    from streams.health.server import PortTakenError
    from streams.health.supervision import Supervision
    from streams.health.survey import Survey

    settings: Settings = context.obj
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    batching = SinkSettings(settings.topic_prefix, settings.sink.batch_records, settings.sink.flush_seconds)
    group = settings.group("sink")
    timeout_ms = int(settings.kafka.session_timeout_seconds * 1000)
    log = structlog.get_logger(__name__)
    with open_database(settings, create=True, pause=stop.wait) as database:
        migrate(database)
        writer = DatabaseWriter(database)
        loop = SinkLoop(
            lambda: build_consumer(settings.kafka.async_client_options(), group, session_timeout_ms=timeout_ms),
            writer,
            batching,
        )
        survey = Survey(settings, lambda: {"sink": map(TP._make, loop.insight().reached)}, database.ping)
        vitals = SinkVitals(loop, writer, database, settings, survey)
        try:
            Supervision(settings, [vitals], survey, stop.is_set).start()
        except PortTakenError as error:
            raise click.UsageError(str(error)) from None
        log.info("sink_started", clickhouse=str(database.target), topics=sorted(batching.topics()), group=group)
        try:
            loop.run(stop)
        except KafkaError as error:
            raise SurroundingsError(f"Kafka at {settings.kafka.brokers}: {error}") from error
        except UnreadableTopicError as error:
            raise SurroundingsError(str(error)) from error
        except StalledError as error:
            log.critical("sink_failed", reason=str(error))
            context.exit(error.exit_status)
        log.info("sink_stopped", messages=loop.messages_written, quarantined=loop.messages_quarantined)
    leave(0)
