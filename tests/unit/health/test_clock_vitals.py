"""When the clock's next step is due, and when it is ready."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from streams.clock.writer import ClockProgress, Waiting
from streams.health.clock import ClockVitals
from streams.health.pulses import Pulse
from streams.settings import ClockSettings, HealthSettings, Settings, WatchdogSettings
from tests.unit.health.parts import AnsweringSurvey


class Scene:
    """A clock that ticks every 10 s, an hour and five minutes behind the machine's time."""

    def __init__(self) -> None:
        settings = Settings(
            clock=ClockSettings(tick_seconds=10, lag_seconds=3600),
            health=HealthSettings(ready_clock_seconds=60),
            watchdog=WatchdogSettings(stall_seconds=100),
        )
        self.survey = AnsweringSurvey(settings, dict)
        self.vitals = ClockVitals(settings, self.survey)
        self.progress = ClockProgress(last_tick_at=datetime.now(UTC) - timedelta(seconds=3605))
        self.vitals._progress = self.progress

    def pulse(self) -> Pulse:
        (found,) = self.vitals.pulses()
        return found

    def ready(self) -> dict[str, bool]:
        return {check.name: check.is_good for check in self.vitals.checks()}


def test_the_next_step_is_due_while_brokers_answer() -> None:
    """Whatever it does needs them: that they are away has a limit of its own."""
    scene = Scene()
    assert (scene.pulse().is_due, scene.pulse().limit_s) == (True, 100)
    scene.survey.is_answering = False  # type: ignore[assignment,misc]
    assert not scene.pulse().is_due


@pytest.mark.parametrize("waiting", [Waiting.NEXT_TICK, Waiting.AHEAD, Waiting.INTAKE, Waiting.WRITING])
def test_the_pause_between_two_ticks_is_no_standstill(waiting: Waiting) -> None:
    """However long it is; a tick that is being written is due at any time."""
    scene = Scene()
    scene.progress.waiting, scene.progress.next_at_s = waiting, time.monotonic() + 3000
    assert scene.pulse().is_due is (waiting in {Waiting.INTAKE, Waiting.WRITING})
    scene.progress.next_at_s = time.monotonic() - 1
    assert scene.pulse().is_due


def test_every_step_is_progress() -> None:
    scene = Scene()
    before = scene.pulse().mark
    scene.progress.steps += 1
    assert scene.pulse().mark != before


def test_a_tick_is_as_late_as_it_is_told_to_be() -> None:
    """`clock.lag_seconds` is no delay."""
    scene = Scene()
    assert scene.ready() == {"ticking": True, "time_believed": True}
    scene.progress.last_tick_at = datetime.now(UTC) - timedelta(seconds=3600 + 10 + 61)
    assert scene.ready() == {"ticking": False, "time_believed": True}


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        (Waiting.AHEAD, "time_ahead: 70 s ahead of its witnesses"),
        (Waiting.BEHIND, "time_behind: 3600 s behind the last tick"),
    ],
)
def test_a_time_that_is_not_believed_is_not_ready(waiting: Waiting, reason: str) -> None:
    scene = Scene()
    scene.progress.waiting, scene.progress.ahead_s, scene.progress.behind_s = waiting, 70.0, 3600.0
    assert scene.ready() == {"ticking": True, "time_believed": False}
    assert [check.reason for check in scene.vitals.checks()] == ["", reason]
