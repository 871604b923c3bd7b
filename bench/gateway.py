"""The gateway: one process on one core, broker and load on the other; requests as devices send them.

Single posts against a route that answers `hello` are what a request costs beside the server; batches are what devices send
after an outage. Highest rates are those of a closed loop over 64 connections; latencies those of an open loop at half of
them. Ten thousand sources post in turn, each with its key, where that is said; elsewhere there is one.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from secrets import token_bytes
from ssl import create_default_context

from bench import broker
from bench.places import other_cores, tell
from bench.posting import Load
from bench.processes import PYTHON, Measured, end, measure_all, scratch, started
from bench.results import CPU, RATE, Results
from bench.scope import Scope
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.gateway.registrar import PARTITION, TOPIC, add_source, new_source
from streams.gateway.registry import write_source

HELLO, SINGLE, BATCHES = "gateway: bare route", "gateway: single posts", "gateway: batches of 100"
SOURCES, TLS, PACKED = "10,000 sources in turn", "TLS", "gzip"
_AT_HALF = "half of the highest rate"
SINGLE_AT_HALF, BATCHES_AT_HALF = (f"{name}, {_AT_HALF}, p99" for name in (SINGLE, BATCHES))
REQUESTS, CPU_REQUEST, MS = "requests/s", "us CPU/request", "ms"
_BATCH = 100
_MANY = 10_000
PORT = 19_381
_READY_S = 60.0


def run(scope: Scope, results: Results) -> None:
    """Measure every form in turn, on topics of its own in each round."""
    rounds = 1 if scope.is_quick else scope.rounds
    for number in range(rounds):
        tell(f"gateway, round {number + 1} of {rounds}")
        with broker.topics() as prefix, scratch() as directory:
            keys = asyncio.run(register(prefix, directory, 1 if scope.is_quick else _MANY))
            with gateway_on(prefix) as process:
                load = Load(port=PORT, subject=process.pid, keys=str(keys))
                _measure_plain(scope, results, load)
            if not scope.is_quick:
                certificate = _certificate(directory)
                with gateway_on(prefix, certificate) as process:
                    load = Load(port=PORT, subject=process.pid, keys=str(keys), certificate=str(certificate))
                    _add(results, f"{SINGLE}, {TLS}", load)
                    _add(results, f"{BATCHES}, {TLS}", load, records=_BATCH)
    results.compare(SINGLE, HELLO, units=(REQUESTS, CPU_REQUEST))
    results.compare(BATCHES, SINGLE, units=(CPU,))
    for name in (SINGLE, BATCHES):
        for form in (SOURCES, TLS, PACKED):
            results.compare(f"{name}, {form}", name, units=(REQUESTS, RATE, CPU_REQUEST, CPU))


def _measure_plain(scope: Scope, results: Results, load: Load) -> None:
    if scope.is_quick:
        for name, records in ((HELLO, 0), (SINGLE, 1), (BATCHES, _BATCH)):
            _add(results, name, load, records=records, seconds=1.0, warm_up_seconds=0.2)
        return
    _add(results, HELLO, load, records=0)
    for name, records in ((SINGLE, 1), (BATCHES, _BATCH)):
        highest = _add(results, name, load, records=records)
        half = highest.more["requests"] / highest.seconds / 2
        latency = _post(load, records=records, rate=half)
        for percentile in ("p50", "p99"):
            results.add(f"{name}, {_AT_HALF}, {percentile}", MS, latency.more[f"{percentile}_ms"])
        tell(f"    at half: p50 {latency.more['p50_ms']:.1f} ms, p99 {latency.more['p99_ms']:.1f} ms")
        _add(results, f"{name}, {SOURCES}", load, records=records, sources=_MANY)
        _add(results, f"{name}, {PACKED}", load, records=records, is_packed=True)


def _add(results: Results, name: str, load: Load, **more: object) -> Measured:
    tell(f"  {name}")
    measured = _post(load, **more)
    is_batch = name.startswith(BATCHES)
    results.add(name, RATE if is_batch else REQUESTS, measured.rate)
    results.add(name, CPU if is_batch else CPU_REQUEST, measured.cpu_us)
    if name == SINGLE:
        results.add(name, CPU, measured.cpu_us)
    return measured


def _post(load: Load, **more: object) -> Measured:
    """Send a load from a core that is not the gateway's, and return what it took."""
    changed = Load(**{name: more.get(name, getattr(load, name)) for name in Load.__slots__})  # type: ignore[arg-type]
    return measure_all([[PYTHON, "-m", "bench.posting", changed.as_json()]], cores=[min(other_cores())])[0]


async def register(prefix: str, directory: Path, sources: int) -> Path:
    """Register sources that may send what the load sends, and return the file of their keys."""
    options = {
        "kinds": ("checkpoint_scanned",),
        "areas": ("jintang/huaikou",),
        "checkpoints": ("cp-012-3",),
        "records_per_s": 100_000.0,
        "burst": 1_000_000,
    }
    outputs, lines = [], []
    for number in range(sources):
        change = add_source(
            new_source(f"gate-{number:05d}", options),
            actor_id="bench",
            now=datetime.now(UTC),
            random_bytes=token_bytes,
        )
        assert change.source is not None
        outputs.append(Output(TOPIC, change.source_id.encode(), write_source(change.source), PARTITION))
        lines.append(f"{change.source_id} {change.key_text}\n")
    async with Publisher(broker.settings_under(prefix)) as publisher:
        await publisher.publish(outputs)
    path = directory / "keys"
    path.write_text("".join(lines), encoding="ascii")
    return path


@contextmanager
def gateway_on(prefix: str, certificate: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run `gridwatch gateway` on the measured core."""
    more = {"topic_prefix": prefix, "gateway__port": str(PORT)}
    if certificate is not None:
        more |= {"gateway__certificate_file": str(certificate), "gateway__key_file": f"{certificate}.key"}
    process = started([PYTHON, "-m", "streams.cli", "gateway"], broker.settings(**more))
    try:
        give_up_at = time.monotonic() + _READY_S
        while not _is_ready(certificate):
            if time.monotonic() > give_up_at or process.poll() is not None:
                raise RuntimeError(f"the gateway is not ready after {_READY_S:.0f} s, or has ended")
            time.sleep(0.05)
        yield process
    finally:
        end(process)


def _is_ready(certificate: Path | None) -> bool:
    if certificate is None:
        connection = HTTPConnection("127.0.0.1", PORT, timeout=5)
    else:
        connection = HTTPSConnection("127.0.0.1", PORT, timeout=5, context=create_default_context(cafile=certificate))
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def _certificate(directory: Path) -> Path:
    """Make a certificate of its own name, P-256 as most have it, with its key beside it."""
    path = directory / "certificate"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
        *("-keyout", f"{path}.key", "-out", str(path)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return path
