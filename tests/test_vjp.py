"""softmax_vjp: the gradient of softmax and of gumbel_softmax.

It is held to its formula in wide floats, to finite differences, and to the autograd of torch and of JAX where these are
installed.
"""

import importlib.util

import numpy as np
import pytest

import gumbel_fast
import reference
from rows import DTYPES, LAYOUTS, LENGTHS, NO_NUMBERS, NO_TEMPERATURES, OUT_VIEWS, outs_that_do_not_fit, some_rows


def some_pair(shape, dtype, temperature=1.0):
    """Probabilities and a gradient in them."""
    y = gumbel_fast.softmax(some_rows(shape, dtype), temperature=temperature)
    return y, np.random.default_rng(5).normal(size=shape).astype(dtype)


def assert_close(actual, y, grad, temperature=1.0):
    """Within 8 roundings of the largest product in the row: the difference g - sum(g y) may cancel."""
    y, grad = y.astype(np.longdouble), grad.astype(np.longdouble)
    divisor = np.asarray(temperature, np.longdouble)[..., np.newaxis]
    expected = y / divisor * (grad - (grad * y).sum(axis=-1, keepdims=True))
    scale = y / divisor * (np.abs(grad) + (np.abs(grad) * y).sum(axis=-1, keepdims=True))
    info = np.finfo(actual.dtype)
    assert np.all(np.abs(actual - expected) <= 8 * info.eps * scale + 4 * info.tiny)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.3, 7, np.linspace(0.1, 2, 9)], ids=["1", "0.3", "7", "each"])
@pytest.mark.parametrize("n", [*LENGTHS, 320, 40_000])
def test_formula(n, temperature, dtype, target):
    y, grad = some_pair((9, n), dtype)
    result = gumbel_fast.softmax_vjp(y, grad, temperature=temperature)
    assert result.dtype == dtype
    assert_close(result, y, grad, temperature)


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_rows(dtype, target):
    """The sum does not drift."""
    y, grad = some_pair((2, 1_000_003), dtype)
    assert_close(gumbel_fast.softmax_vjp(y, np.abs(grad) + 100), y, np.abs(grad) + 100)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("name", ["softmax", "gumbel_softmax"])
def test_finite_differences(name, temperature):
    """In float64, by steps of 1e-6 each way: agreement to 1e-8 where entries of the gradient are about 0.1."""
    function, options = getattr(gumbel_fast, name), {"temperature": temperature}
    if name == "gumbel_softmax":
        options["rng"] = 3
    x = np.random.default_rng(1).normal(size=(4, 7))
    grad = np.random.default_rng(2).normal(size=(4, 7))
    y = function(x, **options)
    analytic = gumbel_fast.softmax_vjp(y, grad, temperature=temperature)
    numeric = np.empty_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        numeric[place] = np.sum(grad * (function(x + step, **options) - function(x - step, **options))) / 2e-6
    np.testing.assert_allclose(analytic, numeric, atol=2e-9)
    assert np.abs(analytic).max() > 0.05


def relaxed(name, n, dtype):
    """What the function of this name gives at temperature 0.7, what it is the softmax of, and a gradient."""
    x, grad = some_rows((20, n), dtype, masked=0), np.random.default_rng(5).normal(size=(20, n)).astype(dtype)
    if name == "softmax":
        return gumbel_fast.softmax(x, temperature=0.7), x, grad
    noise = gumbel_fast.gumbel(size=x.shape, dtype=dtype, rng=3)
    return gumbel_fast.gumbel_softmax(x, temperature=0.7, rng=3), x + noise, grad


def assert_same_gradient(actual, expected, y, grad):
    """Two ways to the gradient at temperature 0.7, each from a softmax of its own.

    An entry z nats below its row's largest is within a few roundings times 1 + z, and so is its part of the sum; a
    gradient without its sum or without its temperature is off by a tenth of the largest product, in each row.
    """
    assert actual.dtype == expected.dtype == y.dtype
    z = np.log(y.max(axis=1, keepdims=True) / y)
    scale = y / 0.7 * (np.abs(grad) + (np.abs(grad) * y * (1 + z)).sum(axis=1, keepdims=True))
    assert np.all(np.abs(actual - expected) <= 8 * np.finfo(y.dtype).eps * (1 + z) * scale)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["softmax", "gumbel_softmax"])
