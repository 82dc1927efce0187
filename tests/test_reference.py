"""The public functions and their plain-NumPy twins, one to one: values, dtypes, shapes, and whether each raises.

Hypothesis makes up the arguments, sound and unsound. Values agree to a few roundings of the result's own dtype; for the
noise of a seed that says that both read the same words. `categorical` and its twin share a law, not draws: what they
return is compared in kind alone.
"""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gumbel_fast
import reference

SOFTMAX_FAMILY = ["softmax", "log_softmax", "logsumexp"]
VALUE_FUNCTIONS = ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
PROBABILITY_FUNCTIONS = ["ppf", "isf"]
PARAMETER_FUNCTIONS = ["mean", "median", "var", "std", "entropy"]


def outcome(function, *arguments, **keywords):
    """What a call gives: its result, or which of the promised kinds of error it raises."""
    try:
        return None, function(*arguments, **keywords)
    except TypeError:
        return TypeError, None
    except ValueError:
        return ValueError, None


def same_kind(actual, expected):
    """Both errors, or the dtype, shape and class of the result; says whether there are values to compare.

    Which kind of error each fault gets is the subject of that function's own tests; of two faults either may be named.
    """
    assert (actual[0] is None) == (expected[0] is None), f"{actual[0]} for {expected[0]}"
    if actual[0] is None:
        assert np.shape(actual[1]) == np.shape(expected[1])
        assert np.asarray(actual[1]).dtype == np.asarray(expected[1]).dtype
        assert isinstance(actual[1], np.ndarray) == isinstance(expected[1], np.ndarray)
    return actual[0] is None


