"""What the core tells beside a draw, in one pass, and its gradient: for gumbel_fast.torch, which has it in public.

The gradient is held to its formula in float64; draws that tell to the same draws, and to log_prob and entropy.
"""

import numpy as np
import pytest

import gumbel_fast
from gumbel_fast import _core
from gumbel_fast._arguments import NO_FILTERS
from gumbel_fast._log_prob import log_prob_vjp, tell
from gumbel_fast._request import to_sample
from gumbel_fast._sampling import draw_and_tell

LENGTHS = [1, 2, 5, 16, 18, 33, 128, 129, 400, 3000]
#: Relative to the size of a row's gradients: some sums of a few roundings each, and the exponentials' error (1 + z).
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13}


def parts_of(temperature=1.0, mask=None, filters=NO_FILTERS, axis=-1):
    return temperature, mask, None, filters, axis


def normal(*shape, dtype=np.float64, seed=1, scale=3.0):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def masked(shape, seed=2):
    mask = np.random.default_rng(seed).random(shape) < 0.6
    mask[..., 0] = True
    return mask


def model(logits, index, grad, grad_entropy, temperature=1.0, **how):
    """The gradient by its formula, in float64; `index` and `grad` have a last axis of draws."""
    kept = np.isfinite(gumbel_fast.truncate(logits, temperature=temperature, **how))
    temperature = np.broadcast_to(temperature, logits.shape[:-1])[..., np.newaxis]
    x = np.where(kept, logits.astype(float), -np.inf) / temperature
    log = x - gumbel_fast.logsumexp(x)[..., np.newaxis]
    p = np.exp(log)
    log = np.where(kept, log, 0)
    entropy = -(p * log).sum(-1, keepdims=True)
    counts = np.take_along_axis(kept, np.maximum(index, 0), -1) & (index >= 0)
    g = np.where(counts, grad, 0)
    result = -p * (g.sum(-1, keepdims=True) + grad_entropy[..., np.newaxis] * (log + entropy))
    for draw in range(index.shape[-1]):
        place = np.maximum(index[..., draw : draw + 1], 0)
        old = np.take_along_axis(result, place, -1)
        np.put_along_axis(result, place, old + g[..., draw : draw + 1], -1)
    return np.where(kept, result / temperature, 0)


HOW = {
    "all": {},
    "mask": {"mask": True},
    "temperature": {"temperature": 0.3},
    "a temperature each": {"temperature": "each"},
    "filters": {"top_p": 0.8, "top_k": 7},
    "all of them": {"mask": True, "temperature": 1.7, "min_p": 0.01},
}


def options_of(how, rows, n):
    """The arguments of public functions that are meant."""
    options = dict(HOW[how])
    if "mask" in options:
        options["mask"] = masked((rows, n))
    if options.get("temperature") == "each":
        options["temperature"] = np.linspace(0.4, 3, rows)
    return options


def parts_with(options):
    """The same as the core's functions take them."""
    filters = tuple(options.get(name) for name in ("top_k", "top_p", "min_p", "filter_temperature"))
    return parts_of(options.get("temperature", 1.0), options.get("mask"), filters if any(filters) else NO_FILTERS)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("rows", [2, 37])
def test_gradient_is_that_of_the_formula(dtype, n, how, rows):
    x = normal(rows, n, dtype=dtype)
    options = options_of(how, rows, n)
    index = np.random.default_rng(3).integers(-1, n, (rows, 3))
    grad, grad_entropy = normal(rows, 3, dtype=dtype, seed=4), normal(rows, dtype=dtype, seed=5)
    parts = parts_with(options)
    expected = model(x, index, grad, grad_entropy, **options)
    gradient = log_prob_vjp(x, index, grad, grad_entropy, parts, 1)
    assert gradient.dtype == dtype
    size = np.abs(grad).sum(-1) + np.abs(grad_entropy) * (1 + np.log(n))
    bound = (TOLERANCE[dtype] * size / np.broadcast_to(options.get("temperature", 1.0), (rows,)))[:, np.newaxis]
    assert np.all(np.abs(gradient - expected) <= bound)
    assert np.all(gradient[~np.isfinite(gumbel_fast.truncate(x, **options))] == 0)
    for one, other in ((grad, None), (None, grad_entropy)):  # the two parts add up
        part = log_prob_vjp(x, index, one, other, parts, 1)
        whole = model(x, index, grad * (one is not None), grad_entropy * (other is not None), **options)
        assert np.all(np.abs(part - whole) <= bound)


