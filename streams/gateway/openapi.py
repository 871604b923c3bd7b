"""The OpenAPI 3.1 description of the gateway, made from the schemas of the records; served, and kept as docs/openapi.json.

python -m streams.gateway.openapi > docs/openapi.json
"""

import json
import sys
from http import HTTPStatus
from typing import Any

from events.records import OUTSIDE_KINDS, PersonRecord
from events.schema_documents import CONTRACT_VERSION, schema_documents
from streams.gateway.adapters.identity import LONGEST_NUMBER
from streams.gateway.bodies import LARGEST_BODY_BYTES, LARGEST_DEVICE_BODY_BYTES, MOST_RECORDS
from streams.gateway.door import Result
from streams.gateway.problems import MEDIA_TYPE as PROBLEM_TYPE
from streams.gateway.protocol import LARGEST_HEAD_BYTES

Document = dict[str, Any]

_COMES_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PROBLEMS = {
    HTTPStatus.BAD_REQUEST: (
        "the body cannot be read: `not_json`, `truncated`, `no_records`; or it is no request: `not_http`, `upgrade`"
    ),
    HTTPStatus.UNAUTHORIZED: "no valid key: `unauthorized`",
    HTTPStatus.REQUEST_TIMEOUT: "the body came too slowly: `slow`",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too many bytes or records: `too_large`",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "`content_type`, `charset` or `encoding`",
    HTTPStatus.TOO_MANY_REQUESTS: "more than the source may send, `too_many`, or than can be taken now, `overloaded`",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"a head of more than {LARGEST_HEAD_BYTES:,} bytes: `large_head`",
    HTTPStatus.INTERNAL_SERVER_ERROR: "something is wrong in the gateway: `internal`",
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "no broker takes records, or keys are not known yet: `unavailable`; nothing is known to be written. Or there are "
        "too many connections: `crowded`"
    ),
}
_OF_SOURCE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def openapi_document() -> Document:
    """Return the description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gridwatch gateway",
            "version": str(CONTRACT_VERSION),
            "summary": "Devices and terminals post records of visits, temperatures and checkpoints.",
            "description": (
                "A record is acknowledged when all replicas in sync have it. To send the same again is harmless: it is "
                "known by its sequence or event id."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"key_as_password": []}],
        "paths": {
            "/v1/events": {"post": _post_events()},
            "/v1/push/{key}": {"post": _push("push"), "put": _push("push_by_put")},
            "/v1/sources/me": {"get": _get_source()},
            "/v1/openapi.json": {"get": _get("openapi", "This description", {"type": "object"})},
            "/livez": {"get": _get("livez", "Whether the process answers", {"type": "object"})},
            "/readyz": {"get": _get_ready()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "gw_SOURCE.KEY.SECRET"},
                "key_as_password": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "name: the source; password: the key",
                },
            },
        },
    }


def openapi_json() -> bytes:
    """Return the description as it is served."""
    return (json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n").encode()


def _post_events() -> Document:
    record, records = (
        _ref("record"),
        {"type": "array", "items": _ref("record"), "minItems": 1, "maxItems": MOST_RECORDS},
    )
    return {
        "operationId": "post_events",
        "summary": "Send records",
        "description": (
            f"At most {MOST_RECORDS:,} records and {LARGEST_BODY_BYTES:,} bytes after decompression. The answer has a "
            "result for each, in their order. What is refused is not kept: mend it and send it again."
        ),
        "parameters": [_ENCODING],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [record, records]}},
                "application/x-ndjson": {"schema": {**records, "description": "one record a line, without brackets"}},
            },
        },
        "responses": _taken_responses(),
    }


def _push(operation: str) -> Document:
    return {
        "operationId": operation,
        "summary": "Send what a device sends by itself",
        "description": (
            "For devices that can set no headers: the key stands in the path, and anything may follow it. What the body "
            f"means is said by the adapter of the source; at most {LARGEST_DEVICE_BODY_BYTES:,} bytes."
        ),
        "security": [],
        "parameters": [
            {"name": "key", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
            _ENCODING,
        ],
        "requestBody": {"content": {"*/*": {"schema": {}}}},
        "responses": _taken_responses(),
    }


def _taken_responses() -> Document:
    taken = {"content": {"application/json": {"schema": _ref("answer")}}}
    return {
        "200": {
            "description": "each record has its result; at least one was not refused, or the device knows no other",
            **taken,
        },
        "403": {"description": "every record was refused, and at least one since the key may not send it", **taken},
        "422": {"description": "every record was refused", **taken},
        **_problem_responses(*_PROBLEMS),
    }


def _get_source() -> Document:
    return {
        "operationId": "get_source",
        "summary": "What is known of this source",
        "responses": {
            "200": {"description": "known", "content": {"application/json": {"schema": _ref("standing")}}},
            **_problem_responses(*_OF_SOURCE),
        },
    }


def _get(operation: str, summary: str, schema: Document) -> Document:
    answer = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {"operationId": operation, "summary": summary, "security": [], "responses": {"200": answer}}


def _get_ready() -> Document:
    operation = _get("readyz", "Whether records can be taken", {"type": "object"})
    operation["responses"]["503"] = {**operation["responses"]["200"], "description": "not now"}
    return operation


def _problem_responses(*statuses: HTTPStatus) -> Document:
    return {str(int(status)): _problem_response(status) for status in sorted(statuses)}


def _problem_response(status: HTTPStatus) -> Document:
    response: Document = {
        "description": _PROBLEMS[status],
        "content": {PROBLEM_TYPE: {"schema": _ref("problem")}},
    }
    if status in _COMES_AGAIN:
        seconds = {"description": "seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}
        response["headers"] = {"Retry-After": seconds}
    return response


def _schemas() -> Document:
    kinds = {kind: _sent(schema) for kind, schema in schema_documents().items() if kind in OUTSIDE_KINDS}
    return {
        "record": {
            "oneOf": [_ref(kind) for kind in kinds],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {kind: f"#/components/schemas/{kind}" for kind in kinds},
            },
        },
        **kinds,
        "identity": _object(
            {
                "type": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,129}$"},
                "number": {"type": "string", "minLength": 1, "maxLength": LONGEST_NUMBER},
            },
            "A person's document in place of `person_id`; it becomes a pseudonym at the door and is kept nowhere.",
        ),
        "answer": _object(
            {
                **{result.value: _COUNT for result in Result},
                "records": {"type": "array", "items": _ref("result")},
            },
            "How many records came to which result, and each result in the order of the records.",
        ),
        "result": {
            **_object(
                {
                    "result": {"enum": [result.value for result in Result]},
                    "reason": {"type": "string", "description": "why it was refused"},
                    "path": {
                        "type": "string",
                        "description": "the field that was at fault; empty where it is no single one",
                    },
                    "message": {"type": "string", "description": "what was expected there"},
                },
                "What became of a record.",
            ),
            "required": ["result"],
        },
        "standing": _standing(),
        "problem": _object(
            {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "detail": {"type": "string"},
            },
            "What is wrong with a whole request (RFC 9457).",
        ),
    }


def _standing() -> Document:
    number = {"type": "integer", "minimum": 1}
    hole = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    instant = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
    return _object(
        {
            "source_id": {"type": "string"},
            "last_sequence": {**_COUNT, "description": "the highest number that came; 0 where none has"},
            "holes": {"type": "array", "items": hole, "description": "first and last numbers that did not come"},
            "missing": {**_COUNT, "description": "numbers in all holes"},
            "clock_offset_seconds": {
                "anyOf": [{"type": "number"}, {"type": "null"}],
                "description": "how far the source's clock is behind the gateway's at most; negative where it is ahead",
            },
            "heard_until": instant,
            "interval_seconds": {"type": "number", "description": "how long the source may be silent; 0 is for ever"},
            "key": _object({"key_id": {"type": "string"}, "expires_at": instant}, "The key of this request."),
        },
        "What the gateway and the log know of a source.",
    )


def _sent(schema: Document) -> Document:
    """Return the schema of a record as a source sends it: its id may be left out, and what the gateway says must be."""
    body = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "title")}
    body["properties"] = {**body["properties"], "received_at": {"type": "null"}}
    body["required"] = [name for name in body["required"] if name != "source_id"]
    if issubclass(OUTSIDE_KINDS[body["properties"]["kind"]["const"]], PersonRecord):
        body["properties"]["identity"] = _ref("identity")
        body["required"].remove("person_id")
        body["oneOf"] = [{"required": ["person_id"]}, {"required": ["identity"]}]
    return body


_ENCODING: Document = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "how the body is compressed",
    "schema": {"enum": ["identity", "gzip", "zstd"]},
}
_COUNT: Document = {"type": "integer", "minimum": 0}


def _object(properties: Document, description: str) -> Document:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


if __name__ == "__main__":
    sys.stdout.buffer.write(openapi_json())
