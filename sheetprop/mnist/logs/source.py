"""From a file to the lines of a log: text in any of the usual encodings, or the outputs of a notebook."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from sheetprop.errors import SheetpropError

# What terminals draw with: colours, cursor moves.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_ROW = re.compile(r"<tr\b.*?</tr>", re.IGNORECASE | re.DOTALL)
_CELL = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Line:
    """One line: its number, from 1, in its file or in the output of its cell; `cell` counts a notebook's cells."""

    number: int
    text: str
    cell: int | None = None
    code: bool = False  # stands in a block that is marked as program code


def decode(content: bytes) -> str:
    """Return the text of a file: UTF-8 (with or without its mark), UTF-16, UTF-32, or else Windows-1252."""
    for mark, name in ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
                       (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    head = content[:4096]
    if len(head) >= 4 and head.count(0) > len(head) // 4:  # UTF-16 without a mark: every other byte of English is 0
        return content.decode("utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be",
                              errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def lines(text: str, name: str = "log") -> list[Line]:
    """Return the lines of a log.

    A notebook (JSON with cells) gives the lines of its outputs, in order; its code and its
    Markdown are no log. In other text, blocks marked as program code are told as such.

    Raises:
        SheetpropError: the file is called ``.ipynb`` and holds no notebook.
    """
    if text.lstrip()[:1] == "{" and ('"cells"' in text or '"worksheets"' in text):
        try:
            book = json.loads(text)
        except json.JSONDecodeError as error:
            if name.lower().endswith(".ipynb"):
                raise SheetpropError(f"{name}: is no whole notebook (JSON breaks at line {error.lineno}); save it "
                                     "again in Jupyter") from error
        else:
            if isinstance(book, dict) and ("cells" in book or "worksheets" in book):
                return _notebook(book)
    if name.lower().endswith(".ipynb"):
        raise SheetpropError(f"{name}: holds no notebook (JSON with cells); give the .ipynb as Jupyter saved it")
    return _plain(text)


def _plain(text: str) -> list[Line]:
    found: list[Line] = []
    fence, code = "", False
    for number, line in enumerate(_clean(text), 1):
        mark = re.match(r"\s*(```+|~~~+)\s*(\w*)", line)
        if mark and (not fence or (line.strip() == fence)):
            code, fence = (False, "") if fence else (False, mark[1])
            if fence:
                code = mark[2].lower() in ("python", "py", "python3", "ipython", "toml", "yaml", "json")
        found.append(Line(number, line, code=code))
    return found


def _clean(text: str) -> list[str]:
    """Return the lines without colours; a backspace takes back what stood before it, as Keras draws its bars."""
    parts = re.split(r"\r\n|\n", _ESCAPES.sub("", text))
    return [re.sub(r"\x08+", "\r", part) for part in parts]


def _notebook(book: dict[str, Any]) -> list[Line]:
    """Return the lines of all outputs. Read as plain JSON: the outputs are all that is wanted, and notebooks that a
    schema would refuse (edited by hand, cut, of version 3) still have them."""
    cells = book.get("cells")
    if not isinstance(cells, list):
        sheets = book.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [c for s in sheets if isinstance(s, dict) for c in s.get("cells", [])]
    found: list[Line] = []
    for place, cell in enumerate(cells, 1):
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        texts = [_output(one) for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
        whole = "".join(t if t.endswith(("\n", "\r")) or not t else t + "\n" for t in texts)
        found += [Line(n, line, cell=place) for n, line in enumerate(_clean(whole), 1)] if whole else []
    return found


def _output(output: dict[str, Any]) -> str:
    """Return the text of one output; tables in HTML (fastai, the Hugging Face Trainer, pandas) become tab-separated."""
    if "text" in output:
        return _joined(output["text"])
    data = output.get("data")
    if not isinstance(data, dict):
        return ""
    page = _joined(data.get("text/html", ""))
    if "<table" in page.lower():
        rows = [[html.unescape(_TAG.sub("", c)).strip() for c in _CELL.findall(row)] for row in _ROW.findall(page)]
        return "\n".join("\t".join(row) for row in rows if row) + "\n"
    plain = _joined(data.get("text/plain", ""))
    if plain.startswith(("<", "HBox(", "VBox(", "FloatProgress(", "IntProgress(", "[<", "Text(")):
        return ""
    return plain[1:-1].replace("\\n", "\n") if re.fullmatch(r"'.*'", plain, re.DOTALL) else plain


def _joined(value: Any) -> str:
    return "".join(str(v) for v in value) if isinstance(value, list) else value if isinstance(value, str) else ""
