"""Draws, relaxed samples and noise for PyTorch: tensors on the CPU.

_relaxation, _sampling, _noise, _distribution   what a user calls
_operators      the registered operators, by which torch's transforms, compiler and exporter know them
_derivatives    what their derivatives are
_seeds          where the two words of a call come from
_tensors        tensors as arrays and back; which tensors go to the kernels at once

The arithmetic is that of gumbel_fast's own functions. Nothing else in the library imports torch.
"""

from . import _derivatives as _derivatives  # registers them
from ._distribution import Categorical
from ._noise import gumbel, gumbel_max, gumbel_top_k
from ._relaxation import gumbel_softmax
from ._sampling import categorical

__all__ = ["Categorical", "categorical", "gumbel", "gumbel_max", "gumbel_softmax", "gumbel_top_k"]


def _refuse_script() -> None:
    raise NotImplementedError("gumbel_fast: torch.jit.script cannot compile it; take torch.compile or torch.export")


for _name in __all__:
    globals()[_name].__module__ = __name__  # where it is to be imported from
    globals()[_name].__prepare_scriptable__ = _refuse_script
