"""What the parameters of filters may not be: each error names the parameter, and leaves out and rows as they were.

Masks, indices and row streams have their errors beside their other tests.
"""

import numpy as np
import pytest

import gumbel_fast
from rows import ALL_DTYPES, BAD, compute_dtype, some_rows, spoiled

FUNCTIONS = {
    "categorical": lambda x, **o: gumbel_fast.categorical(x, rng=1, **o),
    "few draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=3, **o),
    "many draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=300, **o),
    "distinct draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=2, replace=False, **o),
    "truncate": lambda x, **o: gumbel_fast.truncate(x, **o),
    "entropy": lambda x, **o: gumbel_fast.entropy(x, **o),
    "log_prob": lambda x, **o: gumbel_fast.log_prob(x, np.zeros(x.shape[:-1], int), **o),
}
SAMPLERS = [name for name in FUNCTIONS if "draws" in name or name == "categorical"]
PARAMETERS = ["top_k", "top_p", "min_p", "filter_temperature", "temperature"]


def out_for(name, x, value=7):
    """An array that takes the result, where the function has such a parameter."""
    if name in ("entropy", "log_prob"):
        return None
    if name == "truncate":
        return np.full(x.shape, value, compute_dtype(x.dtype))
    shape = {"categorical": (), "few draws": (3,), "many draws": (300,), "distinct draws": (2,)}[name]
    return np.full((*x.shape[:-1], *shape), value, np.int64)


