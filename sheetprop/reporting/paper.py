"""The PDF, by WeasyPrint."""

from __future__ import annotations

import datetime
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.files import replacing
from sheetprop.reporting import svgform
from sheetprop.reporting.render import Paper
from sheetprop.reporting.svgform import Forms

# Of a report without a date: the same for all, so that the same input gives the same bytes.
_NO_DATE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class PaperError(SheetpropError):
    """The PDF cannot be made; the other formats can."""


def write(
    made: Paper, date: str, target: Path, attachments: Sequence[Path] = (), drawn: Callable[[], Forms] | None = None,
) -> None:
    """Write the PDF.

    Args:
        made: what `render.paper` returned.
        date: ISO 8601, for metadata; may be empty.
        target: the file.
        attachments: files that travel inside the PDF.
        drawn: gives the drawings of `made` as `svgform.forms` returns them, once the pages are laid out.

    Raises:
        PaperError: WeasyPrint or Pango is missing.
    """
    weasyprint = _weasyprint()
    when = _moment(date)
    attached = [
        weasyprint.Attachment(string=path.read_bytes(), name=path.name, description=f"{path.name}, from which this "
                              "report was made", created=when, modified=when, relationship="Source")
        for path in attachments]
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)

    def finish(document: Any, pdf: Any) -> None:
        del document
        svgform.put_in(pdf, svgform.forms(made.drawings) if drawn is None else drawn())
        _tell_scopes(pdf)

    try:
        with replacing(target) as temporary:
            document = weasyprint.HTML(string=made.text, url_fetcher=_fetcher(weasyprint)).render()
            document.metadata.attachments.extend(attached)
            document.metadata.created = document.metadata.modified = when.isoformat().replace("+00:00", "Z")
            document.write_pdf(
                str(temporary), finisher=finish, pdf_variant="pdf/ua-1", pdf_identifier=_identifier(made))
    except OSError as error:
        raise PaperError(f"PDF: {error}") from error


def _tell_scopes(pdf: Any) -> None:
    """Say of every header cell whether it heads its column or its row; WeasyPrint leaves that out of the tags."""
    objects: list[Any] = list(pdf.objects)
    by_number = {item.number: item for item in objects if hasattr(item, "get")}

    def parent(item: Any) -> Any:
        reference = item.get("P", b"")
        words = reference.split() if isinstance(reference, bytes | str) else []
        return by_number.get(int(words[0])) if words else None

    def kind(item: Any) -> str:
        return str(item.get("S", "")) if item is not None else ""

    for item in by_number.values():
        if kind(item) == "/TH":
            row = parent(item)
            head = row is not None and kind(parent(row)) == "/THead"
            item["A"] = f"<</O /Table /Scope /{'Column' if head else 'Row'}>>"


def _identifier(made: Paper) -> bytes:
    """Return an identifier that depends on the contents only."""
    return hashlib.md5(repr(made).encode(), usedforsecurity=False).digest()


def _weasyprint() -> Any:
    try:
        import weasyprint
        import weasyprint.urls
    except (ImportError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise PaperError(f"PDF: WeasyPrint cannot start ({reason}); install Pango (on Debian: apt install "
                         "libpango-1.0-0 libpangoft2-1.0-0) and WeasyPrint; the other formats do without") from error
    return weasyprint


def _moment(date: str) -> datetime.datetime:
    if not date:
        return _NO_DATE
    return datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.UTC)


def _fetcher(weasyprint: Any) -> Any:
    """Return what gives WeasyPrint the page's own data and our fonts, and nothing from anywhere else."""
    fetcher = weasyprint.urls.URLFetcher
    return fetcher(allowed_protocols=("data", "file"), allow_redirects=False)
