"""Arithmetic, element by element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call
from sheetprop.modules.formula import Apply, Comparison, Formula, If, Minus, Number, Over, Plus, Times, negative
from sheetprop.modules.operations.activations import number
from sheetprop.modules.operations.base import Operation, Pointwise, product, tensor


def scaled(formula: Formula, factor: float) -> Formula:
    """Return a formula times a number; itself for 1."""
    if factor == 1:
        return formula
    return Times((Number(float(factor), formula.count), formula))


class Add(Pointwise):
    """Sum."""

    names = ("add", "add_", "sub", "sub_", "subtract", "rsub")
    operands = ("self", "other")
    kind = "same"
    sentence = "Two tensors are added (or subtracted) element by element."
    equation = "y = a + b"
    adjoint = "∂L/∂a = ∂L/∂y;  ∂L/∂b = ∂L/∂y (minus for a difference), added up where b was spread"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the sum or difference."""
        alpha = float(call.arguments.get("alpha") or 1)
        if "rsub" in call.target:
            return Minus((x[1], scaled(x[0], alpha)))
        if "sub" in call.target:
            return Minus((x[0], scaled(x[1], alpha)))
        return Plus((x[0], scaled(x[1], alpha)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g for both."""
        alpha = float(call.arguments.get("alpha") or 1)
        if "rsub" in call.target:
            return [negative(g) if alpha == 1 else scaled(g, -alpha), g]
        if "sub" in call.target:
            return [g, negative(g) if alpha == 1 else scaled(g, -alpha)]
        return [g, scaled(g, alpha)]


class Mul(Pointwise):
    """Product."""

    names = ("mul", "mul_", "multiply")
    operands = ("self", "other")
    kind = "same"
    sentence = "Two tensors are multiplied element by element."
    equation = "y = a·b"
    adjoint = "∂L/∂a = ∂L/∂y·b;  ∂L/∂b = ∂L/∂y·a"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the product."""
        return Times((x[0], x[1]))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g times the other."""
        return [product(g, x[1]), product(g, x[0])]


class Div(Pointwise):
    """Quotient."""

    names = ("div", "div_", "divide", "true_divide")
    operands = ("self", "other")
    sentence = "One tensor is divided by another element by element."
    equation = "y = a / b"
    adjoint = "∂L/∂a = ∂L/∂y / b;  ∂L/∂b = -∂L/∂y·y / b"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the quotient."""
        if call.arguments.get("rounding_mode") is not None:
            raise SheetpropError(f"{call.target}: a division that rounds has no rule; divide without rounding_mode")
        return Over((x[0], x[1]))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return both slopes times g."""
        return [Over((g, x[1])), negative(Over((product(g, y), x[1])))]


class Addcmul(Pointwise):
    """A sum with a product: scale and shift."""

    names = ("addcmul",)
    operands = ("self", "tensor1", "tensor2")
    sentence = "Scale and shift: each number times a weight, plus a bias."
    equation = "y = a·γ + β"
    adjoint = "∂L/∂a = ∂L/∂y·γ;  ∂L/∂γ = Σ ∂L/∂y·a;  ∂L/∂β = Σ ∂L/∂y"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return a·γ + β."""
        return Plus((scaled(Times((x[1], x[2])), float(call["value"])), x[0]))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g, g·γ, g·a."""
        value = float(call["value"])
        return [g, scaled(product(g, x[2]), value), scaled(product(g, x[1]), value)]


class Neg(Pointwise):
    """Minus."""

    names = ("neg", "negative")
    sentence = "The sign is turned round."
    equation = "y = -x"
    adjoint = "∂L/∂x = -∂L/∂y"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return -x."""
        return negative(x[0])

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return -g."""
        return [negative(g)]


class Pow(Pointwise):
    """A fixed power; small whole ones are products."""

    names = ("pow", "square", "pow_")
    sentence = "A fixed power."
    equation = "y = x^p"
    adjoint = "∂L/∂x = ∂L/∂y·p·x^(p-1)"

    @staticmethod
    def _power(x: Formula, exponent: float) -> Formula:
        if exponent == 1:
            return x
        if exponent == 0:
            return number(x, 1)
        if float(exponent).is_integer() and 2 <= exponent <= 4:
            return Times((x,) * int(exponent))
        if exponent == 0.5:
            return Apply("SQRT", (x,))
        return Apply("POWER", (x, number(x, exponent)))

    @staticmethod
    def _exponent(call: Call) -> float:
        exponent = call.arguments.get("exponent", 2)
        if not isinstance(exponent, int | float):
            raise SheetpropError(f"{call.target}: a power that is itself a tensor has no rule; use exp(p·log(x))")
        return float(exponent)

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the power."""
        return self._power(x[0], self._exponent(call))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return p·x^(p-1) times g."""
        exponent = self._exponent(call)
        return [Times((g, number(g, exponent), self._power(x[0], exponent - 1)))]


class Function(Pointwise):
    """A function that the spreadsheet has under its own name."""

    spelled: ClassVar[str] = ""

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the function of x."""
        return Apply(self.spelled, (x[0],))


class Exp(Function):
    """Exponential."""

    names = ("exp", "exp_")
    spelled = "EXP"
    sentence = "The exponential function."
    equation = "y = e^x"
    adjoint = "∂L/∂x = ∂L/∂y·y"

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·y."""
        return [product(g, y)]


class Log(Function):
    """Natural logarithm."""

    names = ("log", "log_")
    spelled = "LN"
    sentence = "The natural logarithm."
    equation = "y = ln x"
    adjoint = "∂L/∂x = ∂L/∂y / x"

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g / x."""
        return [Over((g, x[0]))]


class Log1p(Pointwise):
    """Logarithm of one more."""

    names = ("log1p",)
    sentence = "The natural logarithm of one more."
    equation = "y = ln(1 + x)"
    adjoint = "∂L/∂x = ∂L/∂y / (1 + x)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return ln(1 + x)."""
        return Apply("LN", (Plus((number(x[0], 1), x[0])),))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g / (1 + x)."""
        return [Over((g, Plus((number(g, 1), x[0]))))]


class Sqrt(Function):
    """Square root."""

    names = ("sqrt", "sqrt_")
    spelled = "SQRT"
    sentence = "The square root."
    equation = "y = √x"
    adjoint = "∂L/∂x = ∂L/∂y / (2·y)"

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g / 2y."""
        return [Over((g, Times((number(g, 2), y))))]


class Rsqrt(Pointwise):
    """One divided by the square root."""

    names = ("rsqrt",)
    sentence = "One divided by the square root."
    equation = "y = 1 / √x"
    adjoint = "∂L/∂x = -½·∂L/∂y·y³"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return 1/√x."""
        return Over((number(x[0], 1), Apply("SQRT", (x[0],))))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return -½·g·y³."""
        return [Times((number(g, -0.5), g, y, y, y))]


class Reciprocal(Pointwise):
    """One divided by the number."""

    names = ("reciprocal",)
    sentence = "One divided by the number."
    equation = "y = 1 / x"
    adjoint = "∂L/∂x = -∂L/∂y·y²"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return 1/x."""
        return Over((number(x[0], 1), x[0]))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return -g·y²."""
        return [Times((number(g, -1), g, y, y))]


class Abs(Function):
    """Magnitude."""

    names = ("abs", "abs_")
    spelled = "ABS"
    sentence = "The magnitude."
    equation = "y = |x|"
    adjoint = "∂L/∂x = ∂L/∂y·sign(x)"

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·sign(x)."""
        return [Times((g, Apply("SIGN", (x[0],))))]


class Sine(Pointwise):
    """Sine and cosine."""

    names = ("sin", "cos")
    sentence = "The sine or cosine of an angle in radians."
    equation = "y = sin x"
    adjoint = "∂L/∂x = ∂L/∂y·cos x"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        return Apply("SIN" if ".sin." in call.target else "COS", (x[0],))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope times g."""
        if ".sin." in call.target:
            return [Times((g, Apply("COS", (x[0],))))]
        return [Times((number(g, -1), g, Apply("SIN", (x[0],))))]


class Erf(Pointwise):
    """The error function; Excel 2007's ERF refuses negative numbers, its normal distribution does not."""

    names = ("erf",)
    sentence = "The error function."
    equation = "y = 2·Φ(√2·x) - 1"
    adjoint = "∂L/∂x = ∂L/∂y·2/√π·e^(-x²)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it by the normal distribution."""
        inner = Times((x[0], number(x[0], math.sqrt(2))))
        return Minus((Times((number(x[0], 2), Apply("NORMSDIST", (inner,)))), number(x[0], 1)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the bell times g."""
        bell = Apply("EXP", (Times((number(g, -1), x[0], x[0])),))
        return [Times((g, number(g, 2 / math.sqrt(math.pi)), bell))]


class Sign(Function):
    """The sign; flat."""

    names = ("sign", "sgn")
    spelled = "SIGN"
    sentence = "-1, 0 or 1."
    equation = "y = sign(x)"
    adjoint = "∂L/∂x = 0"

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula | None]:
        """Return nothing."""
        return [None]


class Extreme(Pointwise):
    """The larger or smaller of two."""

    names = ("maximum", "minimum")
    operands = ("self", "other")
    sentence = "The larger (or smaller) of two numbers."
    equation = "y = max(a, b)"
    adjoint = "∂L/∂y flows to the one that was chosen, half to each where they are equal"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        return Apply("MAX" if "maximum" in call.target else "MIN", (x[0], x[1]))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g for the chosen one."""
        more: Comparison = ">" if "maximum" in call.target else "<"
        half, none = Over((g, number(g, 2))), number(g, 0)

        def chosen(a: Formula, b: Formula) -> Formula:
            return If("=", (a, b, half, If(more, (a, b, g, none))))

        return [chosen(x[0], x[1]), chosen(x[1], x[0])]


class Compare(Pointwise):
    """A comparison: 1 where it holds, else 0."""

    names = ("eq", "ne", "lt", "le", "gt", "ge")
    operands = ("self", "other")
    kind = "bool"
    sentence = "1 where the comparison holds, else 0."
    equation = "y = 1 where a < b, else 0"
    adjoint = "nothing flows back"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return 1 or 0."""
        signs: dict[str, Comparison] = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
        sign = signs[call.target.split(".")[1]]
        return If(sign, (x[0], x[1], number(x[0], 1), number(x[0], 0)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula | None]:
        """Return nothing."""
        return [None, None]


class Logical(Pointwise):
    """And, or, not of ones and zeros."""

    names = ("logical_and", "bitwise_and", "logical_or", "bitwise_or", "logical_not", "bitwise_not")
    kind = "bool"
    sentence = "And, or, not of ones and zeros."
    equation = "y = a·b,  max(a, b),  1 - a"
    adjoint = "nothing flows back"

    def forward(self, d: Any, call: Call) -> Any:
        """Read one or two operands."""
        import numpy as np

        from sheetprop.modules.operations.base import leaf, result

        operands = [tensor(d, call[name]) for name in ("self", "other") if name in call.arguments]
        if any(one.kind != "bool" for one in operands):
            raise SheetpropError(f"{call.target}: of whole numbers has no rule; use truth values")
        spread = np.broadcast_arrays(*[one.places for one in operands])
        x = [leaf(d, array.reshape(-1)) for array in spread]
        if "not" in call.target:
            formula: Formula = Minus((number(x[0], 1), x[0]))
        else:
            formula = Times((x[0], x[1])) if "and" in call.target else Apply("MAX", (x[0], x[1]))
        return result(d, call, spread[0].shape, formula, kind="bool")

    def backward(self, d: Any, call: Call) -> None:
        """Let nothing flow."""


class Where(Pointwise):
    """One or the other, by a condition that is computed."""

    names = ("where", "masked_fill", "masked_fill_")
    sentence = "One number where a condition holds, else another."
    equation = "y = a where c, else b"
    adjoint = "∂L/∂y flows to the one that was chosen"

    def forward(self, d: Any, call: Call) -> Any:
        """Choose places where the condition is constant, else make formulas."""
        import numpy as np

        from sheetprop.modules.operations.base import leaf, result
        from sheetprop.modules.tensors import Tensor

        if "masked_fill" in call.target:
            condition, a, b = call["mask"], tensor(d, call["value"]), call["self"]
        else:
            condition, a, b = call["condition"], tensor(d, call["self"]), tensor(d, call["other"])
        mask, yes, no = np.broadcast_arrays(condition.places, a.places, b.places)
        kind = b.kind if a.kind == "bool" or b.kind == "float" else a.kind
        if (mask < 0).all():
            held = np.array(d.constants)[-1 - mask] != 0
            return Tensor(np.where(held, yes, no), kind)
        call.saved["operands"] = [mask.reshape(-1), yes.reshape(-1), no.reshape(-1)]
        x = [leaf(d, array.reshape(-1)) for array in (mask, yes, no)]
        return result(d, call, mask.shape, If("<>", (x[0], number(x[0], 0), x[1], x[2])), kind=kind)

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula | None]:
        """Return g for the chosen one."""
        zero = number(g, 0)
        return [None, If("<>", (x[0], zero, g, zero)), If("<>", (x[0], zero, zero, g))]


OPERATIONS: tuple[Operation, ...] = (
    Add(), Mul(), Div(), Addcmul(), Neg(), Pow(), Exp(), Log(), Log1p(), Sqrt(), Rsqrt(), Reciprocal(), Abs(), Sine(),
    Erf(), Sign(), Extreme(), Compare(), Logical(), Where())
