"""The sheet Start: what this is, the layers as a table with links, the graph, results, the legend."""

from __future__ import annotations

from xml.sax.saxutils import escape

import sheetprop
from sheetprop.modules.learning import DATA, LOSS, OPTIMIZER
from sheetprop.modules.tensors import Layer
from sheetprop.workbook.exported.datapage import log_shares
from sheetprop.workbook.exported.layout import CHECK
from sheetprop.workbook.exported.package import Sheet
from sheetprop.workbook.exported.pages import FILLS, SAYING, SMALL, Rendering
from sheetprop.workbook.style import BODY, GROUP_FILL, HEAD, HEADING, INK, LINKED, MUTED, SECTION, Look

_LEGEND = (("input", "what goes in, and settings: change them"), ("parameter", "weights and statistics: change them"),
           ("forward", "forward pass: what each layer gives"), ("gradient", "gradients: ∂L/∂ of what stands above"),
           ("update", "after one step of the optimizer"), ("working", "on the way: sums that several formulas read"))


def start_page(book: Rendering, verdict: str) -> None:
    """Write the sheet; `verdict` is the reference of the verdict of the check."""
    sheet = book.sheet("Start")
    program, learning = book.spec.program, book.learning
    sheet.grid = False
    sheet.text(1, 1, f"{program.title}, cell by cell", HEADING)
    sheet.heights[1] = 28
    count = sum(len(texts) for texts in book.formulas.values())
    back = ("forward pass, gradients and one step of " + learning.optimizer.name if learning.optimizer
            else "forward pass only")
    sheet.text(2, 1, f"{book.spec.source or program.title}: {back}; {count:,} live formulas, made by sheetprop "
               f"{sheetprop.__version__} and checked against PyTorch. "
               f"Dropout and batch normalisation as in {'training' if program.training else 'evaluation'}.", SAYING)
    row = _results(book, sheet, verdict)
    row = _layers(book, sheet, row + 1)
    row = _legend(sheet, row + 1)
    sheet.drawing, height = graph(book, row + 1)
    if sheet.drawing:
        sheet.text(row + 1, 1, "The graph", SECTION)
    for column, width in enumerate((6, 26, 22, 22, 13, 13, 60), start=1):
        sheet.widths[column] = width
    del height


def _results(book: Rendering, sheet: Sheet, verdict: str) -> int:
    learning = book.learning
    row = 4
    sheet.text(row, 1, "Results, live", SECTION)
    items: list[tuple[str, str, float | str, str]] = []
    if learning.loss is not None:
        page, cell = book.layout.address(learning.loss)
        items.append(("loss", f"{page}!{cell}", float(book.values[learning.loss]), "0.000000"))
    shares = log_shares(book)
    if shares is not None:
        area = book.layout.area(shares)
        name = book.layout.pages[area.sheet].name
        held = book.numbers(shares)
        items.append(("prediction", f"MATCH(MAX({name}!{area.ref}),{name}!{area.ref},0)-1", float(held.argmax()), "0"))
    items.append(("the check says", verdict, "agrees with PyTorch", "General"))
    for name, formula, value, code in items:
        row += 1
        sheet.text(row, 2, name, BODY)
        sheet.formula(row, 3, formula, value, Look(border=True, bold=True, number=code, align="left", indent=1))
    if any(block.name == "backward" for block in learning.d.blocks):
        page, cell = book.layout.address(learning.block("backward").first)
        row += 1
        sheet.link(row, 2, "backward on?", page, cell, LINKED)
        sheet.formula(row, 3, f'IF({page}!{cell}=0,"off","on")', "on", Look(border=True, align="left", indent=1))
        sheet.text(row, 4, "1 or 0 in the sheet Optimizer; off makes typing quick", SMALL)
    return row + 1


