"""A plain-NumPy twin of every public function: obvious rather than fast.

Here live the definitions that the compiled functions are held to, with the same signatures and the same errors:
Philox4x32-10, the words and uniforms of an element, the noise, the distribution, masks and filters, the softmax family
and the samplers.
Arithmetic is done in the widest float that NumPy has on this machine and rounded once, at the end. Nothing here is
imported from the compiled core, and nothing here cares about speed, memory or threads.

The noise of one seed is the same here and there, to rounding, and so are all that are made of it. `categorical` shares
the distribution and the errors alone: its draws are its own, because the method behind the public function is free to
change.
"""

import itertools
import math
import operator
import os

import numpy as np

__all__ = [
    "categorical",
    "entropy",
    "gumbel",
    "gumbel_max",
    "gumbel_r",
    "gumbel_softmax",
    "gumbel_top_k",
    "log_prob",
    "log_softmax",
    "logsumexp",
    "softmax",
    "softmax_vjp",
    "truncate",
]

WIDE = np.longdouble
MAX_COLUMNS = 2**34
EULER_GAMMA = WIDE("0.57721566490153286060651209008240243")
PI = WIDE("3.14159265358979323846264338327950288")

NOISE_HIGH, NOISE_LOW, DRAW_HIGH, DRAW_LOW = range(4)  # the counter's second word says what its words are for


# ----------------------------------------------------------------------------------------------------------- randomness


def philox4x32(counter, key):
    """Philox4x32-10 (Salmon et al., SC'11): four counter words and two key words, arrays or ints, to four words."""
    mask = np.uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = (np.asarray(word, dtype=np.uint64) for word in key)
    for _ in range(10):
        first = np.uint64(0xD2511F53) * c0
        second = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (second >> 32) ^ c1 ^ k0, second & mask, (first >> 32) ^ c3 ^ k1, first & mask
        k0 = (k0 + np.uint64(0x9E3779B9)) & mask
        k1 = (k1 + np.uint64(0xBB67AE85)) & mask
    return c0, c1, c2, c3


def words(a, b, rows, cols, tag):
    """The 32-bit words of elements (rows, cols) under the pair (a, b), as uint64; all but the tag may be arrays."""
    rows, cols = np.broadcast_arrays(np.asarray(rows, dtype=np.uint64), np.asarray(cols, dtype=np.uint64))
    with np.errstate(over="ignore"):
        rows = np.uint64(b) + rows  # modulo 2^64
    a = np.asarray(a, dtype=np.uint64)
    key = a & np.uint64(0xFFFFFFFF), a >> np.uint64(32)
    four = philox4x32((cols >> 2, tag, rows & np.uint64(0xFFFFFFFF), rows >> 32), key)
    return np.choose((cols & np.uint64(3)).astype(np.intp), np.broadcast_arrays(*four))


def seed_pair(rng):
    """The two uint64 (a, b) that one call takes from its `rng`."""
    if rng is None:
        rng = np.random.SeedSequence()
    if isinstance(rng, (int, np.integer)):
        rng = np.random.SeedSequence(int(rng))
    if isinstance(rng, np.random.SeedSequence):
        return rng.generate_state(2, np.uint64)
    if isinstance(rng, np.random.BitGenerator | np.random.RandomState):
        rng = np.random.default_rng(rng)
    if isinstance(rng, np.random.Generator):
        # Over the full range each integer is one next_uint64, for every bit generator (random_raw gives MT19937's
        # 32-bit words), and the generator holds its lock over both.
        return rng.integers(0, 2**64 - 1, endpoint=True, size=2, dtype=np.uint64)
    raise TypeError(
        f"rng must be None, an int, a SeedSequence, a BitGenerator or a Generator, not {type(rng).__name__}"
    )


class RowStreams:
    """Twin of `gumbel_fast.RowStreams`: a seed and a row number for each row of a batch."""

    def __init__(self, seeds, positions=0):
        _refuse_masked(seeds, "seeds")
        _refuse_masked(positions, "positions")
        words = isinstance(seeds, np.ndarray) and seeds.dtype == np.uint64 and seeds.ndim == 2 and seeds.shape[1] == 2
        self.seeds = seeds if words else _integers(seeds, "seeds")
        self.words = words
        self.positions = _integers(positions, "positions")
        if any(not 0 <= position < 2**64 for position in self.positions.flat):
            raise ValueError("positions must be from 0 to 2**64 - 1")

    def of(self, batch):
        """The key and the row number of each row, in C order."""
        if self.words:
            index = _fit(np.arange(len(self.seeds)), batch, "seeds").ravel()
            pairs = self.seeds[index]
        else:
            pairs = [seed_pair(int(seed)) for seed in _fit(self.seeds, batch, "seeds").flat]
        pairs = np.array(pairs, dtype=np.uint64).reshape(-1, 2)
        positions = _fit(self.positions, batch, "positions").astype(np.uint64).ravel()
        return pairs[:, 0], pairs[:, 1] + positions  # modulo 2^64


