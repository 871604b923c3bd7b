"""What of a head counts, where a field is there twice or not at all."""

from streams.gateway.heads import Head, read_head

KEY = b"Bearer gw_gate-1.AAAAAAAA." + b"A" * 43


def test_a_head() -> None:
    head = read_head([
        (b"host", b"g"), (b"authorization", KEY), (b"content-type", b"application/json"), (b"content-length", b"5"),
        (b"content-encoding", b"gzip"),
    ])  # fmt: skip
    assert head == Head(KEY.decode(), "application/json", "gzip", "5")
    presented = head.presented()
    assert presented is not None
    assert presented.source_id == "gate-1"


def test_nothing() -> None:
    head = read_head([])
    assert head == Head(None, "", "", "")
    assert head.presented() is None


def test_the_first_of_two_counts_and_two_keys_are_none() -> None:
    """Also where the first is empty; and three keys are none either."""
    twice = [(b"content-type", b""), (b"content-type", b"text/plain"), (b"content-encoding", b"gzip")]
    twice += [(b"content-encoding", b"zstd"), (b"content-length", b"1"), (b"content-length", b"2")]
    head = read_head(twice)
    assert head == Head(None, "", "gzip", "1")
    for count in (2, 3):
        assert read_head([(b"authorization", KEY)] * count).authorization is None


def test_bytes_that_are_no_text() -> None:
    assert read_head([(b"authorization", b"\xe9")]).presented() is None
