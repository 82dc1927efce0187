"""allow_fewer: a row with fewer categories than are wanted gives those it has, then -1 with value or log-prob -inf.

Rows that have enough are drawn as ever, and what is wrong for other reasons is as wrong as ever.
"""

import numpy as np
import pytest

import gumbel_fast
from rows import ALL_DTYPES, DTYPES, compute_dtype, some_rows
from statistical import assert_count, assert_draws_follow
from test_without_replacement import numbered, outcomes

LENGTHS = [1, 2, 5, 33, 64, 65, 200, 1025, 4097]


def sparse_rows(n, dtype, rows=12):
    """Rows with 0, 1, 2, 3, ... categories that are not -inf, as far as they go, at places all over them."""
    x = np.full((rows, n), -np.inf)
    have = np.minimum(np.arange(rows), n)
    for row in range(rows):
        places = np.random.default_rng([row, n]).permutation(n)[: have[row]]
        x[row, places] = np.random.default_rng(row).normal(0, 1, have[row])
    return x.astype(dtype), have


def assert_padded(indices, have, x, values=None):
    """So many different categories of each row that it has, and then nothing."""
    for row, count in enumerate(have):
        wanted = min(count, indices.shape[1])
        drawn = indices[row, :wanted]
        assert np.unique(drawn).size == wanted
        assert np.all((drawn >= 0) & (x[row, drawn] > -np.inf))
        assert np.all(indices[row, wanted:] == -1)
        if values is not None:
            assert np.isfinite(values[row, :wanted]).all()
            assert np.all(values[row, wanted:] == -np.inf)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_rows_with_nothing(n, dtype, target):
    """One draw or several with replacement want one category: a row without any gives -1."""
    x, have = sparse_rows(n, dtype)
    for options in {}, {"temperature": 0}, {"temperature": np.inf}, {"top_k": 2}, {"top_p": 0.5}, {"min_p": 0.5}:
        for call in {}, {"num_samples": 3}, {"num_samples": 300}:
            draws = gumbel_fast.categorical(x, rng=1, allow_fewer=True, **call, **options)
            assert draws.dtype == np.int64
            assert np.all(draws[0] == -1)
            expected = gumbel_fast.categorical(x[1:], rng=1, offset=(1, 0), **call, **options)
            np.testing.assert_array_equal(draws[1:], expected)
            found, logs = gumbel_fast.categorical(x, rng=1, allow_fewer=True, return_log_prob=True, **call, **options)
            np.testing.assert_array_equal(found, draws)
            assert np.all(logs[0] == -np.inf)
            assert np.isfinite(logs[1:]).all()
            assert logs.dtype == compute_dtype(dtype)
            alone = gumbel_fast.categorical(x[0], rng=1, allow_fewer=True, **call, **options)
            np.testing.assert_array_equal(alone, draws[0])
        draws, values = gumbel_fast.gumbel_max(
            x, rng=1, allow_fewer=True, return_value=True, temperature=options.get("temperature", 1)
        )
        assert (draws[0], values[0]) == (-1, -np.inf)
        assert values.dtype == np.float64
        rest = gumbel_fast.gumbel_max(
            x[1:], rng=1, offset=(1, 0), return_value=True, temperature=options.get("temperature", 1)
        )
        np.testing.assert_equal((draws[1:], values[1:]), rest)
    assert np.count_nonzero(have == 0) == 1


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_fewer_than_are_wanted(n, dtype, target):
    """gumbel_top_k, and draws without replacement by each of their methods."""
    x, have = sparse_rows(n, dtype)
    for k in {1, 2, 5, 8, n, n + 3}:
        for temperature in 1.0, 0.5, np.inf, 0.0:
            index, value = gumbel_fast.gumbel_top_k(
                x, k, rng=3, allow_fewer=True, return_value=True, temperature=temperature
            )
            assert index.shape == value.shape == (12, k)
            assert_padded(index, have, x, value)
            np.testing.assert_array_equal(
                gumbel_fast.gumbel_top_k(x, k, rng=3, allow_fewer=True, temperature=temperature), index
            )
            draws = gumbel_fast.categorical(
                x, num_samples=k, replace=False, rng=3, allow_fewer=True, temperature=temperature
            )
            assert draws.shape == (12, k)
            assert_padded(draws, have, x)
            enough = have >= k
            if enough.any():
                first = int(np.argmax(enough))  # those from here on have enough
                expected = gumbel_fast.categorical(
                    x[first:], num_samples=k, replace=False, rng=3, offset=(first, 0), temperature=temperature
                )
                np.testing.assert_array_equal(draws[first:], expected)
                np.testing.assert_array_equal(
                    gumbel_fast.gumbel_top_k(x[first:], k, rng=3, offset=(first, 0), temperature=temperature),
                    index[first:],
                )
        for row in range(12):  # the order is that of the noise, however many are wanted
            all_of_it = gumbel_fast.gumbel_top_k(x[row], have[row], rng=3, offset=(row, 0), allow_fewer=True)
            index = gumbel_fast.gumbel_top_k(x[row], k, rng=3, offset=(row, 0), allow_fewer=True)
            wanted = min(k, have[row])
            np.testing.assert_array_equal(index[:wanted], all_of_it[:wanted])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [12, 65, 200, 4097])