def _integers(value, name):
    """Python ints of any size, in an array of objects."""
    array = np.array(value, dtype=object)
    if any(isinstance(item, bool) or not isinstance(item, int | np.integer) for item in array.flat):
        raise TypeError(f"{name} must be integers")
    if any(item < 0 for item in array.flat):
        raise ValueError(f"{name} must not be negative")
    return array


def _streams(rng, offset, batch):
    """The key and the row number of each row of a batch, in C order, as uint64 vectors."""
    if isinstance(rng, RowStreams):
        if offset[0] != 0:
            raise ValueError("offset must have no row where RowStreams gives each row its number")
        return rng.of(batch)
    a, b = seed_pair(rng)
    rows = np.arange(math.prod(batch), dtype=np.uint64)
    with np.errstate(over="ignore"):
        return np.full(rows.shape, a, dtype=np.uint64), np.uint64(b) + np.uint64(offset[0]) + rows  # modulo 2^64


def noise_from_words(high, low, dtype=np.float64):
    """Gumbel noise of dtype from 64-bit words given as two halves: G = -log(-log1p(-V)), V = (word + 1/2) / 2^64."""
    high, low = np.broadcast_arrays(np.asarray(high, dtype=np.uint64), np.asarray(low, dtype=np.uint64))
    word = (high << np.uint64(32)) | low
    noise = _noise_of_integer(word, 64)
    if np.dtype(dtype) == np.float32:
        near_an_end = (high < 2**16) | (high >= 2**32 - 2**16)
        noise = np.where(near_an_end, noise, _noise_of_integer(high, 32))
    return noise.astype(dtype)


def _noise_of_integer(integer, bits):
    """-log(-log1p(-V)) with V = (integer + 1/2) / 2^bits, measured from the nearer end so that neither is rounded."""
    last = np.uint64(2**bits - 1)
    from_zero, from_one = integer, last - integer
    nearer = (np.minimum(from_zero, from_one).astype(WIDE) + WIDE(0.5)) / WIDE(2) ** bits
    exponential = np.where(from_zero < from_one, -np.log1p(-nearer), -np.log(nearer))
    return -np.log(exponential)


# ------------------------------------------------------------------------------------------------------------ arguments


def _refuse_masked(value, name):
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array")


def _real(value, name):
    """An array of float32 or float64 in native byte order; half precision becomes float32, integers float64."""
    _refuse_masked(value, name)
    array = np.asarray(value)
    _check_real(array, name)
    if array.dtype.type in (np.float32, np.float64):
        return array.astype(array.dtype.newbyteorder("="))
    half = array.dtype.type is np.float16 or array.dtype.name == "bfloat16"
    return array.astype(np.float32 if half else np.float64)


def _check_real(array, name):
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name} must be real numbers, not {array.dtype}")


def _check_workers(workers):
    """The twins have no threads, but refuse what is no number of them."""
    if not -(os.cpu_count() or 1) <= operator.index(workers) or workers == 0:
        raise ValueError(f"workers must not be {workers}")


def _fit(array, shape, name):
    """The array broadcast to a shape that is given, never the other way round."""
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name} of shape {array.shape} does not broadcast to {shape}") from None


def _check_columns(columns):
    if columns > MAX_COLUMNS:
        raise ValueError(f"at most 2**34 columns, not {columns}")


def _check_categories(rows):
    if rows.shape[-1] == 0:
        raise ValueError("logits: no categories to draw from")


def _check_rows(rows, allow_fewer=False):
    """Each row has something above -inf (unless allow_fewer), and neither NaN nor +inf."""
    rows = rows.reshape(math.prod(rows.shape[:-1]), rows.shape[-1])
    possible = (np.isfinite(rows).any(axis=-1) | allow_fewer) & (rows < np.inf).all(axis=-1)
    if not possible.all():
        raise ValueError(f"row {np.argmin(possible)} of logits has NaN, +inf or nothing above -inf")


def _logits_and_temperature(logits, temperature, axis, *, zero, mask=None, indptr=None):
    """Logits with the category axis last, and one temperature for each row; `zero` says whether 0 is a temperature.

    What `mask` does not allow is -inf. Ragged rows have one length each, and are filled up with -inf to the longest.
    """
    _refuse_masked(logits, "logits")
    logits = np.asarray(logits)
    _check_real(logits, "logits")
    axis = np.lib.array_utils.normalize_axis_index(axis, logits.ndim)
    _check_columns(logits.shape[axis])
    allowed = None if mask is None else np.moveaxis(_allowed(mask, logits.shape, axis, indptr), axis, -1)
    logits = np.moveaxis(_real(logits, "logits"), axis, -1)
    if allowed is not None:
        logits = np.where(allowed, logits, logits.dtype.type(-np.inf))
    if indptr is not None:
        logits = _filled_up(logits, _as_indptr(indptr, logits.shape))
    if not (zero or np.all(_real(temperature, "temperature") > 0)):
        raise ValueError("temperature must be above 0")
    return logits, _parameter(temperature, "temperature", logits.shape[:-1])


