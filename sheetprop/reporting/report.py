"""`sheetprop.report`: one document in up to three formats.

What takes long to import is imported where it is used: by then the second process has begun.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sheetprop.errors import SheetpropError, nearest
from sheetprop.files import replacing
from sheetprop.reporting import parallel
from sheetprop.reporting.cache import sha256_of
from sheetprop.reporting.parallel import Aside
from sheetprop.reporting.typefaces import MissingFontError

if TYPE_CHECKING:
    from sheetprop.reporting import equations, render
    from sheetprop.reporting.auditpart import Audited
    from sheetprop.reporting.context import Context
    from sheetprop.reporting.figures import Figures

FORMATS = ("html", "pdf", "md")
PAGES = ("A4", "Letter")
ATTACHED = 8_000_000
"""A larger workbook or record is not attached to the PDF."""

NAMES = {"html": "report.html", "pdf": "report.pdf", "md": "README.md"}


@dataclass(frozen=True)
class Reported:
    """What :func:`report` wrote.

    Attributes:
        folder: where everything is.
        files: by format, the main file.
        pictures: number of pictures beside the Markdown.
        alarms: what is wrong with the workbook or the run; the first page says so in red.
        not_made: by format, why it could not be made.
    """

    folder: Path
    files: dict[str, Path]
    pictures: int
    alarms: tuple[str, ...]
    not_made: dict[str, str]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong and every format was made."""
        return not self.alarms and not self.not_made

    def to_json(self) -> str:
        """Return the fields as JSON."""
        fields = asdict(self)
        fields["folder"] = str(self.folder)
        fields["files"] = {name: str(path) for name, path in self.files.items()}
        return json.dumps(fields, indent=2, ensure_ascii=False)


def report(
    workbook: str | os.PathLike[str] | None = None,
    run: str | os.PathLike[str] | None = None,
    *,
    audit: Sequence[str | os.PathLike[str]] = (),
    formats: Sequence[str] = FORMATS,
    output: str | os.PathLike[str] = "report",
    title: str | None = None,
    author: str | None = None,
    date: str | None = None,
    page: str = "A4",
    templates: str | os.PathLike[str] | None = None,
    force: bool = False,
) -> Reported:
    """Make a report of a workbook, a run record, other people's workbooks, or all of them.

    The workbook is verified on the way; what fails stands in red on the first page. What an audit finds
    in other people's workbooks stands there too, as a result and not as a failure of the report.

    Args:
        workbook: a workbook that `build` wrote.
        run: a run record, or its folder.
        audit: other people's workbooks, or folders of them.
        formats: of ``html``, ``pdf`` and ``md``.
        output: the folder to write into; it is made if it does not exist.
        title, author: for the first page.
        date: ISO 8601; without it SOURCE_DATE_EPOCH, else the day of the record, else none.
        page: ``A4`` or ``Letter``.
        templates: folder with templates that take the place of ours.
        force: replace files that exist.

    Raises:
        SheetpropError: nothing to report on, unusable input, a template with a mistake, files in the way.
    """
    chosen = _formats(formats)
    if page not in PAGES:
        raise SheetpropError(f"page {page!r}: {nearest(page, PAGES)}")
    _check_given([Path(path) for path in (workbook, run, *audit) if path is not None])
    folder = _folder(Path(output))
    _check_free(folder, chosen, force=force)
    own = None if templates is None else Path(templates)
    with Aside(parallel.DRAWING) as aside:
        made = prepare(None if workbook is None else Path(workbook), None if run is None else Path(run),
                       [Path(one) for one in audit], title=title, author=author, date=date, aside=aside)
        from sheetprop.mnist.record import file_of

        attached = [Path(path) for path in (workbook, None if run is None else file_of(run)) if path is not None]
        return _write(made, folder, chosen, own, page, [p for p in attached if p.stat().st_size <= ATTACHED], aside)


