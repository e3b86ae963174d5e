"""Every kind of module by itself: forward, gradients and step against PyTorch in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sheetprop.modules.capture import capture
from sheetprop.modules.learning import Learning, derive
from sheetprop.modules.optimizers import OPTIMIZERS, make_optimizer
from sheetprop.modules.reference import end_to_end, expected, sizes


class Of(nn.Module):
    """A function as a module, behind a linear layer so that gradients have somewhere to go."""

    def __init__(self, function: Callable[..., Any], width: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.first(x))


class Attend(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Outputs(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *x: torch.Tensor) -> torch.Tensor:
        return self.inner(*x)[0]


def learned(module: nn.Module, *args: torch.Tensor, target: torch.Tensor | None = None, loss: Any = "mse",
            optimizer: str = "sgd", training: bool = False) -> Learning:
    if target is None:
        with torch.no_grad():
            held = module.double().train(training)(*[x.double() if x.is_floating_point() else x for x in args])
        target = torch.rand_like(held)
    program, values = capture(module, args, target, loss=loss, training=training)
    return derive(program, values, optimizer=make_optimizer(optimizer))


def check(learning: Learning) -> None:
    values = learning.d.evaluate()
    theirs = expected(learning, values)
    known = ~np.isnan(theirs)
    gap = np.abs(values[:learning.d.count] - theirs)[known]
    allowed = 1e-12 * np.maximum(sizes(learning, values)[known], 1e-280)
    assert known.sum() > 0
    assert (gap <= allowed).all(), f"{int((gap > allowed).sum())} of {known.sum()} differ by up to {gap.max()}"
    for one in end_to_end(learning, values):
        scale = max(1e-3, float(np.abs(one.theirs).max(initial=0)))
        np.testing.assert_allclose(values[one.places], one.theirs, rtol=0, atol=1e-11 * scale, err_msg=one.name)


def r(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[torch.Tensor, ...]]] = {
    "Linear": (lambda: nn.Linear(4, 3), (r(2, 4),)),
    "Linear without bias": (lambda: nn.Linear(4, 3, bias=False), (r(2, 5, 4),)),
    "Bilinear": (lambda: nn.Bilinear(3, 4, 2), (r(2, 3), r(2, 4))),
    "Conv1d": (lambda: nn.Conv1d(2, 4, 3, stride=2, padding=1), (r(2, 2, 7),)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3, padding=1), (r(1, 2, 5, 5),)),
    "Conv2d strided, dilated, grouped": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2),
                                         (r(2, 4, 7, 7),)),
    "Conv2d same": (lambda: nn.Conv2d(2, 2, (2, 3), padding="same"), (r(1, 2, 5, 4),)),
    "Conv2d depthwise": (lambda: nn.Conv2d(3, 6, 3, groups=3), (r(1, 3, 5, 5),)),
    "Conv2d reflected": (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), (r(1, 2, 5, 5),)),
    "Conv2d circular": (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), (r(1, 2, 5, 5),)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 3, stride=2), (r(1, 2, 5),)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
                        (r(2, 4, 3, 3),)),
    "ConvTranspose2d dilated": (lambda: nn.ConvTranspose2d(2, 2, 2, dilation=2, stride=3), (r(1, 2, 3, 3),)),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), (r(1, 2, 7),)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (r(1, 2, 5, 5),)),
    "MaxPool2d overlapping": (lambda: nn.MaxPool2d(3, 2, 1), (r(1, 2, 6, 6),)),
    "MaxPool2d ceil": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (r(1, 2, 6, 6),)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), (r(1, 2, 7),)),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1), (r(1, 2, 6, 6),)),
    "AvgPool2d ceil": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), (r(1, 2, 6, 6),)),
    "AvgPool2d without padding": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), (r(1, 2, 6, 6),)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((2, 3)), (r(1, 2, 5, 5),)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((2, 3)), (r(1, 2, 5, 5),)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), (r(1, 2, 7),)),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(3), (r(1, 2, 7),)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (r(4, 3),)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(3), (r(2, 3, 3, 3),)),
    "BatchNorm2d plain": (lambda: nn.BatchNorm2d(3, affine=False), (r(2, 3, 3, 3),)),
    "LayerNorm": (lambda: nn.LayerNorm(5), (r(2, 3, 5),)),
    "LayerNorm plain": (lambda: nn.LayerNorm((3, 5), elementwise_affine=False), (r(2, 3, 5),)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (r(2, 4, 3, 3),)),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(3, affine=True), (r(2, 3, 4, 4),)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3), (r(2, 3, 4),)),
    "RMSNorm": (lambda: nn.RMSNorm(5), (r(3, 5),)),
    "Dropout": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.4)), (r(3, 3),)),
    "Dropout2d": (lambda: nn.Sequential(nn.Conv2d(1, 4, 2), nn.Dropout2d(0.5)), (r(2, 1, 3, 3),)),
    "Embedding": (lambda: nn.Embedding(5, 3), (torch.tensor([[1, 4, 1], [0, 2, 4]]),)),
    "Embedding padded": (lambda: nn.Embedding(5, 3, padding_idx=1), (torch.tensor([[1, 4, 1]]),)),
    "RNN": (lambda: Outputs(nn.RNN(3, 4, num_layers=2)), (r(4, 2, 3),)),
    "RNN relu": (lambda: Outputs(nn.RNN(3, 4, nonlinearity="relu", bidirectional=True)), (r(4, 2, 3),)),
    "LSTM": (lambda: Outputs(nn.LSTM(3, 4, batch_first=True)), (r(2, 4, 3),)),
    "LSTM projected": (lambda: Outputs(nn.LSTM(3, 4, proj_size=2, bidirectional=True)), (r(3, 2, 3),)),
    "LSTM without bias": (lambda: Outputs(nn.LSTM(3, 4, bias=False)), (r(3, 3),)),
    "GRU": (lambda: Outputs(nn.GRU(3, 4, num_layers=2, bidirectional=True)), (r(3, 2, 3),)),
    "MultiheadAttention": (Attend, (r(1, 4, 8),)),
    "MultiheadAttention, biased keys": (lambda: Attend(add_bias_kv=True), (r(2, 3, 8),)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True), (r(1, 4, 8),)),
    "TransformerEncoderLayer, normalised first": (
        lambda: nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", batch_first=True, norm_first=True), (r(2, 3, 8),)),
    "TransformerDecoderLayer": (lambda: nn.TransformerDecoderLayer(8, 2, 12, 0.0, batch_first=True),
                                (r(1, 3, 8), r(1, 4, 8))),
    "PReLU": (lambda: nn.PReLU(3), (r(2, 3, 4),)),
    "PReLU of one": (lambda: nn.PReLU(), (r(2, 3),)),
    "Softmax": (lambda: nn.Softmax(1), (r(2, 3, 4),)),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), (r(2, 4),)),
    "Softmin": (lambda: nn.Softmin(1), (r(2, 4),)),
    "Upsample nearest": (lambda: nn.Upsample(scale_factor=2), (r(1, 2, 3, 3),)),
    "Upsample bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (r(1, 1, 3, 3),)),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), (r(1, 4, 2, 2),)),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), (r(1, 1, 4, 4),)),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 2, 0, 1)), (r(1, 1, 3, 3),)),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(2, 3.5), (r(1, 1, 3),)),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(1), (r(1, 1, 3, 3),)),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(2), (r(1, 1, 3, 3),)),
    "CircularPad2d": (lambda: nn.CircularPad2d(1), (r(1, 1, 3, 3),)),
    "Flatten": (lambda: nn.Flatten(), (r(2, 3, 2),)),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 3)), (r(2, 6),)),
    "GLU": (lambda: nn.GLU(), (r(2, 6),)),
    "Unfold": (lambda: nn.Unfold(2), (r(1, 2, 3, 3),)),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), (r(1, 4, 2, 2),)),
    "CosineSimilarity": (lambda: nn.CosineSimilarity(), (r(2, 4), r(2, 4))),
    **{name: ((lambda kind=name: getattr(nn, kind)()), (r(3, 5),)) for name in (
        "ReLU", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus", "Hardtanh",
        "ReLU6", "Hardsigmoid", "Hardswish", "LogSigmoid", "Softsign", "Tanhshrink", "Softshrink", "Hardshrink",
        "Identity")},
    "GELU by tanh": (lambda: nn.GELU("tanh"), (r(3, 5),)),
    "Threshold": (lambda: nn.Threshold(0.1, 2.0), (r(3, 5),)),
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "residual": lambda x: x + torch.tanh(x),
    "product": lambda x: x * x.roll(1, 0),
    "broadcast": lambda x: x * x[:1] + x[:, :1] - 2 * x.mean(0),
    "division": lambda x: x / (1 + x * x),
    "powers": lambda x: x**3 + (x * x + 1) ** 0.5 + (x * x + 1) ** 1.7,
    "exponentials": lambda x: torch.exp(x) + torch.log(x * x + 1) + torch.log1p(x * x),
    "roots": lambda x: torch.sqrt(x * x + 1) + torch.rsqrt(x * x + 1) + torch.reciprocal(x * x + 1),
    "trigonometry": lambda x: torch.sin(x) + torch.cos(2 * x),
    "erf": lambda x: torch.erf(x) - x.abs(),
    "concatenation": lambda x: torch.cat([x, x.flip(0), torch.zeros_like(x)], 1),
    "slices": lambda x: x[:, 1:3] * x[:, :2] + x[1:, ::2].sum(),
    "stack": lambda x: torch.stack([x, 2 * x], 1).transpose(0, 2),
    "split": lambda x: torch.mul(*x.chunk(2, 1)),
    "sums": lambda x: x.sum(0) + x.sum(1).mean() + x.mean((0, 1)),
    "max": lambda x: x.max(1).values + x.max() + x.amin(0).sum(),
    "minimum": lambda x: torch.minimum(x, x.flip(1)) + torch.maximum(x, 0.1 * x.flip(0)),
    "variance": lambda x: x.var(1) + x.std(0).sum() + x.var(unbiased=False),
    "norm": lambda x: functional.normalize(x, dim=1) + x.norm(),
    "logsumexp": lambda x: x.logsumexp(1),
    "cumsum": lambda x: x.cumsum(1) + x.cumsum(0),
    "where": lambda x: torch.where(x > 0.2, x, 3 * x),
    "masked": lambda x: x.masked_fill(torch.eye(4, dtype=torch.bool)[:3], 0.5).clamp(-0.4, 0.6),
    "triangle": lambda x: x.tril() + x.triu(1) * 2,
    "matmul": lambda x: x @ x.T @ x,
    "batched": lambda x: torch.bmm(x.view(1, 3, 4).expand(2, 3, 4), x.T.expand(2, 4, 3)),
    "einsum": lambda x: torch.einsum("ij,kj->ik", x, x) + torch.einsum("ij,ij->", x, x),
    "einsum of three": lambda x: torch.einsum("ij,jk,kl->il", x, x.T, x),
    "outer": lambda x: torch.einsum("i,j->ij", x[0], x[1]) + torch.outer(x[1], x[2]),
    "vector": lambda x: (x @ x[0]).unsqueeze(1) * x,
    "gather": lambda x: x.gather(1, torch.tensor([[0, 1], [2, 2], [3, 0]])) + x[:, [1, 3]],
    "index": lambda x: x[torch.tensor([2, 0, 0])] * 2,
    "repeat": lambda x: x.repeat(2, 1) + x.repeat_interleave(2, 0),
    "interpolate": lambda x: functional.interpolate(x.view(1, 1, 3, 4), scale_factor=2.0),
    "pad": lambda x: functional.pad(x, (1, 1), value=2.0).max(1).values,
    "causal": lambda x: functional.scaled_dot_product_attention(x[None], x[None] * 2, x[None], is_causal=True),
    "masked attention": lambda x: functional.scaled_dot_product_attention(
        x[None], x[None], x[None], attn_mask=torch.tensor([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=torch.bool)),
    "biased attention": lambda x: functional.scaled_dot_product_attention(
        x[None], x[None], x[None], attn_mask=torch.tensor([[0.5, 1, 0], [0.0, 1, -1], [1, 0, 1]]).double()),
    "detached": lambda x: x * x.detach(),
    "one hot": lambda x: x * functional.one_hot(torch.tensor([1, 3, 0]), 4),
    "layer norm": lambda x: functional.layer_norm(x, (4,)),
    "linear": lambda x: functional.linear(x, x),
    "conv": lambda x: functional.conv1d(x[None], x[:, :3][None].expand(2, 3, 3)),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(name: str) -> None:
    make, args = MODULES[name]
    torch.manual_seed(3)
    module = make()
    for one in module.buffers():
        if one.is_floating_point():
            one.uniform_(0.5, 1.5)
    check(learned(module, *args))


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d", "BatchNorm2d plain", "Dropout", "Dropout2d",
                                  "TransformerEncoderLayer", "InstanceNorm2d"])
def test_module_in_training(name: str) -> None:
    make, args = MODULES[name]
    torch.manual_seed(3)
    check(learned(make(), *args, training=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name: str) -> None:
    torch.manual_seed(4)
    check(learned(Of(FUNCTIONS[name]), r(3, 4)))


LOSSES: dict[str, tuple[nn.Module, torch.Tensor]] = {
    "mse": (nn.Linear(4, 3), r(5, 3)),
    "l1": (nn.Linear(4, 3), r(5, 3)),
    "huber": (nn.Linear(4, 3), 2 * r(5, 3)),
    "bce": (nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), torch.rand(5, 3)),
    "cross-entropy": (nn.Linear(4, 3), torch.tensor([0, 2, 1, 1, 0])),
    "nll": (nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1)), torch.tensor([0, 2, 1, 1, 0])),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    module, target = LOSSES[name]
    check(learned(module, r(5, 4), target=target, loss=name))


OTHER_LOSSES: dict[str, tuple[Callable[..., Any], torch.Tensor]] = {
    "sum": (lambda y, t: functional.mse_loss(y, t, reduction="sum"), r(5, 3)),
    "smooth l1": (lambda y, t: functional.smooth_l1_loss(y, t, beta=0.7), r(5, 3)),
    "logits": (functional.binary_cross_entropy_with_logits, torch.rand(5, 3)),
    "smoothed": (lambda y, t: functional.cross_entropy(y, t, label_smoothing=0.1), torch.tensor([0, 2, 1, 1, 0])),
    "weighted": (lambda y, t: functional.cross_entropy(y, t, weight=torch.tensor([1.0, 2, 3]).double()),
                 torch.tensor([0, 2, 1, 1, 0])),
    "probabilities": (functional.cross_entropy, torch.rand(5, 3).softmax(1)),
}


@pytest.mark.parametrize("name", OTHER_LOSSES)
def test_other_loss(name: str) -> None:
    function, target = OTHER_LOSSES[name]
    check(learned(nn.Linear(4, 3), r(5, 4), target=target, loss=function))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_optimizer(name: str, decay: float) -> None:
    program, values = capture(nn.Linear(4, 3), [r(5, 4)], r(5, 3), loss="mse")
    check(derive(program, values, optimizer=make_optimizer(name, weight_decay=decay)))


def test_the_first_of_equal_ones_gets_the_gradient_of_a_maximum() -> None:
    check(learned(nn.Sequential(nn.Conv2d(1, 2, 1), nn.MaxPool2d(2)), torch.ones(1, 1, 4, 4)))
