"""Points as a table that a learning platform reads."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.finding import Audit
from sheetprop.auditing.grading import Rubric, graded

FORMATS = ("moodle", "canvas", "csv")


def gradebook(audits: Sequence[Audit], by: Rubric, form: str) -> str:
    """Return the points of a class as CSV.

    Args:
        audits: the answers.
        by: the rubric.
        form: "moodle" (identifier, grade, feedback, as its offline grading worksheet has them), "canvas" (student,
            identifier, points) or "csv" (a column for each part). Names and numbers are read from the names that
            these platforms give to downloaded files.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = [(one, graded(one, by)) for one in audits if not one.skipped]
    if form == "moodle":
        writer.writerow(["Identifier", "Full name", "Grade", "Maximum grade", "Feedback comments"])
    elif form == "canvas":
        writer.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", by.title or "Audit"])
        writer.writerow(["    Points Possible", "", "", "", "", f"{by.total:g}"])
    else:
        writer.writerow(["file", "result", "points", "of", *by.points, "left to the teacher"])
    for one, grade in rows:
        points = "" if grade.given is None else f"{grade.given:g}"
        if form == "moodle":
            name, number = moodle_name(one.path)
            said = "; ".join(f"{part.part}: {', '.join(part.reasons)}" for part in grade.parts if part.reasons)
            writer.writerow([f"Participant {number}" if number else "", name, points, f"{by.total:g}",
                             said or one.summary()])
        elif form == "canvas":
            name, number = canvas_name(one.path)
            writer.writerow([name, number, "", "", "", points])
        else:
            writer.writerow([one.path, one.verdict, points, f"{by.total:g}",
                             *("" if part.given is None else f"{part.given:g}" for part in grade.parts),
                             ", ".join(grade.open)])
    return out.getvalue()


def moodle_name(path: str) -> tuple[str, str]:
    """Return the name and the number in "Ada Lovelace_1234567_assignsubmission_file_net.xlsx", or in its folder."""
    for text in (Path(path).name, Path(path).parent.name):
        found = re.match(r"(.+?)_(\d{3,})_assignsubmission", text)
        if found:
            return found[1], found[2]
    return Path(path).stem, ""


def canvas_name(path: str) -> tuple[str, str]:
    """Return the name and the number in "lovelaceada_12345_678910_net.xlsx"."""
    found = re.match(r"([^_]+)(?:_LATE)?_(\d+)_\d+_", Path(path).name)
    return (found[1], found[2]) if found else (Path(path).stem, "")
