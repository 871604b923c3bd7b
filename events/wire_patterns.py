"""Patterns of lines that are beyond doubt what the codec takes, for the kinds that come most.

A line matches when it has the keys of the contract in their order, each once and no other, no spaces and no escapes, and in
every field something that the strict way takes. Much that the strict way takes does not match; it takes the strict way.
What follows a repetition of characters never fits into it, so those are possessive (`++`): there is nothing to come back to,
which saves time. Groups are not: before 3.11.5 Python took half a group for a whole one there. A group that may be missing
is written `(?:...|)`, which costs less than `(?:...)?`.
"""

import re
from enum import StrEnum

IDENTIFIER = '"[A-Za-z0-9._:-]{1,64}+"'
_AREA_STEP = "[A-Za-z0-9_-]{1,64}+"  # longer ones are valid too, and take the strict way


def _deeper(steps: int) -> str:
    """Return the pattern of at most so many further steps of an area; one within the other costs less than `{0,7}`."""
    return f"(?:/{_AREA_STEP}{_deeper(steps - 1)}|)" if steps else ""


AREA = f'"{_AREA_STEP}{_deeper(7)}"'
SEQUENCE = "[1-9][0-9]{0,17}+"
TEMPERATURE = r"(?:0|[1-9][0-9]{0,2}+)(?:\.[0-9]{1,6}+|)"
# Years whose every instant lies in 1970..2199, whatever its offset; the days of every month, 29 February apart.
_YEAR = "(?:20[0-9][0-9]|19(?:7[1-9]|[89][0-9])|21(?:[0-8][0-9]|9[0-8]))"
_DAY = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6}+|)"
INSTANT = f'"{_YEAR}-{_DAY}T{_TIME}(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"'
INSTANT_IN_UTC = f'"{_YEAR}-{_DAY}T{_TIME}Z"'


def one_of(words: type[StrEnum]) -> str:
    """Return the pattern of a word of a closed set."""
    return f'"(?:{"|".join(words)})"'


def field(name: str, pattern: str, *, is_optional: bool = False) -> str:
    """Return the pattern of a field that is not the first; an optional one may be null or absent."""
    return f'(?:,"{name}":(?:null|{pattern})|)' if is_optional else f',"{name}":{pattern}'


def captured(pattern: str) -> str:
    """Return the pattern of a text in quotes with its content as a group."""
    return f'"({pattern[1:-1]})"'


def line_pattern(kind: str, *fields: str) -> re.Pattern[bytes]:
    """Return the pattern of a whole line of a kind."""
    return re.compile((rf'\{{"kind":"{kind}"' + "".join(fields) + r"\}").encode())


def lines_pattern(kind: str, *fields: str, rest: str) -> re.Pattern[str]:
    """Return the pattern that finds every line of a text: its groups are empty where the line is not one of the kind.

    The fields `rest`, which are the last, are one group with the brace behind them, so that this is empty nowhere else.
    """
    return re.compile(rf'\{{"kind":"{kind}"{"".join(fields)}({rest}\}})\n|[^\n]*+\n')
