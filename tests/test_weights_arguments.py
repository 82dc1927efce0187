"""weights in place of logits: what may be passed, what is refused and how it is named, and what a draw depends on.

Bits do not depend on the layout, the batch, the number of threads or the SIMD target. That the draws follow the
weights is test_weights.py's subject.
"""

import contextlib
import platform
import sys
import time

import numpy as np
import pytest

import gumbel_fast
from gumbel_fast import _core
from ragged import ORDERS, assert_bits, assert_rows_alone, bounds_of, of_row, some_streams
from rows import ALL_DTYPES, BFLOAT16, DTYPES, LAYOUTS, NO_NUMBERS, NO_TEMPERATURES, compute_dtype
from test_hostile import MODES, between_pages, changing, mode, repeating
from test_masks import KINDS as MASKS
from weighted import CALLS, HUGE, TINY, some_weights

LENGTHS = [1, 2, 6, 16, 33, 64, 65, 127, 128, 129, 300, 4096, 4097]
WANTED = {"few distinct draws": 3, "many distinct draws": 150, "distinct draws, chain": 3, "gumbel_top_k of 5": 5}
FEW = {"rng": 5, "allow_fewer": True}


# --------------------------------------------------------------------------------------------- what a draw depends on


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("n", LENGTHS)
def test_rows_do_not_know_their_batch_mates(n, name):
    """A row's draws are those of the seed, its number, its weights and its own parameters."""
    for dtype in ALL_DTYPES:
        w = some_weights((20, n), dtype)
        temperature = np.resize([1.0, 0.5, 0.0, 3.0, np.inf], 20)
        for options in {}, {"temperature": temperature}:
            whole = CALLS[name](w, **FEW, **options)
            for row in range(0, 20, 3):
                own = {"temperature": temperature[row]} if options else {}
                alone = CALLS[name](w[row], offset=(row, 0), **FEW, **own)
                assert_bits(of_row(whole, row), alone, f"row {row}, {w.dtype}")
        part = CALLS[name](w[7:], offset=(7, 0), **FEW)
        assert_bits(part, of_row(CALLS[name](w, **FEW), slice(7, None)))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, name):
    for dtype in ALL_DTYPES:
        for n in 30, 300:
            w = some_weights((20, n), dtype)
            assert_bits(CALLS[name](LAYOUTS[layout](w), **FEW), CALLS[name](w, **FEW))


@pytest.mark.parametrize("name", CALLS)
def test_dtypes_of_equal_value(name):
    """Half precision is computed in float32, integers and lists in float64."""
    for n in 5, 65, 300, 5000:
        w = np.random.default_rng(n).integers(0, 9, (6, n))
        w[:, 0] = 3
        expected = CALLS[name](w.astype(np.float64), **FEW)
        for kind in np.int8, np.uint16, np.int64, np.uint64, ">i4":
            assert_bits(CALLS[name](w.astype(kind), **FEW), expected)
        assert_bits(CALLS[name](w.tolist(), **FEW), expected)
        assert_bits(CALLS[name](w > 3, **FEW), CALLS[name]((w > 3) * 1.0, **FEW))
        expected = CALLS[name](w.astype(np.float32), **FEW)
        for kind in np.float16, BFLOAT16:
            assert_bits(CALLS[name](w.astype(kind), **FEW), expected)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axes_and_batches(axis, name):
    for n in 20, 200:
        w = some_weights((3, 4, n), np.float32)
        expected = CALLS[name](w.reshape(12, n), **FEW)
        moved = np.moveaxis(w, -1, axis)
        for there in moved, np.ascontiguousarray(moved):
            found = CALLS[name](there, axis=axis, **FEW)
            found = tuple(v.reshape(12, *v.shape[2:]) for v in (found if isinstance(found, tuple) else (found,)))
            assert_bits(found, expected)
    one = CALLS[name](w[0, 0], **FEW)
    for part, whole in zip(*(v if isinstance(v, tuple) else (v,) for v in (one, expected)), strict=True):
        assert np.shape(part) == whole.shape[1:]
        if part.ndim == 0:
            assert type(part) is whole.dtype.type


