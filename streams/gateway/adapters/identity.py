"""Who was met, as the device knows it: needed until there is a pseudonym, and shown nowhere."""

import re
from typing import Any, NoReturn

LONGEST_NUMBER = 64
_TYPE = re.compile(r"[A-Za-z0-9._:-]{1,129}", re.ASCII)


class Identity:
    """A number under which a device knows a person, and the type of numbering it belongs to.

    Two numbers are of one type where the same number means the same person: employee numbers of two firms are two types.
    The number never appears in text of any kind: not in `repr`, `str`, a format or an error, and it cannot be pickled.
    Raises ValueError.
    """

    __slots__ = ("_number", "_type")

    _type: str
    _number: str

    def __init__(self, type: str, number: str) -> None:
        if not isinstance(type, str) or _TYPE.fullmatch(type) is None:
            raise ValueError("expected a type of 1 to 129 characters A-Z a-z 0-9 . _ : -")
        number = number.strip() if isinstance(number, str) else ""
        if not 1 <= len(number) <= LONGEST_NUMBER or not number.isprintable():
            raise ValueError(f"expected a number of 1 to {LONGEST_NUMBER} printable characters")
        object.__setattr__(self, "_type", type)
        object.__setattr__(self, "_number", number)

    @property
    def type(self) -> str:
        """The numbering that the number belongs to."""
        return self._type

    @property
    def number(self) -> str:
        """The number itself: for whoever makes the pseudonym, and nobody else."""
        return self._number

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("an identity does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("an identity does not change")

    def __repr__(self) -> str:
        return "Identity(hidden)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        return (self.type, self.number) == (other.type, other.number)

    def __hash__(self) -> int:
        return hash((self.type, self.number))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("an identity is not written down")
