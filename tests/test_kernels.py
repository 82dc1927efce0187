"""The C headers as Cython knows them: all that kernels.pxd declares is there, with the fields in the headers' order."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(not (ROOT / "src").is_dir(), reason="the C sources are not here")


def c_text():
    text = "".join((ROOT / "src" / name).read_text() for name in ("fused.h", "request.h", "gumbel_fast.h"))
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def pxd_text():
    return re.sub(r"#.*", "", (ROOT / "gumbel_fast/_core/kernels.pxd").read_text())


def names(declarations):
    """The declared names of fields or parameters, in order."""
    return re.findall(r"(\w+)\s*(?:\[[^]]*\])?\s*(?=[,;\n)]|$)", declarations)


def c_structs():
    found = re.findall(r"typedef struct \{(.*?)\}\s*(\w+);", c_text(), flags=re.DOTALL)
    return {name: names(body.replace("\n", " ")) for body, name in found}


def pxd_structs():
    found = re.findall(r"ctypedef struct (\w+):\n((?: {8}.*\n)+)", pxd_text())
    return {name: names(body) for name, body in found}


def test_structs():
    assert pxd_structs() == c_structs()
    assert "gf_request" in pxd_structs()


def test_enumerators_and_constants():
    """All that an enum or a `double` line of kernels.pxd names is an enumerator or a macro of the headers."""
    declared = set(re.findall(r"\bGF_[A-Z0-9_]+", pxd_text()))
    assert declared <= set(re.findall(r"\bGF_[A-Z0-9_]+", c_text()))
    enums = re.findall(r"typedef enum \{(.*?)\}", c_text(), flags=re.DOTALL)
    assert set(re.findall(r"\bGF_[A-Z0-9_]+", " ".join(enums))) <= declared


def test_function_types():
    """The kernels' types have the header's parameters, in its order."""
    text = re.sub(r"\s+", " ", c_text())
    ours = re.sub(r"\s+", " ", pxd_text())
    theirs = dict(re.findall(r"typedef [\w ]+ \(\*(\w+)\)\((.*?)\);", text))
    mine = dict(re.findall(r"ctypedef [\w ]+ \(\*(\w+)\)\( ?(.*?)\) noexcept", ours))
    assert {name: names(p) for name, p in mine.items()} == {name: names(p) for name, p in theirs.items()}
    assert len(mine) >= 6
