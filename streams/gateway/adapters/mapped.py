"""Events of a device into records, as a mapping says.

An event with a reading is passed over only where the mapping says `with_readings`. What is unknown degrades before it is
refused: a code that is not in the table leaves an optional field empty; a scan whose decision or direction cannot be told
becomes a `temperature_taken`, where there is a reading; a counter that is no counter is left out. Only what no record can
carry is refused: no time, a reading that is no number or has an unknown unit, a reading of nobody.

A device's counter can begin anew (reset, new memory card, firmware). An adapter remembers nothing and cannot tell, so it
hands the number on as it is: at intake the same sequence with other content is a counter that began anew, and the event id,
which depends on the time too, is another one. Who keeps count of holes must not take a lower number for a hole;
`previous_sequence` says what came before by the device's own account, and what was passed over has its number too.
"""

import json
from collections.abc import Iterator
from typing import Any

from events.codec import Refusal, decode_strictly
from events.instants import format_instant
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.bodies import documents, refuse_too_many
from streams.gateway.adapters.draft import Draft
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.mapping import Coded, Mapping, NumberedPerson, Temperature
from streams.gateway.adapters.outcomes import Adapted, PassedOver, Place, Refused, SourceSettings, Taken
from streams.gateway.adapters.values import Event, Paths, code_of, number, numbered, text_of, whole_number

_LARGEST_SEQUENCE = 2**63 - 1
_PLACEHOLDER = "p"
_KELVIN_AT_0_C = 273.15


def adapt_mapped(body: bytes, content_type: str, source: SourceSettings, mapping: Mapping) -> list[Adapted]:
    """Return what becomes of each event of a body, in the order in which they stand there."""
    adapted: list[Adapted] = []
    try:
        for document in documents(body, content_type, mapping):
            if isinstance(document, Refusal):
                adapted.append(Refused.by(document))
            else:
                adapted.extend(_adapt_document(document, source, mapping))
            refuse_too_many(len(adapted))
    except Refusal as refusal:  # of the whole: nothing of it is taken, so that sending it in parts is no repeat
        return [Refused.by(refusal)]
    return adapted


def _adapt_document(document: Any, source: SourceSettings, mapping: Mapping) -> Iterator[Adapted]:
    whole = Event(document, document)
    listed, where = (document, "") if isinstance(document, list) else whole.find(mapping.events)
    if isinstance(listed, list):
        refuse_too_many(len(listed))
        events = [Event(item, document, place) for item, place in numbered(listed, where)]
    elif isinstance(listed, dict):
        events = [Event(listed, document, where)]
    else:
        yield _without_events(whole, mapping, where)
        return
    for event in events:
        yield _adapt_event(event, source, mapping)


def _without_events(whole: Event, mapping: Mapping, where: str) -> Adapted:
    why = _why_passed_over(whole, mapping)
    if why is not None:
        return PassedOver(why=why)
    return Refused(reason=DeadLetterReason.INVALID_FIELD, path=where, message="expected an event, or a list of events")


def _adapt_event(event: Event, source: SourceSettings, mapping: Mapping) -> Adapted:
    if not isinstance(event.value, dict):
        message = "expected an event, as an object"
        return Refused(reason=DeadLetterReason.INVALID_FIELD, path=event.where, message=message)
    draft = Draft()
    place = _place(event, mapping, draft)
    try:
        why = _why_passed_over(event, mapping) or _fill(draft, event, source, mapping)
        if why is not None:
            return PassedOver(why=why, place=place)
        draft.put("sequence", place.sequence)
        _check(draft)
    except Refusal as refusal:
        return Refused.by(refusal, place)
    return Taken(
        document=draft.document,
        identity=draft.identity,
        is_backlog=mapping.backlog is not None and mapping.backlog.holds(event.find(mapping.backlog.field)[0]),
        degraded=tuple(draft.degraded),
        place=place,
    )


def _why_passed_over(event: Event, mapping: Mapping) -> str | None:
    has_reading = mapping.temperature_c is not None and number(_measured(event, mapping.temperature_c)[0]) is not None
    holding = (each for each in mapping.pass_over if each.with_readings or not has_reading)
    return next((each.why for each in holding if each.holds(event.find(each.field)[0])), None)


def _measured(event: Event, temperature: Temperature) -> tuple[Any, str]:
    """Return what was measured, whether or not it is a number, and its path; None and a path where nothing was."""
    for path in temperature.path:
        value, name = event.find_besides((path,), temperature.not_measured)
        if value is not None and number(value) != 0:
            return value, name
    return None, event.name(temperature.path[0])


def _fill(draft: Draft, event: Event, source: SourceSettings, mapping: Mapping) -> str | None:
    """Fill the draft; returns why there is nothing to record, if so."""
    reading = None if mapping.temperature_c is None else _reading(draft, event, mapping.temperature_c)
    person_path = _put_person(draft, event, source.source_id, mapping)
    if person_path is not None:
        if reading is None:
            return "nobody"
        draft.refuse(person_path, "expected a person: no record can carry a reading of nobody")
    draft.put("source_id", source.source_id)
    draft.put("area", source.area)
    _put_time(draft, event, source, mapping)
    if reading is not None:
        draft.put("temperature_c", reading)
        draft.put("site", _word(draft, event, "site", mapping.site))
    if mapping.kind == "temperature_taken" and reading is None:
        return "nothing measured"
    draft.document["kind"] = mapping.kind
    if mapping.kind == "checkpoint_scanned":
        _put_scan(draft, event, source, mapping)
    return None


