"""truncate: what the filters keep, held to the model of reference.kept, on real rows and on rows made to be hard.

Its other subjects are that function's arguments and results. What is drawn from filtered rows: test_filters.py.
"""

import functools
import itertools

import numpy as np
import pytest

import filtered
import gumbel_fast
import reference
from filtered import KINDS, LENGTHS, assert_kept, assert_truncated, bounds, made_filters, made_row, of_row
from rows import ALL_DTYPES, BFLOAT16, DTYPES, LAYOUTS, OUT_VIEWS, compute_dtype, outs_that_do_not_fit, some_rows

COUNT = 24  # sets of parameters for each row


@functools.cache
def model(kind, n, dtype, count=COUNT):
    row = made_row(kind, n, dtype, count)
    x = np.ascontiguousarray(np.broadcast_to(row, (count, n)))
    filters = made_filters(n, count)
    return x, filters, *bounds(x, **filters)


# ------------------------------------------------------------------------------------------------------ what is kept


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", LENGTHS)
def test_made_rows(n, kind, target):
    x, filters, least, most = model(kind, n, np.float32)
    assert_truncated(gumbel_fast.truncate(x, **filters), x, least, most)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, BFLOAT16])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 32, 65, 128, 1025, 4097])
def test_made_rows_of_other_dtypes(n, kind, dtype, target):
    """Of half precision, the set that the row has in float32."""
    x, filters, least, most = model(kind, n, dtype)
    result = gumbel_fast.truncate(x, **filters)
    assert_truncated(result, x, least, most)
    if dtype != np.float64:
        np.testing.assert_array_equal(result, gumbel_fast.truncate(x.astype(np.float32), **filters))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["flat", "normal", "ties", "peaked"])
def test_a_row_of_200_000(kind, dtype):
    x, filters, least, most = model(kind, 200_000, dtype, 6)
    assert_truncated(gumbel_fast.truncate(x, **filters), x, least, most)


REAL = {
    "top_k": {"top_k": [1, 2, 5, 40, 100, 1000, 20_000, 49_151]},
    "top_p": {"top_p": [0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999]},
    "top_p, rows turned": {"top_p": [0.9999, 0.999, 0.99, 0.95, 0.9, 0.8, 0.5, 0.1]},
    "top_p, warm": {"top_p": [0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 0.9999], "temperature": 2.0},
    "top_p, cool": {"top_p": 0.95, "temperature": 0.8},
    "top_p, hot": {"top_p": 0.9, "temperature": [3, 5, 10, 100, 1e3, 1e6, 1e300, np.inf]},
    "top_p, cold": {"top_p": 0.9, "temperature": [0.5, 0.1, 0.05, 0.01, 1e-3, 1e-6, 1e-300, 0]},
    "min_p": {"min_p": [1e-12, 1e-6, 1e-3, 0.01, 0.05, 0.1, 0.5, 1.0]},
    "min_p at a temperature": {"min_p": 0.05, "temperature": [0.5, 0.8, 1.2, 2, 5, 100, 1e6, np.inf]},
    "chain": {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8},
    "temperature last": {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8, "filter_temperature": 1},
    "wide chain": {"top_k": 20_000, "top_p": 0.999, "min_p": 1e-7, "temperature": 1.5},
    "top_k and top_p": {"top_k": [3, 5, 10, 20, 50, 100, 500, 5000], "top_p": 0.9},
    "top_p and min_p": {"top_p": 0.99, "min_p": [1e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1]},
}


@functools.cache
def real_model(name, rows):
    x = np.frombuffer(rows, np.float32).reshape(8, -1)
    return bounds(x, **REAL[name])


