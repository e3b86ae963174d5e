"""What the first and the last page say of part 2: claim, key numbers, commands, limits."""

from __future__ import annotations

import shlex

from sheetprop.mnist.recipefile import folder_name
from sheetprop.mnist.record import RunRecord
from sheetprop.reporting.mnistpart import Mnist, title_of_data
from sheetprop.reporting.words import accuracy, duration, many

TEACHER = "runs/teacher"  # where the commands put a teacher's run


def claim(part2: Mnist) -> str:
    """Return the result in a sentence."""
    summary, run = part2.record.summary, part2.run
    what = title_of_data(part2.record)
    who = f"A network of {part2.count:,} parameters" if part2.count is not None else "A network"
    if run is None:
        return f"{who}, told by its layer table alone: the record holds no run."
    if run.last is None:
        return f"{who} was trained on {what}; the record holds no tested epoch."
    text = f"{who} reads {accuracy(summary.last_mean or run.last.accuracy)} of {what}'s {part2.set_name} images right"
    text += f" after {part2.epochs_words}"
    if summary.runs > 1:
        text += f", the mean of {many(summary.runs, 'run')}"
        text += f" ± {summary.last_sd:.2f}" if summary.last_sd is not None else ""
    if part2.several:
        text += f"; this is run {part2.record.main_number()} of {len(part2.record.runs)} in the log"
    if part2.record.teacher is not None:
        text += (f". It learned from the answers of a network of {part2.record.teacher.parameters:,} parameters beside "
                 "the labels")
    return text + "."


def facts(part2: Mnist) -> list[tuple[str, str, str]]:
    """Return key numbers as value, label and note."""
    found: list[tuple[str, str, str]] = []
    summary, run, record = part2.record.summary, part2.run, part2.record
    last = summary.last_mean if summary.last_mean is not None else run.last.accuracy if run and run.last else None
    note = f"run {record.main_number()} of {len(record.runs)}" if part2.several else many(summary.runs, "run")
    if summary.last_sd is not None:
        note = f"mean of {note}, standard deviation {summary.last_sd:.2f}"
    found.append((accuracy(last), f"{part2.set_name} accuracy, last epoch", note))
    if part2.count is not None:
        found.append((f"{part2.count:,}", "parameters", part2.epochs_words if run is not None else ""))
    if record.teacher is not None:
        own = f"{record.teacher.last.accuracy:.2f} % itself" if record.teacher.last else ""
        found.append((f"{record.teacher.parameters:,}", "parameters of the teacher", own))
    seconds = summary.seconds_mean if summary.seconds_mean is not None else run.seconds if run else None
    if seconds is not None:
        where = record.environment
        note = f"{many(where.threads, 'thread')}, {where.device}" if where else ""
        if record.teacher is not None and record.teacher.seconds is not None:
            note += f"; {duration(seconds + record.teacher.seconds)} with the teacher's"
        found.append((duration(seconds), "a run, tests included", note))
    return found


def record_place(part2: Mnist) -> str:
    """Return where the commands have the record."""
    if part2.from_log or part2.record.recipe is None:
        return part2.file
    return f"runs/{folder_name(part2.record.recipe)}"


def commands(part2: Mnist) -> list[str]:
    """Return the commands that make the record again, exactly as it was made."""
    record = part2.record
    if record.recipe is None:
        run = f" --run {record.chosen}" if record.chosen is not None else ""
        return [f"sheetprop log {shlex.quote(record.log.file) if record.log else 'FILE'}{run} -o {part2.file}"]
    return train_commands(record)


