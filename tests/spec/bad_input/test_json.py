"""JSON"""

import json

import pytest

from events.codec import Refusal, decode

TICK = b'{"kind":"tick","at":"2020-02-03T00:00:00Z"}'


def reason_of(raw: bytes) -> str:
    """Return the reason for which bytes are refused."""
    with pytest.raises(Refusal) as caught:
        decode(raw)
    return caught.value.reason.value


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"tick", b"[]", b"null", b"7", b'"tick"', TICK + TICK, TICK[:-1], b"[" * 60_000],
    ids=["empty", "open", "bare", "list", "null", "number", "string", "two", "cut", "deep"],
)
def test_anything_but_one_json_object(raw: bytes) -> None:
    """Anything but one JSON object is `not_json`: nothing, half an object, two of them, or another JSON value."""
    assert reason_of(raw) == "not_json"


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe{}", b"\xef\xbb\xbf" + TICK, b'{"kind":"\xe4"}', TICK.decode().encode("utf-16")],
    ids=["no text", "with a mark", "latin-1", "utf-16"],
)
def test_anything_but_utf_8(raw: bytes) -> None:
    """Bytes that are not UTF-8, or begin with a byte order mark, are `not_json`."""
    assert reason_of(raw) == "not_json"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know(number: str) -> None:
    """`NaN` and infinities are no JSON."""
    assert reason_of(f'{{"kind":"tick","at":{number}}}'.encode()) == "not_json"


def test_a_key_that_stands_twice() -> None:
    """An object with the same key twice has two meanings and is refused."""
    assert reason_of(b'{"kind":"tick","at":"2020-02-03T00:00:00Z","at":"2020-02-04T00:00:00Z"}') == "not_json"


@pytest.mark.parametrize("brackets", [b"[]", b'{"a":}'], ids=["lists", "objects"])
def test_how_deep_it_may_be(brackets: bytes) -> None:
    """Up to 64 objects and lists within each other are read, whatever they are for; one more is `not_json`."""
    opening, closing = brackets[:-1], brackets[-1:]

    assert reason_of(b'{"kind":"tick","at":' + opening * 63 + b"1" + closing * 63 + b"}") == "invalid_field"
    assert reason_of(b'{"kind":"tick","at":' + opening * 64 + b"1" + closing * 64 + b"}") == "not_json"
    assert reason_of(b'{"kind":"tick","at":"' + b"[{" * 1000 + b'"}') == "invalid_field"


def test_the_largest_record() -> None:
    """A record of 64 KiB is read; one byte more is `too_large`, whatever it is."""
    largest = TICK + b" " * (64 * 1024 - len(TICK))

    assert decode(largest) == decode(TICK)
    assert reason_of(largest + b" ") == "too_large"
    assert reason_of(b"?" * (64 * 1024 + 1)) == "too_large"


def test_json_may_be_written_freely() -> None:
    """Spaces, line breaks, escapes and the order of keys do not matter."""
    assert decode(b' {\n "at" : "2020-02-03T00:00:00Z",\t"kind":"\\u0074ick" }\n') == decode(TICK)
    assert decode(json.dumps(json.loads(TICK)).encode()) == decode(TICK)
