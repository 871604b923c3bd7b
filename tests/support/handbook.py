"""The rule handbook: the spec tests as pages, a chapter each, written to `docs/handbook/`.

    python -m tests.support.handbook --write     write the pages
    python -m tests.support.handbook --check     exit status 1 when the pages are not what the tests say

A chapter is a folder of `tests/spec`, a section a file, a paragraph a test: its sentence, its time line, what follows.
"""

import argparse
import ast
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from events.vocabulary import CheckState
from streams.core.ledger import TRANSITIONS, CheckEvent
from tests.spec import CHAPTERS

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "tests" / "spec"
PAGES = ROOT / "docs" / "handbook"
NOTE = "<!-- Written by `python -m tests.support.handbook --write` from tests/spec. Do not edit. -->"


@dataclass(frozen=True)
class Paragraph:
    """One test: its sentence, its time lines with their names, its cases, and the code that says what follows."""

    name: str
    sentence: str
    tables: list[tuple[str, str]] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    code: str = ""


@dataclass(frozen=True)
class Section:
    """One file of tests."""

    title: str
    path: Path
    paragraphs: list[Paragraph]


@dataclass(frozen=True)
class Chapter:
    """One folder of tests."""

    name: str
    title: str
    introduction: str
    sections: list[Section]


def chapters() -> list[Chapter]:
    """Read the spec tests as chapters; raises ValueError for a test without a sentence or a file without a place."""
    return [_chapter(name) for name in CHAPTERS]


def _chapter(name: str) -> Chapter:
    folder = SPEC / name
    package = import_module(f"tests.spec.{name}")
    title, _, introduction = (package.__doc__ or "").partition("\n")
    listed = [folder / f"test_{section}.py" for section in package.SECTIONS]
    found = sorted(folder.glob("test_*.py"))
    if sorted(listed) != found:
        raise ValueError(f"{folder}: expected SECTIONS to name every file of tests, once")
    return Chapter(name, title, introduction.strip(), [_section(path) for path in listed])


def _section(path: Path) -> Section:
    source = path.read_text(encoding="utf-8")
    module = ast.parse(source)
    tests = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    title = (ast.get_docstring(module) or "").split("\n")[0]
    return Section(title, path.relative_to(ROOT), [_paragraph(test, source) for test in tests])


def _paragraph(test: ast.FunctionDef, source: str) -> Paragraph:
    sentence = ast.get_docstring(test)
    if sentence is None or not sentence.endswith("."):
        raise ValueError(f"{test.name}: expected a docstring of one sentence")
    tables: list[tuple[str, str]] = []
    rest: list[str] = []
    for statement in test.body[1:]:
        table = _table(statement)
        if table is None:
            rest.append(_segment(statement, source))
        else:
            tables.append(table)
    cases = [case for decorator in test.decorator_list for case in _cases(decorator)]
    return Paragraph(test.name, " ".join(sentence.split()), tables, cases, "\n".join(rest))


def _table(statement: ast.stmt) -> tuple[str, str] | None:
    """Return name and lines of the time line that a statement assigns or tells, None where it is another statement."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    value = statement.value
    if isinstance(value, ast.Call) and len(value.args) == 1 and ast.unparse(value.func) == "timeline":
        value = value.args[0]
    text = _text(value)
    if text is None or " | " not in text:
        return None
    return statement.targets[0].id, "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _text(value: ast.expr) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.JoinedStr):
        return "".join(
            f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else str(ast.literal_eval(part))
            for part in value.values
        )
    return None


def _segment(statement: ast.stmt, source: str) -> str:
    lines = source.splitlines()[statement.lineno - 1 : statement.end_lineno]
    return textwrap.dedent("\n".join(lines))


def _cases(decorator: ast.expr) -> Iterator[str]:
    """Yield the cases of a `parametrize` as `name = value`."""
    if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("parametrize"):
        return
    named, values = decorator.args[:2]
    names = [ast.unparse(name).strip("'\"") for name in (named.elts if isinstance(named, ast.Tuple) else [named])]
    if not isinstance(values, ast.List):
        yield f"{', '.join(names)} of {ast.unparse(values)}"
        return
    for value in values.elts:
        parts = value.elts if len(names) > 1 and isinstance(value, ast.Tuple) else [value]
        yield ", ".join(f"{name} = {ast.unparse(part)}" for name, part in zip(names, parts, strict=True))


def pages() -> dict[str, str]:
    """Return every page by its file name, `README.md` first."""
    found = chapters()
    return {"README.md": _index(found), **{f"{chapter.name}.md": _page(chapter) for chapter in found}}


def _index(found: list[Chapter]) -> str:
    lines = [NOTE, "", "# Rule handbook", "", "What follows from the log, as the tests have it.", ""]
    for number, chapter in enumerate(found, start=1):
        lines.append(f"{number}. [{chapter.title}]({chapter.name}.md)")
        lines += [f"    * {section.title}" for section in chapter.sections]
    lines += ["", "## The life of an expected check", "", *_transitions(), "", "## How to read a time line", ""]
    grammar = import_module("tests.support.timeline.grammar").__doc__ or ""
    return "\n".join([*lines, grammar.partition("\n")[2].strip("\n"), ""])


def _transitions() -> list[str]:
    """Draw the transition table of the ledger: a row for every state, a column for everything that can befall a check."""
    events = list(CheckEvent)
    lines = [
        "| state | " + " | ".join(event.name.lower() for event in events) + " |",
        "|---" * (len(events) + 1) + "|",
    ]
    for state in CheckState:
        becomes = [TRANSITIONS.get((state, event)) for event in events]
        lines.append(f"| `{state}` | " + " | ".join("" if new is None else f"`{new}`" for new in becomes) + " |")
    return lines


def _page(chapter: Chapter) -> str:
    lines = [NOTE, "", f"# {chapter.title}", "", chapter.introduction, ""]
    for section in chapter.sections:
        lines += [f"## {section.title}", "", f"Tests: `{section.path}`", ""]
        for paragraph in section.paragraphs:
            lines += _paragraph_lines(paragraph)
    return "\n".join(lines).rstrip("\n") + "\n"


def _paragraph_lines(paragraph: Paragraph) -> list[str]:
    lines = [f"### {paragraph.sentence}", ""]
    for name, table in paragraph.tables:
        if name not in ("story", "table"):
            lines += [f"`{name}`:", ""]
        lines += ["```text", table, "```", ""]
    if paragraph.cases:
        lines += [*(f"* `{case}`" for case in paragraph.cases), ""]
    if paragraph.code:
        lines += ["```python", paragraph.code, "```", ""]
    return lines


def stale(folder: Path) -> list[str]:
    """Return the names of the pages in a folder that differ from what the tests say, are missing, or are no pages."""
    wanted = pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
    return sorted(name for name in {**wanted, **found} if wanted.get(name) != found.get(name))


def write(folder: Path) -> None:
    """Write every page into a folder and take away those that are none any more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Write or check the handbook; exit status 1 when it is not current."""
    parser = argparse.ArgumentParser(description="the rule handbook, from the spec tests")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write docs/handbook")
    mode.add_argument("--check", action="store_true", help="exit status 1 when docs/handbook is not current")
    if parser.parse_args(arguments).write:
        write(PAGES)
        return 0
    differing = stale(PAGES)
    for name in differing:
        print(f"docs/handbook/{name} is not current: run python -m tests.support.handbook --write", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