def _logits_or_weights(logits, weights, mask, axis, indptr, *, read=True):
    """Logits, or the logarithms of weights in float64, and the dtype that they are computed in.

    What the mask leaves out, and what lies in no row, is no weight whatever it is; `read`: the others are looked at.
    """
    if (logits is None) == (weights is None):
        raise TypeError("pass logits or weights: one of the two")
    if weights is None:
        return logits, _real(logits, "logits").dtype
    dtype, w = _real(weights, "weights").dtype, np.asarray(weights).astype(np.float64)
    axis = np.lib.array_utils.normalize_axis_index(axis, w.ndim)
    if mask is not None:
        w = np.where(_allowed(mask, w.shape, axis, indptr), w, 0)
    if indptr is not None:
        bounds = _as_indptr(indptr, w.shape)
        w[: bounds[0]] = w[bounds[-1] :] = 0
    sound = (w >= 0) & (w < np.inf)
    if read and not sound.all():
        raise ValueError("weights: a row has one that is negative, NaN or +inf")
    with np.errstate(divide="ignore"):
        return np.log(np.where(sound, w, 0)), dtype


def _parameter(value, name, batch):
    """A number for each row that is neither negative nor NaN, with an axis for the categories."""
    value = _real(value, name).astype(WIDE)
    if not np.all(value >= 0):
        raise ValueError(f"{name} must be at least 0")
    return _fit(value, batch, name)[..., np.newaxis]


def _as_indptr(indptr, shape):
    """Where rows begin and end in 1-D logits."""
    if len(shape) != 1:
        raise ValueError("indptr is for 1-D logits")
    _refuse_masked(indptr, "indptr")
    indptr = np.asarray(indptr)
    if indptr.ndim != 1 or indptr.size == 0:
        raise ValueError("indptr must have one axis and an entry")
    if indptr.dtype.kind not in "iu":
        raise TypeError(f"indptr must be integers, not {indptr.dtype}")
    bounds = [int(entry) for entry in indptr]
    if bounds[0] < 0 or bounds[-1] > shape[0] or any(start > stop for start, stop in itertools.pairwise(bounds)):
        raise ValueError("indptr must not fall, and stay inside the logits")
    return np.array(bounds)


def _inside(indptr):
    """Which elements of rows that are filled up to the longest are of the row, as bools."""
    lengths = np.diff(indptr)
    return np.arange(lengths.max(initial=0)) < lengths[:, np.newaxis]


def _filled_up(logits, indptr):
    inside = _inside(indptr)
    filled = np.full(inside.shape, -np.inf, logits.dtype)
    filled[inside] = logits[indptr[0] : indptr[-1]]
    return filled


def _flattened(rows, logits, indptr, dtype, out):
    """Rows that were filled up as one array again; elements in no row are those of `out`, or NaN."""
    if out is not None:
        _check_out(out, np.shape(logits), dtype)
    result = np.full(np.shape(logits), np.nan, WIDE) if out is None else out.astype(WIDE)
    result[indptr[0] : indptr[-1]] = rows[_inside(indptr)]
    return result


def _allowed(mask, shape, axis, indptr=None):
    """A mask of any kind as bools of the shape of the logits."""
    _refuse_masked(mask, "mask")
    mask = np.asarray(mask)
    if mask.dtype in (np.bool_, np.int8, np.uint8):
        return _fit(mask != 0, shape, "mask")
    if mask.dtype not in (np.int32, np.uint32):
        raise TypeError(f"mask must be bool, int8, uint8, or int32 or uint32 words, not {mask.dtype}")
    if axis != len(shape) - 1 or indptr is not None:
        raise ValueError("mask: words are for the last axis of dense rows")
    if mask.ndim == 0:
        raise ValueError("mask of words must have an axis of words")
    words = _fit(mask, (*shape[:-1], mask.shape[-1]), "mask")
    bits = (words[..., np.newaxis] >> np.arange(32, dtype=mask.dtype)) & 1
    bits = bits.reshape(*shape[:-1], 32 * mask.shape[-1])[..., : shape[-1]] != 0
    return np.pad(bits, [(0, 0)] * (len(shape) - 1) + [(0, shape[-1] - bits.shape[-1])])


def _deliver(result, dtype, out):
    """The result in dtype, as a scalar where it has no axes, or in `out`."""
    result = np.asarray(result)
    if out is None:
        with np.errstate(over="ignore", under="ignore"):
            return result.astype(dtype)[()]
    _check_out(out, result.shape, dtype)
    with np.errstate(over="ignore", under="ignore"):
        out[...] = result
    return out


def _check_out(out, shape, dtype):
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, not {type(out).__name__}")
    if out.dtype != dtype:
        raise ValueError(f"out must be {np.dtype(dtype)}, not {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have shape {shape}, not {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")


# --------------------------------------------------------------------------------------------------- noise and sampling