def test_what_is_left_out_has_gradient_0_whatever_its_logit():
    x = np.array([[0.0, 1.0, np.nan, np.inf, 2.0, -np.inf]])
    mask = np.array([[1, 1, 0, 0, 1, 1]], np.uint8)
    gradient = log_prob_vjp(x, [[1, 5, 2, -1]], np.ones((1, 4)), np.ones(1), parts_of(mask=mask), 1)
    expected = log_prob_vjp(x[:, [0, 1, 4]], [[1]], np.ones((1, 1)), np.ones(1), parts_of(), 1)
    np.testing.assert_array_equal(gradient[0, [0, 1, 4]], expected[0])
    np.testing.assert_array_equal(gradient[0, [2, 3, 5]], 0)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_certain_category_has_none(dtype):
    """Exactly: a row with one category, and one whose others are far below."""
    grad = normal(50, 1, dtype=dtype, seed=4)
    for temperature in (1.0, 0.3, 7.1):
        for n, place in ((1, 0), (40, 3), (300, 3)):
            x = np.full((50, n), -np.inf, dtype)
            x[:, place] = 1
            index = np.full((50, 1), place)
            assert np.all(log_prob_vjp(x, index, grad, grad[:, 0], parts_of(temperature), 1) == 0)


@pytest.mark.parametrize("n", [5, 200])
def test_rows_that_cannot_be_drawn_from_have_none(n):
    x = normal(6, n)
    x[1, 2], x[2], x[3, 0] = np.nan, -np.inf, np.inf
    gradient = log_prob_vjp(x, np.zeros((6, 1), int), np.ones((6, 1)), np.ones(6), parts_of(), 1)
    np.testing.assert_array_equal(np.isnan(gradient).all(-1), [False, True, True, True, False, False])
    assert np.isfinite(gradient[[0, 4, 5]]).all()


@pytest.mark.parametrize("temperature", [0.0, 5e-324, 1e-300, 1e-40, 1e40, 1e300, np.inf])
@pytest.mark.parametrize("n", [5, 200])
def test_extreme_temperatures(temperature, n):
    """At one so low that a category is certain there is none; at one so high that all are alike, next to none."""
    x = normal(4, n, dtype=np.float32)
    gradient = log_prob_vjp(x, np.full((4, 1), 2), np.ones((4, 1)), np.ones(4), parts_of(temperature), 1)
    assert np.isfinite(gradient[x.argmax(-1) == 2]).all()
    if temperature == 0 or temperature > 1:
        assert np.abs(gradient).max() <= 1 / max(temperature, 1)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axis_layouts_and_workers(axis):
    x = normal(300, 40, 50, dtype=np.float32)
    moved = np.moveaxis(x, axis, -1)
    index = np.random.default_rng(3).integers(0, moved.shape[-1], moved.shape[:-1])
    grad, grad_entropy = normal(*index.shape, dtype=np.float32, seed=4), normal(*index.shape, dtype=np.float32, seed=5)
    expected = log_prob_vjp(np.ascontiguousarray(moved), index, grad, grad_entropy, parts_of(), 1)
    for workers in (1, 3):
        gradient = log_prob_vjp(x, index, grad, grad_entropy, parts_of(axis=axis), workers)
        np.testing.assert_array_equal(np.moveaxis(gradient, axis, -1), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("rows", [1, 3, 4, 37])
@pytest.mark.parametrize("how", HOW)
def test_draws_that_tell_are_the_same_and_tell_the_same(dtype, n, rows, how):
    x = normal(rows, n, dtype=dtype)
    options = options_of(how, rows, n)
    parts = parts_with(options)
    request = to_sample(x, parts, rng=7)
    index, logs, entropies = draw_and_tell(request, None, True, 1, log_prob=True, entropy=True)
    np.testing.assert_array_equal(index, gumbel_fast.categorical(x, rng=7, **options))
    np.testing.assert_array_equal(logs, gumbel_fast.log_prob(x, index, **options))
    np.testing.assert_array_equal(entropies, gumbel_fast.entropy(x, **options))
    told = tell(x, index, parts, 1, entropy=True)
    np.testing.assert_array_equal(told[0], logs)
    np.testing.assert_array_equal(told[1], entropies)


@pytest.mark.parametrize("replace", [True, False])
def test_several_draws_tell(replace):
    x = normal(30, 9)
    request = to_sample(x, parts_of(), rng=7)
    index, logs, entropies = draw_and_tell(request, 4, replace, 1, log_prob=True, entropy=True)
    np.testing.assert_array_equal(logs, gumbel_fast.log_prob(x, index))
    np.testing.assert_array_equal(entropies, gumbel_fast.entropy(x))


@pytest.mark.parametrize("n", [5, 200])
def test_indices_outside_the_row_read_nothing(n):
    """The kernel looks for itself, for another thread may change the indices after they were checked."""
    x = normal(8, n)
    for place in (n, n + 1, 2**40, -2, -(2**62)):
        index, logs = np.full(8, place), np.empty(8)
        request = to_sample(x, parts_of(), rng=7).into(index, each=logs)
        _core.relax(request, _core.LOG_PROB, 0, 8)
        np.testing.assert_array_equal(logs, -np.inf)
        with pytest.raises(ValueError, match="index must be one of"):
            tell(x, index, parts_of(), 1, entropy=False)