def assert_close(actual, expected, scale=0.0, rounds=16):
    """Equal where infinite or NaN; else within some roundings of the value, or of `scale` where that is larger."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, actual), np.where(finite, 0, expected))
    with np.errstate(invalid="ignore", over="ignore"):
        bound = rounds * np.finfo(expected.dtype).eps * np.maximum(np.abs(expected), scale)
        error = np.abs(np.where(finite, actual, 0).astype(np.longdouble) - np.where(finite, expected, 0))
    tiny = np.finfo(expected.dtype).tiny
    assert np.all((error <= bound + tiny) | ~finite), f"{actual!r} for {expected!r}"


# ----------------------------------------------------------------------------------------------------------- signatures


@pytest.mark.parametrize("name", reference.__all__)
def test_signatures(name):
    real, twin = getattr(gumbel_fast, name), getattr(reference, name)
    if name == "gumbel_r":
        for method in [*VALUE_FUNCTIONS, *PROBABILITY_FUNCTIONS, *PARAMETER_FUNCTIONS, "fit"]:
            same_parameters(getattr(real, method), getattr(twin, method))
    else:
        same_parameters(real, twin)


@pytest.mark.parametrize("name", ["categorical", "gumbel_max", "gumbel_top_k"])
def test_the_fast_path_shows_the_function_that_it_stands_before(name):
    """Its own parameters are among those, with the same kinds and defaults; all others it hands on."""
    compiled = getattr(gumbel_fast, name)
    assert inspect.signature(compiled) == inspect.signature(compiled.__wrapped__)
    assert compiled.__doc__ == compiled.__wrapped__.__doc__
    *own, others = inspect.signature(compiled, follow_wrapped=False).parameters.values()
    shown = inspect.signature(compiled).parameters
    assert (others.name, others.kind) == ("others", inspect.Parameter.VAR_KEYWORD)
    for parameter in own:
        assert parameter == shown[parameter.name].replace(annotation=parameter.annotation)
    with pytest.raises(TypeError, match="no_such_parameter"):
        compiled(np.zeros(3), no_such_parameter=1)


def same_parameters(real, twin):
    def parameters(function):
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert parameters(real) == parameters(twin)


# ------------------------------------------------------------------------------------------------------------ arguments

ordinary = st.floats(-50, 50, width=32)
extreme = st.sampled_from([0.0, -0.0, 1.0, -np.inf, np.inf, np.nan, 2.0**100, -(2.0**100), 2.0**-100, 80.0, -80.0])
anything = st.one_of(ordinary, ordinary, ordinary, ordinary, extreme)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7)
longer = st.tuples(st.integers(1, 4), st.integers(1, 140))


no_numbers = st.sampled_from([1j, np.ones(3, np.complex64), "1", ["a", "b"], [None, 1.0], np.array([b"a"])])


def arrays(elements, shape=shapes):
    """Arrays, views, lists and scalars of floats and integers, and now and then something that is no number."""
    floats = hnp.arrays(st.sampled_from([np.float32, np.float64, ">f4", ">f8"]), shape, elements=elements)
    views = floats.map(lambda a: a.T) | floats.map(lambda a: a[::-1] if a.ndim else a)
    integers = hnp.arrays(st.sampled_from([np.int8, np.int64, np.uint16]), shape, elements=st.integers(0, 50))
    return st.one_of(floats, floats, views, integers, integers.map(np.ndarray.tolist), no_numbers)


temperatures = st.one_of(
    st.just(1.0), st.just(1), st.floats(0.05, 20), st.sampled_from([0, -1, np.nan, 1e-3, 1e3]),
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=2, max_side=3), elements=st.sampled_from([0.5, 1, 0])),
)  # fmt: skip
axes = st.integers(-4, 3)


# ------------------------------------------------------------------------------------------------------- softmax family


@pytest.mark.parametrize("name", SOFTMAX_FAMILY)
@given(arrays(anything) | arrays(ordinary, longer), temperatures, axes)
def test_softmax_family(name, logits, temperature, axis):
    options = {"temperature": temperature, "axis": axis}
    actual = outcome(getattr(gumbel_fast, name), logits, **options)
    expected = outcome(getattr(reference, name), logits, **options)
    if same_kind(actual, expected) and np.size(expected[1]):
        scale = 1.0
        if name == "softmax":  # an error of a rounding in z is one of z roundings in exp(-z)
            x = np.moveaxis(np.asarray(logits, dtype=np.longdouble), axis, -1)
            with np.errstate(all="ignore"):
                z = (x.max(axis=-1, keepdims=True) - x) / np.asarray(temperature)[..., np.newaxis]
                scale = np.moveaxis(np.where(np.isfinite(z), z, 0) * np.exp(-z), -1, axis)
        assert_close(actual[1], expected[1], scale=scale)


@pytest.mark.parametrize("name", SOFTMAX_FAMILY)
@given(
    st.sampled_from([(3,), (4,), (3, 4), (4, 3)]), st.sampled_from([np.float32, np.float64, np.int64]), st.booleans()
)
def test_softmax_family_out(name, shape, dtype, writeable):
    logits = np.linspace(-3, 3, 12).reshape(3, 4)
    outs = [np.full(shape, 7, dtype) for _ in range(2)]
    for out in outs:
        out.flags.writeable = writeable
    actual = outcome(getattr(gumbel_fast, name), logits, out=outs[0])
    expected = outcome(getattr(reference, name), logits, out=outs[1])
    if same_kind(actual, expected):
        assert actual[1] is outs[0]
    np.testing.assert_allclose(outs[0], outs[1], rtol=1e-14)


# --------------------------------------------------------------------------------------------------- noise and sampling

seeds = st.integers(0, 2**70)
sizes = st.one_of(
    st.none(), st.integers(0, 140), st.integers(-2, -1), st.lists(st.integers(0, 5), min_size=0, max_size=3).map(tuple)
)
offsets = st.one_of(
    st.just((0, 0)),
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**34 - 200)),
    st.tuples(st.integers(-2, 2**64 + 1), st.integers(2**34 - 9, 2**34 + 2)),
    st.tuples(st.just(0), st.integers(-3, 3)),
)
locs = st.one_of(st.just(0.0), ordinary, arrays(ordinary))
scales = st.one_of(st.just(1.0), st.floats(0, 50), st.just(-1.0), arrays(st.floats(0, 50, width=32)))


@settings(max_examples=400)
@given(
    locs, scales, sizes, st.sampled_from([np.float32, np.float64, np.float64, "f4", np.float16, int]), seeds, offsets
)
def test_gumbel(loc, scale, size, dtype, seed, offset):
    arguments, options = (loc, scale, size), {"dtype": dtype, "rng": seed, "offset": offset}
    actual = outcome(gumbel_fast.gumbel, *arguments, **options)
    expected = outcome(reference.gumbel, *arguments, **options)
    if same_kind(actual, expected):
        largest = np.max(np.abs(np.asarray(loc, float)), initial=1) + np.max(
            np.abs(np.asarray(scale, float)), initial=1
        )
        assert_close(actual[1], expected[1], scale=largest)


@given(st.sampled_from([(12,), (3, 4), (4, 3)]), st.sampled_from([np.float32, np.float64]), sizes, seeds)
def test_gumbel_out(shape, dtype, size, seed):
    outs = [np.full(shape, 7, dtype) for _ in range(2)]
    actual = outcome(gumbel_fast.gumbel, 2.0, 3.0, size, dtype=np.float32, out=outs[0], rng=seed)
    expected = outcome(reference.gumbel, 2.0, 3.0, size, dtype=np.float32, out=outs[1], rng=seed)
    if same_kind(actual, expected):
        assert actual[1] is outs[0]
    assert_close(outs[0], outs[1], scale=5)


def rng_kinds():
    return [
        5, np.int32(5), np.random.SeedSequence(5), np.random.default_rng(5), np.random.MT19937(5),
        -5, 5.0, "5", np.random.RandomState(5),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", range(len(rng_kinds())))
def test_rng(kind):
    for name, argument in [("gumbel", 3.0), ("categorical", [1.0, 2.0])]:
        actual = outcome(getattr(gumbel_fast, name), argument, rng=rng_kinds()[kind])
        expected = outcome(getattr(reference, name), argument, rng=rng_kinds()[kind])
        if same_kind(actual, expected) and name == "gumbel":
            assert_close(actual[1], expected[1], scale=5)


@settings(max_examples=400)
@given(arrays(anything) | arrays(ordinary) | arrays(ordinary, longer), temperatures, axes, seeds)
def test_categorical(logits, temperature, axis, seed):
    """The same errors and kinds of result; at temperature 0, where the law is one category, the same draws."""
    options = {"temperature": temperature, "axis": axis, "rng": seed}
    actual = outcome(gumbel_fast.categorical, logits, **options)
    expected = outcome(reference.categorical, logits, **options)
    if same_kind(actual, expected) and np.size(expected[1]):
        x = np.moveaxis(np.asarray(logits, dtype=np.float64), axis, -1)
        drawn = np.take_along_axis(x, np.asarray(actual[1])[..., np.newaxis], axis=-1)
        assert np.all(drawn > -np.inf)
        cold = np.broadcast_to(np.asarray(temperature) == 0, x.shape[:-1])
        np.testing.assert_array_equal(np.asarray(actual[1])[cold], np.asarray(expected[1])[cold])


@given(
    st.sampled_from([(), (1,), (3,), (4,), (3, 1)]), st.sampled_from([np.int64, np.int32, np.float64]), st.booleans()
)
def test_categorical_out(shape, dtype, writeable):
    logits = np.array([[0, -np.inf], [-np.inf, 0], [-np.inf, 0]])
    outs = [np.full(shape, 7, dtype) for _ in range(2)]
    for out in outs:
        out.flags.writeable = writeable
    actual = outcome(gumbel_fast.categorical, logits, out=outs[0], rng=1)
    expected = outcome(reference.categorical, logits, out=outs[1], rng=1)
    if same_kind(actual, expected):
        assert actual[1] is outs[0]
    np.testing.assert_array_equal(*outs)


some_numbers = st.floats(0, 50, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, 5e-324, 2.0**-149])


@settings(max_examples=400)
@given(arrays(some_numbers) | arrays(st.floats(0, 50, width=32)), st.integers(0, 8), temperatures, axes, seeds)
def test_weights(w, k, temperature, axis, seed):
    """The same errors and kinds of result; values of gumbel_top_k, and what has no probability is not drawn."""
    options = {"weights": w, "temperature": temperature, "axis": axis, "rng": seed}
    for call in {}, {"num_samples": k}, {"allow_fewer": True, "num_samples": k, "replace": False}:
        actual = outcome(gumbel_fast.categorical, **options, **call)
        expected = outcome(reference.categorical, **options, **call)
        if same_kind(actual, expected) and np.size(expected[1]) and not call:
            x = np.moveaxis(np.asarray(w, dtype=np.float64), axis, -1)
            assert np.all(np.take_along_axis(x, np.asarray(actual[1])[..., np.newaxis], axis=-1) > 0)
            cold = np.broadcast_to(np.asarray(temperature) == 0, x.shape[:-1])
            np.testing.assert_array_equal(np.asarray(actual[1])[cold], np.asarray(expected[1])[cold])
    options |= {"k": k, "return_value": True, "allow_fewer": True}
    actual, expected = outcome(gumbel_fast.gumbel_top_k, **options), outcome(reference.gumbel_top_k, **options)
    if same_kind((actual[0], actual[1] and actual[1][0]), (expected[0], expected[1] and expected[1][0])):
        narrow = getattr(w, "dtype", np.dtype(float)).itemsize == 4 and w.dtype.kind == "f"
        assert_close(actual[1][1], expected[1][1], scale=2.0**32 if narrow else 800 / max(np.min(temperature), 1e-3))


floors = st.one_of(
    st.none(), st.floats(-60, 60), st.sampled_from([np.nan, np.inf, -np.inf, 1j, "1"]),
    st.lists(st.floats(-20, 20), min_size=1, max_size=3),
)  # fmt: skip


@settings(max_examples=400)
@given(arrays(ordinary | st.just(-np.inf)), st.integers(1, 8), temperatures, axes, seeds, floors, st.booleans())
def test_floor(logits, k, temperature, axis, seed, floor, allow_fewer):
    """Which of a row's values are above it, unless one is so near that rounding decides."""
    options = {"temperature": temperature, "axis": axis, "rng": seed, "allow_fewer": True, "return_value": True}
    every = outcome(reference.gumbel_top_k, logits, 8, **options)
    if every[0] is None and np.ndim(floor) == 0 and isinstance(floor, float):
        with np.errstate(invalid="ignore"):
            assume(not np.any(np.abs(every[1][1] - floor) < 1e-3))
    elif np.ndim(floor):
        assume(every[0] is not None or not np.any(np.abs(np.subtract.outer(floor, every[1][1])) < 1e-3))
    options |= {"floor": floor, "allow_fewer": allow_fewer}
    actual = outcome(gumbel_fast.gumbel_top_k, logits, k, **options)
    expected = outcome(reference.gumbel_top_k, logits, k, **options)
    if same_kind((actual[0], actual[1] and actual[1][0]), (expected[0], expected[1] and expected[1][0])):
        narrow = getattr(logits, "dtype", np.dtype(float)).itemsize == 4 and logits.dtype.kind == "f"
        assert_close(actual[1][1], expected[1][1], scale=2.0**32 if narrow else 2000)


