"""What the documents name exists: paths, links, commands, options, targets, settings."""

import re
import tomllib
from functools import cache
from pathlib import Path

import click
import pytest

from streams.cli.main import main
from tests.support import settings_table

ROOT = Path(__file__).resolve().parents[2]
ADRS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
DOCUMENTS = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/ARCHITECTURE.md",
        "docs/OPERATIONS.md",
        "docs/SETTINGS.md",
        "docs/adr/README.md",
    )
] + ADRS
# What is made by a command or lies on another machine.
MADE = (".venv", ".gridwatch", "events.ndjson")
PATH = re.compile(r"(?:\.?[\w-]+/)+[\w.-]*|[\w-]+\.(?:md|toml|yaml|py|svg)")


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def code_in(text: str) -> list[str]:
    """Return what stands in backquotes within lines, and the lines of code blocks that are shell."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    without = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`]+)`", without) + [line for block in blocks for line in block.splitlines()]


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@cache
def commands() -> dict[str, click.Command]:
    with click.Context(main) as context:
        names = main.list_commands(context)
        return {name: command for name in names if (command := main.get_command(context, name)) is not None}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", text_of(document)):
        assert target.startswith("https://") or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_paths_exist(document: Path) -> None:
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text_of(document), flags=re.MULTILINE | re.DOTALL))
    named = [each.strip() for each in inline if PATH.fullmatch(each.strip())]
    missing = [
        each for each in named if not each.startswith(MADE) and each != "gridwatch.toml" and not (ROOT / each).exists()
    ]
    assert missing == []


def test_the_architecture_names_many_paths() -> None:
    assert len(re.findall(r"`(?:events|streams|sinks|tests)/[^`]+`", text_of(ROOT / "docs" / "ARCHITECTURE.md"))) >= 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_and_their_options_exist(document: Path) -> None:
    for code in code_in(text_of(document)):
        match = re.search(
            r"(?:^|/|\| |`)gridwatch(?: --config \S+| --log-\w+ \S+)* ([a-z]+)\b(.*)", code.split("   #")[0]
        )
        if match is None or code.startswith(("  ", "gridwatch is")):
            continue
        assert match[1] in commands(), code
        command, more = commands()[match[1]], match[2]
        if isinstance(command, click.Group) and (below := re.match(r" ([a-z]+)\b(.*)", more)) is not None:
            assert below[1] in command.commands, code
            command, more = command.commands[below[1]], below[2]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", more)) <= options | {"--help"}, code


def test_the_table_of_commands_is_complete() -> None:
    table = text_of(ROOT / "README.md").split("## Commands")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE)) == commands().keys()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_targets_of_make_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {match[1] for code in code_in(text_of(document)) if (match := re.match(r"make ([a-z-]+)", code))}
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_settings_exist(document: Path) -> None:
    names = {name for name, _ in settings_table.settings()}
    known = {settings_table.variable(name) for name in names} | {"GRIDWATCH_CONFIG"}
    text = text_of(document)
    assert set(re.findall(r"GRIDWATCH_[A-Z0-9_]+", text)) <= known
    dotted = set(re.findall(r"`((?:kafka|topics|worker|clock|clickhouse|sink|health|watchdog)\.[a-z_.]+)", text))
    sections = {name.rpartition(".")[0] for name in names}
    assert dotted <= names | sections


def test_the_page_of_settings_is_current() -> None:
    assert text_of(settings_table.PAGE) == settings_table.page(), "python -m tests.support.settings_table --write"


def test_decisions_are_numbered_listed_and_of_one_form() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))
    index = text_of(ROOT / "docs" / "adr" / "README.md")
    for path in ADRS:
        title, *parts = re.findall(r"^#+ (.*)$", text_of(path), re.MULTILINE)
        assert title.startswith(f"{int(path.name[:4])}. ")
        assert parts == ["Context", "Decision", "Against what", "Consequences"]
        assert f"[{title}]({path.name})" in index
        assert len(text_of(path).split()) < 700, "one page"


def test_the_changelog_has_the_version() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    assert f"## [{version}]" in text_of(ROOT / "CHANGELOG.md")


def test_the_licence_is_the_one_declared() -> None:
    declared = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["license"]
    assert declared == "Apache-2.0"
    assert "Apache License" in text_of(ROOT / "LICENSE")[:100]
    assert "END OF TERMS AND CONDITIONS" in text_of(ROOT / "LICENSE")
