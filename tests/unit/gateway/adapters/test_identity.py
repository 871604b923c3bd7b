"""An identity: two values that are the same person, and no way into any text."""

import copy
import json
import logging
import pickle
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.outcomes import Taken
from tests.unit.gateway.adapters.devices import adapt_small, example, mapping, refused, sample, source, taken

NUMBER = "SECRET-4711"


def test_equal_numbers_of_one_type_are_one_person() -> None:
    """Type and number together say who it is; white space around the number does not count."""
    assert Identity("n", " 17 ") == Identity("n", "17")
    assert len({Identity("n", "17"), Identity("n", "17"), Identity("m", "17")}) == 2
    assert Identity("n", "17") != ("n", "17")


@pytest.mark.parametrize(
    ("type_", "number"),
    [("", "1"), ("a b", "1"), ("x" * 130, "1"), ("n", ""), ("n", " "), ("n", "x" * 65), ("n", "a\x00b")],
)
def test_what_is_no_identity(type_: str, number: str) -> None:
    """Types are short words, numbers 1 to 64 printable characters; what came is not repeated."""
    with pytest.raises(ValueError, match="expected") as caught:
        Identity(type_, number)
    assert not number.strip() or number not in str(caught.value) or number == "1"


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=5, max_size=64))
def test_in_no_text(number: str) -> None:
    """Neither repr, str, format, a container, an outcome nor a log line shows the number."""
    identity = Identity("n", number)
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s %r", (identity, [identity]), None)
    shown = [
        repr(identity),
        str(identity),
        f"{identity}",
        f"{identity!r:>20}",
        repr({identity: [identity]}),
    ]
    shown += [repr(Taken(document={"x": number}, identity=identity)), record.getMessage()]

    assert all(number not in text for text in shown)


def test_it_cannot_be_written_down() -> None:
    """JSON, pickle and copies refuse it, and nobody changes it."""
    identity = Identity("n", NUMBER)
    with pytest.raises(TypeError):
        json.dumps({"identity": identity})
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written down") as caught:
            write(identity)
        assert NUMBER not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(AttributeError, match="does not change"):
        identity.number = "18"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="does not change"):
        del identity.number
    with pytest.raises(TypeError):
        vars(identity)


def test_refusals_do_not_name_it() -> None:
    """What is refused beside it, or because of it, says nothing of it."""
    by_number = mapping(person={"identity": {"type": "n", "number": "who"}})
    for body in (
        f'{{"who": "{NUMBER}", "at": "yesterday", "t": 36.5}}',
        f'{{"who": "{NUMBER}\\u0007", "at": "2020-02-08T09:10:11Z", "t": 36.5}}',
        f'{{"who": ["{NUMBER}"], "at": "2020-02-08T09:10:11Z", "t": 36.5}}',
        f'{{"who": "{NUMBER}", "at": "2020-02-08T09:10:11Z", "t": "{NUMBER}"}}',
        f'{{"who": "{NUMBER}", "who": "{NUMBER}"}}',
    ):
        assert NUMBER not in repr(refused(adapt(body.encode(), "", source(own=by_number))))
    assert NUMBER not in repr(refused(adapt_small(f'{{"who": "{NUMBER} /", "at": "2020-02-08T09:10:11Z"}}'.encode())))


def test_the_record_is_made_under_a_pseudonym() -> None:
    """An identity asks for a pseudonym, a person that is known already for none; the event id has nothing of the number."""
    adapted = taken(adapt(sample("face_gate_record.json"), "", source(own=example("face_gate"))))
    assert adapted.identity == Identity("face_gate_person:gate-1", "17")
    assert "person_id" not in adapted.document
    assert adapted.record("p-000017")["person_id"] == "p-000017"
    assert adapted.record("p-000017")["event_id"] != adapted.record("p-000018")["event_id"]
    other = Taken(document=adapted.document, identity=Identity("n", "99"))
    assert other.record("p-000017") == adapted.record("p-000017")
    with pytest.raises(ValueError, match="pseudonym"):
        adapted.record()
    known = taken(adapt_small(b'{"who": "p-000001", "at": "2020-02-08T09:10:11Z"}'))
    with pytest.raises(ValueError, match="pseudonym"):
        known.record("p-000002")
