"""A small town, written once for the tests that only read it."""

from pathlib import Path

import pytest

from streams.town.write import write_town
from tests.unit.town.towns import small


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("town")
    write_town(small(returnees=54), directory)
    return directory
