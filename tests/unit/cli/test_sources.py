"""`gridwatch sources` on a log in memory: what it writes and in which order, what it shows, and how it ends."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.broker.outputs import Output
from streams.cli import sources_options
from streams.gateway import source_log
from streams.gateway.keys import KeptKey, read_authorization
from streams.gateway.registrar import Change, change_source, remove_source, revoke_keys, rotate_key
from streams.gateway.registry import RegisteredSource, Registry, read_source
from tests.support.fakes import MemoryLog, MemoryPublisher, MemoryTopic
from tests.unit.cli.programs import Ended, call
from tests.unit.gateway.adapters.devices import MAPPINGS
from tests.unit.gateway.sources import NOW, added, random_from

TERMINAL = ("--kind", "visit_recorded", "--area", "jintang/huaikou", "--actor", "wang")


class Office:
    """The command, on a log of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = MemoryLog()
        self.topic = MemoryTopic(self.log)
        monkeypatch.setattr(source_log, "Publisher", lambda settings: MemoryPublisher(self.log, settings=settings))
        monkeypatch.setattr(source_log, "read_compacted", self.topic.read)
        monkeypatch.setattr(source_log, "read_since", self.topic.read_since)

    def call(self, *arguments: object) -> Ended:
        return call("sources", *arguments)

    def topics(self) -> list[str]:
        """Return the topics that gateways and auditors read, in the order in which they were written to."""
        return [output.topic for output in self.log.written if output.topic != "commands"]

    def write(self, source_id: str, value: bytes) -> None:
        """Write what somebody else has to say about a source."""
        self.log.write(Output("sources", source_id.encode(), value, 0))

    def audit(self) -> list[dict[str, Any]]:
        return [json.loads(value) for value in self.log.values("audit")]

    def registry(self) -> Registry:
        """Return the registry of a gateway that has read everything."""
        registry = Registry()
        for key, value in self.topic.records("sources"):
            registry.take(key, value)
        return registry

    def valid_keys(self, source_id: str) -> tuple[KeptKey, ...]:
        values = [value for key, value in self.topic.records("sources") if key == source_id]
        source = None if values[-1] is None else read_source(values[-1])
        return () if source is None else source.valid_keys(datetime.now(UTC))

    def lets_in(self, key: str) -> bool:
        presented = read_authorization(f"Bearer {key}")
        return presented is not None and self.registry().admit(presented, datetime.now(UTC)) is not None


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    """Have an office in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    return Office(monkeypatch)


def key_of(ended: Ended) -> str:
    assert ended.status == 0, ended.err
    return ended.out.decode().strip()


class TestAdd:
    """A source and its first key."""

    def test_one(self, office: Office) -> None:
        """The key alone on standard output; the audit trail knew of it before any gateway could."""
        ended = office.call("add", "t-1", *TERMINAL)

        assert office.lets_in(key_of(ended))
        assert office.topics() == ["audit", "sources"]
        assert key_of(ended) not in ended.err
        assert "t-1: source added" in ended.err
        assert office.audit()[0]["actor_id"] == "wang"

    def test_as_json(self, office: Office) -> None:
        """The access record, with the key."""
        ended = office.call("add", "t-1", *TERMINAL, "--expires-in-days", "30", "--json")

        document = json.loads(ended.out)
        assert office.lets_in(document["key"])
        assert (document["action"], document["key_id"]) == ("source_added", document["key"].split(".")[1])
        assert document["detail"]["expires_at"] is not None

    def test_into_a_file(self, office: Office, tmp_path: Path) -> None:
        """That nobody else can read, and that is not written over."""
        ended = office.call("add", "t-1", *TERMINAL, "--key-file", "key")

        assert (ended.status, ended.out) == (0, b"")
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
        assert office.lets_in((tmp_path / "key").read_text().strip())
        again = office.call("add", "t-2", *TERMINAL, "--key-file", "key")
        assert again.status == 2
        assert "--key-file: key: File exists" in again.err
        assert office.topics() == ["audit", "sources"]

    def test_twice(self, office: Office) -> None:
        """Is refused: a key would be given for what somebody else has set up."""
        office.call("add", "t-1", *TERMINAL)
        ended = office.call("add", "t-1", *TERMINAL)
        assert (ended.status, ended.out) == (1, b"")
        assert "t-1 is registered already" in ended.err
        assert len(office.topics()) == 2

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (("--kind", "tick"), "--kind"),
            (("--kind", "checkpoint_scanned"), "--checkpoint: expected"),
            (("--area", "a//b"), "--area: expected"),
            (("--adapter", "mapping"), "--mapping: expected"),
            (("--mapping", "missing.toml"), "--mapping"),
            (("--time-zone", "Mars"), "--time-zone: expected"),
            (("--records-per-s", "0"), "--records-per-s: expected"),
            (("--expires-in-days", "0"), "--expires-in-days"),
            (("--actor", "login:root"), "--actor"),
            (("--actor", "Wang Wu"), "--actor"),
            (("--watched-area", "a", "--no-watched-areas"), "--no-watched-areas"),
            (("--from", "missing.csv"), "--from"),
        ],
        ids=" ".join,
    )
    def test_wrong_options(self, options: tuple[str, ...], named: str, office: Office) -> None:
        """Status 2 with the option named, and nothing is written."""
        ended = office.call("add", "t-1", *TERMINAL, *options)
        assert ended.status == 2
        assert named in ended.err
        assert office.topics() == []

    def test_a_device_with_a_mapping(self, office: Office) -> None:
        """The text of the file goes into the registry; kinds follow from it."""
        ended = office.call(
            *("add", "gate-3", "--area", "a", "--checkpoint", "gate-3", "--time-zone", "+08:00"),
            *("--adapter", "mapping", "--mapping", MAPPINGS / "face_gate.toml", "--direction", "in"),
        )
        assert office.lets_in(key_of(ended))
        shown = json.loads(office.call("show", "gate-3", "--json").out)
        assert shown["kinds"] == ["checkpoint_scanned", "temperature_taken"]
        assert shown["mapping"] == (MAPPINGS / "face_gate.toml").read_text()

    def test_who_it_was(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without --actor the login that the system knows, and no variable that anybody can set."""
        monkeypatch.setenv("LOGNAME", "mayor")
        office.call("add", "t-1", *TERMINAL[:4])
        assert office.audit()[0]["actor_id"] == sources_options.login_name()
        assert "mayor" not in sources_options.login_name()