def assert_refused(error, name, x, match, **options):
    with pytest.raises(error, match=match):
        FUNCTIONS[name](x, **options)
    out = out_for(name, x)
    if out is not None:
        with pytest.raises(error, match=match):
            FUNCTIONS[name](x, out=out, **options)
        assert np.all(out == 7), "out was written to"


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("n", [5, 64, 300])
def test_negative_and_nan(n, parameter, name):
    x = some_rows((4, n), masked=0)
    values = [-1] if parameter == "top_k" else [-1, -1e-300, -5e-324, np.nan, -np.inf]
    for value in values:
        kind = np.int64 if parameter == "top_k" else np.float64
        among = np.ones(4, kind)
        among[2] = value
        for given in value, np.array(value), np.array([value]), among, among.tolist(), kind(value):
            assert_refused(ValueError, name, x, rf"(?<!filter_){parameter}", **{parameter: given})
        assert_refused(ValueError, name, x[0], parameter, **{parameter: value})
    if parameter == "top_k":
        for value in np.nan, np.array([1, np.nan, 2, 2]):
            assert_refused((ValueError, TypeError), name, x, "top_k", top_k=value)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_shapes_that_do_not_broadcast(parameter, name):
    x = some_rows((4, 3, 20), masked=0)
    for shape in (4,), (2, 3), (4, 3, 1), (5, 3), (0,), (4, 3, 20):
        value = np.ones(shape, np.int64 if parameter == "top_k" else np.float64)
        assert_refused(ValueError, name, x, parameter, **{parameter: value})
    assert_refused(ValueError, name, x[0, 0], parameter, **{parameter: np.ones(1, int).repeat(20)})


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_what_is_no_number(parameter, name):
    x = some_rows((4, 20), masked=0)
    for value in "1", ["1"] * 4, 1j, np.ones(4, complex), np.ones(4, "M8[s]"), np.array([None] * 4), b"1":
        assert_refused(TypeError, name, x, parameter, **{parameter: value})
    masked = np.ma.masked_array(np.ones(4, np.int64 if parameter == "top_k" else np.float64), [0, 0, 1, 0])
    assert_refused(TypeError, name, x, parameter, **{parameter: masked})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_top_k_that_is_no_integer(name):
    x = some_rows((4, 20), masked=0)
    for value in 2.5, np.array([1.5, 2, 2, 2]):
        assert_refused((TypeError, ValueError), name, x, "top_k", top_k=value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_none_is_the_default_and_zero_dimensional_arrays_are_numbers(name):
    x = some_rows((4, 200), masked=0)
    expected = FUNCTIONS[name](x)
    options = dict.fromkeys(("top_k", "top_p", "min_p", "filter_temperature", "mask"))
    np.testing.assert_array_equal(FUNCTIONS[name](x, **options), expected)
    options = {"top_k": 20, "top_p": 0.99, "min_p": 0.001, "filter_temperature": 2, "temperature": 0.5}
    expected = FUNCTIONS[name](x, **options)
    for make in np.array, lambda v: np.array([v]), lambda v: np.full(4, v), lambda v: [v] * 4, np.float32:
        if make is np.float32:
            given = {**options, "min_p": np.float64(0.001), "top_p": 0.99, "temperature": np.float32(0.5)}
        else:
            given = {key: make(value) for key, value in options.items()}
        np.testing.assert_array_equal(FUNCTIONS[name](x, **given), expected)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(
    "options", [{"top_k": 4}, {"top_p": 0.9}, {"min_p": 0.01}, {"top_k": 40, "min_p": 0.01}], ids=str
)
@pytest.mark.parametrize("n", [5, 64, 65, 300, 4097])
def test_bad_rows_are_named(n, options, name):
    """The first of them, and what is wrong with it, wherever in the row it stands."""
    for dtype in ALL_DTYPES:
        x = some_rows((30, n), dtype, masked=0)
        x[:, :2] = 5
        for bad in BAD:
            wrong = spoiled(x, 23, bad)
            assert_refused(ValueError, name, wrong, r"row 23\b", filter_temperature=100.0, **options)
        for place in 0, n - 1:
            wrong = x.copy()
            wrong[11, place] = np.nan
            assert_refused(ValueError, name, wrong, r"row 11\b", filter_temperature=100.0, **options)


@pytest.mark.parametrize("n", [5, 64, 65, 300])
def test_more_than_filters_leave_are_wanted(n):
    """Without replacement: the first row with too little is named."""
    x = some_rows((9, n), masked=0)
    top_k = np.full(9, 4)
    top_k[[5, 7]] = 2
    for options in {"top_k": top_k}, {"top_k": top_k, "top_p": 1.0, "min_p": 0.0}:
        out = np.full((9, 3), 7, np.int64)
        with pytest.raises(ValueError, match=r"row 5\b"):
            gumbel_fast.categorical(x, num_samples=3, replace=False, rng=1, out=out, **options)
        assert np.all(out == 7)
    gumbel_fast.categorical(x, num_samples=2, replace=False, rng=1, top_k=top_k)


@pytest.mark.parametrize("n", [5, 64, 300])
def test_bad_rows_of_truncate(n):
    """Are named, or come out without a number that is no logit; the other rows are as they would be."""
    x = some_rows((4, n), masked=0)
    expected = gumbel_fast.truncate(x, top_k=3, top_p=0.9)
    for bad in BAD:
        wrong = x.copy()
        wrong[2, n // 2 if bad != -np.inf else slice(None)] = bad
        try:
            found = gumbel_fast.truncate(wrong, top_k=3, top_p=0.9)
        except ValueError as error:
            assert "row 2" in str(error)  # noqa: PT017 - either outcome is right
        else:
            np.testing.assert_array_equal(found[[0, 1, 3]], expected[[0, 1, 3]])


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_rows_and_no_samples(name):
    options = {"top_k": 3, "top_p": 0.9, "min_p": 0.1, "filter_temperature": 2.0}
    for shape in (0, 5), (0, 300), (2, 0, 70):
        assert FUNCTIONS[name](np.zeros(shape), **options).shape[: len(shape) - 1] == shape[:-1]
    result = gumbel_fast.categorical(np.full((3, 5), np.nan), num_samples=0, **options)
    assert result.shape == (3, 0)


def test_keywords_alone():
    """Every new parameter is by its name alone."""
    x = np.zeros((2, 3))
    for call in (
        lambda: gumbel_fast.truncate(x, 1.0),
        lambda: gumbel_fast.entropy(x, 1.0),
        lambda: gumbel_fast.log_prob(x, [0, 0], 1.0),
        lambda: gumbel_fast.categorical(x, 3),
    ):
        with pytest.raises(TypeError, match="positional"):
            call()
