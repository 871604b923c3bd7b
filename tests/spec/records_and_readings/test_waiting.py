"""Records that wait for their observation"""

from tests.support.timeline import Timeline


def test_a_visit_waits_for_its_opening(timeline: Timeline) -> None:
    """A visit that arrives before the opening is applied by it, right after itself, to the checks that it brings."""
    story = timeline("""
        02-03 09:00 | visit P1 seen 36.5 axillary
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert [(verdict.check, verdict.state) for verdict in story.outcome(2).verdicts] == [
        ("temperature", "done"),
        ("visit", "done"),
    ]


def test_a_reading_waits_for_its_opening(timeline: Timeline) -> None:
    """A reading waits likewise, and is the evidence of the verdict."""
    story = timeline("""
        02-03 09:00 | temperature P1 36.5 axillary, as early
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.verdict("P1", "temperature", "02-03", "am").evidence == ("early",)


def test_a_scan_does_not_wait(timeline: Timeline) -> None:
    """Scans do not wait, they are too many: neither check nor breach follows from one that arrived before the opening."""
    story = timeline("""
        02-01 08:00 | policy gate.satisfied_by=checkpoint_scanned
        02-03 09:00 | scan P1 out passed 36.5 wrist
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.verdicts() == []
    assert story.alerts() == []


def test_a_record_waits_early_days_from_the_clock_of_its_arrival(timeline: Timeline) -> None:
    """A record waits while the clock is below the clock at its arrival plus `early_days`."""
    table = """
        02-03 09:00 | tick
        02-03 11:00 | visit P1 seen
        02-06 {} | tick
        02-06 12:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """

    assert timeline(table.format("08:59:59.999999")).states("P1", "visit", "02-03", "am") == ["done"]
    assert timeline(table.format("09:00")).states("P1", "visit", "02-03", "am") == []


def test_before_the_first_tick_a_record_waits_from_its_own_time(timeline: Timeline) -> None:
    """Without a clock at its arrival, a record waits from its `occurred_at`."""
    table = """
        02-03 11:00 | visit P1 seen, taken 02-03 10:00
        02-06 {} | tick
        02-06 12:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """

    assert timeline(table.format("09:59")).states("P1", "visit", "02-03", "am") == ["done"]
    assert timeline(table.format("10:00")).states("P1", "visit", "02-03", "am") == []


def test_with_no_early_days_nothing_waits(timeline: Timeline) -> None:
    """With `early_days` 0 an opening applies nothing that came before it."""
    story = timeline("""
        02-01 08:00 | policy early_days=0
        02-03 09:00 | tick
        02-03 09:30 | visit P1 seen
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.verdicts() == []


def test_early_days_are_those_of_the_policy_at_the_opening(timeline: Timeline) -> None:
    """How long a record may have waited is asked of the policy that holds when the opening arrives."""
    table = """
        02-03 09:00 | tick
        02-03 09:05 | visit P1 seen
        02-05 09:00 | tick
        02-05 09:10 | policy early_days={}
        02-05 09:20 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """

    assert timeline(table.format(2)).states("P1", "visit", "02-03", "am") == []
    assert timeline(table.format(3)).states("P1", "visit", "02-03", "am") == ["done"]


def test_waiting_records_are_applied_in_log_order(timeline: Timeline) -> None:
    """Of two waiting records the one that stands first in the log satisfies, though it was made later."""
    story = timeline("""
        02-03 10:00 | visit P1 seen, taken 02-03 09:50, as first
        02-03 10:10 | visit P1 seen, taken 02-03 08:00, as second
        02-03 10:20 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.verdict("P1", "visit", "02-03", "am").evidence == ("first",)


def test_a_record_of_a_person_under_observation_does_not_wait(timeline: Timeline) -> None:
    """What arrives while an observation is open is for that one: a later opening does not apply it."""
    story = timeline("""
        02-03 13:00 | open O1 P1 home, last exposure 02-02
        02-03 13:10 | visit P1 seen, taken 02-03 09:00
        02-03 13:20 | close O1 P1 moved
        02-03 13:30 | open O2 P1 home, last exposure 02-02, taken 02-02 20:00
        02-03 13:40 | tick
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed"]


def test_a_record_that_arrives_after_the_closing_waits_again(timeline: Timeline) -> None:
    """After the closing records wait for the next observation, and may clear a miss of the closed one as well."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | close O1 P1 moved
        02-03 13:10 | visit P1 seen, taken 02-03 09:00
        02-03 15:00 | visit P1 seen
        02-03 16:00 | open O2 P1 home, last exposure 02-02, taken 02-03 13:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["missed", "late"]
    assert story.outcome(4).verdicts[0].observation_id == "O1"
    assert story.states("P1", "visit", "02-03", "pm") == ["done"]
    assert story.verdict("P1", "visit", "02-03", "pm").observation_id == "O2"


def test_every_opening_applies_what_waits(timeline: Timeline) -> None:
    """A record goes on waiting after an opening that it did not serve, and the next opening applies it."""
    story = timeline("""
        02-03 09:00 | visit P1 seen
        02-03 13:00 | open O1 P1 home, last exposure 02-02
        02-03 13:20 | close O1 P1 cancelled
        02-03 13:30 | open O2 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.states("P1", "visit", "02-03", "am") == ["done"]


def test_an_opening_that_counts_as_an_extension_applies_what_waits(timeline: Timeline) -> None:
    """An opening of a person with an open observation applies what waited to the checks that it alone brings."""
    story = timeline("""
        02-17 09:00 | visit P1 seen
        02-17 09:10 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-17 09:20 | open O2 P1 home, last exposure 02-04, taken 02-17 05:00
    """)

    assert story.states("P1", "visit", "02-17", "am") == ["done"]


def test_an_extension_applies_nothing(timeline: Timeline) -> None:
    """An extension is no opening: it applies nothing that waited."""
    story = timeline("""
        02-17 09:00 | visit P1 seen
        02-17 09:10 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
        02-17 09:20 | extend O1 P1, last exposure 02-04, taken 02-17 05:00
        02-17 12:40 | tick
    """)

    assert story.states("P1", "visit", "02-17", "am") == ["missed"]


def test_waiting_readings_make_no_second_fever(timeline: Timeline) -> None:
    """A feverish reading raises its alert when it arrives; when the opening applies it, none comes again."""
    story = timeline("""
        02-03 09:00 | temperature P1 38.5 axillary
        02-03 09:10 | resolve fever P1 e1
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.raised("fever") == ["e1"]
    assert story.states("P1", "temperature", "02-03", "am") == ["done"]


def test_an_implausible_reading_waits_for_nothing(timeline: Timeline) -> None:
    """What satisfies nothing when it arrives in time satisfies nothing when it waited."""
    story = timeline("""
        02-03 09:00 | temperature P1 33.0 forehead
        02-03 09:10 | visit P1 absent 36.5 axillary
        02-03 10:00 | open O1 P1 home, last exposure 02-02, taken 02-02 20:00
    """)

    assert story.verdicts() == []
