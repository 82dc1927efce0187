"""The other libraries: which are here, in which version, and how all are held to one thread. No contestant lives here.

Peers are imported through `load`, by name, inside a contestant's `prepare`: none is needed to import this package.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from itertools import cycle
from typing import Any

#: The libraries that contestants come from beside this one: each name is a module's.
OTHERS = (
    "numpy",
    "scipy",
    "torch",
    "transformers",
    "llama_cpp",
    "jax",
    "numba",
    "mkl_random",
    "vose",
    "dask",
    "pyarrow",
    "pandas",
    "polars",
    "duckdb",
)
LIBRARIES = ("gumbel_fast", *OTHERS)

#: The distributions that are named otherwise than their module.
_DISTRIBUTIONS = {"llama_cpp": "llama-cpp-python"}

#: One thread for all. To be in the environment before a library is imported.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",  # pyarrow goes by it too
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "NPROC": "1",  # what XLA sizes its pool by: its flag against threads in Eigen leaves others running
}


def installed(library: str) -> bool:
    """Whether a library can be imported, found out without importing it."""
    return importlib.util.find_spec(library) is not None


def version(library: str) -> str:
    """Version of an installed library."""
    return importlib.metadata.version(_DISTRIBUTIONS.get(library, library))


def load(module: str) -> Any:
    """Import a peer and hold it to one thread."""
    loaded = importlib.import_module(module)
    if module == "torch":
        loaded.set_num_threads(1)
    return loaded


def jax_keys(jax: Any, seed: int) -> Callable[[], Any]:
    """Make a call that gives a JAX key, another one each time; none is computed inside the timing."""
    return cycle(list(jax.random.split(jax.random.key(seed), 256))).__next__
