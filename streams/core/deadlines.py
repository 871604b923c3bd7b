"""An index over who has something due, and when. Only a cache: it is rebuilt from what is held of the people."""

import heapq
from collections.abc import Iterator


class DeadlineIndex:
    """People by the instant (microseconds since 1970) at which a tick has something to do for them.

    Most deadlines are shared by many: whoever is checked in the same window falls due together. So people are gathered
    under an instant, and only instants are kept in order. An entry that was overtaken stays; `People` leaves it out.
    """

    def __init__(self) -> None:
        self._people: dict[int, list[str]] = {}
        self._instants: list[int] = []

    def add(self, due: int, person_id: str) -> None:
        """Note when a person's next deadline is."""
        people = self._people.get(due)
        if people is None:
            self._people[due] = [person_id]
            heapq.heappush(self._instants, due)
        else:
            people.append(person_id)

    def pop_due(self, clock: int) -> Iterator[tuple[int, list[str]]]:
        """Take out every instant that the clock has reached, with those who were noted under it."""
        while self._instants and self._instants[0] <= clock:
            due = heapq.heappop(self._instants)
            yield due, self._people.pop(due)
