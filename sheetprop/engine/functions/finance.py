"""Loans, savings and series of payments."""

from __future__ import annotations

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Operand, numbers
from sheetprop.engine.grid.values import DIV0, NUM, Raised, finite, power


def _growth(rate: float, periods: float) -> float:
    return 1.0 if periods == 0.0 else power(1.0 + rate, periods)


@function("PMT", "nnn|nn")
def pmt(rate: float, periods: float, present: float, future: float = 0.0, early: float = 0.0) -> float:
    if periods == 0:
        raise Raised(NUM)
    if rate == 0:
        return -(present + future) / periods
    growth = _growth(rate, periods)
    return -rate * (present * growth + future) / ((1.0 + rate * (1.0 if early else 0.0)) * (growth - 1.0))


@function("FV", "nnn|nn")
def fv(rate: float, periods: float, payment: float, present: float = 0.0, early: float = 0.0) -> float:
    if rate == 0:
        return -(present + payment * periods)
    growth = _growth(rate, periods)
    return -(present * growth + payment * (1.0 + rate * (1.0 if early else 0.0)) * (growth - 1.0) / rate)


@function("PV", "nnn|nn")
def pv(rate: float, periods: float, payment: float, future: float = 0.0, early: float = 0.0) -> float:
    if rate == 0:
        return -(future + payment * periods)
    growth = _growth(rate, periods)
    return -(future + payment * (1.0 + rate * (1.0 if early else 0.0)) * (growth - 1.0) / rate) / growth


@function("NPV", "nr*")
def npv(rate: float, *operands: Operand) -> float:
    if rate == -1.0:
        raise Raised(DIV0)
    result, discount = 0.0, 1.0
    for payment in numbers(operands):
        discount *= 1.0 + rate
        result += payment / discount
    return finite(result)


@function("SLN", "nnn")
def sln(cost: float, salvage: float, life: float) -> float:
    if life == 0:
        raise Raised(DIV0)
    return (cost - salvage) / life
