"""All functions of Excel, and what this engine does with each."""

from __future__ import annotations

from typing import NamedTuple

from sheetprop.engine.functions import known_functions

# Excel's functions by the categories of its reference.
_CATEGORIES: dict[str, str] = {
    "Compatibility":
        "BETADIST BETAINV BINOMDIST CEILING CHIDIST CHIINV CHITEST CONCATENATE CONFIDENCE COVAR CRITBINOM EXPONDIST "
        "FDIST FINV FLOOR FORECAST FTEST GAMMADIST GAMMAINV HYPGEOMDIST LOGINV LOGNORMDIST MODE NEGBINOMDIST NORMDIST "
        "NORMINV NORMSDIST NORMSINV PERCENTILE PERCENTRANK POISSON QUARTILE RANK STDEV STDEVP TDIST TINV TTEST VAR "
        "VARP WEIBULL ZTEST",
    "Cube":
        "CUBEKPIMEMBER CUBEMEMBER CUBEMEMBERPROPERTY CUBERANKEDMEMBER CUBESET CUBESETCOUNT CUBEVALUE",
    "Database":
        "DAVERAGE DCOUNT DCOUNTA DGET DMAX DMIN DPRODUCT DSTDEV DSTDEVP DSUM DVAR DVARP",
    "Date and time":
        "DATE DATEDIF DATEVALUE DAY DAYS DAYS360 EDATE EOMONTH HOUR ISOWEEKNUM MINUTE MONTH NETWORKDAYS "
        "NETWORKDAYS.INTL NOW SECOND TIME TIMEVALUE TODAY WEEKDAY WEEKNUM WORKDAY WORKDAY.INTL YEAR YEARFRAC",
    "Engineering":
        "BESSELI BESSELJ BESSELK BESSELY BIN2DEC BIN2HEX BIN2OCT BITAND BITLSHIFT BITOR BITRSHIFT BITXOR COMPLEX "
        "CONVERT DEC2BIN DEC2HEX DEC2OCT DELTA ERF ERF.PRECISE ERFC ERFC.PRECISE GESTEP HEX2BIN HEX2DEC HEX2OCT IMABS "
        "IMAGINARY IMARGUMENT IMCONJUGATE IMCOS IMCOSH IMCOT IMCSC IMCSCH IMDIV IMEXP IMLN IMLOG10 IMLOG2 IMPOWER "
        "IMPRODUCT IMREAL IMSEC IMSECH IMSIN IMSINH IMSQRT IMSUB IMSUM IMTAN OCT2BIN OCT2DEC OCT2HEX",
    "Financial":
        "ACCRINT ACCRINTM AMORDEGRC AMORLINC COUPDAYBS COUPDAYS COUPDAYSNC COUPNCD COUPNUM COUPPCD CUMIPMT CUMPRINC "
        "DB DDB DISC DOLLARDE DOLLARFR DURATION EFFECT FV FVSCHEDULE INTRATE IPMT IRR ISPMT MDURATION MIRR NOMINAL "
        "NPER NPV ODDFPRICE ODDFYIELD ODDLPRICE ODDLYIELD PDURATION PMT PPMT PRICE PRICEDISC PRICEMAT PV RATE "
        "RECEIVED RRI SLN STOCKHISTORY SYD TBILLEQ TBILLPRICE TBILLYIELD VDB XIRR XNPV YIELD YIELDDISC YIELDMAT",
    "Information":
        "CELL ERROR.TYPE INFO ISBLANK ISERR ISERROR ISEVEN ISFORMULA ISLOGICAL ISNA ISNONTEXT ISNUMBER ISODD "
        "ISOMITTED ISREF ISTEXT N NA SHEET SHEETS TYPE",
    "Logical":
        "AND BYCOL BYROW FALSE IF IFERROR IFNA IFS LAMBDA LET MAKEARRAY MAP NOT OR REDUCE SCAN SWITCH TRUE XOR",
    "Lookup and reference":
        "ADDRESS AREAS CHOOSE CHOOSECOLS CHOOSEROWS COLUMN COLUMNS DROP EXPAND FIELDVALUE FILTER FORMULATEXT "
        "GETPIVOTDATA GROUPBY HLOOKUP HSTACK HYPERLINK IMAGE INDEX INDIRECT LOOKUP MATCH OFFSET PIVOTBY ROW ROWS RTD "
        "SORT SORTBY TAKE TOCOL TOROW TRANSPOSE TRIMRANGE UNIQUE VLOOKUP VSTACK WRAPCOLS WRAPROWS XLOOKUP XMATCH",
    "Math and trigonometry":
        "ABS ACOS ACOSH ACOT ACOTH AGGREGATE ARABIC ASIN ASINH ATAN ATAN2 ATANH BASE CEILING.MATH CEILING.PRECISE "
        "COMBIN COMBINA COS COSH COT COTH CSC CSCH DECIMAL DEGREES EVEN EXP FACT FACTDOUBLE FLOOR.MATH FLOOR.PRECISE "
        "GCD INT ISO.CEILING LCM LN LOG LOG10 MDETERM MINVERSE MMULT MOD MROUND MULTINOMIAL MUNIT ODD PERCENTOF PI "
        "POWER PRODUCT QUOTIENT RADIANS RAND RANDARRAY RANDBETWEEN ROMAN ROUND ROUNDDOWN ROUNDUP SEC SECH SEQUENCE "
        "SERIESSUM SIGN SIN SINH SQRT SQRTPI SUBTOTAL SUM SUMIF SUMIFS SUMPRODUCT SUMSQ SUMX2MY2 SUMX2PY2 SUMXMY2 TAN "
        "TANH TRUNC",
    "Statistical":
        "AVEDEV AVERAGE AVERAGEA AVERAGEIF AVERAGEIFS BETA.DIST BETA.INV BINOM.DIST BINOM.DIST.RANGE BINOM.INV "
        "CHISQ.DIST CHISQ.DIST.RT CHISQ.INV CHISQ.INV.RT CHISQ.TEST CONFIDENCE.NORM CONFIDENCE.T CORREL COUNT COUNTA "
        "COUNTBLANK COUNTIF COUNTIFS COVARIANCE.P COVARIANCE.S DEVSQ EXPON.DIST F.DIST F.DIST.RT F.INV F.INV.RT "
        "F.TEST FISHER FISHERINV FORECAST.ETS FORECAST.ETS.CONFINT FORECAST.ETS.SEASONALITY FORECAST.ETS.STAT "
        "FORECAST.LINEAR FREQUENCY GAMMA GAMMA.DIST GAMMA.INV GAMMALN GAMMALN.PRECISE GAUSS GEOMEAN GROWTH HARMEAN "
        "HYPGEOM.DIST INTERCEPT KURT LARGE LINEST LOGEST LOGNORM.DIST LOGNORM.INV MAX MAXA MAXIFS MEDIAN MIN MINA "
        "MINIFS MODE.MULT MODE.SNGL NEGBINOM.DIST NORM.DIST NORM.INV NORM.S.DIST NORM.S.INV PEARSON PERCENTILE.EXC "
        "PERCENTILE.INC PERCENTRANK.EXC PERCENTRANK.INC PERMUT PERMUTATIONA PHI POISSON.DIST PROB QUARTILE.EXC "
        "QUARTILE.INC RANK.AVG RANK.EQ RSQ SKEW SKEW.P SLOPE SMALL STANDARDIZE STDEV.P STDEV.S STDEVA STDEVPA STEYX "
        "T.DIST T.DIST.2T T.DIST.RT T.INV T.INV.2T T.TEST TREND TRIMMEAN VAR.P VAR.S VARA VARPA WEIBULL.DIST Z.TEST",
    "Text":
        "ARRAYTOTEXT ASC BAHTTEXT CHAR CLEAN CODE CONCAT DBCS DETECTLANGUAGE DOLLAR EXACT FIND FINDB FIXED JIS LEFT "
        "LEFTB LEN LENB LOWER MID MIDB NUMBERVALUE PHONETIC PROPER REGEXEXTRACT REGEXREPLACE REGEXTEST REPLACE "
        "REPLACEB REPT RIGHT RIGHTB SEARCH SEARCHB SUBSTITUTE T TEXT TEXTAFTER TEXTBEFORE TEXTJOIN TEXTSPLIT "
        "TRANSLATE TRIM UNICHAR UNICODE UPPER VALUE VALUETOTEXT",
    "Web and add-ins":
        "CALL COPILOT ENCODEURL EUROCONVERT FILTERXML PY REGISTER.ID SQL.REQUEST WEBSERVICE",
}
# Why nobody but Excel itself can give the value of a function.
_WHY = {
    "Cube": "asks a database server", "STOCKHISTORY": "asks a server", "FIELDVALUE": "reads linked data types",
    "GETPIVOTDATA": "reads a pivot table", "IMAGE": "gives a picture", "RTD": "asks a running program",
    "DETECTLANGUAGE": "asks a server", "TRANSLATE": "asks a server", "COPILOT": "asks a server",
    "PY": "runs on a server", "WEBSERVICE": "asks a server",
    "CALL": "runs machine code", "REGISTER.ID": "runs machine code",
    "SQL.REQUEST": "asks a database server",
}
FAST, OWN, STORED = "own, fast path", "own", "stored value"


