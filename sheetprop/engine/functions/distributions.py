"""Continuous distributions: densities, distribution functions and their inverses."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.values import DIV0, NUM, Raised, finite

_ROOT_2_PI = math.sqrt(2.0 * math.pi)


def _need(condition: bool) -> None:
    if not condition:
        raise Raised(NUM)


def _share(number: object) -> float:
    """Return what SciPy gave as a plain number; what it cannot give is #NUM!."""
    result = float(number)  # type: ignore[arg-type]
    if math.isnan(result):
        raise Raised(NUM)
    return finite(result)


def normal_share(number: float) -> float:
    """Return the share of the standard normal distribution below a number."""
    return 0.5 * math.erfc(-number / math.sqrt(2.0))


def normal_place(share: float) -> float:
    """Return the number below which a share of the standard normal distribution lies."""
    _need(0 < share < 1)
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


@function("NORMSDIST", "n")
def normsdist(number: float) -> float:
    return normal_share(number)


@function("NORM.S.DIST", "nb")
def norm_s_dist(number: float, cumulative: bool) -> float:
    return normal_share(number) if cumulative else math.exp(-number * number / 2.0) / _ROOT_2_PI


@function("NORMDIST NORM.DIST", "nnnb")
def normdist(number: float, mean: float, deviation: float, cumulative: bool) -> float:
    _need(deviation > 0)
    value: float = norm_s_dist((number - mean) / deviation, cumulative)
    return value if cumulative else value / deviation


@function("NORMSINV NORM.S.INV", "n")
def normsinv(share: float) -> float:
    return normal_place(share)


@function("NORMINV NORM.INV", "nnn")
def norminv(share: float, mean: float, deviation: float) -> float:
    _need(0 < share < 1 and deviation > 0)
    from statistics import NormalDist

    return NormalDist(mean, deviation).inv_cdf(share)


@function("PHI", "n")
def phi(number: float) -> float:
    return math.exp(-number * number / 2.0) / _ROOT_2_PI


@function("GAUSS", "n")
def gauss(number: float) -> float:
    return 0.5 * math.erf(number / math.sqrt(2.0))


@function("FISHER", "n")
def fisher(number: float) -> float:
    _need(-1 < number < 1)
    return math.atanh(number)


@function("FISHERINV", "n")
def fisherinv(number: float) -> float:
    return math.tanh(number)


@function("LOGNORM.DIST", "nnnb")
def lognorm_dist(number: float, mean: float, deviation: float, cumulative: bool) -> float:
    _need(number > 0 and deviation > 0)
    place = (math.log(number) - mean) / deviation
    if cumulative:
        return normal_share(place)
    return math.exp(-place * place / 2.0) / (_ROOT_2_PI * deviation * number)


@function("LOGNORMDIST", "nnn")
def lognormdist(number: float, mean: float, deviation: float) -> float:
    return lognorm_dist(number, mean, deviation, True)  # type: ignore[no-any-return]


@function("LOGINV LOGNORM.INV", "nnn")
def loginv(share: float, mean: float, deviation: float) -> float:
    _need(deviation > 0)
    try:
        return finite(math.exp(mean + deviation * normal_place(share)))
    except OverflowError:
        raise Raised(NUM) from None


@function("EXPONDIST EXPON.DIST", "nnb")
def expondist(number: float, rate: float, cumulative: bool) -> float:
    _need(number >= 0 and rate > 0)
    return -math.expm1(-rate * number) if cumulative else rate * math.exp(-rate * number)


@function("WEIBULL WEIBULL.DIST", "nnnb")
def weibull(number: float, shape: float, scale: float, cumulative: bool) -> float:
    _need(number >= 0 and shape > 0 and scale > 0)
    power = (number / scale) ** shape
    if cumulative:
        return -math.expm1(-power)
    if number == 0:
        return 1.0 / scale if shape == 1 else 0.0
    return finite(shape / number * power * math.exp(-power))


@function("GAMMADIST GAMMA.DIST", "nnnb")
def gammadist(number: float, shape: float, scale: float, cumulative: bool) -> float:
    _need(number >= 0 and shape > 0 and scale > 0)
    if cumulative:
        from scipy.special import gammainc

        return _share(gammainc(shape, number / scale))
    if number == 0:
        _need(shape >= 1)
        return 1.0 / scale if shape == 1 else 0.0
    place = number / scale
    return finite(math.exp((shape - 1.0) * math.log(place) - place - math.lgamma(shape)) / scale)


@function("GAMMAINV GAMMA.INV", "nnn")
def gammainv(share: float, shape: float, scale: float) -> float:
    _need(0 <= share < 1 and shape > 0 and scale > 0)
    from scipy.special import gammaincinv

    return _share(gammaincinv(shape, share)) * scale


def _beta_place(number: float, alpha: float, beta: float, low: float, high: float) -> float:
    _need(alpha > 0 and beta > 0 and low < high and low <= number <= high)
    return (number - low) / (high - low)


@function("BETA.DIST", "nnnb|nn")
def beta_dist(number: float, alpha: float, beta: float, cumulative: bool, low: float = 0.0,
              high: float = 1.0) -> float:
    place = _beta_place(number, alpha, beta, low, high)
    if cumulative:
        from scipy.special import betainc

        return _share(betainc(alpha, beta, place))
    if (place == 0 and alpha < 1) or (place == 1 and beta < 1):
        raise Raised(NUM)
    scale = math.exp(math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)) / (high - low)
    return finite(scale * place ** (alpha - 1.0) * (1.0 - place) ** (beta - 1.0))


@function("BETADIST", "nnn|nn")
def betadist(number: float, alpha: float, beta: float, low: float = 0.0, high: float = 1.0) -> float:
    return beta_dist(number, alpha, beta, True, low, high)  # type: ignore[no-any-return]


