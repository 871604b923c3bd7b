"""The faults by kind. Each is a function that breaks something, mends it, and returns the instant at which it was mended."""

from __future__ import annotations

from tests.chaos.faults import brokers, clickhouse, disk, network, processes, records
from tests.chaos.faults.kinds import Fault

FAULTS: dict[str, Fault] = {
    fault.kind: fault for module in (processes, brokers, network, clickhouse, disk, records) for fault in module.FAULTS
}
