"""Spoils workbooks, as bytes and as XML, and runs commands on them: `python tests/engine/fuzz.py SEED ROUNDS FILE...`.

A round changes one file a little and gives it to one command: calc (what it saves must read back), audit, verify,
values, diff, what-if, grad, explain, goal-seek. Only `SheetpropError` of one line may come out; a round may
take ten seconds and the process a gibibyte more than at its start. 2,000 rounds take some minutes, so in CI:

    python tests/engine/fuzz.py 0 2000

Without files it spoils some of its own making.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sheetprop
from sheetprop.engine import commands
from sheetprop.engine.formula.references import address
from sheetprop.engine.grid.values import ExcelError
from sheetprop.errors import SheetpropError

SECONDS = 10
MEMORY = 1 << 20  # kibibytes, the unit of ru_maxrss on Linux
SNIPPETS = [
    b"<", b">", b"&", b'"', b"</row>", b"<row>", b"<c>", b"<f>", b"</f>", b"<v>", b"\0", b"9" * 12, b"-1", b"&#0;",
    b"<v>nan</v>", b't="s"', b't="shared" si="0"', b't="array" ref="A1:B2"', b't="e"', b"A1:XFD1048576", b"(" * 50,
    b"A1", b"$", b"!", b"[", b"]", b"#", b"@", b"{1,2}", b"1E308", b"^", b"%", b'r="XFE1"', b'r="A1048577"', b"&amp;",
    b"<!--", b"<![CDATA[", b"]]>", b'xml:space="preserve"', b"\xff\xfe", b"\xc3", b"_x0000_", b"INDIRECT(",
    b"OFFSET(", b"1:1048576", b"1E999", b"-1E308*10", b"9" * 400, b"<v>1e999</v>", b"<v>-inf</v>", b"A1:A1048576",
]
# Put in place of a formula, a value or an attribute.
FORMULAS = [
    b"1E999", b"-1E999+A1", b"1E308*10", b"2^1024", b"EXP(1E308)", b"SUM(A1:XFD1048576)", b"{1E999,2}", b"A1",
    b"#REF!", b"SUM(A:A)", b"INDEX(A:XFD,1E9,1)", b"OFFSET(A1,1E308,-1E308)", b"INDIRECT(&quot;A&quot;&amp;1E20)",
    b"REPT(9,1E9)", b"FACT(170)*10", b"DATE(1E9,1,1)", b"TEXT(1E300,&quot;0&quot;)", b"_xlfn.SEQUENCE(1E6,1E6)",
    b"MMULT(A1:Z99,A1:Z99)", b"LET(x,1,x)", b"LAMBDA(x,x)(1)",
    b"_xlfn.MAP(A1:A9,_xlfn.LAMBDA(_xlpm.x,_xlpm.x*1E308))", b"(" * 70 + b"1" + b")" * 70, b"-" * 300 + b"1",
    b"CHAR(0)&amp;CHAR(13)", b"REPT(&quot;x&quot;,40000)", b"RAND()", b"NOW()", b"1/0", b"NPER(0,0,0)",
    b"RANDARRAY(9,9)", b"", b"A1:B2 B2:C3", b"[1]Sheet1!A1", b"T[x]", b"&lt;", b"1E-400", b"0.1+0.2",
    b"CONVERT(1,2,3)",
]
NUMBERS = [
    b"0", b"-1", b"1", b"2", b"1e308", b"1E999", b"NaN", b"inf", b"1048577", b"16385", b"99999999999999999999", b"A0",
    b"XFE1", b"A1048577", b"A1:A1048576", b"A1:XFD1048576", b"B2", b"str", b"s", b"e", b"d", b"b", b"inlineStr", b"x",
    b"shared", b"array", b"dataTable", b"true", b"",
]
TAG = re.compile(rb"<([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+=(?:\"[^\"]*\"|'[^']*'))*)\s*(/?)>")


def spoil(data: bytes, chance: random.Random) -> bytes:
    """Return data with a few bytes changed, dropped, doubled, put in or exchanged."""
    held = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if not held:
            break
        at = chance.randrange(len(held))
        way = chance.randrange(5)
        if way == 0:
            held[at] = chance.randrange(256)
        elif way == 1:
            del held[at:at + chance.randint(1, 40)]
        elif way == 2:
            held[at:at] = held[at:at + chance.randint(1, 60)]
        elif way == 3:
            held[at:at] = chance.choice(SNIPPETS)
        else:
            other = chance.randrange(len(held))
            held[at:at + 8], held[other:other + 8] = held[other:other + 8], held[at:at + 8]
    return bytes(held)


def rewritten(data: bytes, chance: random.Random) -> bytes:
    """Return XML that is still well-formed: elements, attributes, formulas and values changed, dropped or doubled."""
    for _ in range(chance.randint(1, 4)):
        tags = list(TAG.finditer(data))
        if not tags:
            break
        formulas = [tag for tag in tags if tag[1] == b"f"]
        tag = chance.choice(formulas if formulas and chance.random() < 0.4 else tags)
        way = 2 if tag[1] == b"f" and chance.random() < 0.6 else chance.randrange(6)
        given = list(re.finditer(rb"([\w:.-]+)=(\"[^\"]*\"|'[^']*')", tag[2]))
        end = data.find(b"</" + tag[1] + b">", tag.end())
        if way == 0 and given:  # an attribute's value
            one = chance.choice(given)
            start = tag.start(2)
            data = data[:start + one.start(2) + 1] + chance.choice(NUMBERS) + data[start + one.end(2) - 1:]
        elif way == 1 and given:  # an attribute goes
            one = chance.choice(given)
            data = data[:tag.start(2) + one.start()].rstrip() + data[tag.start(2) + one.end():]
        elif way == 2 and end >= 0 and b"<" not in data[tag.end():end]:  # a text
            new = chance.choice(FORMULAS if tag[1].endswith(b"f") or chance.random() < 0.3 else NUMBERS)
            data = data[:tag.end()] + new + data[end:]
        elif way in (3, 4):  # a whole element goes, or comes twice
            stop = tag.end() if tag[3] else end + len(tag[1]) + 3
            if stop > tag.start() and (tag[3] or end >= 0):
                whole = data[tag.start():stop]
                data = data[:stop] + (whole if way == 3 else b"") + data[stop:] if way == 3 else \
                    data[:tag.start()] + data[stop:]
        elif way == 5:  # two elements of the same name change places
            twins = [other for other in tags
                     if other[1] == tag[1] and other[3] and tag[3] and other.start() != tag.start()]
            if twins:
                first, second = sorted((tag, chance.choice(twins)), key=lambda one: one.start())
                data = (data[:first.start()] + second[0] + data[first.end():second.start()] + first[0]
                        + data[second.end():])
    return data


class Spoiler:
    """One workbook and the spoiled copies that can be made of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole = path.read_bytes()
        with zipfile.ZipFile(path) as package:
            self.parts = {name: package.read(name) for name in package.namelist()}
        self.names = [name for name in self.parts if name.endswith((".xml", ".rels"))]
        # Sheets, strings, the workbook and its relations are what is read: they are spoiled more often.
        self.read = [name for name in self.names if "worksheets" in name or "tables" in name
                     or name.rpartition("/")[2] in ("workbook.xml", "sharedStrings.xml", "workbook.xml.rels")]

    def copy(self, chance: random.Random, part: str | None = None) -> bytes:
        """Return a spoiled copy: of the zip as bytes ("zip"), of one part, or of whatever chance decides."""
        if part is None:
            kind = chance.random()
            part = "zip" if kind < 0.15 else chance.choice(self.read if kind < 0.9 and self.read else self.names)
        if part == "zip":
            return spoil(self.whole, chance)
        change = rewritten if chance.random() < 0.6 else spoil
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
            for name, content in self.parts.items():
                package.writestr(name, change(content, chance) if name == part else content)
        return buffer.getvalue()


