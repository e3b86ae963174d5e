"""One epoch of recipe 001: our loop against the usual loop, on the same machine in one go.

The usual loop is what the reproduced notebooks have: `DataLoader` over `torchvision.datasets.MNIST`
with `ToTensor` and `Normalize`, float32, the network as a module, `loss.item()` each step. Ours is
`sheetprop.train`. Both test once at the end. Prints seconds for each and the ratio.

    python benchmarks/train.py [--threads 1] [--workers 0] [--repeat 1]

With --recipes it times whole runs instead: all epochs with their tests, the data already in memory.

    python benchmarks/train.py --threads 2 --recipes fast 001
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import torch
from torch import nn
from torch.nn import functional

from sheetprop.mnist.data import DEVIATION, MEAN, Digits, data, load
from sheetprop.mnist.machine import environment
from sheetprop.mnist.networks import build, network
from sheetprop.mnist.training import train
from sheetprop.mnist.vision import torchvision


def usual(root: str, workers: int) -> tuple[float, float]:
    """Train and test one epoch the usual way; return seconds and accuracy in percent."""
    vision = torchvision()
    from torchvision import transforms

    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
    torch.manual_seed(1)
    sets = [vision.datasets.MNIST(root, train=t, download=False, transform=change) for t in (True, False)]
    train_loader, test_loader = (
        torch.utils.data.DataLoader(s, batch_size=128, shuffle=True, num_workers=workers) for s in sets)
    module: nn.Module = build(network("001"))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    start = time.perf_counter()
    module.train()
    for pixels, labels in train_loader:
        optimizer.zero_grad()
        loss = functional.nll_loss(functional.log_softmax(module(pixels), dim=1), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()
    module.eval()
    correct = 0
    with torch.no_grad():
        for pixels, labels in test_loader:
            correct += int((module(pixels).argmax(1) == labels).sum())
    return time.perf_counter() - start, correct / 100


def ours(digits: Digits, recipe: str, epochs: int | None) -> tuple[float, float]:
    """Train a recipe in our loop, tests included; return seconds and last accuracy in percent."""
    kept = train(recipe, data=digits, epochs=epochs)
    run = kept.runs[0]
    assert run.seconds is not None
    assert run.last is not None
    return run.seconds, run.last.accuracy


def main() -> None:
    """Measure both, each in a process of its own so that neither profits from the other's memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=0, help="of the usual DataLoader")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--recipes", nargs="+", help="time whole runs of these recipes instead")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    where = data()
    if args.only:
        if args.only == "usual":
            print(*usual(str(where.raw.parent.parent), args.workers))
        elif args.only == "ours":
            print(*ours(load(where), "001", 1))
        else:
            print(*ours(load(where), args.only, None))
        return
    medians: dict[str, float] = {}
    for only in args.recipes or ("usual", "ours"):
        seconds = []
        for _ in range(args.repeat):
            words = [sys.executable, __file__, "--only", only, "--threads", str(args.threads),
                     "--workers", str(args.workers)]
            took, accuracy = map(float, subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
                                 .stdout.split())
            seconds.append(took)
            print(f"{only:<6} {took:7.2f} s  {accuracy:.2f} %", flush=True)
        medians[only] = statistics.median(seconds)
    e = environment("cpu", "float32")
    ratio = "" if args.recipes else f"{medians['usual'] / medians['ours']:.2f} times faster "
    print(f"{ratio}({args.threads} threads, {e.processor}, torch {e.torch}, Python {e.python})")


if __name__ == "__main__":
    main()
