"""Whatever fails and whenever: every record arrives exactly once, in order, under the number it was given.

A record that is alone in a request which the gateway calls too large is put aside; it has arrived all the same where an
earlier answer was lost.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.device.sending import Limits
from streams.device.spool_view import refused_in
from tests.support.device_rig import Device
from tests.support.scripted_gateway import BEHAVIOURS, Behaviour, ScriptedGateway


@dataclass(frozen=True)
class Record:
    """So many readings are taken."""

    count: int


@dataclass(frozen=True)
class Turns:
    """The device goes on for a while; or it only lets time pass."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Answers:
    """So the gateway answers from now on."""

    script: tuple[Behaviour, ...]


@dataclass(frozen=True)
class PowerFails:
    """Now, or before or behind the next request."""

    when: str


@dataclass(frozen=True)
class AskedStatus:
    """How the gateway answers the question where the source stands."""

    status: int


STEPS = st.one_of(
    st.builds(Record, st.integers(1, 7)),
    st.builds(Turns, st.integers(0, 4), st.sampled_from([0.0, 1.0, 400.0, 2000.0])),
    st.builds(Answers, st.lists(st.sampled_from(BEHAVIOURS), max_size=4).map(tuple)),
    st.builds(PowerFails, st.sampled_from(["now", "before", "behind"])),
    st.builds(AskedStatus, st.sampled_from([200, 500, 503])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14), most_records=st.sampled_from([1, 3, 1000]))
def test_exactly_once_and_in_order(gateway: ScriptedGateway, steps: list[object], most_records: int) -> None:
    """Known by source and sequence, as the gateway knows them; numbers begin at 1 and none is left out."""
    gateway.begin_anew()
    with tempfile.TemporaryDirectory() as directory:
        device = Device(Path(directory), gateway, limits=Limits(most_records=most_records))
        try:
            for step in steps:
                take(step, device, gateway)
            gateway.script.clear()
            gateway.asked_status = 200
            device.drain()
            put_aside = {each.sequence for each in refused_in(device.path)}
        finally:
            device.close()

    numbers = {person: number for number, person in enumerate(device.recorded, 1)}
    arrived = [numbers[person] for person in gateway.persons()]
    assert arrived == list(gateway.ledger.taken) == sorted(set(arrived))
    assert set(numbers.values()) - set(arrived) <= put_aside
    assert not put_aside or "too_large" in answers(steps)


def answers(steps: list[object]) -> set[str]:
    """Return how the gateway was told to answer."""
    return {behaviour for step in steps if isinstance(step, Answers) for behaviour in step.script}


def take(step: object, device: Device, gateway: ScriptedGateway) -> None:
    """Let one thing happen."""
    match step:
        case Record(count):
            device.record(count)
        case Turns(count, seconds):
            for _ in range(count):
                device.turn()
            device.seconds += seconds
        case Answers(script):
            gateway.script.extend(script)
        case PowerFails("now"):
            device.lose_power()
        case PowerFails(when):
            device.way.fails = when
        case AskedStatus(status):
            gateway.asked_status = status
