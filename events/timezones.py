"""Time zones from the pinned `tzdata` package alone, so that a replay does not depend on the host's zone files."""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


@cache
def _names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def is_timezone(name: str) -> bool:
    """Tell whether `name` is an IANA time zone known to the pinned zone data."""
    return name in _names()


@cache
def load_timezone(name: str) -> ZoneInfo:
    """Load a zone by its IANA name; raises ValueError for a name that is not one."""
    if not is_timezone(name):
        raise ValueError("expected the IANA name of a time zone")
    path = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
