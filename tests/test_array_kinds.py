"""What an array is, for every function: masked arrays, subclasses, DLPack, layouts and dtypes that kernels cannot read.

Small arrays of every layout are in the file of each function; here are those that are copied a tile at a time. None of
it is random beyond fixed seeds.
"""

import tracemalloc

import ml_dtypes
import numpy as np
import pytest

import gumbel_fast
from rows import ALL_DTYPES, BFLOAT16, LAYOUTS, some_rows

MASKED = np.ma.array([1.0, 5.0, 1.0], mask=[0, 1, 0])
PLAIN = [1.0, 5.0, 1.0]
gumbel_r = gumbel_fast.gumbel_r

# Each takes an array for the parameter that stands before the colon; the others are sound.
TAKERS = {
    "logits: categorical": gumbel_fast.categorical,
    "logits: categorical, generator": lambda a: gumbel_fast.categorical(a, rng=np.random.default_rng(1)),
    "logits: categorical, many": lambda a: gumbel_fast.categorical(a, num_samples=5),
    "logits: gumbel_max": gumbel_fast.gumbel_max,
    "logits: gumbel_max, generator": lambda a: gumbel_fast.gumbel_max(a, rng=np.random.default_rng(1)),
    "logits: gumbel_max, noise": lambda a: gumbel_fast.gumbel_max(a, noise=PLAIN),
    "logits: gumbel_top_k": lambda a: gumbel_fast.gumbel_top_k(a, 2),
    "logits: gumbel_softmax": gumbel_fast.gumbel_softmax,
    "logits: softmax": gumbel_fast.softmax,
    "logits: log_softmax": gumbel_fast.log_softmax,
    "logits: logsumexp": gumbel_fast.logsumexp,
    "noise: gumbel_max": lambda a: gumbel_fast.gumbel_max(PLAIN, noise=a),
    "y: softmax_vjp": lambda a: gumbel_fast.softmax_vjp(a, PLAIN),
    "grad: softmax_vjp": lambda a: gumbel_fast.softmax_vjp(PLAIN, a),
    "temperature: categorical": lambda a: gumbel_fast.categorical(np.zeros((3, 2)), temperature=a),
    "temperature: softmax": lambda a: gumbel_fast.softmax(np.zeros((3, 2)), temperature=a),
    "loc: gumbel": gumbel_fast.gumbel,
    "scale: gumbel": lambda a: gumbel_fast.gumbel(0, a),
    "step: annealed_temperature": lambda a: gumbel_fast.annealed_temperature(a, rate=0.1),
    "x: gumbel_r.cdf": gumbel_r.cdf,
    "x: gumbel_r.isf": gumbel_r.isf,
    "loc: gumbel_r.logpdf": lambda a: gumbel_r.logpdf(0.0, a),
    "scale: gumbel_r.logpdf": lambda a: gumbel_r.logpdf(0.0, 0.0, a),
    "loc: gumbel_r.mean": gumbel_r.mean,
    "scale: gumbel_r.std": lambda a: gumbel_r.std(0.0, a),
    "data: gumbel_r.fit": gumbel_r.fit,
}

# Each takes an `out` of three float64.
WRITERS = {
    "gumbel": lambda out: gumbel_fast.gumbel(size=3, out=out),
    "softmax": lambda out: gumbel_fast.softmax(PLAIN, out=out),
    "gumbel_softmax": lambda out: gumbel_fast.gumbel_softmax(PLAIN, out=out),
    "softmax_vjp": lambda out: gumbel_fast.softmax_vjp(PLAIN, PLAIN, out=out),
    "logsumexp": lambda out: gumbel_fast.logsumexp(np.zeros((3, 2)), out=out),
    "gumbel_r.cdf": lambda out: gumbel_r.cdf(PLAIN, out=out),
}


def takers():
    return pytest.mark.parametrize("name, call", [(n.split(":")[0], c) for n, c in TAKERS.items()], ids=TAKERS)


