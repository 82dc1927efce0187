"""The C functions of ``cimport gumbel_fast``, for what calls C by address: Numba, ctypes and cffi.

Each is here under its own name as a ctypes function, which Numba calls from compiled code too. docs/cython.rst says
what they do, with recipes.

They are declared once more here, in C, and the forms for ctypes and NumPy are made of that; their addresses come from
the capsules by which Cython hands functions to other extensions. Nothing else in the library imports this module.
"""

from __future__ import annotations

import ctypes
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import c_interface

if TYPE_CHECKING:
    from ctypes import _CFunctionType

__all__ = [
    "BAD_ARGUMENT",
    "BAD_ROW",
    "DECLARATIONS",
    "Choice",
    "address",
    "categorical_f32",
    "categorical_f64",
    "categorical_scratch_f32",
    "categorical_scratch_f64",
    "categorical_weights_f32",
    "categorical_weights_f64",
    "choice_default",
    "choice_dtype",
    "choice_scratch_f32",
    "choice_scratch_f64",
    "choose_f32",
    "choose_f64",
    "choose_weights_f32",
    "choose_weights_f64",
    "gumbel_f32",
    "gumbel_f64",
    "gumbel_max_f32",
    "gumbel_max_f64",
    "gumbel_top_k_f32",
    "gumbel_top_k_f64",
    "gumbel_top_k_scratch_f32",
    "gumbel_top_k_scratch_f64",
    "gumbel_top_k_weights_f32",
    "gumbel_top_k_weights_f64",
]

BAD_ROW = -1
BAD_ARGUMENT = -2

# ------------------------------------------------------------------------------------------------------------ declared

_FIELDS = """\
    double temperature;
    double filter_temperature;
    size_t top_k;
    double top_p;
    double min_p;
    const uint8_t *mask;
    const uint32_t *mask_words;
    size_t word_count;
"""

_FUNCTIONS = """\
typedef size_t categorical_scratch_f32(size_t n);
typedef int64_t categorical_f32(
    const float *logits, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch);
typedef int64_t categorical_weights_f32(
    const float *weights, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch);
typedef size_t choice_scratch_f32(size_t n, const Choice *choice);
typedef int64_t choose_f32(
    const float *logits, size_t n, const Choice *choice, uint64_t key, uint64_t row, float *log_prob, void *scratch);
typedef int64_t choose_weights_f32(
    const float *weights, size_t n, const Choice *choice, uint64_t key, uint64_t row, float *log_prob, void *scratch);
typedef int64_t gumbel_max_f32(
    const float *logits, size_t n, double temperature, uint64_t key, uint64_t row, uint64_t column, double *value);
typedef size_t gumbel_top_k_scratch_f32(size_t n, size_t k);
typedef int gumbel_top_k_f32(
    const float *logits, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
    int64_t *index, double *value, void *scratch);
typedef int gumbel_top_k_weights_f32(
    const float *weights, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
    int64_t *index, double *value, void *scratch);
typedef int gumbel_f32(float *out, size_t n, uint64_t key, uint64_t row, uint64_t column);
"""

DECLARATIONS = (
    f"typedef struct {{\n{_FIELDS}}} Choice;\n"
    "typedef void choice_default(Choice *choice);\n"
    + _FUNCTIONS
    + _FUNCTIONS.replace("float", "double").replace("_f32", "_f64")
)

_TYPES = {
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int": ctypes.c_int,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "uint64_t": ctypes.c_uint64,
    "void": None,
}
_MAY_BE_NULL = {"log_prob", "scratch", "value"}


def _declared(text: str) -> list[tuple[str, Any]]:
    """Return names and ctypes types of fields or parameters.

    Numba can pass NULL as a void pointer alone, and knows no pointers to structs; NumPy knows no pointers in structs
    but void ones. Other pointers have their type, so that an array of another is refused.
    """
    found: list[tuple[str, Any]] = []
    for kind, pointer, name in re.findall(r"(\w+) (\*?)(\w+)[,;)]", text):
        if not pointer:
            found.append((name, _TYPES[kind]))
        elif kind in _TYPES and name not in _MAY_BE_NULL:
            found.append((name, ctypes.POINTER(_TYPES[kind])))
        else:
            found.append((name, ctypes.c_void_p))
    return found


_PROTOTYPES = {
    prototype["name"]: prototype
    for prototype in re.finditer(
        r"^typedef (?P<result>\w+) (?P<name>\w+)(?P<parameters>\([^)]*\));", DECLARATIONS, re.MULTILINE
    )
}

# --------------------------------------------------------------------------------------------------------------- found

