"""Commands for books of modules: export, step."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sheetprop.errors import SheetpropError


@click.command()
@click.argument("source", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="BOOK.xlsx",
              help="The workbook to write; by default named after the source.")
@click.option("--example", metavar="NAME", help="A small ready module instead of SOURCE.")
@click.option("--list-examples", is_flag=True, help="List the ready modules.")
@click.option("--image", default="0", show_default=True, metavar="N|FILE",
              help="Of a run record: number of a test image, or a picture file.")
@click.option("--run", type=int, metavar="N", help="Of a run record: which run's weights, from 1.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER", help="Of a run record: where MNIST lies.")
@click.option("--inputs", multiple=True, metavar="FILE|SHAPE",
              help="Of a module: a .npy or .csv file, or a shape such as 1x3x8x8 whose numbers are drawn; "
              "once for each input.")
@click.option("--target", metavar="FILE|NUMBERS", help="Of a module: what the loss compares with, such as 3 or 3,5.")
@click.option("--weights", metavar="FILE.safetensors", help="Of a module: its weights; else drawn by --seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, inputs and dropout masks.")
@click.option("--loss", metavar="NAME", help="mse, cross-entropy, nll, bce, l1, huber or none; "
              "by default what fits the target.")
@click.option("--optimizer", default="sgd", show_default=True, metavar="NAME",
              help="sgd, momentum, nesterov, adam, adamw, rmsprop or adagrad.")
@click.option("--lr", type=float, metavar="RATE", help="Learning rate; by default that of the optimizer.")
@click.option("--set", "numbers", multiple=True, metavar="NAME=NUMBER",
              help="Another number of the optimizer, such as momentum=0.8 or weight_decay=0.01.")
@click.option("--forward-only", is_flag=True, help="Leave out gradients and the step.")
@click.option("--train/--eval", "training", default=None,
              help="Dropout and batch normalisation as in training or in evaluation; by default as the source has it.")
@click.option("--batch", type=int, metavar="N", help="How many samples.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def export(source: str | None, output: Path | None, example: str | None, list_examples: bool, image: str,
           run: int | None, data: Path | None, inputs: tuple[str, ...], target: str | None, weights: str | None,
           seed: int, loss: str | None, optimizer: str, lr: float | None, numbers: tuple[str, ...],
           forward_only: bool, training: bool | None, batch: int | None, force: bool, as_json: bool) -> None:
    """Write a module of PyTorch as a workbook of live, explained formulas.

    SOURCE is the folder of a run record, such as reports/runs/tiny, or a Python file with what makes
    the module: model.py:Net for a class, model.py:make() for a function. The Python file is run: give only
    files that you trust.
    """
    if list_examples:
        from sheetprop.modules.gallery import SENTENCES

        click.echo(json.dumps(SENTENCES, indent=2) if as_json else "\n".join(
            f"{name:<20}{words}" for name, words in SENTENCES.items()))
        return
    if (source is None) == (example is None):
        raise SheetpropError("export: give a SOURCE (a run record, or model.py:Net) or --example NAME; "
                             "--list-examples lists the examples")
    if batch is not None and batch < 1:
        raise SheetpropError(f"--batch {batch}: give at least 1")
    from sheetprop.modules.optimizers import make_optimizer
    from sheetprop.workbook.exported import sources
    from sheetprop.workbook.exported.export import export as export_module

    chosen = make_optimizer(optimizer, **_numbers(numbers, lr))
    if example is not None:
        made, name = sources.from_example(example, seed), example
    elif source is not None and ":" in source and ".py" in source:
        made = sources.from_file(source, inputs, target=target, weights=weights, seed=seed, batch=batch)
        name = source.rpartition(":")[2].removesuffix("()")
    else:
        assert source is not None
        if source.endswith(".py"):
            raise SheetpropError(f"{source}: say what makes the module, such as {source}:Net or {source}:make()")
        made = sources.from_record(source, image, run=run, batch=batch or 1, data=data)
        name = Path(source).name if Path(source).is_dir() else Path(source).parent.name
    made = sources.with_target_shape(made)
    found = export_module(
        made.module, made.args, output or Path(f"{name}.xlsx"), target=made.target, loss=loss or made.loss,
        optimizer=chosen, forward_only=forward_only, training=made.training if training is None else training,
        seed=seed, title=made.title, source=made.words, picture=made.picture, force=force)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    end = "" if found.loss is None else f", loss {found.loss:.6g}"
    click.echo(f"{found.path}: {found.formulas:,} formulas on {len(found.sheets)} sheets, {found.parameters:,} "
               f"parameters{end}; `sheetprop verify {found.path}` checks it")


def _numbers(given: tuple[str, ...], lr: float | None) -> dict[str, float]:
    found: dict[str, Any] = {}
    for one in given:
        name, sign, value = one.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            sign = ""
        if not sign:
            raise SheetpropError(f"--set {one}: write a name and a number, such as momentum=0.8")
    if lr is not None:
        found["lr"] = lr
    return found


@click.command()
@click.argument("book", type=click.Path(path_type=Path))
@click.option("-n", "--steps", type=int, default=1, show_default=True, help="How many steps.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OTHER.xlsx",
              help="Write another book; by default BOOK itself gets the new weights.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE.csv", help="Add lines of step and loss.")
@click.option("--every", type=int, default=1, show_default=True, metavar="K", help="One step in K goes to the log.")
@click.option("--inputs", metavar="FILE.npy", help="Mini-batches: samples of the book's input; needs --target.")
@click.option("--target", metavar="FILE.npy", help="Mini-batches: their targets.")
@click.option("--mnist", is_flag=True, help="Mini-batches of the MNIST training images.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER", help="Where MNIST lies.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order of the mini-batches.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def step(book: Path, steps: int, output: Path | None, log: Path | None, every: int, inputs: str | None,
         target: str | None, mnist: bool, data: Path | None, seed: int, as_json: bool) -> None:
    """Train a book of `export` by its own formulas: n steps of its optimizer, the weights written back.

    The curve of the loss is kept on the sheet Optimizer; a later call goes on. The book is written anew: notes
    and colours of your own in it are lost.
    """
    from sheetprop.workbook.exported.batches import mnist_batches, own_batches
    from sheetprop.workbook.exported.stepping import step as make_steps

    if mnist and inputs is not None:
        raise SheetpropError("--mnist and --inputs: give one of the two")
    batches = None
    if mnist:
        batches = mnist_batches(book, data, seed)
    elif inputs is not None or target is not None:
        if inputs is None or target is None:
            raise SheetpropError("--inputs and --target: give both")
        batches = own_batches(book, inputs, target, seed)
    found = make_steps(book, steps, output=output, every=every, log=log, batches=batches)
    score = None
    if mnist:
        from sheetprop.workbook.exported.batches import mnist_accuracy

        score = mnist_accuracy(found.path, data)
    if as_json:
        fields = asdict(found)
        if score is not None:
            fields |= {"test_correct": score[0], "test_total": score[1]}
        click.echo(json.dumps(fields, indent=2))
        return
    click.echo(f"{found.path}: {found.steps:,} steps after {found.before:,}; loss {found.losses[0]:.6g} before, "
               f"{found.last:.6g} now" + ("" if score is None else
                                          f"; {score[0]:,} of {score[1]:,} test images recognised"))


COMMANDS: tuple[click.Command, ...] = (export, step)