def gumbel(loc=0.0, scale=1.0, size=None, *, dtype=np.float64, out=None, rng=None, offset=(0, 0), workers=1):
    """Twin of `gumbel_fast.gumbel`."""
    _check_workers(workers)
    dtype = np.dtype(dtype)
    if dtype.type not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, not {dtype}")
    loc, scale = _real(loc, "loc"), _real(scale, "scale")
    if not np.all(scale >= 0):
        raise ValueError("scale must be at least 0")
    if size is None:
        shape = np.broadcast_shapes(loc.shape, scale.shape) if out is None else np.shape(out)
    else:
        shape = tuple(size) if np.iterable(size) else (size,)
    _check_offset(offset, shape)
    loc, scale = _fit(loc, shape, "loc"), _fit(scale, shape, "scale")
    if out is not None:
        _check_out(out, shape, dtype)
    noise = _noise(shape, dtype, rng, offset)
    result = _deliver(loc + scale * noise.astype(WIDE), dtype, out)
    return result if size is None or out is not None else np.asarray(result)


def _check_offset(offset, shape):
    first_row, first_column = offset
    if not 0 <= first_row < 2**64 or first_column < 0:
        raise ValueError(f"offset must be a row from 0 to 2**64 - 1 and a column from 0 up, not {offset}")
    _check_columns(first_column + (shape[-1] if shape else 1))


def _noise(shape, dtype, rng, offset):
    """Noise whose last axis counts columns and whose other axes, in C order, rows."""
    keys, rows = _streams(rng, offset, shape[:-1])
    keys, rows = keys[:, np.newaxis], rows[:, np.newaxis]
    column = np.arange(shape[-1] if shape else 1, dtype=np.uint64) + np.uint64(offset[1])
    high, low = words(keys, 0, rows, column, NOISE_HIGH), words(keys, 0, rows, column, NOISE_LOW)
    return noise_from_words(high, low, dtype).reshape(shape)


# -------------------------------------------------------------------------------------------------------------- filters


def kept(
    logits,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    filter_temperature=None,
    mask=None,
    indptr=None,
    *,
    axis=-1,
    slack=0.0,
):
    """Which elements of each row the filters leave, as bools of the shape of the logits: their definition.

    The order is mask, division by `filter_temperature`, top_k, top_p of what is left, min_p. One total order decides,
    falling logit and of equals the lower index first, and what is kept is a prefix of it. At a temperature of 0 top_p
    and min_p see its limit: equal shares for the greatest logits, and none for the others.

    `slack` moves the boundary of top_p by so much, and that of min_p by 1e-12 of itself in the same direction, which is
    the rounding of a threshold: what slack=-1e-6 keeps must be kept, and nothing else may be but what slack=1e-6 keeps.
    """
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=True, mask=mask, indptr=indptr)
    batch, n = x.shape[:-1], x.shape[-1]
    divisor = temperature if filter_temperature is None else _parameter(filter_temperature, "filter_temperature", batch)
    k = _as_top_k(top_k, batch, n)
    p = np.full(1, np.inf) if top_p is None else _parameter(top_p, "top_p", batch)
    m = np.zeros(1) if min_p is None else _parameter(min_p, "min_p", batch)
    order = np.argsort(-x.astype(np.float64), axis=-1, kind="stable")
    ordered = np.take_along_axis(x, order, axis=-1).astype(WIDE)
    rank = np.arange(n)
    keep = (ordered > -np.inf) & (rank < k)
    with np.errstate(all="ignore"):
        z = np.where(ordered == ordered[..., :1], 0, (ordered - ordered[..., :1]) / divisor)
    weights = np.where(keep, np.exp(z), 0)
    sums = np.cumsum(weights, axis=-1)
    with np.errstate(invalid="ignore"):
        before = np.concatenate([np.zeros((*batch, min(n, 1))), sums[..., :-1]], axis=-1) / sums[..., -1:]
    keep &= (before < p + slack) | (p >= 1) | (rank == 0)
    keep &= weights >= m * (1 - np.sign(slack) * 1e-12)
    result = np.zeros(x.shape, bool)
    np.put_along_axis(result, order, keep, axis=-1)
    return np.moveaxis(result, -1, axis) if indptr is None else result


def _as_top_k(top_k, batch, n):
    if top_k is None:
        return np.full(1, n)
    _refuse_masked(top_k, "top_k")
    top_k = np.asarray(top_k)
    if top_k.dtype.kind not in "iu":
        raise TypeError(f"top_k must be integers, not {top_k.dtype}")
    if np.any(top_k < 0):
        raise ValueError("top_k must not be negative")
    return _fit(np.where(top_k == 0, n, top_k), batch, "top_k")[..., np.newaxis]


def _filtered(logits, temperature, filters, mask, axis, indptr=None):
    """Logits whose category axis is last, -inf where a filter or the mask leaves nothing, and the temperatures."""
    x, temperatures = _logits_and_temperature(logits, temperature, axis, zero=True, mask=mask, indptr=indptr)
    keep = kept(logits, temperature, *filters, mask, indptr, axis=axis)
    keep = np.moveaxis(keep, axis, -1) if indptr is None else keep
    bad = ~(x < np.inf).all(axis=-1, keepdims=True)
    return np.where(keep | bad, x, x.dtype.type(-np.inf)), temperatures


