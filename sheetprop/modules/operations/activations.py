"""Activation functions: one number in, one number out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sheetprop.modules.derivation import Call
from sheetprop.modules.formula import Apply, Cell, Dot, Formula, If, Minus, Number, Over, Plus, Times
from sheetprop.modules.operations.base import Operation, Pointwise, product
from sheetprop.modules.tensors import Tensor

# Excel's EXP overflows above 709.78; 1/(1+e^709) is below the smallest number that Excel knows.
FLOOR = -708.0


def number(like: Formula, value: float) -> Formula:
    """Return a number for each element of another formula."""
    return Number(float(value), like.count)


def sigmoid(x: Formula) -> Formula:
    """Return ``1 / (1 + e^-x)``, 0 where Excel's EXP would overflow."""
    one = number(x, 1)
    return If("<", (x, number(x, FLOOR), number(x, 0),
                    Over((one, Plus((one, Apply("EXP", (Minus((number(x, 0), x)),))))))))


class Relu(Pointwise):
    """The rectifier."""

    names = ("relu", "relu_")
    sentence = "What is negative becomes 0, the rest stays."
    equation = "y = max(0, x)"
    adjoint = "∂L/∂x = ∂L/∂y where x > 0, else 0"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return max(0, x)."""
        return Apply("MAX", (number(x[0], 0), x[0]))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g where x > 0."""
        return [If(">", (x[0], number(g, 0), g, number(g, 0)))]


class LeakyRelu(Pointwise):
    """The rectifier that lets a little through."""

    names = ("leaky_relu", "leaky_relu_", "rrelu")
    sentence = "What is negative is multiplied by a small slope, the rest stays."
    equation = "y = x where x > 0, else slope·x"
    adjoint = "∂L/∂x = ∂L/∂y where x > 0, else slope·∂L/∂y"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return x or slope times x."""
        return If(">", (x[0], number(x[0], 0), x[0], Times((number(x[0], call["negative_slope"]), x[0]))))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g or slope times g."""
        return [If(">", (x[0], number(g, 0), g, Times((number(g, call["negative_slope"]), g))))]


class Elu(Pointwise):
    """Exponential linear unit; SELU is one with fixed numbers."""

    names = ("elu", "elu_")
    sentence = "What is negative bends towards -alpha; the rest is scaled."
    equation = "y = scale·x where x > 0, else scale·alpha·(e^x - 1)"
    adjoint = "∂L/∂x = ∂L/∂y·scale where x > 0, else ∂L/∂y·(y + scale·alpha)"

    def _numbers(self, call: Call) -> tuple[float, float]:
        return float(call["alpha"]) * float(call["scale"]), float(call["scale"])

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the two branches."""
        curve, scale = self._numbers(call)
        below = Times((number(x[0], curve), Minus((Apply("EXP", (x[0],)), number(x[0], 1)))))
        above = x[0] if scale == 1 else Times((number(x[0], scale), x[0]))
        return If(">", (x[0], number(x[0], 0), above, below))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope of each branch times g."""
        curve, scale = self._numbers(call)
        above = g if scale == 1 else Times((number(g, scale), g))
        return [If(">", (x[0], number(g, 0), above, Times((g, Plus((y, number(g, curve)))))))]


class Selu(Operation):
    """ELU with the numbers of Klambauer and others (2017)."""

    names = ("selu", "selu_")
    sentence = "An exponential linear unit whose numbers keep mean 0 and variance 1."
    equation = "y = 1.0507·x where x > 0, else 1.7581·(e^x - 1)"

    def forward(self, d: Any, call: Call) -> Any:
        """Apply ELU."""
        return d.apply("aten.elu.default", call["self"], 1.6732632423543772848170429916717,
                       1.0507009873554804934193349852946)


class Celu(Operation):
    """ELU that is smooth for every alpha."""

    names = ("celu", "celu_")
    sentence = "What is negative bends smoothly towards -alpha."
    equation = "y = x where x > 0, else alpha·(e^(x/alpha) - 1)"

    def forward(self, d: Any, call: Call) -> Any:
        """Apply ELU with an inner scale."""
        alpha = float(call["alpha"])
        if alpha == 1:
            return d.apply("aten.elu.default", call["self"])
        inner = d.apply("aten.div.Tensor", call["self"], alpha)
        return d.apply("aten.mul.Tensor", d.apply("aten.elu.default", inner), alpha)


