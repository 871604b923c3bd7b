"""The key of a source: `gw_SOURCE.KEY.SECRET`."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from streams.device.errors import WrongKeyError

_KEY = re.compile(r"gw_([A-Za-z0-9._:-]{1,64})\.([A-Za-z0-9_-]{1,64})\.[A-Za-z0-9_-]{43}", re.ASCII)
_LARGEST_FILE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it goes into the header, and the source that it speaks for."""

    source_id: str
    key_id: str
    text: str = field(repr=False)


def parse_key(text: str) -> Key:
    """Read a key, white space around it left out; raises WrongKeyError, which never repeats it."""
    match = _KEY.fullmatch(text.strip())
    if match is None:
        raise WrongKeyError("expected a key of the form gw_SOURCE.KEY.SECRET, with a secret of 43 characters")
    return Key(match[1], match[2], match[0])


def read_key_file(path: Path) -> Key:
    """Read the key that stands alone in a file; raises WrongKeyError."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES)
    except OSError as error:
        raise WrongKeyError(f"cannot read the key file {path}: {error.strerror}") from None
    return parse_key(content.decode("ascii", "replace"))