def _log_probs(x, temperature):
    """Log softmax of filtered rows in the widest float, and their entropies; NaN where there is no distribution."""
    top = x.max(axis=-1, keepdims=True, initial=-np.inf)
    with np.errstate(all="ignore"):
        z = np.where(x > -np.inf, (x.astype(WIDE) - top) / temperature, -np.inf)
        first = np.arange(x.shape[-1]) == x.argmax(axis=-1)[..., np.newaxis] if x.shape[-1] else np.zeros(x.shape, bool)
        z = np.where(temperature == 0, np.where(first, 0, -np.inf), np.where(first, 0, z))
        weights = np.exp(z)
        beside = np.where(first, 0, weights).sum(axis=-1, keepdims=True)  # the sum without the maximum keeps its digits
        logs = z - np.log1p(beside)
        uncertain = np.where(weights > 0, -z * weights, 0).sum(axis=-1, keepdims=True) / (1 + beside)
    sound = np.isfinite(top) & (x < np.inf).all(axis=-1, keepdims=True)
    return np.where(sound, logs, np.nan), np.where(sound, np.log1p(beside) + uncertain, np.nan)[..., 0]


def _at(log_probs, index):
    """Log-probs of indices, of which -1 stands for none."""
    index = np.asarray(index)
    wide = index if index.ndim == log_probs.ndim else index[..., np.newaxis]
    padded = np.concatenate([log_probs, np.full((*log_probs.shape[:-1], 1), -np.inf)], axis=-1)
    return np.take_along_axis(padded, wide, axis=-1).reshape(index.shape)


def truncate(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    filter_temperature=None,
    mask=None,
    axis=-1,
    out=None,
    workers=1,
):
    """Twin of `gumbel_fast.truncate`."""
    _check_workers(workers)
    x, _ = _filtered(logits, temperature, (top_k, top_p, min_p, filter_temperature), mask, axis)
    return _deliver(np.moveaxis(x, -1, axis), x.dtype, out)


def log_prob(
    logits,
    index,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    filter_temperature=None,
    mask=None,
    indptr=None,
    axis=-1,
    workers=1,
):
    """Twin of `gumbel_fast.log_prob`."""
    _check_workers(workers)
    x, temperature = _filtered(logits, temperature, (top_k, top_p, min_p, filter_temperature), mask, axis, indptr)
    _refuse_masked(index, "index")
    index = np.asarray(index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"index must be integers, not {index.dtype}")
    if index.shape != x.shape[:-1] and index.shape[:-1] != x.shape[:-1]:
        raise ValueError(f"index of shape {index.shape} does not go with the batch {x.shape[:-1]}")
    lengths = x.shape[-1] if indptr is None else np.diff(indptr)
    wrong = (index < -1) | (index >= np.reshape(lengths, np.shape(lengths) + (1,) * (index.ndim - x.ndim + 1)))
    if wrong.any():
        raise ValueError(f"index {index[wrong][0]} is none of its row's categories, and not -1 for none")
    return _deliver(_at(_log_probs(x, temperature)[0], index), x.dtype, None)


def entropy(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    filter_temperature=None,
    mask=None,
    indptr=None,
    axis=-1,
    workers=1,
):
    """Twin of `gumbel_fast.entropy`."""
    _check_workers(workers)
    x, temperature = _filtered(logits, temperature, (top_k, top_p, min_p, filter_temperature), mask, axis, indptr)
    return _deliver(_log_probs(x, temperature)[1], x.dtype, None)


# ------------------------------------------------------------------------------------------------------------- samplers


def categorical(
    logits=None,
    *,
    weights=None,
    num_samples=None,
    replace=True,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    filter_temperature=None,
    mask=None,
    indptr=None,
    allow_fewer=False,
    axis=-1,
    rng=None,
    offset=(0, 0),
    return_log_prob=False,
    out=None,
    workers=1,
):
    """Twin of `gumbel_fast.categorical`, in distribution: a cumulative sum of wide floats, and its inverse."""
    _check_workers(workers)
    count = 1 if num_samples is None else operator.index(num_samples)
    if not 0 <= count <= 2**32:
        raise ValueError(f"num_samples must be from 0 to 2**32, not {count}")
    logits, dtype = _logits_or_weights(logits, weights, mask, axis, indptr, read=count > 0)
    filters = top_k, top_p, min_p, filter_temperature
    x, temperatures = _filtered(logits, temperature, filters, mask, axis, indptr)
    _check_offset(offset, x.shape)
    if offset[1] != 0:
        raise ValueError("offset must have no column: draws have none")
    if not allow_fewer and indptr is None:
        _check_categories(x)
    shape = x.shape[:-1] if num_samples is None else (*x.shape[:-1], count)
    if out is not None:
        _check_out(out, shape, np.int64)
    keys, rows = _streams(rng, offset, x.shape[:-1])
    if replace and count:
        _check_rows(x, allow_fewer)
        high, low = (words(keys[:, None], 0, rows[:, None], np.arange(count), tag) for tag in (DRAW_HIGH, DRAW_LOW))
        uniform = (high.astype(WIDE) * 2**32 + low.astype(WIDE) + WIDE(0.5)) / WIDE(2) ** 64
        flat, temperatures = x.reshape(len(rows), x.shape[-1]), temperatures.reshape(-1)
        indices = np.empty((len(flat), count), dtype=np.int64)
        for i in range(len(flat)):
            indices[i] = _inverse(flat[i], temperatures[i], uniform[i])
    elif replace:
        indices = np.empty(shape, dtype=np.int64)
    else:
        sums = _with_noise(_below(x), temperatures, _noise(x.shape, dtype, rng, offset))
        indices = _falling(sums, x, count, allow_fewer)[0]
    indices = indices.reshape(shape)
    result = _deliver(indices, np.int64, out)
    if not return_log_prob:
        return result
    x, temperatures = _filtered(logits, temperature, filters, mask, axis, indptr)
    logs = _log_probs(x, temperatures)[0]
    return result, _deliver(np.where(indices == -1, -np.inf, _at(logs, indices)), dtype, None)


