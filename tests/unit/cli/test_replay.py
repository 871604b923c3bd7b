"""`gridwatch replay` as a user meets it: files, exit statuses, and whatever stands in a line."""

import base64
import contextlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from events.policy import default_policy, policy_document
from tests.unit.cli.programs import Ended, call, run

EXAMPLES = Path(__file__).resolve().parents[2] / "golden" / "examples"
OPENED = (
    b'{"kind":"observation_opened","event_id":"e1","source_id":"s1","occurred_at":"2020-02-02T12:00:00+08:00",'
    b'"observation_id":"O1","person_id":"P1","area":"t/g1","category":"home","last_exposure_on":"2020-02-02"}'
)
TICK = b'{"kind":"tick","at":"2020-02-03T14:00:00+08:00"}'
MISSED = [OPENED, TICK]  # two checks of the morning are missed


class Replayed:
    """A replay of lines in a directory of its own."""

    def __init__(self, directory: Path, events: bytes, *more: str | Path) -> None:
        self.directory = directory
        (directory / "events.ndjson").write_bytes(events)
        files = ("--events", "events.ndjson", "--alerts", "alerts.ndjson", "--checks", "checks.ndjson")
        with contextlib.chdir(directory):
            self.ended = call("replay", *files, *more)

    @property
    def states(self) -> list[str]:
        return [row["state"] for row in rows((self.directory / "checks.ndjson").read_bytes())]

    @property
    def dead_letters(self) -> list[dict[str, Any]]:
        return rows(self.ended.err.encode())


def rows(lines: bytes) -> list[dict[str, Any]]:
    """Read lines of JSON, each of which ends."""
    assert lines == b"" or lines.endswith(b"\n")
    return [json.loads(line) for line in lines.splitlines()]


def policy_record(policy: Any) -> bytes:
    """Return a `policy_changed` with whatever stands for a policy."""
    common = {"kind": "policy_changed", "event_id": "p1", "source_id": "s1", "occurred_at": "2020-02-01T00:00:00Z"}
    return json.dumps(common | {"policy": policy}).encode()


def test_every_line_read(tmp_path: Path) -> None:
    """Status 0, nothing on standard output or error."""
    replayed = Replayed(tmp_path, b"\n".join(MISSED) + b"\n")

    assert replayed.ended == Ended(0, b"", "")
    assert replayed.states == ["missed", "missed"]


@pytest.mark.parametrize(
    ("separator", "end"),
    [(b"\r\n", b"\r\n"), (b"\n", b""), (b"\r\n", b""), (b"\n\n  \n\t\r\n", b"\n\n\n")],
    ids=["crlf", "no last newline", "crlf without the last", "blank lines"],
)
def test_line_ends(separator: bytes, end: bytes, tmp_path: Path) -> None:
    """Lines may end as on any system, blank ones are skipped."""
    replayed = Replayed(tmp_path, separator.join(MISSED) + end)

    assert replayed.ended.status == 0
    assert replayed.states == ["missed", "missed"]


def test_an_empty_file(tmp_path: Path) -> None:
    """Is a log without records."""
    replayed = Replayed(tmp_path, b"")

    assert replayed.ended == Ended(0, b"", "")
    assert replayed.states == []


def test_dead_letters(tmp_path: Path) -> None:
    """Status 3; each names line (blank ones counted), reason and field, holds the bytes, and the rest goes on."""
    bad = OPENED.replace(b'"home"', b'"hotel"').replace(b"e1", b"e0")
    replayed = Replayed(tmp_path, b"\n".join([b"", b"{", OPENED, b"", bad, TICK, b"\xff\x00\xfe"]) + b"\r\n")

    assert replayed.ended.status == 3
    assert [(row["reason"], row["path"], row["offset"]) for row in replayed.dead_letters] == [
        ("not_json", "", 1),
        ("invalid_field", "category", 4),
        ("not_json", "", 6),
    ]
    assert list(replayed.dead_letters[0]) == ["reason", "path", "message", "topic", "partition", "offset", "raw"]
    assert [base64.b64decode(row["raw"]) for row in replayed.dead_letters] == [b"{", bad, b"\xff\x00\xfe"]
    assert not any("hotel" in row["message"] or "P1" in row["message"] for row in replayed.dead_letters)
    assert replayed.states == ["missed", "missed"]