class Prelu(Pointwise):
    """The rectifier whose slope is learned."""

    names = ("prelu", "_prelu_kernel")
    operands = ("self", "weight")
    sentence = "What is negative is multiplied by a slope that is learned, the rest stays."
    equation = "y = x where x > 0, else a·x"
    adjoint = "∂L/∂x = ∂L/∂y where x > 0, else a·∂L/∂y;  ∂L/∂a = Σ over x ≤ 0 of ∂L/∂y·x"

    def forward(self, d: Any, call: Call) -> Any:
        """Let the slopes stand along the channels."""
        x, weight = call["self"], call["weight"]
        if weight.places.size > 1 and len(x.shape) > 1 and weight.places.ndim == 1:
            shape = (1, -1, *(1 for _ in x.shape[2:]))
            call.arguments["weight"] = type(weight)(weight.places.reshape(shape), weight.kind)
        found = super().forward(d, call)
        call.arguments["weight"] = weight
        return found

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return x or slope times x."""
        return If(">", (x[0], number(x[0], 0), x[0], Times((x[1], x[0]))))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope of each branch times g."""
        none = number(g, 0)
        return [If(">", (x[0], none, g, Times((x[1], g)))), If(">", (x[0], none, none, Times((g, x[0]))))]


class Sigmoid(Pointwise):
    """The logistic function."""

    names = ("sigmoid", "sigmoid_")
    sentence = "Squeezes a number into 0 to 1."
    equation = "y = 1 / (1 + e^-x)"
    adjoint = "∂L/∂x = ∂L/∂y·y·(1 - y)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the logistic function."""
        return sigmoid(x[0])

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·y·(1 - y)."""
        return [Times((g, y, Minus((number(g, 1), y))))]


class Tanh(Pointwise):
    """The hyperbolic tangent."""

    names = ("tanh", "tanh_")
    sentence = "Squeezes a number into -1 to 1."
    equation = "y = tanh(x)"
    adjoint = "∂L/∂x = ∂L/∂y·(1 - y²)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return tanh(x)."""
        return Apply("TANH", (x[0],))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·(1 - y²)."""
        return [Times((g, Minus((number(g, 1), product(y, y)))))]


class Silu(Pointwise):
    """Sigmoid linear unit, also called swish."""

    names = ("silu", "silu_")
    sentence = "A number times its own sigmoid."
    equation = "y = x·σ(x)"
    adjoint = "∂L/∂x = ∂L/∂y·(σ(x) + y·(1 - σ(x)))"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return x·σ(x)."""
        return Times((x[0], sigmoid(x[0])))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·(σ + y·(1 - σ))."""
        s = sigmoid(x[0])
        return [Times((g, Plus((s, Times((y, Minus((number(g, 1), s))))))))]


class Gelu(Pointwise):
    """Gaussian error linear unit, exact or by tanh."""

    names = ("gelu", "gelu_")
    sentence = "A number times the probability that a normal number is smaller."
    equation = "y = x·Φ(x)   (or by tanh: y = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))))"
    adjoint = "∂L/∂x = ∂L/∂y·(Φ(x) + x·e^(-x²/2)/√(2π))"

    ROOT, CUBIC = math.sqrt(2 / math.pi), 0.044715

    def _tanh(self, x: Formula) -> Formula:
        cube = Times((number(x, self.CUBIC), x, x, x))
        return Apply("TANH", (Times((number(x, self.ROOT), Plus((x, cube)))),))

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return x·Φ(x)."""
        if call["approximate"] == "tanh":
            return Times((number(x[0], 0.5), x[0], Plus((number(x[0], 1), self._tanh(x[0])))))
        return Times((x[0], Apply("NORMSDIST", (x[0],))))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope times g."""
        one = number(g, 1)
        if call["approximate"] == "tanh":
            t = self._tanh(x[0])
            inner = Times((number(g, self.ROOT), Plus((one, Times((number(g, 3 * self.CUBIC), x[0], x[0]))))))
            rest = Times((number(g, 0.5), x[0], Minus((one, Times((t, t)))), inner))
            return [Times((g, Plus((Times((number(g, 0.5), Plus((one, t)))), rest))))]
        bell = Apply("EXP", (Over((Times((number(g, -1), x[0], x[0])), number(g, 2))),))
        return [Times((g, Plus((Apply("NORMSDIST", (x[0],)),
                                Times((x[0], bell, number(g, 1 / math.sqrt(2 * math.pi))))))))]


class Softplus(Pointwise):
    """The smooth rectifier."""

    names = ("softplus",)
    sentence = "A smooth max(0, x)."
    equation = "y = ln(1 + e^(beta·x)) / beta, x where beta·x is above the threshold"
    adjoint = "∂L/∂x = ∂L/∂y·σ(beta·x)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the logarithm, or x."""
        beta = float(call["beta"])
        z = x[0] if beta == 1 else Times((number(x[0], beta), x[0]))
        curve: Formula = Apply("LN", (Plus((number(x[0], 1), Apply("EXP", (z,)))),))
        if beta != 1:
            curve = Over((curve, number(x[0], beta)))
        return If(">", (z, number(x[0], call["threshold"]), x[0], curve))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·σ(beta·x), g above the threshold."""
        beta = float(call["beta"])
        z = x[0] if beta == 1 else Times((number(g, beta), x[0]))
        return [If(">", (z, number(g, call["threshold"]), g, Times((g, sigmoid(z)))))]


class LogSigmoid(Pointwise):
    """The logarithm of the logistic function."""

    names = ("log_sigmoid", "log_sigmoid_forward")
    sentence = "The logarithm of the sigmoid, computed without overflow."
    equation = "y = min(0, x) - ln(1 + e^-|x|)"
    adjoint = "∂L/∂x = ∂L/∂y·σ(-x)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        zero, one = number(x[0], 0), number(x[0], 1)
        tail = Apply("LN", (Plus((one, Apply("EXP", (Minus((zero, Apply("ABS", (x[0],)))),)))),))
        return Minus((Apply("MIN", (zero, x[0])), tail))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·σ(-x) = g·(1 - σ(x))."""
        return [Times((g, Minus((number(g, 1), sigmoid(x[0])))))]


