"""What deploy/devices/README.md says is so: commands, options, records, answers."""

import json
import re
from datetime import UTC, datetime

import click

from events.codec import decode
from streams.cli.device import command
from streams.device.records import encode_body
from streams.device.sending import Limits
from streams.device.spool import SKIPPED_AFTER_LOSS, Keeping
from tests.support.processes import REPOSITORY

TEXT = (REPOSITORY / "deploy" / "devices" / "README.md").read_text("utf-8")


def test_commands_and_options_exist() -> None:
    named = re.findall(r"^gridwatch device ([a-z]+)\b(.*)$", TEXT, re.MULTILINE)

    assert {name for name, _ in named} == set(command.commands)
    for name, rest in named:
        assert isinstance(command.commands[name], click.Command)
        options = {option for parameter in command.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (REPOSITORY / "deploy" / "devices" / target).exists()


def test_the_records_are_records() -> None:
    (posted,) = (json.loads(found) for found in re.findall(r"-d '(.*)'$", TEXT, re.MULTILINE))
    assert decode(json.dumps({"source_id": "d-000001", **posted}).encode())
    (line,) = (json.loads(found) for found in re.findall(r"^(\{\"kind\".*)$", TEXT, re.MULTILINE))
    kind = line.pop("kind")
    assert decode(encode_body(kind, line, event_id="e", source_id="s", at=datetime.now(UTC)))


def test_the_numbers_are_those_of_the_code() -> None:
    limits, keeping = Limits(), Keeping()

    assert (keeping.records, keeping.age.days, keeping.refused, keeping.free_bytes) == (10_000, 7, 10_000, 16 * 2**20)
    assert (limits.longest_wait_seconds, limits.key_refused_seconds, limits.ask_seconds) == (300, 300, 900)
    assert limits.longest_retry_after_seconds == 3600
    assert SKIPPED_AFTER_LOSS == limits.most_records == 1000
