"""A plain-NumPy twin of every public function: obvious rather than fast.

Here live the definitions that the compiled functions are held to, with the same signatures and the same errors:
Philox4x32-10, the words and uniforms of an element, the noise, the distribution, the softmax family and the samplers.
Arithmetic is done in the widest float that NumPy has on this machine and rounded once, at the end. Nothing here is
imported from the compiled core, and nothing here cares about speed, memory or threads.

The noise of one seed is the same here and there, to rounding, and so are all that are made of it. `categorical` shares
the distribution and the errors alone: its draws are its own, because the method behind the public function is free to
change.
"""

import math
import operator
import os

import numpy as np

__all__ = [
    "categorical",
    "gumbel",
    "gumbel_max",
    "gumbel_r",
    "gumbel_softmax",
    "gumbel_top_k",
    "log_softmax",
    "logsumexp",
    "softmax",
    "softmax_vjp",
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
    """The 32-bit words of elements (rows, cols), arrays that broadcast, under the pair (a, b), as uint64."""
    rows, cols = np.broadcast_arrays(np.asarray(rows, dtype=np.uint64), np.asarray(cols, dtype=np.uint64))
    with np.errstate(over="ignore"):
        rows = np.uint64(b) + rows  # modulo 2^64
    key = int(a) & 0xFFFFFFFF, int(a) >> 32
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


def _real(value, name):
    """An array of float32 or float64 in native byte order; half precision becomes float32, integers float64."""
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


def _check_rows(rows):
    """Each row of a matrix has something above -inf, and neither NaN nor +inf."""
    possible = np.isfinite(rows).any(axis=-1) & (rows < np.inf).all(axis=-1)
    if not possible.all():
        raise ValueError(f"row {np.argmin(possible)} of logits has NaN, +inf or nothing above -inf")


def _logits_and_temperature(logits, temperature, axis, *, zero):
    """Logits with the category axis last, and one temperature for each row; `zero` says whether 0 is a temperature."""
    logits = np.asarray(logits)
    _check_real(logits, "logits")
    axis = np.lib.array_utils.normalize_axis_index(axis, logits.ndim)
    _check_columns(logits.shape[axis])
    logits = np.moveaxis(_real(logits, "logits"), axis, -1)
    temperature = _real(temperature, "temperature").astype(WIDE)
    if not np.all(temperature >= 0 if zero else temperature > 0):
        raise ValueError(f"temperature must be {'at least' if zero else 'above'} 0")
    return logits, _fit(temperature, logits.shape[:-1], "temperature")[..., np.newaxis]


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
    noise = _noise(shape, dtype, seed_pair(rng), offset)
    result = _deliver(loc + scale * noise.astype(WIDE), dtype, out)
    return result if size is None or out is not None else np.asarray(result)


def _check_offset(offset, shape):
    first_row, first_column = offset
    if not 0 <= first_row < 2**64 or first_column < 0:
        raise ValueError(f"offset must be a row from 0 to 2**64 - 1 and a column from 0 up, not {offset}")
    _check_columns(first_column + (shape[-1] if shape else 1))


def _noise(shape, dtype, pair, offset):
    """Noise whose last axis counts columns and whose other axes, in C order, rows."""
    first_row, first_column = offset
    row = np.arange(math.prod(shape[:-1]), dtype=np.uint64)[:, np.newaxis] + np.uint64(first_row)  # modulo 2^64
    column = np.arange(shape[-1] if shape else 1, dtype=np.uint64) + np.uint64(first_column)
    high, low = words(*pair, row, column, NOISE_HIGH), words(*pair, row, column, NOISE_LOW)
    return noise_from_words(high, low, dtype).reshape(shape)


def categorical(logits, *, num_samples=None, replace=True, temperature=1.0, axis=-1, rng=None, out=None, workers=1):
    """Twin of `gumbel_fast.categorical`, in distribution: a cumulative sum of wide floats, and its inverse."""
    _check_workers(workers)
    count = 1 if num_samples is None else operator.index(num_samples)
    if not 0 <= count <= 2**32:
        raise ValueError(f"num_samples must be from 0 to 2**32, not {count}")
    logits, temperature = _logits_and_temperature(logits, temperature, axis, zero=True)
    _check_categories(logits)
    shape = logits.shape[:-1] if num_samples is None else (*logits.shape[:-1], count)
    if out is not None:
        _check_out(out, shape, np.int64)
    a, b = seed_pair(rng)
    if replace:
        rows, temperatures = logits.reshape(-1, logits.shape[-1]), temperature.reshape(-1)
        if count:
            _check_rows(rows)
        indices = np.empty((len(rows), count), dtype=np.int64)
        for i in range(len(rows) if count else 0):
            high, low = words(a, b, i, np.arange(count), DRAW_HIGH), words(a, b, i, np.arange(count), DRAW_LOW)
            uniform = (high.astype(WIDE) * 2**32 + low.astype(WIDE) + WIDE(0.5)) / WIDE(2) ** 64
            indices[i] = _inverse(rows[i], temperatures[i], uniform)
    else:
        below = _below(logits)
        sums = _with_noise(below, temperature, _noise(logits.shape, logits.dtype, (a, b), (0, 0)))
        indices = _falling(sums, logits, count)[0]
    return _deliver(indices.reshape(shape), np.int64, out)


def _inverse(row, temperature, uniform):
    """The categories in whose intervals of the cumulative sum the uniforms fall."""
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
        return np.where(temperature == 0, logits, logits / temperature + noise.astype(np.float64))


def _below(logits):
    """Each row's distance from its greatest element, in float64."""
    logits = logits.astype(np.float64)
    with np.errstate(all="ignore"):
        return logits - logits.max(axis=-1, keepdims=True, initial=-np.inf)


def _falling(sums, logits, k):
    """Indices and values of the k greatest sums of each row, of equal ones the first first."""
    if k:
        _check_rows(sums.reshape(-1, sums.shape[-1]))
        if np.any(np.count_nonzero(logits > -np.inf, axis=-1) < k):
            raise ValueError(f"a row has fewer than {k} categories that are not -inf")
    indices = np.argsort(-sums, axis=-1, kind="stable")[..., :k]
    if logits.size == 0:
        indices = np.empty((*logits.shape[:-1], k), dtype=np.int64)
    return indices, np.take_along_axis(sums, indices, axis=-1)


def gumbel_max(
    logits,
    *,
    temperature=1.0,
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
    logits, temperature = _logits_and_temperature(logits, temperature, axis, zero=True)
    _check_categories(logits)
    if out is not None:
        _check_out(out, logits.shape[:-1], np.int64)
    if noise is None:
        _check_offset(offset, logits.shape)
        noise = _noise(logits.shape, logits.dtype, seed_pair(rng), offset)
    elif rng is not None or tuple(offset) != (0, 0):
        raise ValueError("rng and offset are not used where noise is given")
    else:
        noise = np.moveaxis(_real(noise, "noise"), axis, -1)
        if noise.shape != logits.shape:
            raise ValueError(f"noise must have the shape {logits.shape}, not {noise.shape}")
        logits = logits.astype(np.result_type(logits, noise))
    sums = _with_noise(logits, temperature, noise)
    sums = np.where(np.isinf(logits), logits, sums)
    _check_rows(np.where(sums == np.inf, logits, sums).reshape(-1, sums.shape[-1]))  # noise may be +inf
    index = _deliver(sums.argmax(axis=-1), np.int64, out)
    return (index, sums.max(axis=-1)) if return_value else index


def gumbel_top_k(logits, k, *, temperature=1.0, axis=-1, rng=None, offset=(0, 0), return_value=False, workers=1):
    """Twin of `gumbel_fast.gumbel_top_k`."""
    _check_workers(workers)
    k = operator.index(k)
    if k < 0:
        raise ValueError(f"k must not be negative: {k}")
    logits, temperature = _logits_and_temperature(logits, temperature, axis, zero=True)
    _check_categories(logits)
    _check_offset(offset, logits.shape)
    sums = _with_noise(logits, temperature, _noise(logits.shape, logits.dtype, seed_pair(rng), offset))
    index, value = _falling(sums, logits, k)
    return (index, value) if return_value else index


# ------------------------------------------------------------------------------------------------------- softmax family


def _weights(logits, temperature):
    """exp((x - max) / temperature) along the last axis, its exponents, and the maximum."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        top = logits.max(axis=-1, keepdims=True, initial=-np.inf).astype(WIDE)
        exponents = (logits - top) / temperature
        return np.exp(exponents), exponents, top


def softmax(logits, *, temperature=1.0, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.softmax`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False)
    weights, _, _ = _weights(x, temperature)
    with np.errstate(invalid="ignore", under="ignore"):
        result = weights / weights.sum(axis=-1, keepdims=True)
    return _deliver(np.moveaxis(result, -1, axis), x.dtype, out)


def log_softmax(logits, *, temperature=1.0, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.log_softmax`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False)
    weights, exponents, _ = _weights(x, temperature)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = exponents - np.log(weights.sum(axis=-1, keepdims=True))
    return _deliver(np.moveaxis(result, -1, axis), x.dtype, out)


def logsumexp(logits, *, temperature=1.0, axis=-1, out=None, workers=1):
    """Twin of `gumbel_fast.logsumexp`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False)
    weights, _, top = _weights(x, temperature)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        result = top / temperature + np.log(weights.sum(axis=-1, keepdims=True))
    result = np.where(np.isinf(top), top, result)  # the sum is exactly 0 or infinite, as in SciPy
    return _deliver(result[..., 0], x.dtype, out)


def gumbel_softmax(logits, *, temperature=1.0, hard=False, axis=-1, rng=None, offset=(0, 0), out=None, workers=1):
    """Twin of `gumbel_fast.gumbel_softmax`."""
    _check_workers(workers)
    x, temperature = _logits_and_temperature(logits, temperature, axis, zero=False)
    _check_offset(offset, x.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = _below(x).astype(x.dtype) + _noise(x.shape, x.dtype, seed_pair(rng), offset)
    weights, _, _ = _weights(sums, temperature)
    with np.errstate(invalid="ignore", under="ignore"):
        result = weights / weights.sum(axis=-1, keepdims=True)
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