@pytest.mark.parametrize("name", REAL)
def test_real_rows(real_logits, name, target):
    least, most = real_model(name, real_logits.tobytes())
    assert_truncated(gumbel_fast.truncate(real_logits, **REAL[name]), real_logits, least, most)
    # How much of the row the excuse covers: not so much that any answer would do.
    unsettled = np.count_nonzero(most & ~least, axis=1)
    assert np.all(unsettled <= np.maximum(4, np.count_nonzero(least, axis=1) // 50))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, BFLOAT16])
@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p", "chain"])
def test_real_rows_of_other_dtypes(real_logits, name, dtype):
    x = real_logits[::3].astype(dtype)
    filters = {key: value[::3] if isinstance(value, list) else value for key, value in REAL[name].items()}
    assert_truncated(gumbel_fast.truncate(x, **filters), x, *bounds(x, **filters))


@pytest.mark.parametrize("n", [10, 33, 64, 65, 1000, 100_000])
@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_both_sides_of_a_boundary(n, dtype, target):
    """Equal logits: the mass before the j-th is (j - 1) / n, and twice the excuse on either side decides."""
    x = np.full(n, 3, dtype)
    for share in 0.2, 0.5, 0.9:
        count = round(share * n)
        above, below = count / n + 2e-6, count / n - 2e-6
        expected = np.arange(n)
        found = gumbel_fast.truncate(x, top_p=above) > -np.inf
        np.testing.assert_array_equal(found, expected < np.ceil(above * n - 1e-9))
        found = gumbel_fast.truncate(x, top_p=below) > -np.inf
        np.testing.assert_array_equal(found, expected < np.ceil(below * n - 1e-9))


@pytest.mark.parametrize("n", [5, 64, 100, 5000])
@pytest.mark.parametrize("temperature", [1.0, 0.7, 1e-3, 30.0])
@pytest.mark.parametrize("min_p", [0.05, 0.3, 1e-8])
def test_min_p_between_neighbouring_floats(n, temperature, min_p, target):
    """Logits one float32 apart around the threshold: rounded to float32 it would take or leave some of them."""
    for top in 0.0, 7.25, -30.1, 1000.0:
        middle = np.float32(np.float64(np.float32(top)) + temperature * np.log(min_p))
        step = np.spacing(np.abs(middle))
        row = (middle + step * np.arange(-(n // 2), n - n // 2, dtype=np.float64)).astype(np.float32)
        row = np.minimum(row, np.float32(top))
        row[0] = top
        x = row[np.newaxis]
        filters = {"min_p": min_p, "temperature": temperature}
        assert_truncated(gumbel_fast.truncate(x, **filters), x, *bounds(x, **filters))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [6, 64, 100, 5000])
def test_min_p_far_from_0(n, dtype, target):
    """At -1e8 and temperatures of one unit in the last place: differences count, and M + T log(min_p) is rounded."""
    unit = float(np.spacing(dtype(1e8)))
    row = (-1e8 + unit * (np.arange(n) % 6 - 3)).astype(dtype)
    z = (row.astype(np.float64) - row.max()) / unit
    for depth in 0.05, 0.4, 0.6, 0.95, 1.05, 1.4, 1.6, 2.95, 3.05:
        found = gumbel_fast.truncate(row, temperature=unit, min_p=np.exp(-depth)) > -np.inf
        np.testing.assert_array_equal(found, z >= -depth, err_msg=f"exp(-{depth})")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [6, 64, 100, 5000])
def test_min_p_that_float32_has_no_exponential_for(n, dtype, target):
    """exp(-150) is no float32 and exp(-744) hardly a double; their logarithms are numbers like others."""
    row = np.linspace(-1000, 0, n).astype(dtype)
    for min_p in 1e-40, 1e-60, 1e-200, 1e-307, 5e-324:
        x = row[np.newaxis]
        assert_truncated(gumbel_fast.truncate(x, min_p=min_p), x, *bounds(x, min_p=min_p))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [5, 64, 70, 3000])
def test_of_equals_the_first_are_kept(n, dtype, target):
    """By each filter: a level of equals is cut, and what is kept of it is where it begins."""
    row = np.where(np.arange(n) % 3 == 1, 2, np.where(np.arange(n) % 3 == 2, 0, -4)).astype(dtype)
    order = np.argsort(-row.astype(np.float64), kind="stable")
    for k in {1, 2, n // 3, n // 3 + 1, n // 2, 2 * n // 3 + 1, n - 1}:
        found = gumbel_fast.truncate(row, top_k=k) > -np.inf
        np.testing.assert_array_equal(np.flatnonzero(found), np.sort(order[:k]))
    for p in 0.123, 0.456, 0.891, 0.9345:
        x = row[np.newaxis]
        assert_truncated(gumbel_fast.truncate(x, top_p=p), x, *bounds(x, top_p=p))


@pytest.mark.parametrize("n", [4, 64, 65, 1000])
def test_zeros_of_both_signs_are_equals(n, target):
    for first, second in (0.0, -0.0), (-0.0, 0.0):
        x = np.full(n, second, np.float32)
        x[::2] = first
        for filters in {"top_k": 2}, {"top_p": 1.5 / n}, {"temperature": 0.0, "top_k": 2}:
            found = np.flatnonzero(gumbel_fast.truncate(x, **filters) > -np.inf)
            np.testing.assert_array_equal(found, [0, 1])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 5, 64, 65, 5000])
def test_temperature_0_is_the_limit(n, dtype, target):
    """Equal shares for the greatest logits and none for the others, which is what top_p and min_p see."""
    x = np.zeros((3, n), dtype)
    x[1, n // 2 :] = 1
    x[2, :-1] = -np.inf
    greatest = x == x.max(axis=1, keepdims=True)
    order = np.argsort(-x.astype(np.float64), axis=1, kind="stable")
    rank = np.argsort(order, axis=1)
    any_of = x > -np.inf
    count = np.count_nonzero(greatest, axis=1, keepdims=True)
    for name in "temperature", "filter_temperature":
        for filters, expected in (
            ({}, any_of),
            ({"top_k": 4}, any_of & (rank < 4)),
            ({"top_p": 1.0}, any_of),
            ({"top_p": 1 - 1e-9}, greatest),
            ({"top_p": 0.6}, greatest & (rank < np.ceil(0.6 * count - 1e-9))),
            ({"top_p": 0}, rank == 0),
            ({"min_p": 5e-324}, greatest),
            ({"min_p": 1.0}, greatest),
            ({"top_k": 3, "top_p": 0.9}, greatest & (rank < 3)),
            ({"top_k": 3, "top_p": 0.5, "min_p": 0.1}, greatest & (rank < np.ceil(np.minimum(count, 3) / 2))),
        ):
            found = gumbel_fast.truncate(x, **{name: 0.0}, **filters) > -np.inf
            np.testing.assert_array_equal(found, expected, err_msg=f"{name}, {filters}")
    found = gumbel_fast.truncate(x, temperature=0, filter_temperature=1.0, top_p=0.9)
    np.testing.assert_array_equal(found, gumbel_fast.truncate(x, top_p=0.9))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 5, 64, 65, 5000])
