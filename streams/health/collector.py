"""The metrics of a process, put together when somebody asks: nothing is counted for them that was not counted anyway."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.health.catalogue import METRICS
from streams.health.survey import Survey
from streams.health.vitals import Sample, Vitals
from streams.health.watchdog import Watchdog


class VitalsCollector(Collector):
    """Gives Prometheus what the parts show, in the order and with the words of the catalogue."""

    def __init__(self, sources: Sequence[Callable[[], Iterable[Sample]]]) -> None:
        """Ask these for their samples, anew each time."""
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that has a value now; raises KeyError for a sample that is not in the catalogue."""
        samples: dict[str, list[Sample]] = defaultdict(list)
        for source in self._sources:
            for sample in source():
                samples[sample.metric].append(sample)
        for metric in METRICS:
            family_of = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = family_of(metric.name, metric.meaning, labels=metric.labels)
            for _, labels, value in samples.pop(metric.name, ()):
                family.add_metric(labels, value)
            if family.samples:
                yield family
        if samples:
            raise KeyError(f"not in the catalogue: {sorted(samples)}")


class ProcessVitals:
    """What the process has beside its parts: its version, its readiness, its watchdog."""

    def __init__(self, parts: Sequence[Vitals], watchdog: Watchdog, survey: Survey) -> None:
        """Show these."""
        self._parts, self._watchdog, self._survey = parts, watchdog, survey

    def samples(self) -> Iterator[Sample]:
        """Yield the samples of the process as it is now."""
        yield Sample("gridwatch_build_info", (_version(),), 1)
        yield Sample("gridwatch_watchdog_looks_total", (), self._watchdog.looks)
        yield Sample("gridwatch_brokers_answering", (), float(self._survey.is_answering))
        for part in self._parts:
            yield Sample("gridwatch_standing_still_seconds", (part.part,), self._watchdog.standing_s(part.part))
            progress_at = self._watchdog.progress_at[part.part]
            yield Sample("gridwatch_last_progress_timestamp_seconds", (part.part,), progress_at)
            for check in part.checks():
                yield Sample("gridwatch_ready", (part.part, check.name), float(check.is_good))


def registry_of(parts: Sequence[Vitals], watchdog: Watchdog, survey: Survey) -> CollectorRegistry:
    """Return a registry with the metrics of the parts, the process and, where there is /proc, its memory and processor."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(
        VitalsCollector([ProcessVitals(parts, watchdog, survey).samples, *(part.samples for part in parts)])
    )
    return registry


def _version() -> str:
    try:
        return version("gridwatch")
    except PackageNotFoundError:
        return "unknown"