# -------------------------------------------------------------------------------------------------------- masked arrays


@takers()
def test_masked_arrays_are_refused(name, call):
    call(np.array(PLAIN))
    for masked in MASKED, np.ma.array(PLAIN), MASKED.astype(np.float32), MASKED.astype(int), MASKED.reshape(1, 3):
        with pytest.raises(TypeError, match=rf"^{name} must not be a masked array.*pass {name}\.[^\n]*$"):
            call(masked)


@pytest.mark.parametrize("call", WRITERS.values(), ids=WRITERS)
def test_a_masked_out_is_refused_and_left(call):
    out = np.ma.array([7.0, 7.0, 7.0], mask=[0, 1, 0])
    with pytest.raises(TypeError, match=r"^out must not be a masked array.*pass out\.data$"):
        call(out)
    np.testing.assert_array_equal(out.data, 7)
    assert call(out.data) is not None


def test_masked_arrays_in_lists_and_elsewhere():
    with pytest.raises(TypeError, match="masked"):
        gumbel_fast.categorical([MASKED, MASKED])
    with pytest.raises(TypeError, match="masked"):
        gumbel_fast.softmax((np.zeros(3), MASKED))
    with pytest.raises(TypeError, match="masked"):
        gumbel_fast.gumbel(size=np.ma.array([2, 3]))
    index = np.ma.array([7, 7])
    with pytest.raises(TypeError, match="masked"):
        gumbel_fast.gumbel_max(np.zeros((2, 3)), out=index)


@pytest.mark.parametrize("dtype", [float, np.float32, int])
def test_what_the_error_advises_masks(dtype):
    logits = np.ma.array([0, 5, 0], dtype, mask=[0, 1, 0])
    with pytest.raises(TypeError) as caught:
        gumbel_fast.categorical(logits)
    advised = eval(str(caught.value).rpartition("pass ")[2], {"logits": logits, "np": np})
    assert set(gumbel_fast.categorical(advised, num_samples=1000, rng=1)) == {0, 2}


# -------------------------------------------------------------------------------------------- subclasses, DLPack, lists


class Loud(np.ndarray):
    """Whose arithmetic, reductions and indexing are not an array's."""

    def _refuse(self, *_, **__):
        raise AssertionError("a subclass reached the inside")

    __array_ufunc__ = __array_function__ = __getitem__ = __setitem__ = _refuse


@pytest.mark.parametrize("call", TAKERS.values(), ids=TAKERS)
def test_subclasses_are_plain_arrays_inside(call):
    result = call(np.array(PLAIN).view(Loud))
    for part in result if isinstance(result, tuple) else [result]:
        assert type(part) is np.ndarray or np.isscalar(part)


@pytest.mark.parametrize("call", WRITERS.values(), ids=WRITERS)
def test_an_out_of_a_subclass_is_written_as_plain(call):
    out = np.full(3, 7.0).view(Loud)
    assert call(out) is out
    assert not np.any(out.view(np.ndarray) == 7)


def test_matrices():
    """Whose product is not elementwise, and which have two axes whatever is asked of them."""
    plain = np.array([[0.0, 1.0, 2.0], [3.0, 1.0, -np.inf]])
    matrix = plain.view(np.matrix)
    for call in TAKERS["logits: gumbel_top_k"], gumbel_fast.softmax, gumbel_fast.logsumexp:
        np.testing.assert_equal(type(call(matrix)), np.ndarray)
    np.testing.assert_array_equal(gumbel_fast.softmax(matrix, axis=0), gumbel_fast.softmax(plain, axis=0))
    np.testing.assert_array_equal(gumbel_fast.categorical(matrix, rng=3), gumbel_fast.categorical(plain, rng=3))
    out = np.zeros((2, 3)).view(np.matrix)
    scale = [1.0, 2.0, 3.0]
    assert gumbel_fast.gumbel(1.0, scale, rng=3, out=out) is out
    np.testing.assert_array_equal(out, gumbel_fast.gumbel(1.0, scale, (2, 3), rng=3))