def test_what_keeps_all_and_what_keeps_one(n, dtype, target):
    x = some_rows((3, n), dtype)
    wide = x.astype(compute_dtype(dtype))
    for filters in (
        {},
        {"top_k": None, "top_p": None, "min_p": None, "filter_temperature": None, "mask": None},
        {"top_k": 0}, {"top_k": n}, {"top_k": 10**9}, {"top_k": 2**40}, {"top_p": 1}, {"top_p": 1.0}, {"top_p": np.inf},
        {"top_p": 7}, {"min_p": 0}, {"min_p": 0.0}, {"temperature": 3.0}, {"filter_temperature": 0.1},
        {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "temperature": 1e-300},
        {"top_k": n, "top_p": 1.0, "min_p": 0.0, "temperature": 1e300},
    ):  # fmt: skip
        np.testing.assert_array_equal(gumbel_fast.truncate(x, **filters), wide, err_msg=str(filters))
    first = np.arange(n) == x.astype(np.float64).argmax(axis=1)[:, np.newaxis]
    for filters in {"top_k": 1}, {"top_p": 0}, {"top_p": 5e-324}, {"top_p": 1e-12}, {"top_k": 1, "min_p": 1.0}:
        np.testing.assert_array_equal(gumbel_fast.truncate(x, **filters), np.where(first, wide, -np.inf))


