"""The examples in README and in the pages of the documentation, run as they stand there."""

import doctest
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.rst"))]
    if page.exists() and ">>> " in page.read_text(encoding="utf-8")
]
WANTED = {"torch.rst": ["torch"], "dask.rst": ["dask.array"], "selection.rst": ["dask.array", "pyarrow"]}


@pytest.mark.skipif(not PAGES, reason="the tests run away from the repository")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page):
    for library in WANTED.get(page.name, []):
        pytest.importorskip(library, reason=f"{library} is not installed")
    failed, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert tried == page.read_text(encoding="utf-8").count(">>> ")
    assert failed == 0
