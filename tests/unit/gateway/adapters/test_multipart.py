"""Multipart bodies: the event is found whatever stands around it, pictures are left out, limits hold."""

from contextlib import suppress
from email.message import EmailMessage
from email.parser import BytesParser
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.codec import Refusal
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.multipart import MOST_PARTS, ContentType, event_parts, read_content_type

TYPE = ContentType("multipart/mixed", boundary="b")


def parts(body: bytes, content_type: ContentType = TYPE) -> list[bytes]:
    return [content for content, _ in event_parts(body, content_type)]


def part(content: bytes, content_type: bytes = b"application/json", end: bytes = b"\r\n") -> bytes:
    return b"--b" + end + b"Content-Type: " + content_type + end + end + content + end


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_event_among_pictures(end: bytes) -> None:
    """JSON and XML come out, to the byte and in order; pictures, text that is neither and empty parts do not."""
    body = (
        b"what stands before"
        + end
        + part(b'{"a": 1}', end=end)
        + part(b"{not for us}", b"image/jpeg", end)
        + part(b"\xff\xd8--b--" + end + b"--bb" + end + b"--b x", b"application/octet-stream", end)
        + part(b"", end=end)
        + part(b"\xef\xbb\xbf <x/>", b'text/xml; charset="UTF-8"', end)
        + b"--b--"
        + end
        + part(b'{"behind": "the end"}')
    )
    assert parts(body) == [b'{"a": 1}', b"\xef\xbb\xbf <x/>"]


def test_a_part_without_headers() -> None:
    """The headers may be missing, the empty line before the content not."""
    assert parts(b'--b\r\n\r\n{"a": 1}\r\n--b--\r\n') == [b'{"a": 1}']
    with pytest.raises(Refusal, match="headers"):
        parts(b'--b\r\n{"a": 1}\r\n--b--')


def test_a_stream_that_broke_off() -> None:
    """The last part may lack its end; JSON says whether it is whole."""
    assert parts(b'--b\n\n{"a": 1}') == [b'{"a": 1}']
    assert parts(b'--b\n\n{"a": 1}\n--b') == [b'{"a": 1}']


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (ContentType("multipart/mixed"), b"--b\n\n{}\n--b--"),
        (ContentType("multipart/mixed", boundary="x" * 201), b"--" + b"x" * 201 + b"\n\n{}"),
        (TYPE, b""),
        (TYPE, b"{}"),
        (TYPE, b"--bb\n\n{}"),
        (TYPE, b"--b\n" + b"x: " + b"y" * 9000 + b"\n\n{}"),
    ],
)
def test_what_is_no_multipart_body(content_type: ContentType, body: bytes) -> None:
    """A boundary that is missing, too long or not there, and headers without end."""
    with pytest.raises(Refusal) as caught:
        parts(body, content_type)
    assert caught.value.reason is DeadLetterReason.NOT_JSON


def test_too_many_parts() -> None:
    """More parts than any device sends are refused, not counted to the end."""
    assert len(parts(part(b"{}") * MOST_PARTS)) == MOST_PARTS
    with pytest.raises(Refusal) as caught:
        parts(part(b"{}") * (MOST_PARTS + 1))
    assert caught.value.reason is DeadLetterReason.TOO_LARGE


@pytest.mark.parametrize("filling", [b"--b", b"\n--b", b"\n--b x", b"\n--b\t", b"\r\n\r\n"])
def test_a_bomb_takes_no_time(filling: bytes) -> None:
    """Four megabytes of what looks like boundaries are read in a second or so of this machine's time."""
    started = process_time()
    body = b"--b\n\n{" + filling * (4 * 1024 * 1024 // len(filling))
    with suppress(Refusal):
        parts(body)
    assert process_time() - started < 20


@pytest.mark.parametrize(
    ("text", "name", "boundary", "charset"),
    [
        ("Multipart/Form-Data; boundary=abc", "multipart/form-data", "abc", None),
        ('multipart/mixed; boundary="a b;c"', "multipart/mixed", "a b;c", None),
        ("application/json; charset=GBK", "application/json", None, "gbk"),
        ("nonsense", "text/plain", None, None),
        ("", "text/plain", None, None),
        ("multipart/mixed; boundary=b\r\nX: y", "application/octet-stream", None, None),
        ("multipart/mixed; boundary=" + "x" * 2000, "application/octet-stream", None, None),
    ],
)
def test_content_types(text: str, name: str, boundary: str | None, charset: str | None) -> None:
    """Quotes and capital letters are understood, lines within and endless ones are not."""
    assert read_content_type(text) == ContentType(name, charset, boundary)


@settings(deadline=None)
@given(
    st.text() | st.from_regex(r"multipart/[a-z]+(; ?[a-z]+\*?[0-9]*\*?=[\"']?[a-z0-9'%]*[\"']?){0,3}", fullmatch=True)
)
def test_any_content_type(text: str) -> None:
    """Any text at all is a content type, if only an unknown one."""
    assert read_content_type(text).name


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b'{"a": 1}', b"<a/>", b"[1]", b'{"b":\r\n\r\n 2}', b'{"b":\n "--x"}']), min_size=1, max_size=6
    )
)
def test_the_email_parser_says_the_same(contents: list[bytes]) -> None:
    """On bodies that are well formed, the standard library's parser finds the same parts."""
    body = b"".join(part(content) for content in contents) + b"--b--\r\n"
    message = BytesParser(EmailMessage).parsebytes(b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + body)  # type: ignore[arg-type]
    theirs = [each.get_payload(decode=True) for each in message.iter_parts()]

    assert parts(body) == theirs == contents
