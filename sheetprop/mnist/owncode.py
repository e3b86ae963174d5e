"""Networks of the user's own: code in a file, or a module in the running program.

Code runs here and nowhere else, and only because the user named the file: reading a record never
comes here.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sheetprop.errors import SheetpropError, nearest


@dataclass(frozen=True)
class OwnNetwork:
    """A network that is not one of ours.

    Attributes:
        name: of the class, function or module.
        file: name of the file without its folder, or None.
        source, sha256: text and sum of the file, or None.
        fresh: returns a new module with fresh weights; called once for each run.
        once: there is one module with the weights that it has, so one run.
    """

    name: str
    file: str | None
    source: str | None
    sha256: str | None
    fresh: Callable[[], nn.Module]
    once: bool = False

    @property
    def place(self) -> str:
        """Return it as ``model.py:Net``."""
        return f"{self.file}:{self.name}" if self.file else self.name


Given = str | nn.Module | type[nn.Module] | Callable[[], nn.Module]


def is_own(network: object) -> bool:
    """Tell code of one's own from the name of a network."""
    return not isinstance(network, str) or ".py" in network


def own_network(given: Given) -> OwnNetwork:
    """Return the network that ``model.py:Net`` names, or that a module, class or function is.

    ``Net`` is a class of a module or a function without arguments that returns one. Without it
    the file must hold one class of a module.

    Raises:
        SheetpropError: no such file or name, or the code in it stops with an error.
    """
    if isinstance(given, nn.Module):
        held = copy.deepcopy(given)
        return OwnNetwork(type(given).__name__, *_source_of(type(given)), lambda: copy.deepcopy(held), once=True)
    if isinstance(given, str):
        return _from_file(given)
    if not callable(given):
        raise SheetpropError(f"network {given!r}: is no module, class or function that returns one, nor model.py:Net")
    return OwnNetwork(getattr(given, "__name__", "network"), *_source_of(given), lambda: _called(given, str(given)))


def _from_file(text: str) -> OwnNetwork:
    place, _, name = text.partition(".py")
    path, name = Path(place + ".py"), name.lstrip(":")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such file; give the network as model.py:Net") from error
    except OSError as error:
        raise SheetpropError(f"{path}: cannot be read ({error.strerror})") from error
    digest = hashlib.sha256(content).hexdigest()
    code = _run(path, digest)
    classes = [n for n, v in vars(code).items() if isinstance(v, type) and issubclass(v, nn.Module)
               and v.__module__ == code.__name__]
    if not name:
        if len(classes) != 1:
            raise SheetpropError(f"{path}: holds {len(classes)} modules ({', '.join(classes) or 'none'}); name one, as "
                                 f"in {path.name}:{classes[0] if classes else 'Net'}")
        name = classes[0]
    found = getattr(code, name, None)
    if found is None:
        raise SheetpropError(f"{path}: holds no {name!r}; {nearest(name, tuple(classes) or ('no module at all',))}")
    if not isinstance(found, nn.Module) and not callable(found):
        raise SheetpropError(f"{path}:{name}: is neither a class of a module nor a function that returns one")
    source = content.decode("utf-8", errors="replace")
    if isinstance(found, nn.Module):
        return OwnNetwork(name, path.name, source, digest, lambda: copy.deepcopy(found), once=True)
    return OwnNetwork(name, path.name, source, digest, lambda: _called(found, f"{path.name}:{name}"))


def _run(path: Path, digest: str) -> Any:
    """Run the file as a module of its own; files beside it can be imported."""
    name = f"sheetprop_own_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    code = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    sys.modules[name] = code
    try:
        spec.loader.exec_module(code)
    except Exception as error:
        del sys.modules[name]
        line = _line_in(error, path)
        what = " ".join(str(error).split())
        raise SheetpropError(f"{path}: stops{line} with {type(error).__name__}: {what}") from error
    finally:
        sys.path.remove(folder)
    return code


def _line_in(error: BaseException, path: Path) -> str:
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f" in line {trace.tb_lineno}"
        trace = trace.tb_next
    return line or (f" in line {error.lineno}" if isinstance(error, SyntaxError) else "")


def _called(make: Callable[[], Any], place: str) -> nn.Module:
    try:
        module = make()
    except Exception as error:
        raise SheetpropError(f"{place}: cannot be made without arguments ({type(error).__name__}: "
                             f"{' '.join(str(error).split())}); give a function that returns the module") from error
    if not isinstance(module, nn.Module):
        raise SheetpropError(f"{place}: gives {type(module).__name__}, not a torch.nn.Module")
    return module


def _source_of(thing: Any) -> tuple[str | None, str | None, str | None]:
    """Return file, text and sum of the code that something was defined in, where there is a file."""
    try:
        path = Path(inspect.getsourcefile(thing) or "")
        content = path.read_bytes()
    except (TypeError, OSError):
        return None, None, None
    if "site-packages" in path.parts or path.suffix != ".py":
        return None, None, None
    return path.name, content.decode("utf-8", errors="replace"), hashlib.sha256(content).hexdigest()


def check(module: nn.Module, input_size: tuple[int, ...], classes: int, place: str) -> None:
    """Try the module on two empty images, in evaluation mode, and say what does not fit.

    Raises:
        SheetpropError: it stops, gives no ``[N, classes]``, or gives probabilities instead of logits.
    """
    was = module.training
    module.eval()
    try:
        with torch.no_grad():
            answers = module(torch.rand(2, *input_size))
    except Exception as error:
        raise SheetpropError(f"{place}: stops on images of {list(input_size)} with {type(error).__name__}: "
                             f"{' '.join(str(error).split())[:200]}") from error
    finally:
        module.train(was)
    if not isinstance(answers, torch.Tensor) or answers.shape != (2, classes):
        told = list(answers.shape) if isinstance(answers, torch.Tensor) else type(answers).__name__
        raise SheetpropError(f"{place}: gives {told} for two images; {[2, classes]} is needed: a number for each of "
                             f"the {classes} classes")
    if bool((answers >= 0).all()) and torch.allclose(answers.sum(1), torch.ones(2), atol=1e-4):
        raise SheetpropError(f"{place}: gives probabilities; leave the softmax out, the loss wants logits or their "
                             "log-softmax")
