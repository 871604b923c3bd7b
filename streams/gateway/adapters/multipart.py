"""Multipart bodies: the parts that may hold an event, the pictures left out unread.

Devices put a picture of a face beside the event, so most of such a body is what must not be kept. Three ways were looked
at. `python-multipart` and werkzeug are not among the dependencies, and would be there for this alone. aiohttp, which is,
reads parts only from a network stream, asynchronously, and no other content type than the request's own. The standard
library's `email` parser is made for mail: it turns every picture into text line by line, goes down into parts within parts
and into attached messages without a limit on how many, and keeps them all. What RFC 2046 (5.1.1) asks of a reader is small:
a part ends before a line that is `--` and the boundary. So that line is looked for here, in the bytes, in one pass and under
limits; pictures are never copied or decoded. Headers with their parameters and quotes, which are not simple, are read by
`email`, 8 KiB at most. A test compares both on random bodies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from events.codec import Refusal
from events.vocabulary import DeadLetterReason

MOST_PARTS = 32
# A boundary that is in the parts as well, such as of hyphens, is looked at so often.
_MOST_DELIMITERS = 10_000
LONGEST_HEADERS_BYTES = 8 * 1024
_LONGEST_CONTENT_TYPE = 1024
_LONGEST_BOUNDARY = 200
_PICTURES = ("image", "video", "audio")


@dataclass(frozen=True, slots=True)
class ContentType:
    """A content type with the parameters that matter; `application/octet-stream` where it cannot be read."""

    name: str
    charset: str | None = None
    boundary: str | None = None

    @property
    def is_multipart(self) -> bool:
        """Tell whether it has parts."""
        return self.name.startswith("multipart/")


def read_content_type(text: str) -> ContentType:
    """Read a Content-Type header; never raises."""
    unknown = ContentType("application/octet-stream")
    if len(text) > _LONGEST_CONTENT_TYPE or not text.isascii() or not text.replace("\t", " ").isprintable():
        return unknown
    message = Message()
    message["Content-Type"] = text
    return _content_type(message)


def _content_type(message: Message) -> ContentType:
    # To read the parameters of a longer one can take a second: `email` looks at each semicolon anew.
    if len(message.get("Content-Type", "")) > _LONGEST_CONTENT_TYPE:
        return ContentType("application/octet-stream")
    try:
        return ContentType(message.get_content_type(), message.get_content_charset(), message.get_boundary())
    except (ValueError, LookupError, TypeError, AttributeError):  # what `email` raises for parameters that are nonsense
        return ContentType("application/octet-stream")


def event_parts(body: bytes, content_type: ContentType) -> Iterator[tuple[bytes, ContentType]]:
    """Yield content and type of the parts that are no pictures and begin as JSON or XML does; raises Refusal."""
    boundary = (content_type.boundary or "").encode("ascii", "replace")
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected a multipart body with a boundary in its content type")
    for start, end in _part_spans(body, b"--" + boundary):
        headers_end, content_start = _headers_end(body, start, end)
        part_type = _content_type(HeaderParser().parsestr(body[start:headers_end].decode("latin-1"), headersonly=True))
        if part_type.name.partition("/")[0] in _PICTURES:
            continue
        if body[content_start : content_start + 64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<"):
            yield body[content_start:end], part_type


def _part_spans(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yield where parts begin and end; the last one needs no end, a stream that broke off has none."""
    start, count = -1, 0
    for line_start, line_end in _delimiter_lines(body, delimiter):
        if start >= 0:
            yield start, max(start, _before_line_break(body, line_start))
        if body[line_start + len(delimiter) : line_start + len(delimiter) + 2] == b"--":
            return
        start, count = line_end, count + 1
        if count > MOST_PARTS:
            raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {MOST_PARTS} parts")
    if start < 0:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected the boundary of the content type in the multipart body")
    if start < len(body):
        yield start, len(body)


def _delimiter_lines(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    at = body.find(delimiter)
    for _ in range(_MOST_DELIMITERS):
        if at < 0:
            return
        after = at + len(delimiter)
        line_end = body.find(b"\n", after, after + 80) + 1
        rest = body[after : line_end or min(len(body), after + 80)].strip(b" \t\r\n")
        if (at == 0 or body[at - 1 : at] == b"\n") and rest in (b"", b"--") and (line_end or len(body) <= after + 80):
            yield at, line_end or len(body)
        at = body.find(delimiter, after)
    if at >= 0:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", "expected a boundary that is in no part")


def _before_line_break(body: bytes, line_start: int) -> int:
    return line_start - (2 if body[line_start - 2 : line_start] == b"\r\n" else 1)


def _headers_end(body: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the headers of a part end and where its content begins."""
    for without_headers in (b"\r\n", b"\n"):
        if body[start : start + len(without_headers)] == without_headers:
            return start, start + len(without_headers)
    limit = min(end, start + LONGEST_HEADERS_BYTES)
    ends = [(at, at + len(blank)) for blank in (b"\r\n\r\n", b"\n\n") if (at := body.find(blank, start, limit)) >= 0]
    if not ends:
        raise Refusal(
            DeadLetterReason.NOT_JSON, "", f"expected parts with headers of at most {LONGEST_HEADERS_BYTES} bytes"
        )
    return min(ends)