class Mish(Pointwise):
    """x times the tanh of its softplus."""

    names = ("mish", "mish_")
    sentence = "A number times the tanh of its softplus."
    equation = "y = x·tanh(ln(1 + e^x))"
    adjoint = "∂L/∂x = ∂L/∂y·(t + x·σ(x)·(1 - t²)) with t = tanh(ln(1 + e^x))"

    def _tanh(self, x: Formula) -> Formula:
        soft = Apply("LN", (Plus((number(x, 1), Apply("EXP", (x,)))),))
        return Apply("TANH", (If(">", (x, number(x, 20), x, soft)),))

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return x·tanh(softplus(x))."""
        return Times((x[0], self._tanh(x[0])))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope times g."""
        t = self._tanh(x[0])
        return [Times((g, Plus((t, Times((x[0], sigmoid(x[0]), Minus((number(g, 1), Times((t, t))))))))))]


class Hardtanh(Pointwise):
    """Cut off at both ends; ReLU6 is one of 0 to 6."""

    names = ("hardtanh", "hardtanh_", "relu6", "relu6_", "clamp", "clip", "clamp_", "clamp_min", "clamp_max")
    sentence = "Cut off at both ends."
    equation = "y = min(high, max(low, x))"
    adjoint = "∂L/∂x = ∂L/∂y between the ends, else 0"

    def forward(self, d: Any, call: Call) -> Any:
        """Cut off; ends that are tensors are maxima and minima."""
        low, high, _ = self._ends(call)
        if not isinstance(low, Tensor) and not isinstance(high, Tensor):
            return super().forward(d, call)
        x = call["self"]
        for name, end in (("maximum", low), ("minimum", high)):
            if end is not None:
                x = d.apply(f"aten.{name}.default", x, end)
        return x

    def _ends(self, call: Call) -> tuple[float | None, float | None, bool]:
        arguments = call.arguments
        if "min_val" in arguments:
            return arguments["min_val"], arguments["max_val"], False
        if "relu6" in call.target:
            return 0.0, 6.0, False
        return arguments.get("min"), arguments.get("max"), True

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the cut number."""
        low, high, _ = self._ends(call)
        held = x[0] if low is None else Apply("MAX", (number(x[0], low), x[0]))
        return held if high is None else Apply("MIN", (number(x[0], high), held))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g between the ends; PyTorch's clamp counts the ends themselves, its hardtanh does not."""
        low, high, inclusive = self._ends(call)
        inner = g
        if high is not None:
            inner = If("<=" if inclusive else "<", (x[0], number(g, high), inner, number(g, 0)))
        if low is not None:
            inner = If(">=" if inclusive else ">", (x[0], number(g, low), inner, number(g, 0)))
        return [inner]


