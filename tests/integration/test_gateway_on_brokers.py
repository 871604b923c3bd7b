"""The gateway's own processes on real brokers: what is accepted is there, whoever dies; what is not allowed is told."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from events.topics import CATALOGUE
from streams.gateway.registrar import revoke_keys, rotate_key
from tests.support.brokers import BrokerUnderTest
from tests.support.gateway_process import (
    AREA,
    GatewayProcess,
    Key,
    ask_on,
    is_running,
    make_certificate,
    new_key,
    open_files,
    scan,
    until,
    write,
)
from tests.support.pipeline import Pipeline, pipeline_on
from tests.support.processes import REPOSITORY

pytestmark = pytest.mark.timeout(180)

DEVICES = REPOSITORY / "tests" / "fixtures" / "devices"
MAPPINGS = REPOSITORY / "deploy" / "devices" / "mappings"
SHUT_WITHIN_S = 5.0
RESIDENT = "11010519491231002X"


@dataclass
class Town:
    """Topics of one test, and sources in them."""

    pipeline: Pipeline
    gateways: list[GatewayProcess] = field(default_factory=list)

    async def add(self, *keys: Key) -> None:
        await write(self.pipeline.settings, *(key.change for key in keys))

    async def gateway(self, processes: int = 1, **options: Any) -> GatewayProcess:
        gateway = GatewayProcess(self.pipeline.directory / "gridwatch.toml", processes=processes, **options)
        self.gateways.append(gateway)
        return await asyncio.to_thread(gateway.ready)

    async def sequences(self, topic: str = "checkpoints") -> Counter[tuple[str, int]]:
        """Return how often each record is in a topic, by source and number."""
        return Counter((each["source_id"], each["sequence"]) for each in await self.pipeline.read_json(topic))


@pytest.fixture
async def town(broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]) -> AsyncIterator[Town]:
    """Give topics of their own; gateways end with the test."""
    async with pipeline_on(broker, tmp_path, fresh_name("gateway")) as pipeline:
        found = Town(pipeline)
        try:
            yield found
        finally:
            for gateway in found.gateways:
                gateway.__exit__()


@dataclass
class Load:
    """Threads that post one record after the other, each as a source of its own, and note what they were told."""

    gateway: GatewayProcess
    keys: list[Key]
    accepted: set[tuple[str, int]] = field(default_factory=set)
    failed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._post, args=(key,), daemon=True) for key in self.keys]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _post(self, key: Key) -> None:
        source_id, number, connection = key.change.source_id, 0, self.gateway.connect()
        while not self._stop.is_set():
            number += 1
            body = json.dumps(scan(source_id, number)).encode()
            try:
                reply = ask_on(connection, "POST", "/v1/events", body, key.headers)
            except (OSError, http.client.HTTPException):
                self.failed += 1
                connection.close()
                connection = self.gateway.connect()
                time.sleep(0.01)
                continue
            if reply.status == 200 and reply.json()["accepted"] == 1:
                self.accepted.add((source_id, number))
        connection.close()

    async def has_accepted(self, more: int) -> None:
        """Wait until so many more were accepted."""
        wanted = len(self.accepted) + more
        await asyncio.to_thread(until, lambda: len(self.accepted) >= wanted, f"{more} more records accepted", 60.0)


async def test_each_record_has_its_result_and_is_in_the_timeline_once(town: Town) -> None:
    """Accepted, a repeat, refused, not allowed; sent again as the same and under another event id; through intake."""
    key, now = new_key("gate-3"), datetime.now(UTC)
    await town.add(key)
    gateway = await town.gateway()
    records = [scan("gate-3", number) for number in range(1, 4)]

    first = gateway.post(key, [*records, scan("gate-3", 4, temperature_c="hot"), scan("gate-3", 5, area="elsewhere")])
    again = gateway.post(key, records)
    third = gateway.post(key, [{**each, "event_id": f"again-{each['sequence']}"} for each in records])
    forbidden = gateway.post(key, scan("gate-3", 6, checkpoint_id="gate-4"))

    assert first.status == 200
    told = first.json()["records"]
    assert [each["result"] for each in told] == ["accepted"] * 3 + ["refused"] * 2
    assert [(each["reason"], each["path"]) for each in told[3:]] == [
        ("invalid_field", "temperature_c"), ("not_allowed", "area")
    ]  # fmt: skip
    assert [each["result"] for each in again.json()["records"]] == ["duplicate"] * 3
    assert third.json()["accepted"] + third.json()["duplicate"] == 3
    assert forbidden.status == 403
    raw = await town.sequences()
    assert set(raw) == {("gate-3", number) for number in (1, 2, 3)}
    denied = [each for each in await town.pipeline.read_json("audit") if each["action"] == "request_refused"]
    assert [(each["source_id"], each["detail"]["path"]) for each in denied] == [
        ("gate-3", "area"), ("gate-3", "checkpoint_id")
    ]  # fmt: skip
    assert {each["key_id"] for each in denied} == {key.text.split(".")[1]}

    await town.pipeline.start("worker intake")
    await town.pipeline.wait_for_timeline(1 + 3)  # with what the log is told of the source
    await asyncio.to_thread(gateway.post, key, scan("gate-3", 7))
    await town.pipeline.wait_for_timeline(1 + 4)
    scans = [each for each in await town.pipeline.read_json("timeline") if each["kind"] == "checkpoint_scanned"]
    assert sorted(each["sequence"] for each in scans) == [1, 2, 3, 7]
    assert all(datetime.fromisoformat(each["received_at"]) >= now for each in scans)


async def test_a_revoked_key_fails_on_every_process(town: Town) -> None:
    """Connections that are open and were let in: within seconds none of them is, on either of two processes."""
    key, other = new_key("gate-3"), new_key("gate-4")
    await town.add(key, other)
    gateway = await town.gateway(2)
    files_before = {pid: open_files(pid) for pid in gateway.children()}
    connections = [gateway.connect() for _ in range(40)]
    try:
        for connection in connections:
            assert ask_on(connection, "GET", "/v1/sources/me", headers=key.headers).status == 200
        assert all(open_files(pid) > before for pid, before in files_before.items()), "both processes answer some"

        source = key.change.source
        assert source is not None
        await write(town.pipeline.settings, revoke_keys(source, None, actor_id="a", now=datetime.now(UTC)))

        def is_shut() -> bool:
            return all(ask_on(each, "GET", "/v1/sources/me", headers=key.headers).status == 401 for each in connections)

        await asyncio.to_thread(until, is_shut, "the key to fail everywhere", SHUT_WITHIN_S)
        assert gateway.post(key, scan("gate-3", 1)).status == 401
        assert gateway.post(other, scan("gate-4", 1)).status == 200
    finally:
        for connection in connections:
            connection.close()
    assert set(await town.sequences()) == {("gate-4", 1)}


@pytest.mark.slow
async def test_keys_overlap_and_expire(town: Town) -> None:
    """Both keys are good until the overlap ends; one that expires ends by itself."""
    first = new_key("gate-3")
    short = new_key("gate-4", expires_at=datetime.now(UTC) + timedelta(seconds=12))
    await town.add(first, short)
    gateway = await town.gateway()
    assert gateway.post(short, scan("gate-4", 1)).status == 200
    source = first.change.source
    assert source is not None
    now = datetime.now(UTC)
    change = rotate_key(source, actor_id="a", now=now, random_bytes=os.urandom, overlap=timedelta(seconds=6))
    await write(town.pipeline.settings, change)
    second = Key(change)

    await asyncio.to_thread(until, lambda: gateway.post(second, scan("gate-3", 1)).status == 200, "the new key", 5.0)
    assert gateway.post(first, scan("gate-3", 2)).status == 200
    assert datetime.now(UTC) < now + timedelta(seconds=6), "too slow to say anything"
    await asyncio.to_thread(
        until, lambda: gateway.post(first, scan("gate-3", 2)).status == 401, "the old key to end", 15.0
    )
    assert datetime.now(UTC) >= now + timedelta(seconds=6)
    assert gateway.post(second, scan("gate-3", 3)).status == 200
    await asyncio.to_thread(until, lambda: gateway.post(short, scan("gate-4", 2)).status == 401, "the expiry", 15.0)


@pytest.mark.slow
async def test_a_process_that_is_killed_loses_nothing_and_is_replaced(town: Town) -> None:
    """kill -9 of one of two under load: whatever was answered `accepted` is there, and no good key is turned away."""
    keys = [new_key(f"gate-{number}") for number in range(6)]
    await town.add(*keys)
    gateway = await town.gateway(2)
    with Load(gateway, keys) as load:
        await load.has_accepted(100)
        killed, other = gateway.children()
        os.kill(killed, signal.SIGKILL)
        await load.has_accepted(50)

        def is_replaced() -> bool:
            children = gateway.children()
            return len(children) == 2 and killed not in children and gateway.log().count('"topic": "sources"') == 3

        await asyncio.to_thread(until, is_replaced, "another process in its place", 30.0)
        assert other in gateway.children()
        await load.has_accepted(100)
    assert load.accepted <= set(await town.sequences())
    assert gateway.stop() == 0


@pytest.mark.slow
async def test_children_end_with_their_parent(town: Town) -> None:
    """kill -9 of the parent: its processes see that it has gone, end what they have begun, and let go of the port."""
    keys = [new_key(f"gate-{number}") for number in range(3)]
    await town.add(*keys)
    gateway = await town.gateway(2)
    with Load(gateway, keys) as load:
        await load.has_accepted(50)
        children = gateway.children()
        gateway.process.kill()
        await asyncio.to_thread(until, lambda: not any(map(is_running, children)), "the children to end", 20.0)
    assert load.accepted <= set(await town.sequences())
    again = await town.gateway(port=gateway.port)
    assert again.post(keys[0], scan("gate-0", 1_000_000)).status == 200


@pytest.mark.parametrize("processes", [1, 2])
async def test_it_ends_in_good_order_under_load(town: Town, processes: int) -> None:
    """SIGTERM: exit status 0, and what was answered `accepted` is there."""
    keys = [new_key(f"gate-{number}") for number in range(6)]
    await town.add(*keys)
    gateway = await town.gateway(processes)
    with Load(gateway, keys) as load:
        await load.has_accepted(100)
        status = await asyncio.to_thread(gateway.stop)
    assert status == 0, gateway.log()
    assert load.accepted <= set(await town.sequences())
    assert "Traceback" not in gateway.log()


@pytest.mark.slow
async def test_a_port_that_is_taken(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Its own, or that of the health server: status 2, and the setting is named."""
    async with started(embedded_broker, tmp_path, fresh_name("taken")) as first:
        taken = {"GRIDWATCH_HEALTH__PORT": str(first.port)}
        for options, named in (({"port": first.port}, "cannot listen on 127.0.0.1"), (taken, "health.port")):
            for processes in (1, 2):
                other = GatewayProcess(tmp_path / "gridwatch.toml", processes=processes, **options)  # type: ignore[arg-type]
                with other:
                    assert await asyncio.to_thread(other.process.wait, 30) == 2
                    assert named in other.log()
                if named == "health.port":
                    taken["GRIDWATCH_HEALTH__PORT"] = str(first.port)