class OnlyDLPack:
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@takers()
def test_dlpack_alone_is_refused_by_its_way_in(name, call):
    wrapped = OnlyDLPack(np.array(PLAIN))
    with pytest.raises(TypeError, match=rf"^{name} must be an array, not OnlyDLPack: pass np\.from_dlpack\({name}\)$"):
        call(wrapped)
    call(np.from_dlpack(wrapped))


def test_lists_and_single_numbers():
    assert gumbel_fast.categorical([[0.0, -np.inf], [-np.inf, 0]]).tolist() == [0, 1]
    for function in gumbel_fast.categorical, gumbel_fast.softmax, gumbel_fast.logsumexp:
        with pytest.raises(np.exceptions.AxisError, match="dimension 0"):
            function(1.0)


def test_integers_beyond_2_to_the_53_are_rounded():
    """As the docs say: two that round to one float are equal, so that temperature 0 takes the first."""
    big = np.array([2**53, 2**53 + 1])
    assert gumbel_fast.categorical(big, temperature=0.0) == 0
    assert gumbel_fast.categorical(big - big.max(), temperature=0.0) == 1
    assert gumbel_fast.categorical(np.array([2**53 - 2, 2**53 - 1]), temperature=0.0) == 1


# ---------------------------------------------------------------------------------------------- copied a tile at a time

# Of rows of 20,000: several to a tile, or a part of each, by dtype; and of 3 to 70, hundreds or thousands to a tile.
SHAPES = [(60, 20_000), (30_000, 3), (5000, 70)]
ASIDE = {
    **{name: LAYOUTS[name] for name in LAYOUTS if name not in ("strided rows", "padded rows", "rows backwards")},
    "both axes strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3],
    "turned and backwards": lambda x: np.asfortranarray(x[::-1, ::-1])[::-1, ::-1],
    "padded and turned": lambda x: np.concatenate([x, x[:5]]).T.copy().T[: len(x)],
}


def calls(x):
    """Every function that reads rows, given logits (or what stands for them) and noise."""
    each = np.linspace(0.5, 2, len(x))
    yield lambda a, _: gumbel_fast.categorical(a, temperature=each, rng=1)
    yield lambda a, _: gumbel_fast.categorical(a, num_samples=3, rng=1)
    yield lambda a, _: gumbel_fast.categorical(a[:2], num_samples=10_000, rng=1)
    yield lambda a, _: gumbel_fast.categorical(a, num_samples=2, replace=False, rng=1)
    yield lambda a, _: gumbel_fast.gumbel_max(a, temperature=each, rng=1, return_value=True)
    yield lambda a, noise: gumbel_fast.gumbel_max(a, noise=noise, return_value=True)
    yield lambda a, _: gumbel_fast.gumbel_top_k(a, 2, rng=1, return_value=True)
    yield lambda a, _: gumbel_fast.gumbel_softmax(a, temperature=each, rng=1)
    yield lambda a, _: gumbel_fast.softmax(a, temperature=each)
    yield lambda a, _: gumbel_fast.log_softmax(a)
    yield lambda a, _: gumbel_fast.logsumexp(a)
    yield lambda a, noise: gumbel_fast.softmax_vjp(a, noise, temperature=each)


@pytest.mark.parametrize("dtype", [*ALL_DTYPES, np.int64, np.int8, np.uint16, np.longdouble])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiles_give_the_bits_of_a_copy(shape, dtype):
    x = some_rows(shape, masked=0)
    x = np.abs(x).astype(dtype)
    for noise_dtype in np.float32, np.float64, np.float16:
        noise = np.random.default_rng(1).normal(size=shape).astype(noise_dtype)
        expected = [call(x, noise) for call in calls(x)]
        for name, layout in ASIDE.items() if noise_dtype == np.float32 else [("Fortran order", np.asfortranarray)]:
            a, b = layout(x), layout(noise)
            for call, wanted in zip(calls(x), expected, strict=True):
                np.testing.assert_equal(call(a, b), wanted, err_msg=name)


