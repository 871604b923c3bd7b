"""The files in `deploy` fit the program: settings, commands, paths, versions. They are not run here."""

import re
import tomllib
from functools import cache
from importlib.metadata import requires
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from packaging.requirements import Requirement

from events.policy import default_policy, parse_policy_toml
from streams.cli.main import main
from streams.settings import Settings, load_settings
from tests.support.settings_table import settings, variable
from tests.unit.deploy.compose_file import read_yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
ONCE = {"topics", "migrate"}
ON_DEMAND = {"policy", "doctor", "sources"}
STANDING = {"intake-1", "intake-2", "watch-1", "watch-2", "clock", "sink", "gateway"}


@cache
def compose() -> dict[str, Any]:
    return read_yaml((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]  # type: ignore[no-any-return]


def ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if name not in {"kafka", "clickhouse"}}


def test_the_services_are_those_of_the_pipeline() -> None:
    assert ours().keys() == ONCE | ON_DEMAND | STANDING


@pytest.mark.parametrize("name", sorted(ONCE | ON_DEMAND | STANDING))
def test_a_service_calls_a_command_that_there_is(name: str) -> None:
    command = ours()[name]["command"]
    found = main.get_command(None, command[0])  # type: ignore[arg-type]
    assert found is not None, command
    with found.make_context(
        command[0], [part for part in command[1:] if not part.startswith("/")] or [], resilient_parsing=True
    ):
        options = {option for parameter in found.params for option in parameter.opts}
    assert {part for part in command[1:] if part.startswith("--")} <= options


@pytest.mark.parametrize("name", sorted(ONCE | ON_DEMAND | STANDING))
def test_a_service_is_held_on_a_short_lead(name: str) -> None:
    service = ours()[name]
    assert service["read_only"] == "true"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("unless-stopped" if name in STANDING else "no")
    assert "privileged" not in service
    assert service.get("ports", []) == (["127.0.0.1:8300:8300"] if name == "gateway" else [])


def test_what_runs_on_demand_does_not_run_at_every_start() -> None:
    assert {name for name, service in services().items() if "profiles" in service} == ON_DEMAND


def test_the_servers_are_hardened_healthy_and_keep_their_data() -> None:
    for name in ("kafka", "clickhouse"):
        service = services()[name]
        assert service["cap_drop"] == ["ALL"]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["volumes"][0].split(":")[0] in compose()["volumes"]
        assert re.fullmatch(r"[a-z-]+/[a-z-]+:\d+\.\d+(\.\d+)?", service["image"])


def test_everything_waits_for_services_that_there_are() -> None:
    for name, service in services().items():
        for other, waits in service.get("depends_on", {}).items():
            assert other in services(), name
            is_once = other in ONCE
            assert waits["condition"] == ("service_completed_successfully" if is_once else "service_healthy")
            assert is_once or "healthcheck" in services()[other]


def test_its_settings_are_settings_with_good_values(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {variable(name) for name, _ in settings()}
    for name, service in ours().items():
        assert service["environment"].keys() <= known, name
    for name, value in next(iter(ours().values()))["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:\?[^}]*\}", "secret", value))
    loaded = load_settings()
    assert loaded.kafka.brokers == services()["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split("//")[1]
    assert loaded.topics.replication_factor == 1


def test_no_secret_stands_in_it() -> None:
    for line in (DEPLOY / "compose.yaml").read_text(encoding="utf-8").splitlines():
        if "PASSWORD" in line and not line.startswith("#"):
            assert "${CLICKHOUSE_PASSWORD:?" in line


def test_it_says_that_it_was_not_run() -> None:
    for path in (DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", DEPLOY / "clickhouse" / "config.d" / "gridwatch.xml"):
        assert "NOT RUN" in path.read_text(encoding="utf-8")


def test_kafka_is_the_version_that_the_suites_run_on() -> None:
    pom = (DEPLOY / "kafka" / "pom.xml").read_text(encoding="utf-8")
    match = re.search(r"<kafka\.version>(.*?)</kafka\.version>", pom)
    assert match is not None
    assert services()["kafka"]["image"] == f"apache/kafka:{match[1]}"


def test_the_image_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {service["image"] for service in ours().values()} == {f"gridwatch:{version}"}


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    ignored_but = {
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for line in dockerfile().splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert source in ignored_but or "requirements/*.txt" in ignored_but, source


def test_the_image_installs_with_hashes_and_is_not_root() -> None:
    text = dockerfile().replace("\\\n", " ")
    installs = [part for part in re.split(r"&&|\n", text) if "pip install" in part]
    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)
    assert "\nUSER 10001:10001\n" in text
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases.pop())


def test_the_lock_of_the_build_has_all_that_builds_the_wheel() -> None:
    """hatchling and its own requirements, by name, with their hashes."""
    needed = {
        requirement.name
        for requirement in map(Requirement, requires("hatchling") or [])
        if requirement.marker is None or requirement.marker.evaluate({"python_version": "3.11"})
    }
    lock = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z-]+)==", lock, re.MULTILINE))
    assert needed | {"hatchling"} <= locked


def test_the_example_settings_are_good() -> None:
    loaded = load_settings(DEPLOY / "gridwatch.toml")
    assert loaded.topics == Settings().topics
    assert loaded.clock == Settings().clock
    uncommented = re.sub(
        r"^# (?=\[|\w+ = )", "", (DEPLOY / "gridwatch.toml").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    section = tomllib.loads(uncommented)
    assert Settings.model_validate(section).kafka.security.mechanism == "SCRAM-SHA-512"
    assert section["topic_prefix"] == section["group_prefix"]


def test_the_policy_to_start_from_is_the_default() -> None:
    text = (DEPLOY / "policies" / "default.toml").read_text(encoding="utf-8")
    assert parse_policy_toml(text) == default_policy()
    assert text == (ROOT / "events" / "default_policy.toml").read_text(encoding="utf-8")


def test_the_clickhouse_settings_are_xml() -> None:
    root = ElementTree.parse(DEPLOY / "clickhouse" / "config.d" / "gridwatch.xml").getroot()
    assert root.tag == "clickhouse"
    mount = services()["clickhouse"]["volumes"][1].split(":")[0]
    assert (DEPLOY / mount).is_file()
