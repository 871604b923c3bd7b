"""XML by expat: objects and texts, and nothing of what makes XML dangerous."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.codec import Refusal
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.xml_reading import MOST_ELEMENTS, read_xml

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]><x>&j;</x>"
)


def test_elements_become_objects() -> None:
    """Names lose their prefix, attributes go, what stands several times is a list."""
    read = read_xml(
        b'\xef\xbb\xbf<a xmlns:n="u" k="v"><n:b> 1 &lt; 2 </n:b><c/><d><e>x</e><e>y</e><e>z</e></d><!-- no --></a>'
    )
    assert read == {"a": {"b": "1 < 2", "c": "", "d": {"e": ["x", "y", "z"]}}}


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd">%p;]><x/>',
        b"<!DOCTYPE x><x/>",
    ],
    ids=["billion laughs", "external subset", "external entity", "parameter entity", "harmless"],
)
def test_declarations_of_a_document_type(body: bytes) -> None:
    """They are refused as such: without them there are no entities but XML's own."""
    with pytest.raises(Refusal, match="without a document type declaration"):
        read_xml(body)


@pytest.mark.parametrize(
    "body", [b"", b"<a>", b"<a>&unknown;</a>", b"<a/><b/>", b"{}", b"<a>\xff</a>", b"<a b='1' b='2'/>", b"<a>\x00</a>"]
)
def test_what_is_no_xml(body: bytes) -> None:
    """It is refused, and nothing of it repeated."""
    with pytest.raises(Refusal, match="expected one XML document in UTF-8"):
        read_xml(body)


def test_limits() -> None:
    """Depth and number of elements are counted as they come."""
    assert read_xml(b"<a>" * 64 + b"</a>" * 64)
    for body in (b"<a>" * 65 + b"</a>" * 65, b"<a>" * 100_000):
        with pytest.raises(Refusal, match="levels"):
            read_xml(body)
    with pytest.raises(Refusal) as caught:
        read_xml(b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>")
    assert caught.value.reason is DeadLetterReason.TOO_LARGE


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: f"<a>{text}</a>".encode("utf-8", "replace")))
def test_any_bytes(body: bytes) -> None:
    """Any bytes are an object or a refusal."""
    try:
        read = read_xml(body)
    except Refusal:
        read = {}
    assert isinstance(read, dict)
