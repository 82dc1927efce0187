"""Every public function is documented: an example that runs with the doctests, and a place in the reference."""

import inspect
import pathlib
import re

import pytest

import gumbel_fast

REFERENCE = pathlib.Path(__file__).parent.parent / "docs" / "api.rst"

FUNCTIONS = {
    name: function for name in gumbel_fast.__all__ if callable(function := getattr(gumbel_fast, name))
} | {
    f"gumbel_r.{name}": method
    for name, method in inspect.getmembers(gumbel_fast.gumbel_r, inspect.ismethod)
    if not name.startswith("_")
}  # fmt: skip


def test_all_are_found():
    assert set(gumbel_fast.__all__) - set(FUNCTIONS) == {"STREAM_VERSION", "gumbel_r"}
    assert len(FUNCTIONS) == 30


@pytest.mark.parametrize("name", FUNCTIONS)
def test_has_an_example(name):
    documented = inspect.getdoc(FUNCTIONS[name])
    assert re.search(r"^Examples\n-+\n>>> ", documented, re.MULTILINE), documented


@pytest.mark.skipif(not REFERENCE.exists(), reason="the documentation is not beside the tests")
@pytest.mark.parametrize("name", gumbel_fast.__all__)
def test_stands_in_the_reference(name):
    assert re.search(
        rf"^\.\. (auto(function|class):: gumbel_fast\.|py:data:: ){name}$", REFERENCE.read_text(), re.MULTILINE
    )
