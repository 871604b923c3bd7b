"""A record while it is made: what is in it, where it came from, what could not be taken as it came."""

from dataclasses import dataclass, field
from typing import Any, NoReturn

from events.codec import Refusal
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.identity import Identity


@dataclass(slots=True)
class Draft:
    """The fields so far; `paths` leads from the contract's fields to those of the device, for refusals."""

    document: dict[str, Any] = field(default_factory=dict, repr=False)
    identity: Identity | None = None
    paths: dict[str, str] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)

    def put(self, name: str, value: Any, path: str | None = None) -> None:
        """Put a value, None apart."""
        if value is not None:
            self.document[name] = value
        if path is not None:
            self.paths[name] = path

    def refuse(self, path: str, message: str) -> NoReturn:
        """Raise the Refusal of a field of the device's document."""
        raise Refusal(DeadLetterReason.INVALID_FIELD, path, message)
