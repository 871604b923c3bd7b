"""The health server of a process under test: its answers and its metrics."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Health:
    """Asks the health server of one process, started or not."""

    port: int

    @property
    def variables(self) -> dict[str, str]:
        """Return what makes a process serve here."""
        return {"GRIDWATCH_HEALTH__PORT": str(self.port)}

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body; status 0 while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except ConnectionRefusedError:
            return 0, ""
        finally:
            connection.close()

    def failing(self, path: str = "/readyz") -> dict[str, str]:
        """Return the checks that fail with their reasons; none while nobody listens."""
        status, body = self.get(path)
        checks: list[dict[str, Any]] = json.loads(body)["checks"] if status else []
        return {check["check"]: check["reason"] for check in checks if not check["good"]}

    def is_ready(self) -> bool:
        """Tell whether it counts as ready."""
        return self.get("/readyz")[0] == 200

    def value(self, name: str, **labels: str) -> float:
        """Return what `metric` does, 0 where there is none."""
        return self.metric(name, **labels) or 0.0

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the sum of the samples of a metric whose labels are so; None where there is none."""
        found = [
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics")[1])
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found) if found else None
