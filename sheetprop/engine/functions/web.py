"""Functions of the web that need no server: ENCODEURL and FILTERXML."""

from __future__ import annotations

import re

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Array, Operand
from sheetprop.engine.grid.values import VALUE, Raised, Value, number_in

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@function("ENCODEURL", "t")
def encodeurl(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="-_.~").replace("~", "%7E")


@function("FILTERXML", "tt")
def filterxml(text: str, path: str) -> Operand:
    """Return what an XPath finds in a text of XML: texts of elements or values of attributes.

    The paths that ElementTree knows are read, with an attribute at the end: //item[@id='2']/name, //item/@id.
    """
    from xml.etree import ElementTree

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Raised(VALUE)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise Raised(VALUE) from None
    steps, _, attribute = path.partition("/@")
    try:
        found = _found(root, steps)
    except (SyntaxError, KeyError):
        raise Raised(VALUE) from None
    if attribute:
        texts = [element.get(attribute) for element in found if element.get(attribute) is not None]
    else:
        texts = ["".join(element.itertext()) for element in found]
    if not texts:
        raise Raised(VALUE)
    values = [_value(one or "") for one in texts]
    return values[0] if len(values) == 1 else Array([[one] for one in values])


def _found(root: Element, path: str) -> list[Element]:
    path = re.sub(r"/text\(\)\Z", "", path)
    if path.startswith("//"):
        rest = path[2:]
        inner = root.findall(f".//{rest}")
        name = re.split(r"[/\[]", rest, maxsplit=1)[0]
        if name in (root.tag, "*"):  # the root itself belongs to // too
            outer = type(root)("root")
            outer.append(root)
            return outer.findall(f".//{rest}")
        return inner
    first, _, rest = path.lstrip("/").partition("/")
    if first != root.tag:
        return []
    return root.findall(rest) if rest else [root]


def _value(text: str) -> Value:
    number = number_in(text)
    return text if number is None else number