def test_the_log_is_told_last(office: Office) -> None:
    """Which checks depend on a source, and how long it may be silent; `change` without options says it once more."""
    office.call("add", "t-1", *TERMINAL, "--interval-seconds", "900")
    office.call("rotate", "t-1")
    office.call("revoke", "t-1", "--all")
    office.call("change", "t-1")
    office.call("remove", "t-1")

    assert [output.topic for output in office.log.written] == [
        *("audit", "sources", "commands"),
        *("audit", "sources"),
        *("sources", "audit"),
        *("audit", "sources", "commands"),
        *("audit", "sources", "commands"),
    ]
    said = [json.loads(value) for value in office.log.values("commands")]
    assert [document["interval_seconds"] for document in said] == [900, 900, 0]


@pytest.mark.parametrize("writes", range(3))
@pytest.mark.parametrize("command", [("rotate",), ("revoke", "--all"), ("remove",)])
def test_a_command_that_dies(writes: int, command: tuple[str, ...], office: Office) -> None:
    """Whatever it wrote before, nobody is let in by a key that nobody knows of; the command again does the rest."""
    first = key_of(office.call("add", "t-1", *TERMINAL))
    office.log.writes_left = writes
    ended = office.call(command[0], "t-1", *command[1:])
    office.log.writes_left = None

    valid = {key.key_id for key in office.valid_keys("t-1")}
    granted = {record["key_id"] for record in office.audit()}
    assert valid <= granted
    if writes < 2:
        assert ended.status == 4
        assert ended.out == b""
        assert "not known to be written" in ended.err
    again = office.call(command[0], "t-1", *command[1:])
    if command != ("remove",) or writes < 2:
        assert again.status == 0
    assert office.lets_in(first) == (command == ("rotate",))
    assert (
        office.audit()[-1]["action"]
        == {"rotate": "key_rotated", "revoke": "key_revoked", "remove": "source_removed"}[command[0]]
    )


