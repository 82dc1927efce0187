"""Build the example: `python setup.py build_ext --inplace`, with Cython and an installed gumbel_fast.

No header, library or flag of gumbel_fast is needed: Cython reads its .pxd files where it is installed, and the
functions are found when the module is imported.
"""

from importlib.util import find_spec
from pathlib import Path

from Cython.Build import cythonize
from setuptools import setup

# Cython looks along sys.path by itself; this line is for installs that are not on it, such as editable ones.
beside = Path(find_spec("gumbel_fast").origin).parent.parent

setup(name="chain", ext_modules=cythonize("chain.pyx", include_path=[str(beside)]))