@function("BETAINV BETA.INV", "nnn|nn")
def betainv(share: float, alpha: float, beta: float, low: float = 0.0, high: float = 1.0) -> float:
    _need(alpha > 0 and beta > 0 and 0 < share < 1 and low < high)
    from scipy.special import betaincinv

    return low + _share(betaincinv(alpha, beta, share)) * (high - low)


def freedom(number: float) -> float:
    """Return degrees of freedom: whole, from 1 to 10^10."""
    _need(1 <= number <= 1e10)
    return float(math.floor(number))


@function("CHISQ.DIST", "nnb")
def chisq_dist(number: float, degrees: float, cumulative: bool) -> float:
    free = freedom(degrees)
    _need(number >= 0)
    if number == 0 and not cumulative and free == 1:
        raise Raised(NUM)
    return gammadist(number, free / 2.0, 2.0, cumulative)  # type: ignore[no-any-return]


@function("CHIDIST CHISQ.DIST.RT", "nn")
def chidist(number: float, degrees: float) -> float:
    free = freedom(degrees)
    _need(number >= 0)
    from scipy.special import gammaincc

    return _share(gammaincc(free / 2.0, number / 2.0))


@function("CHISQ.INV", "nn")
def chisq_inv(share: float, degrees: float) -> float:
    free = freedom(degrees)
    _need(0 <= share < 1)
    return gammainv(share, free / 2.0, 2.0)  # type: ignore[no-any-return]


@function("CHIINV CHISQ.INV.RT", "nn")
def chiinv(share: float, degrees: float) -> float:
    free = freedom(degrees)
    _need(0 < share <= 1)
    from scipy.special import gammainccinv

    return _share(gammainccinv(free / 2.0, share)) * 2.0


@function("F.DIST", "nnnb")
def f_dist(number: float, first: float, second: float, cumulative: bool) -> float:
    a, b = freedom(first), freedom(second)
    _need(number >= 0)
    if cumulative:
        from scipy.special import fdtr

        return _share(fdtr(a, b, number))
    if number == 0:
        _need(a >= 2)
        return 1.0 if a == 2 else 0.0
    log = (math.lgamma((a + b) / 2.0) - math.lgamma(a / 2.0) - math.lgamma(b / 2.0) + a / 2.0 * math.log(a / b)
           + (a / 2.0 - 1.0) * math.log(number) - (a + b) / 2.0 * math.log1p(a * number / b))
    return math.exp(log)


@function("FDIST F.DIST.RT", "nnn")
def fdist(number: float, first: float, second: float) -> float:
    a, b = freedom(first), freedom(second)
    _need(number >= 0)
    from scipy.special import fdtrc

    return _share(fdtrc(a, b, number))


def _f_place(share: float, rest: float, first: float, second: float) -> float:
    """Return the place in an F distribution below which `share` and above which `rest` lies."""
    a, b = freedom(first), freedom(second)
    from scipy.special import betaincinv

    if share <= 0.5:
        part = float(betaincinv(a / 2.0, b / 2.0, share))
        return _share(b * part / (a * (1.0 - part))) if part < 1.0 else _share(math.inf)
    part = float(betaincinv(b / 2.0, a / 2.0, rest))
    _need(part > 0)
    return _share(b * (1.0 - part) / (a * part))


@function("F.INV", "nnn")
def f_inv(share: float, first: float, second: float) -> float:
    _need(0 <= share < 1)
    return _f_place(share, 1.0 - share, first, second)


@function("FINV F.INV.RT", "nnn")
def finv(share: float, first: float, second: float) -> float:
    _need(0 < share <= 1)
    return _f_place(1.0 - share, share, first, second)


def student_tail(number: float, degrees: float) -> float:
    """Return the share of Student's distribution above a number."""
    from scipy.special import betainc

    if number < 0:
        return 1.0 - student_tail(-number, degrees)
    return 0.5 * _share(betainc(degrees / 2.0, 0.5, degrees / (degrees + number * number)))


def student_place(rest: float, degrees: float) -> float:
    """Return the number above which a share of Student's distribution lies."""
    from scipy.special import stdtrit

    return -_share(stdtrit(degrees, rest))


@function("T.DIST", "nnb")
def t_dist(number: float, degrees: float, cumulative: bool) -> float:
    if degrees < 1 and not cumulative and degrees >= 0:
        raise Raised(DIV0 if degrees == 0 else NUM)
    free = freedom(degrees)
    if cumulative:
        return student_tail(-number, free)
    log = math.lgamma((free + 1.0) / 2.0) - math.lgamma(free / 2.0) - 0.5 * math.log(free * math.pi)
    return math.exp(log - (free + 1.0) / 2.0 * math.log1p(number * number / free))


@function("T.DIST.RT", "nn")
def t_dist_rt(number: float, degrees: float) -> float:
    return student_tail(number, freedom(degrees))


@function("T.DIST.2T", "nn")
def t_dist_2t(number: float, degrees: float) -> float:
    _need(number >= 0)
    return 2.0 * student_tail(number, freedom(degrees))


@function("TDIST", "nnn")
def tdist(number: float, degrees: float, tails: float) -> float:
    _need(number >= 0 and int(tails) in (1, 2))
    return int(tails) * student_tail(number, freedom(degrees))


@function("T.INV", "nn")
def t_inv(share: float, degrees: float) -> float:
    free = freedom(degrees)
    _need(0 < share < 1)
    return -student_place(share, free) if share != 0.5 else 0.0


@function("TINV T.INV.2T", "nn")
def tinv(share: float, degrees: float) -> float:
    free = freedom(degrees)
    _need(0 < share <= 1)
    return student_place(share / 2.0, free) if share < 1 else 0.0