class TestListing:
    """Hundreds of devices from one file."""

    CSV = "source_id,areas,checkpoints,kinds,interval_seconds,sequence_counts\n"

    def test_csv(self, office: Office, tmp_path: Path) -> None:
        """A line each, options for what a line does not say, and the keys in a file."""
        (tmp_path / "gates.csv").write_text(
            "\ufeff" + self.CSV + "g-1,a/b,g-1,,900,no\r\ng-2,a/b a/c,g-2 g-2b,visit_recorded checkpoint_scanned,,\r\n"
        )
        ended = office.call("add", "--from", "gates.csv", "--kind", "checkpoint_scanned", "--key-file", "keys")

        assert (ended.status, ended.out) == (0, b""), ended.err
        assert "added 2 sources" in ended.err
        assert office.topics() == ["audit", "audit", "sources", "sources"]
        lines = [line.split() for line in (tmp_path / "keys").read_text().splitlines()]
        assert [line[0] for line in lines] == ["g-1", "g-2"]
        assert all(office.lets_in(key) for _, key in lines)
        shown = [json.loads(office.call("show", name, "--json").out) for name in ("g-1", "g-2")]
        assert [each["kinds"] for each in shown] == [["checkpoint_scanned"], ["visit_recorded", "checkpoint_scanned"]]
        assert [each["areas"] for each in shown] == [["a/b"], ["a/b", "a/c"]]
        assert [(each["interval_seconds"], each["sequence_counts"]) for each in shown] == [(900, False), (0, True)]

    def test_json_lines(self, office: Office, tmp_path: Path) -> None:
        """With a mapping beside the file."""
        (tmp_path / "devices").mkdir()
        (tmp_path / "devices" / "m.toml").write_text((MAPPINGS / "zkteco_attendance.toml").read_text())
        row = {"source_id": "z-1", "areas": ["a"], "adapter": "mapping", "mapping": "m.toml", "records_per_s": 5}
        (tmp_path / "devices" / "z.ndjson").write_text(json.dumps(row) + "\n\n")
        ended = office.call("add", "--from", "devices/z.ndjson", "--key-file", "keys", "--json")
        (document,) = json.loads(ended.out)
        assert (document["source_id"], document["detail"]["kinds"]) == ("z-1", ["temperature_taken"])
        assert "key" not in document

    def test_faults(self, office: Office, tmp_path: Path) -> None:
        """Every one with its line; nothing is written, no key file either."""
        office.call("add", "g-0", *TERMINAL)
        (tmp_path / "gates.csv").write_text(
            self.CSV
            + "g-0,a,g-0,,,\n"
            + "g-1,a//b,g-1,,,\n"
            + '"g-2",a,"g\n2",,,\n'
            + "g-3,a,g-3,,soon,\n"
            + "g-4,a,g-4,,,maybe\n"
            + "g-5,a,g-5,tick,,\n"
            + "g-6,a,g-6,,,,more\n"
            + "g-7,a,g-7,,,\n"
            + "g-7,a,g-7,,,\n"
            + ",a,g-8,,,\n"
        )
        ended = office.call("add", "--from", "gates.csv", "--kind", "checkpoint_scanned", "--key-file", "keys")

        assert ended.status == 2
        faults = [line for line in ended.err.splitlines() if line.startswith("gates.csv:")]
        assert [line.split(":")[1] for line in faults] == ["2", "3", "6", "7", "8", "9", "11", "12"]
        for fault, said in zip(
            faults,
            ("source_id: is registered", "areas.0", "interval_seconds", "sequence_counts", "kinds", "as many cells",
             "source_id: expected each once", "source_id"),
            strict=True,
        ):  # fmt: skip
            assert said in fault
        assert office.topics() == ["audit", "sources"]
        assert not (tmp_path / "keys").exists()

    @pytest.mark.parametrize("text", ["", "\n", "source_id\n"])
    def test_nothing(self, text: str, office: Office, tmp_path: Path) -> None:
        """A file without a source is a wrong one."""
        (tmp_path / "gates.csv").write_text(text)
        assert office.call("add", "--from", "gates.csv", "--dry-run").status == 2

    @pytest.mark.parametrize(
        "line", ["[1]", "{", '{"source_id":"a","keys":[]}', '{"source_id":"a","kind":"x"}', "[" * 9999]
    )
    def test_lines_that_are_no_sources(self, line: str, office: Office, tmp_path: Path) -> None:
        """Are named by their number."""
        (tmp_path / "gates.ndjson").write_text(f"\n{line}\n")
        ended = office.call("add", "--from", "gates.ndjson", "--dry-run")
        assert ended.status == 2
        assert "gates.ndjson:2: expected" in ended.err

    def test_dry_run(self, office: Office, tmp_path: Path) -> None:
        """Says that all is well, and writes nothing at all."""
        (tmp_path / "gates.csv").write_text(self.CSV + "g-1,a,g-1,checkpoint_scanned,,\n")
        ended = office.call("add", "--from", "gates.csv", "--dry-run", "--key-file", "keys")
        assert ended.status == 0
        assert "nothing is wrong with 1 source" in ended.err
        assert office.topics() == []
        assert not (tmp_path / "keys").exists()

    def test_keys_need_a_file(self, office: Office, tmp_path: Path) -> None:
        """Hundreds of keys are not shown on a terminal."""
        (tmp_path / "gates.csv").write_text(self.CSV)
        assert "--key-file" in office.call("add", "--from", "gates.csv").err
        assert office.call("add", "t-1", "--from", "gates.csv").status == 2
        assert office.call("add").status == 2


