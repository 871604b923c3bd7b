"""Write the published schemas and the AsyncAPI document into the tree, or check that they are current.

    python -m events.schema_files --write
    python -m events.schema_files --check

The check exits with 1 and names every file that is out of date, missing or left over.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from events.asyncapi import asyncapi_document
from events.schema_documents import schema_documents

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = Path("events/schemas")
ASYNCAPI = Path("docs/asyncapi.json")


def generated_files() -> dict[Path, str]:
    """Return the text of every generated file by its path in the tree."""
    files = {SCHEMAS / f"{name}.json": _text(schema) for name, schema in schema_documents().items()}
    files[ASYNCAPI] = _text(asyncapi_document())
    return files


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(root: Path = ROOT) -> None:
    """Write every file and take away schemas that are left over."""
    for path in left_over(root):
        (root / path).unlink()
    for path, text in generated_files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def left_over(root: Path = ROOT) -> list[Path]:
    """Return schema files of the tree that nothing stands behind."""
    current = generated_files()
    found = (path.relative_to(root) for path in (root / SCHEMAS).glob("*.json"))
    return sorted(path for path in found if path not in current)


def outdated(root: Path = ROOT) -> list[Path]:
    """Return the files that are missing, left over, or not what would be written now."""
    stale = [path for path, text in generated_files().items() if _read(root / path) != text]
    return sorted([*stale, *left_over(root)])


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m events.schema_files", description="Keep published schemas current."
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="say which files are not current")
    if parser.parse_args(arguments).write:
        write()
        return 0
    stale = outdated()
    for path in stale:
        print(f"{path}: not current; run python -m events.schema_files --write", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
