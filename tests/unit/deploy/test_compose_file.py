"""The reader of the compose file reads what it should, and refuses the rest."""

import pytest

from tests.unit.deploy.compose_file import read_yaml


def test_it_reads_mappings_lists_anchors_and_merges() -> None:
    text = """
# a comment
x-all: &all
  restart: "no"
  drop:
    - ALL
one:
  <<: *all
  restart: always
  command: ["a", "b"]
volumes:
  data:
"""
    assert read_yaml(text) == {
        "x-all": {"restart": "no", "drop": ["ALL"]},
        "one": {"restart": "always", "drop": ["ALL"], "command": ["a", "b"]},
        "volumes": {"data": None},
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: |\n  text",
        "a: {b: 1}",
        "a: 'x'",
        "a: b: c",
        "a: [b]",
        "a:\n    b: 1",
        "a: 1 # why",
        "just text",
    ],
)
def test_it_refuses_what_it_does_not_understand(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        read_yaml(text)
