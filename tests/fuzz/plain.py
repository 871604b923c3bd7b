"""The engine that needs nothing: inputs of inputs, by seeded random choices."""

from collections.abc import Iterator
from random import Random

from tests.fuzz.target import Target

# So many of what was made are held to be changed further.
_HELD = 300


def inputs(target: Target, count: int, seed: int) -> Iterator[bytes]:
    """Yield so many inputs: the seeds of the target first, then what is made of them. The same for the same seed."""
    random = Random(f"{seed}/{target.name}")
    seeds = list(target.seeds())
    yield from seeds[:count]
    held = list(seeds)
    for _ in range(count - len(seeds)):
        data = random.choice(held if random.random() < 0.5 else seeds)
        made = target.mutate(data, random)[: target.largest_bytes]
        if random.random() < 0.2:
            if len(held) < len(seeds) + _HELD:
                held.append(made)
            else:
                held[random.randrange(len(seeds), len(held))] = made
        yield made
