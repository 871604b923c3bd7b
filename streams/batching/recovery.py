"""How long a worker may take partitions over: as long as it takes."""

from __future__ import annotations

from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery


class PatientRecovery(Recovery):
    """Faust's step from an assignment to the first batch, without a limit on its time.

    Faust gives the listener that loads state `broker_request_timeout` seconds (90). Then it takes the time-out for its own
    stop: the assignment is never finished, and the worker stands there for ever, a member of its group, and reads nothing.
    """

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ARG002  its name is Faust's
        await super()._wait(coro)


class PatientTableManager(TableManager):
    """Faust's table manager with the recovery above; there need not be any tables."""

    @property
    def recovery(self) -> Recovery:
        """Return the one recovery of this manager."""
        if self._recovery is None:
            self._recovery = PatientRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
