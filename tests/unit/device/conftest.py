"""A gateway that does as it is told, and a device that sends to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.device_rig import Device
from tests.support.scripted_gateway import ScriptedGateway


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    """Serve until the end of the test."""
    with ScriptedGateway() as served:
        yield served


@pytest.fixture
def device(tmp_path: Path, gateway: ScriptedGateway) -> Iterator[Device]:
    """Have a new device."""
    made = Device(tmp_path, gateway)
    yield made
    made.close()