def _inverse(row, temperature, uniform):
    """The categories in whose intervals of the cumulative sum the uniforms fall; -1 where there is none."""
    if not np.any(row > -np.inf):
        return -1
    if temperature == 0:
        return np.argmax(row)
    cumulative = np.cumsum(_weights(row, temperature)[0])
    # u may round to 1 where the widest float is float64: stay below the last step of the sum.
    target = np.minimum(uniform * cumulative[-1], np.nextafter(cumulative[-1], WIDE(0)))
    return np.searchsorted(cumulative, target, side="right")


def _with_noise(logits, temperature, noise):
    """logits / temperature + noise in float64; at temperature 0 the logits."""
    logits = logits.astype(np.float64)
    with np.errstate(all="ignore"):
        scores = logits / temperature.astype(np.float64)
        sums = np.where(temperature == 0, logits, scores + noise.astype(np.float64))
    return np.where(logits == -np.inf, logits, sums)


def _below(logits):
    """Each row's distance from its greatest element, in float64."""
    logits = logits.astype(np.float64)
    with np.errstate(all="ignore"):
        below = logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)
    return np.where(logits == -np.inf, logits, below)


def _falling(sums, logits, k, allow_fewer):
    """Indices and values of the k greatest sums of each row, of equal ones the first first; -1 and -inf beyond them."""
    if k:
        _check_rows(np.where(np.isinf(sums), logits, sums), allow_fewer)
        fewer = np.count_nonzero(logits > -np.inf, axis=-1).ravel() < k
        if not allow_fewer and fewer.any():
            raise ValueError(f"row {fewer.argmax()} has fewer than {k} categories that are not -inf")
    indices = np.lexsort((-logits.astype(np.float64), -sums), axis=-1)[..., :k]  # of sums that overflow, by the logits
    values = np.take_along_axis(sums, indices, axis=-1)
    beyond = [(0, 0)] * (sums.ndim - 1) + [(0, k - indices.shape[-1])]
    indices = np.where(np.take_along_axis(logits, indices, axis=-1) > -np.inf, indices, -1)
    return np.pad(indices, beyond, constant_values=-1), np.pad(values, beyond, constant_values=-np.inf)


def gumbel_max(
    logits,
    *,
    temperature=1.0,
    mask=None,
    indptr=None,
    allow_fewer=False,
    axis=-1,
    rng=None,
    offset=(0, 0),
    noise=None,
    return_value=False,
    out=None,
    workers=1,
):
    """Twin of `gumbel_fast.gumbel_max`."""
    _check_workers(workers)
    given = np.asarray(logits)
    logits, temperature = _logits_and_temperature(logits, temperature, axis, zero=True, mask=mask, indptr=indptr)
    if not allow_fewer and indptr is None:
        _check_categories(logits)
    if out is not None:
        _check_out(out, logits.shape[:-1], np.int64)
    if noise is None:
        _check_offset(offset, logits.shape)
        noise = _noise(logits.shape, logits.dtype, rng, offset)
    elif rng is not None or tuple(offset) != (0, 0):
        raise ValueError("rng and offset are not used where noise is given")
    else:
        noise = _real(noise, "noise")
        if noise.shape != given.shape:
            raise ValueError(f"noise must have the shape {given.shape}, not {noise.shape}")
        noise = np.moveaxis(noise, axis, -1) if indptr is None else _filled_up(noise, np.asarray(indptr))
        logits = logits.astype(np.result_type(logits, noise))
    sums = _with_noise(logits, temperature, noise)
    sums = np.where(np.isinf(logits), logits, sums)
    _check_rows(np.where(sums == np.inf, logits, sums), allow_fewer)  # noise may be +inf
    value = sums.max(axis=-1, initial=-np.inf)
    index = sums.argmax(axis=-1) if sums.shape[-1] else np.full(value.shape, -1)
    index = _deliver(np.where(value == -np.inf, -1, index), np.int64, out)
    return (index, value) if return_value else index


