"""A policy survives being written as TOML or JSON, and tells itself apart from every other."""

import json
from random import Random
from typing import Any

import pytest

from events.codec import decode, encode
from events.policy import parse_policy, parse_policy_toml, policy_document
from events.records import PolicyChanged
from tests.support.model.random_policy import ZONES, changed_policy, random_policy


def toml(document: dict[str, Any]) -> str:
    """Write a policy as TOML; a JSON string or list of strings is one of TOML too."""
    plain = {key: value for key, value in document.items() if not isinstance(value, dict | list)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    lines += ["[observation]", *_pairs(document["observation"])]
    for check in document["checks"]:
        lines += ["[[checks]]", *_pairs({key: value for key, value in check.items() if key != "windows"})]
        tables = ("{" + ", ".join(_pairs(window)) + "}" for window in check["windows"])
        lines.append(f"windows = [{', '.join(tables)}]")
    fever = dict(document["fever"])
    thresholds = fever.pop("threshold_c")
    return "\n".join([*lines, "[fever]", *_pairs(fever), "[fever.threshold_c]", *_pairs(thresholds), ""])


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]


@pytest.mark.parametrize("seed", range(60))
def test_there_and_back(seed: int) -> None:
    """TOML, JSON and a `policy_changed` record all give the same policy, and its document is the one it came from."""
    random = Random(seed)
    document = random_policy(random, "v1", random.choice(ZONES))

    policy = parse_policy(document)

    assert policy_document(policy) == document
    assert parse_policy(json.loads(json.dumps(policy_document(policy)))) == policy
    assert parse_policy_toml(toml(document)) == policy
    fields = {"event_id": "e1", "source_id": "s1", "occurred_at": "2020-02-01T00:00:00Z", "policy": document}
    record = decode(json.dumps({"kind": "policy_changed", **fields}).encode())
    assert isinstance(record, PolicyChanged)
    assert record.policy == policy
    assert decode(encode(record)) == record


@pytest.mark.parametrize("seed", range(60))
def test_content(seed: int) -> None:
    """Two policies have the same content exactly when their documents agree, versions apart."""
    random = Random(seed)
    one = random_policy(random, "v1", "UTC")
    other = changed_policy(random, one, "v2")

    is_same = {**one, "policy_version": ""} == {**other, "policy_version": ""}

    assert (parse_policy(one).content == parse_policy(other).content) is is_same
