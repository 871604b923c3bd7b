"""Text as a policy (`events/policy.py`), JSON or TOML by how it begins: a policy, or what is wrong and where."""

import json
from itertools import pairwise
from random import Random

from events.codec import Refusal, parse_object
from events.policy import Policy, PolicyError, contradictions, parse_policy, parse_policy_toml, policy_document
from events.vocabulary import Site
from tests.fuzz.corpus import policies
from tests.fuzz.mutation import mutate_bytes, mutate_record
from tests.fuzz.silence import assert_policy_silent
from tests.fuzz.target import Found


def run(data: bytes) -> Found:
    """Read a policy either way; one that is taken must be read back from its document, and one refused has a reason."""
    try:
        policy = _read(data)
    except (PolicyError, Refusal) as error:
        if isinstance(error, PolicyError) and not error.message.startswith("expected TOML"):
            assert_policy_silent(error)
        return Found(refused=1)
    if policy is None:
        return Found(refused=1)
    _assert_sound(policy)
    _assert_read_back(policy)
    return Found(taken=1)


def _read(data: bytes) -> Policy | None:
    """Return None for what is no text; the command line says so of a file."""
    if data.lstrip().startswith(b"{"):
        return parse_policy(parse_object(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return parse_policy_toml(text.replace("\r\n", "\n").replace("\r", "\n"))  # as Python reads a file of text


def _assert_sound(policy: Policy) -> None:
    assert next(contradictions(policy), None) is None
    assert policy.zone.key == policy.timezone
    assert set(policy.fever.threshold_c) == set(Site)
    for check in policy.checks:
        assert check.satisfied_by
        bounds = sorted((window.start, window.end) for window in check.windows)
        assert all(0 <= start < end <= 1440 for start, end in bounds)
        assert all(end <= start for (_, end), (start, _) in pairwise(bounds))


def _assert_read_back(policy: Policy) -> None:
    document = policy_document(policy)
    written = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    again = parse_policy(parse_object(written))
    assert repr(again) == repr(policy)
    assert again.content == policy.content


def mutate(data: bytes, random: Random) -> bytes:
    """Make another policy of one: of JSON by its tree, of TOML by its values, both now and then by their bytes."""
    if data.lstrip().startswith(b"{"):
        return mutate_record(data, random, policies())
    return mutate_bytes(data, random, policies()) if random.random() < 0.3 else _with_other_value(data, random)


_TOML_VALUES = (
    *(
        b"0",
        b"1",
        b"-1",
        b"30",
        b"30.0",
        b"+30",
        b"1_000",
        b"0x1e",
        b"0b1",
        b"1e400",
        b"inf",
        b"-inf",
        b"nan",
        b"-0.0",
        b"1e300",
    ),
    *(b"9" * 19, b"9" * 400, b"9" * 5000, b"true", b"07:00:00", b"2020-02-30", b"2020-02-02T24:00:00Z", b"0000-01-01"),
    *(
        b'""',
        b'"UTC"',
        b'"Asia/Gaza"',
        b'"America/Nuuk"',
        b'"Factory"',
        b'"24:00"',
        b'"24:01"',
        b'"06:00\\n"',
        b'"\\uD800"',
    ),
    *(
        b'"\\U00110000"',
        b"'''a\r\nb'''",
        b'"""\\\n """',
        b"[]",
        b"[[]]",
        b"{}",
        b"{a={}}",
        b'["home","home"]',
        b'["tick"]',
    ),
    *(b"[" * 990 + b"]" * 990, b"{a=" * 300 + b"1" + b"}" * 300, b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"#"),
)


def _with_other_value(data: bytes, random: Random) -> bytes:
    """Put another value behind one of the `=`, or leave a line out, or let it stand twice."""
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    match random.randrange(6):
        case 0:
            del lines[number]
        case 1:
            lines.insert(number, random.choice(lines))
        case _:
            places = [place for place, line in enumerate(lines) if b"=" in line]
            if places:
                number = random.choice(places)
                name, _, value = lines[number].partition(b"=")
                other = random.choice(_TOML_VALUES)
                is_within = b"{" in value and random.random() < 0.8
                lines[number] = _with_other_text(lines[number], random) if is_within else name + b"= " + other
    return b"\n".join(lines)


def _with_other_text(line: bytes, random: Random) -> bytes:
    parts = line.split(b'"')
    if len(parts) > 2:
        parts[random.randrange(1, len(parts), 2)] = random.choice(
            (b"", b"am", b"00:00", b"12:00", b"24:00", b"6:00", b"\\u0000", b"x" * 33)
        )
    return b'"'.join(parts)
