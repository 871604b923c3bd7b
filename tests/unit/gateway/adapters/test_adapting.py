"""Settings under which nothing can be adapted."""

import pytest

from streams.gateway.adapters.adapting import refuse_unknown_adapter
from tests.unit.gateway.adapters.devices import source


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"adapter": "unknown"}, "adapter"),
        ({"adapter": "mapping"}, "mapping"),
        ({"source_id": "a b"}, "source_id"),
        ({"checkpoint_id": ""}, "checkpoint_id"),
        ({"area": "/t"}, "area"),
        ({"time_zone": "Mars"}, "time_zone"),
    ],
)
def test_wrong_settings(changes: dict[str, str], name: str) -> None:
    """They are found before anything is adapted."""
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        refuse_unknown_adapter(source(**({"adapter": "native"} | changes)))
