"""Arguments of every kind for every public function, drawn by a random number generator, and what must hold of a call.

    python tests/fuzz.py [COUNT] [--seed S] [--only NUMBER]

makes so many calls (a million by default). test_fuzz.py makes some hundreds, with a generator of hypothesis, which cuts
a failing call down to a small one. A call may give a result or raise what the contract names, ValueError or TypeError;
whatever it does, its inputs stay as they are, `out` changes only where it lies and only where there is a result, and
indices are of categories that can be drawn. A call
that fails is reported with its number, for `--only` to make it again; a crash, by faulthandler's traceback.
"""

import argparse
import faulthandler
import functools
import random
import re
import sys
import time
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import as_strided

import gumbel_fast
from gumbel_fast import gumbel_r

SIZES = [1, 2, 3, 5, 6, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 130, 300]
NUMBERS = ["f4", "f8", "f2", ml_dtypes.bfloat16]
OTHERS = [">f4", ">f8", ">f2", "i1", "i8", "u8", "?", "g"]
NO_NUMBERS = ["c8", "c16", "O", "U3", "S2", "M8[s]", "m8[s]", "V4", "f4,f8"]
EDGES = [
    *[0.0, -0.0, 1.0, 5e-324, -5e-324, 1e-310, 1e-45, 1e-39, 65504.0, 65520.0, 3.4e38, -3.4e38, 1e300, -1e308, 1e308],
    *[88.7, 104.0, -104.0, 745.0, -746.0, -np.inf],
]
SPOILT = [np.nan, np.inf, -np.nan]
POOL = np.random.default_rng(1).normal(0, 4, 1 << 16)


@functools.cache
def far_apart():
    """Four GiB that are never touched but here and there."""
    return np.zeros(1 << 32, np.uint8)


# ------------------------------------------------------------------------------------------------------------ arguments


def shape_of(r):
    """Of 0 to 4 axes, now and then one of none, and at most some thousands of elements."""
    axes = r.choice([0, 1, 1, 1, 2, 2, 2, 3, 4])
    shape = [r.choice(SIZES if axis == axes - 1 else [1, 2, 3, 5, 17]) for axis in range(axes)]
    if shape and r.random() < 0.06:
        shape[r.randrange(axes)] = 0
    if r.random() < 0.3:
        r.shuffle(shape)
    while np.prod(shape) > 3000:
        shape[np.argmax(shape)] = 2
    return tuple(shape)


def values(r, shape):
    """Numbers as float64: ordinary, masked, at every edge, equal, or not fit to be drawn from."""
    size = int(np.prod(shape))
    start = r.randrange(max(POOL.size - size, 1))
    x = np.resize(POOL[start:], size)
    kind = r.random()
    if kind < 0.2:
        x[POOL[: x.size] > 1] = -np.inf
    elif kind < 0.35:
        x = np.resize(np.array(r.sample(EDGES, 9)), size)
    elif kind < 0.4:
        x[:] = r.choice(EDGES)
    if size and r.random() < 0.06:
        x[r.randrange(size)] = r.choice(SPOILT)
    return x.reshape(shape)


def cast(x, dtype):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what does not fit the dtype is another number there
        return x.astype(dtype)


def laid_out(r, x, kinds=20):
    """The same numbers in memory of some other kind; the last kinds share memory, with others or with themselves."""
    kind = r.randrange(kinds)
    if kind == 0:
        return np.asfortranarray(x)
    if kind == 1 and x.ndim:
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    if kind == 2 and x.ndim:
        return np.ascontiguousarray(x[::-1])[::-1]
    if kind == 3 and x.ndim:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if kind == 4 and x.ndim > 1:
        return np.repeat(x, 3, axis=0)[::3]
    if kind == 5 and x.size and x.dtype != object:
        memory = np.zeros(x.nbytes + 1, np.uint8)
        moved = np.ndarray(x.shape, x.dtype, memory, 1)
        moved[...] = x
        return moved
    if kind == 6:
        x = x.copy()
        x.flags.writeable = False
        return x
    if kind == 7:
        return x.view(type("Subclass", (np.ndarray,), {}))
    if kind == 8:
        return np.ma.MaskedArray(x)
    if kind == 9 and x.ndim > 1:
        return np.ascontiguousarray(np.swapaxes(x, 0, -1)).swapaxes(0, -1)
    if kind == 17 and x.ndim == 2 and 0 < x.shape[0] <= 3 and x.nbytes < 4096 and x.dtype in ("f2", "f4", "f8"):
        far = np.ndarray(x.shape, x.dtype, far_apart(), strides=(1 << 30, x.itemsize))
        far[...] = x
        return far
    if kind == 10 and x.dtype.kind in "fiub":
        return x.tolist()
    if kind == 18 and x.ndim and x.shape[0]:
        return np.broadcast_to(x[:1], x.shape)
    if kind == 19 and x.ndim:
        return as_strided(x, x.shape, [s * r.choice([0, 1]) for s in x.strides])
    return x