def _calc(path: Path, saved: Path, chance: random.Random) -> None:
    book = sheetprop.open(path, max_bytes=50_000_000)
    book.calculate()
    repr(book)
    book.save(saved)
    held = sheetprop.open(saved).stored()
    for sheet in book:
        for row, column, value, formula in sheet.cells():
            if formula is None or value is None:
                continue
            kept = held[sheet.name].get((row, column))
            newer = isinstance(value, ExcelError) and kept == "#VALUE!"
            text = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            if kept != value and not newer and kept != text:
                raise ValueError(f"{sheet.name} {row},{column}: {value!r} was saved as {kept!r}")


def _places(book: Any, chance: random.Random) -> tuple[str, str]:
    """Return a constant and a formula of a book, or any two cells."""
    constants, formulas = ["A1"], ["B2"]
    sheet = chance.choice(list(book))
    for row, column, value, formula in itertools.islice(sheet.cells(), 400):
        if formula is not None:
            formulas.append(address(row, column))
        elif isinstance(value, float):
            constants.append(address(row, column))
    name = sheet.name.replace("'", "''")
    return f"'{name}'!{chance.choice(constants)}", f"'{name}'!{chance.choice(formulas)}"


def _explain(path: Path, saved: Path, chance: random.Random) -> None:
    book = sheetprop.open(path, max_bytes=50_000_000)
    constant, formula = _places(book, chance)
    str(book.explain(formula, depth=2))
    book.precedents(formula)
    book.dependents(constant, all=chance.random() < 0.5)