def gumbel_top_k(
    logits=None,
    k=None,
    *,
    weights=None,
    temperature=1.0,
    mask=None,
    indptr=None,
    allow_fewer=False,
    axis=-1,
    rng=None,
    offset=(0, 0),
    floor=None,
    return_value=False,
    workers=1,
):
    """Twin of `gumbel_fast.gumbel_top_k`."""
    _check_workers(workers)
    k = operator.index(k)
    if k < 0:
        raise ValueError(f"k must not be negative: {k}")
    logits, dtype = _logits_or_weights(logits, weights, mask, axis, indptr, read=k > 0)
    logits, temperature = _logits_and_temperature(logits, temperature, axis, zero=True, mask=mask, indptr=indptr)
    if not allow_fewer and indptr is None:
        _check_categories(logits)
    _check_offset(offset, logits.shape)
    sums = _with_noise(logits, temperature, _noise(logits.shape, dtype, rng, offset))
    if floor is not None:
        floor = _real(floor, "floor").astype(np.float64)
        if np.isnan(floor).any():
            raise ValueError("floor must not be NaN")
        floor = _fit(floor, logits.shape[:-1], "floor")[..., np.newaxis]
        with np.errstate(invalid="ignore"):
            logits = np.where((sums <= floor) & (floor > -np.inf), -np.inf, logits)
        sums = np.where(logits == -np.inf, -np.inf, sums)
    index, value = _falling(sums, logits, k, allow_fewer)
    return (index, value) if return_value else index


# ------------------------------------------------------------------------------------------------------- softmax family


def _weights(logits, temperature):
    """exp((x - max) / temperature) along the last axis, its exponents, and the maximum."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        top = logits.max(axis=-1, keepdims=True, initial=-np.inf).astype(WIDE)
        exponents = np.where(logits == -np.inf, -np.inf, (logits - top) / temperature)
        return np.exp(exponents), exponents, top


def softmax(logits, *, temperature=1.0, mask=None, indptr=None, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.softmax`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False, mask=mask, indptr=indptr)
    weights, _, _ = _weights(x, temperature)
    with np.errstate(invalid="ignore", under="ignore"):
        result = weights / weights.sum(axis=-1, keepdims=True)
    if indptr is not None:
        result = _flattened(result, logits, np.asarray(indptr), x.dtype, out)
    return _deliver(np.moveaxis(result, -1, axis), x.dtype, out)


def log_softmax(logits, *, temperature=1.0, mask=None, indptr=None, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.log_softmax`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False, mask=mask, indptr=indptr)
    weights, exponents, _ = _weights(x, temperature)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = exponents - np.log(weights.sum(axis=-1, keepdims=True))
    if indptr is not None:
        result = _flattened(result, logits, np.asarray(indptr), x.dtype, out)
    return _deliver(np.moveaxis(result, -1, axis), x.dtype, out)


def logsumexp(logits, *, temperature=1.0, mask=None, indptr=None, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.logsumexp`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False, mask=mask, indptr=indptr)
    weights, _, top = _weights(x, temperature)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        result = top / temperature + np.log(weights.sum(axis=-1, keepdims=True))
    result = np.where(np.isinf(top), top, result)  # the sum is exactly 0 or infinite, as in SciPy
    return _deliver(result[..., 0], x.dtype, out)


def gumbel_softmax(
    logits, *, temperature=1.0, hard=False, log=False, mask=None, axis=-1, rng=None, offset=(0, 0), out=None, workers=1
):
    """Twin of `gumbel_fast.gumbel_softmax`."""
    if hard and log:
        raise ValueError("a one-hot sample has no logarithm")
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False, mask=mask)
    _check_offset(offset, x.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = _below(x).astype(x.dtype) + _noise(x.shape, x.dtype, rng, offset)
    weights, exponents, _ = _weights(sums, temperature)
    with np.errstate(invalid="ignore", under="ignore", divide="ignore"):
        total = weights.sum(axis=-1, keepdims=True)
        result = exponents - np.log(total) if log else weights / total
    if hard and x.size:
        one_hot = np.arange(x.shape[-1]) == sums.argmax(axis=-1)[..., np.newaxis]
        result = np.where(np.isnan(result), result, one_hot)
    return _deliver(np.moveaxis(result, -1, axis), x.dtype, out)


def softmax_vjp(y, grad, *, temperature=1.0, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.softmax_vjp`."""
    _check_workers(workers)
    y, temperature = _logits_and_temperature(y, temperature, axis, zero=False)
    grad = np.moveaxis(_real(grad, "grad"), axis, -1)
    if grad.shape != y.shape:
        raise ValueError(f"grad must have the shape {y.shape}, not {grad.shape}")
    with np.errstate(all="ignore"):
        wide = grad.astype(WIDE)
        result = y / temperature * (wide - (wide * y).sum(axis=-1, keepdims=True))
    return _deliver(np.moveaxis(result, -1, axis), np.result_type(y, grad), out)


# --------------------------------------------------------------------------------------------------------- distribution


