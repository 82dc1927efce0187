"""log_prob, entropy and return_log_prob: log softmax of the filtered row and its entropy, with their digits.

Held to long doubles (`reference`), to scipy.special in float64, and to hand-made cases. A sure token's log-prob is as
small as the mass beside it, and keeps as many digits.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import gumbel_fast
import reference
from filtered import bounds, made_row
from rows import ALL_DTYPES, DTYPES, LAYOUTS, compute_dtype, some_rows

LENGTHS = [1, 2, 3, 16, 33, 64, 65, 128, 300, 1025, 4097]
FILTERS = [
    {},
    {"temperature": 0.6},
    {"top_k": 5},
    {"top_p": 0.8, "temperature": 1.7},
    {"min_p": 0.05},
    {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8},
    {"top_k": 12, "top_p": 0.9, "temperature": 2.0, "filter_temperature": 1.0},
]
UNITS = {np.dtype(np.float32): 2.0**-21, np.dtype(np.float64): 2.0**-49}


def assert_digits(found, exact, depth):
    """Within some roundings of the value, relative, each as large as exp(-depth) has them; infinities and NaN alike."""
    found, exact = np.asarray(found), np.asarray(exact, np.longdouble)
    finite = np.isfinite(exact)
    np.testing.assert_array_equal(np.where(finite, 0, found), np.where(finite, 0, exact).astype(np.float64))
    bound = UNITS[found.dtype] * (1 + depth) * np.abs(np.where(finite, exact, 0)) + 4 * np.finfo(found.dtype).tiny
    with np.errstate(invalid="ignore"):
        wrong = finite & ~(np.abs(found - exact) <= bound)
    assert not wrong.any(), f"{found[wrong][:3]} for {exact[wrong][:3].astype(np.float64)}"


def depth_of(x, temperature=1.0):
    """How far below the greatest the second stands, in temperatures: what a rounding of it is multiplied by."""
    ordered = np.sort(np.asarray(x, np.float64), axis=-1)
    if ordered.shape[-1] < 2:
        return np.zeros(ordered.shape[:-1])
    with np.errstate(invalid="ignore"):
        depth = (ordered[..., -1] - ordered[..., -2]) / temperature
    return np.where(np.isfinite(depth), np.minimum(depth, 100), 0)


def settled_rows(x, filters):
    least, most = bounds(x, **filters)
    return np.all(least == most, axis=-1)


# ------------------------------------------------------------------------------------------------------------ log_prob


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("n", LENGTHS)
def test_log_prob_and_entropy(n, filters, target):
    """Of made rows in every dtype, at all categories of a row at once and at one."""
    for dtype in ALL_DTYPES:
        x = np.concatenate(
            [some_rows((6, n), dtype), made_row("ties", n, dtype)[None], made_row("peaked", n, dtype)[None]]
        )
        settled = settled_rows(x, filters)
        assert np.count_nonzero(settled) >= 6
        x = x[settled]
        index = np.broadcast_to(np.arange(n), x.shape)
        depth = depth_of(x, filters.get("temperature", 1.0))[:, np.newaxis]
        found = gumbel_fast.log_prob(x, index, **filters)
        assert found.shape == x.shape
        assert found.dtype == compute_dtype(dtype)
        wide, temperatures = reference._filtered(
            x, filters.get("temperature", 1.0),
            [filters.get(name) for name in ("top_k", "top_p", "min_p", "filter_temperature")], None, -1,
        )  # fmt: skip
        exact, entropies = reference._log_probs(wide, temperatures)
        assert_digits(found, exact, depth)
        one = gumbel_fast.log_prob(x, index[:, n // 2], **filters)
        np.testing.assert_array_equal(one, found[:, n // 2])
        result = gumbel_fast.entropy(x, **filters)
        assert result.shape == x.shape[:1]
        assert result.dtype == compute_dtype(dtype)
        assert_digits(result, entropies, depth[:, 0] + 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])
def test_against_scipy(real_logits, temperature, dtype):
    x = real_logits.astype(dtype)
    scores = x.astype(np.float64) / temperature
    index = np.argsort(-scores, axis=1)[:, [0, 1, 2, 10, 1000, 40_000, -1]]
    expected = np.take_along_axis(special.log_softmax(scores, axis=1), index, axis=1)
    found = gumbel_fast.log_prob(x, index, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=2e-6 if dtype == np.float32 else 1e-12, atol=1e-15)
    p = special.softmax(scores, axis=1)
    expected = special.entr(p).sum(axis=1)
    found = gumbel_fast.entropy(x, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=2e-6 if dtype == np.float32 else 1e-11)


def test_real_rows_that_are_filtered(real_logits):
    """The chain of a language model: log softmax among what is kept, and -inf for the rest."""
    options = {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8}
    kept = gumbel_fast.truncate(real_logits, **options)
    expected = special.log_softmax(kept.astype(np.float64) / 0.8, axis=1)
    index = np.argsort(-real_logits, axis=1, kind="stable")[:, :60]
    found = gumbel_fast.log_prob(real_logits, index, **options)
    expected = np.take_along_axis(expected, index, axis=1)
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-6, atol=1e-7)
    p = np.exp(special.log_softmax(kept.astype(np.float64) / 0.8, axis=1))
    np.testing.assert_allclose(gumbel_fast.entropy(real_logits, **options), special.entr(p).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 5, 16, 17, 64, 65, 200, 5000])
def test_a_sure_token_keeps_its_digits(n, dtype, target):
    """The greatest at any place, the others 1 to 80 below: -log1p of their mass, which a sum would round away."""
    for place, depth in itertools.product((0, n // 2, n - 1), (1, 10, 20, 40, 80)):
        x = np.full(n, -depth, dtype)
        x[place] = 0
        beside = (n - 1) * np.exp(-np.float64(depth))
        rtol = UNITS[np.dtype(dtype)] * (1 + depth)
        for options in {}, {"top_k": n}, {"top_p": 1.0, "min_p": 0.0}, {"temperature": 1}, {"mask": np.ones(n, bool)}:
            found = gumbel_fast.log_prob(x, place, **options)
            np.testing.assert_allclose(found, -np.log1p(beside), rtol=rtol)
            exact = np.log1p(beside) + depth * beside / (1 + beside)
            np.testing.assert_allclose(gumbel_fast.entropy(x, **options), exact, rtol=2 * rtol)
        drawn, log_prob = gumbel_fast.categorical(
            np.broadcast_to(x, (40, n)), rng=1, return_log_prob=True, temperature=1.0
        )
        np.testing.assert_allclose(log_prob[drawn == place], -np.log1p(beside), rtol=rtol)


def test_a_sure_token_by_hand():
    assert float(gumbel_fast.log_prob([0, -40.0], 0)) == pytest.approx(-4.248354255291589e-18, rel=1e-14)
    assert float(gumbel_fast.log_prob([0, -40.0], 1)) == pytest.approx(-40, rel=1e-14)
    assert float(gumbel_fast.log_prob([0, -80.0], 0, temperature=2)) == pytest.approx(-4.248354255291589e-18, rel=1e-14)
    assert float(gumbel_fast.entropy([0, -40.0])) == pytest.approx(41 * 4.248354255291589e-18, rel=1e-14)
    assert gumbel_fast.log_prob([0, 0, -40.0], 2, top_k=2) == -np.inf
    assert gumbel_fast.log_prob([0.0, 1.0, 5.0], 2, top_k=1) == 0
    assert gumbel_fast.entropy([0.0, 1.0, 5.0], top_k=1) == 0
    assert gumbel_fast.entropy([0.0, -np.inf, -np.inf]) == 0
    assert float(gumbel_fast.entropy(np.zeros(7))) == pytest.approx(np.log(7), rel=1e-15)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 7, 64, 65, 300])
def test_at_the_ends_of_temperature(n, dtype, target):
    """At 0 the first maximum is sure; at infinity all that is left is alike; tiny ones leave ties alone."""
    x = np.zeros((2, n), dtype)
    x[1, n // 2 :] = 2
    if n > 1:
        x[0, 0] = -np.inf
    first = np.array([min(1, n - 1), n // 2])
    every = np.broadcast_to(np.arange(n), x.shape)
    for options in (
        {"temperature": 0},
        {"temperature": 0.0, "top_k": 3},
        {"temperature": 0.0, "top_p": 0.9, "min_p": 0.1},
        {"temperature": 0.0, "filter_temperature": 1.0, "top_p": 0.9},
    ):
        expected = np.where(every == first[:, np.newaxis], 0, -np.inf)
        np.testing.assert_array_equal(gumbel_fast.log_prob(x, every, **options), expected)
        np.testing.assert_array_equal(gumbel_fast.entropy(x, **options), [0, 0])
    for options in {"top_k": 3}, {"top_p": 0.45}, {"min_p": 0.9}, {"top_k": 3, "top_p": 0.9}, {"top_p": 1.0}:
        limit = {"filter_temperature": 0.0, **options}
        kept = gumbel_fast.truncate(x, **limit).astype(np.float64)
        found, expected = gumbel_fast.log_prob(x, every, **limit), special.log_softmax(kept, axis=1)
        np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
        uncertain = special.entr(np.exp(expected)).sum(axis=1)
        np.testing.assert_allclose(gumbel_fast.entropy(x, **limit), uncertain, rtol=1e-6, atol=1e-7)
    finite = np.isfinite(x.astype(np.float64))
    count = finite.sum(axis=1)
    expected = np.where(finite, -np.log(count)[:, np.newaxis], -np.inf)
    for temperature in np.inf, 1e300:
        np.testing.assert_allclose(gumbel_fast.log_prob(x, every, temperature=temperature), expected, rtol=1e-6)
        np.testing.assert_allclose(gumbel_fast.entropy(x, temperature=temperature), np.log(count), rtol=1e-6)
    greatest = x == x.max(axis=1, keepdims=True)
    expected = -np.log(greatest.sum(axis=1))
    for temperature in 1e-300, 5e-324, 1e-6:
        found = gumbel_fast.log_prob(x, every, temperature=temperature)
        np.testing.assert_allclose(found[greatest], np.repeat(expected, greatest.sum(axis=1)), rtol=1e-6, atol=0)
        np.testing.assert_allclose(gumbel_fast.entropy(x, temperature=temperature), -expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["far", "ends", "lone"])
@pytest.mark.parametrize("n", [3, 65, 300])
def test_rows_at_every_height(n, kind, dtype):
    """At -1e8 and at both ends of float32, where x / T - logsumexp would have no digits."""
    x = made_row(kind, n, dtype)
    for temperature in 1.0, 8.0, 1e38, 1e-3:
        every = np.arange(n)
        found = gumbel_fast.log_prob(x, every, temperature=temperature)
        with np.errstate(over="ignore"):
            expected = reference.log_prob(x.astype(np.float64), every, temperature=temperature)
        most = np.finfo(dtype).max
        near = np.isneginf(expected) | (np.abs(expected) < most)
        np.testing.assert_allclose(found[near], expected[near], rtol=1e-6)
        entropy = reference.entropy(x.astype(np.float64), temperature=temperature)
        np.testing.assert_allclose(gumbel_fast.entropy(x, temperature=temperature), entropy, rtol=1e-5)


@given(
    st.lists(
        st.sampled_from([0.0, -0.5, 3.0, -30.0, -90.0, -np.inf]) | st.floats(-9, 9, width=32), min_size=1, max_size=90
    ),
    st.sampled_from(DTYPES),
    st.sampled_from(FILTERS),
)
def test_probabilities_sum_to_1(values, dtype, filters):
    x = np.array(values, dtype)
    x[0] = max(x[0], -50)
    logs = gumbel_fast.log_prob(x, np.arange(x.size), **filters)
    p = np.exp(logs.astype(np.float64))
    assert p.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(logs > -np.inf, gumbel_fast.truncate(x, **filters) > -np.inf)
    assert np.all(logs <= 0)
    assert float(gumbel_fast.entropy(x, **filters)) == pytest.approx(special.entr(p).sum(), abs=1e-4)


# ---------------------------------------------------------------------------------------- indices and other arguments


def test_shapes():
    x = some_rows((3, 4, 50), masked=0)
    expected = special.log_softmax(x.astype(np.float64), axis=-1)
    for extra in (), (1,), (5,), (0,), (50,):
        index = np.random.default_rng(1).integers(0, 50, (3, 4, *extra))
        found = gumbel_fast.log_prob(x, index)
        assert found.shape == index.shape
        wide = np.take_along_axis(expected, index.reshape(3, 4, -1), axis=-1).reshape(index.shape)
        np.testing.assert_allclose(found, wide, rtol=1e-6)
    one = gumbel_fast.log_prob(x[0, 0], 7)
    assert type(one) is np.float32
    assert type(gumbel_fast.log_prob([0.0, 1.0], 1)) is np.float64
    assert type(gumbel_fast.entropy([0.0, 1.0])) is np.float64
    assert type(gumbel_fast.entropy(x[0, 0])) is np.float32
    assert gumbel_fast.log_prob(x[0, 0], [7, 8]).shape == (2,)
    assert gumbel_fast.entropy(x).shape == (3, 4)
    assert gumbel_fast.entropy(np.zeros((0, 5))).shape == (0,)
    assert gumbel_fast.log_prob(np.zeros((0, 5)), np.zeros((0, 3), int)).shape == (0, 3)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64, ">i8", "<i4"])
def test_kinds_of_index(kind):
    x = some_rows((4, 90), masked=0)
    index = np.array([[0, 3, 89], [1, 1, 1], [5, 6, 7], [88, 0, 2]])
    expected = gumbel_fast.log_prob(x, index)
    for typed in index.astype(kind), np.asfortranarray(index).astype(kind, order="F"), index.astype(kind)[:, ::-1]:
        wanted = expected if typed[0, 0] == 0 else expected[:, ::-1]
        np.testing.assert_array_equal(gumbel_fast.log_prob(x, typed), wanted)
    np.testing.assert_array_equal(gumbel_fast.log_prob(x, index.tolist()), expected)


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_axes_layouts_and_workers(axis):
    x = some_rows((3, 4, 70))
    index = np.random.default_rng(1).integers(0, 70, (3, 4, 5))
    options = {"top_k": np.array([[3], [10], [0]]), "temperature": np.linspace(0.5, 2, 4)}
    expected, entropy = gumbel_fast.log_prob(x, index, **options), gumbel_fast.entropy(x, **options)
    for there in np.moveaxis(x, -1, axis), np.ascontiguousarray(np.moveaxis(x, -1, axis)):
        for workers in 1, 2, 3:
            found = gumbel_fast.log_prob(there, index, axis=axis, workers=workers, **options)
            np.testing.assert_array_equal(found, expected)
            found = gumbel_fast.entropy(there, axis=axis, workers=workers, **options)
            np.testing.assert_array_equal(found, entropy)
    y, index = x.reshape(12, 70), index.reshape(12, 5)
    expected, entropy = gumbel_fast.log_prob(y, index, top_p=0.9), gumbel_fast.entropy(y, top_p=0.9)
    for layout in LAYOUTS.values():
        np.testing.assert_array_equal(gumbel_fast.log_prob(layout(y), index, top_p=0.9), expected)
        np.testing.assert_array_equal(gumbel_fast.entropy(layout(y), top_p=0.9), entropy)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [5, 64, 65, 300])
def test_parameters_of_rows_are_those_of_single_rows(n, dtype):
    x = some_rows((12, n), dtype)
    rng = np.random.default_rng(n)
    options = {
        "temperature": rng.choice([0.0, 0.5, 2.0, np.inf], 12),
        "top_k": rng.choice([0, 1, 40], 12),
        "top_p": rng.choice([0.5, 0.9, 1.0], 12),
        "min_p": rng.choice([0.0, 0.1], 12),
        "filter_temperature": rng.choice([0.0, 1.0, 3.0], 12),
    }
    index = rng.integers(0, n, (12, 3))
    found, entropy = gumbel_fast.log_prob(x, index, **options), gumbel_fast.entropy(x, **options)
    for row in range(12):
        own = {name: value[row].item() for name, value in options.items()}
        np.testing.assert_array_equal(gumbel_fast.log_prob(x[row], index[row], **own), found[row])
        assert gumbel_fast.entropy(x[row], **own) == entropy[row]


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [3, 64, 65, 300])
@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"top_p": 0.5}, {"min_p": 0.1}, {"temperature": 0.5}], ids=str)
def test_rows_without_a_distribution_are_nan(n, options, dtype):
    """NaN, +inf or nothing left, without a warning; the other rows are as they would be."""
    x = some_rows((6, n), dtype, masked=0)
    expected, entropy = gumbel_fast.log_prob(x, np.zeros(6, int), **options), gumbel_fast.entropy(x, **options)
    x[1, n // 2], x[2, n - 1], x[3] = np.nan, np.inf, -np.inf
    sound = np.array([True, False, False, False, True, True])
    np.testing.assert_array_equal(
        gumbel_fast.log_prob(x, np.zeros(6, int), **options), np.where(sound, expected, np.nan).astype(expected.dtype)
    )
    np.testing.assert_array_equal(
        gumbel_fast.entropy(x, **options), np.where(sound, entropy, np.nan).astype(entropy.dtype)
    )
    several = gumbel_fast.log_prob(x, np.zeros((6, 4), int), **options)
    np.testing.assert_array_equal(np.isnan(several).all(axis=1), ~sound)


@pytest.mark.parametrize("n", [3, 64, 300])
def test_indices_out_of_range(n):
    """Are refused; -1 is what allow_fewer gives where there is none."""
    x = some_rows((4, n), masked=0)
    for bad in n, n + 1, -2, -n, 2**40, -(2**40), 2**63 - 1, -(2**63):
        index = np.array([0, 1, bad, 2])
        for indices in index, np.stack([index, index[::-1]], axis=1):
            with pytest.raises(ValueError, match="index"):
                gumbel_fast.log_prob(x, indices)
        with pytest.raises(ValueError, match="index"):
            gumbel_fast.log_prob(x[0], bad)
    with pytest.raises(ValueError, match="index"):
        gumbel_fast.log_prob(x, np.array([0, 1, 2**64 - 1, 2], np.uint64))
    found = gumbel_fast.log_prob(x, np.array([[0, -1], [1, 2], [-1, -1], [2, 0]]))
    np.testing.assert_array_equal(np.isneginf(found), [[0, 1], [0, 0], [1, 1], [0, 0]])
    assert gumbel_fast.log_prob(x[0], -1, top_k=2) == -np.inf


def test_indices_that_are_refused():
    x = some_rows((4, 50), masked=0)
    for index in (  # of the right shape
        np.zeros(4),
        [0.0] * 4,
        ["a"] * 4,
        np.zeros(4, complex),
        np.zeros(4, object),
        np.zeros(4, "M8[s]"),
        None,
    ):
        with pytest.raises(TypeError, match="index"):
            gumbel_fast.log_prob(x, index)
    with pytest.raises(TypeError, match="index"):
        gumbel_fast.log_prob(x, np.ma.masked_array([0, 1, 2, 3], [0, 0, 1, 0]))
    for shape in (3,), (5,), (), (1,), (3, 4), (4, 2, 2), (1, 4):
        with pytest.raises(ValueError, match="index"):
            gumbel_fast.log_prob(x, np.zeros(shape, int))
    for shape in (2, 2), (1, 1):
        with pytest.raises(ValueError, match="index"):
            gumbel_fast.log_prob(x[0], np.zeros(shape, int))


@pytest.mark.parametrize("function", [lambda x, **o: gumbel_fast.log_prob(x, 0, **o), gumbel_fast.entropy])
def test_logits_that_are_refused(function):
    for logits in [1j, 2], ["a", "b"], [None, 1.0], np.ma.masked_array([1.0, 2.0], [0, 1]):
        with pytest.raises(TypeError, match="logits"):
            function(logits)
    with pytest.raises(TypeError):
        function([1.0, 2.0], no_such_parameter=1)
    with pytest.raises(ValueError, match="workers"):
        function([1.0, 2.0], workers=0)
    with pytest.raises(np.exceptions.AxisError):
        function([1.0, 2.0], axis=1)


# ------------------------------------------------------------------------------------------------------ return_log_prob

CALLS = {
    "one draw": {},
    "few draws": {"num_samples": 3},
    "many draws": {"num_samples": 300},
    "distinct draws": {"num_samples": 2, "replace": False},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("n", [2, 5, 64, 65, 300, 4097])
def test_drawn_with_their_log_probs(n, filters, call, target):
    """The draws that are made without them, and what log_prob says of these."""
    for dtype in ALL_DTYPES:
        x = some_rows((11, n), dtype, masked=0)
        options = {**filters, **call, "rng": 3}
        if call.get("replace") is False:
            options["allow_fewer"] = True
        drawn, logs = gumbel_fast.categorical(x, return_log_prob=True, **options)
        np.testing.assert_array_equal(drawn, gumbel_fast.categorical(x, **options))
        assert drawn.dtype == np.int64
        assert logs.dtype == compute_dtype(dtype)
        assert logs.shape == drawn.shape
        expected = gumbel_fast.log_prob(x, drawn, **filters)
        np.testing.assert_allclose(logs, expected, rtol=UNITS[logs.dtype] * 8, atol=0)
        again = gumbel_fast.categorical(x, return_log_prob=True, workers=2, **options)
        np.testing.assert_equal(again, (drawn, logs))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_log_probs_of_real_rows(real_logits, call):
    options = {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8, "filter_temperature": 2.0}
    for filters in {}, {"temperature": 0.8}, options:
        drawn, logs = gumbel_fast.categorical(real_logits, return_log_prob=True, rng=1, **filters, **call)
        kept = gumbel_fast.truncate(real_logits, **filters).astype(np.float64)
        expected = special.log_softmax(kept / filters.get("temperature", 1), axis=1)
        wide = np.take_along_axis(expected, drawn.reshape(8, -1), axis=1).reshape(drawn.shape)
        np.testing.assert_allclose(logs, wide, rtol=2e-6)


@pytest.mark.parametrize("n", [5, 64, 300])
def test_log_probs_of_single_rows(n):
    """A scalar beside a scalar, from whatever way a small call takes."""
    for dtype in DTYPES:
        x = some_rows((n,), dtype)
        for options in {}, {"temperature": 0.5}, {"temperature": 0}, {"top_k": 2}, {"mask": np.ones(n, bool)}:
            drawn, logs = gumbel_fast.categorical(x, rng=np.random.default_rng(1), return_log_prob=True, **options)
            assert type(drawn) is np.int64
            assert type(logs) is dtype
            assert drawn == gumbel_fast.categorical(x, rng=np.random.default_rng(1), **options)
            np.testing.assert_allclose(logs, gumbel_fast.log_prob(x, drawn, **options), rtol=1e-6)
        drawn, logs = gumbel_fast.categorical(x, rng=1, return_log_prob=True, num_samples=4)
        assert drawn.shape == logs.shape == (4,)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_log_probs_beside_out_and_along_axes(call):
    x = some_rows((3, 4, 70), masked=0)
    drawn, logs = gumbel_fast.categorical(x, rng=2, return_log_prob=True, **call)
    for axis in 0, 1:
        moved = np.ascontiguousarray(np.moveaxis(x, -1, axis))
        out = np.zeros(drawn.shape, np.int64)
        found, values = gumbel_fast.categorical(moved, axis=axis, rng=2, return_log_prob=True, out=out, **call)
        assert found is out
        np.testing.assert_array_equal(out, drawn)
        np.testing.assert_array_equal(values, logs)
    empty = gumbel_fast.categorical(x[:0], rng=2, return_log_prob=True, **call)
    assert [part.shape for part in empty] == [(0, *drawn.shape[1:])] * 2
    none = gumbel_fast.categorical(x, num_samples=0, rng=2, return_log_prob=True)
    assert [part.shape for part in none] == [(3, 4, 0)] * 2


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_error_leaves_out_as_it_was(call):
    x = some_rows((6, 70), masked=0)
    x[4, 3] = np.nan
    out = np.full((6, call["num_samples"]) if call else 6, 7, np.int64)
    with pytest.raises(ValueError, match=r"row 4\b"):
        gumbel_fast.categorical(x, rng=1, return_log_prob=True, out=out, **call)
    assert np.all(out == 7)


def test_checks_of_this_file_notice_lost_digits():
    """A log-prob taken as log of a rounded probability fails, as does one of another temperature."""
    x = np.array([0, -20.0], np.float32)
    exact = -np.log1p(np.exp(np.longdouble(-20)))
    assert_digits(np.float32(exact), exact, 20)
    for wrong in np.log(np.float32(1 / (1 + np.exp(-20)))), 1.001 * exact:
        with pytest.raises(AssertionError):
            assert_digits(np.float32(wrong), exact, 20)
    assert depth_of(x) == 20
