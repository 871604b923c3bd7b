"""What a gateway says, whatever it is sent and whatever goes wrong: never a body, key, identity, person or temperature."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import BrokerUnderTest
from tests.support.gateway_process import GatewayProcess, Key, new_key, prepare, scan, until, write
from tests.support.processes import REPOSITORY

pytestmark = pytest.mark.timeout(120)

PERSON, TEMPERATURE, NUMBER, TYPE = "p-7781904", 38.6153, "E77819045", "passport-7781"
DEVICE_NUMBER = "E-7781904"


def _record(number: int, **fields: Any) -> dict[str, Any]:
    return scan("gate-3", number, **{"person_id": PERSON, "temperature_c": TEMPERATURE, **fields})


def _identified(number: int, identity: Any) -> dict[str, Any]:
    record = _record(number, identity=identity)
    del record["person_id"]
    return record


def _post_all(gateway: GatewayProcess, key: Key, terminal: Key) -> list[int]:
    """Post what is right, wrong and fatal; return the statuses."""
    good = json.dumps(_record(1)).encode()
    identity = {"type": TYPE, "number": NUMBER}
    hikvision = (REPOSITORY / "tests" / "fixtures" / "devices" / "hikvision_face.json").read_bytes()
    hikvision = hikvision.replace(b"E-0001", DEVICE_NUMBER.encode())
    replies = [
        gateway.post(key, good),
        gateway.post(key, gzip.compress(good), content_encoding="gzip"),
        gateway.post(key, [_record(2), _identified(3, identity), _identified(4, {"type": TYPE, "number": "x" * 99})]),
        gateway.post(key, _identified(5, {"type": "cn_resident_id", "number": NUMBER})),
        gateway.post(
            key, [_record(6, temperature_c=f"{TEMPERATURE} C"), _record(7, area=PERSON), _record(8, **{PERSON: 1})]
        ),
        gateway.post(key, good[:-9]),
        gateway.post(key, b"[" + good),
        gateway.post(key, good, content_type=f"text/{PERSON}"),
        gateway.post(key, good, content_encoding=PERSON),
        gateway.post(terminal, hikvision),
        gateway.post(terminal, b"<a>" + hikvision),
        gateway.ask("POST", f"/v1/push/{key.text}/{PERSON}?name={PERSON}", good, {"Content-Type": "application/json"}),
        gateway.ask("GET", f"/v1/{PERSON}?key={key.text}"),
        gateway.ask("DELETE", f"/v1/push/{key.text}"),
        gateway.ask("POST", f"/v1/push/{key.text[:-1]}", good),
        gateway.post(key, _record(9, person_id="p-fault", visitor=PERSON)),
        gateway.post(key, [_record(10, person_id="p-later")]),
        gateway.ask("GET", f"/livez?{PERSON}"),
    ]
    with suppress(OSError, http.client.HTTPException):
        replies.append(gateway.post(key, _record(11, person_id="p-fatal")))
    for raw in (
        b"\x00" + good,
        b"GET /" + good + b"\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\n" + key.text.encode() + b"\r\n\r\n",
    ):
        with gateway.socket(5.0) as connection, suppress(OSError):
            connection.sendall(raw)
            connection.recv(1000)
    with gateway.socket(5.0) as connection:  # one that hangs up in the middle
        connection.sendall(
            b"POST /v1/push/" + key.text.encode() + b" HTTP/1.1\r\nHost: g\r\nContent-Length: 9999\r\n\r\n" + good
        )
    return [reply.status for reply in replies]


@pytest.mark.parametrize("level", ["info", "debug"])
async def test_nothing_that_was_sent_is_said(
    embedded_broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str], level: str
) -> None:
    """Of requests that are taken, refused, broken and fatal; while brokers answer, and when the process ends."""
    config, settings = prepare(tmp_path, embedded_broker.bootstrap, fresh_name("logs"))
    key, terminal = new_key("gate-3"), new_key("hik-1", adapter="hikvision")
    await write(settings, key.change, terminal.change)
    pseudonyms = tmp_path / "pseudonyms"
    pseudonyms.write_text(f"k1 {os.urandom(32).hex()}\n", encoding="ascii")
    variables = {"GRIDWATCH_LOG_LEVEL": level, "GRIDWATCH_GATEWAY__PSEUDONYM_KEY_FILE": str(pseudonyms)}
    with GatewayProcess(config, module="tests.support.faulty_gateway", **variables) as gateway:
        await asyncio.to_thread(gateway.ready)
        found = await asyncio.to_thread(_post_all, gateway, key, terminal)
        assert {200, 400, 401, 403, 404, 405, 415, 422, 500} <= set(found), found
        await asyncio.to_thread(until, lambda: gateway.log().count("in the event loop") == 2, "what failed later", 10.0)
        assert gateway.stop() == 0
        said = gateway.log()
    assert "a request failed" in said
    assert "of which the text is not shown" in said
    assert ("DEBUG" in said or '"debug"' in said) is (level == "debug")
    secret = key.text.rsplit(".", 1)[1]
    for told in (
        PERSON,
        str(TEMPERATURE),
        NUMBER,
        TYPE,
        DEVICE_NUMBER,
        secret[:-1],
        "Invented Person",
        "checkpoint_scann",
    ):
        assert told not in said, told
    assert pseudonyms.read_text("ascii").split()[1] not in said
