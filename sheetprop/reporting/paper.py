"""The PDF, by WeasyPrint."""

from __future__ import annotations

import datetime
import hashlib
import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.reporting import svgtext
from sheetprop.reporting.context import Context

# Of a report without a date: the same for all, so that the same input gives the same bytes.
_NO_DATE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class PaperError(SheetpropError):
    """The PDF cannot be made; the other formats can."""


def write(
    page: str, beside: Mapping[str, bytes], context: Context, target: Path, *, attachments: Sequence[Path] = ()
) -> None:
    """Write the PDF.

    Args:
        page, beside: the HTML of `render.paper` and its drawings.
        context: for metadata.
        target: the file.
        attachments: files that travel inside the PDF.

    Raises:
        PaperError: WeasyPrint, Pango or fonts are missing.
    """
    weasyprint = _weasyprint()
    when = _moment(context)
    attached = [
        weasyprint.Attachment(string=path.read_bytes(), name=path.name, description=f"{path.name}, from which this "
                              "report was made", created=when, modified=when, relationship="Source")
        for path in attachments]
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder, svgtext.whole_lines():
            for name, content in beside.items():
                (Path(folder) / name).write_bytes(content)
            document = weasyprint.HTML(
                string=page, base_url=f"{folder}/", url_fetcher=_fetcher(weasyprint)).render()
            document.metadata.attachments.extend(attached)
            document.metadata.created = document.metadata.modified = when.isoformat().replace("+00:00", "Z")
            document.write_pdf(str(target), finisher=_tell_scopes, pdf_variant="pdf/ua-1",
                               pdf_identifier=_identifier(page, beside))
    except OSError as error:
        raise PaperError(f"PDF: {error}") from error


def _tell_scopes(document: Any, pdf: Any) -> None:
    """Say of every header cell whether it heads its column or its row; WeasyPrint leaves that out of the tags."""
    del document
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


def _identifier(page: str, beside: Mapping[str, bytes]) -> bytes:
    """Return an identifier that depends on the contents only."""
    digest = hashlib.md5(page.encode(), usedforsecurity=False)
    for content in beside.values():
        digest.update(content)
    return digest.digest()


def _weasyprint() -> Any:
    try:
        import weasyprint
        import weasyprint.urls
    except (ImportError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise PaperError(f"PDF: WeasyPrint cannot start ({reason}); install Pango (on Debian: apt install "
                         "libpango-1.0-0 libpangoft2-1.0-0) and WeasyPrint; the other formats do without") from error
    return weasyprint


def _moment(context: Context) -> datetime.datetime:
    if not context.date:
        return _NO_DATE
    return datetime.datetime.fromisoformat(context.date).replace(tzinfo=datetime.UTC)


def _fetcher(weasyprint: Any) -> Any:
    """Return what gives WeasyPrint the page's own data and our fonts, and nothing from anywhere else."""
    fetcher = weasyprint.urls.URLFetcher
    return fetcher(allowed_protocols=("data", "file"), allow_redirects=False)
