"""Verdicts"""

from hashlib import sha256

from tests.support.timeline import Timeline


def test_a_check_id_names_person_check_date_and_window(timeline: Timeline) -> None:
    """The `check_id` is the first 32 hex digits of SHA-256 over `check|PERSON|CHECK|DATE|WINDOW`."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
    """)

    digest = sha256(b"check|P1|visit|2020-02-03|am").hexdigest()
    assert story.verdict("P1", "visit", "02-03", "am").check_id == digest[:32]


def test_due_time_is_end_plus_grace(timeline: Timeline) -> None:
    """A verdict's `due_at` is the window's end plus grace, without the settling time."""
    story = timeline("""
        02-01 08:00 | policy visit.grace_minutes=45 visit.settle_minutes=10
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
    """)

    assert story.local(story.verdict("P1", "visit", "02-03", "am").due_at) == "02-03 12:45"


def test_evidence_is_the_record_that_decided(timeline: Timeline) -> None:
    """The evidence of a verdict is the id of the record that brought it; a miss has none, for the clock decided."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
        02-03 13:00 | visit P1 seen, taken 02-03 09:00, as upload
    """)

    assert [verdict.evidence for verdict in story.verdicts("P1", "visit")] == [(), ("upload",)]


def test_the_area_is_that_of_the_observation(timeline: Timeline) -> None:
    """A verdict carries the observation's area as it is when the verdict falls, wherever the visitor stood."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02, in jintang/c1/g1
        02-03 09:00 | visit P1 seen, in jintang/c9/g9
        02-03 12:00 | open O2 P1 home, last exposure 02-02, in jintang/c2/g2
        02-03 12:40 | tick
    """)

    assert story.verdict("P1", "visit", "02-03", "am").area == "jintang/c1/g1"
    assert story.verdict("P1", "temperature", "02-03", "am").area == "jintang/c2/g2"


def test_the_observation_is_named_by_its_first_id(timeline: Timeline) -> None:
    """A verdict names the observation by its first id, though a later opening gave it another name."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | open O2 P1 home, last exposure 02-02
        02-03 09:00 | visit P1 seen
    """)

    assert story.verdict("P1", "visit", "02-03", "am").observation_id == "O1"