# ---------------------------------------------------------------------------------------------------------- ragged rows


@st.composite
def ragged(draw, elements=ordinary | extreme):
    """1-D logits and an indptr, now and then one that is unsound."""
    lengths = draw(st.lists(st.integers(0, 9) | st.sampled_from([0, 0, 16, 65, 130]), max_size=6))
    before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    indptr = before + np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int8]))
    if dtype == np.int8:
        elements = st.integers(-20, 20)
    x = draw(hnp.arrays(dtype, int(indptr[-1]) + after, elements=elements))
    unsound = draw(st.sampled_from(["no"] * 12 + ["beyond", "below", "falls", "float", "axes", "empty"]))
    if unsound == "beyond":
        indptr[-1] += after + 1
    elif unsound == "below":
        indptr[0] = -1
    elif unsound == "falls":
        indptr = indptr[::-1]
    kind = float if unsound == "float" else draw(st.sampled_from([np.int32, np.int64, np.int16]))
    indptr = {"empty": indptr[:0], "axes": indptr[np.newaxis]}.get(unsound, indptr).astype(kind)
    return x, draw(st.sampled_from([indptr, indptr.tolist()]))


ragged_temperatures = st.one_of(
    st.just(1.0), st.floats(0.05, 20), st.sampled_from([0, -1, np.nan]), st.lists(st.floats(0.5, 2), max_size=3)
)


