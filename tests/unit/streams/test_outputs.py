"""Where outputs go."""

import zlib

import pytest

from streams.broker.outputs import partition_of


@pytest.mark.parametrize("key", [b"", b"person-1", "观察".encode(), b"\xff" * 100])
def test_partitions_are_those_of_librdkafka(key: bytes) -> None:
    """The remainder of the CRC-32 of the key, which librdkafka calls `consistent`: producers in C agree."""
    assert partition_of(key, 8) == zlib.crc32(key) % 8
    assert partition_of(b"123456789", 1000) == 0xCBF43926 % 1000  # the check value of CRC-32
