"""Back-propagation as live spreadsheet formulas, checked against PyTorch.

Every command of the command line is one function here, under the same name. They are
imported when first used, so that ``import sheetprop`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.2.0.dev0"

# Public name -> module that defines it, and the name there if it is another one.
_PUBLIC: dict[str, str] = {
    "SheetpropError": "sheetprop.errors",
    "audit": "sheetprop.auditing.audit",
    "audit_many": "sheetprop.auditing.folder",
    "build": "sheetprop.workbook.build",
    "compare": "sheetprop.mnist.compare",
    "data": "sheetprop.mnist.data",
    "diff": "sheetprop.regression",
    "export": "sheetprop.workbook.exported.export",
    "functions": "sheetprop.engine.catalogue",
    "log": "sheetprop.mnist.log",
    "module": "sheetprop.workbook.exported.reading",
    "networks": "sheetprop.mnist.networks",
    "new": "sheetprop.engine.book",
    "open": "sheetprop.engine.book",
    "read_spec": "sheetprop.network.spec",
    "predict": "sheetprop.mnist.predict",
    "report": "sheetprop.reporting.report",
    "rubric": "sheetprop.mnist.rubric",
    "run_all": "sheetprop.reporting.whole_job",
    "spec": "sheetprop.network.spec:make_spec",
    "step": "sheetprop.workbook.exported.stepping",
    "recipe": "sheetprop.mnist.recipefile:read_recipe",
    "summary": "sheetprop.mnist.summary",
    "train": "sheetprop.mnist.training",
    "values": "sheetprop.regression",
    "verify": "sheetprop.verification.verify",
}

__all__ = [
    "SheetpropError",
    "__version__",
    "audit",
    "audit_many",
    "build",
    "compare",
    "data",
    "diff",
    "export",
    "functions",
    "log",
    "module",
    "networks",
    "new",
    "open",
    "predict",
    "read_spec",
    "recipe",
    "report",
    "rubric",
    "run_all",
    "spec",
    "step",
    "summary",
    "train",
    "values",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public function when it is first asked for (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sheetprop' has no attribute {name!r}")
    import importlib

    module, _, attribute = _PUBLIC[name].partition(":")
    value = getattr(importlib.import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *_PUBLIC})