def array(r, shape=None, positive=False):
    """Some array_like; positive: of weights, most of the time."""
    shape = shape_of(r) if shape is None else shape
    kind = r.random()
    if kind > 0.985:
        return r.choice(
            [None, "abc", b"1", object(), [[1.0], [1.0, 2.0]], [[]], {}, 1j, 10**400, range(5), np.zeros((0, 1 << 40))]
        )
    if kind > 0.98:
        return np.zeros(shape, r.choice(NO_NUMBERS))
    if kind > 0.978:
        return np.broadcast_to(np.float32(0), ((1 << 34) + 1,))
    made = values(r, shape)
    if positive and r.random() < 0.96:
        made = np.where(np.isneginf(made), r.choice([0.0, -0.0]), np.abs(made))
    return laid_out(r, cast(made, r.choice(NUMBERS if kind < 0.8 else OTHERS)))


def out_of(r, shape, dtype, *inputs):
    """None, or an array for a result of this shape and dtype, which may not fit."""
    kind = r.random()
    if kind < 0.7:
        return None
    if kind < 0.76 and inputs:
        base = r.choice(inputs)
        if isinstance(base, np.ndarray):
            return r.choice([base, base[..., ::-1], base[1:]] if base.ndim else [base])
    if kind < 0.79:
        return r.choice([np.zeros((*shape, 1), dtype), np.zeros(shape, "i4"), np.zeros(shape, ">f8"), 3, [0.0]])
    made = laid_out(r, np.full(shape, 7, dtype), 17)
    return made if isinstance(made, np.ndarray) else np.full(shape, 7, dtype)


def rng_of(r):
    if r.random() < 0.9:
        return r.choice([1, 0, 2**200, np.int64(3), True, None, [1, 2], np.random.SeedSequence(5)])
    kinds = [np.random.default_rng(1), np.random.PCG64(1), np.random.MT19937(1)]
    return r.choice([*kinds, *kinds, -1, "7", 1.5, np.random.RandomState, b"1", [[1]], 1j])


def temperature_of(r, batch):
    kind = r.random()
    if kind < 0.4:
        return 1.0
    if kind < 0.7:
        return r.choice(
            [0, 0.0, -0.0, 0.5, 2, True, 5e-324, 1e-310, 1e-39, 1e39, 1e308, np.inf, np.float16(0.5), np.array(2.0)]
        )
    if kind < 0.73:
        return r.choice([np.nan, -1, -1e-300, -np.inf, "1", None, 1j, object(), [], [[1.0]], np.ones(9), 10**400])
    return array(r, batch) if r.random() < 0.2 else np.abs(np.resize(POOL, batch))


def batch_of(x, axis):
    shape = x.shape if isinstance(x, np.ndarray) and x.size <= 3000 else ()
    try:
        batch = tuple(np.delete(shape, axis).tolist())
        return (batch, shape[axis]) if np.prod(batch) <= 3000 else ((), 0)
    except (IndexError, TypeError, ValueError, OverflowError):
        return (), 0


def axis_of(r):
    if r.random() < 0.95:
        return r.choice([-1, -1, -1, -1, 0, 0, np.int8(0)])
    return r.choice([1, -2, 2, 5, -9, 2**70, 1.0, "0", None])


def workers_of(r):
    return r.choice([1, 1, 1, 2, 3, -1, True] if r.random() < 0.95 else [0, -100, 2**70, 1.5, None, "1"])