class TestKeys:
    """Rotating, revoking, removing."""

    def test_rotate(self, office: Office) -> None:
        """Both keys let in while the overlap lasts; with none the former one is shut."""
        first = key_of(office.call("add", "t-1", *TERMINAL))
        second = key_of(office.call("rotate", "t-1"))
        assert office.lets_in(first)
        assert office.lets_in(second)
        third = key_of(office.call("rotate", "t-1", "--overlap-hours", "0"))
        assert [office.lets_in(key) for key in (first, second, third)] == [False, False, True]
        assert office.topics() == ["audit", "sources"] * 3

    def test_revoke(self, office: Office) -> None:
        """The gateways hear of it before the audit trail does: it waits for nothing."""
        first = key_of(office.call("add", "t-1", *TERMINAL))
        second = key_of(office.call("rotate", "t-1"))
        ended = office.call("revoke", "t-1", "--key", first.split(".")[1])
        assert ended.status == 0
        assert [office.lets_in(key) for key in (first, second)] == [False, True]
        assert office.topics()[-2:] == ["sources", "audit"]
        assert office.call("revoke", "t-1", "--all").status == 0
        assert not office.lets_in(second)

    @pytest.mark.parametrize("more", [(), ("--key", "nobodys-"), ("--all", "--key", "nobodys-")])
    def test_revoke_what(self, more: tuple[str, ...], office: Office) -> None:
        """A key that is there, or all."""
        office.call("add", "t-1", *TERMINAL)
        ended = office.call("revoke", "t-1", *more)
        assert ended.status == 2
        assert "--key" in ended.err

    def test_remove(self, office: Office) -> None:
        """The source is gone; so it is, with what nobody could read."""
        key = key_of(office.call("add", "t-1", *TERMINAL))
        assert office.call("remove", "t-1").status == 0
        assert not office.lets_in(key)
        assert office.topics()[-2:] == ["audit", "sources"]
        office.call("add", "t-1", *TERMINAL)
        office.write("t-1", b'{"source_id":"t-1","colour":"blue"}')
        assert office.call("rotate", "t-1").status == 1
        assert office.call("remove", "t-1").status == 0
        assert len(office.registry()) == office.registry().unreadable == 0

    def test_shut_for_a_while(self, office: Office) -> None:
        """An inactive source keeps its keys; it is shut before the audit trail is written."""
        key = key_of(office.call("add", "t-1", *TERMINAL))
        assert office.call("change", "t-1", "--inactive").status == 0
        assert not office.lets_in(key)
        assert office.topics()[-2:] == ["sources", "audit"]
        assert office.call("change", "t-1", "--active").status == 0
        assert office.lets_in(key)

    @pytest.mark.parametrize("command", [("change",), ("rotate",), ("revoke", "--all"), ("remove",), ("show",)])
    def test_nobody(self, command: tuple[str, ...], office: Office) -> None:
        """Status 1: it is not registered."""
        ended = office.call(command[0], "t-9", *command[1:])
        assert ended.status == 1
        assert "t-9 is not registered" in ended.err
        assert office.topics() == []