def test_filters_one_after_another(real_logits):
    """top_p is of what top_k leaves, renormalised, and min_p of what both leave."""
    x = real_logits[:, :5000]
    for k, p, m in itertools.product([3, 40, 700], [0.6, 0.93], [0.02, 0.3]):
        together = gumbel_fast.truncate(x, top_k=k, top_p=p, min_p=m)
        by_k = gumbel_fast.truncate(x, top_k=k)
        by_p = gumbel_fast.truncate(by_k, top_p=p)
        np.testing.assert_array_equal(together, gumbel_fast.truncate(by_p, min_p=m))
        np.testing.assert_array_equal(gumbel_fast.truncate(x, top_k=k, top_p=p), by_p)


def test_filter_temperature_is_the_one_that_filters(real_logits):
    x = real_logits[:, :5000]
    for t in 0.3, 1.0, 4.0:
        options = {"top_k": 300, "top_p": 0.9, "min_p": 0.01}
        expected = gumbel_fast.truncate(x, temperature=t, **options)
        for other in 0.1, 1.0, 9.0:
            result = gumbel_fast.truncate(x, temperature=other, filter_temperature=t, **options)
            np.testing.assert_array_equal(result, expected)


def test_checks_of_this_file_notice_one_element(real_logits):
    """A row with one element more or fewer than it should have fails, as does one that is cut out of order."""
    x = real_logits[5:6]
    least, most = bounds(x, top_p=0.9)
    found = least.copy()
    assert_kept(found, x, least, most)
    order = np.argsort(-x[0], kind="stable")
    count = np.count_nonzero(found)
    for wrong in order[: count - 1], order[: np.count_nonzero(most) + 1], np.append(order[: count - 1], order[count]):
        other = np.zeros_like(found)
        other[0, wrong] = True
        with pytest.raises(AssertionError):
            assert_kept(other, x, least, most)


# --------------------------------------------------------------------------------------- what a row's result depends on


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("kind", ["normal", "ties", "far"])
@pytest.mark.parametrize("n", [5, 64, 65, 300, 4097])
def test_parameters_of_rows_are_those_of_single_rows(n, kind, dtype):
    """In any order of the rows, and whatever the other rows ask for."""
    x, filters, _, _ = model(kind, n, dtype)
    result = gumbel_fast.truncate(x, **filters)
    for row in range(0, COUNT, 3):
        np.testing.assert_array_equal(gumbel_fast.truncate(x[row], **of_row(filters, row)), result[row])
    order = np.random.default_rng(1).permutation(COUNT)
    turned = {name: value[order] for name, value in filters.items()}
    np.testing.assert_array_equal(gumbel_fast.truncate(x[order], **turned), result[order])


def test_parameters_broadcast_to_the_batch():
    x = some_rows((4, 5, 300), masked=0)
    k, p = np.array([[3], [10], [0], [100]]), np.array([0.3, 0.5, 0.9, 0.99, 1.0])
    result = gumbel_fast.truncate(x, top_k=k, top_p=p, min_p=[0.01], temperature=2)
    for row, column in itertools.product(range(4), range(5)):
        alone = gumbel_fast.truncate(x[row, column], top_k=k[row, 0], top_p=p[column], min_p=0.01, temperature=2)
        np.testing.assert_array_equal(result[row, column], alone)


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.int32, np.uint64])
def test_top_k_of_every_kind_of_integer(kind):
    x = some_rows((3, 100), masked=0)
    expected = gumbel_fast.truncate(x, top_k=7)
    np.testing.assert_array_equal(gumbel_fast.truncate(x, top_k=kind(7)), expected)
    np.testing.assert_array_equal(gumbel_fast.truncate(x, top_k=np.full(3, 7, kind)), expected)
    np.testing.assert_array_equal(gumbel_fast.truncate(x, top_k=[7, 7, 7]), expected)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axes(axis):
    x = some_rows((4, 5, 70), masked=0)
    p = np.linspace(0.3, 1, 20).reshape(4, 5)
    expected = gumbel_fast.truncate(x, top_p=p, top_k=30)
    moved = np.moveaxis(x, -1, axis)
    for there in moved, np.ascontiguousarray(moved):
        result = gumbel_fast.truncate(there, axis=axis, top_p=p, top_k=30)
        np.testing.assert_array_equal(result, np.moveaxis(expected, -1, axis))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_and_workers(layout, dtype):
    for shape in (3, 7), (40, 300), (3, 5000):
        x = some_rows(shape, dtype)
        options = {"top_k": 20, "top_p": 0.9, "min_p": 0.01}
        expected = gumbel_fast.truncate(x, **options)
        for workers in 1, 2, 3:
            result = gumbel_fast.truncate(layout(x), workers=workers, **options)
            np.testing.assert_array_equal(result, expected)
            assert type(result) is np.ndarray