class FunctionEntry(NamedTuple):
    """A function of Excel.

    Attributes:
        name: as formulas spell it.
        category: of Excel's reference.
        how: "own, fast path": calculated here, in tables as one generated loop too; "own": calculated here; "stored
            value": not calculated, the value in the file stays and the function is named.
        remark: why it is not calculated.
    """

    name: str
    category: str
    how: str
    remark: str


def functions() -> list[FunctionEntry]:
    """Return every function of Excel with what the engine does with it, by category and name."""
    from sheetprop.engine.calculation.loops import FAST_FUNCTIONS

    own = set(known_functions())
    found: list[FunctionEntry] = []
    for category, names in _CATEGORIES.items():
        for name in names.split():
            how = FAST if name in FAST_FUNCTIONS else OWN if name in own else STORED
            remark = "" if how != STORED else _WHY.get(name, _WHY.get(category, ""))
            found.append(FunctionEntry(name, category, how, remark))
    return found


def counts(entries: list[FunctionEntry]) -> dict[str, int]:
    """Return how many functions are treated in which way."""
    return {how: sum(entry.how == how for entry in entries) for how in (FAST, OWN, STORED)}


def table(form: str = "text") -> str:
    """Return the list of `functions` as "text", "json" or "markdown", which is the page of the documentation."""
    entries = functions()
    if form == "json":
        import json

        return json.dumps([entry._asdict() for entry in entries], indent=1) + "\n"
    numbers = ", ".join(f"{count} {how}" for how, count in counts(entries).items())
    if form == "text":
        width = max(len(entry.name) for entry in entries)
        lines = [f"{entry.name:<{width}}  {entry.how}" + (f" ({entry.remark})" if entry.remark else "")
                 for entry in entries]
        return "\n".join([*lines, f"{len(entries)} functions: {numbers}"]) + "\n"
    lines = [_PAGE.format(total=len(entries), numbers=numbers.replace("own, fast path", "on the fast path"))]
    for category in _CATEGORIES:
        lines += [f"\n## {category}\n", "| function | how | |", "| --- | --- | --- |"]
        lines += [f"| `{entry.name}` | {entry.how} | {entry.remark} |" for entry in entries
                  if entry.category == category]
    return "\n".join(lines) + "\n"


