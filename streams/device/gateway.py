"""The way to the gateway: one request at a time over HTTPS, answers of bounded size within a bounded time."""

import gzip
import http.client
import re
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from streams.device.answers import Answer
from streams.device.errors import DeviceError, NoAnswerError, WrongKeyError
from streams.device.keys import Key

_LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PATH = re.compile(r"[A-Za-z0-9._~/-]*", re.ASCII)


class Way(Protocol):
    """What an uploader needs of a gateway."""

    def post(self, lines: list[bytes]) -> Answer:
        """Send records; raises NoAnswerError, WrongKeyError."""
        ...

    def ask(self) -> Answer:
        """Ask what the gateway knows of the source; raises NoAnswerError, WrongKeyError."""
        ...


class Gateway:
    """A gateway at a URL. The key is read for every request, so that a new one holds without a restart."""

    def __init__(
        self,
        url: str,
        read_key: Callable[[], Key],
        *,
        timeout_s: float = 30.0,
        ca_file: Path | None = None,
        allows_plain_http: bool = False,
    ) -> None:
        self._host, self._port, self._path, is_secure = _address(url, allows_plain_http=allows_plain_http)
        self._read_key, self._timeout_s = read_key, timeout_s
        self._source_id = ""
        self._tls = ssl.create_default_context(cafile=ca_file) if is_secure else None
        self._connection: http.client.HTTPConnection | None = None

    def post(self, lines: list[bytes]) -> Answer:
        """Send records; raises NoAnswerError, WrongKeyError."""
        body = gzip.compress(b"".join(line + b"\n" for line in lines), 6, mtime=0)
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        return self._request("POST", "/v1/events", body, headers)

    def ask(self) -> Answer:
        """Ask what the gateway knows of the source; raises NoAnswerError, WrongKeyError."""
        return self._request("GET", "/v1/sources/me", None, {})

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        headers = headers | {"Authorization": f"Bearer {self._key().text}", "Accept": "application/json"}
        was_open = self._connection is not None
        try:
            return self._exchange(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            if not was_open:
                raise _no_answer(error) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            raise _no_answer(error) from None
        # A connection that was kept open and closed by the other side meanwhile says nothing about the gateway.
        try:
            return self._exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            raise _no_answer(error) from None

    def _key(self) -> Key:
        """Read the key; one of another source would have every record refused."""
        key = self._read_key()
        self._source_id = self._source_id or key.source_id
        if key.source_id != self._source_id:
            raise WrongKeyError("the key is that of another source now")
        return key

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = self._connection = self._connection or self._connect()
        # Who refuses a request may close before it has read all of it; the answer is there all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, self._path + path, body, headers)
        response = connection.getresponse()
        content = self._content(response)
        # All of it was read, so this gives the connection free for the next request.
        response.close()
        if response.will_close:
            self.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)

    def _content(self, response: http.client.HTTPResponse) -> bytes:
        """Read all of an answer, however slowly it comes in pieces, within the limits of size and time."""
        content, deadline = bytearray(), time.monotonic() + 2 * self._timeout_s
        while chunk := response.read1(_CHUNK_BYTES):
            content += chunk
            if len(content) > _LARGEST_ANSWER_BYTES:
                raise http.client.HTTPException("an answer that is too long")
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
        if response.length:
            raise http.client.HTTPException("an answer that was cut off")
        return bytes(content)


def _address(url: str, *, allows_plain_http: bool) -> tuple[str, int, str, bool]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise DeviceError("url: expected one like https://gateway.example.org") from None
    if not host or parts.scheme not in ("https", "http") or parts.query or parts.fragment or parts.username is not None:
        raise DeviceError("url: expected one like https://gateway.example.org, without name, password, ? and #")
    if not _PATH.fullmatch(parts.path):
        raise DeviceError("url: expected a path of letters, digits and . _ ~ / -")
    if parts.scheme == "http" and not allows_plain_http and host not in _LOOPBACK:
        raise DeviceError("url: expected https, so that nobody on the way reads the key")
    return host, port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/"), parts.scheme == "https"


def _no_answer(error: Exception) -> NoAnswerError:
    """Name an error; texts of answers that could not be read are left out."""
    if isinstance(error, TimeoutError):
        return NoAnswerError("timed out", was_slow=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NoAnswerError(f"the certificate is not trusted: {error.verify_message}")
    return NoAnswerError((isinstance(error, OSError) and error.strerror) or type(error).__name__)