def offset_of(r):
    if r.random() < 0.93:
        return r.choice([(0, 0), (5, 3), [1, 2], (2**64 - 1, 2**34 - 300), (np.uint64(2**63), np.int32(2))])
    return r.choice([
        (1, 2**34 - 1), (0, 2**34), (-1, 0), (0, -1), (2**64, 0), (0, 2**70), 1, (1,), (1, 2, 3), "ab", None, (1.0, 2),
    ])  # fmt: skip


def mask_of(r, x, axis):
    """Bytes or words of the shape of the logits, or of one that broadcasts to it; now and then nothing of the kind."""
    shape = x.shape if isinstance(x, np.ndarray) and x.ndim and 0 < x.size <= 3000 else (3, 5)
    if r.random() < 0.04:
        return r.choice(
            [np.ones(shape), np.ones((9, *shape), bool), [1, 2], "ab", True, np.ones(shape, "O"), array(r, shape)]
        )
    if r.random() < 0.3 and axis == -1:
        count = r.choice([(shape[-1] + 31) // 32, (shape[-1] + 31) // 32 + 1, shape[-1] // 64])
        made = (np.resize(POOL, (*shape[:-1], count)) * 2.0**26).astype(r.choice(["i4", "i4", ">i4"]))
        made = made.view(made.dtype.str.replace("i", r.choice("iu")))
    else:
        made = (np.resize(POOL[r.randrange(99) :], shape) > r.choice([-6, -6, 0, 6, 99])).astype(
            r.choice(["?", "i1", "u1"])
        )
    if r.random() < 0.3 and made.ndim > 1:
        made = made[r.choice([slice(0, 1), 0])]
    return laid_out(r, made, 8)


def indptr_of(r, size):
    """Where ragged rows of so many elements begin, and where the last one ends; now and then nothing of the kind."""
    kind = r.random()
    if kind < 0.05:
        wrong = [[], 0, [0, size + 1], [-1, size], [size, 0], [[0, size]], [0.0, size], "ab", [None], True, [2**70]]
        return r.choice([*wrong, [0, 2**63], np.zeros(3, r.choice(NO_NUMBERS)), np.ma.MaskedArray([0, size])])
    places = np.sort(np.array([r.randrange(size + 1) for _ in range(r.choice([1, 2, 3, 5, 9, 40, 300]))]))
    if r.random() < 0.5:
        places[0], places[-1] = 0, size
    made = places.astype(r.choice(["i8", "i8", "i4", "u8", "u4", ">i8", ">i4", "u2"]))
    return laid_out(r, made, 8) if r.random() < 0.9 else made.tolist()


def filters_of(r, batch):
    """Some of the filters' parameters, for all rows or for each."""
    given = {}
    kinds = {
        "top_k": ([None, 0, 1, 2, 5, 40, 10**12, True, np.int8(3)], [-1, 1.5, "1", np.nan, [1] * 9, 2**70, 1j]),
        "top_p": ([None, 0, 0.1, 0.5, 0.9, 1 - 1e-9, 1, 7, np.inf, 5e-324], [-1, np.nan, "1", [0.5] * 9, 1j, object()]),
        "min_p": ([None, 0, 1e-300, 0.05, 0.5, 1, True], [-1, np.nan, 1.5, np.inf, "1", [0.5] * 9, -5e-324]),
    }
    for name, (sound, wrong) in kinds.items():
        if r.random() < 0.4:
            kind = r.random()
            if kind < 0.7:
                given[name] = r.choice(sound)
            elif kind < 0.97:
                some = np.abs(np.resize(POOL[r.randrange(99) :], batch))
                given[name] = (some * 9).astype("i8") if name == "top_k" else np.minimum(some, 1)
            else:
                given[name] = r.choice(wrong)
    if r.random() < 0.2:
        given["filter_temperature"] = r.choice([None, temperature_of(r, batch)])
    return given


def streams_of(r, batch):
    """Of the size of the batch, most of the time."""
    count = r.choice([batch, batch, batch, (), (1,), (7,)])
    seeds = r.choice([3, 2**90, np.arange(int(np.prod(count)), dtype="u8").reshape(count)])
    return gumbel_fast.RowStreams(seeds, r.choice([0, 5, np.uint64(2**64 - 1)]))


def count_of(r, most):
    if r.random() < 0.9:
        return r.choice([0, 1, 1, 2, 3, 7, 70, most // 2, np.int8(3), True])
    return r.choice([most, most + 1, -1, 2**32 + 1, 2**70, 1.5, "2", [2]])


# ---------------------------------------------------------------------------------------------------------------- calls
#
# Each gives a function and its arguments, by name.


def is_sound(indptr, size):
    """Whether they are offsets of rows in so many elements."""
    try:
        array = np.asarray(indptr)
    except (ValueError, OverflowError):
        return False
    if isinstance(indptr, np.ma.MaskedArray) or array.dtype.kind not in "iu" or array.ndim != 1 or not array.size:
        return False
    return bool(array.max() <= size and array.min() >= 0 and np.all(array[1:] >= array[:-1]))


def logits_or_weights(r):
    """One of the two, by its name."""
    return {"weights": array(r, positive=True)} if r.random() < 0.3 else {"logits": array(r)}


def common(r, x, names, dtype=None):
    """Arguments that many functions share, each given now and then; out is not among them."""
    given = {}
    axis = given["axis"] = axis_of(r) if "axis" in names else -1
    batch, n = batch_of(x, axis)
    if "indptr" in names and isinstance(x, np.ndarray) and x.ndim == 1 and x.size <= 3000 and r.random() < 0.4:
        given["indptr"] = indptr = indptr_of(r, x.size)
        lengths = np.diff(np.asarray(indptr, np.int64)) if is_sound(indptr, x.size) else np.zeros(1, int)
        batch, n = (lengths.size,), int(lengths.max(initial=0))
        if "allow_fewer" in names and r.random() < 0.7:
            given["allow_fewer"] = True
    if "temperature" in names and r.random() < 0.6:
        given["temperature"] = temperature_of(r, batch)
    for name, make in {"rng": rng_of, "offset": offset_of, "workers": workers_of}.items():
        if name in names and r.random() < 0.7:
            given[name] = make(r)
    if "mask" in names and r.random() < 0.3:
        given["mask"] = mask_of(r, x, axis)
    if "filters" in names and r.random() < 0.4:
        given |= filters_of(r, batch)
    if "allow_fewer" in names and "allow_fewer" not in given and r.random() < 0.4:
        given["allow_fewer"] = r.choice([True, False, 1])
    if "rng" in names and r.random() < 0.08:
        given["rng"] = streams_of(r, batch)
        if "offset" in given and r.random() < 0.7:
            given["offset"] = (0, 0)
    return given, batch, n


def a_categorical(r):
    rows = logits_or_weights(r)
    (x,) = rows.values()
    names = ["axis", "temperature", "rng", "workers", "mask", "indptr", "filters", "allow_fewer"]
    given, shape, n = common(r, x, names)
    if r.random() < 0.2:
        given["offset"] = r.choice([(0, 0), (7, 0), (2**64 - 1, 0), (0, 1), (-1, 0)])
    given["return_log_prob"] = r.choice([False, False, True])
    if r.random() < 0.5:
        given["num_samples"] = count = r.choice([None, count_of(r, n)])
        given["replace"] = r.choice([True, False])
        if isinstance(count, int | np.integer) and 0 <= count < 1000:
            shape = (*shape, int(count))
    given["out"] = out_of(r, shape, np.int64, x)
    if r.random() < 0.01:
        rows = r.choice([{}, {"logits": x, "weights": x}, {"weights": None}])
    return gumbel_fast.categorical, {**rows, **given}


def a_gumbel_max(r):
    x = array(r)
    given, shape, _ = common(r, x, ["axis", "temperature", "rng", "workers", "offset", "mask", "indptr", "allow_fewer"])
    if r.random() < 0.3:
        given["noise"] = array(r, np.shape(x) if isinstance(x, np.ndarray) and x.size < 4000 else None)
    given["return_value"] = r.choice([False, True])
    given["out"] = out_of(r, shape, np.int64, x)
    return gumbel_fast.gumbel_max, {"logits": x, **given}


def a_top_k(r):
    rows = logits_or_weights(r)
    (x,) = rows.values()
    names = ["axis", "temperature", "rng", "workers", "offset", "mask", "indptr", "allow_fewer"]
    given, batch, n = common(r, x, names)
    if r.random() < 0.3:
        sound = [None, -np.inf, -1e308, 0, 1.5, True, np.inf, np.resize(POOL, batch)]
        given["floor"] = r.choice(sound if r.random() < 0.9 else [np.nan, "1", 1j, [0.0] * 9, object(), [[np.nan]]])
    k = count_of(r, n)
    if isinstance(k, int) and k > 2**32:  # results of so many entries are made, if they are allowed
        given.pop("allow_fewer", None)
    return gumbel_fast.gumbel_top_k, {
        **rows,
        "k": k,
        "return_value": r.choice([False, True]),
        **given,
    }


def result_like(r, x, *inputs):
    dtype = x.dtype if isinstance(x, np.ndarray) and x.dtype in ("f4", "f8") else r.choice([np.float32, np.float64])
    shape = x.shape if isinstance(x, np.ndarray) and x.size < 4000 else ()
    return out_of(r, shape, dtype, *inputs)


def a_gumbel_softmax(r):
    x = array(r)
    given, _, _ = common(r, x, ["axis", "temperature", "rng", "workers", "offset", "mask"])
    return gumbel_fast.gumbel_softmax, {
        "logits": x,
        "hard": r.random() < 0.3,
        "log": r.random() < 0.3,
        "out": result_like(r, x, x),
        **given,
    }


def a_softmax(r):
    x = array(r)
    given, shape, _ = common(r, x, ["axis", "temperature", "workers", "mask", "indptr"])
    function = r.choice([gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp])
    if function is gumbel_fast.logsumexp:
        return function, {"logits": x, "out": out_of(r, shape, r.choice([np.float32, np.float64]), x), **given}
    return function, {"logits": x, "out": result_like(r, x, x), **given}


def a_truncate(r):
    x = array(r)
    given, _, _ = common(r, x, ["axis", "temperature", "workers", "mask", "filters"])
    return gumbel_fast.truncate, {"logits": x, "out": result_like(r, x, x), **given}


def a_log_prob(r):
    x = array(r)
    given, shape, n = common(r, x, ["axis", "temperature", "workers", "mask", "indptr", "filters"])
    if r.random() < 0.4:
        return gumbel_fast.entropy, {"logits": x, **given}
    shape = r.choice([shape, (*shape, 3)])
    most = n if r.random() < 0.9 else r.choice([n + 1, 2**40])
    index = np.asarray(np.resize((np.abs(POOL) * 1e6).astype("i8") % (most + 1) - 1, shape))
    if "indptr" in given and is_sound(given["indptr"], x.size) and r.random() < 0.9:
        lengths = np.diff(np.asarray(given["indptr"], np.int64))
        index = (index.T % (lengths + 1)).T - 1
    if r.random() < 0.1:
        index = array(r, shape)
    elif index.size and index.max() < 128:
        index = laid_out(r, index.astype(r.choice(["i8", "i1", "i4", ">i8"])))
    return gumbel_fast.log_prob, {"logits": x, "index": index, **given}


def a_vjp(r):
    y = array(r)
    grad = array(r, np.shape(y) if isinstance(y, np.ndarray) and y.size < 4000 and r.random() < 0.9 else None)
    given, _, _ = common(r, y, ["axis", "temperature", "workers"])
    return gumbel_fast.softmax_vjp, {"y": y, "grad": grad, "out": result_like(r, y, y, grad), **given}


def parameter(r, shape):
    kind = r.random()
    if kind < 0.5:
        return r.choice(
            [0.0, 1.0, 2, 0.5, -0.0, np.inf, 1e308, 5e-324, True, np.float32(3), *[-1, np.nan][: r.choice([0, 2])]]
        )
    if kind < 0.8:
        return np.abs(np.resize(POOL, shape[r.choice([0, -1]) :])) if shape else 1
    return array(r, shape if kind < 0.95 else None)


def a_gumbel(r):
    shape = shape_of(r)
    given, _, _ = common(r, None, ["rng", "offset", "workers"])
    del given["axis"]
    dtype = r.choice(
        [np.float32, np.float64, "f4", float, None, *[np.float16, ">f8", "c8", int, "none such"][: r.choice([0, 0, 5])]]
    )
    size = r.choice(
        [shape, shape, list(shape), None]
        if r.random() < 0.9
        else [5, 0, -1, (2, -1), (0, 2**40), 2**34 + 1, (2**34 + 1, 0), 2.5, "3", (1.5,)]
    )
    return gumbel_fast.gumbel, {
        "loc": parameter(r, shape), "scale": parameter(r, shape),
        "size": size, "dtype": dtype, "out": out_of(r, shape, r.choice([np.float32, np.float64])), **given,
    }  # fmt: skip


def a_distribution(r):
    shape = shape_of(r)
    if r.random() < 0.1:
        return getattr(gumbel_r, r.choice(["mean", "median", "var", "std", "entropy"])), {
            "loc": parameter(r, shape), "scale": parameter(r, shape),
        }  # fmt: skip
    if r.random() < 0.1:
        return gumbel_r.fit, {"data": array(r)}
    x = array(r, shape)
    return getattr(gumbel_r, r.choice(["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"])), {
        "x": x, "loc": parameter(r, shape), "scale": parameter(r, shape), "out": out_of(r, shape, np.float64, x),
    }  # fmt: skip


CALLS = [
    a_categorical, a_categorical, a_gumbel_max, a_top_k, a_gumbel_softmax, a_softmax, a_truncate, a_log_prob, a_vjp,
    a_gumbel, a_distribution,
]  # fmt: skip


# ------------------------------------------------------------------------------------------------------- what must hold


def memory_of(array):
    """The whole of the array that a view is of, and a copy of its bytes; not of the four GiB."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return (array, array.tobytes()) if array.dtype != object and array.nbytes < 1 << 20 else (array.ravel()[:0], b"")


def rows_of(given):
    """Logits of a call in float64, categories last, or its weights, whose zeros are -inf; what is masked is too.

    Ragged rows are filled up to the longest.
    """
    weights = given.get("weights")
    x = np.asarray(given["logits"] if weights is None else weights)
    rows = np.moveaxis(x, given["axis"], -1)
    wide = cast(rows, np.float64)
    if weights is not None:
        wide = np.where(wide == 0, -np.inf, wide)
    wide = np.where(allowed(given, x.shape, rows.shape), wide, -np.inf)
    if given.get("indptr") is None:
        return wide
    bounds = np.asarray(given["indptr"]).astype(np.int64)
    inside = np.arange(np.diff(bounds).max(initial=0)) < np.diff(bounds)[:, np.newaxis]
    filled = np.full(inside.shape, -np.inf)
    filled[inside] = wide[bounds[0] : bounds[-1]]
    return filled


def allowed(given, whole, shape):
    """What the mask of a call allows, as bools that broadcast to the shape of its rows, categories last."""
    mask = given.get("mask")
    if mask is None:
        return True
    mask = np.asarray(mask)
    if mask.dtype.itemsize == 1:
        return np.moveaxis(np.broadcast_to(mask != 0, whole), given["axis"], -1)
    bits = mask.astype(np.int64)[..., np.newaxis] >> np.arange(32) & 1
    bits = bits.reshape(*mask.shape[:-1], -1)[..., : shape[-1]] != 0
    return np.concatenate([bits, np.zeros((*bits.shape[:-1], shape[-1] - bits.shape[-1]), bool)], axis=-1)


def given_but(given, name):
    return [value for other, value in given.items() if other != name]


def check_result(function, given, result):
    """What a result must be, whatever the arguments were."""
    out = given.get("out")
    if out is not None:
        assert (result[0] if isinstance(result, tuple) else result) is out or given.get("return_value")
    if function in (gumbel_fast.categorical, gumbel_fast.gumbel_max, gumbel_fast.gumbel_top_k):
        index = np.asarray(result[0] if isinstance(result, tuple) else result)
        assert index.dtype == np.int64
        if any(isinstance(value, np.ndarray) and np.shares_memory(index, value) for value in given_but(given, "out")):
            return
        rows = rows_of(given)
        assert index.shape[: rows.ndim - 1] == rows.shape[:-1]
        if index.size:
            assert index.min() >= (-1 if given.get("allow_fewer") else 0)
            assert index.max() < rows.shape[-1]
            wide = np.concatenate([rows, np.ones((*rows.shape[:-1], 1))], axis=-1)  # which -1 points at
            flat = index.reshape(*rows.shape[:-1], -1)
            assert not np.isneginf(np.take_along_axis(wide, flat, axis=-1)).any()
    elif function is gumbel_fast.gumbel:
        assert np.asarray(result).dtype == np.dtype(given["dtype"])
    else:
        assert np.asarray(result).dtype in (np.float32, np.float64)


def call(r):
    """Make a call and hold it to what is promised of all; whether there was a result."""
    function, given = r.choice(CALLS)(r)
    given = {name: value for name, value in given.items() if not (name == "out" and value is None)}
    out = given.get("out")
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    before = {name: memory_of(value) for name, value in arrays.items()}
    try:
        result = function(**given)
    except (ValueError, TypeError):
        result = None
    except OverflowError as error:  # of Python's own numbers, on their way into arrays
        if not re.search("too (large|big)", str(error)):
            raise
        result = None
    except MemoryError:  # what broadcasts to 2^34 columns may be asked for, or a seed for as many rows
        streamed = isinstance(given.get("rng"), gumbel_fast.RowStreams) and given.get("size") == ((1 << 34) + 1, 0)
        if not (streamed or any(value.size > 1 << 33 or 1 << 40 in value.shape for value in arrays.values())):
            raise
        result = None
    except (
        RuntimeWarning
    ) as warning:  # NumPy's: loc + scale * noise that overflows, inf - inf, a signalling NaN converted
        if not re.search("overflow|value encountered in (add|subtract|cast)", str(warning)):
            raise
        return False
    for name, (whole, bytes_before) in before.items():
        if whole.tobytes() == bytes_before:
            continue
        assert result is not None, f"{function.__name__} failed and changed {name}: {given}"
        assert out is not None, f"{function.__name__} changed {name}: {given}"
        assert np.may_share_memory(whole, out), f"{function.__name__} changed {name}: {given}"
        if name == "out":  # what lies between its elements is as it was
            restored = np.frombuffer(bytearray(bytes_before), whole.dtype).reshape(whole.shape)
            if whole.flags.c_contiguous and out.dtype == whole.dtype and out.dtype.isnative:
                offset = out.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
                np.ndarray(out.shape, out.dtype, restored.reshape(-1).view(np.uint8), offset, out.strides)[...] = out
                assert restored.tobytes() == whole.tobytes(), f"{function.__name__} wrote beside out: {given}"
    if result is not None:
        check_result(function, given, result)
    return result is not None


# -------------------------------------------------------------------------------------------------------------- command


def resident():
    """Bytes of this process in memory, on Linux; elsewhere 0."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def main():
    """Make many calls, each with a generator of its own number."""
    parser = argparse.ArgumentParser(description="Call every public function with arguments of every kind.")
    parser.add_argument("count", type=int, nargs="?", default=10**6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="make the call of this number alone")
    options = parser.parse_args()
    warnings.simplefilter("error")
    faulthandler.enable()
    numbers = range(options.count) if options.only is None else [options.only]
    start, results, before = time.monotonic(), 0, 0
    for number in numbers:
        if number == numbers[len(numbers) // 50]:  # when all that is imported late is there
            before = resident()
        if number % 10_000 == 0:
            print(
                f"{number:,} calls, {results:,} results, {time.monotonic() - start:.0f} s, {resident() >> 20} MiB",
                flush=True,
            )
        try:
            results += call(random.Random(f"{options.seed} {number}"))
        except BaseException:
            print(f"call {number} of seed {options.seed}", file=sys.stderr)
            raise
    print(
        f"{len(numbers):,} calls, {results:,} of them with a result; {(resident() - before) >> 20} MiB more in memory"
    )


if __name__ == "__main__":
    main()