_PAGE = """# Functions

<!-- made by `sheetprop functions --markdown`; a test fails when it is out of date -->

Every function of Excel's reference and what the engine does with it: {total} functions, {numbers}.

- **own, fast path**: calculated here; in tables the rows run as one generated loop.
- **own**: calculated here, a cell at a time, with Excel's rules for text, blanks, truth values, errors and arrays.
- **stored value**: needs something that only Excel has (a server, a pivot table, a running program). `sheetprop calc`
  names it.

```sh
sheetprop functions               # this list; --json for programs
```

```python
import sheetprop

[entry.name for entry in sheetprop.functions() if entry.how == "stored value"]
```

No value comes from another engine. Distributions and special functions use SciPy, regular expressions the library
`regex`; both are imported when a formula first needs them.

Where Excel is known to be inexact, the exact value is given: Bessel functions (Excel's approximations hold 7 digits),
`XIRR` (Excel stops within 1E-8), `IRR`. `ODDLPRICE` and `ODDLYIELD` with the bases 2 and 3 over more than one coupon
period differ from Excel in the fourth digit. `FORECAST.ETS` minimises the squared error of the forecasts one step
ahead; Excel's own search for the weights is not published, and its last digits can differ. `INFO` answers as Excel 16
for Windows. `PHONETIC` gives the text itself. Functions that count bytes (`LENB`, ...) count a letter as one, as Excel
does unless a language of East Asia is the default. `FILTERXML` reads the paths that Python's ElementTree knows.
`FORMULATEXT` prints the formula as it was read: without blanks between its parts, names of functions in upper case."""
