"""The targets on what hypothesis makes: valid documents, spoiled ones, and rows of them; a failure comes out small."""

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.target import Found
from tests.fuzz.targets import alerts, codec, core, intake, policy, sink, state
from tests.unit.events.documents import ANY_DOCUMENT, Document, documents, examples, policies, spoiled

_RANDOM = st.randoms(use_true_random=False)


def _line(document: Document, is_compact: bool) -> bytes:
    separators = (",", ":") if is_compact else (" , ", " : ")
    return json.dumps(document, separators=separators, ensure_ascii=False).encode("utf-8", "surrogatepass")


@examples(200)
@given(document=ANY_DOCUMENT, is_compact=st.booleans())
def test_a_right_record(document: Document, is_compact: bool) -> None:
    """Every way of reading takes it."""
    assert codec.run(_line(document, is_compact)) == Found(taken=1)


@examples(300)
@given(document=ANY_DOCUMENT, random=_RANDOM, is_compact=st.booleans())
def test_a_spoiled_record(document: Document, random: Random, is_compact: bool) -> None:
    """Every way of reading takes or refuses it alike."""
    codec.run(_line(spoiled(document, random), is_compact))


@examples(100)
@given(document=policies(), random=_RANDOM)
def test_a_policy_right_and_spoiled(document: Document, random: Random) -> None:
    """A right policy is taken and read back; a spoiled one is a policy or refused."""
    assert policy.run(_line(document, True)) == Found(taken=1)
    policy.run(_line(spoiled(document, random), True))


_EVENTS = st.lists(ANY_DOCUMENT, min_size=1, max_size=12)


@examples(60)
@given(made=_EVENTS, random=_RANDOM)
def test_records_in_a_row(made: list[Document], random: Random) -> None:
    """Intake, the sink and followers make of each what it is, right or spoiled, alone or among others."""
    lines = [_line(spoiled(each, random) if random.random() < 0.5 else each, True) for each in made]
    data = b"\n".join(line.replace(b"\n", b"") for line in lines)
    intake.run(data)
    sink.run(data)
    alerts.run(data)


@st.composite
def _about_few(draw: st.DrawFn) -> list[Document]:
    """Draw records about two people and few observations, so that they meet."""
    kinds = ("observation_opened", "observation_extended", "observation_closed", "visit_recorded", "temperature_taken")
    made = draw(
        st.lists(st.sampled_from((*kinds, "checkpoint_scanned", "tick")).flatmap(documents), min_size=2, max_size=20)
    )
    for number, document in enumerate(made):
        if document["kind"] != "tick":
            document |= {
                "event_id": f"e{number}",
                "person_id": draw(st.sampled_from(("P1", "P2"))),
                "received_at": None,
            }
        if "observation_id" in document:
            document["observation_id"] = draw(st.sampled_from(("O1", "O2")))
    return made


@examples(60)
@given(made=_about_few())
def test_a_log_over_all_of_time(made: list[Document]) -> None:
    """The core decides records of any years in any order, written down and read back between."""
    core.run(b"\n".join(_line(document, True) for document in made))


@examples(200)
@given(data=st.binary(max_size=60))
def test_a_spoiled_state(data: bytes) -> None:
    """A state topic that was spoiled gives what was written, or nothing."""
    state.run(data)