def prepare(
    workbook: Path | None, run: Path | None, audited: Sequence[Path] = (), *, title: str | None = None,
    author: str | None = None, date: str | None = None, aside: Aside | None = None,
) -> tuple[Context, Figures]:
    """Read and verify everything, and draw the figures: what all formats need.

    Args:
        workbook, run: each may be missing.
        audited: other people's workbooks, or folders of them.
        title, author, date: see :func:`report`.
        aside: the process that draws the charts; without it this one does.
    """
    from sheetprop.reporting import context as contexts
    from sheetprop.reporting import equations, figures, mnistpart

    _check_given([path for path in (workbook, run, *audited) if path is not None])
    contexts.checked_date(date)
    aside = aside or Aside(parallel.DRAWING, here=True)
    part2 = None if run is None else mnistpart.read(run)
    run_charts = aside.call(figures.run_charts, None if part2 is None else part2.run)
    part1 = None
    error_charts: Callable[[], dict[str, str]] = dict
    layouts: Callable[[], equations.Layouts] = dict
    if workbook is not None:
        from sheetprop.engine import book as engine
        from sheetprop.reporting import backprop
        from sheetprop.reporting.verifying import Verifying

        sha256 = sha256_of(workbook)
        with Verifying(sha256) as verifying:
            book = engine.open(workbook)
            lines = backprop.Lines(book, workbook)
            error_charts = aside.call(figures.error_charts, lines.curves)
            part1 = backprop.read(lines, sha256)
            layouts = aside.call(equations.layouts, part1.equations)
            outcome = verifying.outcome(book)
            part1 = replace(part1, verification=outcome.result, not_verified=outcome.problem)
    audits: tuple[Audited, ...] = ()
    if audited:
        from sheetprop.reporting import auditpart

        audits = auditpart.read(audited)
    context = contexts.make(part1, part2, audits, title=title, author=author, date=date)
    return context, figures.draw(context, {**run_charts(), **error_charts()}, layouts())


def _check_given(paths: Sequence[Path]) -> None:
    if not paths:
        raise SheetpropError("nothing to report on; give --workbook FILE, --run RECORD, --audit FILE or several")
    for path in paths:
        if not path.exists():
            raise SheetpropError(f"{path}: there is no such file; check the name")


def _formats(formats: Sequence[str]) -> tuple[str, ...]:
    aliases = {"markdown": "md", "htm": "html"}
    chosen = []
    for name in formats:
        known = aliases.get(name.lower(), name.lower())
        if known not in FORMATS:
            raise SheetpropError(f"format {name!r}: {nearest(known, FORMATS)}")
        chosen.append(known)
    if not chosen:
        raise SheetpropError(f"format: none given; known are {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in chosen)


def _folder(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise SheetpropError(f"{folder}: is a file; give a folder with -o")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SheetpropError(f"{folder}: cannot be made ({error.strerror}); choose another place with -o") from error
    return folder


def _check_free(folder: Path, formats: Sequence[str], *, force: bool) -> None:
    from sheetprop.files import check_writable

    for name in formats:
        check_writable(folder / NAMES[name], force=force)


def _write(
    made: tuple[Context, Figures], folder: Path, formats: Sequence[str], templates: Path | None, page: str,
    attachments: Sequence[Path], aside: Aside,
) -> Reported:
    """Write the formats: the PDF here, in the meantime its drawings and the other formats in the other process."""
    from sheetprop.reporting import paper, render, svgform

    context, drawn = made
    files: dict[str, Path] = {}
    not_made: dict[str, str] = {}
    pages: render.Paper | None = None
    if "pdf" in formats:
        try:
            pages = render.paper(context, drawn, templates, page=page)
        except MissingFontError as error:
            not_made["pdf"] = f"PDF: {error}; the other formats do without"
    if pages is None:
        aside = Aside(here=True)  # nothing to do in the meantime
    forms = aside.call(svgform.forms, pages.drawings) if pages is not None else None
    html = aside.call(render.html, context, drawn, templates) if "html" in formats else None
    markdown = aside.call(render.markdown, context, drawn, templates) if "md" in formats else None
    if pages is not None:
        try:
            paper.write(pages, context.date, folder / NAMES["pdf"], attachments, forms)
            files["pdf"] = folder / NAMES["pdf"]
        except paper.PaperError as error:
            not_made["pdf"] = str(error)
    if html is not None:
        files["html"] = _text(folder / NAMES["html"], html())
    pictures: dict[str, bytes] = {}
    if markdown is not None:
        text, pictures = markdown()
        _pictures(folder, pictures)
        files["md"] = _text(folder / NAMES["md"], text)
    return Reported(folder, {name: files[name] for name in formats if name in files}, len(pictures), context.alarms,
                    not_made)


def _text(path: Path, text: str) -> Path:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def _pictures(folder: Path, beside: dict[str, bytes]) -> None:
    for name, content in beside.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