def _put_person(draft: Draft, event: Event, source_id: str, mapping: Mapping) -> str | None:
    """Put who was met; returns the path at which nobody is named, if so."""
    person = mapping.person
    ways: list[tuple[Paths, NumberedPerson | None]] = [(each.number, each) for each in person.identity]
    if person.person_id is not None:
        ways = [(person.person_id, None)]
    named = [(*event.find_besides(paths, person.nobody), numbering) for paths, numbering in ways]
    value, path, numbering = next((each for each in named if each[0] is not None), named[0])
    if value is None:
        return path
    text = text_of(value)
    if text is None or isinstance(value, bool):
        draft.refuse(path, "expected a text or a number")
    if numbering is None:
        draft.put("person_id", text, path)
        return None
    try:
        draft.identity = Identity(f"{numbering.type}:{source_id}" if numbering.per_device else numbering.type, text)
    except ValueError as error:
        draft.refuse(path, str(error))
    return None


def _put_time(draft: Draft, event: Event, source: SourceSettings, mapping: Mapping) -> None:
    value, path = event.find(mapping.occurred_at.path)
    try:
        instant, is_doubtful = mapping.occurred_at.read(value, mapping.occurred_at.zone or source.zone)
    except ValueError as error:
        draft.refuse(path, str(error))
    draft.put("occurred_at", format_instant(instant), path)
    if is_doubtful:
        draft.degraded.append("occurred_at")


def _reading(draft: Draft, event: Event, temperature: Temperature) -> float | None:
    """Return the reading in degrees Celsius, None where nothing was measured; raises Refusal."""
    value, path = _measured(event, temperature)
    if value is None:
        if temperature.alarm is not None and temperature.alarm.holds(event.find(temperature.alarm.field)[0]):
            draft.degraded.append("temperature_c")
        return None
    degrees = number(value)
    if degrees is None:
        draft.refuse(path, "expected a number of degrees")
    draft.paths["temperature_c"] = path
    celsius = _celsius(degrees, _unit(draft, event, temperature))
    return None if celsius == 0 else celsius


def _unit(draft: Draft, event: Event, temperature: Temperature) -> str:
    if temperature.unit_path is None:
        return temperature.unit
    value, path = event.find(temperature.unit_path)
    if value is None:
        return temperature.unit
    unit = temperature.units.get(code_of(value) or "")
    if unit is None:
        draft.refuse(path, "expected a unit of the mapping's table `units`: without it the reading cannot be told")
    return unit


def _celsius(degrees: float, unit: str) -> float:
    if unit == "fahrenheit":
        return round((degrees - 32) / 1.8, 2)
    return round(degrees - _KELVIN_AT_0_C, 2) if unit == "kelvin" else degrees


def _put_scan(draft: Draft, event: Event, source: SourceSettings, mapping: Mapping) -> None:
    decision = _word(draft, event, "decision", mapping.decision)
    direction = _word(draft, event, "direction", mapping.direction) or _word_of(source.direction)
    missing = "decision" if decision is None else "direction" if direction is None else None
    if missing is not None:
        _make_reading(draft, missing)
        return
    draft.put("checkpoint_id", source.checkpoint_id)
    draft.put("direction", direction)
    draft.put("decision", decision)
    draft.put("health_code", _word(draft, event, "health_code", mapping.health_code))


def _make_reading(draft: Draft, missing: str) -> None:
    """Save the reading of a scan of which the decision or direction cannot be told."""
    if "temperature_c" not in draft.document:
        draft.refuse(
            draft.paths.get(missing, missing),
            f"expected a {missing}: a code of the mapping's table, an `otherwise` there, or one in the source's settings",
        )
    draft.document["kind"] = "temperature_taken"
    if missing not in draft.degraded:
        draft.degraded.append(missing)


def _word(draft: Draft, event: Event, name: str, coded: Coded[Any] | None) -> str | None:
    """Return the word for a code; None where there is none, the field being marked where the code is unknown."""
    if coded is None or coded.path is None:
        return None if coded is None else _word_of(coded.value)
    value, draft.paths[name] = event.find(coded.path)
    code = code_of(value)
    if code is not None and code in coded.values:
        return str(coded.values[code])
    if code is not None and code in coded.nothing:
        return None
    if value is not None:
        draft.degraded.append(name)
    return _word_of(coded.otherwise)


def _word_of(word: str | None) -> str | None:
    return None if word is None else str(word)


def _place(event: Event, mapping: Mapping, draft: Draft) -> Place:
    if mapping.sequence is None:
        return Place()
    value, draft.paths["sequence"] = event.find(mapping.sequence.path)
    sequence = _counted(value)
    if value is not None and sequence is None:
        draft.degraded.append("sequence")
    if mapping.sequence.previous is None:
        return Place(sequence=sequence)
    return Place(sequence=sequence, previous_sequence=_counted(event.find(mapping.sequence.previous)[0]))


def _counted(value: object) -> int | None:
    count = whole_number(value)
    return count if count is not None and 1 <= count <= _LARGEST_SEQUENCE else None


def _check(draft: Draft) -> None:
    """Refuse what the contract would refuse, under the path of the device's own document."""
    complete = {"person_id": _PLACEHOLDER, **draft.document, "event_id": _PLACEHOLDER}
    try:
        decode_strictly(json.dumps(complete).encode())
    except Refusal as refusal:
        raise Refusal(refusal.reason, draft.paths.get(refusal.path, refusal.path), refusal.message) from None
