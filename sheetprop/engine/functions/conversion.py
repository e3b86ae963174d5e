"""Units of measurement and the currencies that the euro replaced: CONVERT, EUROCONVERT."""

from __future__ import annotations

import re

from sheetprop.engine.functions import function
from sheetprop.engine.functions.rounding import rounded
from sheetprop.engine.grid.values import NA, VALUE, Raised

# Group -> unit -> how many base units it is; a unit that ends in ``*`` takes metric prefixes.
_INCH = 0.0254
_POUND = 0.45359237
_GALLON, _UK_GALLON = 231.0 * _INCH ** 3 * 1000.0, 4.54609
_UNITS: dict[str, dict[str, float]] = {
    "mass": {"g*": 1.0, "sg": 14593.902937206364, "lbm": _POUND * 1000.0, "u*": 1.660538782e-24,
             "ozm": _POUND * 1000.0 / 16.0, "grain": 0.06479891, "cwt": 45359.237, "shweight": 45359.237,
             "uk_cwt": 50802.34544, "lcwt": 50802.34544, "hweight": 50802.34544, "stone": 6350.29318,
             "ton": 907184.74, "uk_ton": 1016046.9088, "LTON": 1016046.9088, "brton": 1016046.9088},
    "distance": {"m*": 1.0, "mi": 1609.344, "Nmi": 1852.0, "in": _INCH, "ft": 0.3048, "yd": 0.9144, "ang*": 1e-10,
                 "ell": 1.143, "ly*": 9460730472580800.0, "parsec*": 3.0856775812815532e16,
                 "pc*": 3.0856775812815532e16, "Picapt": _INCH / 72.0, "Pica": _INCH / 72.0, "pica": _INCH / 6.0,
                 "survey_mi": 1609.3472186944375},
    "time": {"yr": 31557600.0, "day": 86400.0, "d": 86400.0, "hr": 3600.0, "mn": 60.0, "min": 60.0, "sec*": 1.0,
             "s*": 1.0},
    "pressure": {"Pa*": 1.0, "p*": 1.0, "atm*": 101325.0, "at*": 101325.0, "mmHg*": 133.322,
                 "psi": 6894.757293168361, "Torr": 133.32236842105263},
    "force": {"N*": 1.0, "dyn*": 1e-5, "dy*": 1e-5, "lbf": 4.4482216152605, "pond*": 0.00980665},
    "energy": {"J*": 1.0, "e*": 1e-7, "c*": 4.184, "cal*": 4.1868, "eV*": 1.602176487e-19, "ev*": 1.602176487e-19,
               "HPh": 2684519.537696173, "hh": 2684519.537696173, "Wh*": 3600.0, "wh*": 3600.0,
               "flb": 1.3558179483314003, "BTU": 1055.05585262, "btu": 1055.05585262},
    "power": {"HP": 745.6998715822701, "h": 745.6998715822701, "W*": 1.0, "w*": 1.0, "PS": 735.49875},
    "magnetism": {"T*": 1.0, "ga*": 1e-4},
    "volume": {"tsp": _GALLON / 768.0, "tspm": 0.005, "tbs": _GALLON / 256.0, "oz": _GALLON / 128.0,
               "cup": _GALLON / 16.0, "pt": _GALLON / 8.0, "us_pt": _GALLON / 8.0, "uk_pt*": _UK_GALLON / 8.0,
               "qt": _GALLON / 4.0, "uk_qt": _UK_GALLON / 4.0, "gal": _GALLON, "uk_gal": _UK_GALLON, "l*": 1.0,
               "L*": 1.0, "lt*": 1.0, "ang3*": 1e-27, "ang^3*": 1e-27, "barrel": 158.987294928,
               "bushel": 35.23907016688, "ft3": 28.316846592, "ft^3": 28.316846592, "in3": 0.016387064,
               "in^3": 0.016387064, "ly3": 8.46786664623715e50, "ly^3": 8.46786664623715e50, "m3*": 1000.0,
               "m^3*": 1000.0, "mi3": 4168181825440.5796, "mi^3": 4168181825440.5796, "yd3": 764.554857984,
               "yd^3": 764.554857984, "Nmi3": 6352182208000.0, "Nmi^3": 6352182208000.0,
               "Picapt3": (_INCH / 72.0) ** 3 * 1000.0, "Picapt^3": (_INCH / 72.0) ** 3 * 1000.0,
               "Pica3": (_INCH / 72.0) ** 3 * 1000.0, "Pica^3": (_INCH / 72.0) ** 3 * 1000.0,
               "GRT": 2831.6846592, "regton": 2831.6846592, "MTON": 1132.67386368},
    "area": {"uk_acre": 4046.8564224, "us_acre": 4046.872609874252, "ang2*": 1e-20, "ang^2*": 1e-20, "ar*": 100.0,
             "ft2": 0.09290304, "ft^2": 0.09290304, "ha": 10000.0, "in2": 0.00064516, "in^2": 0.00064516,
             "ly2": 8.95054210748189e31, "ly^2": 8.95054210748189e31, "m2*": 1.0, "m^2*": 1.0, "Morgen": 2500.0,
             "mi2": 2589988.110336, "mi^2": 2589988.110336, "Nmi2": 3429904.0, "Nmi^2": 3429904.0,
             "Picapt2": (_INCH / 72.0) ** 2, "Picapt^2": (_INCH / 72.0) ** 2, "Pica2": (_INCH / 72.0) ** 2,
             "Pica^2": (_INCH / 72.0) ** 2, "yd2": 0.83612736, "yd^2": 0.83612736},
    "information": {"bit*": 1.0, "byte*": 8.0},
    "speed": {"admkn": 0.5147733333333333, "kn": 0.5144444444444445, "m/h*": 1.0 / 3600.0, "m/hr*": 1.0 / 3600.0,
              "m/s*": 1.0, "m/sec*": 1.0, "mph*": 0.44704},
}
_PREFIXES = {"Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
             "e": 1e1, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18,
             "z": 1e-21, "y": 1e-24}