def _what_if(path: Path, saved: Path, chance: random.Random) -> None:
    book = sheetprop.open(path, max_bytes=50_000_000)
    constant, formula = _places(book, chance)
    given = chance.choice(["0,1", "-1:1:5", "1e308", '"text"'])
    commands.run_what_if(str(path), [f"{constant}={given}"], [formula], output=None, force=False)


def _grad(path: Path, saved: Path, chance: random.Random) -> None:
    book = sheetprop.open(path, max_bytes=50_000_000)
    constant, formula = _places(book, chance)
    commands.run_grad(str(path), formula, [constant], as_json=chance.random() < 0.5)


def _goal(path: Path, saved: Path, chance: random.Random) -> None:
    book = sheetprop.open(path, max_bytes=50_000_000)
    constant, formula = _places(book, chance)
    book.goal_seek(formula, chance.choice([0.0, 1.0, -1e9]), constant)


def _check(path: Path, saved: Path, chance: random.Random) -> None:
    commands.run_calc(str(path), check=True, max_bytes=50_000_000, as_json=chance.random() < 0.5)


def _frame(path: Path, saved: Path, chance: random.Random) -> None:
    book = sheetprop.open(path, max_bytes=50_000_000)
    for sheet in itertools.islice(book, 3):
        rows, columns = sheet.extent
        if rows * columns < 20_000:
            sheet.frame()
    book.set(_places(book, chance)[chance.randrange(2)], chance.choice([1.5, "=A1+1", "text", None, "5%"]))
    book.copy().save(saved)
    sheetprop.open(saved)


COMMANDS: dict[str, tuple[int, Callable[[Path, Path, random.Random], None]]] = {
    "calc": (8, _calc), "check": (2, _check), "explain": (2, _explain), "what-if": (2, _what_if), "grad": (2, _grad),
    "goal-seek": (1, _goal), "frame": (2, _frame),
    "audit": (2, lambda path, saved, chance: str(sheetprop.audit(path)) and None),
    "values": (1, lambda path, saved, chance: sheetprop.values(path) and None),
    "diff": (1, lambda path, saved, chance: sheetprop.diff(path, path) and None),
    "verify": (1, lambda path, saved, chance: sheetprop.verify(path) and None),
}


