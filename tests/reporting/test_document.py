"""The documents: what they say, that they say it again, and that nothing else gets in."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.mnist import record
from sheetprop.reporting import environment, render, typefaces
from sheetprop.reporting import parallel as aside
from sheetprop.reporting import report as reports
from sheetprop.reporting.report import prepare, report

from .conftest import HOSTILE, made_up

GOLDEN = Path(__file__).parent / "golden"


class Reader(html.parser.HTMLParser):
    """Collects text, elements, and ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def plain(value: Any) -> Any:
    """Return the context as JSON that is the same on every machine."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        left_out = {"pictures", "choice", "comparisons", "sha256", "bytes", "record", "run", "diagram", "file"}
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in left_out}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(exclude={"pixels"}))
    return masked(value) if isinstance(value, str) else value


def masked(text: str) -> str:
    """Hide what differs between machines: rounding differences, versions, checksums, sizes."""
    text = re.sub(r"\d\.\d+ × 10⁻¹[⁵⁶⁷⁸⁹]", "TINY", text)
    text = re.sub(r"\b\d(?:\.\d)?E-1[5-9]\b", "TINY", text)
    text = re.sub(r"(?<=<td>)(?:TINY|0)(?=</td>)", "NEARLY 0", text)
    text = re.sub(r'(?<=<td class="text">)(?:[A-Z]{1,3}\d+|–)(?=</td></tr>)', "WORST", text)
    text = re.sub(r"^(\|(?:[^|]*\|){4})(?: (?:TINY|0) \|){2}[^|]*\|$", r"\1 NEARLY 0 |", text, flags=re.MULTILINE)
    text = re.sub(r"Python \d+\.\d+\.\d+", "Python X", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "CHECKSUM", text)
    return re.sub(r"\b\d+ kB", "SIZE", text)


def test_context_snapshot(prepared: Any, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "context.json", json.dumps(plain(prepared[0]), indent=1, ensure_ascii=False) + "\n")


def test_html_snapshot(page: str, golden: Callable[[Path, str], None]) -> None:
    body = page[page.index("<body>"):page.index('<script type="application/json"')]
    body = re.sub(r"<svg(?! class=\"network\").*?</svg>", "<svg/>", body, flags=re.DOTALL)
    body = re.sub(r'src="data:[^"]*"', 'src="data:"', body)
    # Of the sheets the first is enough: the others come from the same template.
    first, last = body.index('id="sheet-2"'), body.index('<section id="curves">')
    golden(GOLDEN / "body.html", masked(body[:first] + "…\n" + body[last:]))


def test_markdown_snapshot(prepared: Any, golden: Callable[[Path, str], None]) -> None:
    text, pictures = render.markdown(*prepared)
    golden(GOLDEN / "report.md", masked(text))
    asked = set(re.findall(r"\]\((pictures/[^)]+)\)", text))
    assert asked == set(pictures)


def test_page_is_self_contained_and_well_formed(page: str) -> None:
    reader = parsed(page)
    for tag, attributes in reader.elements:
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("data:", "#")), (tag, value)
    ids = [attributes["id"] for _, attributes in reader.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = {(attributes.get("href") or "")[1:] for tag, attributes in reader.elements if tag == "a"}
    assert links <= set(ids)
    assert "url(http" not in page
    assert "@import" not in page


def test_every_part_is_there(page: str) -> None:
    ids = {attributes.get("id") for _, attributes in parsed(page).elements}
    assert ids >= {"summary", "network", "steps", "sheets", "curves", "learning-rate", "verification", "architecture",
                   "training", "mistakes", "requirements", "limits", "environment", "reproduce", "log"}


def test_images_have_words(page: str) -> None:
    for tag, attributes in parsed(page).elements:
        if tag == "img":
            assert attributes.get("alt")
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            assert attributes.get("aria-label")


def test_numbers_come_from_the_workbook(tmp_path: Path, run: Path) -> None:
    path = tmp_path / "other.xlsx"
    sheetprop.build(sheetprop.spec(layers=(3, 4, 2), activation="tanh", bias=True, seed=5, learning_rates=(0.3,),
                                   iterations=7), path)
    context, drawn = prepare(path, run)
    assert context.sound
    book = sheetprop.open(path)
    book.calculate()
    text = render.html(context, drawn)
    total = next(c for c in context.backprop.curves).values
    assert total[0] == pytest.approx(context.backprop.courses[0].first)
    assert "3-4-2" in text
    assert f"{total[-1]:.6f}"[:7] in text
    assert "--layers 3-4-2" in context.commands[0]


def test_hostile_text_is_shown_as_text(tmp_path: Path, workbook: Path) -> None:
    spoiled = tmp_path / "hostile.xlsx"
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(spoiled, "w") as out:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "xl/sharedStrings.xml":
                data = data.replace(b"Where to look", b"&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}")
            out.writestr(entry, data)
    path = tmp_path / "record.json"
    kept = made_up()
    kept.runs[0].message = HOSTILE
    kept.runs[0].status = "diverged"
    assert kept.recipe is not None
    kept.recipe = kept.recipe.model_copy(update={"title": HOSTILE, "origin": HOSTILE + "|*_`$x$"})
    assert kept.network is not None
    kept.network.title = HOSTILE
    kept.network.layers[0].name = HOSTILE
    record.write(kept, path)
    context, drawn = prepare(spoiled, path, title=HOSTILE, author=HOSTILE)
    page = render.html(context, drawn)
    reader = parsed(page)
    assert sum(tag == "script" for tag, _ in reader.elements) == 2
    assert "alert('x')" in "".join(reader.text)
    assert "{{ 7*7 }}" in "".join(reader.text)
    assert "49" not in context.title
    paper = render.paper(context, drawn)
    assert sum(tag == "script" for tag, _ in parsed(paper.text).elements) == 0
    assert not any("<script" in drawing for drawing in paper.drawings)
    text, pictures = render.markdown(context, drawn)
    assert "<script>" not in re.sub(r"```text.*?```", "", text, flags=re.DOTALL)
    assert "\\|\\*\\_\\`\\$x\\$" in text
    for name, content in pictures.items():
        if name.endswith(".svg"):
            assert b"<script" not in content


def test_failing_workbook_is_red_on_the_first_page(tmp_path: Path, workbook: Path, run: Path) -> None:
    from click.testing import CliRunner

    from sheetprop.cli.reporting import report as command

    book = sheetprop.open(workbook)
    book.set("LR 2!Y9", "=(S9-D9)*S9*(1-S9)*Q9")
    book.calculate()
    wrong = tmp_path / "wrong.xlsx"
    book.save(wrong)
    result = CliRunner().invoke(command, ["--workbook", str(wrong), "--run", str(run), "-o", str(tmp_path / "out"),
                                          "--format", "html,md"], standalone_mode=False)
    assert result.return_value == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    front = page[page.index('id="summary"'):page.index('id="part-1"')]
    assert 'class="alarm"' in front
    assert "The verification fails" in front
    assert "LR 2!Y9" in page
    assert "agree with it" not in front
    assert "[!CAUTION]" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_unverified_workbook_is_red_too(monkeypatch: pytest.MonkeyPatch, workbook: Path) -> None:
    from sheetprop.reporting import verifying

    monkeypatch.setattr(verifying.Verifying, "outcome", lambda self, book: verifying.Outcome(None, "no reason"))
    context, drawn = prepare(workbook, None)
    assert not context.sound
    assert "Not verified: no reason" in render.html(context, drawn)


def test_either_half_may_be_missing(workbook: Path, run: Path) -> None:
    for halves, absent, present in (((workbook, None), "Part 2 is not here", 'id="part-1"'),
                                    ((None, run), "Part 1 is not here", 'id="part-2"')):
        context, drawn = prepare(*halves)
        page = render.html(context, drawn)
        assert absent in page
        assert present in page
        assert context.sound
        text, _ = render.markdown(context, drawn)
        assert absent in text
    with pytest.raises(SheetpropError, match="nothing to report on"):
        prepare(None, None)


def test_an_audit_is_a_part_and_no_failure(tmp_path: Path, workbook: Path, run: Path) -> None:
    wrong, broken = tmp_path / "hand|in <b>.xlsx", tmp_path / "broken.xlsx"
    book = sheetprop.open(workbook)
    for row in range(8, 21):
        book.set(f"LR 2!Y{row}", f"=(S{row}-D{row})*S{row}*(1-S{row})*Q{row}")
    book.calculate()
    book.save(wrong)
    expected = sheetprop.audit(wrong).findings[0]
    context, drawn = prepare(None, run, [wrong])
    assert context.sound
    assert context.audits[0].findings[0].where == f"{expected.sheet}!{expected.cells}" == "LR 2!Y8:Y20"
    page, (text, _) = render.html(context, drawn), render.markdown(context, drawn)
    front = page[page.index('id="summary"'):page.index('id="part-2"')]
    assert "LR 2!Y8:Y20" in front
    assert 'class="alarm"' not in front
    reader = parsed(page)
    assert "Part 2: Audit of another workbook" in "".join(reader.text)
    assert "hand|in <b>.xlsx" in "".join(reader.text)
    for found in ("=(S8-D8)*S8*(1-S8)*Q8", expected.expected, expected.repair):
        assert found in "".join(reader.text)
    assert "LR 2!Y8:Y20" in text
    assert expected.expected in text
    assert expected.wrong[:20] in render.paper(context, drawn).text
    broken.write_bytes(b"no workbook")
    context, drawn = prepare(None, None, [broken])
    assert not context.sound
    assert "Not audited" in render.html(context, drawn)


def test_a_pasted_log_works(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(
        f"Epoch: {k + 10}\nloss=0.0{9 - k} batch_id=468: 100%|██████████| 469/469 [00:27<00:00, 17.22it/s]\n\n"
        f"Test set: Average loss: 0.0{60 - k}, Accuracy: {9800 + k}/10000 ({98 + k / 100:.2f}%)\n\n"
        for k in range(1, 4)), encoding="utf-8")
    path = tmp_path / "record.json"
    record.write(sheetprop.log(log), path)
    context, drawn = prepare(None, path)
    assert context.sound
    page = render.html(context, drawn)
    assert "made from a pasted log" in page
    assert "after 13 or 14 epochs" in context.claim
    assert "98.03 %" in page
    assert "no confusion matrix" in page
    render.markdown(context, drawn)
    render.paper(context, drawn)


def test_a_template_may_be_replaced(tmp_path: Path, prepared: Any) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "closing.html.j2").write_text("<p>our own end for {{ c.title }}</p>", encoding="utf-8")
    assert "our own end for Back-propagation" in render.html(*prepared, tmp_path)


@pytest.mark.parametrize(("source", "message"), [
    ("one\ntwo\n{% if %}", "line 3"), ("one\n{{ c.nothing_of_that_name }}", "line 2"), ("{{ 1 / 0 }}", "line 1"),
    ("\n{% include 'not-there.j2' %}", "not-there.j2")])
def test_a_mistake_in_a_template_is_told_with_its_place(
    tmp_path: Path, prepared: Any, source: str, message: str
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "closing.html.j2").write_text(source, encoding="utf-8")
    with pytest.raises(SheetpropError, match=re.escape(message)) as caught:
        render.html(*prepared, tmp_path)
    assert "\n" not in str(caught.value)
    if "not-there" not in message:
        assert "closing.html.j2" in str(caught.value)


def test_templates_that_do_not_exist(tmp_path: Path, prepared: Any) -> None:
    with pytest.raises(SheetpropError, match="no such folder"):
        render.html(*prepared, tmp_path / "nowhere")
    with pytest.raises(SheetpropError, match="none of our templates"):
        render.html(*prepared, tmp_path)
    assert "html/page.html.j2" in environment.names()


@pytest.mark.parametrize(("options", "message"), [
    ({"formats": ["htlm"]}, "did you mean 'html'"), ({"formats": []}, "none given"),
    ({"date": "tomorrow"}, "is no date"), ({"page": "A5"}, "page 'A5'")])
def test_bad_options(tmp_path: Path, run: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SheetpropError, match=message):
        report(None, run, output=tmp_path, **options)


def test_bad_input(tmp_path: Path, run: Path) -> None:
    with pytest.raises(SheetpropError, match="no such file"):
        report(tmp_path / "nothing.xlsx", output=tmp_path)
    (tmp_path / "bad.json").write_text("no", encoding="utf-8")
    with pytest.raises(SheetpropError, match="no JSON file"):
        report(None, tmp_path / "bad.json", output=tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SheetpropError, match="is a file"):
        report(None, run, output=tmp_path / "file")
    report(None, run, output=tmp_path / "out", formats=["html"])
    with pytest.raises(SheetpropError, match="--force"):
        report(None, run, output=tmp_path / "out", formats=["html"])


@pytest.mark.parametrize("broken", [False, True])
def test_without_weasyprint_the_other_formats_are_made(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "weasyprint", None)
    if broken:  # one that is installed and does not work
        (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')", encoding="utf-8")
        monkeypatch.delitem(sys.modules, "weasyprint")
        monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(aside, "DRAWING", "not_imported_yet")  # so that there is another process
    made = report(None, run, output=tmp_path / "out")
    assert set(made.files) == {"html", "md"}
    assert "WeasyPrint cannot start" in made.not_made["pdf"]
    assert ("cannot load library" in made.not_made["pdf"]) is broken
    assert not made.sound
    assert not (tmp_path / "out" / "report.pdf").exists()


def test_without_a_font_the_other_formats_are_made(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    missing = dataclasses.replace(typefaces.REGULAR, package="font_that_is_not_there")
    monkeypatch.setattr(typefaces, "FACES", (missing,))
    made = report(None, run, output=tmp_path / "out")
    assert set(made.files) == {"html", "md"}
    assert made.not_made["pdf"] == ("PDF: the font Source Sans Pro is not installed; "
                                    "pip install font-that-is-not-there; the other formats do without")
    assert "@font-face" not in made.files["html"].read_text(encoding="utf-8")


def test_fonts_hold_what_a_report_writes() -> None:
    from fontTools.ttLib import TTFont

    wanted = set("η∂½₁₂⁰⁹·−×Σ′≤→°±–…√")
    for face in typefaces.FACES:
        if face.style == "normal" and face is not typefaces.OTHER:
            assert wanted <= {chr(code) for code in TTFont(face.path).getBestCmap()}, face
    assert set("⁻✗⋮") <= {chr(code) for code in TTFont(typefaces.OTHER.path).getBestCmap()}


def test_the_page_holds_its_fonts(page: str) -> None:
    import base64
    import io

    from fontTools.ttLib import TTFont

    embedded = re.findall(r"@font-face{font-family:'([^']+)'[^}]*base64,([^)]+)\)", page)
    assert {family for family, _ in embedded} == {face.family for face in typefaces.FACES}
    assert sum(len(content) for _, content in embedded) < 250_000
    for family, content in embedded:
        font = TTFont(io.BytesIO(base64.b64decode(content)))
        assert ord("⁻" if family == "DejaVu Sans" else "E") in font.getBestCmap()


def test_an_outcome_is_kept_and_says_the_same(
    tmp_path: Path, workbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sheetprop.verification import judging

    monkeypatch.setenv("SHEETPROP_CACHE", str(tmp_path))
    asked = []
    judge = judging.judge
    monkeypatch.setattr(judging, "judge", lambda *given: asked.append(given) or judge(*given))
    first, second = (prepare(workbook, None)[0].verification for _ in range(2))
    assert len(asked) == 1
    monkeypatch.setattr(judging, "judge", judge)
    assert first == second == sheetprop.verify(workbook)
    changed = tmp_path / "changed.xlsx"
    changed.write_bytes(workbook.read_bytes() + b"\0")
    prepare(changed, None)
    assert len(list((tmp_path / "report").glob("verified-*"))) == 2


def test_the_same_input_gives_the_same_bytes(prepared: Any) -> None:
    assert render.html(*prepared) == render.html(*prepared)
    assert render.markdown(*prepared) == render.markdown(*prepared)


def test_exercise_does_not_give_its_answers_away(tmp_path: Path) -> None:
    path = tmp_path / "task.xlsx"
    sheetprop.build(sheetprop.spec(preset="classic", learning_rates=(0.5,), iterations=5), path, exercise=True)
    context, drawn = prepare(path, None)
    page = render.html(context, drawn)
    assert "This workbook is an exercise" in page
    assert "(S8-D8)*S8*(1-S8)*O8" not in re.sub(r'<section id="sheets">.*?<section id="curves">', "", page,
                                                flags=re.DOTALL)


def test_all_resumes(tmp_path: Path, run: Path) -> None:
    from sheetprop.reporting.whole_job import run_all

    spec = sheetprop.spec(preset="era", learning_rates=(1.0,), iterations=4)
    said: list[str] = []
    done = run_all(spec, tmp_path / "out", run=run, formats=["md"], say=said.append)
    assert done.sound
    assert done.skipped == ("train",)
    stamp = done.workbook.stat().st_mtime_ns
    again = run_all(spec, tmp_path / "out", run=run, formats=["md"])
    assert again.skipped == ("build", "train")
    assert done.workbook.stat().st_mtime_ns == stamp
    other = run_all(sheetprop.spec(preset="eva6", learning_rates=(1.0,), iterations=4), tmp_path / "out", run=run,
                    formats=["md"])
    assert other.skipped == ("train",)
    (tmp_path / "out" / "run").mkdir()
    (tmp_path / "out" / "run" / "record.json").write_bytes(run.read_bytes())
    with pytest.raises(SheetpropError, match="holds a record of recipe fast"):
        run_all(spec, tmp_path / "out", recipe="tiny")


def test_public_names() -> None:
    assert sheetprop.report is reports.report
    assert sheetprop.run_all.__module__ == "sheetprop.reporting.whole_job"
