"""The reader of offsets on a real broker: it leaves nothing open, also where only half of it can be opened."""

from typing import NoReturn

import pytest

from streams.broker import offsets
from streams.broker.offsets import OffsetReader
from streams.settings import KafkaSettings, Settings
from tests.support.brokers import BrokerUnderTest


async def test_a_reader_that_cannot_be_opened_closes_what_is_open(
    embedded_broker: BrokerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog opens one again and again while the brokers are away."""

    def refuse(**options: object) -> NoReturn:  # noqa: ARG001  as the client is called
        raise ConnectionError("no admin client today")

    monkeypatch.setattr(offsets, "KafkaAdminClient", refuse)
    reader = OffsetReader(Settings(kafka=KafkaSettings(brokers=embedded_broker.bootstrap)))

    with pytest.raises(ConnectionError, match="today"):
        await reader.__aenter__()

    assert reader._log._consumer._closed
