"""What the figures were measured on: the processor's name, the SIMD target in use, versions. No timing lives here."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from .. import __version__, _core
from . import peers


def cpu_name() -> str:
    """Return the processor's name as its maker gives it, or the architecture where the system does not tell."""
    try:
        if platform.system() == "Linux":
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    return value.strip()
        elif platform.system() == "Darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor() or platform.machine()


def describe() -> dict[str, str]:
    """Return what a reader needs to place a figure, each as text."""
    return {
        "cpu": f"{cpu_name()}, {os.cpu_count()} logical CPUs",
        "simd": _core.simd_target(),
        "threads": "1, but where a title says two",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "gumbel_fast": __version__,
        **{library: peers.version(library) for library in peers.OTHERS if peers.installed(library)},
    }
