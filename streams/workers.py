"""Intake and watch as Faust applications, one agent each, both made from the same parts."""

from collections.abc import Callable, Sequence
from typing import Any

import faust
from faust.types.auth import CredentialsT

from events.records import RAW_TOPICS
from streams.batching import BatchApp, batch_app, batch_topic, consume
from streams.broker.publisher import Publisher
from streams.broker.snapshot_store import SnapshotStore
from streams.intake.decider import new_intake
from streams.partition import PartitionDecider
from streams.settings import Settings
from streams.stateful import DeciderMaker, StatefulPartitions
from streams.watch.decider import new_watch

ROLES = ("intake", "watch")


class Worker:
    """One role of the pipeline in this process: its Faust application, its partitions, its producer."""

    def __init__(self, role: str, settings: Settings) -> None:
        """Make the worker of a role; nothing is connected before `publisher` and `app` are started."""
        make_decider, topics, state_topic = _ROLE_PARTS[role](settings)
        self.role = role
        self.publisher = Publisher(settings)
        store = SnapshotStore(settings, self.publisher, state_topic)
        self.partitions = StatefulPartitions(role, settings, self.publisher, store, make_decider)
        self.app = _application(role, settings)
        self.app.assignment_listener = self.partitions
        worker = settings.worker
        names = [settings.topic(topic) for topic in topics]
        topic = batch_topic(self.app, *names, records_max=worker.batch_records, bytes_max=worker.batch_bytes)
        consume(self.app, topic, self.partitions.handle)


def _intake_parts(settings: Settings) -> tuple[DeciderMaker, Sequence[str], str]:
    def make(topic: str, partition: int, document: dict[str, Any] | None) -> PartitionDecider:
        return new_intake(topic, partition, settings.worker.repeat_hours, document)

    return make, RAW_TOPICS, "intake-state"


def _watch_parts(_: Settings) -> tuple[DeciderMaker, Sequence[str], str]:
    def make(_: str, partition: int, document: dict[str, Any] | None) -> PartitionDecider:
        return new_watch(partition, document)

    return make, ("timeline",), "watch-state"


_ROLE_PARTS: dict[str, Callable[[Settings], tuple[DeciderMaker, Sequence[str], str]]] = {
    "intake": _intake_parts,
    "watch": _watch_parts,
}


def _application(role: str, settings: Settings) -> BatchApp:
    kafka = settings.kafka
    return batch_app(
        settings.group(role),
        kafka.brokers,
        session_timeout=kafka.session_timeout_seconds,
        heartbeat_interval=min(3.0, kafka.session_timeout_seconds / 4),
        rebalance_timeout=kafka.rebalance_timeout_seconds,
        commit_interval=kafka.commit_interval_seconds,
        broker_credentials=_credentials(settings),
    )


def _credentials(settings: Settings) -> CredentialsT | None:
    security = settings.kafka.security
    context = settings.kafka.ssl_context()
    if "SASL" in security.protocol:
        return faust.SASLCredentials(
            username=security.username,
            password=None if security.password is None else security.password.get_secret_value(),
            mechanism=security.mechanism or "PLAIN",
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)
