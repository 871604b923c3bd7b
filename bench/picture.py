"""The figures for the README: `docs/figures/bench.json`, and a picture of the most important ones beside it."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bench import watching
from bench.intake import INTAKE, TOGETHER
from bench.page import page
from bench.places import ROOT, tell
from bench.results import RATE, Row

_FIGURES = ROOT / "docs" / "figures"
_VERSIONS = ("faust-streaming", "aiokafka", "msgspec", "pydantic", "clickhouse-connect", "chdb")
_BARS = (
    (watching.WATCH, "all rules, all guarantees", "#1f6f4a"),
    (INTAKE, "checks, drops repeats, writes the timeline", "#1f6f4a"),
    (TOGETHER, "raw records to figures", "#1f6f4a"),
    (watching.CONFLUENT, "all rules, no saved state", "#8a8f98"),
    (watching.STREAMS_IN_MEMORY, "one threshold, one write", "#8a8f98"),
    (watching.STREAMS, "one threshold, one write", "#8a8f98"),
    (watching.QUIX, "one threshold, one write", "#8a8f98"),
    (watching.FAUST, "all rules", "#8a8f98"),
)
_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 860, 330, 110, 30, 58


def write_figures(rows: Sequence[Row], command: str) -> None:
    """Write both files; the picture shows what of its bars was measured."""
    _FIGURES.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "command": command,
        "machine": machine(),
        "versions": versions(),
        "rows": [row.as_json() for row in rows],
    }
    (_FIGURES / "bench.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _draw(rows, document)
    tell("wrote docs/figures/bench.json, docs/figures/bench.svg and docs/PERFORMANCE.md")


def _draw(rows: Sequence[Row], document: Mapping[str, Any]) -> None:
    command = document["command"]
    (_FIGURES / "bench.svg").write_text(picture(rows, command), encoding="utf-8")
    text = page(rows, document["machine"], document["versions"], command)
    (ROOT / "docs" / "PERFORMANCE.md").write_text(text, encoding="utf-8")


def machine() -> dict[str, Any]:
    """Return what the figures were measured on: processor, cores, memory; no names."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": platform.system(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def versions() -> dict[str, str]:
    """Return Python's version, and of what decides over speed."""
    return {"python": platform.python_version()} | {name: version(name) for name in _VERSIONS}


def picture(rows: Iterable[Row], command: str) -> str:
    """Return bars of records a second on one core as SVG; readable on light and dark pages."""
    rates = {row.name: row.value for row in rows if row.unit == RATE}
    bars = [(name, says, colour) for name, says, colour in _BARS if name in rates]
    highest = max((rates[name] for name, _, _ in bars), default=1.0)
    height = _TOP + _ROW * len(bars) + 34
    drawn = [_bar(place, bar, rates, highest) for place, bar in enumerate(bars)]
    title = "Records a second on one core, Apache Kafka on the other"
    foot = f"97 of 100 records scans of people not observed, 1 of 100 people observed; {_processor()}; {command}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" role="img">',
            f"<title>{title}</title>",
            f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
            f'<text x="20" y="34" font-size="17" font-weight="bold" fill="#1b1f24">{title}</text>',
            *drawn,
            f'<text x="20" y="{height - 12}" font-size="11" fill="#57606a">{escape(foot)}</text>',
            "</svg>\n",
        ]
    )


def _bar(place: int, bar: tuple[str, str, str], rates: Mapping[str, float], highest: float) -> str:
    name, says, colour = bar
    y, width = _TOP + _ROW * place, max(1.0, rates[name] / highest * (_WIDTH - _LEFT - _RIGHT))
    return (
        f'<text x="20" y="{y + 13}" font-size="12" fill="#1b1f24">{escape(name)}</text>'
        f'<text x="20" y="{y + 25}" font-size="9.5" fill="#57606a">{escape(says)}</text>'
        f'<rect x="{_LEFT}" y="{y + 3}" width="{width:.1f}" height="18" rx="2" fill="{colour}"/>'
        f'<text x="{_LEFT + width + 6:.1f}" y="{y + 17}" font-size="12" fill="#1b1f24">{rates[name]:,.0f}</text>'
    )


def main() -> None:
    """Draw picture and page anew from the figures that are there."""
    document = json.loads((_FIGURES / "bench.json").read_text(encoding="utf-8"))
    _draw([Row(**row) for row in document["rows"]], document)


if __name__ == "__main__":
    main()
