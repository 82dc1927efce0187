# The C core and its SIMD targets: which are compiled in, which this machine can run, and the one in use. This module
# links the C core; the others reach it through `kernels`.
"""The SIMD target in use, and what the C core says of itself."""

import os

from gumbel_fast._core.kernels cimport *

STREAM_VERSION = GF_STREAM_VERSION
MAX_COLUMNS = GF_MAX_COLUMNS
LONGEST_ROW = GF_LONGEST_ROW
SHORT_ROW = GF_SHORT_ROW
BOUNDS = {
    "noise_f32_ulp": GF_NOISE_F32_ULP,
    "noise_f32_abs": GF_NOISE_F32_ABS,
    "noise_f64_ulp": GF_NOISE_F64_ULP,
    "noise_f64_abs": GF_NOISE_F64_ABS,
    "softmax_f32_rel": GF_SOFTMAX_F32_REL,
    "softmax_f64_rel": GF_SOFTMAX_F64_REL,
    "distribution_ulp": GF_DISTRIBUTION_ULP,
}

cdef const gf_kernels *kernels = NULL
cdef gf_fma_kind fma = gf_choose_fma(False)


def compiler():
    """Name and version of the compiler of the C core."""
    return gf_compiler.decode()


def compiled_targets():
    """Names of the SIMD targets compiled in, best first."""
    names, i = [], 0
    while gf_targets[i] is not NULL:
        names.append(gf_targets[i].name.decode())
        i += 1
    return tuple(names)


def usable_targets():
    """Names of the SIMD targets that this machine can run, best first."""
    return tuple(name for i, name in enumerate(compiled_targets()) if gf_target_usable(gf_targets[i]))


def simd_target():
    """Name of the SIMD target in use."""
    return kernels.name.decode()


def use_target(name):
    """Use the SIMD target of this name from now on; ValueError where it cannot run here."""
    global kernels
    compiled = compiled_targets()
    if name not in usable_targets():
        why = "not usable on this machine" if name in compiled else "unknown or not compiled in"
        raise ValueError(f"SIMD target {name!r} is {why}; usable: {', '.join(usable_targets())}")
    kernels = gf_targets[compiled.index(name)]


def fma_of_scalar():
    """What the target `scalar` multiplies and adds with: "instruction", "library" (that of C) or "own" functions."""
    return {GF_FMA_INSTRUCTION: "instruction", GF_FMA_LIBRARY: "library", GF_FMA_OWN: "own"}[fma]


def choose_fma(bint own):
    """Have `scalar` use its own functions, or the C library's where these are right, from now on; for tests."""
    global fma
    fma = gf_choose_fma(own)


def own_fma(double x, double y, double z):
    """x * y + z, rounded once, by the function of `scalar`; for tests."""
    return gf_own_fma(x, y, z)


def own_fmaf(float x, float y, float z):
    """The same in float; for tests."""
    return gf_own_fmaf(x, y, z)


def _choose_target():
    forced = os.environ.get("GUMBEL_FAST_SIMD")
    try:
        use_target(forced or usable_targets()[0])
    except ValueError as error:
        raise ImportError(f"GUMBEL_FAST_SIMD: {error}") from None


_choose_target()


def philox4x32(counter, key):
    """One block of Philox4x32-10, for tests: four counter words and two key words to four words."""
    cdef uint32_t c[4]
    cdef uint32_t words[4]
    for i in range(4):
        c[i] = counter[i]
    kernels.philox_block(<uint64_t> key[1] << 32 | <uint64_t> key[0], c, words)
    return words[0], words[1], words[2], words[3]
