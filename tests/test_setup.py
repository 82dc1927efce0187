"""setup.py where it cannot compile: the last lines say what to install, and an error of the sources shows itself."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

SETUP = pathlib.Path(__file__).parent.parent / "setup.py"

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="setup.py is not beside the tests"),
    pytest.mark.skipif(os.name != "posix", reason="CC chooses the compiler on POSIX"),
]


@pytest.fixture
def build(tmp_path):
    """Runs setup.py for one module and one file of C; the lines it wrote."""
    (tmp_path / "src").mkdir()
    (tmp_path / "gumbel_fast" / "_core").mkdir(parents=True)
    (tmp_path / "gumbel_fast" / "__init__.py").write_text('__version__ = "0"\n')
    shutil.copy(SETUP, tmp_path)

    def build(compiler, c_source="", cython_source="", *options):
        (tmp_path / "src" / "core.c").write_text(c_source)
        (tmp_path / "gumbel_fast" / "_core" / "target.pyx").write_text(f"# cython: language_level=3\n{cython_source}")
        ran = subprocess.run(
            [sys.executable, "setup.py", "build_ext", *options],
            cwd=tmp_path, env={**os.environ, "CC": compiler}, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert ran.returncode == 1
        return ran.stdout.splitlines()

    return build


def says_what_to_install(lines):
    last = "\n".join(lines[-7:])
    return all(
        word in last
        for word in ("apt install build-essential python3-dev", "gcc python3-devel", "xcode-select", "compilers")
    )


COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
HERE = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


def test_no_compiler(build):
    lines = build("/nonexistent")
    assert says_what_to_install(lines)
    assert any(line.startswith("error: ") and "/nonexistent" in line for line in lines)
    assert not any("ythoniz" in line for line in lines)  # nothing was done for nothing


@HERE
def test_no_headers(build):
    """A compiler without a path of headers stands for a machine without Python's."""
    lines = build(f"{COMPILER} -nostdinc")
    assert says_what_to_install(lines)
    assert any("error" in line and ".h" in line for line in lines)


@HERE
@pytest.mark.parametrize(
    "sources, message",
    [(("#error the source is wrong\n",), "the source is wrong"), (("", "cdef wrong x\n"), "'wrong' is not a type")],
    ids=["C", "Cython"],
)
def test_an_error_of_the_sources(sources, message, build):
    lines = build(COMPILER, *sources)
    assert any(message in line for line in lines)
    assert not any("apt install" in line for line in lines)


@HERE
def test_a_warning_that_is_an_error(build, monkeypatch):
    monkeypatch.setenv("GUMBEL_FAST_WERROR", "1")
    lines = build(COMPILER, "static int unused;\n")
    assert any("unused" in line for line in lines)
    assert not any("apt install" in line for line in lines)


@HERE
def test_nothing_is_begun_after_an_error(build):
    """The first of two files cannot be compiled; one at a time, the second is left out."""
    lines = build(COMPILER, "#error the second", "cdef extern from 'there_is_none.h':\n    int nothing\n", "-j1")
    assert any("there_is_none.h" in line for line in lines)
    assert not any("the second" in line for line in lines)


@HERE
def test_flags_of_the_environment_are_named(build, monkeypatch):
    monkeypatch.setenv("CFLAGS", "--there-is-no-such-flag")
    lines = build(COMPILER)
    assert says_what_to_install(lines)
    assert any("CFLAGS=--there-is-no-such-flag may be at fault" in line for line in lines)