def relaxations(x):
    noise = np.random.default_rng(1).normal(size=x.shape)
    yield lambda a, **o: gumbel_fast.softmax(a, **o)
    yield lambda a, **o: gumbel_fast.log_softmax(a, **o)
    yield lambda a, **o: gumbel_fast.gumbel_softmax(a, rng=1, **o)
    yield lambda a, **o: gumbel_fast.gumbel_softmax(a, rng=1, hard=True, **o)
    yield lambda a, **o: gumbel_fast.gumbel_softmax(a, rng=1, log=True, **o)
    if x.dtype in (np.float32, np.float64):
        yield lambda a, **o: gumbel_fast.softmax_vjp(a, noise.astype(x.dtype), **o)
        yield lambda a, **o: gumbel_fast.softmax_vjp(np.asfortranarray(noise).astype(x.dtype), a, **o)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_out_of_any_layout_and_in_place(shape, dtype):
    x = some_rows(shape, dtype)
    for call in relaxations(x):
        expected = call(x)
        for layout in (*ASIDE.values(), LAYOUTS["padded rows"], lambda a: a):
            out = np.array(expected)
            out[...] = 7
            out = layout(out)
            if not (out.flags.writeable and out.dtype == expected.dtype and type(out) is np.ndarray):
                continue
            assert call(np.asfortranarray(x), out=out) is out
            np.testing.assert_array_equal(out, expected)
            out[...] = 7
            call(x, out=out)
            np.testing.assert_array_equal(out, expected)
            if x.dtype == expected.dtype:
                out[...] = x
                call(out, out=out)
                np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_batches_of_two_axes(axis, dtype):
    """Whose rows lie in many runs of one stride each, none of which a tile need hold whole."""
    x = some_rows((37, 41, 300), dtype)
    moved = np.moveaxis(x, -1, axis)  # as rows it is contiguous; its copy is not
    there = np.ascontiguousarray(moved)
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max, gumbel_fast.logsumexp:
        options = {} if function is gumbel_fast.logsumexp else {"rng": 1}
        for workers in 1, 3:
            result = function(there, axis=axis, workers=workers, **options)
            np.testing.assert_array_equal(result, function(x, **options))
    out = np.zeros(there.shape, gumbel_fast.softmax(x).dtype)
    gumbel_fast.softmax(there, axis=axis, out=out)
    np.testing.assert_array_equal(out, np.moveaxis(gumbel_fast.softmax(x), -1, axis))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_workers_have_tiles_of_their_own(dtype, monkeypatch):
    for module in gumbel_fast._threads, gumbel_fast._sampling, gumbel_fast._shards:
        monkeypatch.setattr(module, "PIECE", 2e4)
    monkeypatch.setattr(gumbel_fast._threads, "LEAST", 500.0)
    for shape in SHAPES:
        x = some_rows(shape, dtype, masked=0)
        noise = np.random.default_rng(1).normal(size=shape).astype(np.float32)
        for call in calls(x):
            expected = call(x, noise)
            np.testing.assert_equal(call(np.asfortranarray(x), np.asfortranarray(noise)), expected)
        for call in relaxations(x):
            expected = call(x)
            out = np.zeros(shape, expected.dtype, order="F")
            np.testing.assert_array_equal(call(np.asfortranarray(x), out=out, workers=4), expected)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_broadcast_batches(dtype):
    """Of one row, of one column, and of a single number."""
    x = some_rows((1, 5000), dtype)
    for small in x, x[:, :1].repeat(30, 0), x[:1, :1]:
        broadcast = np.broadcast_to(small, (30, 5000))
        np.testing.assert_array_equal(
            gumbel_fast.categorical(broadcast, rng=1), gumbel_fast.categorical(broadcast.copy(), rng=1)
        )
        np.testing.assert_array_equal(gumbel_fast.softmax(broadcast), gumbel_fast.softmax(broadcast.copy()))


