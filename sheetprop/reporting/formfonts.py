"""The fonts of the drawings in a PDF: which glyphs are used, how wide a text is, and the font objects themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetprop.reporting.cache import digest
from sheetprop.reporting.typefaces import OTHER, REGULAR, Face, subset


class Fonts:
    """The fonts of all drawings."""

    def __init__(self) -> None:
        self._loaded: dict[Face, Font] = {}

    def _font(self, face: Face) -> Font:
        if face not in self._loaded:
            self._loaded[face] = Font(f"S{len(self._loaded)}", face)
        return self._loaded[face]

    def runs(self, face: Face, text: str) -> list[tuple[Font, str]]:
        """Cut a text where the font lacks a character; the last font writes what no other has."""
        font = self._font(face)
        if all(character in font.advances for character in text):
            return [(font, text)]
        wanted = [font, self._font(REGULAR), self._font(OTHER)]
        runs: list[tuple[Font, str]] = []
        for character in text:
            font = next((one for one in wanted if character in one.advances), wanted[-1])
            if runs and runs[-1][0] is font:
                runs[-1] = (font, runs[-1][1] + character)
            else:
                runs.append((font, character))
        return runs

    def reduced(self) -> tuple[Reduced, ...]:
        """Return the fonts that are used, reduced to what is used."""
        return tuple(font.reduced() for font in self._loaded.values() if font.used)


@dataclass(frozen=True)
class Reduced:
    """What a PDF holds of a font.

    Attributes:
        name: in the drawings.
        file: the font file with the outlines of the used glyphs only; their numbers stay.
        base: the name of the font.
        described: its measures, in thousandths of an em.
        widths: of the used glyphs, by number.
        used: the character of each used glyph.
    """

    name: str
    file: bytes
    base: str
    described: dict[str, int | list[int]]
    widths: dict[int, int]
    used: dict[int, str]

    def add_to(self, pdf: Any) -> Any:
        """Add the font to a `pydyf.PDF` and return its reference."""
        import pydyf

        def added(item: Any) -> Any:
            pdf.add_object(item)
            return item.reference

        descriptor = added(pydyf.Dictionary({
            "Type": "/FontDescriptor", "FontName": self.base,
            **{key: pydyf.Array(value) if isinstance(value, list) else value for key, value in self.described.items()},
            "FontFile2": added(pydyf.Stream([self.file], {"Length1": len(self.file)}, compress=True))}))
        widths = [item for number, width in self.widths.items() for item in (number, pydyf.Array((width,)))]
        described = added(pydyf.Dictionary({
            "Type": "/Font", "Subtype": "/CIDFontType2", "BaseFont": self.base, "CIDToGIDMap": "/Identity",
            "CIDSystemInfo": pydyf.Dictionary({
                "Registry": pydyf.String("Adobe"), "Ordering": pydyf.String("Identity"), "Supplement": 0}),
            "W": pydyf.Array(widths), "FontDescriptor": descriptor}))
        return added(pydyf.Dictionary({
            "Type": "/Font", "Subtype": "/Type0", "BaseFont": self.base, "Encoding": "/Identity-H",
            "DescendantFonts": pydyf.Array((described,)),
            "ToUnicode": added(pydyf.Stream([_to_unicode(self.used)], compress=True))}))


@dataclass
class Font:
    """One font.

    Attributes:
        name: in the drawings.
        face: where it is.
        used: characters written so far, by the number of their glyph.
        advances: width of each character that the font has, in em.
    """

    name: str
    face: Face
    used: dict[int, str] = field(default_factory=dict)
    advances: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from fontTools.ttLib import TTFont

        self._file = TTFont(self.face.path, lazy=True)
        self._unit = 1 / self._file["head"].unitsPerEm
        widths, order = self._file["hmtx"].metrics, self._file.getReverseGlyphMap()
        glyphs = {chr(code): name for code, name in self._file.getBestCmap().items()}
        self.advances = {character: widths[name][0] * self._unit for character, name in glyphs.items()}
        self._numbers = {character: order[name] for character, name in glyphs.items()}

    def width(self, text: str) -> float:
        """Return the width of a text in em."""
        return sum(self.advances.get(character, 0.6) for character in text)

    def encode(self, text: str) -> str:
        """Return the numbers of a text's glyphs in hexadecimal digits, 0 where the font has none."""
        numbers = []
        for character in text:
            number = self._numbers.get(character, 0)
            self.used.setdefault(number, character)
            numbers.append(f"{number:04x}")
        return "".join(numbers)

    def reduced(self) -> Reduced:
        """Return what a PDF needs of the font."""
        def em(value: float) -> int:
            return round(float(value * self._unit * 1000))

        file = self._subset()
        tag = "".join(chr(65 + int(digit, 16)) for digit in digest(file)[:6])
        head, across = self._file["head"], self._file["hhea"]
        names, metrics = self._file.getGlyphOrder(), self._file["hmtx"].metrics
        return Reduced(
            self.name, file, f"/{tag}+{self.face.path.stem}",
            {"Flags": 5 if self.face.family.endswith("Mono") else 4,
             "FontBBox": [em(value) for value in (head.xMin, head.yMin, head.xMax, head.yMax)],
             "ItalicAngle": round(self._file["post"].italicAngle), "Ascent": em(across.ascent),
             "Descent": em(across.descent), "CapHeight": em(getattr(self._file["OS/2"], "sCapHeight", across.ascent)),
             "StemV": 80},
            {number: em(metrics[names[number]][0]) for number in sorted(self.used)}, dict(self.used))

    def _subset(self) -> bytes:
        """Return the font file with the outlines of the used glyphs only; their numbers stay."""
        return subset(self.face.path, {"gids": [0, *self.used]}, retain_gids=True, layout_features=[],
                      glyph_names=False, drop_tables=["GSUB", "GPOS", "GDEF", "FFTM", "DSIG"])


def _to_unicode(used: dict[int, str]) -> bytes:
    """Return the table that says which character a glyph stands for, so that text can be found and copied."""
    entries = [f"<{number:04x}> <{character.encode('utf-16-be').hex()}>" for number, character in sorted(used.items())]
    lines = ["/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
             "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
             "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
             "1 begincodespacerange <0000> <ffff> endcodespacerange"]
    for start in range(0, len(entries), 100):
        block = entries[start:start + 100]
        lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    return "\n".join([*lines, "endcmap CMapName currentdict /CMap defineresource pop end end"]).encode()
