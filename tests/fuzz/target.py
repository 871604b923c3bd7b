"""What the engines know of a target: a function from bytes to what became of them, and where inputs come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the records of one input: so many were taken, so many refused.

    `unfound` counts what was wrong, could not be told, and made a difference; only corrupted states have such.
    """

    taken: int = 0
    refused: int = 0
    unfound: int = 0

    def __add__(self, other: "Found") -> "Found":
        return Found(self.taken + other.taken, self.refused + other.refused, self.unfound + other.unfound)


class Mutator(Protocol):
    """Makes another input of one, the same from the same random choices."""

    def __call__(self, data: bytes, random: Random) -> bytes:
        """Return an input of about the size of `data`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that any bytes are given to.

    `run` must hold for every input: it raises AssertionError where something promised is not true, and lets everything
    through that ought not to be raised. `share` is how many of 1,000 inputs of a run over all targets are for this one,
    `seconds` the processor time that none of them may take.
    """

    name: str
    run: Callable[[bytes], Found]
    mutate: Mutator
    seeds: Callable[[], Sequence[bytes]]
    share: int
    largest_bytes: int
    seconds: float = 2.0