@pytest.mark.parametrize("name", [*SOFTMAX_FAMILY, "entropy"])
@given(ragged(), ragged_temperatures)
def test_normalisers_of_ragged_rows(name, rows, temperature):
    x, indptr = rows
    options = {"indptr": indptr, "temperature": temperature}
    actual = outcome(getattr(gumbel_fast, name), x, **options)
    expected = outcome(getattr(reference, name), x, **options)
    if same_kind(actual, expected) and np.size(expected[1]):
        assert_close(actual[1], expected[1], scale=4.0)


@given(ragged(), ragged_temperatures, st.integers(-2, 9))
def test_log_prob_of_ragged_rows(rows, temperature, index):
    x, indptr = rows
    options = {"indptr": indptr, "temperature": temperature}
    count = max(np.size(indptr) - 1, 0)
    for indices in np.full(count, index), np.full((count, 2), index):
        actual = outcome(gumbel_fast.log_prob, x, indices, **options)
        expected = outcome(reference.log_prob, x, indices, **options)
        if same_kind(actual, expected) and np.size(expected[1]):
            assert_close(actual[1], expected[1], scale=4.0)


@given(ragged(ordinary | st.just(-np.inf)), ragged_temperatures, seeds, offsets, st.booleans(), st.integers(0, 12))
def test_samplers_of_ragged_rows(rows, temperature, seed, offset, allow_fewer, k):
    """Values to rounding; indices are held to NumPy's where the noise is, in tests of their own."""
    x, indptr = rows
    options = {"indptr": indptr, "temperature": temperature, "rng": seed, "allow_fewer": allow_fewer}
    drawn = outcome(gumbel_fast.categorical, x, **options)
    same_kind(drawn, outcome(reference.categorical, x, **options))
    distinct = outcome(gumbel_fast.categorical, x, num_samples=k, replace=False, **options)
    if k:
        same_kind(distinct, outcome(reference.categorical, x, num_samples=k, replace=False, **options))
    options |= {"offset": offset, "return_value": True}
    for function, arguments in ("gumbel_max", ()), ("gumbel_top_k", (k or 1,)):
        actual = outcome(getattr(gumbel_fast, function), x, *arguments, **options)
        expected = outcome(getattr(reference, function), x, *arguments, **options)
        if same_kind((actual[0], actual[1] and actual[1][0]), (expected[0], expected[1] and expected[1][0])):
            assert_close(actual[1][1], expected[1][1], scale=2.0**32 if x.dtype == np.float32 else 100)


