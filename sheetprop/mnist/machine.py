"""What the training runs on: device, precision, threads, memory, versions."""

from __future__ import annotations

import ctypes
import functools
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import Environment

Precision = Literal["float32", "bfloat16"]
_KEEP = 1 << 30  # bytes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)


def choose_device(wish: str) -> str:
    """Return ``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        SheetpropError: another word, or CUDA where there is none.
    """
    import torch

    if wish not in ("auto", "cpu", "cuda"):
        raise SheetpropError(f"device {wish!r}: there is no such device; choose auto, cpu or cuda")
    present = torch.cuda.is_available()
    if wish == "cuda" and not present:
        raise SheetpropError("device cuda: this torch sees no CUDA device; choose cpu or install a CUDA build of torch")
    return "cuda" if present and wish != "cpu" else "cpu"


def choose_precision(wish: str, device: str) -> Precision:
    """Return the precision of convolutions and products: bfloat16 only where hardware multiplies it.

    Raises:
        SheetpropError: bfloat16 is asked for where the processor lacks it.
    """
    import torch

    if wish not in ("auto", "float32", "bfloat16"):
        raise SheetpropError(f"precision {wish!r}: there is no such precision; choose auto, float32 or bfloat16")
    if device == "cuda":
        able = torch.cuda.is_bf16_supported()
    else:
        has = torch.cpu.get_capabilities()
        able = bool(has.get("amx_bf16") or has.get("avx512_bf16"))
    if wish == "bfloat16" and not able:
        raise SheetpropError("precision bfloat16: this processor has no bfloat16 arithmetic; choose float32")
    return "bfloat16" if able and wish != "float32" else "float32"


@functools.cache
def keep_memory() -> bool:
    """Let glibc keep freed memory instead of giving every large tensor back to the system.

    Without it each step maps and clears its tensors anew; with it a step of recipe 001 took 33
    instead of 41 ms here. A setting of the whole process; returns whether it was made.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEEP)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEEP))


def environment(device: str, precision: Precision) -> Environment:
    """Return the versions and the hardware of this process."""
    import numpy
    import torch

    commit, changed = _commit()
    return Environment(
        sheetprop=sheetprop.__version__, python=platform.python_version(), torch=str(torch.__version__),
        torchvision=_version("torchvision"), numpy=numpy.__version__,
        system=f"{platform.system()} {platform.machine()}", processor=_processor(),
        threads=torch.get_num_threads(), device=device,
        device_name=torch.cuda.get_device_name() if device == "cuda" else None,
        precision=precision, git_commit=commit, git_changed=changed,
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that this package lies in, and whether this room differs from it."""
    here = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10,
                                  check=False)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    tracked = git("ls-files", "--error-unmatch", Path(__file__).name)
    commit = git("rev-parse", "HEAD") if tracked else None
    if commit is None:
        return None, None
    return commit, bool(git("status", "--porcelain", "--untracked-files=no", "--", "."))