@pytest.mark.parametrize("name", CALLS)
def test_workers_and_row_streams(name):
    seeds, positions = some_streams(40)
    for n in 20, 300, 5000:
        w = some_weights((40, n), np.float32)
        expected = CALLS[name](w, **FEW)
        streams = {"rng": gumbel_fast.RowStreams(seeds, positions), "allow_fewer": True}
        by_stream = CALLS[name](w, **streams)
        for workers in 2, 3, -1:
            assert_bits(CALLS[name](w, workers=workers, **FEW), expected)
            assert_bits(CALLS[name](w, workers=workers, **streams), by_stream)
        for row in 0, 3, 4, 39:
            own = {"rng": int(seeds[row]), "offset": (int(positions[row]), 0), "allow_fewer": True}
            assert_bits(of_row(by_stream, row), CALLS[name](w[row], **own))


@pytest.mark.parametrize("name", CALLS)
def test_long_rows_on_workers(name):
    n = 300_000 if "many draws" in name else 2_000_000
    for dtype in DTYPES:
        w = some_weights((2, n), dtype)
        expected = CALLS[name](w, **FEW)
        for workers in 2, 3:
            assert_bits(CALLS[name](w, workers=workers, **FEW), expected)


def test_a_long_row_whose_weights_lie_in_one_place():
    w = np.zeros(2_000_000)
    w[700_000:720_000] = np.arange(20_000)
    expected = gumbel_fast.gumbel_top_k(weights=w, k=9000, return_value=True, rng=1)
    for workers in 2, 3:
        found = gumbel_fast.gumbel_top_k(weights=w, k=9000, return_value=True, rng=1, workers=workers)
        assert_bits(found, expected)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_on_each_target(dtype, name, target):
    """The scalar target's bits, at every temperature and for the least and greatest weights."""
    calls = []
    for n in 5, 16, 33, 64, 65, 128, 129, 300, 4097:
        w = some_weights((4, n), dtype)
        w[1] *= dtype(2.0**-12)
        w[2] = np.nextafter(dtype(0), dtype(1)) * dtype(3)
        w[3] = np.minimum(w[3], dtype(2)) * dtype(np.finfo(np.float16).max / 4 if dtype == np.float16 else 1e38)
        calls += [(w, t) for t in (1.0, 0.3, 2.0, np.array([1e-3, 1e300, np.inf, 0.0]))]
    found = [CALLS[name](w, temperature=t, **FEW) for w, t in calls]
    _core.use_target("scalar")  # the fixture sets back what was
    for (w, t), result in zip(calls, found, strict=True):
        assert_bits(result, CALLS[name](w, temperature=t, **FEW))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", MASKS)