class TestTwoAtOnce:
    """Two administrators change one source at the same time."""

    def meanwhile(self, office: Office, change: Callable[[RegisteredSource], Change]) -> None:
        """Have somebody else change t-1 between what the next command reads and what it writes."""
        (value,) = [value for key, value in office.topic.records("sources") if key == "t-1"]
        source = None if value is None else read_source(value)
        assert source is not None
        other = change(source)

        def write_too() -> None:
            office.topic.after_reading = lambda: None
            office.write("t-1", other.value or b"")

        office.topic.after_reading = write_too

    def test_the_last_one_holds(self, office: Office) -> None:
        """And whoever wrote it is told."""
        office.call("add", "t-1", *TERMINAL)
        self.meanwhile(office, lambda source: change_source(source, {"burst": 9}, actor_id="b", now=NOW))
        ended = office.call("change", "t-1", "--area", "other", "--json")
        assert ended.status == 1
        assert "t-1 was changed by somebody else" in ended.err
        assert json.loads(ended.out)["is_changed_meanwhile"]
        shown = json.loads(office.call("show", "t-1", "--json").out)
        assert (shown["burst"], shown["areas"]) == (2000, ["other"])

    def test_a_revocation_is_not_undone(self, office: Office) -> None:
        """The key that was stolen stays shut, though the rotation that came later had not heard of it."""
        stolen = key_of(office.call("add", "t-1", *TERMINAL))
        self.meanwhile(office, lambda source: revoke_keys(source, None, actor_id="b", now=NOW))
        ended = office.call("rotate", "t-1")
        assert ended.status == 1
        assert not office.lets_in(stolen)
        assert office.lets_in(ended.out.decode().strip())

    def test_an_end_is_not_put_off(self, office: Office) -> None:
        """Nor is a source that was made inactive opened again."""
        first = key_of(office.call("add", "t-1", *TERMINAL))
        self.meanwhile(office, lambda source: _rotated(source, overlap=timedelta(0)))
        assert office.call("change", "t-1", "--burst", "5").status == 1
        assert not office.lets_in(first)

    def test_nor_is_a_source_opened_again(self, office: Office) -> None:
        """That was made inactive, or removed."""
        office.call("add", "t-1", *TERMINAL)
        self.meanwhile(office, lambda source: change_source(source, {"is_active": False}, actor_id="b", now=NOW))
        key = office.call("rotate", "t-1").out.decode().strip()
        assert not office.lets_in(key)
        assert office.call("change", "t-1", "--active").status == 0
        assert office.lets_in(key)

        office.log.written = [output for output in office.log.written if output.topic == "sources"][-1:]
        self.meanwhile(office, lambda source: remove_source("t-1", source, actor_id="b", now=NOW))
        assert office.call("rotate", "t-1").status == 1
        assert len(office.registry()) == 0

    def test_whoever_comes_after_is_not_overruled(self, office: Office) -> None:
        """He has read what was written, or finds it himself."""
        office.call("add", "t-1", *TERMINAL)
        other = added("t-1", seed=7, is_active=False)
        office.topic.before_rereading = lambda: (
            None if len(office.topic.records("sources")) > 2 else office.write("t-1", other.value or b"")
        )
        ended = office.call("rotate", "t-1")
        assert ended.status == 1
        assert office.topic.records("sources")[-1] == ("t-1", other.value)

    def test_of_another_source_nothing_is_said(self, office: Office) -> None:
        """It is no business of his."""
        office.call("add", "t-1", *TERMINAL)
        other = added("t-2", seed=7)
        office.topic.after_reading = lambda: office.write("t-2", other.value or b"")
        assert office.call("rotate", "t-1").status == 0