class _GumbelR:
    """Twin of `gumbel_fast.gumbel_r`, the law of maxima: cdf(x) = exp(-exp(-z)), z = (x - loc) / scale."""

    def pdf(self, x, loc=0, scale=1, *, out=None):
        return self._of_value(lambda z, s: np.where(np.isinf(z), 0, np.exp(-z - np.exp(-z)) / s), x, loc, scale, out)

    def logpdf(self, x, loc=0, scale=1, *, out=None):
        return self._of_value(
            lambda z, s: np.where(np.isinf(z), -np.inf, -z - np.exp(-z) - np.log(s)), x, loc, scale, out
        )

    def cdf(self, x, loc=0, scale=1, *, out=None):
        return self._of_value(lambda z, s: np.exp(-np.exp(-z)), x, loc, scale, out)

    def logcdf(self, x, loc=0, scale=1, *, out=None):
        return self._of_value(lambda z, s: -np.exp(-z), x, loc, scale, out)

    def sf(self, x, loc=0, scale=1, *, out=None):
        return self._of_value(lambda z, s: -np.expm1(-np.exp(-z)), x, loc, scale, out)

    def logsf(self, x, loc=0, scale=1, *, out=None):
        def log_survival(z, s):
            y = np.exp(-z)
            upper = -z + np.log(-np.expm1(-y) / y)  # log(1 - exp(-y)) with the factor y taken out, while y is a number
            upper = np.where(z > 40, -z, upper)  # y is below 2^-57: the factor is 1
            return np.where(z < 0, np.log1p(-np.exp(-y)), upper)

        return self._of_value(log_survival, x, loc, scale, out)

    def ppf(self, q, loc=0, scale=1, *, out=None):
        return self._of_probability(lambda q: -np.log(-np.log(q)), q, loc, scale, out)

    def isf(self, q, loc=0, scale=1, *, out=None):
        return self._of_probability(lambda q: -np.log(-np.log1p(-q)), q, loc, scale, out)

    def mean(self, loc=0, scale=1):
        return self._of_parameters(lambda loc, scale: loc + EULER_GAMMA * scale, loc, scale)

    def median(self, loc=0, scale=1):
        return self._of_parameters(lambda loc, scale: loc - np.log(np.log(WIDE(2))) * scale, loc, scale)

    def var(self, loc=0, scale=1):
        return self._of_parameters(lambda loc, scale: PI**2 / 6 * scale**2 + 0 * loc, loc, scale)

    def std(self, loc=0, scale=1):
        return self._of_parameters(lambda loc, scale: PI / np.sqrt(WIDE(6)) * scale + 0 * loc, loc, scale)

    def entropy(self, loc=0, scale=1):
        return self._of_parameters(lambda loc, scale: np.log(scale) + EULER_GAMMA + 1 + 0 * loc, loc, scale)

    def fit(self, data, *, floc=None, fscale=None):
        """Maximum likelihood, by bisection on the scale s.

        It is the root of mean(x) - s = sum(x exp(-x/s)) / sum(exp(-x/s)), or, where loc is given, of
        mean(y (1 - exp(-y/s))) = s with y = x - loc.
        """
        data = _real(data, "data").ravel().astype(np.float64)
        if data.size == 0:
            raise ValueError("data is empty")
        if not np.isfinite(data).all():
            raise ValueError("data must be finite")
        if floc is not None and fscale is not None:
            raise ValueError("nothing to fit: floc and fscale are both given")
        start = data.min()
        x = data - start  # from 0 up: no exponential overflows
        y = None if floc is None else data - float(floc)
        if fscale is not None and not 0 < fscale < np.inf:
            raise ValueError("fscale must be finite and above 0")
        if fscale is None and not np.any(x if y is None else y):
            raise ValueError("data must hold two different values: the likelihood of equal ones has no maximum")
        low, high = 0.0, x.mean() if y is None else 2 * np.abs(y).max()
        middle = fscale
        with np.errstate(under="ignore", over="ignore"):  # an infinite exponential is on the right side as well
            while fscale is None and low < (middle := (low + high) / 2) < high:
                if y is not None:
                    left, right = np.mean(-y * np.expm1(-y / middle)), middle
                else:
                    left, right = x.mean() - middle, np.average(x, weights=np.exp(-x / middle))
                low, high = (middle, high) if left > right else (low, middle)
            loc = start - middle * np.log(np.mean(np.exp(-x / middle)))
        return (loc if floc is None else float(floc)), middle

    def _of_value(self, function, x, loc, scale, out):
        x, loc, scale = self._parameters(loc, scale, x)
        with np.errstate(all="ignore"):
            return _deliver(function((x - loc) / scale, scale), np.float64, out)

    def _of_probability(self, function, q, loc, scale, out):
        q, loc, scale = self._parameters(loc, scale, q)
        with np.errstate(all="ignore"):
            return _deliver(loc + scale * function(q), np.float64, out)  # outside [0, 1] the logarithm is NaN

    def _of_parameters(self, function, loc, scale):
        loc, scale = self._parameters(loc, scale)
        with np.errstate(all="ignore"):
            return _deliver(function(loc, scale), np.float64, None)

    @staticmethod
    def _parameters(loc, scale, *value):
        value = [_real(v, "x").astype(WIDE) for v in value]
        loc, scale = _real(loc, "loc").astype(WIDE), _real(scale, "scale").astype(WIDE)
        if np.any(scale < 0):
            raise ValueError("scale must not be negative")
        return *value, loc, np.where(scale == 0, np.nan, scale)  # no law, as in SciPy


gumbel_r = _GumbelR()
