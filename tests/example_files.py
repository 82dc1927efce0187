"""The modules in examples/, loaded from their files, for the tests of them."""

import importlib.util
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "examples"


def load(name, *libraries):
    """The module of an example, if what it needs is there."""
    if not FOLDER.is_dir():
        pytest.skip("the examples are not beside the tests")
    for library in libraries:
        pytest.importorskip(library, reason=f"{library} is not installed")
    specification = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
