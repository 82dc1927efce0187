"""The pages of the documentation, README among them: their blocks of code, and the rules by which each block is run.

A page is one namespace and one folder, read from top to bottom, as a reader would copy it. The folder is empty at
first and the current one; the namespace is that of `__main__`. By language, a block

    doctest   (`>>>`) runs, and gives what stands below it (README has these in blocks of `pycon`)
    python    runs; so does a `literalinclude` of Python, with its `start-at` and `end-before`
    sh        is run by bash, in the folder, and may say nothing on standard error; `python` is this interpreter
    text      is what the `python` or `sh` block above it printed, but for indentation that all lines share

and nothing else is allowed: no other language, none at all (also by a `::`), no `+SKIP`, no output without a program.
Two kinds of blocks are not run here:

* Those that install, of `sh` or, for Windows, `powershell`: where every command is one of INSTALLS. Each extra that
  they name must be in pyproject.toml.
* Those in ELSEWHERE, which other files take from the page and run.

Where a block imports one of OPTIONAL that is not installed, the page ends before it. The blocks are found and
evaluated by Sybil's parsers; its plugin for pytest would want a conftest.py beside each page, and every block to be a
test. test_pages.py runs the pages, and tests these rules.
"""

import ast
import contextlib
import doctest
import importlib.util
import io
import itertools
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import tomllib
import types

