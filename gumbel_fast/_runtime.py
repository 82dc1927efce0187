"""What the library runs on: `show_runtime`."""

from __future__ import annotations

import os
import platform

import numpy as np

from . import _core


def show_runtime() -> None:
    """Print what runs: versions, compiler, SIMD targets, stream version and CPU count.

    ``GUMBEL_FAST_SIMD``, read when the library is imported, forces one of the usable targets. Beside ``scalar`` stands
    ``own fma`` where the C library's fused multiply-add is wrong and the library's own is used.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.show_runtime()  # doctest: +SKIP
    gumbel_fast     0.1.0 (NumPy 2.4.6, CPython 3.11.7)
    compiler        gcc 12.2.0
    SIMD compiled   avx512, avx2, scalar
    SIMD usable     avx512, avx2, scalar
    SIMD in use     avx512
    stream version  1
    CPUs            2
    """
    from . import __version__

    target = _core.simd_target()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    rows = {
        "gumbel_fast": f"{__version__} (NumPy {np.__version__}, {python})",
        "compiler": _core.compiler(),
        "SIMD compiled": ", ".join(_core.compiled_targets()),
        "SIMD usable": ", ".join(_core.usable_targets()),
        "SIMD in use": target + ", own fma" * (target == "scalar" and _core.fma_of_scalar() == "own"),
        "stream version": _core.STREAM_VERSION,
        "CPUs": os.cpu_count(),
    }
    for name, value in rows.items():
        print(f"{name:<15} {value}")
