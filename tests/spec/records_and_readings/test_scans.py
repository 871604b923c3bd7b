"""Scans"""

import pytest

from tests.support.timeline import Timeline


@pytest.mark.parametrize(
    ("reading", "states"), [("36.5 wrist", ["done"]), ("36.5", ["done"]), ("", []), ("0 wrist", []), ("33.0 wrist", [])]
)
def test_a_scan_satisfies_with_a_plausible_temperature(timeline: Timeline, reading: str, states: list[str]) -> None:
    """A check that names `checkpoint_scanned` is satisfied by a scan only with a plausible temperature."""
    story = timeline(f"""
        02-01 08:00 | policy gate.satisfied_by=checkpoint_scanned breach_categories=none
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 in passed {reading}
    """)

    assert story.states("P1", "gate", "02-03", "am") == states


def test_a_scan_satisfies_no_check_that_does_not_name_it(timeline: Timeline) -> None:
    """With the policy of the contract a scan satisfies nothing, whatever temperature it carries."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 in passed 36.5 axillary
    """)

    assert story.verdicts() == []


def test_a_scan_counts_whatever_was_decided_at_the_gate(timeline: Timeline) -> None:
    """Direction and decision do not matter to the checks: the temperature was measured."""
    story = timeline("""
        02-01 08:00 | policy gate.satisfied_by=checkpoint_scanned
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | scan P1 out turned_back 36.5 wrist
    """)

    assert story.states("P1", "gate", "02-03", "am") == ["done"]
