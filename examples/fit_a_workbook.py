"""Fits the inputs of a workbook with PyTorch: the workbook stands inside the model.

    python examples/fit_a_workbook.py [FOLDER]

A sheet cools a cup of coffee minute by minute: each row depends on the row above. Three measured
temperatures are known; the cooling rate and the room's temperature are not. The workbook is one
differentiable operation, so `torch.optim` finds them as it would find weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import openpyxl
import torch

import sheetprop

MINUTES = 60


def write_cooling(path: Path) -> None:
    """Write the workbook: inputs in Inputs!B1:B3, a row a minute in Cooling."""
    book = openpyxl.Workbook()
    inputs = book.active
    inputs.title = "Inputs"
    for row, (label, value) in enumerate([("start", 90), ("room", 15), ("rate", 0.02)], start=1):
        inputs.cell(row, 1, label)
        inputs.cell(row, 2, value)
    sheet = book.create_sheet("Cooling")
    sheet.append(["minute", "temperature"])
    sheet.append([0, "=Inputs!$B$1"])
    for row in range(3, MINUTES + 3):
        sheet.append([f"=A{row - 1}+1", f"=B{row - 1}-Inputs!$B$3*(B{row - 1}-Inputs!$B$2)"])
    book.save(path)


def main() -> None:
    """Write the workbook, fit it, store the result."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    path = folder / "cooling.xlsx"
    write_cooling(path)
    book = sheetprop.open(path)
    # Rows 12, 32 and 62 are minutes 10, 30 and 60.
    cooling = book.function(inputs=["Inputs!B2:B3"], outputs=["Cooling!B12", "Cooling!B32", "Cooling!B62"]).torch()

    measured = torch.tensor([68.0, 43.0, 28.0], dtype=torch.float64)
    scale = torch.tensor([10.0, 0.01], dtype=torch.float64)
    x = torch.tensor([1.5, 2.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([x], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        error = ((cooling(x * scale) - measured) ** 2).sum()
        error.backward()
        return error

    before = loss().item()
    optimiser.step(loss)
    after = loss().item()
    room, rate = (x * scale).tolist()
    print(f"squared error {before:.1f} -> {after:.4f}: room {room:.2f} degrees, cooling rate {rate:.5f} a minute")

    book.set("Inputs!B2", room)
    book.set("Inputs!B3", rate)
    book.calculate()
    book.save(folder / "cooling fitted.xlsx")
    print(f"minute 60: {book['Cooling']['B62']:.2f} degrees, stored in {folder / 'cooling fitted.xlsx'}")


if __name__ == "__main__":
    main()
