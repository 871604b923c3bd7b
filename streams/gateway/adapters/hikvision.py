"""Events of Hikvision access terminals (ISAPI `EventNotificationAlert`), JSON or XML, alone or beside pictures.

All of it is said by the mapping `hikvision.toml` beside this module, which a site may copy and change. What it settles:

* `currentEvent` false is backlog. Door state, heartbeats and alarms of other kinds are passed over with their `serialNo`.
* `serialNo` is the sequence. It counts every event of the terminal, also those we have no use for, and can begin anew.
* Codes of `subEventType` differ by firmware. One that is unknown is `held`: somebody known stood there, and nothing says
  that the gate opened. A reading is never lost by it.
* `isAbnomalTemperature` (spelt so) does not change the decision, since the terminal may be set to open all the same; where
  it is true without a reading the record is marked as degraded.
* Names, card numbers and pictures have no place in the mapping and go no further than the parser.
"""

from functools import cache
from importlib import resources

from streams.gateway.adapters.mapped import adapt_mapped
from streams.gateway.adapters.mapping import Mapping, read_mapping
from streams.gateway.adapters.outcomes import Adapted, SourceSettings


@cache
def hikvision_mapping() -> Mapping:
    """Return the mapping that comes with gridwatch."""
    return read_mapping(resources.files("streams.gateway.adapters").joinpath("hikvision.toml").read_bytes())


def adapt_hikvision(body: bytes, content_type: str, source: SourceSettings) -> list[Adapted]:
    """Return what becomes of each event of a terminal."""
    return adapt_mapped(body, content_type, source, source.mapping or hikvision_mapping())
