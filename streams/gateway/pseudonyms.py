"""From the number of a document to a pseudonym: a keyed hash, after which the number is forgotten.

Whoever has the log and not the key can turn no pseudonym back, though the numbers there are could all be tried. One key, one
person, one pseudonym: under another key the same person is another one, so a key is changed only where it has leaked.
"""

import re
import unicodedata
from hashlib import sha256
from hmac import digest
from pathlib import Path

from streams.gateway.adapters.identity import Identity

# GB 11643-1999: region, birthday, order, and a check digit after ISO 7064 MOD 11-2.
RESIDENT_ID = "cn_resident_id"

_HEX_DIGITS = 32
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015]+")
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_CHECK_DIGITS = "10X98765432"
_KEY_LINE = re.compile(r"([a-z0-9]{1,8})[ \t]+((?:[0-9a-f]{2}){32,128})\s*", re.ASCII)


class PseudonymKeyError(ValueError):
    """A file that holds no key; the message says what was expected and nothing of what is there."""


class Pseudonyms:
    """Makes pseudonyms under one key; `version` stands at their beginning."""

    def __init__(self, version: str, key: bytes) -> None:
        self._version, self._key = version, key

    def __repr__(self) -> str:
        return f"Pseudonyms({self._version!r})"

    def person_id(self, identity: Identity) -> str:
        """Return the pseudonym of a document: `VERSION-` and 32 hex digits of HMAC-SHA256 over type and number.

        Spaces, hyphens, width and case of the number make no difference. Raises ValueError for a resident identity number
        whose check digit is wrong: a slip of the pen would be another person.
        """
        number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", identity.number)).upper()
        if not number:
            raise ValueError("expected a number")
        if identity.type == RESIDENT_ID and not _is_resident_number(number):
            raise ValueError("expected 18 digits, the last of them as the others ask (GB 11643)")
        message = f"{identity.type}|{number}".encode()
        return f"{self._version}-{digest(self._key, message, sha256).hex()[:_HEX_DIGITS]}"


def _is_resident_number(number: str) -> bool:
    if _RESIDENT.fullmatch(number) is None:
        return False
    weighted = sum(int(each) * pow(2, 17 - place, 11) for place, each in enumerate(number[:17]))
    return number[17] == _CHECK_DIGITS[weighted % 11]


def read_pseudonyms(path: Path) -> Pseudonyms:
    """Read a key file: one line with version and key in hex, 32 bytes at least; raises PseudonymKeyError."""
    try:
        match = _KEY_LINE.fullmatch(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        raise PseudonymKeyError(f"gateway.pseudonym_key_file: cannot read {path}") from None
    if match is None:
        raise PseudonymKeyError(
            f"gateway.pseudonym_key_file: expected one line in {path}: a version such as k1, a space, 64 hex digits or more "
            "(`openssl rand -hex 32`)"
        )
    return Pseudonyms(match[1], bytes.fromhex(match[2]))