def train_commands(record: RunRecord) -> list[str]:
    """Return the commands that train what the record holds: the teacher first, then the seeds that are there."""
    from sheetprop.mnist.recipes import RECIPES

    recipe = record.recipe
    assert recipe is not None
    known = RECIPES.get(recipe.name)
    same = {"epochs": recipe.epochs, "batch_size": recipe.batch_size, "learning_rate": recipe.learning_rate,
            "seed": recipe.seed, "network": recipe.network}
    built_in = known is not None and known.model_copy(update=same).settings() == recipe.settings()
    parts = [f"sheetprop train --recipe {recipe.name if built_in else shlex.quote(recipe.name + '.toml')}"]
    if record.module is not None:
        parts.append(f"--network {shlex.quote(record.module.place)}")
    if built_in:
        assert known is not None
        for option, field in (("--epochs", "epochs"), ("--batch-size", "batch_size"), ("--lr", "learning_rate")):
            if getattr(known, field) != getattr(recipe, field):
                parts.append(f"{option} {getattr(recipe, field)}")
    shared = []
    if record.data_set != "mnist":
        shared.append(f"--data {shlex.quote(record.data_set)}")
    if record.held_out:
        shared.append(f"--held-out {record.held_out}")
    if record.environment is not None:
        shared.append(f"--threads {record.environment.threads} --precision {record.environment.precision}")
    teacher = []
    first = []
    if record.teacher is not None:
        first = [" ".join(["sheetprop train", f"--recipe {record.teacher.recipe}", *shared, "--out runs"])]
        teacher = [f"--teacher {TEACHER}"]
    seeds = [run.seed for run in record.runs if run.seed is not None] or [recipe.seed]
    lines = []
    for number, (seed, count) in enumerate(_rows(seeds)):
        which = [] if not number and seed == (known.seed if built_in and known else recipe.seed) else [f"--seed {seed}"]
        which += [f"--runs {count}"] if count > 1 else []
        place = "--out runs" if not number else f"--out runs/seed-{seed}"
        lines.append(" ".join([*parts, *which, *shared, *teacher, place]))
    return first + lines


def _rows(seeds: list[int]) -> list[tuple[int, int]]:
    """Return the seeds as first of a row and length of the row."""
    rows: list[tuple[int, int]] = []
    for seed in seeds:
        if rows and seed == rows[-1][0] + rows[-1][1]:
            rows[-1] = (rows[-1][0], rows[-1][1] + 1)
        else:
            rows.append((seed, 1))
    return rows


def limits(part2: Mnist) -> list[str]:
    """Return what the numbers do not show."""
    record, run = part2.record, part2.run
    found = []
    if part2.from_log:
        found.append("The figures of part 2 are those of a log that somebody pasted; nothing was trained again here.")
    if part2.several:
        found.append(f"The log holds {len(record.runs)} runs; headline and figures show run {record.main_number()}, "
                     "the table shows all.")
    found += [f"{note[:1].upper()}{note[1:]}." for note in record.notes]
    if record.teacher is not None:
        found.append("A network that learns from a teacher has seen more than the labels: its figures stand beside "
                     "those of networks trained on labels alone only with that said.")
    if run is not None and record.summary.runs < 2:
        found.append("One run has no spread: another seed would give another accuracy.")
    elif run is not None and record.summary.runs < 5:
        found.append(f"A standard deviation from {record.summary.runs} runs is itself a rough figure.")
    if run is not None and run.last is not None and run.test_score is not None and run.test_score.total:
        images = run.test_score.total
        share = run.last.accuracy / 100
        error = 100 * (share * (1 - share) / images) ** 0.5
        found.append(f"With {images:,} images an accuracy of {accuracy(run.last.accuracy)} has a standard error of "
                     f"{error:.2f} points from the choice of images alone.")
    if run is not None and record.evaluated_on == "test" and record.data_set == "mnist":
        found.append("MNIST's test set has been looked at by everybody for decades; recipes are made with that "
                     "knowledge, ours included.")
    if run is not None:
        found.append("Scans of digits, centred and of one size: nothing here says how the network reads other "
                     "handwriting." if record.data_set in ("mnist", "qmnist", "emnist") else
                     "Pictures of one data set: nothing here says how the network reads others.")
    return found
