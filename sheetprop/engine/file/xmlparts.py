"""Small XML parts as light trees: no entities, no document types, bounded depth."""

from __future__ import annotations

from xml.parsers import expat

from sheetprop.errors import SheetpropError

MAX_DEPTH = 256


class Element:
    """A node of a small XML part; names and attribute names come without their namespaces."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def find(self, name: str) -> Element | None:
        """Return the first child of that name."""
        for child in self.children:
            if child.name == name:
                return child
        return None

    def all(self, name: str) -> list[Element]:
        """Return all children of that name."""
        return [child for child in self.children if child.name == name]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def parser_for(part: str) -> expat.XMLParserType:
    """Return an expat parser that refuses declarations of entities; a document type without any is harmless."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise SheetpropError(f"{part}: holds a document type declaration with entities, which no workbook needs and "
                             "which is how XML attacks begin; save the workbook again in a spreadsheet program")

    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = refuse
    return parser


def read_tree(data: bytes, part: str) -> Element:
    """Return the root element of a part.

    Raises:
        SheetpropError: the part is no well-formed XML, declares a document type or is nested too deeply.
    """
    root = Element("", {})
    stack = [root]
    parser = parser_for(part)

    def start(name: str, attributes: dict[str, str]) -> None:
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        stack[-1].children.append(element)
        stack.append(element)
        if len(stack) > MAX_DEPTH:
            raise SheetpropError(f"{part}: is nested more than {MAX_DEPTH} deep; the file is damaged")

    def end(name: str) -> None:
        del name
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].text += text

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, UnicodeError, ValueError, LookupError) as error:
        raise SheetpropError(f"{part}: is not well-formed XML ({error}); the file is damaged") from None
    return root.children[0]


def shared_strings(data: bytes, part: str) -> list[str]:
    """Return the texts of the shared string table, rich text joined, phonetic hints left out."""
    return [plain_text(item) for item in read_tree(data, part).children if item.name == "si"]


def plain_text(item: Element) -> str:
    """Return the text of a string item: its own, or that of its runs one after another."""
    found = [child.text for child in item.children if child.name == "t"]
    for child in item.children:
        if child.name == "r":
            found.extend(part.text for part in child.children if part.name == "t")
    return unescape_controls("".join(found))


def escape(text: str) -> str:
    """Return text as it may stand between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoteattr(text: str) -> str:
    """Return text in quotes, as an attribute's value."""
    return '"' + escape(text).replace('"', "&quot;") + '"'


_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def unescape(text: str) -> str:
    """Return the text with XML's five entities and its character references replaced by what they stand for."""
    if "&" not in text:
        return text
    first, *rest = text.split("&")
    found = [first]
    for piece in rest:
        name, mark, after = piece.partition(";")
        meant = _NAMED.get(name) or (_character(name[1:]) if name[:1] == "#" else None)
        found.append(f"{meant}{after}" if mark and meant is not None else f"&{piece}")
    return "".join(found)


def _character(number: str) -> str | None:
    """Return the character of a reference such as ``65`` or ``x41``; None where that is no number."""
    try:
        code = int(number[1:], 16) if number[:1] in ("x", "X") else int(number)
    except ValueError:
        return None
    return chr(code) if 0 < code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd"


def unescape_controls(text: str) -> str:
    """Return the text with `_x000D_`-style escapes turned into the characters they stand for."""
    if "_x" not in text:
        return text
    import re

    plain = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)
    if any("\ud800" <= letter <= "\udfff" for letter in plain):  # halves of a character, which join or are none
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return plain
