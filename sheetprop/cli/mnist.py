"""Commands of the second half of the hand-in: data, networks, summary, train, log, rubric, predict."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sheetprop.mnist.loop import Listener
    from sheetprop.mnist.record import RunRecord

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--data", "folder", type=_FILE, help="Use the files in this folder; fetch nothing.")
@click.option("--cache", type=_FILE, help="Cache folder for the download.  [default: the user's]")
@click.option("--no-download", is_flag=True, help="Only look; fail when the files are not there.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def data(folder: Path | None, cache: Path | None, no_download: bool, as_json: bool) -> None:
    """Find or fetch MNIST, check its sums, say where it is."""
    from sheetprop.mnist.data import data as find

    found = find(folder, cache=cache, download=not no_download, say=lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps({"folder": str(found.raw), "origin": found.origin,
                               "files": [file.model_dump(mode="json") for file in found.files]}, indent=1))
        return
    click.echo(f"{found.raw} ({found.origin})")
    for file in found.files:
        click.echo(f"  {file.name:<24} {file.bytes:>10,} bytes  MD5 {file.md5}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def networks(as_json: bool) -> None:
    """List the networks: name, parameters, origin."""
    from sheetprop.mnist.networks import networks as known
    from sheetprop.mnist.summary import table

    rows = [(net, table(net).parameters) for net in known()]
    if as_json:
        click.echo(json.dumps([{"name": n.name, "title": n.title, "parameters": p, "origin": n.origin}
                               for n, p in rows], indent=1, ensure_ascii=False))
        return
    for net, parameters in rows:
        click.echo(f"{net.name:<7} {parameters:>8,}  {net.title} ({net.origin})")


@click.command()
@click.argument("network")
@click.option("--input", "size", help="Size of one input, such as 1,28,28.  [default: 1,28,28]")
@click.option("--details", is_flag=True, help="Show kernels, receptive fields and multiply-adds too.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json", "svg"]), default="text",
              show_default=True, help="svg draws the architecture.")
@click.option("--functional", is_flag=True, help="Show pooling and ReLU layers too.")
@click.option("-o", "--out", type=_FILE, help="Write to this file.  [default: standard output]")
def summary(network: str, size: str | None, details: bool, form: str, functional: bool, out: Path | None) -> None:
    """Print the layer table of NETWORK, or draw it.

    NETWORK is a name of `sheetprop networks`, or code of your own as model.py:Net.
    """
    from sheetprop.errors import SheetpropError
    from sheetprop.files import replacing
    from sheetprop.mnist.diagram import diagram
    from sheetprop.mnist.summary import any_table, render

    numbers = None
    if size is not None:
        words = size.replace("x", ",").split(",")
        if not all(w.strip().isdecimal() for w in words):
            raise SheetpropError(f"--input {size!r}: is no size of an input; write it like 1,28,28")
        numbers = [int(w) for w in words]
    found = any_table(network, numbers)
    text = diagram(found).rstrip("\n") if form == "svg" else render(found, form=form, functional=functional,
                                                                     details=details)
    if out is None:
        click.echo(text)
        return
    with replacing(out) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


@click.command()
@click.argument("name")
@click.option("-o", "--out", type=_FILE, help="Write to this file.  [default: standard output]")
def recipe(name: str, out: Path | None) -> None:
    """Print the recipe NAME as a TOML file, to be changed and trained: sheetprop train --recipe mine.toml."""
    from sheetprop.files import replacing
    from sheetprop.mnist.recipefile import read_recipe, to_toml

    text = to_toml(read_recipe(name))
    if out is None:
        click.echo(text, nl=False)
        return
    with replacing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


@click.command()
@click.option("--recipe", help="Name of the recipe, or a TOML file (`sheetprop recipe fast > mine.toml`).")
@click.option("--network", help="Train this network instead of the recipe's: a name, or your code as model.py:Net.")
@click.option("--list", "listed", is_flag=True, help="List the recipes and stop.")
@click.option("--json", "as_json", is_flag=True, help="With --list: all settings of the recipes, as JSON.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--batch-size", type=int, help="Instead of the recipe's.")
@click.option("--lr", type=float, help="Base or highest learning rate, instead of the recipe's.")
@click.option("--seed", type=int, help="Seed of the first run, instead of the recipe's.")
@click.option("--runs", type=int, default=1, show_default=True, help="Runs with seeds that count up.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
              help="auto: the GPU where there is one.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True,
              help="auto: bfloat16 where the hardware multiplies it.")
@click.option("--threads", type=int,
              help="Threads on the CPU; 1 is best while the machine is busy.  [default: PyTorch's]")
@click.option("--held-out", type=int, default=0, show_default=True,
              help="Test on so many training images kept aside, not on the test set.")
@click.option("--data", "folder", help="mnist, fashion, kmnist, qmnist, emnist, emnist-letters ..., NAME:FOLDER, a "
              "folder with MNIST's files, or one of pictures.  [default: MNIST, found or fetched]")
@click.option("-o", "--out", type=_FILE, default=Path("runs"), show_default=True,
              help="The run goes into a folder of this one, named like the recipe.")
@click.option("--resume", is_flag=True, help="Go on where a run was stopped.")
@click.option("--force", is_flag=True, help="Replace a record that is there.")
@click.option("--teacher", type=_FILE,
              help="Finished run that a recipe with a teacher learns from.  [default: it is trained first]")
@click.option("--log", "logs", multiple=True, type=click.Choice(["csv", "tensorboard", "jsonl"]),
              help="Write a log beside the record while it trains; may be given several times.")
@click.option("--watch", is_flag=True, help="Write watch.html beside the record: curves that refresh themselves.")
def train(recipe: str | None, network: str | None, listed: bool, as_json: bool, epochs: int | None,
          batch_size: int | None, lr: float | None,
          seed: int | None, runs: int, device: str, precision: str, threads: int | None, held_out: int,
          folder: str | None, out: Path, resume: bool, force: bool, teacher: Path | None, logs: tuple[str, ...],
          watch: bool) -> None:
    """Train a recipe, or a network of your own, and keep a record of it.

    Killed at any moment, the same command with --resume goes on.
    """
    from sheetprop.mnist.recipefile import folder_name, read_recipe
    from sheetprop.mnist.recipes import recipes

    if as_json and not listed:
        raise click.UsageError("--json goes with --list; a training run writes its record.json.")
    if listed:
        if as_json:
            dumped = [known.model_dump(mode="json") for known in recipes()]
            click.echo(json.dumps(dumped, indent=1, ensure_ascii=False))
        else:
            for known in recipes():
                click.echo(f"{known.name:<7} {known.title} ({known.origin})")
        return
    if recipe is None and network is None:
        raise click.UsageError("give --recipe NAME, or --list to see the names.")
    made = read_recipe(recipe or "fast")
    from sheetprop.mnist.training import train as run

    place = out / folder_name(made, network)
    if watch:
        click.echo(f"Watch: {place / 'watch.html'}", err=True)
    with console(made.schedule.kind, "Held-out" if held_out else "Test") as listener:
        kept = run(made, out=place, data=folder, epochs=epochs, batch_size=batch_size, lr=lr, seed=seed, runs=runs,
                   device=device, precision=precision, threads=threads, held_out=held_out, resume=resume, force=force,
                   teacher=teacher, listener=listener, network=network, log=logs, watch=watch)
    s = kept.summary
    if s.last_mean is not None and s.best_mean is not None:
        spread = f" ± {s.last_sd:.3f} (mean and standard deviation of {s.runs} runs)" if s.last_sd is not None else ""
        click.echo(f"Last epoch: {s.last_mean:.2f}%{spread}; best epoch: {s.best_mean:.2f}%")
    click.echo(f"Record: {place / 'record.json'}")


@contextlib.contextmanager
def console(schedule: str, tested: str) -> Iterator[Listener]:
    """Give a listener that prints in the style of the logs that people paste; `tested` names the evaluation set."""
    import time

    from tqdm import tqdm

    from sheetprop.mnist.loop import Listener
    from sheetprop.mnist.record import Epoch

    class Console(Listener):
        """The bar moves on standard error when someone watches; its last state goes to standard output."""

        def __init__(self) -> None:
            self.bar: Any = None
            self.start, self.batches, self.text = 0.0, 0, ""

        def close(self) -> None:
            """Take the bar away."""
            if self.bar is not None:
                self.bar.close()
                self.bar = None

        def say(self, text: str) -> None:
            self.close()
            click.echo(text, err=True)

        def run_started(self, number: int, planned: int, seed: int) -> None:
            if planned > 1:
                click.echo(f"Run {number} of {planned}, seed {seed}\n")

        def epoch_started(self, epoch: int, epochs: int, batches: int, rate: float) -> None:
            del epochs
            if schedule == "step":
                click.echo(f"Adjusting learning rate of group 0 to {rate:.4e}.")
            click.echo(f"Epoch: {epoch}")
            self.batches, self.start = batches, time.perf_counter()
            if sys.stderr.isatty():
                self.bar = tqdm(total=batches, leave=False, file=sys.stderr)

        def step(self, batch: int, loss: float, rate: float) -> None:
            shown = f" LR: {rate}" if schedule not in ("constant", "step") else ""
            self.text = f"loss={loss}{shown} batch_id={batch}"
            if self.bar is not None:
                self.bar.set_description_str(self.text, refresh=False)
                self.bar.update(batch + 1 - self.bar.n)
            if batch == self.batches - 1:
                self.close()
                click.echo(tqdm.format_meter(self.batches, self.batches, time.perf_counter() - self.start,
                                             ncols=len(self.text) + 50, prefix=self.text))

        def epoch_finished(self, epoch: Epoch) -> None:
            click.echo(f"\n{tested} set: Average loss: {epoch.test_loss:.4f}, Accuracy: {epoch.test_correct}/"
                       f"{epoch.test_total} ({epoch.test_accuracy:.2f}%)\n")

    shown = Console()
    try:
        yield shown
    finally:
        shown.close()  # else what is said of a run that stops stands in the line of its bar


@click.command()
@click.argument("files", type=_FILE, nargs=-1, required=True)
@click.option("-o", "--out", type=_FILE,
              help="Write the record to this file; of several FILES the records into this folder.")
@click.option("--run", type=int, help="Which run of the log stands for it, from 1.  [default: the last one tested]")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON, a list.")
@click.option("--table", type=_FILE, help="FILES are records: put their table between the marks in this document.")
@click.pass_context
def log(ctx: click.Context, files: tuple[Path, ...], out: Path | None, run: int | None, as_json: bool,
        table: Path | None) -> None:
    """Read pasted training logs into run records.

    FILES are text, Markdown, CSV or notebooks (their outputs are read); - is the standard input.
    A file that cannot be read is named, the others are read all the same, and the exit code is 2.
    """
    from sheetprop.errors import SheetpropError
    from sheetprop.mnist import record
    from sheetprop.mnist.log import log as parse
    from sheetprop.mnist.tables import put_table

    if table is not None:
        click.echo(put_table(table, files))
        return
    if out is not None and len(files) > 1 and not out.is_dir():
        raise SheetpropError(f"{out}: one record cannot hold {len(files)} logs; give a folder that is there with -o")
    failed, kept_all = [], []
    for file in files:
        try:
            kept = parse(file, run=run)
            if out is not None:
                record.write(kept, out / f"{file.stem}.json" if out.is_dir() else out)
        except SheetpropError as error:
            if len(files) == 1:
                raise
            failed.append(file)
            click.echo(f"sheetprop: {error}", err=True)
            continue
        kept_all.append(kept)
        if not as_json:
            for line in _told(str(file), kept):
                click.echo(line)
    if as_json:
        click.echo(json.dumps([k.model_dump(mode="json") for k in kept_all], indent=1, ensure_ascii=False))
    ctx.exit(2 if failed else 0)


def _told(file: str, kept: RunRecord) -> list[str]:
    """Return what a log says, line by line: runs, layer tables, claims, and what was not taken."""
    assert kept.log is not None
    several = len(kept.runs) > 1
    lines = []
    if several:
        lines.append(f"{file}: {len(kept.runs)} runs from {kept.log.read} lines; run {kept.main_number()} stands for "
                     "it (--run picks)")
    for number, run in enumerate(kept.runs, 1):
        count = run.epochs_trained()
        ends = "".join(f"; {name} {at.accuracy:.2f}% (epoch {at.epoch})"
                       for name, at in (("best", run.best), ("last", run.last)) if at)
        what = f"{count} epoch{'s' if count.most != 1 else ''}{count.remark}"
        lines.append(f"  run {number}, line {run.line}: {what}{ends}" if several
                     else f"{file}: {what} from {kept.log.read} lines{ends}")
        if several and run.network is not None:
            lines.append(f"    layer table: {len(run.network.layers)} layers, {run.network.parameters:,} parameters")
    if not kept.runs:
        lines.append(f"{file}: no run")
    if kept.network is not None and not (several and any(run.network for run in kept.runs)):
        lines.append(f"  layer table: {len(kept.network.layers)} layers, {kept.network.parameters:,} parameters")
    if kept.log.claims:
        lines.append("  states: " + ", ".join(f"{k.replace('_', ' ')} {v:,.10g}" for k, v in kept.log.claims.items()))
    lines += [f"  note: {note}" for note in kept.notes]
    for line in kept.log.unread:
        cell = f"cell {line.cell}, " if line.cell is not None else ""
        lines.append(f"  {cell}line {line.line}: {line.reason}: {line.text}")
    return lines


@click.command()
@click.argument("record", type=_FILE)
@click.option("--rules", default="99.4-20k-20", show_default=True,
              help="accuracy-parameters-epochs, or a TOML file.")
@click.option("--run", type=int, help="Judge this run alone, from 1.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def rubric(ctx: click.Context, record: Path, rules: str, run: int | None, as_json: bool) -> None:
    """Say for each requirement of the graders whether RECORD meets it; exit 1 when not all are met.

    Runs of a recipe are judged by their mean, several runs of a log each by itself.
    """
    from sheetprop.mnist.rubric import rubric as judge

    verdicts = judge(record, rules, run=run)
    if as_json:
        click.echo(json.dumps([vars(v) for v in verdicts], indent=1, ensure_ascii=False))
    else:
        for v in verdicts:
            click.echo(f"{'?   ' if v.passed is None else 'pass' if v.passed else 'FAIL'}  {v.requirement}: {v.found}")
    ctx.exit(0 if all(v.passed for v in verdicts) else 1)


@click.command()
@click.argument("record", type=_FILE)
@click.argument("pictures", type=_FILE, nargs=-1, required=True)
@click.option("--run", type=int, help="Which run's weights, from 1.  [default: the first]")
@click.option("--network", help="The code of a network of your own, as model.py:Net; no record runs code by itself.")
@click.option("--show", type=_FILE, help="Write a PNG of what the network saw to this file.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def predict(record: Path, pictures: tuple[Path, ...], run: int | None, network: str | None, show: Path | None,
            as_json: bool) -> None:
    """Classify PICTURES of digits with the weights of RECORD; several digits in one picture are boxed."""
    from sheetprop.mnist.predict import predict as classify

    answers = classify(record, pictures, run=run, network=network, show=show)
    if as_json:
        click.echo(json.dumps([vars(a) for a in answers], indent=1, ensure_ascii=False))
        return
    counts = {a.picture: sum(b.picture == a.picture for b in answers) for a in answers}
    for a in answers:
        place = "" if counts[a.picture] == 1 or a.box is None else " at {} {}, {} x {}".format(*a.box)
        names = [str(d) for d in range(len(a.probabilities))]
        names[a.digit] = a.label
        shares = "  ".join(f"{n}: {100 * p:.1f}%" for n, p in zip(names, a.probabilities, strict=True) if p >= 0.001)
        click.echo(f"{a.picture}{place}: {a.label}  ({shares})")
        if a.warning:
            click.echo(f"  warning: {a.warning}", err=True)


@click.command()
@click.argument("records", type=_FILE, nargs=-1, required=True)
@click.option("--front", type=_FILE, help="Draw accuracy against parameters into this SVG file.")
@click.option("--published", type=_FILE, help="TOML file of others' results to draw too.")
@click.option("--format", "form", type=click.Choice(["text", "markdown"]), default="text", show_default=True,
              help="Tables as text or as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def compare(records: tuple[Path, ...], front: Path | None, published: Path | None, form: str, as_json: bool) -> None:
    """Put RECORDS side by side: figures like for like, differences to the first, a paired test on the same images."""
    from dataclasses import asdict

    from sheetprop.errors import SheetpropError
    from sheetprop.files import replacing
    from sheetprop.mnist.compare import compare as judge
    from sheetprop.mnist.compare import rendered

    # A folder of runs may hold other files than records.
    given = [r for r in records if (r.is_file() and r.suffix == ".json") or (r / "record.json").is_file()]
    missing = [r for r in records if not r.exists()]
    if missing:
        raise SheetpropError(f"{missing[0]}: there is no such record")
    if front is not None:
        from sheetprop.mnist import front as picture

        drawn = picture.front(given, picture.published(published) if published is not None else ())
        with replacing(front) as temporary:
            temporary.write_text(drawn, encoding="utf-8")
        if len(given) < 2:
            return
    found = judge(given)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=1, ensure_ascii=False))
        return
    click.echo(rendered(found, markdown=form == "markdown"))


COMMANDS: tuple[click.Command, ...] = (data, networks, summary, recipe, train, log, rubric, compare, predict)
