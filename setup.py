"""Compile the extensions of `gumbel_fast._core`; all that is not compiled is declared in pyproject.toml.

Switches, read from the environment and off unless set to something other than 0:

GUMBEL_FAST_DEBUG     little optimisation, debugging symbols, assertions, Cython's bounds checks
GUMBEL_FAST_SANITIZE  DEBUG under AddressSanitizer and UndefinedBehaviorSanitizer (gcc, clang)
GUMBEL_FAST_COVERAGE  DEBUG, with lines of C counted by gcov and those of Cython traced for coverage.py (gcc, clang)
GUMBEL_FAST_WERROR    warnings of Cython and of the C compiler are errors

CC, CFLAGS and LDFLAGS are heeded as ever; where they differ from the flags below, those prevail.
"""

import itertools
import os
import platform
import re
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, PlatformError


def switch(name: str) -> bool:
    return os.environ.get(f"GUMBEL_FAST_{name}", "0") not in ("", "0")


SANITIZE, COVERAGE, WERROR = switch("SANITIZE"), switch("COVERAGE"), switch("WERROR")
DEBUG = switch("DEBUG") or SANITIZE or COVERAGE

# Float and double in a wider type, as the x87 unit and gcc on s390x have them, are refused by src/simd/common.h: these
# switch that off.
UNWIDENED = {"i686": ["-msse2", "-mfpmath=sse"], "s390x": ["-fexcess-precision=fast"]}
MACHINE = platform.machine()
if sys.maxsize < 2**32 and re.fullmatch("i[3-6]86|x86_64", MACHINE):
    MACHINE = "i686"

# One set of flags for every file: a SIMD target is switched on inside its own file, and all targets must round alike,
# so that no compiler may contract a*b + c where the source does not say fma (MSVC contracts only when asked to).
EXACT = ["-fno-fast-math", "-fno-unsafe-math-optimizations"]  # whatever CFLAGS say; when linked too, see LINK_FLAGS
FLAGS = {
    "unix": ["-std=c11", "-ffp-contract=off", *EXACT, "-fvisibility=hidden", "-Wall", "-Wextra"]
    + UNWIDENED.get(MACHINE, [])
    + (["-Og", "-g", "-UNDEBUG", "-fno-omit-frame-pointer"] if DEBUG else ["-O3", "-g0"])
    + ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"] * SANITIZE
    + ["--coverage", "-fprofile-update=atomic"] * COVERAGE  # threads count too
    + ["-Werror"] * WERROR,
    "msvc": ["/std:c11", "/fp:precise", "/Od" if DEBUG else "/O2"] + ["/WX"] * WERROR,
}
# To link with -ffast-math or -Ofast would have the library flush subnormal numbers in the whole process.
LINK_FLAGS = {
    "unix": ["-lm", "-O3", *EXACT] + ["-fsanitize=address,undefined"] * SANITIZE + ["--coverage"] * COVERAGE,
    "msvc": [],
}


# The last lines of a build that cannot begin.
WANTED = """No C compiler that finds Python's headers: what was tried stands above. To install both:
    Debian, Ubuntu   apt install build-essential python3-dev
    Fedora           dnf install gcc python3-devel
    Alpine           apk add gcc musl-dev python3-dev
    macOS            xcode-select --install
    Windows          the Build Tools for Visual Studio, with "Desktop development with C++"
    conda            conda install compilers"""


class BuildExt(build_ext):
    """Translate and compile, once the compiler is known; for other commands, such as sdist, nothing is translated."""

    def build_extensions(self):
        self.check_compiler()
        for extension, translated in zip(self.extensions, translate(self.extensions), strict=True):
            extension.sources = translated.sources
        style = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        for extension in self.extensions:
            extension.extra_compile_args += FLAGS[style]
            extension.extra_link_args += LINK_FLAGS[style]
        self.parallel = max(1, int(self.parallel or cpus()))
        self.compiler.compile = side_by_side(self.compiler.compile, self.parallel)
        super().build_extensions()

    def check_compiler(self):
        """Compile nothing but Python's headers: what fails later is an error of the sources, and shows itself."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "headers.c")
            source.write_text("#include <Python.h>\n")
            try:
                self.compiler.compile([str(source)], output_dir=folder)
            except (CompileError, PlatformError) as error:
                given = [f"{name}={os.environ[name]}" for name in ("CC", "CFLAGS", "CPPFLAGS") if name in os.environ]
                perhaps = f" ({', '.join(given)} may be at fault)" if given else ""
                raise CompileError(f"{error}{perhaps}\n\n{WANTED}") from None


def cpus() -> int:
    """Return how many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(compile, processes: int):
    """Return a compiler's `compile` that works on so many files at once, those of one extension too.

    The C core is one extension, and most of the work: alone it takes as long on two CPUs as on one. After an error, or
    an interrupt, which ends the compilers too, no further file is begun.
    """
    free, failed = threading.BoundedSemaphore(processes), threading.Event()

    def compile_one(source, options):
        with free:
            if failed.is_set():
                raise CompileError(f"{source} is left out: what stopped the compiler stands above")
            try:
                return compile([source], **options)
            except BaseException:
                failed.set()
                raise

    def compile_all(sources, **options):
        with ThreadPoolExecutor(processes) as pool:
            objects = pool.map(lambda source: compile_one(source, options), sources)
            return list(itertools.chain.from_iterable(objects))

    return compile_all


def extension(name: str, sources: list[str]) -> Extension:
    """Return a module of gumbel_fast/_core; one of them links the C core, through which the others call it."""
    return Extension(
        f"gumbel_fast._core.{name}",
        sources=[f"gumbel_fast/_core/{name}.pyx", *sources],
        depends=sorted(str(path) for path in Path("src").rglob("*.h")),
        include_dirs=["src", numpy.get_include()],
        define_macros=[
            # Compile for NumPy 2.0, the oldest that pyproject.toml admits, and refuse what it had deprecated.
            ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
        ]
        + [("CYTHON_TRACE_NOGIL", "1")] * COVERAGE,
    )


def translate(extensions: list[Extension]) -> list[Extension]:
    """Return them with C in place of Cython."""
    Options.warning_errors = WERROR
    return cythonize(
        extensions,
        build_dir="build/cython",
        force=True,  # what is generated depends on the switches too, which time stamps do not show
        compiler_directives={
            "boundscheck": DEBUG,
            "cdivision": True,
            # Calls share nothing but what a lock guards: a Generator's words (seeds.pxd), the process's own Generator
            # (_rng.py), the pool (pool.pyx); `kernels` is written at import. .ci/parallel tests it.
            "freethreading_compatible": True,
            "initializedcheck": DEBUG,
            "linetrace": COVERAGE,
            "wraparound": False,
        },
    )


CORE = sorted(str(path) for path in Path("src").rglob("*.c"))
modules = [path.stem for path in Path("gumbel_fast/_core").glob("*.pyx")]
modules.sort(key=lambda name: (name != "target", name))  # what takes longest first

setup(
    ext_modules=[extension(name, CORE if name == "target" else []) for name in modules],
    cmdclass={"build_ext": BuildExt},
)