async def test_a_certificate_that_cannot_be_read(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Status 2 before anything listens, also of several processes, and the setting is named."""
    async with pipeline_on(embedded_broker, tmp_path, fresh_name("certificate")) as pipeline:
        (tmp_path / "wrong.pem").write_text("no certificate", encoding="ascii")
        wrong = {name: str(tmp_path / "wrong.pem") for name in _CERTIFICATE}
        with GatewayProcess(pipeline.directory / "gridwatch.toml", processes=2, **wrong) as gateway:
            assert await asyncio.to_thread(gateway.process.wait, 30) == 2
            assert "gateway.certificate_file: expected a certificate in PEM" in gateway.log()


_CERTIFICATE = ("GRIDWATCH_GATEWAY__CERTIFICATE_FILE", "GRIDWATCH_GATEWAY__KEY_FILE")


@asynccontextmanager
async def started(broker: BrokerUnderTest, directory: Path, prefix: str) -> AsyncIterator[GatewayProcess]:
    """Run a gateway without sources."""
    async with pipeline_on(broker, directory, prefix) as pipeline:
        with GatewayProcess(pipeline.directory / "gridwatch.toml") as gateway:
            yield await asyncio.to_thread(gateway.ready)


async def test_tls(town: Town) -> None:
    """Requests travel under TLS 1.2 and 1.3 with forward secrecy; what speaks without is let in nowhere."""
    key = new_key("gate-3")
    await town.add(key)
    certificate, private = make_certificate(town.pipeline.directory)
    files = dict(zip(_CERTIFICATE, map(str, (certificate, private)), strict=True))
    trusting = ssl.create_default_context(cafile=str(certificate))
    gateway = await town.gateway(2, tls=trusting, **files)

    assert gateway.post(key, [scan("gate-3", 1)]).json()["accepted"] == 1
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    connection = gateway.connect()
    assert ask_on(connection, "POST", "/v1/events", json.dumps(scan("gate-3", 2)).encode(), key.headers).status == 200
    assert isinstance(connection.sock, ssl.SSLSocket)
    cipher = connection.sock.cipher()
    connection.close()
    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")
    assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]

    plain = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask_on(plain, "GET", "/livez")
    plain.close()
    weak = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    weak.check_hostname, weak.verify_mode = False, ssl.CERT_NONE
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("aNULL:eNULL:kRSA:@SECLEVEL=0")
    with gateway.socket() as bare, pytest.raises(OSError):  # noqa: PT011  an alert, or the end of the connection
        weak.wrap_socket(bare)
    assert gateway.post(key, [scan("gate-3", 3)]).json()["accepted"] == 1
    assert set(await town.sequences()) == {("gate-3", number) for number in (1, 2, 3)}


async def test_an_identity_becomes_a_pseudonym_and_is_nowhere(town: Town) -> None:
    """The number of a document is in no topic and no log, and no answer; the same person has the same pseudonym."""
    key, key_file = new_key("gate-3"), town.pipeline.directory / "pseudonyms"
    await town.add(key)
    key_file.write_text("k1 " + "0f" * 32 + "\n", encoding="ascii")
    gateway = await town.gateway(GRIDWATCH_GATEWAY__PSEUDONYM_KEY_FILE=str(key_file), GRIDWATCH_LOG_LEVEL="debug")
    records = []
    for number, written in enumerate((RESIDENT, "110105 19491231 002x", RESIDENT[:-1] + "1", "not one"), 1):
        record = scan("gate-3", number, identity={"type": "cn_resident_id", "number": written})
        records.append({name: value for name, value in record.items() if name != "person_id"})

    reply = gateway.post(key, records)

    assert [each["result"] for each in reply.json()["records"]] == ["accepted", "accepted", "refused", "refused"]
    first, second = await town.pipeline.read_json("checkpoints")
    assert first["person_id"] == second["person_id"]
    assert first["person_id"].startswith("k1-")
    assert gateway.stop() == 0
    everywhere = [reply.body, gateway.log().encode()]
    for spec in CATALOGUE:
        everywhere += [each.value or b"" for each in await town.pipeline.read(spec.name)]
    for told in (RESIDENT, "19491231", "not one"):
        assert not any(told.encode() in each for each in everywhere), told


async def test_devices_of_others_through_their_adapters(town: Town) -> None:
    """A Hikvision body and a mapped one, with headers and with the key in the path, POST and PUT."""
    terminal = new_key("hik-1", adapter="hikvision", time_zone="Asia/Shanghai")
    mapping = (MAPPINGS / "face_gate.toml").read_text("utf-8")
    face = new_key("face-1", adapter="mapping", mapping=mapping, time_zone="Asia/Shanghai", direction="in")
    await town.add(terminal, face)
    key_file = town.pipeline.directory / "pseudonyms"
    key_file.write_text("k1 " + "0f" * 32 + "\n", encoding="ascii")
    gateway = await town.gateway(GRIDWATCH_GATEWAY__PSEUDONYM_KEY_FILE=str(key_file))

    by_header = gateway.post(terminal, (DEVICES / "hikvision_face.json").read_bytes())
    picture = (DEVICES / "hikvision_with_picture.multipart").read_bytes()
    multipart = {"Content-Type": "multipart/form-data; boundary=gridwatch-sample"}
    by_path = gateway.ask("POST", f"/v1/push/{terminal.text}/ISAPI/Event", picture, multipart)
    heartbeat = (DEVICES / "hikvision_heartbeat.json").read_bytes()
    passed_over = gateway.ask("PUT", f"/v1/push/{terminal.text}", heartbeat, {"Content-Type": "application/json"})
    record = (DEVICES / "face_gate_record.json").read_bytes()
    mapped = gateway.ask("POST", f"/v1/push/{face.text}/", record, {"Content-Type": "application/json"})
    nonsense = gateway.ask("POST", f"/v1/push/{face.text}", b"nonsense")

    replies = (by_header, by_path, passed_over, mapped, nonsense)
    assert [reply.status for reply in replies] == [200] * 5
    assert [reply.json()["accepted"] for reply in replies] == [1, 1, 0, 1, 0]
    assert passed_over.json()["passed_over"] == 1
    assert nonsense.json()["refused"] == 1
    written = await town.pipeline.read_json("checkpoints") + await town.pipeline.read_json("temperatures")
    assert Counter(each["source_id"] for each in written) == {"hik-1": 2, "face-1": 1}
    assert {each["area"] for each in written} == {AREA}
    everything = json.dumps(written) + gateway.log()
    assert "Invented Person" not in everything
    assert "E-0001" not in everything
