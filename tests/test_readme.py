"""README's examples, run as they stand there."""

import doctest
import pathlib

import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"


@pytest.mark.skipif(not README.exists(), reason="the tests run away from the repository")
def test_examples():
    failed, tried = doctest.testfile(str(README), module_relative=False)
    assert tried > 10
    assert failed == 0
