"""Every block of code in README and in the documentation, run as it stands there; pages.py has the rules."""

import itertools
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

import pages

POSIX = pytest.mark.skipif("os.name != 'posix'", reason="there is no bash")


@pytest.mark.skipif(not pages.PAGES, reason="the tests run away from the repository")
@pytest.mark.parametrize("path", pages.PAGES, ids=lambda path: path.name)
def test_page(path, tmp_path, monkeypatch):
    if missing := pages.run(path, tmp_path, monkeypatch):
        pytest.skip(f"from a block on that wants {missing}, which is not installed")


# ------------------------------------------------------------------------------------- blocks that are taken elsewhere


@pytest.mark.parametrize("page, language", [key for key, (_, file) in pages.ELSEWHERE.items() if "tests/" in file])
def test_another_test_takes_them(page, language):
    which, file = pages.ELSEWHERE[page, language]
    assert which == slice(None)
    assert f'pages.sources("{page}", "{language}")' in (pages.ROOT / file).read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("awk"), reason="there is no awk")
def test_ci_takes_the_set_up():
    script = pages.ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("the scripts of CI are not beside the tests")
    (program,) = re.findall(r"< <\(awk '(.*)' README.md\)", script.read_text(encoding="utf-8"))
    readme = pages.ROOT / "README.md"
    taken = subprocess.run(["awk", program, readme], capture_output=True, text=True, check=True).stdout
    first = next(block for block in pages.read(readme) if pages.language_of(block) == "sh")
    assert taken == first.parsed


# ------------------------------------------------------------------------------------------------------------ the rules


@pytest.fixture(params=["rst", "md"])
def run(tmp_path, monkeypatch, request):
    """Runs a page of blocks, each a language and its lines, in either markup; what it lacked."""
    numbers = itertools.count()

    def run(*blocks):
        folder = tmp_path / f"{next(numbers)}"
        folder.mkdir()
        page = folder / f"page.{request.param}"
        page.write_text("Prose.\n" + "".join(_block(request.param, *block) for block in blocks), encoding="utf-8")
        with monkeypatch.context() as patch:
            return pages.run(page, folder, patch)

    return run


def _block(markup, language, text):
    if markup == "md":
        return f"\n```{'pycon' if language == '>>>' else language}\n{text}\n```\n\nProse.\n"
    if language == ">>>":
        return f"\n{text}\n\nProse.\n"
    return f"\n.. code-block:: {language}\n\n{textwrap.indent(text, '   ')}\n\nProse.\n"


RUNNING = {
    "one namespace": [("python", "x = 1"), (">>>", ">>> x\n1\n>>> y = 2"), ("python", "print(x + y)"), ("text", "3")],
    "exactly what was printed": [("python", "print('a', end='')\nprint('  b\\n\\nc')"), ("text", "a  b\n\nc")],
    "the name of a script": [("python", "if __name__ == '__main__':\n    print(1)"), ("text", "1")],
    "functions that pickle": [
        ("python", "import pickle\n\ndef f():\n    pass\n\nprint(pickle.loads(pickle.dumps(f)) is f)"),
        ("text", "True"),
    ],
    "installs": [
        ("sh", "python3 -m venv .venv && .venv/bin/pip install 'gumbel_fast[dask,torch]'\npip install '.[test]'  # or"),
        ("sh", "CC=clang pip install .\nsudo apt-get install \\\n    python3-dev"),
        ("sh", "python3 -m venv .venv\n.venv/bin/pip install -e . && .venv/bin/python -m gumbel_fast"),
        ("powershell", "py -m venv .venv\n.venv\\Scripts\\pip install .\n.venv\\Scripts\\python -m gumbel_fast"),
    ],
}  # fmt: skip

IN_BASH = {
    "one folder": [
        ("python", "from pathlib import Path\n_ = Path('a').write_text('1')"),
        ("sh", "cat a; echo 2 > b"), ("text", "1"),
        ("python", "print(Path('b').read_text())"), ("text", "2"),
    ],
    "this interpreter": [
        ("python", "import sys\nprint(sys.prefix)"), ("text", "PREFIX"),
        ("sh", "python -c 'import sys; print(sys.prefix)'"), ("text", "PREFIX"),
    ],
    "the library": [
        ("python", "import numpy as np\nnp.save('x.npy', np.zeros((2, 1)))"),
        ("sh", "python -m gumbel_fast sample x.npy -n 2"), ("text", "0 0\n0 0"),
    ],
}  # fmt: skip

