"""The parts of gridwatch as processes of this machine, with the embedded broker and the embedded ClickHouse engine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streams.broker.topics import create_topics, plan_topics
from streams.embedded.broker import EmbeddedBroker, free_port
from streams.settings import Settings, load_settings

_STOP_SECONDS = 25.0


class PartFailedError(RuntimeError):
    """A part of the machine ended by itself; the message says which and where it says why."""


def local_settings(directory: Path, brokers: str, *, commit_seconds: float) -> Settings:
    """Write `gridwatch.toml` for this machine into the directory and return the settings.

    One replica, few partitions, short time-outs; `commit_seconds` is how often workers commit, and so how soon a tick can
    follow what it waits for.
    """
    values: dict[str, dict[str, Any]] = {
        "kafka": {
            "brokers": brokers,
            "idempotence": False,
            "session_timeout_seconds": 10.0,
            "rebalance_timeout_seconds": 15.0,
            "commit_interval_seconds": commit_seconds,
        },
        "topics": {
            "raw_partitions": 2,
            "timeline_partitions": 4,
            "result_partitions": 2,
            "replication_factor": 1,
            "min_insync_replicas": 1,
        },
        "clickhouse": {"dsn": f"chdb://{(directory / 'clickhouse').resolve()}"},
        "sink": {"flush_seconds": 0.5},
        "gateway": {"port": free_port()},
    }
    path = directory / "gridwatch.toml"
    path.write_text("".join(_toml_section(name, section) for name, section in values.items()), encoding="utf-8")
    return load_settings(path)


def _toml_section(name: str, values: dict[str, Any]) -> str:
    # JSON's strings, numbers and booleans are TOML's too.
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()) + "\n"


class Processes:
    """`gridwatch` commands run as child processes, their logs in files of the directory."""

    def __init__(self, directory: Path) -> None:
        """Use the settings file and keep the logs in `directory`."""
        self._directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *arguments: str, health_port: int = 0) -> None:
        """Start `gridwatch ARGUMENTS`, with a health server where a port is given; it ends with this process."""
        name = "-".join(arguments)
        config = self._directory / "gridwatch.toml"
        command = [sys.executable, "-m", "streams.cli", "--config", str(config), "--log-format", "json", *arguments]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GRIDWATCH_")}
        environment["GRIDWATCH_HEALTH__PORT"] = str(health_port)
        with self.log_path(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def log_path(self, name: str) -> Path:
        """Return where a process says what it does."""
        return self._directory / f"{name}.log"

    def check(self) -> None:
        """Raise PartFailedError when a process has ended."""
        for name, process in self._running.items():
            status = process.poll()
            if status is not None:
                raise PartFailedError(f"`gridwatch {name}` ended with status {status}; see {self.log_path(name)}")

    def wait_for_log(self, name: str, text: str, seconds: float) -> None:
        """Wait until a process has logged something; raises PartFailedError when it ends or the time does."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.log_path(name).read_bytes():
            self.check()
            if time.monotonic() > deadline:
                raise PartFailedError(
                    f"`gridwatch {name}` is not ready after {seconds:.0f} s; see {self.log_path(name)}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop every process: asked first, killed when it does not end."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()


@contextmanager
def machine(directory: Path, *, port: int = 0, commit_seconds: float = 1.0) -> Iterator[tuple[Settings, Processes]]:
    """Run broker and topics, and yield settings and the processes to be started; all of it ends with the block."""
    directory.mkdir(parents=True, exist_ok=True)
    with EmbeddedBroker(directory, port=port) as broker:
        settings = local_settings(directory, broker.bootstrap, commit_seconds=commit_seconds)
        create_topics(settings, plan_topics(settings))
        processes = Processes(directory)
        try:
            yield settings, processes
        finally:
            processes.stop()
