"""Random formulas over all operators and functions, and the sheet of mixed data that they read."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

ROWS = 12
# Name -> what its arguments are: n number, t text, b condition, v anything, a range of numbers,
# m range of mixed values, x whole number from 1 to 4, s share between 0 and 1, d date, c criterion,
# r a second range like the first; * repeats the last one up to three times.


def _each(names: str, *kinds: str) -> dict[str, list[str]]:
    return {name: list(kinds) for name in names.split()}


FUNCTIONS = {
    **_each("ABS SIGN INT EXP SQRT LN LOG10 SIN COS TAN ASIN ACOS ATAN SINH COSH TANH ASINH ACOSH ATANH "
                    "DEGREES RADIANS EVEN ODD FACT ISEVEN ISODD SEC CSC COT ERF ERFC GAMMALN NORMSDIST", "n"),
    **_each("POWER ROUND ROUNDUP ROUNDDOWN MOD QUOTIENT ATAN2 LOG COMBIN GCD LCM MROUND CEILING FLOOR "
                    "TRUNC BITAND BITOR DELTA GESTEP", "nn", "nx"),
    **_each("SUM PRODUCT SUMSQ AVERAGE MIN MAX COUNT COUNTA MEDIAN STDEV STDEVP VAR VARP DEVSQ AVEDEV "
                    "AVERAGEA MINA MAXA MODE GEOMEAN HARMEAN SKEW KURT VAR.S STDEV.P",
            "a", "an", "m", "nn", "mv"),
    "COUNTBLANK": ["m"], "SUMPRODUCT": ["a", "ar", "m"], "LARGE": ["ax"], "SMALL": ["ax"], "RANK": ["na", "nax"],
    "PERCENTILE": ["as"], "QUARTILE": ["ax"], "PERCENTRANK": ["an"],
    **_each("CORREL SLOPE INTERCEPT RSQ COVAR STEYX SUMXMY2 SUMX2MY2 SUMX2PY2", "ar"),
    "FORECAST": ["nar"], "NORMDIST": ["nnnb"], "NORMSINV": ["s"], "NORMINV": ["snn"], "STANDARDIZE": ["nnn"],
    "COUNTIF": ["mc", "ac"], "SUMIF": ["ac", "acr"], "AVERAGEIF": ["ac", "acr"],
    "COUNTIFS": ["acrc"], "SUMIFS": ["arcrc", "arc"], "AVERAGEIFS": ["arc"], "MAXIFS": ["arc"], "MINIFS": ["arc"],
    "IF": ["bvv", "bnn", "bv"], "IFERROR": ["vv"], "IFNA": ["vv"], "AND": ["bb", "m", "bv"], "OR": ["bb", "m", "bv"],
    "NOT": ["b", "v"], "XOR": ["bb"], "CHOOSE": ["xvvvv", "xn"], "IFS": ["bvbv"], "SWITCH": ["xnvnv", "xxvv"],
    "INDEX": ["axx", "mx", "mxx"], "MATCH": ["nak", "vmk"], "VLOOKUP": ["naxb", "vmxf"], "HLOOKUP": ["naxf"],
    "LOOKUP": ["na"], "XLOOKUP": ["vgh", "nghv"], "ROW": ["a", ""], "COLUMN": ["a", ""],
    "ROWS": ["a"], "COLUMNS": ["m"],
    "ISNUMBER": ["v"], "ISTEXT": ["v"], "ISBLANK": ["v"], "ISLOGICAL": ["v"], "ISERROR": ["v"], "ISNA": ["v"],
    "ISERR": ["v"], "ISNONTEXT": ["v"], "N": ["v"], "T": ["v"], "TYPE": ["v"], "ERROR.TYPE": ["v"],
    "LEN": ["t", "v"], "LEFT": ["tx", "vx"], "RIGHT": ["tx", "t"], "MID": ["txx"], "UPPER": ["t"], "LOWER": ["t"],
    "PROPER": ["t"], "TRIM": ["t"], "CLEAN": ["t"], "REPT": ["tx"], "EXACT": ["tt", "tv"], "FIND": ["tt", "ttx"],
    "SEARCH": ["tt"], "SUBSTITUTE": ["ttt", "tttx"], "REPLACE": ["txxt"], "CONCATENATE": ["tv", "tnt"],
    "CONCAT": ["tv"], "TEXTJOIN": ["tbtt"], "VALUE": ["v"], "CHAR": ["n"], "CODE": ["t"], "FIXED": ["nx"],
    "TEXT": ["n0"], "DATE": ["nnn"], "YEAR": ["d"], "MONTH": ["d"], "DAY": ["d"], "WEEKDAY": ["d", "dx"],
    "EDATE": ["dx"], "EOMONTH": ["dx"], "DAYS": ["dd"], "DAYS360": ["dd", "ddb"], "HOUR": ["n"], "MINUTE": ["n"],
    "SECOND": ["n"], "TIME": ["xnn"], "DATEVALUE": ["t"], "NETWORKDAYS": ["dd"], "WORKDAY": ["dx"],
    "WEEKNUM": ["d"], "ISOWEEKNUM": ["d"], "YEARFRAC": ["dd", "ddx"],
    "PMT": ["nnn"], "FV": ["nnn"], "PV": ["nnn"], "NPV": ["na"], "SLN": ["nnn"], "SUBTOTAL": ["9a"],
    "ADDRESS": ["xx", "xxx"], "SUMPRODUCT_": ["i"], "LINEST": ["ij"], "TRANSPOSE": ["ij"], "MMULT": ["ij"],
}
FORMATS = ["0", "0.00", "#,##0", "#,##0.0", "0%", "0.0%", "0.00E+00", "000", "#.##", "0.0#", "$0.00", "General",
           "yyyy-mm-dd", "hh:mm:ss", "0;(0)", "0;-0;\\z", "d mmm yy", "#,##0.00;[Red]-#,##0.00"]
CRITERIA = ['">1"', '"<=2"', '"<>0"', "2", '"=3"', '"a*"', '"?b*"', '"apple"', '"<>apple"', '">b"', "TRUE", '""',
            '"<>"', '"="', "0.5", '"2"']
OPERATORS = ["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">", "<=", ">="]


class FormulaWriter:
    """Draws formulas over the sheet Data; `mixed` says how often an operand may be of any type."""

    def __init__(self, seed: int, mixed: float = 0.15) -> None:
        self.chance = random.Random(seed)
        self.mixed = mixed

    def cell(self, columns: str) -> str:
        marks = self.chance.choice(["", "", "$"]), self.chance.choice(["", "", "$"])
        sheet = self.chance.choice(["Data!", "'Data'!"])
        return f"{sheet}{marks[0]}{self.chance.choice(columns)}{marks[1]}{self.chance.randint(1, ROWS)}"

    def area(self, columns: str) -> str:
        left = self.chance.randrange(len(columns))
        right = self.chance.randrange(left, len(columns))
        top = self.chance.randint(1, ROWS - 1)
        bottom = self.chance.randint(top + 1, ROWS)
        if self.chance.random() < 0.04:
            return f"Data!{columns[left]}:{columns[right]}"
        return f"Data!{columns[left]}{top}:{columns[right]}{bottom}"

    def number(self, depth: int) -> str:
        if self.chance.random() < self.mixed:
            return self.anything(depth)
        if depth <= 0 or self.chance.random() < 0.3:
            return self.chance.choice([self.cell("ABCD"), self.cell("ABCD"), str(self.chance.randint(0, 9)),
                                       f"{self.chance.uniform(0, 3):.2f}", f"-{self.chance.randint(1, 5)}"])
        kind = self.chance.random()
        if kind < 0.4:
            a, b = self.number(depth - 1), self.number(depth - 1)
            return self.chance.choice([f"({a}{self.chance.choice('+-*/^')}{b})", f"-{a}^2", f"({a})%", f"-({a})",
                                       f"({a}{self.chance.choice('+-*')}{b})"])
        return self.call(self.chance.choice(["ABS", "INT", "SUM", "MAX", "ROUND", "IF", "COUNT", "AVERAGE", "MOD",
                                             "LEN", "ATAN", "INDEX", "SUMIF", "MIN"]), depth)

    def text(self, depth: int) -> str:
        if self.chance.random() < self.mixed:
            return self.anything(depth)
        if depth <= 0 or self.chance.random() < 0.4:
            return self.chance.choice(['"abc"', '"x y"', '"Ü"', '""', self.cell("E"), self.cell("E"), '"a b  c"'])
        if self.chance.random() < 0.4:
            return f"{self.text(depth - 1)}&{self.text(depth - 1)}"
        return self.call(self.chance.choice(["UPPER", "LEFT", "MID", "TRIM", "SUBSTITUTE", "REPT", "PROPER"]), depth)

    def condition(self, depth: int) -> str:
        if self.chance.random() < self.mixed:
            return self.anything(depth)
        if depth <= 0 or self.chance.random() < 0.2:
            return self.chance.choice(["TRUE", "FALSE", self.cell("ABCD"), "1", "0"])
        sign = self.chance.choice(["=", "<>", "<", ">", "<=", ">="])
        if self.chance.random() < 0.25:
            return f"({self.text(depth - 1)}{sign}{self.text(depth - 1)})"
        return f"({self.number(depth - 1)}{sign}{self.number(depth - 1)})"

    def anything(self, depth: int) -> str:
        if depth <= 0 or self.chance.random() < 0.5:
            return self.chance.choice([self.cell("F"), self.cell("F"), self.cell("E"), self.cell("A"), '"7"', "TRUE",
                                       '"1e2"', "NA()", "1/0", '"abc"', self.cell("G"), "Data!Z99"])
        return self.chance.choice([self.number, self.text, self.condition])(depth - 1)

    def argument(self, kind: str, depth: int, areas: list[str]) -> str:
        if kind in "arm":
            if kind == "r" and areas:  # of the same shape, one column to the right where there is room
                first, last = areas[0].removeprefix("Data!").split(":")
                step = 0 if last[0] == "D" else 1
                return f"Data!{chr(ord(first[0]) + step)}{first[1:]}:{chr(ord(last[0]) + step)}{last[1:]}"
            areas.append(self.area("ABCD" if kind in "ar" else "ABCDEF"))
            return areas[-1]
        if kind == "i":
            return self.chance.choice(["(Data!A1:A12>1)*Data!B1:B12", "Data!A1:A12*Data!B1:B12", "--(Data!C1:C12>0)"])
        makers: dict[str, Callable[[], str]] = {
            "n": lambda: self.number(depth - 1), "t": lambda: self.text(depth - 1),
            "b": lambda: self.condition(depth - 1),
            "v": lambda: self.chance.choice([self.anything, self.number, self.text])(depth - 1),
            "x": lambda: str(self.chance.randint(1, 4)), "s": lambda: f"{self.chance.random():.3f}",
            "d": lambda: self.chance.choice([self.cell("G"), str(self.chance.randint(36526, 47000))]),
            "c": lambda: self.chance.choice(CRITERIA), "k": lambda: "0", "f": lambda: "FALSE",
            "0": lambda: f'"{self.chance.choice(FORMATS)}"', "9": lambda: str(self.chance.randint(1, 11)),
            "g": lambda: "Data!A1:A12", "h": lambda: "Data!B1:B12",
        }
        return makers[kind]()

    def call(self, name: str, depth: int) -> str:
        if name in ("LINEST", "TRANSPOSE", "MMULT", "SUMPRODUCT_"):
            return self.matrix(name)
        areas: list[str] = []
        arguments = [self.argument(kind, depth, areas) for kind in self.chance.choice(FUNCTIONS[name])]
        return f"{PREFIX.get(name, '')}{name}({','.join(arguments)})"

    def matrix(self, name: str) -> str:
        top = self.chance.randint(1, 6)
        if name == "LINEST":
            return f"INDEX(LINEST(Data!H{top}:H{top + 5},Data!I{top}:I{top + 5}),{self.chance.randint(1, 2)})"
        if name == "TRANSPOSE":
            return f"SUMPRODUCT(TRANSPOSE(Data!C{top}:C{top + 3}))"
        if name == "MMULT":
            return f"SUMPRODUCT(MMULT(Data!H{top}:I{top + 1},Data!H{top + 2}:I{top + 3}))"
        return f"SUMPRODUCT({self.argument('i', 1, [])})"

    def formula(self, name: str | None = None, depth: int = 3) -> str:
        """Return one formula: of the function `name`, or of random operators and functions."""
        if name is None:
            if self.chance.random() < 0.5:
                sign = self.chance.choice(OPERATORS)
                return f"={self.anything(2) if self.chance.random() < 0.3 else self.number(2)}{sign}{self.number(2)}"
            name = self.chance.choice(list(FUNCTIONS))
        return "=" + self.call(name, depth)


PREFIX = dict.fromkeys(("IFNA", "IFS", "SWITCH", "MAXIFS", "MINIFS", "XLOOKUP", "CONCAT", "TEXTJOIN", "VAR.S",
                        "STDEV.P", "XOR", "SEC", "CSC", "COT", "DAYS", "ISOWEEKNUM", "BITAND", "BITOR"), "_xlfn.")


def write_data(sheet: Any, chance: random.Random) -> None:
    """Fill the sheet Data: four columns of numbers with blanks, text, mixed values, dates."""
    for row in range(1, ROWS + 1):
        for column in range(1, 5):
            if chance.random() < 0.92:
                sheet.cell(row, column, round(chance.uniform(-3, 5), chance.randint(0, 3)))
        sheet.cell(row, 5, chance.choice(["apple", "Banana", "b", "x y", "12", "apple pie", "ab*", " pad ", "ÄÖ"]))
        mixed = chance.choice([1, 2.5, "text", "3.5", True, False, None, "=1/0", "=NA()", -7, "TRUE", ""])
        if mixed is not None:
            sheet.cell(row, 6, mixed)
        sheet.cell(row, 8, round(chance.uniform(-3, 5), 2))
        sheet.cell(row, 9, round(chance.uniform(-3, 5), 2))
        sheet.cell(row, 7, chance.randint(36526, 47000) + chance.choice([0, 0.25, 0.5]))


def write_book(path: Path, seed: int, count: int, mixed: float = 0.15) -> list[str]:
    """Write a workbook with `count` random formulas in column A of the sheet F; return them, row by row."""
    chance = random.Random(seed)
    book = openpyxl.Workbook()
    data = book.active
    assert data is not None
    data.title = "Data"
    write_data(data, chance)
    page = book.create_sheet("F")
    writer = FormulaWriter(seed, mixed)
    names = list(FUNCTIONS)
    formulas = [writer.formula(names[at // 2 % len(names)] if at % 2 else None) for at in range(count)]
    for row, formula in enumerate(formulas, start=1):
        page.cell(row, 1, formula)
    book.save(path)
    return formulas
