"""Tests as time lines: the `timeline` fixture tells a table to the core and gives back the story (see `grammar`)."""

from typing import Protocol

import pytest

from tests.support.timeline.grammar import TableError
from tests.support.timeline.story import Story

__all__ = ["Story", "TableError", "Timeline", "timeline"]


class Timeline(Protocol):
    """What the fixture gives: a table in, a story out."""

    def __call__(self, table: str) -> Story:
        """Tell the lines of a table to a fresh core; raises TableError naming the line."""


@pytest.fixture(scope="session")
def timeline() -> Timeline:
    """Tell tables to the core."""
    return Story
