"""What the watchdog does about a stall: it tells the part, and ends who does not hear."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from streams.health.beats import LoopBeat
from tests.support.processes import wait_until
from tests.unit.health.parts import Kennel, Part, closed_loop


def test_a_part_that_goes_on_is_left_alone() -> None:
    kennel = Kennel()
    for mark in range(100):
        kennel.parts[0].mark = mark
        kennel.look()

    assert kennel.parts[0].ended == []
    assert kennel.watchdog.standing_s("watch") == 0


def test_a_part_that_stands_still_is_told_once_and_the_log_says_where() -> None:
    kennel = Kennel()

    with capture_logs() as logs:
        kennel.look(20)

    (told,) = kennel.parts[0].ended
    assert str(told) == "watch: timeline:3 stands still for 3 s (records to commit 7)"
    (line,) = logs
    assert (line["event"], line["part"], line["what"]) == ("a stall ends the process", "watch", "timeline:3")
    assert (line["seconds"], line["records_to_commit"]) == (3, 7)


def test_all_parts_of_the_process_are_told() -> None:
    """They share it: one cannot go on alone."""
    kennel = Kennel(Part("intake", is_due=False), Part("watch"))
    kennel.look(5)

    assert [len(part.ended) for part in kennel.parts] == [1, 1]


def test_who_does_not_hear_is_ended_hard_with_the_first_reason() -> None:
    """After thirty looks, with the status of what stood still."""
    kennel = Kennel()
    kennel.look(4 + 30)
    assert kennel.hard == []

    kennel.look(1)

    ((reason, status),) = kennel.hard
    assert "timeline:3 stands still" in reason
    assert "told so, it does not end" in reason
    assert status == 70


def test_a_stop_that_does_not_end_is_a_stall() -> None:
    """Nothing else counts any more once the process is told to stop: it writes its state, and nothing moves."""
    kennel = Kennel()
    kennel.is_stopping = True
    kennel.look(50)
    assert kennel.hard == []

    kennel.look(1)

    assert kennel.parts[0].ended == []
    assert kennel.hard == [("process: the stop stands still for 50 s", 70)]


def test_brokers_that_stay_away() -> None:
    """Nothing is due that needs them; after the bound of the settings the process ends, with status 4."""
    kennel = Kennel(Part(is_due=False), outage_seconds=10)
    kennel.survey.is_answering = False  # type: ignore[assignment,misc]
    kennel.survey.error = "KafkaConnectionError"
    kennel.look(10)
    assert kennel.parts[0].ended == []

    kennel.look(1)

    (told,) = kennel.parts[0].ended
    assert "the connection to the brokers" in str(told)
    assert "KafkaConnectionError" in str(told)
    assert told.exit_status == 4


def test_no_end_where_the_settings_say_never() -> None:
    kennel = Kennel(Part(limit_s=0), stall_seconds=0, blocked_seconds=0, outage_seconds=0)
    kennel.survey.is_answering = False  # type: ignore[assignment,misc]
    kennel.look(10_000)

    assert (kennel.parts[0].ended, kennel.hard) == ([], [])
    assert kennel.watchdog.standing_s("watch") == 9999, "it is shown all the same"


def test_a_look_that_fails_is_none() -> None:
    """The thread looks on."""
    part = Part(is_due=False)
    kennel = Kennel(part)
    broken = threading.Event()

    def pulses() -> Iterator[None]:
        broken.set()
        raise RuntimeError("dictionary changed size during iteration")

    sound, part.pulses = part.pulses, pulses  # type: ignore[method-assign,assignment]
    with capture_logs() as logs:
        kennel.watchdog.start()
        wait_until(broken.is_set, "a look that fails")
        part.pulses = sound  # type: ignore[method-assign]
        wait_until(lambda: kennel.watchdog.looks > 0, "a look")
        kennel.watchdog.stop()

    assert "the watchdog could not look" in [entry["event"] for entry in logs]


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_loop_that_answers() -> None:
    with running_loop() as loop:
        beat = LoopBeat("event loop", loop)
        kennel = Kennel(Part(is_due=False, loops=[beat]), blocked_seconds=3)
        for _ in range(20):
            kennel.look()
            wait_until(lambda: beat.answers == beat._asked, "an answer")

    assert kennel.hard == []


def test_a_loop_that_is_blocked_is_ended_hard() -> None:
    """Its parts are not asked meanwhile: what they would say is of before."""
    held = threading.Event()
    with running_loop() as loop:
        loop.call_soon_threadsafe(held.wait)
        part = Part(limit_s=2, loops=[LoopBeat("event loop", loop)])
        kennel = Kennel(part, blocked_seconds=5)
        try:
            _look_idly(kennel, 7)
        finally:
            held.set()

    assert part.ended == []
    assert kennel.hard[0] == ("process: the event loop of watch stands still for 5 s", 70)


def _look_idly(kennel: Kennel, looks: int) -> None:
    """Take looks at which the main thread has not worked, as if a second lay between them."""
    for _ in range(looks):
        for beat in kennel.parts[0].loops:
            beat._cpu_s = float("inf")
        kennel.look()


def test_a_loop_that_computes_is_given_ten_times_as_long() -> None:
    """A tick that decides a hundred thousand checks is no stall; one that never ends is."""
    held = threading.Event()
    with running_loop() as loop:
        loop.call_soon_threadsafe(held.wait)
        beat = LoopBeat("event loop", loop)
        kennel = Kennel(Part(is_due=False, loops=[beat]), blocked_seconds=5)
        try:
            for _ in range(50):
                beat._cpu_s = -1e9  # much has been computed since the last look
                kennel.look()
            assert kennel.hard == []
            kennel.look()
        finally:
            held.set()

    assert kennel.hard[0] == ("process: the event loop of watch, at work stands still for 50 s", 70)


def test_a_loop_that_is_closed_has_nothing_to_do() -> None:
    kennel = Kennel(Part(is_due=False, loops=[LoopBeat("event loop", closed_loop())]), blocked_seconds=3)
    kennel.look(100)

    assert kennel.hard == []


@pytest.mark.parametrize("is_moving", [True, False])
def test_progress_is_noted(is_moving: bool) -> None:
    """When a mark has changed, and not when an event loop has answered."""
    with running_loop() as loop:
        part = Part(is_due=False, loops=[LoopBeat("event loop", loop)])
        kennel = Kennel(part)
        kennel.look()
        kennel.watchdog.progress_at["watch"] = 0.0
        wait_until(lambda: part.loops[0].answers > 0, "an answer")
        part.mark = 1 if is_moving else 0
        kennel.look()

    assert (kennel.watchdog.progress_at["watch"] > 0) is is_moving


def test_another_loop_that_is_blocked_is_not_taken_for_one_that_computes() -> None:
    """What the main thread has worked says nothing of a loop in another thread."""
    held = threading.Event()
    with running_loop() as loop:
        loop.call_soon_threadsafe(held.wait)
        beat = LoopBeat("fetching loop", loop, is_in_main_thread=False)
        kennel = Kennel(Part(is_due=False, loops=[beat]), blocked_seconds=5)
        try:
            for _ in range(7):
                beat._cpu_s = -1e9  # much has been computed since the last look
                kennel.look()
        finally:
            held.set()

    assert kennel.hard[0] == ("process: the fetching loop of watch stands still for 5 s", 70)
