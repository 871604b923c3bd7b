"""A day as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KILLED = ("gateways", "broker", "intake", "devices")


def table(result: Mapping[str, Any]) -> str:
    """Return what happened and what came of it, as Markdown."""
    line = result["line"]
    rows = [
        ("devices, each a source with a key of its own", _count(result["devices"])),
        ("records in their spools", _count(result["records"])),
        ("requests", _count(result["requests"])),
        ("kill -9 of " + ", ".join(_KILLED), ", ".join(_count(result["kills"].get(name, 0)) for name in _KILLED)),
        ("power losses of devices", _count(result["power_losses"])),
        ("outages of one hour to twelve", _count(result["outages"])),
        ("clocks more than a minute off", _count(result["clocks_off"])),
        ("answers lost", _count(line["lost"] + line["reset"])),
        ("requests cut in the middle", _count(line["cut"])),
        ("requests sent twice", _count(line["twice"])),
        ("records that came to a raw topic again", _count(result["repeats"])),
        ("records that intake wrote again to the byte after its kill -9", _count(result["rewritten"])),
        ("refused for a clock days ahead, and kept by the device", _count(result["refused"])),
        ("**lost**", _count(result["lost"])),
        ("**duplicated**", _count(result["duplicated"])),
        ("**out of order**", _count(result["out_of_order"])),
        ("**strange**", _count(result["strange"])),
        ("**left waiting**", _count(result["waiting"])),
        ("a killed gateway takes records again, at the latest after", f"{result['gateway_ready_s_max']:.1f} s"),
        ("duration", f"{result['seconds'] / 60:.1f} min"),
    ]
    lines = [f"| {says} | {value} |" for says, value in rows]
    return "\n".join(["| | |", "| --- | ---: |", *lines])


def _count(number: int) -> str:
    return f"{number:,}"