def test_of_what_filters_leave(n, dtype):
    """Fewer than are wanted because a filter or a mask took them; log-probs of the others as ever."""
    x = some_rows((6, n), dtype, masked=0)
    mask = np.arange(n) % 3 == 0
    for options in (
        {"top_k": 3},
        {"top_p": 0.6},
        {"min_p": 0.4},
        {"top_k": np.array([1, 2, 3, 4, 0, 6]), "top_p": 0.9, "temperature": 0.5},
        {"mask": mask & (np.arange(n) < 12)},
        {"mask": np.eye(6, n, dtype=bool) * np.array([[0], [1], [1], [0], [1], [1]], bool)},
    ):
        kept = gumbel_fast.truncate(x, **options) > -np.inf
        count = kept.sum(axis=1)
        draws, logs = gumbel_fast.categorical(
            x, num_samples=8, replace=False, rng=1, allow_fewer=True, return_log_prob=True, **options
        )
        assert_padded(draws, count, np.where(kept, x, -np.inf), logs)
        some = count > 0
        expected = gumbel_fast.log_prob(x[some], draws[some], **{
            name: value[some] if np.ndim(value) and len(value) == 6 else value for name, value in options.items()
        })  # fmt: skip
        np.testing.assert_allclose(logs[some], expected, rtol=1e-6)
        one = gumbel_fast.categorical(x, rng=1, allow_fewer=True, **options)
        np.testing.assert_array_equal(one == -1, ~some)
        np.testing.assert_array_equal(gumbel_fast.log_prob(x[some], one[some]), gumbel_fast.log_prob(x, one)[some])


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 150, 5000])
def test_the_law_of_what_a_row_has(n, dtype):
    """All three of a row of which five are wanted, in every order by Plackett-Luce; in even order would be seen."""
    p = np.array([0.6, 0.3, 0.1])
    places = np.array([1, n // 2, n - 1])
    row = np.full(n, -np.inf, dtype)
    row[places] = np.log(p)
    x = np.broadcast_to(row, (20_000, n))
    ordered, law = outcomes(p, 3)
    for draws in (
        gumbel_fast.categorical(x, num_samples=5, replace=False, rng=1, allow_fewer=True),
        gumbel_fast.gumbel_top_k(x, 5, rng=2, allow_fewer=True),
    ):
        assert np.all(draws[:, 3:] == -1)
        numbers = {number: i for i, number in enumerate(numbered(np.array(ordered), 3))}
        found = np.array([numbers[number] for number in numbered(np.searchsorted(places, draws[:, :3]), 3).tolist()])
        assert_draws_follow(found, law, against={"even order": np.ones(6)}) if n == 5 else None
        first = np.count_nonzero(draws[:, 0] == places[0])
        assert_count(first, 20_000, 0.6, against={"a tenth more": 0.66, "even": 1 / 3})


SAMPLERS = {
    "categorical": lambda x, **o: gumbel_fast.categorical(x, rng=1, **o),
    "few draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=3, **o),
    "many draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=90, **o),
    "distinct draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=3, replace=False, **o),
    "one distinct draw": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=1, replace=False, **o),
    "filtered": lambda x, **o: gumbel_fast.categorical(x, rng=1, top_k=3, top_p=0.9, min_p=0.1, **o),
    "filtered distinct": lambda x, **o: gumbel_fast.categorical(
        x, rng=1, top_k=3, top_p=0.9, num_samples=3, replace=False, **o
    ),
    "gumbel_max": lambda x, **o: gumbel_fast.gumbel_max(x, rng=1, **o),
    "gumbel_top_k": lambda x, **o: gumbel_fast.gumbel_top_k(x, 3, rng=1, **o),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_no_categories_at_all(dtype, name):
    """Rows of length 0: an error, or -1 where fewer are allowed."""
    for shape in (0,), (3, 0), (2, 3, 0):
        x = np.zeros(shape, dtype)
        with pytest.raises(ValueError, match="categor"):
            SAMPLERS[name](x)
        result = SAMPLERS[name](x, allow_fewer=True)
        full = SAMPLERS[name](np.zeros((*shape[:-1], 5), dtype), allow_fewer=True)
        assert np.shape(result) == np.shape(full)
        assert type(result) is type(full)
        assert np.all(result == -1)
    x = np.zeros((4, 0, 3), dtype)
    assert np.all(SAMPLERS[name](x, axis=1, allow_fewer=True) == -1)


def test_no_categories_and_their_values():
    x = np.zeros((3, 0), np.float32)
    index, value = gumbel_fast.gumbel_max(x, allow_fewer=True, return_value=True)
    np.testing.assert_equal((index, value), (np.full(3, -1), np.full(3, -np.inf)))
    index, value = gumbel_fast.gumbel_top_k(x, 2, allow_fewer=True, return_value=True)
    np.testing.assert_equal((index, value), (np.full((3, 2), -1), np.full((3, 2), -np.inf)))
    index, logs = gumbel_fast.categorical(x, allow_fewer=True, return_log_prob=True)
    np.testing.assert_equal((index, logs), (np.full(3, -1), np.full(3, -np.inf, np.float32)))
    index, value = gumbel_fast.gumbel_max(np.zeros(0), allow_fewer=True, return_value=True)
    assert (index, value) == (-1, -np.inf)
    index = gumbel_fast.gumbel_max(x, noise=np.zeros((3, 0)), allow_fewer=True)
    np.testing.assert_array_equal(index, [-1, -1, -1])
    out = np.zeros(3, np.int64)
    gumbel_fast.categorical(x, allow_fewer=True, out=out)
    np.testing.assert_array_equal(out, [-1, -1, -1])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("n", [1, 3, 5, 64, 65, 300])
def test_rows_that_have_enough_are_drawn_as_ever(n, name):
    x = some_rows((9, n), masked=0)
    if n >= 3 and "filtered distinct" not in name:
        np.testing.assert_array_equal(SAMPLERS[name](x, allow_fewer=True), SAMPLERS[name](x))
        np.testing.assert_array_equal(SAMPLERS[name](x, allow_fewer=False), SAMPLERS[name](x))
    for workers in 2, 3:
        expected = SAMPLERS[name](x, allow_fewer=True)
        np.testing.assert_array_equal(SAMPLERS[name](x, allow_fewer=True, workers=workers), expected)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("n", [3, 64, 65, 300, 4097])
def test_what_is_no_number_is_an_error_all_the_same(n, name):
    """And leaves out as it was; rows with nothing before it are none."""
    x = some_rows((9, n), masked=0)
    x[2] = -np.inf
    for bad in np.nan, np.inf:
        x[5, n // 2] = bad
        with pytest.raises(ValueError, match=r"row 5\b"):
            SAMPLERS[name](x, allow_fewer=True)
        if name != "gumbel_top_k":
            shape = SAMPLERS[name](some_rows((9, n), masked=0), allow_fewer=True).shape
            out = np.full(shape, 7, np.int64)
            with pytest.raises(ValueError, match=r"row 5\b"):
                SAMPLERS[name](x, allow_fewer=True, out=out)
            assert np.all(out == 7)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("n", [3, 64, 65, 300])
def test_without_it_the_row_is_named(n, name):
    x = some_rows((9, n), masked=0)
    x[6] = -np.inf
    x[8] = -np.inf
    if "filtered distinct" in name:
        x[:6] = x[7] = 0  # or the filters leave too little of these
    for options in {}, {"allow_fewer": False}:
        with pytest.raises(ValueError, match=r"row 6\b" if name != "filtered distinct" else r"row \d\b"):
            SAMPLERS[name](x, **options)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("axis", [0, 1])
def test_axes_out_and_workers(axis, name):
    x, _ = sparse_rows(70, np.float32)
    x = x.reshape(3, 4, 70)
    expected = SAMPLERS[name](x, allow_fewer=True)
    moved = np.ascontiguousarray(np.moveaxis(x, -1, axis))
    for workers in 1, 2:
        result = SAMPLERS[name](moved, axis=axis, allow_fewer=True, workers=workers)
        np.testing.assert_array_equal(result, expected)
    if name != "gumbel_top_k":
        out = np.full(expected.shape, 7, np.int64)
        assert SAMPLERS[name](moved, axis=axis, allow_fewer=True, out=out) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("n", [5, 64, 300])
def test_noise_that_is_given(n):
    x, _ = sparse_rows(n, np.float64)
    noise = np.random.default_rng(1).gumbel(size=x.shape)
    index, value = gumbel_fast.gumbel_max(x, noise=noise, allow_fewer=True, return_value=True)
    assert (index[0], value[0]) == (-1, -np.inf)
    np.testing.assert_array_equal(index[1:], np.argmax(x + noise, axis=1)[1:])
    noise[0] = 1e300  # makes no category of them
    assert gumbel_fast.gumbel_max(x, noise=noise, allow_fewer=True)[0] == -1


def test_long_rows_in_pieces():
    """One row on several threads, none of whose pieces has anything, or one of them alone."""
    x = np.full((1, 3_000_000), -np.inf, np.float32)
    for workers in 1, 2:
        index, value = gumbel_fast.gumbel_max(x, rng=1, allow_fewer=True, return_value=True, workers=workers)
        assert (index[0], value[0]) == (-1, -np.inf)
        assert gumbel_fast.categorical(x, rng=1, allow_fewer=True, workers=workers)[0] == -1
    x[0, 2_900_000] = -5
    for workers in 1, 2:
        assert gumbel_fast.gumbel_max(x, rng=1, allow_fewer=True, workers=workers)[0] == 2_900_000
        assert gumbel_fast.categorical(x, rng=1, allow_fewer=True, workers=workers)[0] == 2_900_000
