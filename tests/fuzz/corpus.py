"""The seeds: what stands in `corpus/`, right and wrong, and what is made of random histories, nearly all of it right."""

import json
from functools import cache
from pathlib import Path
from random import Random

from tests.support.histories import history
from tests.support.model.random_policy import ZONES, random_policy

CORPUS = Path(__file__).parent / "corpus"
# A tiny log has up to 25 records and some ticks, which a few milliseconds decide.
_HISTORIES = 24
_LINES_OF_HISTORIES = 6
_RANDOM_POLICIES = 16


def _bytes_in(folder: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((CORPUS / folder).iterdir()))


@cache
def records() -> tuple[bytes, ...]:
    """Return single records and results."""
    lines = {line: None for log in logs()[-_LINES_OF_HISTORIES:] for line in log.split(b"\n") if len(line) < 65_536}
    return *_bytes_in("records"), *lines


@cache
def policies() -> tuple[bytes, ...]:
    """Return policies as TOML and as JSON."""
    made = (random_policy(Random(seed), f"v{seed}", ZONES[seed % len(ZONES)]) for seed in range(_RANDOM_POLICIES))
    return *_bytes_in("policies"), *(json.dumps(policy, separators=(",", ":")).encode() for policy in made)


@cache
def logs() -> tuple[bytes, ...]:
    """Return logs, one record a line."""
    return *_bytes_in("logs"), *(b"\n".join(history(seed, "tiny")[0]) for seed in range(_HISTORIES))
