"""The description of the gateway: current, valid, and true of what the routes really answer."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from events.results import Hole, SourceState, encode_source_state
from streams.gateway.openapi import openapi_document, openapi_json
from tests.support.asgi import Reply, ask
from tests.support.gateway_rig import NOW, SOURCE, GatewayRig, scan

DOCUMENT = openapi_document()
WRITTEN = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_what_is_kept_is_current() -> None:
    """Else: python -m streams.gateway.openapi > docs/openapi.json"""
    assert WRITTEN.read_bytes() == openapi_json()


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_one(name: str) -> None:
    """By the meta-schema of JSON Schema 2020-12, which OpenAPI 3.1 uses; and what it refers to is there."""
    schema = DOCUMENT["components"]["schemas"][name]
    Draft202012Validator.check_schema(schema)
    for reference in _references(schema):
        assert reference.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_every_operation_says_what_openapi_asks_for() -> None:
    """An id that no other has, descriptions of answers, parameters for what stands in the path."""
    ids = []
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            ids.append(operation["operationId"])
            given = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert given == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert all(response["description"] for response in operation["responses"].values())
            for content in _contents(operation):
                Draft202012Validator.check_schema(content["schema"])
    assert len(set(ids)) == len(ids)


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if "$ref" in schema else []
        return own + [found for value in schema.values() for found in _references(value)]
    return [found for value in schema for found in _references(value)] if isinstance(schema, list) else []


def _contents(operation: dict[str, Any]) -> list[Any]:
    sent = list(operation.get("requestBody", {}).get("content", {}).values())
    return sent + [found for each in operation["responses"].values() for found in each.get("content", {}).values()]


def assert_described(reply: Reply, path: str, method: str = "post") -> None:
    """Hold an answer against its status, its headers, its type and its schema."""
    response = DOCUMENT["paths"][path][method]["responses"][str(reply.status)]
    content = response["content"][reply.headers["content-type"]]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(reply.json())
    for name, header in response.get("headers", {}).items():
        Draft202012Validator(header["schema"]).validate(int(reply.headers[name.lower()]))


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ([scan(1), scan(1), scan(2, temperature_c="hot")], {}, 200),
        (scan(1, area="elsewhere"), {}, 403),
        (scan(1, temperature_c=1e400), {}, 422),
        (b"[", {}, 400),
        ({}, {"authorization": ""}, 401),
        (b" " * (1 << 21), {}, 413),
        (b"{}", {"content_type": "text/plain"}, 415),
        (b"{}", {"content_encoding": "br"}, 415),
        ([scan(number) for number in range(1, 12)], {}, 429),
    ],
)
async def test_answers_are_as_described(body: Any, headers: dict[str, str], status: int) -> None:
    """To records and to what is none, with the key in a header and in the path."""
    for path in ("/v1/events", "/v1/push/{key}"):
        async with GatewayRig(records_per_s=1.0, burst=10) as rig:
            if len(body) == 11:
                await rig.post(scan(12))  # a full bucket lets more through than it holds
            asked = path.replace("{key}", rig.key if "authorization" not in headers else "none")
            reply = await rig.post(body, path=asked, **headers)
            assert reply.status == status
            assert_described(reply, path)


async def test_what_is_out_of_order_is_as_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers that are away, and a fault of our own."""
    async with GatewayRig() as rig:
        with monkeypatch.context() as patched:
            patched.setattr(rig.gateway.door, "judge", None)
            reply = await rig.post(scan())
            assert reply.status == 500
            assert_described(reply, "/v1/events")
        rig.brokers.are_away = True
        reply = await rig.post(scan())
        assert reply.status == 503
        assert_described(reply, "/v1/events")
        assert_described(await ask(rig.app, "GET", "/readyz"), "/readyz", "get")


async def test_a_standing_is_as_described() -> None:
    """Of a source that was never heard, and of one with holes."""
    async with GatewayRig() as rig:
        headers = {"Authorization": f"Bearer {rig.key}"}
        assert_described(await ask(rig.app, "GET", "/v1/sources/me", headers=headers), "/v1/sources/me", "get")
        state = SourceState(
            source_id=SOURCE,
            is_active=True,
            areas=(),
            interval_seconds=0,
            heard_until=NOW,
            is_silent=False,
            last_sequence=9,
            missing=3,
            holes=(Hole(2, 3), Hole(5, 5)),
            clock_offset_ms=-1500,
            updated_at=NOW,
        )
        rig.standings.take(SOURCE, encode_source_state(state))
        reply = await ask(rig.app, "GET", "/v1/sources/me", headers=headers)
        told = reply.json()
        assert (told["holes"], told["last_sequence"], told["missing"]) == ([[2, 3], [5, 5]], 9, 3)
        assert (told["heard_until"], told["clock_offset_seconds"]) == ("2020-02-01T01:00:00Z", -1.5)
        assert_described(reply, "/v1/sources/me", "get")
        assert_described(await ask(rig.app, "GET", "/livez"), "/livez", "get")
