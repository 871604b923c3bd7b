"""A gateway over HTTP that behaves as it is told, and keeps what it took.

It knows records by source and sequence, as the real one does. Behaviours are used up one a POST; then it accepts.
"""

import gzip
import json
import socket
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, get_args

KEY = "gw_d-000001.k1." + "A" * 43
SOURCE = "d-000001"

Behaviour = Literal[
    "accept",
    "lose_answer",
    "take_none_close",
    "truncate_answer",
    "unavailable",
    "unavailable_half_taken",
    "too_many",
    "too_large",
    "garbage",
    "wrong_count",
    "server_error",
    "bad_key",
    "may_not_send",
    "redirect",
]
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)


@dataclass(slots=True)
class Ledger:
    """What the gateway knows; `taken` is in the order in which it came."""

    taken: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[list[int]] = field(default_factory=list)
    asked: int = 0
    duplicates: Counter[int] = field(default_factory=Counter)
    refuses_persons: set[str] = field(default_factory=set)
    poisons: set[str] = field(default_factory=set)
    most_records: int = 1000

    def holes(self) -> list[list[int]]:
        """Return what is missing below the highest number."""
        holes: list[list[int]] = []
        for number in range(1, max(self.taken, default=0)):
            if number not in self.taken:
                if holes and holes[-1][1] == number - 1:
                    holes[-1][1] = number
                else:
                    holes.append([number, number])
        return holes

    def take(self, record: dict[str, Any]) -> dict[str, Any]:
        """Take one record, or say why not."""
        sequence = record["sequence"]
        if record.get("person_id") in self.refuses_persons:
            return {"result": "refused", "reason": "invalid_field", "path": "person_id", "message": "expected another"}
        if sequence in self.taken:
            self.duplicates[sequence] += 1
            return {"result": "duplicate"}
        self.taken[sequence] = record
        return {"result": "accepted"}

    def forget(self, sequence: int) -> None:
        """Lose a record that was taken, so that it becomes a hole."""
        del self.taken[sequence]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: ClassVar["ScriptedGateway"]
    timeout = 10

    def do_GET(self) -> None:
        with self.gateway.lock:
            ledger = self.gateway.ledger
            ledger.asked += 1
            status = self.gateway.asked_status
            known = {
                "source_id": SOURCE,
                "last_sequence": max(ledger.taken, default=None),
                "holes": ledger.holes(),
                "clock_offset_seconds": 1.5,
                "heard_at": None,
                "key": {"key_id": "k1", "expires_at": "2021-01-01T00:00:00Z"},
                "interval_seconds": 60,
            }
        if self.path != "/v1/sources/me":
            self._problem(404, "not_found")
        elif status != 200:
            self._problem(status, "unavailable")
        else:
            self._answer(200, json.dumps(known).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = gzip.decompress(body)
        records = [json.loads(line) for line in text.splitlines()]
        with self.gateway.lock:
            assert len(text) < 2**20
            assert self.headers["Content-Type"] == "application/x-ndjson"
            self.gateway.ledger.requests.append([record["sequence"] for record in records])
            behaviour = self.gateway.script.popleft() if self.gateway.script else "accept"
        if self.headers["Authorization"] != f"Bearer {self.gateway.key}":
            behaviour = "bad_key"
        self._behave(behaviour, records)

    def _behave(self, behaviour: Behaviour, records: list[dict[str, Any]]) -> None:
        ledger = self.gateway.ledger
        if len(records) > ledger.most_records:
            behaviour = "too_large"
        match behaviour:
            case "too_many":
                self._problem(429, "too_many", {"Retry-After": "7"})
            case "unavailable":
                self._problem(503, "unavailable", {"Retry-After": "3"})
            case "unavailable_half_taken":
                self._take(records[: len(records) // 2])
                self._problem(503, "unavailable", {"Retry-After": "3"})
            case "too_large":
                self._problem(413, "too_large")
            case "server_error":
                self._problem(500, "internal")
            case "bad_key":
                self._problem(401, "bad_key")
            case "may_not_send":
                self._problem(403, "not_allowed")
            case "redirect":
                self._answer(302, b"", {"Location": "http://portal.invalid/"})
            case "garbage":
                self._answer(200, b"<html>Welcome to this network</html>", {"Content-Type": "text/html"})
            case "take_none_close":
                self._hang_up()
            case _:
                self._take_and_answer(behaviour, records)

    def _take_and_answer(self, behaviour: Behaviour, records: list[dict[str, Any]]) -> None:
        if any(record.get("person_id") in self.gateway.ledger.poisons for record in records):
            self._problem(400, "not_json")
            return
        results = self._take(records)
        if behaviour == "wrong_count":
            results = results[:-1]
        counts = Counter(result["result"] for result in results)
        body = json.dumps({**counts, "records": results}).encode()
        status = 422 if results and counts["refused"] == len(results) else 200
        if behaviour == "lose_answer":
            self._hang_up()
        elif behaviour == "truncate_answer":
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self._hang_up()
        else:
            self._answer(status, body)

    def _take(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with self.gateway.lock:
            return [self.gateway.ledger.take(record) for record in records]

    def _problem(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"type": "about:blank", "title": code, "status": status, "detail": "", "code": code}).encode()
        self._answer(status, body, {"Content-Type": "application/problem+json", **(headers or {})})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed hang up in the middle; that is what is tested."""


class ScriptedGateway:
    """The server; `script` is how the coming POSTs are answered, `ledger` what it took."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ledger = Ledger()
        self.script: deque[Behaviour] = deque()
        self.asked_status = 200
        self.key = KEY
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"gateway": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; the port refuses connections from then on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def begin_anew(self) -> None:
        """Forget everything, as for another example of a property."""
        with self.lock:
            self.ledger = Ledger()
            self.script.clear()
            self.asked_status = 200
            self.key = KEY

    def persons(self) -> list[str]:
        """Return whom the taken records are about, in the order in which they came."""
        with self.lock:
            return [record["person_id"] for record in self.ledger.taken.values()]
