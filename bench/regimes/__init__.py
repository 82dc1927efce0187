"""What is measured: the regimes, one function each, one file a subject. To import this package fills the registry.

Their order is that of the imports below. numpy_noise.py has the noise that NumPy's best contestants share,
numba_loops.py the loops that Numba's contestants compile, and llama_sampler.py the loop of llama.cpp.

Bars and goals are ratios, for an AVX-512 machine and one thread. A machine with AVX2 alone is to reach half of each.
"""

from . import (  # noqa: I001  (the order of the imports is the tables' order)
    noise,  # noqa: F401
    one_draw,  # noqa: F401
    coupled,  # noqa: F401
    batches,  # noqa: F401
    repeated,  # noqa: F401
    without_replacement,  # noqa: F401
    filters,  # noqa: F401
    weights,  # noqa: F401
    ragged,  # noqa: F401
    relaxation,  # noqa: F401
    policies,  # noqa: F401
    softmax,  # noqa: F401
    small_calls,  # noqa: F401
    distribution,  # noqa: F401
    selection,  # noqa: F401
    threads,  # noqa: F401
    scaling,  # noqa: F401
)
