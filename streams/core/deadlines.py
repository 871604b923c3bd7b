"""An index over who has something due next. Only a cache: it is rebuilt from the people themselves."""

import heapq
from collections.abc import Iterable
from datetime import datetime

from streams.core.person import Person


class DeadlineIndex:
    """People by the instant at which a tick has something to do for them."""

    def __init__(self, people: Iterable[Person] = ()) -> None:
        self._heap = [(person.next_at, person.person_id) for person in people if person.next_at is not None]
        heapq.heapify(self._heap)

    def schedule(self, person: Person, due_at: datetime | None) -> None:
        """Note when the person's next deadline is; an entry that was overtaken stays and is skipped when it comes up."""
        if due_at != person.next_at:
            person.next_at = due_at
            if due_at is not None:
                heapq.heappush(self._heap, (due_at, person.person_id))

    def pop_due(self, clock: datetime, people: dict[str, Person]) -> list[Person]:
        """Take out everybody whose next deadline the clock has reached, in the order of their ids."""
        due: dict[str, Person] = {}
        while self._heap and self._heap[0][0] <= clock:
            due_at, person_id = heapq.heappop(self._heap)
            person = people.get(person_id)
            if person is not None and person.next_at == due_at:
                due[person_id] = person
        for person in due.values():
            person.next_at = None
        return [due[person_id] for person_id in sorted(due)]
