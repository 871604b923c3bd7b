"""`gridwatch gateway` as it runs: its processes, its port, sources with keys, and what it says."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from streams.broker.topics import create_topics, plan_topics
from streams.gateway.registrar import Change, add_source, new_source
from streams.gateway.source_log import read_standing, write_changes
from streams.settings import Settings, load_settings
from tests.support.asgi import Reply
from tests.support.health import free_port
from tests.support.processes import REPOSITORY, wait_until

AREA = "jintang/huaikou/c001"
CHECKPOINT = "gate-3"
TERMINAL: dict[str, Any] = {
    "kinds": ("checkpoint_scanned", "temperature_taken"),
    "areas": (AREA,),
    "checkpoints": (CHECKPOINT,),
    "records_per_s": 100_000.0,
    "burst": 1_000_000,
}


@dataclass(frozen=True)
class Key:
    """A source that was added and the key that it was given."""

    change: Change = field(repr=False)

    @property
    def text(self) -> str:
        """Return the key."""
        assert self.change.key_text is not None
        return self.change.key_text

    @property
    def headers(self) -> dict[str, str]:
        """Return what a request of the source has."""
        return {"Authorization": f"Bearer {self.text}", "Content-Type": "application/json"}


def new_key(source_id: str, *, expires_at: datetime | None = None, **options: Any) -> Key:
    """Make a source that may send scans and readings, or what `options` say."""
    source = new_source(source_id, {**TERMINAL, **options})
    return Key(
        add_source(
            source,
            actor_id="office:wang",
            now=datetime.now(UTC),
            random_bytes=secrets.token_bytes,
            expires_at=expires_at,
        )
    )


async def write(settings: Settings, *changes: Change) -> None:
    """Put changes of sources into the log."""
    assert await write_changes(settings, changes, await read_standing(settings)) == []


def prepare(directory: Path, bootstrap: str, prefix: str, **gateway: float) -> tuple[Path, Settings]:
    """Make topics of one partition on an embedded broker and a file with settings of a gateway; return file and settings."""
    counts = ("raw_partitions", "timeline_partitions", "result_partitions", "replication_factor", "min_insync_replicas")
    lines = [f'topic_prefix = "{prefix}."', "[kafka]", f'brokers = "{bootstrap}"', "idempotence = false", "[topics]"]
    lines += [
        *(f"{name} = 1" for name in counts),
        "[gateway]",
        *(f"{name} = {value}" for name, value in gateway.items()),
    ]
    config = directory / "gridwatch.toml"
    config.write_text("\n".join([*lines, ""]), encoding="utf-8")
    settings = load_settings(config)
    create_topics(settings, plan_topics(settings))
    return config, settings


def scan(source_id: str, number: int, **fields: Any) -> dict[str, Any]:
    """Return a scan of now."""
    return {
        "kind": "checkpoint_scanned",
        "event_id": f"{source_id}:{number}",
        "source_id": source_id,
        "sequence": number,
        "occurred_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "person_id": f"p-{number:06d}",
        "area": AREA,
        "checkpoint_id": CHECKPOINT,
        "direction": "in",
        "decision": "passed",
        **fields,
    }


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Make a certificate of 127.0.0.1 and its key."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


class GatewayProcess:
    """Runs with the settings file `config` on a free port, from its beginning to the end of the `with`."""

    def __init__(
        self,
        config: Path,
        *,
        processes: int = 1,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        module: str = "streams.cli",
        **variables: str,
    ) -> None:
        self.port, self.processes, self._tls = port or free_port(), processes, tls
        self.log_path = config.parent / f"gateway-{self.port}.log"
        given = {"GRIDWATCH_GATEWAY__PORT": str(self.port), "GRIDWATCH_LOG_FORMAT": "json"} | variables
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GRIDWATCH_")} | given
        command = [sys.executable, "-m", module, "--config", str(config), "gateway"]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--processes", str(processes)],
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # with one signal all of its processes are gone
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in {self.process.pid, *self.children()}:
            _kill(pid)
        self.process.wait()

    def ready(self) -> Self:
        """Wait until every process of it takes records."""

        def is_ready() -> bool:
            assert self.process.poll() is None, self.log()
            said = self.log()
            is_there = [
                said.count(each) >= self.processes for each in ("connected to the brokers", '"topic": "sources"')
            ]
            return all(is_there) and self._is_answering()

        wait_until(is_ready, "the gateway to be ready")
        return self

    def _is_answering(self) -> bool:
        try:
            return all(self.ask("GET", "/readyz").status == 200 for _ in range(4 * self.processes))
        except OSError:
            return False

    def log(self) -> str:
        """Return what it has said so far."""
        return self.log_path.read_text("utf-8")

    def children(self) -> list[int]:
        """Return the processes that answer, where there are several."""
        try:
            found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        except OSError:
            return []
        return [int(pid) for pid in found if b"spawn_main" in _read(f"/proc/{pid}/cmdline")]

    def answering(self) -> list[int]:
        """Return the processes that answer."""
        return self.children() if self.processes > 1 else [self.process.pid]

    def memory_mb(self) -> float:
        """Return what the answering processes have in memory."""
        return sum(memory_mb(pid) for pid in self.answering())

    def stop(self, limit_s: float = 40.0) -> int:
        """End it with SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit_s)

    # -- asking

    def connect(self, timeout_s: float = 20.0) -> http.client.HTTPConnection:
        """Return a connection that is kept alive."""
        if self._tls is not None:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def socket(self, timeout_s: float = 20.0) -> socket.socket:
        """Return a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Ask once, on a connection of its own."""
        connection = self.connect()
        try:
            return ask_on(connection, method, path, body, headers)
        finally:
            connection.close()

    def post(self, key: Key, body: Any, path: str = "/v1/events", **headers: str) -> Reply:
        """Post records, or bytes, as a source."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = key.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, content, given)


def ask_on(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Ask on a connection that stays open."""
    connection.request(method, path, body, dict(headers or {}))
    response = connection.getresponse()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def memory_mb(pid: int) -> float:
    """Return what a process has in memory."""
    line = next(line for line in _read(f"/proc/{pid}/status").splitlines() if line.startswith(b"VmRSS"))
    return int(line.split()[1]) / 1024


def open_files(pid: int) -> int:
    """Return how many files and connections a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    state = _read(f"/proc/{pid}/stat").rpartition(b") ")[2][:1]
    return state not in (b"", b"Z")


def until(is_true: Any, what: str, limit_s: float) -> float:
    """Wait for a condition and return the seconds that it took."""
    began = time.monotonic()
    wait_until(is_true, what, limit_s=limit_s)
    return time.monotonic() - began


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
