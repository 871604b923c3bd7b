"""The catalogue of metrics: nothing else is exported, the names follow Prometheus, and nobody stands in a label."""

import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse

from streams.health.catalogue import METRICS
from streams.health.collector import registry_of
from streams.health.vitals import Sample
from tests.unit.health.parts import Kennel, Part

UNITS = ("_seconds", "_bytes", "_records", "_total", "_info")
WITHOUT_UNIT = {
    "gridwatch_ready",
    "gridwatch_brokers_answering",
    "gridwatch_partitions_assigned",
    "gridwatch_clock_waiting",
    "gridwatch_sink_retrying",
    "gridwatch_gateway_requests_under_way",
    "gridwatch_gateway_sources",
}
LABELS = {"part", "topic", "partition", "table", "check", "reason", "version", "status", "result"}


def test_names() -> None:
    """Base units at the end, counters end in `_total` and nothing else does; each name once."""
    for metric in METRICS:
        assert re.fullmatch(r"gridwatch_[a-z_]+", metric.name)
        assert metric.name.endswith(UNITS) or metric.name in WITHOUT_UNIT, metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.meaning
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_labels_have_few_values() -> None:
    assert {label for metric in METRICS for label in metric.labels} == LABELS


def test_every_metric_comes_out_with_its_labels() -> None:
    samples = [
        Sample(metric.name, metric.labels, 1.5) for metric in METRICS if metric.name.startswith("gridwatch_sink")
    ]
    kennel = Kennel(Part(sampled=samples))
    registry = registry_of(kennel.parts, kennel.watchdog, kennel.survey)

    found = {sample.name: sample for family in parse(generate_latest(registry).decode()) for sample in family.samples}

    for metric in METRICS:
        if metric.name.startswith("gridwatch_sink"):
            assert found[metric.name].value == 1.5
            assert found[metric.name].labels == {label: label for label in metric.labels}


def test_what_is_not_in_the_catalogue_is_refused() -> None:
    kennel = Kennel(Part(sampled=[Sample("gridwatch_surprises_total", (), 1)]))

    with pytest.raises(KeyError, match="gridwatch_surprises_total"):
        generate_latest(registry_of(kennel.parts, kennel.watchdog, kennel.survey))
