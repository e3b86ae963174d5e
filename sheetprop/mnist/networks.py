"""The networks by name: five reproduced from public hand-ins, and our own small ones.

A network is a list of `Layer` descriptions, so that its table, its picture, the rubric and the
PyTorch module all come from the same place. Input: ``[N, 1, 28, 28]``; output: ``[N, 10]`` logits
(the log-softmax stands in the loss).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sheetprop.errors import SheetpropError, nearest

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["conv", "batchnorm", "batchnorm1d", "relu", "maxpool", "avgpool", "globalpool",
               "dropout", "dropout2d", "flatten", "linear"]


@dataclass(frozen=True)
class Layer:
    """One layer: its kind and what PyTorch needs to know about it.

    `functional` layers have no module of their own in the code that they come from, so that
    torchsummary's table leaves them out.
    """

    kind: Kind
    out: int = 0
    kernel: int = 0
    padding: int = 0
    bias: bool = True
    p: float = 0.0
    functional: bool = False
    depthwise: bool = False


@dataclass(frozen=True)
class Network:
    """A named network."""

    name: str
    title: str
    origin: str
    layers: tuple[Layer, ...]


def conv(out: int, kernel: int = 3, padding: int = 0, *, bias: bool = True) -> Layer:
    """A convolution with `out` channels and stride 1."""
    return Layer("conv", out=out, kernel=kernel, padding=padding, bias=bias)


def linear(out: int, *, bias: bool = True) -> Layer:
    """A fully connected layer."""
    return Layer("linear", out=out, bias=bias)


def dropout(p: float, *, channels: bool = False) -> Layer:
    """Dropout of single values, or of whole channels."""
    return Layer("dropout2d" if channels else "dropout", p=p)


BN = Layer("batchnorm")
BN1D = Layer("batchnorm1d")
RELU = Layer("relu", functional=True)
POOL = Layer("maxpool", kernel=2, functional=True)
GAP = Layer("globalpool")
FLAT = Layer("flatten", functional=True)


def _001() -> tuple[Layer, ...]:
    return (conv(8, 5), RELU, BN, conv(16, 5), RELU, BN, POOL, conv(32, 5), RELU, BN,
            dropout(0.1, channels=True), conv(24, 1), Layer("avgpool", kernel=6), FLAT, linear(10))


def _002() -> tuple[Layer, ...]:
    def block(out: int) -> tuple[Layer, ...]:
        return conv(out), RELU, BN

    return (*block(16), *block(16), POOL, dropout(0.2), *block(16), dropout(0.2), *block(16), dropout(0.2),
            *block(64), GAP, FLAT, dropout(0.1), linear(32), RELU, BN1D, dropout(0.1), linear(10))


def _003() -> tuple[Layer, ...]:
    def block(out: int, padding: int) -> tuple[Layer, ...]:
        return conv(out, 3, padding), BN, RELU

    return (*block(8, 1), POOL, *block(16, 1), dropout(0.25, channels=True), POOL, *block(32, 1),
            dropout(0.25, channels=True), *block(16, 0), FLAT, linear(10))


def _004() -> tuple[Layer, ...]:
    def block(out: int) -> tuple[Layer, ...]:
        return conv(out, bias=False), RELU

    return (*block(32), *block(64), POOL, *block(128), *block(256), POOL, FLAT,
            linear(50, bias=False), RELU, linear(10, bias=False))


def stack(
    first: tuple[int, ...], second: tuple[int, ...], *, padding: int = 0, drop: float = 0.05
) -> tuple[Layer, ...]:
    """Our own shape: 3x3 convolutions, a max-pool, more of them, global average pool, dropout, linear.

    Batch normalisation follows each convolution, and the pool stands before it: max-pooling and
    the rest commute but for the sign of the scale, and the rest then costs a quarter.
    `first` and `second` are the channels before and after the pool; `padding` is of the first
    convolution only.
    """
    layers: list[Layer] = []
    for index, out in enumerate((*first, *second)):
        layers.append(conv(out, padding=padding if index == 0 else 0, bias=False))
        if index == len(first) - 1:
            layers.append(POOL)
        layers += [BN, RELU]
    return (*layers, GAP, FLAT, dropout(drop), linear(10))


def separable(first: int, second: tuple[int, ...], *, drop: float = 0.01) -> tuple[Layer, ...]:
    """One 5x5 convolution and a max-pool, then pairs of a 3x3 convolution of each channel by itself and a 1x1 one.

    A pair costs a fifth of the parameters of a full 3x3 convolution with 24 channels (Chollet 2017,
    arXiv:1610.02357). `second` are the channels after each pair.
    """
    layers = [conv(first, 5, 2, bias=False), POOL, BN, RELU]
    for out in second:
        layers += [Layer("conv", kernel=3, bias=False, depthwise=True), conv(out, 1, bias=False), BN, RELU]
    return (*layers, GAP, FLAT, dropout(drop), linear(10))


_ALL = (
    Network("000", "our network for the training of system 000",
            "public hand-in 000 shows its network only as a picture, which is lost: this one is our choice",
            stack((8, 8), (16, 16, 16), drop=0.05)),
    Network("001", "5x5 convolutions, 1x1, average pool", "reproduced from public hand-in 001", _001()),
    Network("002", "3x3 convolutions, global average pool, two linear layers",
            "reproduced from public hand-in 002", _002()),
    Network("003", "padded 3x3 convolutions, channel dropout, linear", "reproduced from public hand-in 003",
            _003()),
    Network("004", "wide 3x3 convolutions without bias or normalisation", "reproduced from public hand-in 004",
            _004()),
    Network("tiny", "3x3 convolutions channel by channel and 1x1 ones in pairs, under 4,400 parameters", "our own",
            separable(16, (24, 24, 24, 40))),
    Network("small", "3x3 convolutions, global average pool, under 20,000 parameters", "our own",
            stack((16,), (16, 24, 24, 32), padding=1, drop=0.05)),
    Network("small-2", "3x3 convolutions, two of them before the max-pool, under 20,000 parameters", "our own",
            stack((16, 16), (16, 24, 40), padding=1, drop=0.02)),
    Network("teacher", "3x3 convolutions with more channels", "our own",
            stack((24, 32), (48, 64, 64), padding=1, drop=0.05)),
)

NETWORKS: dict[str, Network] = {network.name: network for network in _ALL}


def networks() -> tuple[Network, ...]:
    """Return every network we know, in the order of the list."""
    return tuple(NETWORKS.values())


def network(name: str) -> Network:
    """Return the network called `name`.

    Raises:
        SheetpropError: there is none; the nearest name is told.
    """
    if name not in NETWORKS:
        raise SheetpropError(f"network {name!r}: there is no such network; {nearest(name, tuple(NETWORKS))} "
                             "(`sheetprop networks` lists them)")
    return NETWORKS[name]


def build(net: Network) -> nn.Sequential:
    """Return `net` as a PyTorch module with fresh weights from PyTorch's random state.

    Input ``[N, 1, 28, 28]`` float32, output ``[N, 10]`` logits.
    """
    from torch import nn

    modules: list[nn.Module] = []
    channels, side = 1, 28
    features = 0
    for layer in net.layers:
        match layer.kind:
            case "conv":
                groups = channels if layer.depthwise else 1
                modules.append(nn.Conv2d(channels, layer.out or channels, layer.kernel, padding=layer.padding,
                                         groups=groups, bias=layer.bias))
                channels, side = layer.out or channels, side + 2 * layer.padding - layer.kernel + 1
            case "batchnorm":
                modules.append(nn.BatchNorm2d(channels))
            case "batchnorm1d":
                modules.append(nn.BatchNorm1d(features))
            case "relu":
                modules.append(nn.ReLU())
            case "maxpool":
                modules.append(nn.MaxPool2d(layer.kernel))
                side //= layer.kernel
            case "avgpool":
                modules.append(nn.AvgPool2d(layer.kernel))
                side //= layer.kernel
            case "globalpool":
                modules.append(nn.AdaptiveAvgPool2d(1))
                side = 1
            case "dropout":
                modules.append(nn.Dropout(layer.p))
            case "dropout2d":
                modules.append(nn.Dropout2d(layer.p))
            case "flatten":
                modules.append(nn.Flatten())
                features = channels * side * side
            case "linear":
                modules.append(nn.Linear(features, layer.out, bias=layer.bias))
                features = layer.out
    return nn.Sequential(*modules)