@pytest.mark.parametrize("n", [3, 10, 64, 320, 1000])
def test_torch(n, name, dtype):
    import torch

    y, x, grad = relaxed(name, n, dtype)
    leaf = torch.tensor(x, requires_grad=True)
    torch.softmax(leaf / 0.7, dim=-1).backward(torch.tensor(grad))
    assert_same_gradient(gumbel_fast.softmax_vjp(y, grad, temperature=0.7), leaf.grad.numpy(), y, grad)


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["softmax", "gumbel_softmax"])
@pytest.mark.parametrize("n", [3, 10, 64, 320])
def test_jax(n, name, dtype):
    import jax

    y, x, grad = relaxed(name, n, dtype)
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", dtype == np.float64)
    try:
        (expected,) = jax.vjp(lambda x: jax.nn.softmax(x / 0.7), x)[1](grad)
    finally:
        jax.config.update("jax_enable_x64", before)
    assert_same_gradient(gumbel_fast.softmax_vjp(y, grad, temperature=0.7), np.asarray(expected), y, grad)


# ----------------------------------------------------------------------------------------------------- what it keeps to


def test_masked_logits_have_no_gradient():
    x = some_rows((20, 50), masked=0.5)
    y, grad = gumbel_fast.softmax(x), np.full((20, 50), 1e30, np.float32)
    assert np.all(gumbel_fast.softmax_vjp(y, grad)[x == -np.inf] == 0)


def test_rows_sum_to_nothing():
    """Adding one number to all logits changes no probability, so the gradient has no part along it."""
    y, grad = some_pair((20, 300), np.float64)
    np.testing.assert_allclose(gumbel_fast.softmax_vjp(y, grad).sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("n", [3, 17, 65, 1000])
def test_nan_stays_in_its_row(n):
    y, grad = some_pair((20, n), np.float32)
    y[3, 0], grad[11, n - 1] = np.nan, np.nan
    result = gumbel_fast.softmax_vjp(y, grad)
    assert np.isnan(result).all(axis=1).nonzero()[0].tolist() == [3, 11]
    assert np.isnan(result).any(axis=1).sum() == 2


def test_dtypes():
    """The wider of the two, and float32 for halves."""
    y, grad = some_pair((5, 70), np.float64)
    single = y.astype(np.float32), grad.astype(np.float32)
    assert gumbel_fast.softmax_vjp(*single).dtype == np.float32
    for a, b in (single[0], grad), (y, single[1]):
        expected = gumbel_fast.softmax_vjp(a.astype(np.float64), b.astype(np.float64))
        np.testing.assert_array_equal(gumbel_fast.softmax_vjp(a, b), expected)
        assert expected.dtype == np.float64
    halves = y.astype(np.float16), grad.astype(np.float16)
    np.testing.assert_array_equal(
        gumbel_fast.softmax_vjp(*halves), gumbel_fast.softmax_vjp(*(a.astype(np.float32) for a in halves))
    )
    assert gumbel_fast.softmax_vjp([0.5, 0.5], [1, 0]).tolist() == [0.25, -0.25]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype):
    for n in 7, 64, 300:
        y, grad = some_pair((40, n), dtype)
        expected = gumbel_fast.softmax_vjp(y, grad)
        np.testing.assert_array_equal(gumbel_fast.softmax_vjp(layout(y), grad), expected)
        np.testing.assert_array_equal(gumbel_fast.softmax_vjp(y, layout(grad)), expected)


