"""What the figures were measured on: the processor's name, the SIMD target in use, versions. No timing lives here."""

from __future__ import annotations

import os
import platform

from gumbel_fast import __version__
from gumbel_fast._cli.processor import cpu_name

from . import peers, simd


def describe() -> dict[str, str]:
    """Return what a reader needs to place a figure, each as text."""
    return {
        "cpu": f"{cpu_name()}, {os.cpu_count()} logical CPUs",
        "simd": simd.simd_target(),
        "threads": "1, but where a title says two",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "gumbel_fast": __version__,
        **{library: peers.version(library) for library in peers.OTHERS if peers.installed(library)},
    }