def test_long_lines(tmp_path: Path) -> None:
    """70 KB is a dead letter with all its bytes, 5 MB without an end one with its beginning; what lies between is read."""
    long = OPENED[:-1] + b',"note":"' + b"x" * 70_000 + b'"}'
    endless = b'{"kind":"' + b"x" * 5_000_000
    replayed = Replayed(tmp_path, b"\n".join([long, *MISSED, endless]))

    assert replayed.ended.status == 3
    first, last = replayed.dead_letters
    assert (first["reason"], first["offset"], base64.b64decode(first["raw"])) == ("too_large", 0, long)
    assert (last["reason"], last["offset"]) == ("too_large", 3)
    assert endless.startswith(base64.b64decode(last["raw"]))
    assert 1_000_000 <= len(base64.b64decode(last["raw"])) < 2_000_000
    assert replayed.states == ["missed", "missed"]


def test_the_largest_line(tmp_path: Path) -> None:
    """64 KiB are read, its line end not counted; one byte more is refused."""
    fitting = TICK + b" " * (65_536 - len(TICK))

    assert Replayed(tmp_path, b"\r\n".join([OPENED, fitting, b""])).ended.status == 0
    assert Replayed(tmp_path, b"\r\n".join([OPENED, fitting + b" ", b""])).ended.status == 3


def test_binary_garbage(tmp_path: Path) -> None:
    """Whatever the bytes: dead letters that can be read, no traceback."""
    garbage = bytes(range(256)) * 400 + b"\n" + b"[" * 60_000 + b"\n" + b"\xef\xbb\xbf" + TICK + b"\n" + b"9" * 5000

    replayed = Replayed(tmp_path, garbage)

    assert replayed.ended.status == 3
    assert {row["reason"] for row in replayed.dead_letters} <= {"not_json", "too_large"}
    assert len(replayed.dead_letters) == len(garbage.split(b"\n"))


class TestPolicy:
    """The policy of a replay."""

    def test_of_the_log(self, tmp_path: Path) -> None:
        """Without --policy those in the log are read, and a malformed one is a dead letter."""
        document = policy_document(default_policy()) | {"policy_version": "v2", "timezone": "UTC"}
        lines = [policy_record(document), policy_record({**document, "timezone": "Mars/Olympus"}), *MISSED]

        replayed = Replayed(tmp_path, b"\n".join(lines))

        assert replayed.ended.status == 3
        assert [(row["reason"], row["path"]) for row in replayed.dead_letters] == [("invalid_field", "policy.timezone")]
        assert replayed.states == []  # 14:00 in Shanghai is 06:00 in UTC

    @pytest.mark.parametrize("policy", [{"timezone": "Mars/Olympus"}, None, 7, "text", [], {}])
    def test_of_a_file(self, policy: object, tmp_path: Path) -> None:
        """With --policy those in the log are not even read, however malformed."""
        file = EXAMPLES / "01" / "policy.toml"

        replayed = Replayed(tmp_path, b"\n".join([policy_record(policy), *MISSED]), "--policy", file)

        assert replayed.ended.status == 0
        assert replayed.ended.err == ""

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (('timezone = "Asia/Shanghai"', 'timezone = "Mars/Olympus"'), "timezone"),
            (("late_days = 30", "late_days = -1"), "late_days"),
            (("late_days = 30", "late_days = 30\nlatedays = 30"), "latedays"),
            (("late_days = 30", ""), "late_days"),
            (("period_days = 14", "period_days = 14.5"), "observation.period_days"),
            (('end = "12:00"', 'end = "05:00"'), "checks.0.windows.0.end"),
            (("ear = 37.5", "ear = true"), "fever.threshold_c.ear"),
            (("[observation]", "[observation"), "TOML"),
        ],
    )
    def test_a_wrong_file(self, change: tuple[str, str], named: str, tmp_path: Path) -> None:
        """Status 2 with the field named; nothing is written."""
        text = resources.files("events").joinpath("default_policy.toml").read_text("utf-8")
        assert change[0] in text
        (tmp_path / "policy.toml").write_text(text.replace(*change, 1), "utf-8")

        replayed = Replayed(tmp_path, b"\n".join(MISSED), "--policy", "policy.toml")

        assert replayed.ended.status == 2
        assert "policy" in replayed.ended.err
        assert named in replayed.ended.err
        assert "Traceback" not in replayed.ended.err
        assert not (tmp_path / "checks.ndjson").exists()

    def test_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        """Status 2."""
        (tmp_path / "policy.toml").write_bytes(b"\xff\xfe\x00")

        replayed = Replayed(tmp_path, b"", "--policy", "policy.toml")

        assert replayed.ended.status == 2
        assert "UTF-8" in replayed.ended.err