def _layers(book: Rendering, sheet: Sheet, row: int) -> int:
    sheet.text(row, 1, "Layers", SECTION)
    row += 1
    for column, title in enumerate(("#", "layer (link)", "kind", "gives", "parameters", "formulas", "equation"),
                                   start=1):
        sheet.text(row, column, title, HEAD)
    from sheetprop.modules.operations import main_rule

    total = cells_total = 0
    for number, layer in enumerate(_all_layers(book)):
        page = book.layout.pages[book.layout.index[layer.name]] if layer.name in book.layout.index else None
        areas = page.areas if page is not None else []
        row += 1
        parameters = sum(area.block.size for area in areas if area.block.role == "parameter")
        cells = sum(area.block.size for area in areas if not area.block.given)
        total, cells_total = total + parameters, cells_total + cells
        sheet.number(row, 1, float(number), Look(border=True, number="0", align="center"))
        if page is not None:
            sheet.link(row, 2, page.name, page.name, "A1", Look(border=True, colour=LINKED.colour, underline=True))
        else:
            sheet.text(row, 2, f"{layer.name}  (no cells)", Look(border=True, colour=MUTED))
        sheet.text(row, 3, layer.kind if layer.name not in (DATA, LOSS, OPTIMIZER) else layer.name.lower(), BODY)
        sheet.text(row, 4, " × ".join(str(n) for n in layer.shape) if layer.shape else "", BODY)
        sheet.number(row, 5, float(parameters), Look(border=True, number="#,##0"))
        sheet.number(row, 6, float(cells), Look(border=True, number="#,##0"))
        rule = main_rule(layer.operations)
        sheet.text(row, 7, rule.equation if rule else "", Look(border=True, size=9, font="Cambria", italic=True,
                                                               align="left", indent=1))
    row += 1
    sheet.text(row, 2, "in all", Look(bold=True))
    sheet.number(row, 5, float(total), Look(bold=True, number="#,##0"))
    sheet.number(row, 6, float(cells_total), Look(bold=True, number="#,##0"))
    row += 1
    sheet.link(row, 2, CHECK, CHECK, "A1", LINKED)
    sheet.text(row, 3, "every block against PyTorch", SMALL)
    return row + 1


def _legend(sheet: Sheet, row: int) -> int:
    sheet.text(row, 1, "Colours", SECTION)
    for role, words in _LEGEND:
        row += 1
        sheet.text(row, 2, role, Look(border=True, fill=GROUP_FILL[FILLS[role]]))
        sheet.text(row, 3, words, SAYING)
    row += 1
    sheet.text(row, 2, "colour scale", Look(border=True))
    sheet.text(row, 3, "blue below 0, white at 0, red above: numbers of a block as a picture", SAYING)
    return row + 1


def _all_layers(book: Rendering) -> list[Layer]:
    """Return data, every layer of the module, loss and optimizer."""
    own = [layer for layer in book.learning.d.layers if layer.name != LOSS]
    held = {page.name: page.layer for page in book.layout.pages if page.layer is not None}
    return [held[DATA], *own, *(held[name] for name in (LOSS, OPTIMIZER) if name in held)]


_ACROSS = 6
_WIDE, _HIGH, _GAP_X, _GAP_Y = 1_450_000, 430_000, 300_000, 420_000