@pytest.mark.parametrize("shape", [(), (5,), (0,), (2, 3), (2, 0)])
@pytest.mark.parametrize("n", [0, 1, 6, 200])
def test_batch_shapes_and_axes(shape, n):
    y, grad = some_pair((*shape, n + 1), np.float64)
    y, grad = y[..., :n], grad[..., :n]
    expected = gumbel_fast.softmax_vjp(y, grad)
    assert expected.shape == y.shape
    for axis in range(-len(shape) - 1, len(shape) + 1):
        result = gumbel_fast.softmax_vjp(np.moveaxis(y, -1, axis), np.moveaxis(grad, -1, axis), axis=axis)
        np.testing.assert_array_equal(np.moveaxis(result, axis, -1), expected)


# ------------------------------------------------------------------------------------------------------------------ out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", OUT_VIEWS.values(), ids=OUT_VIEWS)
@pytest.mark.parametrize("axis", [0, 1])
def test_out(axis, view, dtype):
    y, grad = some_pair((30, 40), dtype)
    out = view(np.full(y.shape, -1, dtype))
    assert gumbel_fast.softmax_vjp(y, grad, axis=axis, out=out) is out
    np.testing.assert_array_equal(out, gumbel_fast.softmax_vjp(y, grad, axis=axis))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 16, 65, 1000])
def test_in_place(n, dtype):
    """Out may be either input, or both at once."""
    y, grad = some_pair((20, n), dtype)
    expected, square = gumbel_fast.softmax_vjp(y, grad), gumbel_fast.softmax_vjp(y, y)
    for which in 0, 1:
        pair = [y.copy(), grad.copy()]
        assert gumbel_fast.softmax_vjp(*pair, out=pair[which]) is pair[which]
        np.testing.assert_array_equal(pair[which], expected)
    both = y.copy()
    np.testing.assert_array_equal(gumbel_fast.softmax_vjp(both, both, out=both), square)


def test_out_that_overlaps_is_refused():
    y, grad = some_pair((100,), np.float64)
    memory = np.zeros(200)
    memory[:100] = y
    with pytest.raises(ValueError, match="overlaps"):
        gumbel_fast.softmax_vjp(memory[:100], grad, out=memory[1:101])
    with pytest.raises(ValueError, match="overlaps"):
        gumbel_fast.softmax_vjp(y, memory[:100], out=memory[50:150])


@pytest.mark.parametrize("out", outs_that_do_not_fit((3, 4), np.float32), ids=lambda out: f"{out.dtype}{out.shape}")
def test_outs_that_do_not_fit(out):
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.softmax_vjp(np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32), out=out)
    assert np.all(out == 7)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("shape", [(5,), (3, 1), (1, 5), (5, 3), (3, 5, 1), ()])
def test_shapes_that_differ(shape):
    for y, grad in (np.zeros((3, 5)), np.zeros(shape)), (np.zeros(shape), np.zeros((3, 5))):
        with pytest.raises(ValueError, match="shape"):
            gumbel_fast.softmax_vjp(y, grad)


@pytest.mark.parametrize("temperature", [0, *NO_TEMPERATURES, [1, 1, 0], np.ones(4), np.ones((3, 1))])
def test_temperatures_that_are_none(temperature):
    with pytest.raises(ValueError, match="temperature"):
        gumbel_fast.softmax_vjp(np.zeros((3, 5)), np.zeros((3, 5)), temperature=temperature)


def test_other_errors():
    for x in NO_NUMBERS:
        with pytest.raises(TypeError, match="y must"):
            gumbel_fast.softmax_vjp(x, x)
        with pytest.raises(TypeError, match="grad"):
            gumbel_fast.softmax_vjp(np.zeros(np.shape(x)), x)
    with pytest.raises(np.exceptions.AxisError):
        gumbel_fast.softmax_vjp(np.zeros((3, 4)), np.zeros((3, 4)), axis=2)
    with pytest.raises(TypeError):
        gumbel_fast.softmax_vjp([0.5, 0.5], [1.0, 0.0], 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_twin(dtype):
    y, grad = some_pair((9, 40), dtype)
    for temperature in 1.0, np.linspace(0.1, 2, 9):
        twin = reference.softmax_vjp(y, grad, temperature=temperature)
        assert twin.dtype == dtype
        assert_close(twin, y, grad, temperature)
