"""The terms of a `policy` line: what differs from the policy of the contract, as `field=value`.

    policy late_days=0 temperature.lost_after=3 timezone=Europe/Berlin
    policy v2 temperature.windows=am@06:00-12:00+pm@13:00-20:00 breach_categories=home+lockdown threshold_c.ear=37.0

Lists are joined by `+`, `none` is the empty list. A check that the policy does not know begins as a copy of the first one.
"""

import copy
from typing import Any

from events.policy import default_policy, policy_document

_LISTS = {"satisfied_by", "breach_categories", "confirm_sites"}

Document = dict[str, Any]


def policy_from_terms(version: str, terms: list[str]) -> Document:
    """Return the JSON document of a policy that differs from the contract's in these terms only; nothing is validated."""
    document = copy.deepcopy(policy_document(default_policy()))
    document["policy_version"] = version
    for term in terms:
        name, equals, text = term.partition("=")
        if not equals:
            raise ValueError(f"expected field=value, found {term!r}")
        _set(document, name, text)
    return document


def _set(document: Document, name: str, text: str) -> None:
    check_name, dot, field = name.rpartition(".")
    if name == "checks":
        by_name = {check["name"]: check for check in document["checks"]}
        document["checks"] = [by_name[wanted] for wanted in text.split("+")]
    elif check_name == "threshold_c":
        document["fever"]["threshold_c"][field] = number(text)
    elif dot:
        _check(document, check_name)[field] = _value(field, text)
    else:
        _section(document, name)[name] = _value(name, text)


def _section(document: Document, name: str) -> Document:
    """Return the object that holds a field; a field that none knows goes to the top, where it is refused."""
    sections: list[Document] = [document, document["observation"], document["fever"]]
    return next((section for section in sections if name in section), document)


def _check(document: Document, name: str) -> Document:
    checks: list[Document] = document["checks"]
    for check in checks:
        if check["name"] == name:
            return check
    checks.append({**copy.deepcopy(checks[0]), "name": name})
    return checks[-1]


def _value(field: str, text: str) -> Any:
    if field == "windows":
        return [_window(part) for part in text.split("+")]
    if field in _LISTS:
        return [] if text == "none" else text.split("+")
    return number(text)


def _window(text: str) -> Document:
    name, _, times = text.partition("@")
    start, _, end = times.partition("-")
    return {"name": name, "start": start, "end": end}


def number(text: str) -> int | float | str:
    """Read a number as JSON would: an integer, else a fraction, else the text itself, which is then refused."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