def test_lists_integers_and_single_rows():
    result = gumbel_fast.truncate([3, 1, 2, 0], top_k=2)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, [3, -np.inf, 2, -np.inf])
    np.testing.assert_array_equal(gumbel_fast.truncate(np.array([3, 1], np.int8), min_p=1.0), [3, -np.inf])
    for shape in (0, 5), (2, 0, 7):
        assert gumbel_fast.truncate(np.zeros(shape), top_k=3, top_p=0.5).shape == shape


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("view", OUT_VIEWS.values(), ids=OUT_VIEWS)
def test_out(view, dtype):
    x = some_rows((6, 90), dtype)
    options = {"top_k": 20, "top_p": 0.9}
    expected = gumbel_fast.truncate(x, **options)
    out = view(np.full(x.shape, 7, compute_dtype(dtype)))
    assert gumbel_fast.truncate(x, out=out, **options) is out
    np.testing.assert_array_equal(out, expected)
    if x.dtype == out.dtype:
        out[...] = x
        assert gumbel_fast.truncate(out, out=out, **options) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_that_does_not_fit(dtype):
    x = some_rows((6, 90), dtype)
    for out in outs_that_do_not_fit(x.shape, dtype):
        before = out.copy()
        with pytest.raises(ValueError, match="out"):
            gumbel_fast.truncate(x, top_k=3, out=out)
        np.testing.assert_array_equal(out, before)
    shared = np.zeros((7, 90), dtype)
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.truncate(shared[:-1], top_k=3, out=shared[1:])


@pytest.mark.parametrize("n", [6, 64, 65, 5000])
def test_the_input_is_left_as_it_was(n):
    x = some_rows((4, n))
    before = x.copy()
    result = gumbel_fast.truncate(x)
    assert not np.shares_memory(result, x)
    gumbel_fast.truncate(x, top_k=2, top_p=0.5, min_p=0.1)
    np.testing.assert_array_equal(x, before)


def test_the_model_by_hand():
    """The model that all this is held to, on a row whose masses are powers of two."""
    row = np.log([1, 8, 4, 2, 1])
    for filters, expected in (
        ({"top_k": 2}, [1, 2]),
        ({"top_k": 4}, [0, 1, 2, 3]),  # of the equals at either end, the first
        ({"top_p": 0.49}, [1]),
        ({"top_p": 0.51}, [1, 2]),
        ({"top_p": 0.74}, [1, 2]),
        ({"top_p": 0.76}, [1, 2, 3]),
        ({"top_k": 2, "top_p": 0.66}, [1]),  # 8 of 12
        ({"top_k": 2, "top_p": 0.67}, [1, 2]),
        ({"min_p": 0.24}, [1, 2, 3]),
        ({"min_p": 0.26}, [1, 2]),
        ({"min_p": 0.26, "temperature": 2.0}, [0, 1, 2, 3, 4]),
        ({"min_p": 0.26, "temperature": 2.0, "filter_temperature": 1.0}, [1, 2]),
        ({"mask": [True, False, True, True, True], "top_p": 0.51}, [2, 3]),
    ):
        assert np.flatnonzero(reference.kept(row, **filters)).tolist() == expected
    assert filtered.law(row, top_k=2)[0] == pytest.approx([0, 2 / 3, 1 / 3, 0, 0])
