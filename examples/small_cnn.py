"""A small convolutional network for MNIST, to be trained by the formulas of its own workbook.

    sheetprop export examples/small_cnn.py:Net --inputs 16x1x28x28 --target 0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5 \\
        --optimizer adam --lr 0.003 -o small_cnn.xlsx
    sheetprop step small_cnn.xlsx -n 2000 --mnist
"""

from __future__ import annotations

import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions with stride 2, rectifiers, a linear layer: 4,000 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, stride=2), nn.Conv2d(6, 12, 5, stride=2)
        self.classify = nn.Linear(192, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``[N, 10]`` of pixels ``[N, 1, 28, 28]`` from 0 to 1."""
        x = torch.relu(self.conv1(2 * x - 0.5))
        return self.classify(torch.relu(self.conv2(x)).flatten(1))  # type: ignore[no-any-return]
