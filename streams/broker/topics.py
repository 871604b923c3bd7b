"""Topics of the catalogue on a cluster: what is there, what is missing, what differs."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError

from events.topics import CATALOGUE, TopicSpec, topic_configs
from streams.settings import Settings


class TopicState(StrEnum):
    """How a topic of the catalogue stands on the cluster."""

    AS_EXPECTED = "as expected"
    MISSING = "missing"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """One topic: how it should be, how it stands, and the differences in words."""

    name: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    state: TopicState
    differences: tuple[str, ...] = ()


def plan_topics(settings: Settings) -> list[TopicPlan]:
    """Compare the catalogue with the cluster; raises KafkaError when no broker answers."""
    with closing(KafkaAdminClient(**settings.kafka.client_options())) as admin:
        names = [settings.topic(spec.name) for spec in CATALOGUE]
        described = {topic["name"]: topic for topic in admin.describe_topics(names) if topic["error_code"] == 0}
        configs = _configs(admin, sorted(described))
        return [_plan(settings, spec, described, configs) for spec in CATALOGUE]


def _configs(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, Any]]:
    if not names:
        return {}
    found = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names], config_filter="all"
    )
    configs: dict[str, dict[str, Any]] = found.get("topic", {})
    return configs


def _plan(
    settings: Settings, spec: TopicSpec, described: dict[str, Any], configs: dict[str, dict[str, Any]]
) -> TopicPlan:
    name = settings.topic(spec.name)
    partitions: int = getattr(settings.topics, spec.partitions_from)
    wanted = topic_configs(spec)
    if settings.topics.replication_factor > 1:
        wanted["min.insync.replicas"] = str(settings.topics.min_insync_replicas)
    differences: tuple[str, ...] = ()
    state = TopicState.MISSING
    if name in described:
        differences = tuple(_differences(partitions, wanted, described[name], configs.get(name, {})))
        state = TopicState.DIFFERENT if differences else TopicState.AS_EXPECTED
    return TopicPlan(name, partitions, settings.topics.replication_factor, wanted, state, differences)


def _differences(
    partitions: int, wanted: dict[str, str], described: dict[str, Any], configs: dict[str, Any]
) -> Iterator[str]:
    found = len(described["partitions"])
    if found != partitions:
        yield f"expected {partitions} partitions, found {found}"
    for key, value in wanted.items():
        # The embedded broker tells nothing.
        if key in configs and configs[key]["value"] != value:
            yield f"expected {key}={value}, found {configs[key]['value']}"


def create_topics(settings: Settings, plans: list[TopicPlan]) -> list[str]:
    """Create the topics that are missing, wait until they have leaders, and return their names.

    A topic that somebody else creates meanwhile is no error. Raises KafkaError.
    """
    missing = [plan for plan in plans if plan.state is TopicState.MISSING]
    if not missing:
        return []
    with closing(KafkaAdminClient(**settings.kafka.client_options())) as admin:
        for plan in missing:
            try:
                admin.create_topics(
                    [NewTopic(plan.name, plan.partitions, plan.replication_factor, topic_configs=plan.configs)]
                )
            except TopicAlreadyExistsError:
                continue
        admin.wait_for_topics([plan.name for plan in missing])
    return [plan.name for plan in missing]