def survives(path: Path, saved: Path, chance: random.Random) -> str:
    """Give a file to a command, which may fail, but only by our own error of one line; return its name."""
    name = chance.choices(list(COMMANDS), [weight for weight, _ in COMMANDS.values()])[0]
    try:
        COMMANDS[name][1](path, saved, chance)
    except SheetpropError as error:
        if "\n" in str(error):
            raise ValueError(f"an error of several lines: {error}") from error
    except Exception as error:
        error.add_note(f"by {name}")
        raise
    return name


@contextlib.contextmanager
def limited(seconds: int = SECONDS) -> Iterator[None]:
    """Raise TimeoutError when the body takes too long."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"a spoiled file took longer than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def rounds(paths: list[Path], count: int, folder: Path, seed: int = 0, part: str | None = None) -> list[str]:
    """Run rounds over files; return what went wrong, with the place of each file that did it."""
    wrong: list[str] = []
    spoilers = [Spoiler(path) for path in paths]
    target, saved = folder / "spoiled.xlsx", folder / "saved.xlsx"
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        spoiler = spoilers[number % len(spoilers)]
        target.write_bytes(spoiler.copy(chance, part))
        try:
            with limited():
                survives(target, saved, chance)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
            if grown > MEMORY:
                raise MemoryError(f"{grown} KiB more than at the start")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            kept = folder / f"wrong-{seed}-{number}.xlsx"
            shutil.copy(target, kept)
            notes = " ".join(getattr(error, "__notes__", []))
            wrong.append(f"{spoiler.path.name}, round {number}: {type(error).__name__}: {error} {notes} ({kept})")
            if isinstance(error, MemoryError):
                start += MEMORY
    return wrong


def own_files(folder: Path) -> list[Path]:
    """Write small workbooks of many kinds to be spoiled: ours, and one with a table, arrays, names and dates."""
    import datetime

    import openpyxl
    from openpyxl.workbook.defined_name import DefinedName
    from openpyxl.worksheet.formula import ArrayFormula
    from openpyxl.worksheet.table import Table

    sheetprop.build(sheetprop.spec(learning_rates=[0.5], iterations=4), folder / "own.xlsx")
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (("Item", "Price", "Day"), ("a", 1.5, datetime.date(2026, 1, 2)), ("b", 2, datetime.date(2026, 3, 4))):
        sheet.append(row)
    sheet.add_table(Table(displayName="T", ref="A1:C3"))
    sheet["E1"], sheet["E2"], sheet["E3"] = "=SUM(T[Price])", "=B2*rate", "=VLOOKUP(\"b\",A1:B3,2,FALSE)"
    sheet["F1"] = ArrayFormula("F1:F2", "=B2:B3*2")
    sheet["G1"], sheet["G2"], sheet["G3"] = "=G2", "=IF(G3>1,G1,5)", "=INDEX(B:B,3)"
    for row in range(5, 30):
        sheet[f"A{row}"], sheet[f"B{row}"] = row, f"=A{row}*2+B{row - 1}"
        sheet[f"C{row}"] = f"=IF(B{row}>9,\"x\",EXP(A{row}))"
    sheet["H1"], sheet["H2"] = "=RAND()+NOW()", "=OFFSET(A5,H3,0)&INDIRECT(\"B\"&5)"
    book.create_sheet("Other")["A1"] = f"='{sheet.title}'!B29+1"
    book.defined_names["rate"] = DefinedName("rate", attr_text=f"'{sheet.title}'!$B$2")
    book.save(folder / "kinds.xlsx")
    return [folder / "own.xlsx", folder / "kinds.xlsx"]


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    files = [Path(name) for name in sys.argv[3:]] or own_files(place)
    found = rounds(files, int(sys.argv[2]), place, int(sys.argv[1]))
    sys.stdout.write(("\n".join(found) or f"{sys.argv[2]} rounds, nothing but our own errors") + "\n")
    sys.exit(bool(found))