class TestFiles:
    """Which files there must be."""

    def replay(self, directory: Path, events: str = "e", alerts: str = "a", checks: str = "c", *more: str) -> Ended:
        """Replay a log of two lines."""
        (directory / "e").write_bytes(b"\n".join(MISSED))
        with contextlib.chdir(directory):
            return call("replay", "--events", events, "--alerts", alerts, "--checks", checks, *more)

    @pytest.mark.parametrize(
        ("files", "named"),
        [
            (("missing", "a", "c"), "--events"),
            ((".", "a", "c"), "--events"),
            (("e", "no/such/folder", "c"), "--alerts"),
            (("e", "a", "."), "--checks"),
            (("e", "a", "a"), "--checks"),
            (("e", "./e", "c"), "--events"),
            (("e", "-", "-"), "--alerts"),
            (("e", "a", "c", "--policy", "missing.toml"), "policy"),
            (("e", "a", "c", "--policy", "."), "policy"),
        ],
    )
    def test_wrong_files(self, files: tuple[str, ...], named: str, tmp_path: Path) -> None:
        """Status 2 with the option named, no traceback, and the log stays as it was."""
        ended = self.replay(tmp_path, *files)

        assert ended.status == 2
        assert named in ended.err
        assert "Traceback" not in ended.err
        assert (tmp_path / "e").read_bytes() == b"\n".join(MISSED)

    def test_a_link_to_the_log(self, tmp_path: Path) -> None:
        """Is the log, and not written over."""
        (tmp_path / "link").symlink_to(tmp_path / "e")

        assert self.replay(tmp_path, "e", "link").status == 2
        assert (tmp_path / "e").read_bytes() == b"\n".join(MISSED)

    def test_a_second_name_of_the_log(self, tmp_path: Path) -> None:
        """Is the log too: a hard link is not written over."""
        (tmp_path / "e").write_bytes(b"")
        (tmp_path / "link").hardlink_to(tmp_path / "e")

        assert self.replay(tmp_path, "e", "link").status == 2
        assert (tmp_path / "e").read_bytes() == b"\n".join(MISSED)

    def test_two_results_that_nobody_wants(self, tmp_path: Path) -> None:
        """Both may go to the null device: then only the dead letters are left."""
        assert self.replay(tmp_path, "e", "/dev/null", "/dev/null").status == 0

    def test_missing_options(self) -> None:
        """Status 2, each option named in turn."""
        ended = call("replay", "--events", "e")

        assert ended.status == 2
        assert "--alerts" in ended.err

    def test_standard_input_and_output(self, tmp_path: Path) -> None:
        """`-` reads standard input, and writes one of the results to standard output."""
        ended = run(tmp_path, "replay", "--events", "-", "--alerts", "a", "--checks", "-", stdin=b"\n".join(MISSED))

        assert (ended.status, ended.err) == (0, "")
        assert [row["state"] for row in rows(ended.out)] == ["missed", "missed"]
        assert len(rows((tmp_path / "a").read_bytes())) == 2


