"""Not ClickHouse's own server, but its engine (chDB) behind a small HTTP front, in a process of its own.

No current ClickHouse server can be installed with Python alone. This stands in for one as far as the client's way over
HTTP goes: log-in, queries and parameters, native inserts, compression, errors with their codes, an outage and a
restart on the same data. What is the server's own (users, replication, clusters, HTTP details nobody here leans on) it
does not have; a real server is named in GRIDWATCH_TEST_CLICKHOUSE.

`/faults?next=lost_answer,too_many_parts` makes the coming inserts fail that way, one each.
"""

import base64
import gzip
import importlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
import uuid
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

REPOSITORY = Path(__file__).parents[2]
USER, PASSWORD = "gridwatch", "p@ss/word"
_INSERT = re.compile(rb"\s*INSERT INTO (.+?) FORMAT (\w+)[ \t]*\n", re.DOTALL)
_TRAILING_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")
_NOT_SETTINGS = {"query", "database", "query_id", "session_id", "wait_end_of_query", "client_protocol_version"}
_FAULTS = {
    "too_many_parts": (252, "TOO_MANY_PARTS"),
    "out_of_memory": (241, "MEMORY_LIMIT_EXCEEDED"),
    "out_of_space": (243, "NOT_ENOUGH_SPACE"),
}


class _EngineError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Engine:
    """The engine on a directory; every request gets a session of its own, as over HTTP."""

    def __init__(self, directory: str) -> None:
        import chdb

        connect: Any = chdb.connect
        self._connect: Any = lambda: connect(directory)
        self._kept_open = self._connect()
        self._lock = threading.Lock()

    def run(self, parameters: dict[str, str], body: bytes) -> tuple[str, bytes, int]:
        """Run one statement; returns the format, the answer, and how many rows were written."""
        settings = {k: v for k, v in parameters.items() if k not in _NOT_SETTINGS and not k.startswith("param_")}
        bound = {k.removeprefix("param_"): v for k, v in parameters.items() if k.startswith("param_")}
        with self._lock:
            session = self._connect()
            try:
                if database := parameters.get("database"):
                    session.query(f"USE `{database}`")
                for name, value in settings.items():
                    session.query(f"SET {name} = {_quoted(value)}")
                return self._statement(session, parameters.get("query", "").encode(), body, bound)
            except Exception as error:
                code = _CODE.search(str(error))
                raise _EngineError(int(code[1]) if code else 1, str(error)) from error
            finally:
                session.close()

    def _statement(self, session: Any, query: bytes, body: bytes, bound: dict[str, str]) -> tuple[str, bytes, int]:
        whole = query + b"\n" + body if query else body
        if insert := _INSERT.match(whole):
            return "", b"", self._insert(session, insert, whole[insert.end() :])
        sql = whole.decode()
        found = _TRAILING_FORMAT.search(sql)
        form = found[1] if found else "TabSeparated"
        answer = session.query(sql, form, params=bound).bytes() or b""
        return form, answer, 0

    @staticmethod
    def _insert(session: Any, insert: re.Match[bytes], rows: bytes) -> int:
        with tempfile.NamedTemporaryFile(suffix=".insert") as file:
            file.write(rows)
            file.flush()
            into, form = insert[1].decode(), insert[2].decode()
            return int(session.query(f"INSERT INTO {into} FROM INFILE {_quoted(file.name)} FORMAT {form}").rows_read())


def _unpacked(data: bytes, encoding: str) -> bytes:
    """Unpack a body; the client packs each block of rows into a frame of its own."""
    if encoding == "lz4":
        return b"".join(_lz4_frames(data))
    if encoding == "zstd":
        from backports import zstd

        return zstd.decompress(data)
    return gzip.decompress(data) if encoding == "gzip" else data


def _lz4_frames(data: bytes) -> Iterator[bytes]:
    frame = importlib.import_module("lz4.frame")
    while data:
        unpacking = frame.LZ4FrameDecompressor()
        yield unpacking.decompress(data)
        data = unpacking.unused_data or b""


def _packed(data: bytes, accepted: str) -> tuple[bytes, str]:
    if "lz4" in accepted:
        return importlib.import_module("lz4.frame").compress(data), "lz4"
    return (gzip.compress(data), "gzip") if "gzip" in accepted else (data, "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    engine: ClassVar[_Engine]
    login: ClassVar[str]
    faults: ClassVar[deque[str]] = deque()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/ping":
            self._answer(200, b"Ok.\n")
        elif parts.path == "/faults":
            self.faults.extend(dict(parse_qsl(parts.query))["next"].split(","))
            self._answer(200, b"Ok.\n")
        else:
            self._statement(b"")

    def do_POST(self) -> None:
        self._statement(_unpacked(self._body(), self.headers.get("Content-Encoding", "")))

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _statement(self, body: bytes) -> None:
        if self.headers.get("Authorization", "") != self.login:
            self._refuse(403, 516, "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)")
            return
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        is_insert = _INSERT.match(parameters.get("query", "").encode() + b"\n" + body) or _INSERT.match(body)
        fault = self.faults.popleft() if is_insert and self.faults else ""
        if fault in _FAULTS:
            code, name = _FAULTS[fault]
            self._refuse(500, code, f"Code: {code}. DB::Exception: made to fail. ({name})")
            return
        try:
            form, answer, written = self.engine.run(parameters, body)
        except _EngineError as error:
            self._refuse(404 if error.code in (60, 81) else 500, error.code, str(error))
            return
        if fault == "lost_answer":
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        headers = {"X-ClickHouse-Summary": f'{{"written_rows":"{written}"}}'}
        if answer:
            headers["X-ClickHouse-Format"] = form
            if parameters.get("enable_http_compression") == "1":
                answer, headers["Content-Encoding"] = _packed(answer, self.headers.get("Accept-Encoding", ""))
        self._answer(200, answer, headers)

    def _refuse(self, status: int, code: int, message: str) -> None:
        self._answer(status, message.encode(), {"X-ClickHouse-Exception-Code": str(code)})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        named = {"X-ClickHouse-Query-Id": uuid.uuid4().hex, "X-ClickHouse-Timezone": "UTC", **(headers or {})}
        for name, value in {**named, "Content-Length": str(len(body))}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless it is that the client has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ClickHouseFront:
    """A front as a process: start, kill, start again on the same data and port."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def dsn(self, database: str = "", password: str = "p%40ss%2Fword", options: str = "") -> str:
        """Return the DSN, with other credentials or client options where a test wants them."""
        return f"http://{USER}:{password}@127.0.0.1:{self.port}/{database}{options}"

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait`, come back when it answers."""
        command = [sys.executable, "-m", "tests.support.clickhouse_http", str(self.directory), str(self.port)]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert self._process.stdout
        if wait:
            assert self._process.stdout.readline() == b"ready\n", "the front did not start"

    @property
    def process_id(self) -> int:
        """The process that runs."""
        assert self._process is not None, "it is not started"
        return self._process.pid

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None

    def fail_inserts(self, *faults: str) -> None:
        """Make the coming inserts fail, one each: `too_many_parts`, `out_of_memory`, `out_of_space`, `lost_answer`."""
        url = f"http://127.0.0.1:{self.port}/faults?next={','.join(faults)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            answer.read()


def main() -> None:
    """Serve a directory on a port of this machine until killed; `ready` on standard output says that it answers."""
    directory, port = sys.argv[1:]
    _Handler.engine = _Engine(directory)
    _Handler.login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    server = _Server(("127.0.0.1", int(port)), _Handler)
    os.write(1, b"ready\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