def graph(book: Rendering, row: int) -> tuple[str, float]:
    """Return the layers as boxes with arrows, drawn below a row, and the height in rows."""
    layers = [page.layer for page in book.layout.pages if page.layer is not None and page.name != OPTIMIZER]
    place = {layer.name: (k % _ACROSS, k // _ACROSS) for k, layer in enumerate(layers)}
    lines = -(-len(layers) // _ACROSS)
    width = _ACROSS * (_WIDE + _GAP_X)
    height = lines * (_HIGH + _GAP_Y)
    shapes = []
    key = 200

    def centre(name: str) -> tuple[int, int]:
        x, y = place[name]
        return x * (_WIDE + _GAP_X), y * (_HIGH + _GAP_Y) + _GAP_Y // 2

    for source, goal in _edges(book):
        if source not in place or goal not in place or (source, goal) == (DATA, LOSS):
            continue
        key += 1
        (x0, y0), (x1, y1) = centre(source), centre(goal)
        beside = y0 == y1 and x1 == x0 + _WIDE + _GAP_X
        points = ([(x0 + _WIDE, y0 + _HIGH // 2), (x1, y1 + _HIGH // 2)] if beside else
                  [(x0 + _WIDE // 2, y0 + _HIGH), (x0 + _WIDE // 2, y1 - _GAP_Y // 2),
                   (x1 + _WIDE // 2, y1 - _GAP_Y // 2), (x1 + _WIDE // 2, y1)] if y1 > y0 else
                  [(x0 + _WIDE // 2, y0 + _HIGH), (x0 + _WIDE // 2, y0 + _HIGH + _GAP_Y // 3),
                   (x1 + _WIDE // 2, y0 + _HIGH + _GAP_Y // 3), (x1 + _WIDE // 2, y1 + _HIGH)])
        shapes.append(_path(key, points, width, height, "B45309" if not beside and y0 == y1 else MUTED))
    for layer in layers:
        key += 1
        shapes.append(_box(key, *centre(layer.name), layer.name, layer.kind if layer.name != DATA else "inputs"))
    size = f'cx="{width}" cy="{height}"'
    words = escape("The layers in order; arrows show what reads what: " + ", ".join(one.name for one in layers[:30]))
    drawing = (f"<xdr:oneCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{row}</xdr:row>"
               f"<xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext {size}/><xdr:grpSp><xdr:nvGrpSpPr>"
               f'<xdr:cNvPr id="200" name="Graph" descr="{words}"/><xdr:cNvGrpSpPr/></xdr:nvGrpSpPr><xdr:grpSpPr>'
               f'<a:xfrm><a:off x="0" y="0"/><a:ext {size}/><a:chOff x="0" y="0"/><a:chExt {size}/></a:xfrm>'
               "</xdr:grpSpPr>"
               + "".join(shapes) + "</xdr:grpSp><xdr:clientData/></xdr:oneCellAnchor>")
    return drawing, height / 190_500


def _edges(book: Rendering) -> list[tuple[str, str]]:
    """Return which layer reads which."""
    found: dict[tuple[str, str], None] = {}
    d = book.learning.d
    for block in d.blocks:
        if block.role not in ("forward", "working", "loss") or block.layer is None:
            continue
        for _, formula in block.pieces:
            for read in formula.reads():
                live = read[read >= 0]
                if not live.size:
                    continue
                for index in {int(k) for k in d.owners(live.reshape(-1))}:
                    source = d.owned(index)
                    if source.role in ("forward", "input", "target", "working") and source.layer is not None and (
                            source.layer is not block.layer):
                        found[source.layer.name, block.layer.name] = None
    return list(found)


def _box(key: int, x: int, y: int, name: str, kind: str) -> str:
    fill = GROUP_FILL["forward"] if name not in (DATA, LOSS) else GROUP_FILL["input" if name == DATA else "error"]

    def line(text: str, size: int, bold: bool) -> str:
        return (f'<a:p><a:pPr algn="ctr"/><a:r><a:rPr lang="en-US" sz="{size}" b="{int(bold)}"><a:solidFill>'
                f'<a:srgbClr val="{INK}"/></a:solidFill></a:rPr><a:t>{escape(text)}</a:t></a:r></a:p>')

    return (f'<xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="{key}" name="{escape(name)}"/><xdr:cNvSpPr/>'
            f'</xdr:nvSpPr><xdr:spPr><a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{_WIDE}" cy="{_HIGH}"/></a:xfrm>'
            '<a:prstGeom prst="roundRect"><a:avLst/></a:prstGeom>'
            f'<a:solidFill><a:srgbClr val="{fill}"/></a:solidFill><a:ln w="9525"><a:solidFill>'
            f'<a:srgbClr val="{MUTED}"/></a:solidFill></a:ln></xdr:spPr><xdr:txBody>'
            '<a:bodyPr lIns="18000" tIns="18000" rIns="18000" bIns="18000" '
            f'anchor="ctr"/>{line(name, 900, True)}{line(kind, 800, False)}</xdr:txBody></xdr:sp>')


def _path(key: int, points: list[tuple[int, int]], width: int, height: int, colour: str) -> str:
    """Return a line through points with an arrow at its end."""
    moves = "".join(f'<a:{"moveTo" if k == 0 else "lnTo"}><a:pt x="{x}" y="{y}"/></a:{"moveTo" if k == 0 else "lnTo"}>'
                    for k, (x, y) in enumerate(points))
    return (f'<xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="{key}" name="edge {key}"/><xdr:cNvSpPr/>'
            f'</xdr:nvSpPr><xdr:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
            f'<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/><a:rect l="0" t="0" r="r" b="b"/><a:pathLst>'
            f'<a:path w="{width}" h="{height}" fill="none">{moves}</a:path></a:pathLst></a:custGeom><a:noFill/>'
            f'<a:ln w="12700"><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill><a:tailEnd type="triangle"/></a:ln>'
            "</xdr:spPr></xdr:sp>")
