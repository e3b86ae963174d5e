"""Two charts: bars of probabilities, and a line over steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from sheetprop.workbook.style import INK, MUTED, SERIES

_SPACES = ('xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
           'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
           'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"')


@dataclass(frozen=True)
class Chart:
    """A chart on a sheet.

    Attributes:
        kind: ``bar`` or ``line``.
        title: above it.
        categories, values: references, and what stands there.
        place: first column, first row, last column, last row, from 0.
        axes: what the axes show.
    """

    kind: str
    title: str
    categories: tuple[str, Sequence[float | str]]
    values: tuple[str, Sequence[float]]
    place: tuple[int, int, int, int]
    axes: tuple[str, str]

    def frame(self, number: int) -> str:
        """Return the anchor in the drawing; `number` is also that of its relation."""
        c0, r0, c1, r1 = self.place
        return (f"<xdr:twoCellAnchor><xdr:from><xdr:col>{c0}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{r0}</xdr:row>"
                f"<xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>{c1}</xdr:col><xdr:colOff>0</xdr:colOff>"
                f"<xdr:row>{r1}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to><xdr:graphicFrame macro=\"\">"
                f'<xdr:nvGraphicFramePr><xdr:cNvPr id="{number + 1}" name="Chart {number}" '
                f'descr="{escape(self.title)}"/>'
                "<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>"
                '<xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm><a:graphic>'
                '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
                '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
                f'r:id="rId{number}"/></a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/>'
                "</xdr:twoCellAnchor>")

    def xml(self) -> str:
        """Return the part, with the values that it shows."""
        colour = SERIES[0]
        points = "".join(f'<c:pt idx="{k}"><c:v>{v!r}</c:v></c:pt>' for k, v in enumerate(self.values[1])
                         if math.isfinite(v))
        values = (f"<c:f>{escape(self.values[0])}</c:f><c:numCache><c:formatCode>General</c:formatCode>"
                  f'<c:ptCount val="{len(self.values[1])}"/>{points}</c:numCache>')
        names = "".join(f'<c:pt idx="{k}"><c:v>{escape(str(v))}</c:v></c:pt>' for k, v in enumerate(self.categories[1]))
        numeric = all(isinstance(v, int | float) for v in self.categories[1])
        tag = "num" if numeric else "str"
        code = "<c:formatCode>General</c:formatCode>" if numeric else ""
        categories = (f"<c:{tag}Ref><c:f>{escape(self.categories[0])}</c:f><c:{tag}Cache>{code}"
                      f'<c:ptCount val="{len(self.categories[1])}"/>{names}</c:{tag}Cache></c:{tag}Ref>')
        if self.kind == "bar":
            fill = (f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr>'
                    '<c:invertIfNegative val="0"/>')
            body = ('<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/><c:ser>'
                    f'<c:idx val="0"/><c:order val="0"/>{fill}<c:cat>{categories}</c:cat><c:val><c:numRef>{values}'
                    '</c:numRef></c:val></c:ser><c:gapWidth val="40"/><c:axId val="1"/><c:axId val="2"/></c:barChart>'
                    + _axis("catAx", 1, 2, "b", self.axes[0]) + _axis("valAx", 2, 1, "l", self.axes[1], 0.0, 1.0))
        else:
            line = (f'<c:spPr><a:ln w="22225"><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></a:ln></c:spPr>'
                    '<c:marker><c:symbol val="none"/></c:marker>')
            body = ('<c:scatterChart><c:scatterStyle val="lineMarker"/><c:varyColors val="0"/><c:ser><c:idx val="0"/>'
                    f'<c:order val="0"/>{line}<c:xVal>{categories}</c:xVal><c:yVal><c:numRef>{values}</c:numRef>'
                    '</c:yVal><c:smooth val="0"/></c:ser><c:axId val="1"/><c:axId val="2"/></c:scatterChart>'
                    + _axis("valAx", 1, 2, "b", self.axes[0]) + _axis("valAx", 2, 1, "l", self.axes[1]))
        return (f"<c:chartSpace {_SPACES}><c:roundedCorners val=\"0\"/><c:chart>{_title(self.title, 1200)}"
                f'<c:autoTitleDeleted val="0"/><c:plotArea><c:layout/>{body}</c:plotArea><c:plotVisOnly val="1"/>'
                '<c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>')


def _title(text: str, size: int) -> str:
    return ("<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr>"
            f'<a:defRPr sz="{size}" b="0"/></a:pPr><a:r><a:rPr lang="en-US" sz="{size}" b="0"><a:solidFill>'
            f'<a:srgbClr val="{INK}"/></a:solidFill></a:rPr><a:t>{escape(text)}</a:t></a:r></a:p></c:rich></c:tx>'
            '<c:overlay val="0"/></c:title>')


def _axis(tag: str, key: int, other: int, side: str, title: str, low: float | None = None,
          high: float | None = None) -> str:
    ends = "" if high is None or low is None else f'<c:max val="{high:g}"/><c:min val="{low:g}"/>'
    grid = ""
    if side == "l":
        grid = ('<c:majorGridlines><c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="E4E8ED"/></a:solidFill></a:ln>'
                "</c:spPr></c:majorGridlines>")
    return (f'<c:{tag}><c:axId val="{key}"/><c:scaling><c:orientation val="minMax"/>{ends}</c:scaling>'
            f'<c:delete val="0"/><c:axPos val="{side}"/>{grid}{_title(title, 900)}'
            '<c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="out"/><c:minorTickMark val="none"/>'
            '<c:tickLblPos val="low"/><c:spPr><a:ln w="6350"><a:solidFill>'
            f'<a:srgbClr val="{MUTED}"/></a:solidFill></a:ln>'
            f'</c:spPr><c:crossAx val="{other}"/><c:crosses val="autoZero"/></c:{tag}>')
