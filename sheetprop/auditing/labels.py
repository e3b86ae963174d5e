"""What a header text claims, whatever its spelling: look-alike letters, indices, blanks and cases put aside."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ALIKE = str.maketrans({**dict.fromkeys("∂δ𝜕𝛛𝝏𝞉ðđ∆Δ∇дƋẟ", "d"), "σ": "sigmoid", "ς": "sigmoid",
                        "η": "eta", "α": "alpha", "θ": "theta", "ŷ": "yhat", "Σ": "sum", "∑": "sum",
                        "𝐸": "e", "ε": "e", "½": "1/2", "⁄": "/", "∕": "/", "÷": "/", "−": "-", "–": "-", "’": "'"})
_LOSS = (r"(?:e|et|etot|etotal|err|error|totalerror|errortotal|etotalerror|loss|totalloss|losstotal|"
         r"ltotal|l|j|c|cost|mse|sse)")
_TOTAL = re.compile(r"(?:e|et|etot|etotal|err|error|totalerror|errortotal|toterror|loss|totalloss|losstotal|lossfn|"
                    r"ltotal|l|j|c|cost|mse|sse|costfunction|lossfunction|totalcost|etotalloss|e1\+e2|bce|crossentropy|err2|"
                    r"sumerror|errorsum|sume|esum)")
_GRADIENT = (
    re.compile(rf"d({_LOSS}?\d*)(?:/|by|over|wrt)?d([a-z].*)"),
    re.compile(rf"({_LOSS}\d*)d([a-z].*)"),
    re.compile(r"d()((?:w|b|weight|bias)\d+)"),
    re.compile(r"(?:gradient|grad|slope|derivative)(?:of|wrt|d)?()([a-z].*)"),
    re.compile(r"()([a-z].*?)(?:grad|gradient)"),
    re.compile(r"g()(w\d+|b\d+)"),
)
_RATE = re.compile(r"(?:the)?(?:eta|lr|learningrate|alpha|learnrate|learn|learning|stepsize|n|rate|etalr|lreta|"
                   r"learningrate(?:eta|lr|alpha|n)|(?:eta|lr|alpha)learningrate)")
_RATE_TEXT = re.compile(r"(?:^|[^a-z])(?:eta|lr|learning ?rate|alpha|learn rate)"
                        r"\s*(?:\(?(?:eta|lr|alpha)\)?)?(?:\s*[=:]\s*|\s+)"
                        r"(\d+(?:\.\d+)?|\.\d+)(?![\d.]*[a-z%])")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return a label in small plain letters without blanks, underscores, brackets and marks."""
    text = unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
    return re.sub(r"[\s_^{}()\[\]:=,;'\"`$\\*.\-]+", "", text)


def gradient_of(text: str) -> tuple[str, str] | None:
    """Return what a gradient's label differentiates and with respect to what, both plain; None for other labels."""
    found = _squeezed(text)
    for pattern in _GRADIENT:
        match = pattern.fullmatch(found)
        if match and match.group(2) and not re.search(r"[+*=]", match.group(2)):
            return match.group(1), match.group(2).lstrip("d") if match.group(2).startswith("d") else match.group(2)
    return None


def _squeezed(text: str) -> str:
    found = plain(text)
    # "dE_total/dw1 (w1)", "dE/dw1 = ..." say more than the name; what stands before is the name.
    head = re.split(r"[=]", text, maxsplit=1)[0]
    return plain(head) if head.strip() else found


def kind_of(text: str) -> tuple[str, str]:
    """Return what a label says its column is, and its index.

    The kinds are weight, bias, input, target, sum (pre-activation), activation, error, total,
    gradient, rate, count, and an empty string for anything else.
    """
    if gradient_of(text) is not None:
        return "gradient", ""
    found = _squeezed(text)
    for kind, pattern in _KINDS:
        match = pattern.fullmatch(found)
        if match:
            return kind, "".join(match.groups(""))
    if _TOTAL.fullmatch(found):
        return "total", ""
    if _RATE.fullmatch(found):
        return "rate", ""
    return "", ""


_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("weight", re.compile(r"(?:w|weight|theta)(\d+)")),
    ("bias", re.compile(r"(?:b|bias)(\d*)")),
    # Tables with several samples name the sample behind: "E1 (A)".
    ("input", re.compile(r"(?:i|x|in|input)(\d+[a-f]?)")),
    ("target", re.compile(r"(?:t|y|target|expected|tgt|actual|label)(\d+[a-f]?)")),
    ("activation", re.compile(r"(?:a|act|out|sigmoid|sig|activation|s|tanh|relu)(h|o)(\d+[a-f]?)")),
    ("activation", re.compile(r"(?:output|pred)()(\d+[a-f]?)")),
    ("sum", re.compile(r"(?:net|z|sum|in|)(h|o)(\d+[a-f]?)")),
    ("error", re.compile(r"(?:e|err|error|loss|l)(\d+[a-f]?)")),
    ("count", re.compile(r"(?:epochs?|iterations?|iter|steps?|no|#|n|sno|index|idx)")),
)


def is_rate(text: str) -> bool:
    """Return whether a text labels a learning rate."""
    return len(text) < 40 and bool(_RATE.fullmatch(plain(text)))


def is_gradients(text: str) -> bool:
    """Return whether a heading over several columns says that they are gradients."""
    return gradient_of(text) is not None or plain(text) in ("gradient", "gradients", "grad", "grads", "derivatives")


def rate_in(text: str) -> float | None:
    """Return the learning rate that a title names, where it names exactly one number as such."""
    if len(text) > 80:
        return None
    lower = unicodedata.normalize("NFKC", text.translate(_ALIKE)).lower().replace("_", " ")
    found = _RATE_TEXT.findall(lower)
    return float(found[0]) if len(found) == 1 else None
