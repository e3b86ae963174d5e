"""The templates: where they are found, how text is escaped, how their mistakes are told."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.reporting import words
from sheetprop.reporting.resources import templates

_MARKDOWN = re.compile(r"([\\`*_{}\[\]|$#~])")


def names() -> list[str]:
    """Return the names of all templates, as `--templates` may override them."""
    root = templates()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*")
                  if path.is_file() and path.suffix in {".j2", ".css", ".js"})


def environment(folder: Path | None = None, *, markdown: bool = False) -> Any:
    """Return the Jinja environment.

    Args:
        folder: templates here take the place of ours with the same name.
        markdown: escape for Markdown instead of HTML.

    Raises:
        SheetpropError: the folder does not exist or holds no template of ours.
    """
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    loaders = [FileSystemLoader(templates())]
    if folder is not None:
        _check_folder(folder)
        loaders.insert(0, FileSystemLoader(folder))
    if markdown:
        made = Environment(loader=ChoiceLoader(loaders), autoescape=False, undefined=StrictUndefined, trim_blocks=True,
                           lstrip_blocks=True, keep_trailing_newline=True, finalize=_finalize)
    else:
        made = Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                           lstrip_blocks=True, keep_trailing_newline=True)
    made.filters.update(
        number=words.number, plain=words.plain, percent=words.percent, accuracy=words.accuracy, many=words.many,
        duration=words.duration, size=words.size, listed=words.listed, safe_svg=Markup, code=code, fence=fence,
        slug=slug, markup=Markup, begun=words.begun)
    made.globals["zip"] = zip
    return made


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise SheetpropError(f"--templates {folder}: there is no such folder")
    known = set(names())
    given = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    if not any(name in known for name in given):
        raise SheetpropError(f"--templates {folder}: holds none of our templates; see sheetprop report "
                             "--list-templates for their names")


def slug(text: str) -> str:
    """Return text as part of a file name or an id."""
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-") or "x"


def _finalize(value: Any) -> Any:
    from markupsafe import Markup

    return value if isinstance(value, Markup) or not isinstance(value, str) else escape_markdown(value)


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it stands, on one line, also inside a table."""
    flat = " ".join(str(text).split())
    escaped = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", escaped)


def code(text: str) -> Any:
    """Return text as a code span that may stand inside a table."""
    from markupsafe import Markup

    flat = " ".join(str(text).split()).replace("|", "\\|")
    if not flat:
        return Markup("")
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return Markup(f"{ticks}{pad}{flat}{pad}{ticks}")


def fence(text: str) -> Any:
    """Return text as a fenced block."""
    from markupsafe import Markup

    ticks = "`" * max(3, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    body = text if text.endswith("\n") else text + "\n"
    return Markup(f"{ticks}text\n{body}{ticks}")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn a mistake in a template into a line that names its file and line."""
    import jinja2

    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise SheetpropError(f"{error.filename or error.name}, line {error.lineno}: {error.message}") from error
    except jinja2.TemplatesNotFound as error:
        raise SheetpropError(f"template {error.name!r}: not found; see sheetprop report --list-templates") from error
    except SheetpropError:
        raise
    except Exception as error:
        place = _place(error)
        if place is None:
            raise
        raise SheetpropError(f"{place}: {type(error).__name__}: {error}") from error


def _place(error: BaseException) -> str | None:
    """Return file and line of the innermost template in a traceback."""
    place = None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith((".j2", ".css", ".js")):
            place = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