# --------------------------------------------------------------------------------------------------------- distribution

positive = st.floats(0.015625, 50, width=32)


@pytest.mark.parametrize("name", VALUE_FUNCTIONS)
@given(arrays(anything), st.just(0) | arrays(ordinary), st.just(1) | st.just(-2) | arrays(positive))
def test_value_functions(name, x, loc, scale):
    actual = outcome(getattr(gumbel_fast.gumbel_r, name), x, loc, scale)
    expected = outcome(getattr(reference.gumbel_r, name), x, loc, scale)
    if same_kind(actual, expected) and np.size(expected[1]):
        with np.errstate(all="ignore"):
            x, loc, scale = (np.asarray(a, np.float64) for a in (x, loc, scale))
            z = (x - loc) / scale
            slope = (1 + np.exp(-z)) * (1 + np.abs(z)) * (1 + np.abs(expected[1]))
        assert_close(actual[1], expected[1], scale=np.where(np.isfinite(slope), slope, 0))


@pytest.mark.parametrize("name", PROBABILITY_FUNCTIONS)
@given(
    arrays(st.floats(-0.125, 1.125, width=32) | extreme), st.just(0) | arrays(ordinary), st.just(1) | arrays(positive)
)
def test_probability_functions(name, q, loc, scale):
    actual = outcome(getattr(gumbel_fast.gumbel_r, name), q, loc, scale)
    expected = outcome(getattr(reference.gumbel_r, name), q, loc, scale)
    if same_kind(actual, expected) and np.size(expected[1]):
        assert_close(actual[1], expected[1], scale=np.abs(np.asarray(loc, float)) + np.asarray(scale, float))


@pytest.mark.parametrize("name", PARAMETER_FUNCTIONS)
@given(st.just(0) | arrays(ordinary), st.just(1) | st.just(-2) | arrays(positive))
def test_parameter_functions(name, loc, scale):
    actual = outcome(getattr(gumbel_fast.gumbel_r, name), loc, scale)
    expected = outcome(getattr(reference.gumbel_r, name), loc, scale)
    if same_kind(actual, expected) and np.size(expected[1]):
        assert_close(actual[1], expected[1], scale=1 + np.abs(np.asarray(loc, float)) + np.asarray(scale, float))


@given(hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-50, 50, width=32)))
def test_fit(data):
    actual = outcome(gumbel_fast.gumbel_r.fit, data)
    expected = outcome(reference.gumbel_r.fit, data)
    if same_kind(actual, expected):
        np.testing.assert_allclose(actual[1], expected[1], rtol=1e-9, atol=1e-9 * np.ptp(data))
