"""Watchdog, survey and health server of one process, put together."""

from collections.abc import Callable, Sequence

from streams.health.collector import registry_of
from streams.health.report import Report
from streams.health.server import HealthServer
from streams.health.survey import Survey
from streams.health.vitals import Vitals
from streams.health.watchdog import Watchdog
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)


class Supervision:
    """Looks at a process from threads of its own until the process ends, which it survives by design.

    Never stopped by a command: also an end that takes too long is a stall.
    """

    def __init__(
        self, settings: Settings, parts: Sequence[Vitals], survey: Survey, is_stopping: Callable[[], bool]
    ) -> None:
        """Prepare for the parts of a process; raises PortTakenError where the health port is not to be had."""
        health = settings.health
        self.survey = survey
        self.watchdog = Watchdog(settings, parts, survey, is_stopping)
        self.server: HealthServer | None = None
        if health.port:
            report = Report(parts, self.watchdog, survey, is_stopping)
            registry = registry_of(parts, self.watchdog, survey)
            self.server = HealthServer(health.host, health.port, report, registry)

    def start(self) -> None:
        """Begin to ask the brokers, to look and to answer."""
        self.survey.start()
        self.watchdog.start()
        if self.server is not None:
            self.server.start()
            log.info("health server listens", port=self.server.port)
