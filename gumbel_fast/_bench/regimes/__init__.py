"""The regimes, one function each, one file a subject. Importing this package fills the registry, in this order.

Bars and goals are ratios, for an AVX-512 machine and one thread. A machine with AVX2 alone is to reach half of each.
"""

from . import noise, one_draw, softmax, distribution  # noqa: F401, I001  (the order of the imports is the tables' order)
