"""The table of metrics in `docs/OPERATIONS.md`, written from the catalogue, or whether it is current.

python -m tests.support.metrics_table --write | --check
"""

import re
import sys
from pathlib import Path

from streams.health.catalogue import METRICS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "OPERATIONS.md"
_TABLE = re.compile(r"(<!-- table: metrics -->\n\|[^\n]*\n\|[^\n]*\n)(.*?)(<!-- end -->)", re.DOTALL)


def rows() -> str:
    """Return a row of the table for each metric."""
    cells = (
        (f"`{metric.name}`", metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.meaning)
        for metric in METRICS
    )
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def page(text: str) -> str:
    """Return the page with the table as it should be; raises LookupError where there is no place for it."""
    if _TABLE.search(text) is None:
        raise LookupError("docs/OPERATIONS.md has no `<!-- table: metrics -->`")
    return _TABLE.sub(lambda found: found[1] + rows() + found[3], text)


def main() -> int:
    """Write the table, or say whether it is current."""
    text = PAGE.read_text(encoding="utf-8")
    match sys.argv[1:]:
        case ["--write"]:
            PAGE.write_text(page(text), encoding="utf-8")
            return 0
        case ["--check"]:
            if text == page(text):
                return 0
            print("docs/OPERATIONS.md is not current: python -m tests.support.metrics_table --write", file=sys.stderr)
            return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