def _rotated(source: RegisteredSource, *, overlap: timedelta) -> Change:
    return rotate_key(source, actor_id="b", now=NOW, random_bytes=random_from(77), overlap=overlap)


class TestShown:
    """What stands there."""

    def test_list(self, office: Office) -> None:
        """A line each; who needs a new key soon, or has none, is named on standard error, with status 0."""
        office.call("add", "t-1", *TERMINAL)
        office.call("add", "t-2", *TERMINAL, "--expires-in-days", "9")
        office.call("add", "t-3", *TERMINAL, "--expires-in-days", "20")
        office.call("add", "t-4", *TERMINAL)
        office.call("revoke", "t-4", "--all")
        office.call("add", "t-5", *TERMINAL, "--inactive")
        office.call("add", "t-6", *TERMINAL)
        office.write("t-6", b"{}")

        ended = office.call("list")

        assert ended.status == 0
        lines = ended.out.decode().splitlines()
        assert [line.split()[0] for line in lines] == ["t-1", "t-2", "t-3", "t-4", "t-5", "t-6"]
        assert "native" in lines[0]
        assert [line.split(":")[0] for line in ended.err.splitlines()] == ["t-2", "t-4", "t-6"]
        assert "expires in 8 days: `gridwatch sources rotate t-2`" in ended.err
        documents = json.loads(office.call("list", "--json").out)
        assert [document["warning"] is None for document in documents[:5]] == [True, False, True, False, True]
        assert documents[5] == {"source_id": "t-6", "is_readable": False}

    def test_a_key_that_goes_on_quiets_the_warning(self, office: Office) -> None:
        """What counts is the last one."""
        office.call("add", "t-1", *TERMINAL, "--expires-in-days", "9")
        office.call("rotate", "t-1", "--expires-in-days", "30")
        listed = office.call("list")
        until = datetime.fromisoformat(listed.out.decode().split()[3])
        assert listed.err == ""
        assert until > datetime.now(UTC) + timedelta(days=29)

    def test_show(self, office: Office) -> None:
        """All of it, without the hashes."""
        first = key_of(office.call("add", "t-1", *TERMINAL))
        office.call("rotate", "t-1", "--overlap-hours", "0")
        shown = office.call("show", "t-1")
        text = shown.out.decode()
        assert shown.status == 0
        assert f"{first.split('.')[1]}  expired" in text
        assert "by wang" in text
        presented = read_authorization(f"Bearer {first}")
        assert presented is not None
        for out in (text, office.call("show", "t-1", "--json").out.decode()):
            assert presented.digest not in out
            assert first not in out