def test_masks_are_zeros(kind, name):
    """Whatever stands there, be it no weight at all."""
    for n in 5, 64, 65, 129, 300, 4097:
        dtype = ALL_DTYPES[n % 4]
        w = some_weights((5, n), dtype, zeros=0)
        mask = np.random.default_rng(n).random(w.shape) < 0.6
        mask[:, n // 2] = True
        plain = np.where(mask, w, dtype(0))
        expected = CALLS[name](plain, **FEW)
        w[~mask] = np.resize(np.array([np.nan, -1, np.inf, 7, -np.inf], dtype), np.count_nonzero(~mask))
        assert_bits(CALLS[name](w, mask=MASKS[kind](mask), **FEW), expected)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("low", [1e-6, 1e-20, 1e-37, "least"])
@pytest.mark.parametrize("n", [60, 129, 300, 5000, 20_000])
def test_masked_weights_are_never_drawn(n, low, name):
    """However small those that are allowed are beside them, and whatever the temperature: a few, in all of the row."""
    mask = np.arange(n) % 29 == 5
    words = np.packbits(np.pad(mask, (0, -n % 32)), bitorder="little").view(np.uint32)
    for dtype in ALL_DTYPES:
        least = np.nextafter(dtype(0), dtype(1))
        small = least if low == "least" else max(dtype(low), least)
        for masked in 1.0, HUGE[dtype], np.inf:
            w = np.where(mask, small, dtype(masked))
            for temperature in 1.0, 0.5, 3.0, 10.0:
                options = {"temperature": temperature, **FEW}
                if name.startswith("gumbel_top_k"):
                    options["floor"] = None if n == 5000 else -3.0 + np.log(float(small)) / temperature
                expected = CALLS[name](np.where(mask, w, dtype(0)), **options)
                assert_bits(CALLS[name](w, mask=mask, **options), expected)
                assert_bits(CALLS[name](w, mask=words, **options), expected)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("order", ["mixed", "runs"])
def test_ragged_rows(order, name):
    """Each is that row alone, as rows of logits are; what lies in no row is not looked at."""
    indptr = bounds_of(ORDERS[order], 3)
    for dtype in ALL_DTYPES:
        w = some_weights(indptr[-1] + 4, dtype)
        w[:3], w[indptr[-1] :] = np.nan, -1
        rows = len(indptr) - 1
        functions = {name: CALLS[name]}
        assert_rows_alone(name, w, indptr, functions=functions, **FEW)
        temperature = np.resize([1.0, 0.5, 0.0, 3.0], rows)
        mask = np.random.default_rng(1).random(w.size) < 0.8
        assert_rows_alone(name, w, indptr, functions=functions, temperature=temperature, mask=mask, **FEW)
        expected = assert_rows_alone(
            name, w, indptr, functions=functions, rng=some_streams(rows), allow_fewer=True, offset=(0, 0)
        )
        streams = gumbel_fast.RowStreams(*some_streams(rows))
        assert_bits(CALLS[name](w, indptr=indptr, rng=streams, allow_fewer=True, workers=3), expected)


@pytest.mark.parametrize("name", [n for n in CALLS if n.startswith("gumbel_top_k")])
def test_floor(name):
    for n in 5, 65, 300:
        w = some_weights((9, n), np.float64)
        for floor in -1.0, 2.0, np.linspace(-3, 5, 9), np.inf:
            index, value = CALLS[name](w, **FEW)
            above = value > np.reshape(floor, (-1, 1))
            expected = np.where(above, index, -1), np.where(above, value, -np.inf)
            assert_bits(CALLS[name](w, floor=floor, **FEW), expected)


def test_out():
    w = some_weights((6, 200), np.float32)
    for call in {}, {"num_samples": 3}, {"num_samples": 500}, {"num_samples": 2, "replace": False}:
        expected = gumbel_fast.categorical(weights=w, rng=1, **call)
        out = np.full(expected.shape, -7)
        assert gumbel_fast.categorical(weights=w, rng=1, out=out, **call) is out
        np.testing.assert_array_equal(out, expected)
        result = gumbel_fast.categorical(weights=w, rng=1, out=out, return_log_prob=True, **call)
        assert result[0] is out
    memory = w.astype(np.float64)
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.categorical(weights=memory, rng=1, out=memory.view(np.int64)[:, 3])


def test_weights_are_left_as_they_are():
    w = some_weights((6, 200), np.float32)
    before = w.copy()
    for call in CALLS.values():
        call(w, **FEW)
    assert_bits(w, before)


@pytest.mark.thread_unsafe
@pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="MXCSR by glibc",
)
@pytest.mark.parametrize("name", MODES)
def test_bits_do_not_depend_on_the_mode_found(name, target):
    """Subnormal weights are weights where another library flushes them, and logarithms are rounded as ever."""
    for dtype in DTYPES:
        for n in 60, 300, 5000:
            w = some_weights((5, n), dtype)
            w[1] = np.arange(n) % 5 * TINY[dtype]
            for what, call in CALLS.items():
                for workers in 1, 2:
                    expected = call(w, workers=workers, **FEW)
                    with mode(MODES[name]):
                        found = call(w, workers=workers, **FEW)
                    assert_bits(found, expected, what)


# -------------------------------------------------------------------------------------------------- what is refused


def bad_numbers(dtype):
    if np.dtype(dtype).kind == "i":
        return {-1: "negative", -100: "negative"}
    tiny = -np.nextafter(dtype(0), dtype(1))
    return {-1.0: "negative", tiny: "negative", np.nan: "NaN", -np.nan: "NaN", np.inf: "inf", -np.inf: "negative|inf"}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("n", [1, 6, 16, 64, 65, 128, 129, 300, 4097])