_BINARY = {"Yi": 2.0**80, "Zi": 2.0**70, "Ei": 2.0**60, "Pi": 2.0**50, "Ti": 2.0**40, "Gi": 2.0**30, "Mi": 2.0**20,
           "ki": 2.0**10}
# Kelvin = (value + first) * second.
_TEMPERATURES = {"C": (273.15, 1.0), "cel": (273.15, 1.0), "F": (459.67, 5.0 / 9.0), "fah": (459.67, 5.0 / 9.0),
                 "K": (0.0, 1.0), "kel": (0.0, 1.0), "Rank": (0.0, 5.0 / 9.0), "Reau": (218.52, 1.25)}
_DIMENSION = re.compile(r"\^?([23])\Z")


def _found(unit: str) -> tuple[str, float] | None:
    """Return the group of a unit and how many of the group's base units it is."""
    for group, units in _UNITS.items():
        size = units.get(unit, units.get(unit + "*"))
        if size is not None:
            return group, size
    for prefix, factor in [*_BINARY.items(), *_PREFIXES.items()]:
        rest = unit.removeprefix(prefix)
        if rest == unit:
            continue
        for group, units in _UNITS.items():
            size = units.get(rest + "*")
            if size is not None and (prefix not in _BINARY or group == "information"):
                dimension = _DIMENSION.search(rest)
                return group, size * factor ** int(dimension.group(1) if dimension else 1)
    return None


def _temperature(unit: str) -> tuple[float, float] | None:
    if unit in _TEMPERATURES:
        return _TEMPERATURES[unit]
    for prefix, factor in _PREFIXES.items():
        if unit in (prefix + "K", prefix + "kel"):
            return 0.0, factor
    return None


@function("CONVERT", "mtt")
def convert(number: float, source: str, target: str) -> float:
    first, second = _temperature(source), _temperature(target)
    if first and second:
        if source == target:
            return number
        return (number + first[0]) * first[1] / second[1] - second[0]
    one, two = _found(source), _found(target)
    if one is None or two is None or one[0] != two[0]:
        raise Raised(NA)
    return number if source == target else number * one[1] / two[1]


# How many units of a currency are a euro (Council of the European Union), and the decimals that Excel rounds it to.
_EUROS = {"EUR": (1.0, 2), "ATS": (13.7603, 2), "BEF": (40.3399, 0), "DEM": (1.95583, 2), "ESP": (166.386, 0),
          "FIM": (5.94573, 2), "FRF": (6.55957, 2), "GRD": (340.75, 0), "IEP": (0.787564, 2), "ITL": (1936.27, 0),
          "LUF": (40.3399, 0), "NLG": (2.20371, 2), "PTE": (200.482, 0), "SIT": (239.64, 2)}


@function("EUROCONVERT", "ntt|bn")
def euroconvert(number: float, source: str, target: str, full: bool = False, digits: float = 0.0) -> float:
    """Convert through euros; `digits` (3 or more) rounds the amount in euros on the way."""
    one, two = _EUROS.get(source.upper()), _EUROS.get(target.upper())
    if one is None or two is None:
        raise Raised(VALUE)
    if one is two:
        return number
    euros = number / one[0]
    if digits >= 3:
        euros = rounded(euros, digits, "half")
    result = euros * two[0]
    return result if full else rounded(result, float(two[1]), "half")
