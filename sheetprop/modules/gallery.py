"""Small ready modules: the gallery of `export --example`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sheetprop.errors import SheetpropError, nearest

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Example:
    """A module with data.

    Attributes:
        name: in the gallery.
        sentence: what it shows.
        module: with weights drawn from the seed.
        args: its inputs.
        target: of the loss.
        loss: by name, or a function of output and target.
        training: whether batch normalisation and dropout are those of training.
    """

    name: str
    sentence: str
    module: nn.Module
    args: tuple[torch.Tensor, ...]
    target: torch.Tensor | None
    loss: str | Callable[..., Any]
    training: bool = False


SENTENCES = {
    "mlp-xor": "two inputs, three hidden units, the four cases of exclusive or",
    "softmax-regression": "four features, three classes: logistic regression for several classes",
    "conv": "one convolution, a rectifier, the mean of the map",
    "lenet-tiny": "a small LeNet on a drawn digit: convolutions, max-pooling, two linear layers",
    "batchnorm": "batch normalisation in training, on a batch of six",
    "rnn": "a plain recurrent layer over five steps",
    "lstm": "long short-term memory over five steps, gate by gate",
    "gru": "a gated recurrent unit over five steps",
    "embedding": "tokens choose rows of a table, whose mean is classified",
    "attention": "one head of causal self-attention over four tokens",
    "transformer-block": "attention, normalisation, a small network, and residual edges",
    "gpt-tiny": "a causal language model: embeddings, one block, the next token",
    "autoencoder": "eight numbers through a bottleneck of two and back",
    "vae": "a variational autoencoder with fixed noise: reconstruction and divergence",
    "resnet-block": "two convolutions with batch normalisation and a residual edge",
    "unet-tiny": "down, up, and a skip connection: each pixel is classified",
}


def examples() -> tuple[str, ...]:
    """Return the names of the gallery."""
    return tuple(SENTENCES)


def example(name: str, seed: int = 0) -> Example:
    """Return an example with weights drawn from `seed`.

    Raises:
        SheetpropError: there is none of that name.
    """
    if name not in SENTENCES:
        raise SheetpropError(f"--example {name}: there is no such example; {nearest(name, examples())}")
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = getattr(_Gallery, name.replace("-", "_"))()
    return Example(name, SENTENCES[name], *parts)


class _Gallery:
    """One method for each example: module, inputs, target, loss, and whether in training."""

    @staticmethod
    def mlp_xor() -> tuple[Any, ...]:
        import torch
        from torch import nn

        x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
        module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1), nn.Sigmoid())
        return module, (x,), torch.tensor([[0.0], [1], [1], [0]]), "bce"

    @staticmethod
    def softmax_regression() -> tuple[Any, ...]:
        import torch
        from torch import nn

        return nn.Linear(4, 3), (torch.randn(5, 4),), torch.tensor([0, 2, 1, 1, 0]), "cross-entropy"

    @staticmethod
    def conv() -> tuple[Any, ...]:
        import torch
        from torch import nn

        module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return module, (torch.rand(1, 1, 8, 8),), torch.tensor([[1.0, 0.0]]), "mse"

    @staticmethod
    def lenet_tiny() -> tuple[Any, ...]:
        import torch
        from torch import nn

        module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.ReLU(),
                               nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
        return module, (_digit(14),), torch.tensor([1]), "cross-entropy"

    @staticmethod
    def batchnorm() -> tuple[Any, ...]:
        import torch
        from torch import nn

        module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
        return module, (torch.randn(6, 3),), torch.randn(6, 2), "mse", True

    @staticmethod
    def _recurrent(kind: str) -> tuple[Any, ...]:
        import torch

        return _modules()["Recurrent"](kind), (torch.rand(1, 5, 3),), torch.tensor([1]), "cross-entropy"

    @staticmethod
    def rnn() -> tuple[Any, ...]:
        return _Gallery._recurrent("RNN")

    @staticmethod
    def lstm() -> tuple[Any, ...]:
        return _Gallery._recurrent("LSTM")

    @staticmethod
    def gru() -> tuple[Any, ...]:
        return _Gallery._recurrent("GRU")

    @staticmethod
    def embedding() -> tuple[Any, ...]:
        import torch

        return _modules()["Bag"](), (torch.tensor([[2, 5, 1, 5]]),), torch.tensor([1]), "cross-entropy"

    @staticmethod
    def attention() -> tuple[Any, ...]:
        import torch

        return _modules()["Attention"](4, 4), (torch.randn(1, 4, 4),), torch.randn(1, 4, 4), "mse"

    @staticmethod
    def transformer_block() -> tuple[Any, ...]:
        import torch

        return _modules()["Block"](8, 2), (torch.randn(1, 4, 8),), torch.randn(1, 4, 8), "mse"

    @staticmethod
    def gpt_tiny() -> tuple[Any, ...]:
        import torch

        tokens = torch.tensor([[0, 3, 2, 5, 1, 4]])
        return _modules()["Gpt"](7, 6, 8, 2), (tokens,), torch.tensor([[3, 2, 5, 1, 4, 6]]), _language

    @staticmethod
    def autoencoder() -> tuple[Any, ...]:
        import torch
        from torch import nn

        x = torch.rand(3, 8)
        module = nn.Sequential(nn.Linear(8, 4), nn.SiLU(), nn.Linear(4, 2), nn.Linear(2, 4), nn.SiLU(), nn.Linear(4, 8))
        return module, (x,), x.clone(), "mse"

    @staticmethod
    def vae() -> tuple[Any, ...]:
        import torch

        x = torch.rand(2, 6)
        return _modules()["Vae"](6, 2), (x, torch.randn(2, 2)), x.clone(), _evidence

    @staticmethod
    def resnet_block() -> tuple[Any, ...]:
        import torch

        return _modules()["Residual"](3), (torch.randn(2, 3, 6, 6),), torch.randn(2, 3, 6, 6), "mse", True

    @staticmethod
    def unet_tiny() -> tuple[Any, ...]:
        import torch

        return _modules()["Unet"](), (torch.rand(1, 1, 8, 8),), (torch.rand(1, 8, 8) > 0.5).long(), "cross-entropy"


def _digit(side: int) -> Any:
    """Return a drawn one, ``[1, 1, side, side]``."""
    import torch

    x = torch.zeros(1, 1, side, side)
    middle = side // 2
    x[0, 0, 2:side - 2, middle - 1:middle + 1] = 0.9
    x[0, 0, 3, middle - 3:middle - 1] = 0.5
    return x


def _language(output: Any, target: Any) -> Any:
    """The cross-entropy of the next token."""
    from torch.nn import functional

    return functional.cross_entropy(output.flatten(0, 1), target.flatten())


def _evidence(output: Any, target: Any) -> Any:
    """Squared error of the reconstruction, and the divergence from a standard normal distribution."""
    from torch.nn import functional

    image, mean, log_variance = output.split([target.shape[1], 2, 2], 1)
    divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum(1).mean()
    return functional.mse_loss(image, target) + 0.1 * divergence


@cache
def _modules() -> dict[str, Any]:
    """Return the modules of the gallery that are more than a sequence."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Recurrent(nn.Module):
        def __init__(self, kind: str) -> None:
            super().__init__()
            self.cells = getattr(nn, kind)(3, 4, batch_first=True)
            self.classify = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            steps, _ = self.cells(x)
            return self.classify(steps[:, -1])  # type: ignore[no-any-return]

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(6, 3)
            self.classify = nn.Linear(3, 2)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.classify(self.table(tokens).mean(1))  # type: ignore[no-any-return]

    class Attention(nn.Module):
        def __init__(self, width: int, inner: int, heads: int = 1) -> None:
            super().__init__()
            self.heads = heads
            self.query, self.key, self.value = (nn.Linear(width, inner, bias=False) for _ in range(3))
            self.out = nn.Linear(inner, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            batch, tokens, _ = x.shape
            q, k, v = (one(x).view(batch, tokens, self.heads, -1).transpose(1, 2)
                       for one in (self.query, self.key, self.value))
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(mixed.transpose(1, 2).reshape(batch, tokens, -1))  # type: ignore[no-any-return]

    class Block(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attention = Attention(width, width, heads)
            self.up, self.act, self.down = nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x + self.attention(self.norm1(x))
            return x + self.down(self.act(self.up(self.norm2(x))))  # type: ignore[no-any-return]

    class Gpt(nn.Module):
        def __init__(self, vocabulary: int, length: int, width: int, heads: int) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
            self.block = Block(width, heads)
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
            return self.head(self.norm(self.block(x)))  # type: ignore[no-any-return]

    class Vae(nn.Module):
        def __init__(self, width: int, inner: int) -> None:
            super().__init__()
            self.encode, self.mean = nn.Linear(width, 4), nn.Linear(4, inner)
            self.log_variance, self.decode = nn.Linear(4, inner), nn.Linear(inner, width)

        def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
            held = torch.tanh(self.encode(x))
            mean, log_variance = self.mean(held), self.log_variance(held)
            code = mean + noise * torch.exp(0.5 * log_variance)
            return torch.cat([torch.sigmoid(self.decode(code)), mean, log_variance], 1)

    class Residual(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
            self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(y)) + x)

    class Unet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.deep = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
            self.pool, self.up = nn.MaxPool2d(2), nn.ConvTranspose2d(4, 3, 2, stride=2)
            self.out = nn.Conv2d(6, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            fine = torch.relu(self.down(x))
            coarse = torch.relu(self.deep(self.pool(fine)))
            return self.out(torch.cat([fine, self.up(coarse)], 1))  # type: ignore[no-any-return]

    return {one.__name__: one for one in (Recurrent, Bag, Attention, Block, Gpt, Vae, Residual, Unet)}