@pytest.mark.parametrize("example", ["01", "04"])
def test_twice(example: str, tmp_path: Path) -> None:
    """The same log gives the same bytes, from a file or from standard input."""
    events, policy = EXAMPLES / example / "events.ndjson", EXAMPLES / example / "policy.toml"
    found = []
    for number, source in enumerate((events, "-")):
        files = ("--events", source, "--policy", policy, "--alerts", f"a{number}", "--checks", f"c{number}")
        ended = run(tmp_path, "replay", *files, stdin=events.read_bytes(), PYTHONHASHSEED=str(number))
        found.append((ended, (tmp_path / f"a{number}").read_bytes(), (tmp_path / f"c{number}").read_bytes()))

    assert found[0] == found[1]
    assert found[0][1]
    assert found[0][2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk(tmp_path: Path) -> None:
    """Results that cannot be written end the command with one clear line."""
    (tmp_path / "events.ndjson").write_bytes(b"\n".join(MISSED))

    ended = run(tmp_path, "replay", "--events", "events.ndjson", "--alerts", "/dev/full", "--checks", "checks.ndjson")

    assert ended.status == 4
    assert "Traceback" not in ended.err
    assert "Error: the results are not whole: No space left on device" in ended.err


@pytest.mark.parametrize("text", ["a=" + "[" * 5000, "late_days = " + "9" * 5000])
def test_a_policy_of_no_sensible_size(tmp_path: Path, text: str) -> None:
    """What no reader can take is a wrong policy like any other."""
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    (tmp_path / "events.ndjson").write_bytes(b"")

    files = ("--events", "events.ndjson", "--alerts", "alerts.ndjson", "--checks", "checks.ndjson")
    ended = run(tmp_path, "replay", *files, "--policy", "policy.toml")

    assert ended.status == 2
    assert "expected TOML of a sensible size" in ended.err


class TestPartitions:
    """Several files, each a partition of its own."""

    SECOND = (
        OPENED.replace(b"P1", b"P2").replace(b"O1", b"O2"),
        b"{",
        TICK,
    )

    def replay(self, directory: Path, *more: str) -> Ended:
        """Replay two partitions, the second with a line that cannot be read."""
        (directory / "0").write_bytes(b"\n".join(MISSED))
        (directory / "1").write_bytes(b"\n".join(self.SECOND))
        with contextlib.chdir(directory):
            return call("replay", "--events", "0", "--events", "1", "--alerts", "a", "--checks", "c", *more)

    @pytest.mark.parametrize("jobs", ["1", "2"])
    def test_side_by_side(self, jobs: str, tmp_path: Path) -> None:
        """Results follow each other in the order of the files, whatever ends first; a dead letter names its partition."""
        ended = self.replay(tmp_path, "--jobs", jobs)

        assert ended.status == 3
        assert [row["person_id"] for row in rows((tmp_path / "c").read_bytes())] == ["P1", "P1", "P2", "P2"]
        assert [row["person_id"] for row in rows((tmp_path / "a").read_bytes())] == ["P1", "P1", "P2", "P2"]
        letters = rows(ended.err.encode())
        assert [(letter["partition"], letter["offset"]) for letter in letters] == [(1, 1)]

    def test_as_each_alone(self, tmp_path: Path) -> None:
        """Together the same bytes as one after the other."""
        self.replay(tmp_path)
        together = (tmp_path / "c").read_bytes()
        alone = b""
        for name in ("0", "1"):
            with contextlib.chdir(tmp_path):
                call("replay", "--events", name, "--alerts", "a", "--checks", "c")
            alone += (tmp_path / "c").read_bytes()

        assert together == alone != b""

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """Status 2, before anything is written."""
        (tmp_path / "0").write_bytes(TICK)
        with contextlib.chdir(tmp_path):
            ended = call("replay", "--events", "0", "--events", "no", "--alerts", "a", "--checks", "c")

        assert ended.status == 2
        assert not (tmp_path / "a").exists()

    def test_standard_input_is_one_partition(self, tmp_path: Path) -> None:
        """Standard input beside a file is refused."""
        (tmp_path / "0").write_bytes(TICK)
        with contextlib.chdir(tmp_path):
            ended = call("replay", "--events", "0", "--events", "-", "--alerts", "a", "--checks", "c")

        assert ended.status == 2
        assert "standard input" in ended.err