class Hardsigmoid(Pointwise):
    """A sigmoid of straight lines."""

    names = ("hardsigmoid", "hardsigmoid_")
    sentence = "A sigmoid made of three straight lines."
    equation = "y = min(6, max(0, x + 3)) / 6"
    adjoint = "∂L/∂x = ∂L/∂y / 6 where -3 < x < 3, else 0"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        held = Apply("MAX", (number(x[0], 0), Plus((x[0], number(x[0], 3)))))
        return Over((Apply("MIN", (number(x[0], 6), held)), number(x[0], 6)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g/6 inside."""
        none = number(g, 0)
        inner = If("<", (x[0], number(g, 3), Over((g, number(g, 6))), none))
        return [If(">", (x[0], number(g, -3), inner, none))]


class Hardswish(Pointwise):
    """A swish of straight lines."""

    names = ("hardswish", "hardswish_")
    sentence = "A number times its hard sigmoid."
    equation = "y = x·min(6, max(0, x + 3)) / 6"
    adjoint = "∂L/∂x = 0 where x ≤ -3, ∂L/∂y where x ≥ 3, else ∂L/∂y·(x/3 + ½)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        held = Apply("MAX", (number(x[0], 0), Plus((x[0], number(x[0], 3)))))
        return Over((Times((x[0], Apply("MIN", (number(x[0], 6), held)))), number(x[0], 6)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope times g."""
        bent = Times((g, Plus((Over((x[0], number(g, 3))), number(g, 0.5)))))
        return [If("<=", (x[0], number(g, -3), number(g, 0), If(">=", (x[0], number(g, 3), g, bent))))]


class Threshold(Pointwise):
    """Numbers at or below a threshold are replaced."""

    names = ("threshold", "threshold_")
    sentence = "What is not above a threshold is replaced by a number."
    equation = "y = x where x > threshold, else value"
    adjoint = "∂L/∂x = ∂L/∂y where x > threshold, else 0"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        return If(">", (x[0], number(x[0], call["threshold"]), x[0], number(x[0], call["value"])))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g above the threshold."""
        return [If(">", (x[0], number(g, call["threshold"]), g, number(g, 0)))]


class Shrink(Pointwise):
    """Numbers near 0 become 0, the others move towards it (softshrink) or stay (hardshrink)."""

    names = ("hardshrink", "softshrink")
    sentence = "What is near 0 becomes 0."
    equation = "y = x (hard) or x ∓ λ (soft) where |x| > λ, else 0"
    adjoint = "∂L/∂x = ∂L/∂y where |x| > λ, else 0"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        edge = number(x[0], call["lambd"])
        moved: Formula = x[0]
        if "soft" in call.target:
            moved = Minus((x[0], Times((Apply("SIGN", (x[0],)), edge))))
        return If(">", (Apply("ABS", (x[0],)), edge, moved, number(x[0], 0)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g outside."""
        return [If(">", (Apply("ABS", (x[0],)), number(g, call["lambd"]), g, number(g, 0)))]


class Softsign(Operation):
    """x divided by one more than its magnitude."""

    names = ("softsign",)
    sentence = "A number divided by one more than its magnitude."
    equation = "y = x / (1 + |x|)"

    def forward(self, d: Any, call: Call) -> Any:
        """Apply abs, add and div."""
        x = call["self"]
        return d.apply("aten.div.Tensor", x, d.apply("aten.add.Tensor", d.apply("aten.abs.default", x), 1))


class Glu(Operation):
    """One half times the sigmoid of the other."""

    names = ("glu",)
    sentence = "One half of the channels times the sigmoid of the other half."
    equation = "y = a·σ(b)"

    def forward(self, d: Any, call: Call) -> Any:
        """Apply the parts."""
        a, b = d.apply("aten.chunk.default", call["self"], 2, call["dim"])
        return d.apply("aten.mul.Tensor", a, d.apply("aten.sigmoid.default", b))


def squared(places: np.ndarray[Any, Any]) -> Formula:
    """Return the square of the number at each place."""
    return Dot(places[:, None], places[:, None])


OPERATIONS: tuple[Operation, ...] = (
    Relu(), LeakyRelu(), Elu(), Selu(), Celu(), Prelu(), Sigmoid(), Tanh(), Silu(), Gelu(), Softplus(), LogSigmoid(),
    Mish(), Hardtanh(), Hardsigmoid(), Hardswish(), Threshold(), Shrink(), Softsign(), Glu())

__all__ = ["OPERATIONS", "Cell", "number", "sigmoid"]
