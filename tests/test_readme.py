"""README's examples, run as they stand there, and its pictures."""

import doctest
import pathlib
import re

import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"


pytestmark = pytest.mark.skipif(not README.exists(), reason="the tests run away from the repository")


def test_examples():
    failed, tried = doctest.testfile(str(README), module_relative=False)
    assert tried > 10
    assert failed == 0


def test_pictures():
    """They are there, small, and told in words for whoever does not see them."""
    images = re.findall(r"<img [^>]*>", README.read_text("utf-8"))
    assert len(images) >= 2
    for image in images:
        path = README.parent / re.search(r'src="([^"]+)"', image).group(1)
        assert path.stat().st_size < 150_000
        assert len(re.search(r'alt="([^"]+)"', image).group(1)) > 40
