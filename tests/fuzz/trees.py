"""JSON as trees that can say more than JSON: keys twice, numbers as they were written, strings that UTF-8 cannot carry."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(slots=True)
class Token:
    """A value as the characters that stand for it."""

    text: bytes


@dataclass(slots=True)
class Pair:
    """A key and its value; `key_text` is how the key is written where that is not the plain way."""

    key: str
    value: Any
    key_text: bytes | None = None


class Object(list[Any]):
    """An object: its `Pair`s in their order, a key as often as it stands there."""


Node = Token | Object | list[Any] | str | bool | None


def read_tree(data: bytes) -> Object | None:
    """Read an object; None where `data` is none that Python's library can read."""
    try:
        tree = json.loads(
            data,
            object_pairs_hook=lambda pairs: Object([Pair(key, value) for key, value in pairs]),
            parse_int=_token,
            parse_float=_token,
            parse_constant=_token,
        )
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, Object) else None


def _token(text: str) -> Token:
    return Token(text.encode())


@dataclass(frozen=True, slots=True)
class Style:
    """How a tree is written: what stands between its parts, and whether characters beyond ASCII are escaped."""

    space: bytes = b""
    escapes: bool = False


COMPACT = Style()
_SPACES = (b" ", b"  ", b"\t", b"\r\n", b"\n", b" \r ")


def any_style(random: Random) -> Style:
    """Choose how to write; most often as gridwatch does."""
    return COMPACT if random.random() < 0.7 else Style(random.choice(_SPACES), random.random() < 0.5)


def write_tree(node: Node, style: Style = COMPACT) -> bytes:
    """Write a tree; what is no JSON in it stays that."""
    match node:
        case Token(text):
            return text
        case Object():
            comma, colon = b"," + style.space, b":" + style.space
            pairs = (_key(pair, style) + colon + write_tree(pair.value, style) for pair in node)
            return b"{" + style.space + comma.join(pairs) + style.space + b"}"
        case list():
            return b"[" + (b"," + style.space).join(write_tree(item, style) for item in node) + b"]"
        case _:
            return quoted(node, style)


def _key(pair: Pair, style: Style) -> bytes:
    return quoted(pair.key, style) if pair.key_text is None else pair.key_text


def quoted(value: object, style: Style = COMPACT) -> bytes:
    """Write a string, a constant or a number; a lone surrogate as three bytes where it is not escaped."""
    return json.dumps(value, ensure_ascii=style.escapes).encode("utf-8", "surrogatepass")


def disguised(text: str, random: Random) -> bytes:
    """Write a string with one of its characters as an escape: other bytes, the same string."""
    if not text:
        return b'""'
    place = random.randrange(len(text))
    first, last = (json.dumps(part)[1:-1] for part in (text[:place], text[place + 1 :]))
    return f'"{first}\\u{ord(text[place]) & 0xFFFF:04{random.choice("xX")}}{last}"'.encode()


def holders(node: Any) -> Iterator[Object | list[Any]]:
    """Yield every object and list of a tree that holds something, the outermost first."""
    if isinstance(node, list) and node:
        yield node
        for item in node:
            yield from holders(item.value if isinstance(item, Pair) else item)