FAILING = {
    "Got:\n2": [("python", "print(2)"), ("text", "1")],
    "Got:\n$": [("python", "pass"), ("text", "1")],
    "Got:\n1 $": [("python", "print('1 ')"), ("text", "1")],
    "(?s)Expected:.*1.*Got:.*2": [(">>>", ">>> 2\n1")],
    "no rule runs a block of 'fortran'": [("fortran", "end")],
    "no rule runs a block of 'no language'": [("", "x = 1")],
    r"page.*, line 3\b.*\nno python or sh block stands above": [("text", "1")],
    "no python or sh block stands above": [("python", "print(1)"), (">>>", ">>> 1\n1"), ("text", "1")],
    "no python or sh block stands above it$": [("python", "print(1)"), ("text", "1"), ("text", "1")],
    "SKIP": [(">>>", ">>> 1 / 0  # doctest: +SKIP")],
    "no extras of pyproject.toml: tourch": [("sh", "pip install 'gumbel_fast[dask,tourch]'")],
    "no extras of pyproject.toml: a, b": [("sh", "pip install '.[test, a]' && pip install './gumbel_fast[b]'")],
    "not all of it installs": [("powershell", "del x")],
}

FAILING_IN_BASH = {
    "status 1": [("sh", "false; true")],
    "status 0\nword": [("sh", "echo word >&2")],
    "status 3": [("sh", "(exit 3) | cat")],
    "either installs or runs": [("sh", "pip install gumbel_fast\npython -m gumbel_fast")],
    "either installs or runs, not": [("sh", "CC=gcc nice pip install gumbel_fast")],
}


@pytest.mark.parametrize("blocks", RUNNING.values(), ids=RUNNING)
def test_runs(blocks, run):
    assert run(*blocks) is None


@POSIX
@pytest.mark.parametrize("blocks", IN_BASH.values(), ids=IN_BASH)
def test_runs_in_bash(blocks, run):
    assert run(*((language, text.replace("PREFIX", sys.prefix)) for language, text in blocks)) is None


@pytest.mark.parametrize("message", FAILING)
def test_fails(message, run):
    with pytest.raises(AssertionError, match=message):
        run(*FAILING[message])


def test_an_error_is_one(run):
    with pytest.raises(ZeroDivisionError):
        run(("python", "1 / 0"))


def test_a_library_that_is_missing(run, monkeypatch):
    """The page ends there; what failed before it fails, and a library that no page may want is an error."""
    page = [("python", "print(1)"), ("text", "1"), ("python", "if True:\n    import fortran.x"), ("text", "2")]
    with pytest.raises(ModuleNotFoundError):
        run(*page)
    monkeypatch.setattr(pages, "OPTIONAL", {"fortran"})
    assert run(*page) == "fortran"
    assert run((">>>", ">>> from fortran import x"), *page) == "fortran"
    with pytest.raises(AssertionError, match="Got:\n1"):
        run(*page[:1], ("text", "3"), *page)


def test_code_of_a_file(tmp_path, monkeypatch):
    (tmp_path / "file.py").write_text("1 / 0\nx = 1\n# the end\n1 / 0\n")
    include = ".. literalinclude:: file.py\n   :language: python\n   :start-at: x =\n   :end-before: the end\n"
    (tmp_path / "page.rst").write_text(f"Prose.\n\n{include}\n>>> x\n1\n")
    assert pages.run(tmp_path / "page.rst", tmp_path, monkeypatch) is None


def test_code_without_a_directive(tmp_path, monkeypatch):
    (tmp_path / "page.rst").write_text("Prose::\n\n   x = 1\n")
    with pytest.raises(AssertionError, match=r"line 1.*\nno rule runs a block of 'no language'"):
        pages.run(tmp_path / "page.rst", tmp_path, monkeypatch)


def test_one_section():
    if not pages.DOCS.exists():
        pytest.skip("the documentation is not beside the tests")
    assert len(pages.sources("cython.rst", "python", "From Numba")) == 4
    assert len(pages.sources("cython.rst", "cython", "From C\\+\\+")) == 1


@POSIX
@pytest.mark.parametrize("message", FAILING_IN_BASH)
def test_fails_in_bash(message, run):
    with pytest.raises(AssertionError, match=message):
        run(*FAILING_IN_BASH[message])


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "bench/README.md", "examples/README.md"])
def test_links_lead_to_files(page):
    path = pages.ROOT / page
    if not path.exists():
        pytest.skip(f"{page} is not beside the tests")
    linked = re.findall(r"(?:\]\(|srcset=\"|src=\")([^)#\"]+)", path.read_text(encoding="utf-8"))
    assert linked
    assert [link for link in linked if "://" not in link and not (path.parent / link).exists()] == []
