"""What validation found wrong, in words that say what was expected and repeat nothing of what came."""

import re

from pydantic import ValidationError

_EXPECTED = {
    "unexpected_keyword_argument": "expected no field of this name",
    "extra_forbidden": "expected no field of this name",
    "missing": "expected this field",
    "missing_argument": "expected this field",
    "missing_keyword_only_argument": "expected this field",
    "dataclass_type": "expected an object",
    "dict_type": "expected an object",
    "tuple_type": "expected a list",
    "too_short": "expected at least one item",
    "too_long": "expected fewer items",
    "string_type": "expected a string",
    "string_unicode": "expected text that UTF-8 can carry",
    "int_type": "expected an integer, written without a point",
    "float_type": "expected a number",
}
# Field names begin with a letter and indexes of lists are short; anything else may be a telephone number or a name.
_SAFE_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{1,4}", re.ASCII)


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return path and message of the first thing that is wrong.

    The path joins names and indexes by dots and is empty where no single field is at fault; a step that cannot be a
    field's name is anybody's data and stands as `?`.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    steps = [str(step) for step in first["loc"] if step != "[key]"]
    return ".".join(step if _SAFE_STEP.fullmatch(step) else "?" for step in steps), _expected(
        first["type"], first["msg"]
    )


def every_fault(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """Return steps and message of everything that is wrong, for files that hold settings and no personal data."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        (tuple(step for step in fault["loc"] if step != "[key]"), _expected(fault["type"], fault["msg"]))
        for fault in faults
    ]


def _expected(kind: str, message: str) -> str:
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind == "string_pattern_mismatch":
        return message.replace("String should match pattern", "expected text that matches", 1)
    if message.startswith("Value error, "):
        return message.removeprefix("Value error, ")
    return message.replace("Input should be", "expected", 1).replace("String should have", "expected text of", 1)