def test_what_is_no_weight_is_named(n, name):
    """The first row that has one, and which it is, wherever in the row it stands and whatever else is allowed."""
    for dtype in [*ALL_DTYPES, np.int64]:
        w = some_weights((20, n), np.float64, zeros=0)
        w = np.ceil(w).astype(dtype) if dtype == np.int64 else w.astype(dtype)
        for bad, what in bad_numbers(dtype).items():
            for place in {0, n // 2, n - 1}:
                wrong = w.copy()
                wrong[13, place] = wrong[17, 0] = bad
                for options in FEW, {"rng": 1, "workers": 2, "allow_fewer": True}:
                    with pytest.raises(ValueError, match=rf"^weights: row 13\b.*({what})"):
                        CALLS[name](wrong, **options)
                with pytest.raises(ValueError, match=r"^weights: row 0\b"):
                    CALLS[name](wrong[13], **FEW)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("temperature", [1e-300, 1e-3, 1e300, np.inf, 0.0])
def test_what_is_no_weight_is_seen_at_every_temperature(temperature, name):
    for n in 6, 100, 300, 5000:
        for bad in -1.0, -5e-324, np.nan, np.inf, -np.inf:
            w = some_weights((4, n), np.float64)
            w[2, n // 2] = bad
            with pytest.raises(ValueError, match=r"^weights: row 2\b"):
                CALLS[name](w, temperature=temperature, **FEW)


@pytest.mark.parametrize("name", CALLS)
def test_of_two_faults_the_first_row_is_named(name):
    """A row of zeros before one that is negative, and the other way round."""
    for n in 200, 4500:
        w = some_weights((9, n), np.float32, zeros=0)
        w[3] = 0
        w[5, 7] = -1
        with pytest.raises(ValueError, match=r"row 3\b"):
            CALLS[name](w, rng=1)
        with pytest.raises(ValueError, match=r"weights: row 5\b"):
            CALLS[name](w, **FEW)
        w[2, 9] = -1
        with pytest.raises(ValueError, match=r"^weights: row 2\b"):
            CALLS[name](w, rng=1)
        w[7] = 0
        w[5, 7] = w[2, 9] = 1
        w[3] = 1
        with pytest.raises(ValueError, match=r"row 7\b"):
            CALLS[name](w, rng=1)


@pytest.mark.parametrize("name", CALLS)
def test_bad_ragged_rows_are_named(name):
    lengths = [300, 4100, 200, 160, 300, 151]
    indptr = bounds_of(lengths)
    for row in range(6):
        w = some_weights(indptr[-1], np.float32, zeros=0)
        w[indptr[row + 1] - 1 :] = -1
        with pytest.raises(ValueError, match=rf"^weights: row {row}\b"):
            CALLS[name](w, indptr=indptr, rng=1)
        w[indptr[row] : indptr[row + 1]] = 0
        with pytest.raises(ValueError, match=rf"row {row}\b"):
            CALLS[name](w, indptr=indptr, rng=1)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("n", [5, 64, 65, 129, 300, 4097])
def test_rows_of_zeros(n, name):
    """Of both signs: nothing to draw from, as a row of -inf; with leave, -1 and -inf."""
    for dtype in ALL_DTYPES:
        w = some_weights((9, n), dtype, zeros=0)
        w[6] = np.resize([0.0, -0.0], n)
        w[8] = 0
        if n >= WANTED.get(name, 1) and "chain" not in name:
            with pytest.raises(ValueError, match=r"row 6\b"):
                CALLS[name](w, rng=1)
        result = CALLS[name](w, **FEW)
        index, *others = result if isinstance(result, tuple) else (result,)
        assert np.all(index[[6, 8]] == -1)
        for other in others:
            assert np.all(other[[6, 8]] == -np.inf)
        first = index.reshape(9, -1)[:, 0]
        np.testing.assert_array_equal(first == -1, np.isin(np.arange(9), [6, 8]))


@pytest.mark.parametrize("name", WANTED)
def test_fewer_than_are_wanted(name):
    """What is not 0 is counted; with leave, all of that is drawn."""
    wanted = WANTED[name]
    for n in 200, 4500:
        w = np.zeros((6, n), np.float32)
        w[:, :wanted] = 1
        if "chain" not in name:
            assert np.shape(CALLS[name](w, rng=1)[0])[-1] == wanted
        w[4, 0] = -0.0
        with pytest.raises(ValueError, match=r"row 4\b"):
            CALLS[name](w, rng=1)
        result = CALLS[name](w, **FEW)
        index = result[0] if isinstance(result, tuple) else result
        np.testing.assert_array_equal(np.sort(index[4]), [-1, *range(1, wanted)])


@pytest.mark.parametrize("samples", [1, 3, 5000, 100_000])
def test_errors_leave_out_as_it_was(samples):
    """Also where draws are too many to be made aside."""
    for n in 6, 300, 4500:
        w = some_weights((50, n), np.float32, zeros=0)
        for bad in np.nan, -1, np.inf:
            w[43, n // 2] = bad
            for replace in (True, False) if samples <= 5 and n > 6 else (True,):
                out = np.full((50, samples), 7)
                for workers in 1, 2:
                    with pytest.raises(ValueError, match=r"^weights: row 43\b"):
                        gumbel_fast.categorical(
                            weights=w, num_samples=samples, replace=replace, rng=1, out=out, workers=workers
                        )
                    assert np.all(out == 7)


def test_exactly_one_of_logits_and_weights():
    x = np.ones((2, 3))
    for call in (
        lambda: gumbel_fast.categorical(),
        lambda: gumbel_fast.categorical(None),
        lambda: gumbel_fast.categorical(weights=None),
        lambda: gumbel_fast.categorical(rng=1, temperature=0.5),
        lambda: gumbel_fast.categorical(x, weights=x),
        lambda: gumbel_fast.categorical(logits=x, weights=x, num_samples=3),
        lambda: gumbel_fast.gumbel_top_k(k=2),
        lambda: gumbel_fast.gumbel_top_k(None, 2),
        lambda: gumbel_fast.gumbel_top_k(x, 2, weights=x),
    ):
        with pytest.raises(TypeError, match="weights"):
            call()
    for call in (
        lambda: gumbel_fast.gumbel_top_k(x),
        lambda: gumbel_fast.gumbel_top_k(weights=x),
        lambda: gumbel_fast.gumbel_top_k(x, None),
        lambda: gumbel_fast.gumbel_top_k(),
    ):
        with pytest.raises(TypeError):
            call()
    for k in 1.5, "1", [1]:
        with pytest.raises(TypeError):
            gumbel_fast.gumbel_top_k(weights=x, k=k)
    expected = gumbel_fast.gumbel_top_k(weights=x, k=2, rng=1)
    np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(None, 2, weights=x, rng=1), expected)
    np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(None, k=2, weights=x, rng=1), expected)
    expected = gumbel_fast.categorical(weights=x, rng=1)
    np.testing.assert_array_equal(gumbel_fast.categorical(None, weights=x, rng=1), expected)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_array_of_numbers(name):
    for w in NO_NUMBERS:
        with pytest.raises(TypeError, match="weights"):
            CALLS[name](w, **FEW)
    for masked in np.ma.array(np.ones(5)), np.ma.array([1, 2, 3], mask=[0, 1, 0]):
        with pytest.raises(TypeError, match=r"^weights must not be a masked array.*pass weights\."):
            CALLS[name](masked, **FEW)
    with pytest.raises(ValueError, match="axis"):
        CALLS[name](np.ones((2, 3)), axis=2, **FEW)
    with pytest.raises(ValueError, match=r"2\*\*34"):
        CALLS[name](np.broadcast_to(np.float32(1), (2**34 + 1,)), **FEW)


@pytest.mark.parametrize("name", CALLS)
def test_other_arguments(name):
    w = np.ones((3, 200))
    for temperature in NO_TEMPERATURES:
        with pytest.raises(ValueError, match="temperature"):
            CALLS[name](w, temperature=temperature, **FEW)
    with pytest.raises(ValueError, match="temperature"):
        CALLS[name](w, temperature=np.ones(2), **FEW)
    for mask, error in (np.ones((3, 199), bool), ValueError), (np.ones((3, 200)), TypeError):
        with pytest.raises(error, match="mask"):
            CALLS[name](w, mask=mask, **FEW)
    with pytest.raises(ValueError, match="workers"):
        CALLS[name](w, workers=0, **FEW)
    with pytest.raises(ValueError, match="offset"):
        CALLS[name](w, offset=(-1, 0), **FEW)
    with pytest.raises(ValueError, match="indptr"):
        CALLS[name](w, indptr=[0, 3], **FEW)
    with pytest.raises(ValueError, match="indptr"):
        CALLS[name](w[0], indptr=[0, 201], **FEW)


@pytest.mark.parametrize("name", CALLS)
def test_no_categories_and_no_rows(name):
    for shape in (0,), (3, 0):
        with pytest.raises(ValueError, match="categor"):
            CALLS[name](np.zeros(shape), rng=1)
        result = CALLS[name](np.zeros(shape), **FEW)
        index = result[0] if isinstance(result, tuple) else result
        assert np.all(index == -1)
    full, none = CALLS[name](np.ones((2, 300)), **FEW), CALLS[name](np.ones((0, 300)), **FEW)
    for part, whole in zip(*(v if isinstance(v, tuple) else (v,) for v in (none, full)), strict=True):
        assert part.shape == (0, *whole.shape[1:])
        assert part.dtype == whole.dtype


def test_no_samples():
    """No row is read."""
    w = np.full((3, 5), -1.0)
    assert gumbel_fast.categorical(weights=w, num_samples=0, rng=1).shape == (3, 0)
    assert gumbel_fast.categorical(weights=w, num_samples=0, replace=False, rng=1).shape == (3, 0)
    assert gumbel_fast.gumbel_top_k(weights=w, k=0, rng=1).shape == (3, 0)


@pytest.mark.parametrize("name", CALLS)
def test_log_probs_have_the_dtype_that_is_computed_in(name):
    for dtype in [*ALL_DTYPES, np.int64]:
        result = CALLS[name](np.ones((3, 200), dtype), **FEW)
        if isinstance(result, tuple):
            expected = np.float64 if "top_k of" in name else compute_dtype(dtype) if dtype != np.int64 else np.float64
            assert result[1].dtype == expected
            assert result[0].dtype == np.int64


# --------------------------------------------------------------------------------------------- memory and other threads


@pytest.mark.skipif(sys.platform != "linux", reason="pages that may not be read are made by mprotect")
@pytest.mark.parametrize("n", [1, 5, 16, 17, 33, 64, 65, 127, 129, 300, 4097])
def test_nothing_is_read_beyond_weights(n, target):
    """Of arrays that lie against a page that may not be read: a read of one byte more is a crash."""
    for dtype in ALL_DTYPES:
        w = some_weights((3, n), dtype)
        with between_pages(w) as copies:
            for copy in copies:
                copy[...] = w
                for call in CALLS.values():
                    assert_bits(call(copy, **FEW), call(w, **FEW))


@pytest.mark.parametrize("filling", [(1.0, 0.0), (1.0, 1e30), (1.0, -1.0), (1.0, np.nan), (1e-30, np.inf)], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_weights_that_another_thread_changes(name, filling):
    """Any category of the row or an error; never a crash, an end that does not come, or an index beyond the row."""
    for rows, n in (100, 90), (4, 5000):
        dtype = DTYPES[rows % 3 % 2]
        w = np.ones((rows, n), dtype)
        with changing(w, *filling, dtype):
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                try:
                    result = CALLS[name](w, **FEW)
                except ValueError as error:
                    assert "row" in str(error)  # noqa: PT017 - either outcome is right
                else:
                    index = result[0] if isinstance(result, tuple) else result
                    assert np.all((index >= -1) & (index < n))


def test_weights_that_turn_negative_between_two_reads(target):
    """The table of many draws is made of what is read a second time. A weight below 0 there was an index of 2^32."""
    w = np.ones((1, 20_000), np.float32)
    some = w[:, 7::13]

    def change():
        some[...] = -1
        some[...] = 1

    with repeating(change):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            with contextlib.suppress(ValueError):
                index = gumbel_fast.categorical(weights=w, num_samples=50_000)
                assert np.all((index >= 0) & (index < w.size))
