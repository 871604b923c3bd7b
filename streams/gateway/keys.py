"""Keys of sources: `gw_SOURCE.KEY.SECRET`, shown once and kept as a hash.

A secret is 256 random bits, so one round of SHA-256 is enough: there is nothing to guess. Whoever reads the registry can
check a key and cannot make one.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from events.instants import Instant
from events.records import Identifier

_SECRET_BYTES, _KEY_ID_BYTES = 32, 6
_KEY = re.compile(r"gw_([A-Za-z0-9._:-]{1,64})\.([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]{43})", re.ASCII)

# Returns so many random bytes.
RandomBytes = Callable[[int], bytes]
KeyId = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_-]{8}$")]
Digest = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Presented:
    """A key as a request brings it."""

    source_id: str
    key_id: str
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key as the registry holds it: the hash of its secret in hex, who made it, and until when it may be used."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key_id: KeyId
    digest: Digest = field(repr=False)
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    created_at: Instant | None = None
    created_by: Identifier | None = None

    def opens(self, presented: Presented, now: datetime) -> bool:
        """Tell whether a request with this key is let in."""
        return compare_digest(self.digest, presented.digest) and self.is_valid(now)

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it may be used; at the instant at which it expires it may not."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def shut_like(self, other: "KeptKey") -> "KeptKey":
        """Return it revoked where one of the two is, and ending when the first of them does."""
        ends = [each.expires_at for each in (self, other) if each.expires_at is not None]
        return replace(self, expires_at=min(ends, default=None), revoked_at=self.revoked_at or other.revoked_at)

    def ended_at(self) -> datetime | None:
        """Return since or from when it cannot be used, None where that is not said."""
        ends = [end for end in (self.expires_at, self.revoked_at) if end is not None]
        return min(ends, default=None)


def read_authorization(header: str) -> Presented | None:
    """Read the `Authorization` of a request; None for what is no key of ours.

    `Bearer KEY`, or `Basic` with the key as password and the source, or nothing, as name: that is what many devices have.
    """
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return read_key(credentials.strip())
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = b64decode(credentials.strip(), validate=True).decode("ascii").partition(":")
    except ValueError:
        return None
    presented = read_key(password)
    return presented if presented is not None and name in ("", presented.source_id) else None


def read_key(text: str) -> Presented | None:
    """Read a key as a device has it; None for what is none."""
    match = _KEY.fullmatch(text)
    if match is None:
        return None
    source_id, key_id, secret = match.groups()
    return Presented(source_id, key_id, _digest(secret))


def make_key(
    source_id: str,
    random_bytes: RandomBytes,
    expires_at: datetime | None = None,
    *,
    created_at: datetime | None = None,
    created_by: str | None = None,
) -> tuple[str, KeptKey]:
    """Make a key: what the device is given, and what is kept of it."""
    key_id, secret = _text(random_bytes(_KEY_ID_BYTES)), _text(random_bytes(_SECRET_BYTES))
    kept = KeptKey(key_id, _digest(secret), expires_at, created_at=created_at, created_by=created_by)
    return f"gw_{source_id}.{key_id}.{secret}", kept


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _text(random_bytes: bytes) -> str:
    return urlsafe_b64encode(random_bytes).decode().rstrip("=")
