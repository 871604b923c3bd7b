"""What of a request's head the gateway looks at, read once: the fields as ASGI has them, names in small letters."""

from collections.abc import Iterable
from dataclasses import dataclass

from streams.gateway.keys import Presented, read_authorization


@dataclass(slots=True)
class Head:
    """Fields of a head, empty where they are absent; of a field that is there twice the first one counts.

    `authorization` is None where there is none, or two: what stands before the gateway may have read the other.
    """

    authorization: str | None
    content_type: str
    content_encoding: str
    content_length: str

    def presented(self) -> Presented | None:
        """Return the key of a request, None for what is no key of ours."""
        return None if self.authorization is None else read_authorization(self.authorization)


def read_head(fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """Read the fields of a head."""
    authorization = content_type = content_encoding = content_length = None
    authorizations = 0
    for name, value in fields:
        if name == b"authorization":
            authorization = value
            authorizations += 1
        elif name == b"content-type":
            content_type = value if content_type is None else content_type
        elif name == b"content-length":
            content_length = value if content_length is None else content_length
        elif name == b"content-encoding":
            content_encoding = value if content_encoding is None else content_encoding
    return Head(
        _text(authorization) if authorizations == 1 else None,
        _text(content_type),
        _text(content_encoding),
        _text(content_length),
    )


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("latin-1")
