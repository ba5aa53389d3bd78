"""Manifests that are XML (pom.xml, project files of .NET), read by expat into a small tree.

A document type is refused: it is what entities that grow without bound are made of, and no manifest needs one.
So is a document with more elements or nesting than anyone writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from supervisor.languages.source import Source

MOST_ELEMENTS = 50_000
MOST_DEPTH = 100


@dataclass(slots=True)
class Element:
    """An element: its name without a prefix, its attributes, what is in it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text, without blanks around it."""
        return "".join(self.pieces).strip()

    def all(self, *path: str) -> Iterator[Element]:
        """Every element that a path of names leads to."""
        found: list[Element] = [self]
        for name in path:
            found = [child for element in found for child in element.children if child.name == name]
        yield from found

    def first(self, *path: str) -> Element | None:
        return next(self.all(*path), None)

    def text_of(self, *path: str) -> str | None:
        """The text of the first such element that has any."""
        return next((element.text for element in self.all(*path) if element.text), None)

    def below(self, name: str) -> Iterator[Element]:
        """Every element of a name, however deep."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.below(name)


class _Refused(Exception):
    """Why a document is not read on."""


def read(source: Source, name: str) -> Element | None:
    """The root of an XML manifest, None if there is no such file. Raises PlanError if it cannot be read."""
    data = source.data(name)
    if data is None:
        return None
    from xml.parsers import expat  # only where there is XML: detection is to start quickly

    top = Element("")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    tree = _Tree(top)
    parser.StartDoctypeDeclHandler = tree.refuse
    parser.StartElementHandler = tree.begin
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.add
    try:
        parser.Parse(data.lstrip(), True)
    except expat.ExpatError as error:
        raise source.broken(name, f"line {error.lineno}: not XML: {expat.ErrorString(error.code)}") from error
    except _Refused as error:
        raise source.broken(name, f"line {parser.CurrentLineNumber}: {error}") from error
    except (LookupError, ValueError) as error:
        raise source.broken(name, f"its encoding is not known: {error}") from error
    return top.children[0]


class _Tree:
    """Grows below `top` as the parser goes on."""

    def __init__(self, top: Element) -> None:
        self._open = [top]
        self._elements = 0

    def refuse(self, *_: object) -> None:
        raise _Refused("it has a document type, which may define entities without bound")

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS or len(self._open) > MOST_DEPTH:
            raise _Refused("it has more elements than anyone would write")
        element = Element(name.rpartition(":")[2], attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _: str) -> None:
        self._open.pop()

    def add(self, text: str) -> None:
        self._open[-1].pieces.append(text)
