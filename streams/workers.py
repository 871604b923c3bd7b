"""Intake and watch as Faust applications, one agent each, both made from the same parts."""

from collections.abc import Callable, Sequence

import faust
from faust.types.auth import CredentialsT

from events.records import RAW_TOPICS
from streams.batching import BatchApp, batch_app, batch_topic, consume
from streams.broker.publisher import Publisher
from streams.broker.state_store import StateStore
from streams.intake.decider import new_intake
from streams.partition import PartitionDecider, SavedState
from streams.settings import Settings
from streams.stateful import DeciderMaker, StatefulPartitions
from streams.watch.decider import new_watch

ROLES = ("intake", "watch")


class Worker:
    """One role of the pipeline in this process: its Faust application, its partitions, its producers."""

    def __init__(self, role: str, settings: Settings) -> None:
        """Make the worker of a role; nothing is connected before `publishers` and `app` are started."""
        make_decider, topics, state_topic = _ROLE_PARTS[role](settings)
        self.role = role
        # State has a connection of its own: one request is under way on each, and alerts must not wait for a large one.
        results, state = self.publishers = Publisher(settings), Publisher(settings)
        store = StateStore(settings, state, state_topic)
        self.partitions = StatefulPartitions(role, settings, results, store, make_decider)
        self.app = _application(role, settings)
        self.app.assignment_listener = self.partitions
        self.partitions.on_failure = self.app.fail
        worker = settings.worker
        names = [settings.topic(topic) for topic in topics]
        topic = batch_topic(self.app, *names, records_max=worker.batch_records, bytes_max=worker.batch_bytes)
        consume(self.app, topic, self.partitions.handle)


def _intake_parts(settings: Settings) -> tuple[DeciderMaker, Sequence[str], str]:
    def make(topic: str, partition: int, saved: SavedState | None) -> PartitionDecider:
        return new_intake(topic, partition, settings.worker.repeat_hours, saved)

    return make, RAW_TOPICS, "intake-state"


def _watch_parts(_: Settings) -> tuple[DeciderMaker, Sequence[str], str]:
    def make(_: str, partition: int, saved: SavedState | None) -> PartitionDecider:
        return new_watch(partition, saved)

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
        consumer_group_instance_id=settings.worker.instance_id,
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
