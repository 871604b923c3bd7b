"""Consumer groups: who is a member, in which generation, of which partitions, and what is committed.

Members are told of a rebalance by their heartbeats, so within 3 s; one that is frozen or cut off hears it late, and is
thrown out when its session has timed out. A commit counts under the present generation alone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka.errors import IllegalGenerationError, UnknownMemberIdError
from faust.types import TP

from tests.simulation.loop import Process, World
from tests.simulation.network import LATER, Network

SESSION_S = 15.0
REBALANCE_S = 60.0
_HEARTBEAT_S = 3.0
_FIRST_WAIT_S = 3.0
NO_GENERATION = -1


class Notice(NamedTuple):
    """What a heartbeat brings: all are to join again, or this one is no member any more."""

    member_id: str
    generation: int
    is_out: bool


OnNotice = Callable[[Notice], object]


class Joined(NamedTuple):
    """What a member hears when all have joined."""

    member_id: str
    generation: int
    partitions: tuple[TP, ...]


@dataclass
class _Member:
    process: Process
    on_notice: "OnNotice"
    waiting: asyncio.Future[Any] | None = None
    cut_off_until: float = 0.0


@dataclass
class Group:
    """One group, with its coordinator behind the network."""

    name: str
    partitions: list[TP]
    world: World
    network: Network
    is_fenced: bool = True
    members: dict[str, _Member] = field(default_factory=dict)
    generation: int = 0
    offsets: dict[TP, int] = field(default_factory=dict)
    taken_back: list[str] = field(default_factory=list)  # commits below one before, while somebody goes on from there
    _is_joining: bool = False
    _rounds: int = 0
    _names: int = 0

    # -- joining and leaving

    def join(self, process: Process, member_id: str, on_notice: OnNotice) -> asyncio.Future[Joined]:
        """Join, or join again under the same id; answered when all have, or the time for it is up."""

        def work() -> Any:
            name = member_id
            if name not in self.members:
                self.expire(process, is_over=lambda: True)  # an answer was lost: nobody knows that he is that member
                self._names += 1
                name = f"{process.name}/{self._names}"
                self.members[name] = _Member(process, on_notice)
                if not process.is_alive:  # the question came late: nobody will ever send a sign of life
                    self.world.after(SESSION_S, self._expire, name, lambda: True)
            self.members[name].waiting = future
            self._begin_joining()
            self._complete_if_all_wait()
            return LATER

        future = self._call(process, "join", work, patience_s=2 * REBALANCE_S)
        return future

    def leave(self, process: Process, member_id: str) -> asyncio.Future[None]:
        """Leave, so that nobody has to wait for the session to time out."""
        return self._call(process, "leave", lambda: self._remove(member_id))

    def expire(self, process: Process, *, is_over: Callable[[], bool]) -> None:
        """Throw the members of a process out after the session timeout, if it still does not answer then."""
        for member_id in [name for name, member in self.members.items() if member.process is process]:
            self.world.after(SESSION_S, self._expire, member_id, is_over)

    def _expire(self, member_id: str, is_over: Callable[[], bool]) -> None:
        member = self.members.get(member_id)
        if member is None or not is_over():
            return
        self.world.note(self.name, f"session of {member_id} timed out")
        self.world.met("a session that times out" + (", its process alive" if member.process.is_alive else ""))
        self._notify(member_id, member, is_out=True)
        self._remove(member_id)

    def _remove(self, member_id: str) -> None:
        if self.members.pop(member_id, None) is None:
            return
        if not self.members:
            self._is_joining = False
            self.generation += 1
            return
        self._begin_joining()
        self._complete_if_all_wait()

    def _begin_joining(self) -> None:
        if self._is_joining:
            return
        self._is_joining = True
        self._rounds += 1
        is_first = all(member.waiting is not None for member in self.members.values())
        self.world.after(_FIRST_WAIT_S if is_first else REBALANCE_S, self._complete, self._rounds)
        for name, member in self.members.items():
            if member.waiting is None:
                self._notify(name, member, is_out=False)

    def _notify(self, name: str, member: _Member, *, is_out: bool) -> None:
        notice = Notice(name, self.generation, is_out)
        at = max(self.world.now, member.cut_off_until) + self.world.random.uniform(0.0, _HEARTBEAT_S)
        self.world.at(at, member.process.when_awake, member.process.call_soon, member.on_notice, notice)

    def _complete_if_all_wait(self) -> None:
        if self.generation and all(member.waiting is not None for member in self.members.values()):
            self.world.after(0.01, self._complete, self._rounds)

    def _complete(self, rounds: int) -> None:
        """Give the partitions out among those who have joined; the others are members no more."""
        if not self._is_joining or rounds != self._rounds:
            return
        for name in [name for name, member in self.members.items() if member.waiting is None]:
            self.world.met("a member that does not join in time")
            self._notify(name, self.members.pop(name), is_out=True)
        self._is_joining = False
        self.generation += 1
        shares = self._shares()
        self.world.note(
            self.name, f"generation {self.generation}: { {name: len(part) for name, part in shares.items()} }"
        )
        for name, share in shares.items():
            member = self.members[name]
            assert member.waiting is not None
            answer = Joined(name, self.generation, share)
            self.network.answer(member.process, "join", member.waiting, answer, patience_s=REBALANCE_S)
            member.waiting = None

    def _shares(self) -> dict[str, tuple[TP, ...]]:
        """Deal the partitions out anew, as if the assignor had never seen anybody."""
        names = sorted(self.members)
        self.world.random.shuffle(names)
        return {name: tuple(self.partitions[turn :: len(names)]) for turn, name in enumerate(names)}

    # -- commits

    def commit(self, process: Process, member_id: str, generation: int, offsets: dict[TP, int]) -> asyncio.Future[None]:
        """Commit offsets; raises UnknownMemberIdError or IllegalGenerationError for who is not a member now."""

        def work() -> None:
            if self.is_fenced:
                self._demand_member(member_id, generation)
            back = [tp for tp, offset in offsets.items() if offset < self.offsets.get(tp, 0)]
            self.taken_back += [f"{self.name} of {tp.topic}:{tp.partition}" for tp in back if self.members]
            self.offsets.update(offsets)
            if self.world.is_traced:
                committed = {f"{tp.topic}:{tp.partition}": offset for tp, offset in sorted(offsets.items())}
                self.world.note(self.name, f"{process.name} committed {committed}")

        return self._call(process, f"commit {self.name}", work)

    def _demand_member(self, member_id: str, generation: int) -> None:
        if generation == NO_GENERATION and not self.members:
            return  # as a consumer that is in no group
        if member_id not in self.members:
            self.world.met("a commit of who is no member any more")
            raise UnknownMemberIdError
        if generation != self.generation:
            self.world.met("a commit of an earlier generation")
            raise IllegalGenerationError

    def committed(self, process: Process) -> asyncio.Future[dict[TP, int]]:
        """Return what is committed."""
        return self._call(process, f"committed {self.name}", lambda: dict(self.offsets))

    # -- faults

    def cut_off(self, process: Process, seconds: float) -> None:
        """Let a process not reach the coordinator, and nothing else, for some time."""
        until = self.world.now + seconds
        for member in self.members.values():
            if member.process is process:
                member.cut_off_until = until
        self.expire(process, is_over=lambda: self.world.now < until)

    def _call(self, process: Process, request: str, work: Callable[[], Any], **options: float) -> asyncio.Future[Any]:
        if any(member.process is process and member.cut_off_until > self.world.now for member in self.members.values()):
            return self.network.lose(process, request)
        return self.network.call(process, request, work, **options)