_capsule_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def address(name: str) -> int:
    """Address of a C function, for what is to call it.

    It is good until the process ends, and may be another in the next one.

    Parameters
    ----------
    name : str
        The function's name, such as ``"categorical_f32"``.

    Returns
    -------
    address : int
        Where its code begins.

    Raises
    ------
    ValueError
        There is no such function.

    Examples
    --------
    >>> import ctypes
    >>> from gumbel_fast import capi
    >>> scratch_size = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_size_t)(capi.address("categorical_scratch_f32"))
    >>> scratch_size(100) == capi.categorical_scratch_f32(100) == 0
    True
    """
    if name not in _PROTOTYPES:
        raise ValueError(f"no C function of that name: {name!r}")
    capsule = c_interface.__pyx_capi__[name]
    found: int = _capsule_pointer(capsule, _capsule_name(capsule))
    return found


def _function(name: str) -> _CFunctionType:
    prototype = _PROTOTYPES[name]
    parameters = (kind for _, kind in _declared(prototype["parameters"]))
    function = ctypes.CFUNCTYPE(_TYPES[prototype["result"]], *parameters)(address(name))
    function.__doc__ = prototype[0].removeprefix("typedef ")
    return function


categorical_f32, categorical_f64 = _function("categorical_f32"), _function("categorical_f64")
categorical_scratch_f32 = _function("categorical_scratch_f32")
categorical_scratch_f64 = _function("categorical_scratch_f64")
categorical_weights_f32 = _function("categorical_weights_f32")
categorical_weights_f64 = _function("categorical_weights_f64")
choice_default = _function("choice_default")
choice_scratch_f32, choice_scratch_f64 = _function("choice_scratch_f32"), _function("choice_scratch_f64")
choose_f32, choose_f64 = _function("choose_f32"), _function("choose_f64")
choose_weights_f32, choose_weights_f64 = _function("choose_weights_f32"), _function("choose_weights_f64")
gumbel_f32, gumbel_f64 = _function("gumbel_f32"), _function("gumbel_f64")
gumbel_max_f32, gumbel_max_f64 = _function("gumbel_max_f32"), _function("gumbel_max_f64")
gumbel_top_k_f32, gumbel_top_k_f64 = _function("gumbel_top_k_f32"), _function("gumbel_top_k_f64")
gumbel_top_k_scratch_f32 = _function("gumbel_top_k_scratch_f32")
gumbel_top_k_scratch_f64 = _function("gumbel_top_k_scratch_f64")
gumbel_top_k_weights_f32 = _function("gumbel_top_k_weights_f32")
gumbel_top_k_weights_f64 = _function("gumbel_top_k_weights_f64")


class Choice(ctypes.Structure):
    """What ``choose_f32`` may draw and how, as ctypes has it: a struct with a field for each argument of `categorical`.

    A new one keeps all, at temperature 1, but for the fields that are given.

    Parameters
    ----------
    temperature, filter_temperature : float, optional
        The temperature of the draw, and that of the probabilities that ``top_p`` and ``min_p`` look at. Neither
        follows the other: set both.
    top_k : int, optional
        How many to keep; 0 keeps all.
    top_p, min_p : float, optional
        The filters of these names; 1 and 0 keep all.
    mask : int, optional
        Address of a byte for each category, not 0 where it may be drawn; None for no such mask.
    mask_words, word_count : int, optional
        Address and number of 32-bit words, column c being bit ``c % 32`` of word ``c // 32``; None for no such mask.
        Nothing here keeps the memory of a mask alive.

    See Also
    --------
    gumbel_fast.capi.choice_dtype : the same struct for NumPy

    Examples
    --------
    >>> import ctypes
    >>> import numpy as np
    >>> import gumbel_fast
    >>> from gumbel_fast import capi
    >>> logits = np.linspace(0, 3, 1000, dtype=np.float32)
    >>> choice = capi.Choice(top_k=40, temperature=0.8, filter_temperature=0.8)
    >>> scratch = np.empty(capi.choice_scratch_f32(1000, ctypes.byref(choice)), np.uint8)
    >>> key, row = np.random.SeedSequence(7).generate_state(2, np.uint64)
    >>> index = capi.choose_f32(
    ...     np.ctypeslib.as_ctypes(logits), 1000, ctypes.byref(choice), key, row, None, scratch.ctypes.data
    ... )
    >>> bool(index == gumbel_fast.categorical(logits, top_k=40, temperature=0.8, rng=7))
    True
    """

    __slots__ = ()  # a misspelt field is an AttributeError
    _fields_ = _declared(_FIELDS)

    def __init__(self, **fields: float | None) -> None:
        choice_default(ctypes.byref(self))
        super().__init__(**fields)


choice_dtype = np.dtype(Choice)
