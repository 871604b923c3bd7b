"""What watch decides alone, by the number of people under observation: cost of a record, of a verdict, memory a person.

Day 7 of everybody, 8 partitions, 200,000 records of the hours that follow: 97 of 100 scans of others, 3 readings spread over
all. Then the tick by which nearly all checks of the morning turn out missed. No broker: this is the core and its state.
"""

from bench.places import tell
from bench.processes import PYTHON, measure
from bench.results import CPU, Results
from bench.scope import Scope

_RECORDS = 200_000
VERDICT, PERSON = "us CPU/verdict", "bytes/person"


def run(scope: Scope, results: Results) -> None:
    """Measure every size in turn."""
    rounds = 1 if scope.is_quick else scope.rounds
    for number in range(rounds):
        tell(f"sizes, round {number + 1} of {rounds}")
        for people in scope.scale_people:
            measured = measure([PYTHON, "-m", "bench.subjects.crowd", str(people), str(_RECORDS)])
            name = name_of(people)
            results.add(name, CPU, measured.cpu_us)
            results.add(name, PERSON, measured.more["bytes_each"])
            results.add(name, VERDICT, measured.more["tick_us"])
    first = name_of(scope.scale_people[0])
    for people in scope.scale_people[1:]:
        results.compare(name_of(people), first, units=(CPU, PERSON, VERDICT))


def name_of(people: int) -> str:
    """Return the name under which a size is shown."""
    return f"deciding alone, {people:,} observed"
