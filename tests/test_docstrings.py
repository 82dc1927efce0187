"""Every public function is documented: its parameters once each, an example that runs, and a place in the reference.

The parameters are those of the signature, in its order, each with its type and its default; arrays have a dtype and a
shape. numpydoc reads the sections, as it does for the pages.
"""

import importlib
import inspect
import pathlib
import re

import pytest
from numpydoc.docscrape import NumpyDocString

import gumbel_fast

DOCS = pathlib.Path(__file__).parent.parent / "docs"
PAGES = {"gumbel_fast": "api", "gumbel_fast.torch": "torch", "gumbel_fast.dask": "dask"}
WANTED = {"gumbel_fast.torch": "torch", "gumbel_fast.dask": "dask.array"}

GUMBEL_R = [name for name, _ in inspect.getmembers(gumbel_fast.gumbel_r, inspect.ismethod) if not name.startswith("_")]
FUNCTIONS = {
    "gumbel_fast": [
        *(name for name in gumbel_fast.__all__ if callable(getattr(gumbel_fast, name))),
        *(f"gumbel_r.{name}" for name in GUMBEL_R),
    ],
    "gumbel_fast.torch": [
        "Categorical", *(f"Categorical.{name}" for name in ("sample", "log_prob", "entropy", "expand")),
        "categorical", "gumbel", "gumbel_max", "gumbel_softmax", "gumbel_top_k",
    ],
    "gumbel_fast.dask": [
        "categorical", "entropy", "from_npy", "from_parquet", "from_zarr", "gumbel", "gumbel_max", "gumbel_softmax",
        "gumbel_top_k", "log_prob", "log_softmax", "logsumexp", "merge_top_k", "softmax",
    ],
}  # fmt: skip
ALL = [(module, name) for module, names in FUNCTIONS.items() for name in names]

REQUIRED = {"k"}  # has a default only since `logits` before it has one


def module_of(name):
    if name in WANTED:
        pytest.importorskip(WANTED[name], reason=f"{WANTED[name]} is not installed")
    return importlib.import_module(name)


def documented(module, name):
    """A function or class, and the sections of its docstring."""
    found = module_of(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found, NumpyDocString(inspect.getdoc(found))


@pytest.mark.parametrize("module", FUNCTIONS)
def test_all_are_found(module):
    found = module_of(module)
    others = {"STREAM_VERSION", "gumbel_r"} if module == "gumbel_fast" else set()
    assert set(found.__all__) == {name for name in FUNCTIONS[module] if "." not in name} | others
    assert len(GUMBEL_R) == 14
    if module == "gumbel_fast.torch":
        own = {name for name, value in vars(found.Categorical).items() if inspect.isfunction(value)}
        assert {name for name in own if not name.startswith("_")} == {
            name.partition(".")[2] for name in FUNCTIONS[module] if "." in name
        }


@pytest.mark.parametrize("module, name", ALL)
def test_parameters(module, name):
    function, sections = documented(module, name)
    signature = [p for p in inspect.signature(function).parameters.values() if p.name != "self" and p.name[0] != "_"]
    listed = sections["Parameters"]
    assert [entry.name for entry in listed] == [parameter.name for parameter in signature]
    for entry, parameter in zip(listed, signature, strict=True):
        assert default_of(entry.type) == expected_default(parameter), entry
        check_type(entry)


def default_of(kind):
    """What a type says of the default: its text, None for a parameter that is optional without one, or "none"."""
    if found := re.search(r", default (.*)$", kind):
        return found[1]
    return None if kind.endswith(", optional") else "none"


def expected_default(parameter):
    default = parameter.default
    if default is parameter.empty or parameter.name in REQUIRED:
        return "none"
    return None if default is None else default.__name__ if isinstance(default, type) else repr(default)


def check_type(entry):
    """That there is a type, and with an array its dtype and its shape."""
    assert entry.type, entry
    arrays = re.findall(r"(?:array_like|ndarray|dask\.array\.Array|Tensor)\b( of)?", entry.type)
    if arrays:
        assert arrays[-1] == " of", entry
        assert "shape" in " ".join([entry.type, *entry.desc]), entry


@pytest.mark.parametrize("module, name", ALL)
def test_result(module, name):
    function, sections = documented(module, name)
    if inspect.isclass(function) or name == "show_runtime":
        assert not sections["Returns"]
        return
    assert sections["Returns"]
    for entry in sections["Returns"]:
        check_type(entry)


@pytest.mark.parametrize("module, name", [(module, name) for module, name in ALL if "Categorical." not in name])
def test_has_an_example(module, name):
    _, sections = documented(module, name)
    assert any(line.startswith(">>> ") for line in sections["Examples"])


@pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not beside the tests")
@pytest.mark.parametrize("module", FUNCTIONS)
def test_stands_in_the_reference(module):
    """Each with an entry of its own, and a line in the table at the top."""
    page = (DOCS / f"{PAGES[module]}.rst").read_text(encoding="utf-8")
    names = {name for name in FUNCTIONS[module] if "." not in name}
    if module == "gumbel_fast":
        names.add("gumbel_r")
    else:
        names.discard("merge_top_k")  # the page of gumbel_fast has it
    (table,) = re.findall(r"^\.\. autosummary::\n   :nosignatures:\n\n((?:   \w+\n)+)", page, re.MULTILINE)
    assert sorted(table.split()) == sorted(names)
    entries = re.findall(rf"^\.\. (?:auto(?:function|class|data):: {module}\.|py:data:: )(\w+)", page, re.MULTILINE)
    assert sorted({*entries} - {"STREAM_VERSION"}) == sorted(names)