@pytest.mark.parametrize("row", [0, 29, 59])
def test_a_bad_row_in_a_later_tile_is_named(row):
    x = some_rows((60, 20_000), np.float64)
    x[row, 700] = np.nan
    x[59, 3] = np.inf
    for call in gumbel_fast.categorical, gumbel_fast.gumbel_max, lambda a: gumbel_fast.gumbel_top_k(a, 2):
        for workers in {}, {"workers": 3}:
            if workers and call.__name__ == "<lambda>":
                continue
            with pytest.raises(ValueError, match=f"row {row} has NaN"):
                call(np.asfortranarray(x), **workers)


def test_swapped_bfloat16():
    x = some_rows((5, 300), BFLOAT16)
    other = x.view(np.uint16).byteswap().view(np.dtype(ml_dtypes.bfloat16).newbyteorder(">"))
    for function in gumbel_fast.softmax, lambda a: gumbel_fast.categorical(a, rng=1):
        np.testing.assert_array_equal(function(other), function(x))


# --------------------------------------------------------------------------------------------------------------- memory


def extra_memory(call, *arrays):
    """The most bytes, of which NumPy tells, that a call holds beyond its result."""
    tracemalloc.start()
    try:
        result = call(*arrays)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return peak - getattr(result, "nbytes", 0)


MEBIBYTE = 2**20
WHOLE = {
    "turned": lambda x: np.asfortranarray(x),
    "one column": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "one row": lambda x: np.broadcast_to(x[0], x.shape),
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "swapped": lambda x: x.astype(x.dtype.newbyteorder(">")) if x.dtype != BFLOAT16 else np.asfortranarray(x),
}


@pytest.mark.limits
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("layout", WHOLE.values(), ids=WHOLE)
def test_less_than_a_mebibyte_is_copied(layout, dtype):
    """For arrays of 8 MB and more; a copy of the whole was 8 times the bound."""
    for shape in (50, 80_000), (40_000, 100):
        x = layout(some_rows(shape, dtype, masked=0))
        real = gumbel_fast.softmax(x[:1]).dtype
        for out in np.zeros(shape, real), np.zeros(shape, real, order="F"):
            for call in (
                lambda a: gumbel_fast.categorical(a, rng=1),
                lambda a: gumbel_fast.gumbel_max(a, rng=1),
                lambda a: gumbel_fast.gumbel_top_k(a, 2, rng=1),
                lambda a: gumbel_fast.categorical(a, rng=1, num_samples=2),
                lambda a, out=out: gumbel_fast.softmax(a, out=out) is None,
                lambda a, out=out: gumbel_fast.gumbel_softmax(a, out=out, rng=1) is None,
            ):
                assert extra_memory(call, x) < MEBIBYTE
    grad = np.asfortranarray(some_rows(shape, real, masked=0))
    assert extra_memory(lambda a: gumbel_fast.softmax_vjp(a, grad, out=out) is None, x) < MEBIBYTE


@pytest.mark.limits
def test_of_a_row_beyond_a_mebibyte_one_is_copied():
    x = np.asfortranarray(some_rows((4, 600_000), np.float64, masked=0))
    row = x[0].nbytes
    assert row < extra_memory(lambda a: gumbel_fast.categorical(a, rng=1), x) < row + MEBIBYTE / 16
    out = np.zeros(x.shape, order="F")
    assert extra_memory(lambda a: gumbel_fast.softmax(a, out=out) is None, x) < row + MEBIBYTE / 16


@pytest.mark.limits
def test_rows_read_in_place_are_not_copied():
    x = np.broadcast_to(some_rows((5, 1, 20_000)), (5, 400, 20_000))
    assert extra_memory(lambda a: gumbel_fast.categorical(a, rng=1), x) < MEBIBYTE / 16