import numpy as np
from sybil import Document, Region
from sybil.document import SybilFailure
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer
from sybil.parsers.rest.lexers import DirectiveLexer
from sybil.region import Lexeme

ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [page for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.rst"))) if page.exists()]

#: Blocks that other files take: the page and the language, which of these blocks, and the file.
ELSEWHERE = {
    ("README.md", "sh"): (slice(1), ".ci/run"),  # the set-up
    ("cython.rst", "cython"): (slice(None), "tests/test_cimport.py"),
}

#: What a page may import and do without.
OPTIONAL = {"cffi", "dask", "distributed", "jax", "matplotlib", "numba", "pyarrow", "scipy", "sklearn", "torch", "zarr"}

INSTALLS = re.compile(
    r"(\w+=\S* )*((\S*python3?|py) -m venv \S+"
    r"|(\. |source )\S+/activate|\S+\\activate(\.bat|\.ps1)?"
    r"|\.venv[/\\]\w+[/\\](pip (install|wheel) .*|python -m gumbel_fast|pytest( .*)?)"  # into it, and whether it works
    r"|(pip|python3? -m pip|py -m pip|uv pip|uv|conda|mamba|micromamba) (install|add|wheel) .*"
    r"|(sudo )?(apt|apt-get|dnf|apk|brew|pacman|zypper|winget) (update|upgrade|install|add|-S) ?.*"
    r"|xcode-select --install|git clone \S+|cd \S+)",
    re.IGNORECASE,
)


def read(path, heading=None):
    """Return the blocks of a page, or of one of its sections, in order: Sybil's examples, with a language each."""
    text = path.read_text(encoding="utf-8")
    if heading is not None:
        (text,) = re.findall(rf"^{heading}\n-+\n((?:.*\n)*?)(?=^.+\n-+\n|\Z)", text, re.MULTILINE)
    document = Document(text, os.fspath(path))
    for region in (_markdown if path.suffix == ".md" else _rst)(document):
        document.add(region)
    return list(document)


def sources(page, language, heading=None):
    """Return the text of the blocks of a language on a page of the documentation, or in one of its sections."""
    return [str(block.parsed) for block in read(DOCS / page, heading) if language_of(block) == language]


def language_of(block):
    return block.region.lexemes["language"]


def run(path, folder, monkeypatch):
    """Run a page in a folder; AssertionError says what did not go as it stands there.

    Returns the library for want of which the page was not run to its end, or None.
    """
    blocks, missing, failures = _not_elsewhere(path), None, []
    runner = _Runner(folder, monkeypatch)
    with np.printoptions():
        for block in blocks:
            if missing := runner.missing(block):
                break
            try:
                block.document.evaluate(block, runner.rule(language_of(block)))
            except SybilFailure as failure:
                failures.append(str(failure))
    assert not failures, "\n\n".join(failures)
    return missing


def _not_elsewhere(path):
    blocks = read(path)
    for (page, language), (which, _) in ELSEWHERE.items():
        if page == path.name:
            taken = [block for block in blocks if language_of(block) == language][which]
            blocks = [block for block in blocks if block not in taken]
    return blocks


# ------------------------------------------------------------------------------------------------------------- reading


def _rst(document):
    for region in DirectiveLexer("code-block|sourcecode|code|parsed-literal|literalinclude")(document):
        named = region.lexemes["arguments"] or ""
        if region.lexemes["directive"] == "literalinclude":
            included = _included(pathlib.Path(document.path).parent / named, **region.lexemes["options"])
            yield _block(region, region.lexemes["options"].get("language", ""), Lexeme(included, 0, 0))
        else:
            yield _block(region, named, region.lexemes["source"])
    for match in re.finditer(r"^(?![ \t]*\.\. ).*::[ \t]*$", document.text, re.MULTILINE):
        yield _block(Region(match.start(), match.end()), "", Lexeme("", 0, 0))
    for region in DocTestStringParser()(document.text, document.path):
        yield _block(region, ">>>", region.parsed)


def _markdown(document):
    for region in RawFencedCodeBlockLexer(re.compile(r"(?P<language>[^\n]*)\n"))(document):
        language, source = region.lexemes["language"].strip(), region.lexemes["source"]
        if language != "pycon":
            yield _block(region, language, source)
            continue
        for example in DocTestStringParser()(source, document.path):
            example.adjust(region, source)
            yield _block(example, ">>>", example.parsed)


def _block(region, language, parsed):
    return Region(region.start, region.end, parsed, lexemes={"language": language})


def _included(path, language="", **cut):
    """Return what Sphinx shows of a file, by the two options that the pages use."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if first := cut.pop("start-at", ""):
        lines = list(itertools.dropwhile(lambda line: first not in line, lines))
    if end := cut.pop("end-before", ""):
        lines = list(itertools.takewhile(lambda line: end not in line, lines))
    assert lines
    assert not cut, f"literalinclude with {cut} is not known here"
    return "".join(lines)


# ------------------------------------------------------------------------------------------------------------- running


class _Runner:
    """The rules, and what a block leaves to the next: files in a folder, and what it printed."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.printed = folder / "page", None
        self.main = types.ModuleType("__main__")
        self.rules = {
            ">>>": self.doctest, "python": self.python, "sh": self.sh, "powershell": self.install, "text": self.text,
        }  # fmt: skip
        programs = folder / "programs"
        for path in self.folder, programs:
            path.mkdir()
        for name in "python", "python3":
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            (programs / name).chmod(0o755)
        monkeypatch.chdir(self.folder)
        monkeypatch.setitem(sys.modules, "__main__", self.main)  # where pickle looks for a page's functions
        monkeypatch.setenv("PATH", os.fspath(programs), prepend=os.pathsep)
        monkeypatch.setenv("PYTHONWARNINGS", "error")
        monkeypatch.setenv("MPLBACKEND", "Agg")

    def missing(self, block):
        """Return what the block cannot run without and is not there."""
        language = language_of(block)
        if language == "sh" and os.name != "posix" and not _installs(block.parsed):
            return "bash"
        if language not in (">>>", "python"):
            return None
        source = block.parsed.source if language == ">>>" else block.parsed
        return next((name for name in sorted(_imported(source)) if importlib.util.find_spec(name) is None), None)

    def rule(self, language):
        return self.rules.get(language, self.unknown)

    def doctest(self, block):
        self.printed = None
        if block.parsed.options.get(doctest.SKIP):
            return "+SKIP hides it from this test"
        block.namespace = self.main.__dict__
        return DocTestEvaluator()(block)

    def python(self, block):
        block.namespace = self.main.__dict__
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            PythonEvaluator()(block)
        self.printed = printed.getvalue()

    def sh(self, block):
        self.printed = None
        if _installs(block.parsed):
            return self.install(block)
        if "install" in block.parsed or any(map(INSTALLS.fullmatch, _commands(block.parsed))):
            return "a block either installs or runs, not both"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.parsed],
            cwd=self.folder, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        self.printed = ran.stdout
        return f"status {ran.returncode}\n{ran.stderr}" if ran.returncode or ran.stderr else None

    def text(self, block):
        printed, self.printed = self.printed, None
        if printed is None:
            return "no python or sh block stands above it"
        expected, got = (textwrap.dedent(text).strip("\n") for text in (block.parsed, printed))
        return None if got == expected else f"Expected:\n{expected}\nGot:\n{got}"

    def install(self, block):
        self.printed = None
        if not _installs(block.parsed):
            return "not all of it installs"
        with (ROOT / "pyproject.toml").open("rb") as file:
            extras = tomllib.load(file)["project"]["optional-dependencies"]
        named = re.findall(r"(?:\bgumbel[_-]fast|\.)\[([^\]]*)\]", block.parsed)
        unknown = {extra.strip() for names in named for extra in names.split(",")} - extras.keys()
        return f"no extras of pyproject.toml: {', '.join(sorted(unknown))}" if unknown else None

    def unknown(self, block):
        return f"no rule runs a block of {language_of(block) or 'no language'!r}"


def _installs(source):
    return all(map(INSTALLS.fullmatch, _commands(source)))


def _commands(source):
    lines = source.replace("\\\n", " ").splitlines()
    commands = (re.sub(r"(^|\s)#.*", "", line).split("&&") for line in lines)
    return [command.strip() for line in commands for command in line if command.strip()]


def _imported(source):
    """Return those of OPTIONAL that it imports, by themselves or by a module of ours that is for them."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("gumbel_fast.").partition(".")[0] for name in names} & OPTIONAL
