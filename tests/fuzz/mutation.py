"""Records of other records: a field is changed, goes, comes twice, is written otherwise, or bytes are.

What comes out should be taken, or refused for a reason that lies deep (a calendar, a bound, a word), and not for its first
byte: so most changes are made in the tree of a right record, and few in its bytes.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from tests.fuzz.trees import Object, Pair, Token, any_style, disguised, holders, quoted, read_tree, write_tree
from tests.fuzz.values import ANY, DEPTHS, NAMES, fitting, nested

LARGEST_RECORD_BYTES = 65_536


def mutate_record(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes:
    """Return another record of one; `seeds` are records from which fields, or all of it, may be taken."""
    chance = random.random()
    if chance < 0.03:
        return random.choice(seeds)
    try:
        written = None if chance < 0.15 else _mutate_tree(data, random, seeds)
    except RecursionError:  # too deep for a tree, and for all that reads it
        written = None
    if written is None:
        return mutate_bytes(data, random, seeds)
    return _around(written, random) if chance > 0.95 else written


def _mutate_tree(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes | None:
    tree = read_tree(data)
    if tree is None:
        return None
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 5))):
        _change(tree, random, seeds)
    return write_tree(tree, any_style(random))


def _change(tree: Object, random: Random, seeds: Sequence[bytes]) -> None:
    """Do one thing to a tree."""
    if random.random() < 0.06:
        other = read_tree(random.choice(seeds))
        if other:
            _cross(tree, other, random)
        return
    held = list(holders(tree))
    if held:
        random.choice(_DEEDS)(held[0] if random.random() < 0.6 else random.choice(held), random)


def _cross(tree: Object, other: Object, random: Random) -> None:
    """Take a field of another record: in the place of its own, or besides."""
    taken = deepcopy(random.choice(other))
    for number, pair in enumerate(tree):
        if pair.key == taken.key:
            tree[number] = taken
            return
    tree.insert(random.randint(0, len(tree)), taken)


# What is done to an object or list.


def _value(place: object, random: Random) -> Token:
    if random.random() < 0.02:
        opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        core = b"" if opening == b"[" else b"null"
        return Token(nested(random.choice(DEPTHS), opening, closing, core))
    of = fitting(place) if isinstance(place, str) and random.random() < 0.75 else ANY
    return Token(random.choice(of))


def _replace(holder: Object | list[Any], random: Random) -> None:
    number = random.randrange(len(holder))
    if isinstance(holder, Object):
        holder[number].value = _value(holder[number].key, random)
    else:
        holder[number] = _value(number, random)


def _take_away(holder: Object | list[Any], random: Random) -> None:
    del holder[random.randrange(len(holder))]


def _add(holder: Object | list[Any], random: Random) -> None:
    name = random.choice(NAMES)
    added = Pair(name, _value(name, random)) if isinstance(holder, Object) else _value(None, random)
    holder.insert(random.randint(0, len(holder)), added)


def _twice(holder: Object | list[Any], random: Random) -> None:
    """Let something stand there twice: a key perhaps disguised, its value perhaps another."""
    again = deepcopy(random.choice(holder))
    if isinstance(again, Pair):
        if random.random() < 0.5:
            again.key_text = disguised(again.key, random)
        if random.random() < 0.5:
            again.value = _value(again.key, random)
    holder.insert(random.randint(0, len(holder)), again)


def _disguise(holder: Object | list[Any], random: Random) -> None:
    """Write a key or a string otherwise; it says the same."""
    number = random.randrange(len(holder))
    item = holder[number]
    if isinstance(item, Pair):
        if isinstance(item.value, str) and random.random() < 0.5:
            item.value = Token(disguised(item.value, random))
        else:
            item.key_text = disguised(item.key, random)
    elif isinstance(item, str):
        holder[number] = Token(disguised(item, random))


def _rename(holder: Object | list[Any], random: Random) -> None:
    pair = random.choice(holder)
    if isinstance(pair, Pair):
        names = (*NAMES, pair.key.upper(), pair.key[:-1], pair.key + "_", random.choice(holder).key)
        pair.key, pair.key_text = random.choice(names), None


def _reorder(holder: Object | list[Any], random: Random) -> None:
    if random.random() < 0.3:
        random.shuffle(holder)
    else:
        holder.append(holder.pop(random.randrange(len(holder))))


def _stretch(holder: Object | list[Any], random: Random) -> None:
    """Make a value a little different from what it was."""
    number = random.randrange(len(holder))
    pair = holder[number] if isinstance(holder, Object) else None
    value = holder[number] if pair is None else pair.value
    if isinstance(value, str):
        end = random.choice(
            ("\n", " ", "x", "x" * 64, "/x", "0", "\u0661", "\x00", "\u0301", "\r\n", "\ufeff", "y" * 4096)
        )
        value = random.choice((value + end, end + value, value[:-1], value.swapcase(), value * 2))
    elif isinstance(value, Token):
        text = value.text
        value = Token(
            random.choice(
                (b"-" + text, text + b"0", text + b".0", text + b"e1", text + b"E-1", quoted(text.decode("latin-1")))
            )
        )
    else:
        value = [value]
    if pair is None:
        holder[number] = value
    else:
        pair.value = value


_DEEDS: tuple[Callable[[Object | list[Any], Random], None], ...] = (
    *(_replace,) * 8,
    *(_stretch,) * 3,
    *(_take_away,) * 2,
    *(_twice,) * 2,
    *(_add, _disguise, _rename, _reorder),
)


# What is done to bytes.


def mutate_bytes(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes:
    """Return other bytes: bits flipped, pieces gone, doubled, or taken from elsewhere."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        begin = random.randint(0, len(changed))
        end = min(len(changed), begin + random.choice((0, 1, 1, 2, 8, 64)))
        match random.randrange(5):
            case 0 if begin < len(changed):
                changed[begin] ^= 1 << random.randrange(8)
            case 1:
                del changed[begin:end]
            case 2:
                changed[begin:end] = random.choice(ANY)
            case 3:
                changed[begin:begin] = changed[begin:end] * random.choice((1, 2, 50))
            case _:
                other = random.choice(seeds)
                cut = random.randint(0, len(other))
                changed[begin:] = other[cut:]
    return bytes(changed)


def _around(written: bytes, random: Random) -> bytes:
    """Change what stands around a record, or its size."""
    match random.randrange(6):
        case 0:
            size = LARGEST_RECORD_BYTES + random.choice((-1, 0, 1))
            return written[:-1] + b" " * (size - len(written)) + written[-1:]
        case 1:
            return b"\xef\xbb\xbf" + written
        case 2:
            return random.choice((b" ", b"\n", b"\r", b"\x0b", b"\x00", b"\xa0")) + written
        case 3:
            return written + random.choice((b" ", b"\r\n", b"\x00", b"{}", b",", b"\x0c"))
        case 4:
            return written[: random.randint(0, len(written))]
        case _:
            return written.decode("utf-8", "replace").encode(
                random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig"))
            )
