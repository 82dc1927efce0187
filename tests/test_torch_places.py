"""The table of docs/torch.rst, of where gumbel_fast.torch works: its rows are those of torch_places.py, each proved."""

import ast
import functools
import pathlib

import pytest

import torch_places

TESTS = pathlib.Path(__file__).parent
PAGE = TESTS.parent / "docs" / "torch.rst"


@functools.cache
def functions_in(file):
    """The test functions of a file, with the names of their marks."""
    functions = {}
    for node in ast.parse((TESTS / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            functions[node.name] = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
    return functions


@pytest.mark.parametrize("place", torch_places.PLACES, ids=lambda place: place.where)
def test_each_row_is_proved(place):
    """By a test that is there, and that nothing leaves out."""
    file, _, name = place.proof.partition("::")
    assert name in functions_in(file)
    assert not {"pytest.mark.skip", "pytest.mark.xfail", "pytest.mark.exhaustive"} & functions_in(file)[name]


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not beside the tests")
def test_the_table_is_that_of_the_documentation():
    """`python tests/torch_places.py` prints it."""
    assert torch_places.table() in PAGE.read_text(encoding="utf-8")
