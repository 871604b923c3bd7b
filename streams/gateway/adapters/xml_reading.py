"""XML into objects, lists and texts, by the standard library's expat, without what makes XML dangerous.

Entity bombs, external entities and the rest need a document type declaration, and no device sends one: a body with a DOCTYPE
is refused at its first character, before anything is defined, so the five entities of XML itself are all there are. That
closes every attack that defusedxml is there for, without a dependency. Elements and depth are counted as they open.
"""

from typing import Any, NoReturn
from xml.parsers import expat

from events.codec import DEEPEST_LEVELS, Refusal
from events.vocabulary import DeadLetterReason

MOST_ELEMENTS = 20_000
# They are left out, and read nevertheless: half a million take most of a second.
MOST_ATTRIBUTES = 50_000
_NOT_XML = "expected one XML document in UTF-8"


def read_xml(body: bytes) -> dict[str, Any]:
    """Return a document as one object; raises Refusal.

    An element is the text in it, or an object of the elements in it; one that stands several times is a list. Attributes
    and prefixes of namespaces are left out.
    """
    if body.count(b"=") > MOST_ATTRIBUTES:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {MOST_ATTRIBUTES} attributes")
    document = _Document()
    parser = expat.ParserCreate(encoding="utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", _NOT_XML) from None
    return document.root


def _refuse_doctype(*_: object) -> NoReturn:
    raise Refusal(DeadLetterReason.NOT_JSON, "", "expected XML without a document type declaration")


class _Document:
    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]
        self._count = 0

    def start(self, _name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {MOST_ELEMENTS} elements")
        if len(self._open) > DEEPEST_LEVELS:
            raise Refusal(DeadLetterReason.NOT_JSON, "", f"expected XML of at most {DEEPEST_LEVELS} levels")
        self._open.append(({}, []))

    def text(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, name: str) -> None:
        elements, texts = self._open.pop()
        value: Any = elements or "".join(texts).strip()
        around = self._open[-1][0]
        local = name.rpartition(":")[2]
        if local not in around:
            around[local] = value
        elif isinstance(around[local], list):
            around[local].append(value)
        else:
            around[local] = [around[local], value]
