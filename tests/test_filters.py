"""Draws from filtered rows: their law by every way of drawing, and that it is a law on exactly what truncate keeps.

What is kept, and how that is held to a model, is test_truncate.py's subject. Checks of randomness fail right code once
in a million times each.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import gumbel_fast
from filtered import KINDS, law, made_filters, made_row, of_row
from gumbel_fast import _core
from rows import ALL_DTYPES, BFLOAT16, DTYPES, LAYOUTS, some_rows
from statistical import assert_draws_follow, softmax
from test_without_replacement import numbered, outcomes

# ---------------------------------------------------------------------------------------------------------------- law

FILTERS = {
    "top_k": {"top_k": 6},
    "top_k at a temperature": {"top_k": 6, "temperature": 1.7},
    "top_p": {"top_p": 0.7},
    "top_p at a temperature": {"top_p": 0.8, "temperature": 0.6},
    "min_p": {"min_p": 0.25},
    "min_p at a temperature": {"min_p": 0.2, "temperature": 1.5},
    "top_k, top_p": {"top_k": 9, "top_p": 0.8},
    "top_p, min_p": {"top_p": 0.8, "min_p": 0.1},
    "chain": {"top_k": 12, "top_p": 0.9, "min_p": 0.1, "temperature": 0.8},
    "temperature last": {"top_k": 12, "top_p": 0.8, "min_p": 0.1, "temperature": 3.0, "filter_temperature": 1.0},
    "top_k at the limit": {"top_k": 6, "temperature": 1.7, "filter_temperature": 0.0},
    "top_p at the limit": {"top_p": 0.9, "temperature": 0.5, "filter_temperature": 0.0},
    "min_p at the limit": {"min_p": 1e-9, "filter_temperature": 0.0},
}


def filtered_row(n, dtype):
    """A row whose ten or so greatest share most of the mass, at places all over it, some of them equal."""
    rng = np.random.default_rng(n)
    head = np.array([0, 0, -0.25, -0.25, -0.5, -0.75, -0.75, -0.75, -1, -1.25, -1.25, -1.5, -1.5, -2])[: max(n // 2, 4)]
    x = rng.normal(-4 - np.log(n), 1, n)
    places = rng.permutation(n)[: head.size]
    places[0] = n - 1 if n - 1 not in places else places[0]
    x[places] = head
    return x.astype(dtype)


def faults(row, p, keep, options):
    """What the draws would follow were the last that is kept lost, the next kept too, or the temperature another's."""
    order = np.argsort(-row.astype(np.float64), kind="stable")
    count = np.count_nonzero(keep)
    t = options.get("temperature", 1.0)
    weights = softmax(row, t)
    wrong = {"the last lost": np.where(np.isin(np.arange(row.size), order[: count - 1]), weights, 0)}
    if np.ptp(row[keep].astype(np.float64)) > 0.7 * t:  # else too even to tell temperatures apart
        wrong["twice the temperature"] = np.where(keep, softmax(row, 2 * t), 0)
        if options.get("filter_temperature", 0):
            wrong["the temperature of the filter"] = np.where(keep, softmax(row, options["filter_temperature"]), 0)
    return wrong


def few(row, count, **options):
    batch = np.broadcast_to(row, (count // 3 + 1, row.size))
    return gumbel_fast.categorical(batch, num_samples=3, **options).ravel()[:count]


def first_of_several(row, count, **options):
    batch = np.broadcast_to(row, (count, row.size))
    return gumbel_fast.categorical(batch, num_samples=2, replace=False, **options)[:, 0]


WAYS = {
    "one draw": lambda row, count, **o: gumbel_fast.categorical(np.broadcast_to(row, (count, row.size)), **o),
    "few draws": few,
    "many draws": lambda row, count, **o: gumbel_fast.categorical(row, num_samples=count, **o),
    "the first of several": first_of_several,
}


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("n", [12, 64, 65, 300, 5000])
def test_law(n, name, way, dtype):
    """9,000 draws: a lost element, of 2% and more, or twice the temperature would be seen."""
    row = filtered_row(n, dtype)
    p, keep = law(row, **FILTERS[name])
    draws = WAYS[way](row, 9000, rng=n, **FILTERS[name])
    assert draws.shape == (9000,)
    assert_draws_follow(draws, p, against=faults(row, p, keep, FILTERS[name]))


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", [np.float16, BFLOAT16])
@pytest.mark.parametrize("name", ["top_k", "top_p at a temperature", "min_p", "chain"])
@pytest.mark.parametrize("n", [12, 300])
def test_law_of_half_precision(n, name, dtype):
    row = filtered_row(n, dtype)
    p, keep = law(row, **FILTERS[name])
    for draw in WAYS.values():
        assert_draws_follow(draw(row, 9000, rng=n, **FILTERS[name]), p, against=faults(row, p, keep, FILTERS[name]))


@pytest.mark.many_draws
@pytest.mark.parametrize("which", [0, 3, 5, 7])
@pytest.mark.parametrize(
    "name, options",
    [
        ("top_k 40", {"top_k": 40}),
        ("top_k 3000", {"top_k": 3000, "temperature": 2.5}),
        ("top_p", {"top_p": 0.95, "temperature": 0.8}),
        ("top_p, warm", {"top_p": 0.85, "temperature": 1.4}),
        ("min_p", {"min_p": 0.05}),
        ("chain", {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8}),
        ("temperature last", {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8, "filter_temperature": 1}),
    ],
)
def test_law_on_real_rows(real_logits, which, name, options):
    """6,000 single draws and as many repeated ones: twice the temperature, or a tail ten times as likely, is seen."""
    row = real_logits[which]
    p, keep = law(row, **options)
    if np.count_nonzero(keep) == 1:
        for way in "one draw", "many draws":
            assert np.all(WAYS[way](row, 200, rng=which, **options) == np.argmax(keep))
        return
    against = {"twice the temperature": np.where(keep, softmax(row, 2 * options.get("temperature", 1.0)), 0)}
    if p.max() > 0.95:
        against = {"ten times the rest": np.where(p == p.max(), 1 - 10 * (1 - p.max()), 10 * p)}
    for way in "one draw", "many draws":
        assert_draws_follow(WAYS[way](row, 6000, rng=which, **options), p, against=against)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options", [{"top_k": 4}, {"top_p": 0.85}, {"min_p": 0.2}, {"top_k": 5, "top_p": 0.93, "min_p": 0.1}]
)
@pytest.mark.parametrize("n", [6, 150, 5000])
def test_law_of_ordered_outcomes(n, options, dtype):
    """Without replacement, every order of three of what is kept, by Plackett-Luce; reversed or even would be seen."""
    head = np.array([0.3, -0.4, 1.2, -0.5, 0.0, -1.5], dtype)
    places = np.array([0, 1, 2, 3, n // 2 + 1, n - 1])
    row = np.full(n, -40, dtype)
    row[places] = head
    p, keep = law(row, temperature=0.9, **options)
    assert 3 <= np.count_nonzero(keep) <= 5
    ordered, probabilities = outcomes(p[places], 3)
    draws = gumbel_fast.categorical(
        np.broadcast_to(row, (20_000 if n < 1000 else 5000, n)),
        num_samples=3,
        replace=False,
        temperature=0.9,
        rng=n,
        **options,
    )
    assert keep[draws].all()
    numbers = {number: i for i, number in enumerate(numbered(np.array(ordered), 6))}
    found = np.array([numbers[number] for number in numbered(np.searchsorted(places, draws), 6)])
    backwards = np.array([probabilities[ordered.index(outcome[::-1])] for outcome in ordered])
    against = {"the order reversed": backwards, "all alike": (probabilities > 0) * 1.0}
    assert_draws_follow(found, probabilities, against=against)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [70, 5000, 20_000])
def test_thousands_of_equals_are_drawn_evenly(n, dtype):
    """Flat rows that a filter cuts anywhere: what is kept is a range from the first on, and drawn evenly."""
    row = np.full(n, -2.5, dtype)
    for options, count in (
        ({"top_k": n // 2}, n // 2),
        ({"top_p": 0.3 + 3e-6}, round(0.3 * n) + 1),
        ({"top_k": n // 2, "top_p": 0.5 - 3e-6}, n // 4 + (n // 2 % 2)),
        ({"min_p": 1.0}, n),
    ):
        expected = np.where(np.arange(n) < count, 1 / count, 0)
        if count < 50:
            p, keep = law(row, **options)
            assert np.count_nonzero(keep) <= count
            expected = p
        tilted = expected * np.where(np.arange(n) < count // 2, 1.5, 1)
        for way in WAYS.values():
            draws = way(row, 4000, rng=3, **options)
            kept = np.flatnonzero(gumbel_fast.truncate(row, **options) > -np.inf)
            assert draws.max() <= kept[-1]
            assert abs(kept.size - count) <= 1
            even = np.where(np.arange(n) < kept.size, 1 / kept.size, 0)
            assert_draws_follow(draws, even, against={"a half likelier": tilted})


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_every_scale_has_its_law(dtype, target):
    """Rows at the ends of a dtype and temperatures of their size, by each filter: softmax of the steps kept."""
    for level, unit in ((0.0, 1e-6), (0.0, 1e6), (-30000.0, 256.0), (60000.0, 256.0), (0.0, 2e4)):
        if dtype == np.float16 and unit == 1e6:
            continue
        steps = np.array([0, -1, 1, 0, 2, -2])
        unit = float(np.asarray(unit, dtype)) if unit > 1e-5 or dtype != np.float16 else 2.0**-20
        row = (level + unit * steps).astype(dtype)
        with np.errstate(over="ignore"):
            exact = (row.astype(np.float64) - level) / unit
        if not np.allclose(exact, steps, rtol=0, atol=0.01):
            continue
        for options in {"top_k": 4}, {"top_p": 0.91}, {"min_p": 0.12}, {"top_k": 5, "top_p": 0.95, "min_p": 0.05}:
            p, keep = law(row, temperature=unit, **options)
            for way in WAYS.values():
                draws = way(row, 3000, rng=5, temperature=unit, **options)
                first = np.where(np.arange(6) == 4, 1.0, 0) * 0.95 + 0.05 * p
                assert_draws_follow(draws, p, against={"the first of the greatest": first})
                assert keep[draws].all()


# ------------------------------------------------------------------------------------------- the set that is drawn from


def assert_draws_what_truncate_keeps(row, count=40, rng=1, **filters):
    """No way of drawing leaves what truncate keeps, and draws without replacement reach all of it."""
    truncated = gumbel_fast.truncate(row, **filters)
    keep = truncated > -np.inf
    kept = np.flatnonzero(keep)
    for name, way in WAYS.items():
        if name == "the first of several":
            continue
        draws = way(row, count, rng=rng, **filters)
        assert keep[draws].all(), f"{name}: category {draws[~keep[draws]][0]} is not kept"
    if kept.size == 0:
        return
    everything = {"num_samples": row.size, "replace": False, "allow_fewer": True}
    draws = gumbel_fast.categorical(row, rng=rng, **everything, **filters)
    np.testing.assert_array_equal(np.sort(draws[: kept.size]), kept)
    if filters.get("temperature", 1) == 0:
        order = np.argsort(-truncated.astype(np.float64), kind="stable")
        np.testing.assert_array_equal(draws[: kept.size], order[: kept.size])
    assert np.all(draws[kept.size :] == -1)
    some = max(1, min(kept.size, row.size // 8))
    for samples in {1, some, kept.size}:
        draws = gumbel_fast.categorical(row, num_samples=samples, replace=False, rng=rng, **filters)
        assert keep[draws].all()
        assert np.unique(draws).size == samples
    if kept.size < 2000:
        with pytest.raises(ValueError, match=r"row 0\b"):
            gumbel_fast.categorical(row, num_samples=kept.size + 1, replace=False, rng=rng, **filters)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 33, 64, 65, 300, 4097])
def test_made_rows(n, kind):
    for dtype in ALL_DTYPES:
        row = made_row(kind, n, dtype)
        filters = made_filters(n, 12, seed=7)
        for i in range(12):
            assert_draws_what_truncate_keeps(row, **of_row(filters, i))


def test_real_rows(real_logits):
    for row in real_logits[::2]:
        for options in (
            {"top_k": 40},
            {"top_p": 0.95, "temperature": 0.8},
            {"top_p": 0.9999},
            {"min_p": 0.001, "temperature": 1.5},
            {"top_k": 1000, "top_p": 0.99, "min_p": 1e-4},
        ):
            assert_draws_what_truncate_keeps(row, count=100, **options)


levels = st.sampled_from([0.0, -0.0, 1.0, 0.5, -1.0, -3.25, -20.0, -120.0, -np.inf, -np.inf, 3e38, -3e38, 1e-38])
near = st.floats(-4, 4, width=32)
rows_of = st.one_of(
    st.lists(levels | near, min_size=1, max_size=12),
    st.lists(levels, min_size=60, max_size=140),
    st.lists(near, min_size=60, max_size=140),
)
some_temperature = st.sampled_from([1.0, 1.0, 0.8, 0.1, 3.0, 1e-6, 1e6, 1e-300, 1e300, 1e-45, np.inf, 5e-324, 0.0])
some_filters = st.fixed_dictionaries(
    {},
    optional={
        "temperature": some_temperature,
        "filter_temperature": some_temperature,
        "top_k": st.integers(0, 150),
        "top_p": st.sampled_from([0.0, 1e-9, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999999, 1.0]) | st.floats(0, 1),
        "min_p": st.sampled_from([0.0, 1e-300, 1e-30, 0.05, 0.5, 0.75, 1.0]) | st.floats(0, 1),
    },
)


@settings(max_examples=300)
@given(rows_of, some_filters, st.sampled_from(DTYPES), st.integers(0, 9), st.sampled_from([1, 1, 1, 5, 30]))
def test_no_draw_leaves_what_truncate_keeps(values, filters, dtype, seed, times):
    """Rows with ties, masked elements and both ends of float32, repeated up to thousands of elements."""
    row = np.tile(np.array(values, dtype), times)
    row[0] = max(row[0], dtype(-3e38))
    assert_draws_what_truncate_keeps(row, rng=seed, **filters)


# ---------------------------------------------------------------------------------------- what a row's draw depends on

CALLS = {
    "one draw": {},
    "few draws": {"num_samples": 3},
    "many draws": {"num_samples": 300},
    "distinct draws": {"num_samples": 2, "replace": False},
}


def batch_of(n, dtype, rows=24):
    """Rows, and parameters that keep two of each at least."""
    x = some_rows((rows, n), dtype, masked=0)
    rng = np.random.default_rng(n)
    filters = {
        "temperature": rng.choice([0.5, 1.0, 2.0], rows),
        "top_k": rng.choice([0, 2, 5, 40], rows),
        "top_p": rng.choice([0.9, 0.99, 1.0], rows),
        "min_p": rng.choice([0.0, 1e-3], rows),
        "filter_temperature": rng.choice([10.0, 30.0], rows),
    }
    return x, filters


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("n", [5, 64, 65, 300, 4097])
def test_parameters_of_rows_are_those_of_single_rows(n, call, dtype):
    """A row's draw is a function of the seed, its number, its logits and its own parameters."""
    x, filters = batch_of(n, dtype)
    whole = gumbel_fast.categorical(x, rng=5, **call, **filters)
    for row in range(0, 24, 5):
        alone = gumbel_fast.categorical(x[row], rng=5, offset=(row, 0), **call, **of_row(filters, row))
        np.testing.assert_array_equal(alone, whole[row])
    first = {name: value[:7] for name, value in filters.items()}
    np.testing.assert_array_equal(gumbel_fast.categorical(x[:7], rng=5, **call, **first), whole[:7])
    for workers in 2, 3:
        result = gumbel_fast.categorical(x, rng=5, workers=workers, **call, **filters)
        np.testing.assert_array_equal(result, whole)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_targets_draw_the_same(call, dtype):
    before = _core.simd_target()
    found = {}
    try:
        for target in _core.usable_targets():
            _core.use_target(target)
            found[target] = []
            for n in 5, 33, 64, 65, 300, 4097:
                x, filters = batch_of(n, dtype, 12)
                found[target].append(gumbel_fast.categorical(x, rng=5, **call, **filters))
                found[target] += [
                    gumbel_fast.categorical(x, rng=6, allow_fewer=True, **call, **{name: filters[name]})
                    for name in ("top_k", "top_p", "min_p")
                ]
    finally:
        _core.use_target(before)
    first = next(iter(found.values()))
    for draws in found.values():
        for a, b in zip(draws, first, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype):
    for n in 7, 65, 300:
        x, filters = batch_of(n, dtype)
        for call in CALLS.values():
            expected = gumbel_fast.categorical(x, rng=5, **call, **filters)
            np.testing.assert_array_equal(gumbel_fast.categorical(layout(x), rng=5, **call, **filters), expected)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_axes_and_out(call, axis):
    x = some_rows((4, 5, 300), masked=0)
    options = {"top_k": np.array([[5], [9], [0], [30]]), "top_p": np.linspace(0.9, 1, 5), "min_p": 1e-3}
    options |= {"filter_temperature": 20, "rng": 3}
    expected = gumbel_fast.categorical(x, **options, **call)
    moved = np.ascontiguousarray(np.moveaxis(x, -1, axis))
    np.testing.assert_array_equal(gumbel_fast.categorical(moved, axis=axis, **options, **call), expected)
    out = np.full(expected.shape, 7, np.int64)
    assert gumbel_fast.categorical(moved, axis=axis, out=out, **options, **call) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("n", [5, 64, 65, 4097])
def test_one_row_is_a_batch_of_one(n):
    """Whatever way a small call takes."""
    x, filters = batch_of(n, np.float32)
    for row, seed in itertools.product(range(0, 24, 4), range(3)):
        for call in CALLS.values():
            options = {**of_row(filters, row), **call}
            alone = gumbel_fast.categorical(x[row], rng=np.random.default_rng(seed), **options)
            batch = gumbel_fast.categorical(x[row : row + 1], rng=np.random.default_rng(seed), **options)
            np.testing.assert_array_equal(alone, batch[0])
            assert isinstance(alone, np.int64) or alone.shape == (call["num_samples"],)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [5, 64, 65, 4097])
def test_temperature_0(n, dtype, target):
    """The first maximum, whatever else is asked for, beside rows that are drawn as if they were alone."""
    x, filters = batch_of(n, dtype)
    cold = np.arange(24) % 2 == 0
    first = x.astype(np.float64).argmax(axis=1)
    for call in {}, {"num_samples": 4}, {"num_samples": 300}:
        warm = gumbel_fast.categorical(x, rng=2, **call, **filters)
        mixed = {**filters, "temperature": np.where(cold, 0, filters["temperature"])}
        draws = gumbel_fast.categorical(x, rng=2, **call, **mixed)
        there = (slice(None), np.newaxis) if call else slice(None)
        np.testing.assert_array_equal(draws, np.where(cold[there], first[there], warm))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [5, 64, 65, 4097])
def test_filter_temperature_0(n, dtype, target):
    """Draws at `temperature` from what the limit keeps, beside rows that are drawn as if they were alone."""
    x, filters = batch_of(n, dtype)
    x[:, [1, n - 1]] = 9  # two equal maxima
    cold = np.arange(24) % 2 == 0
    mixed = {**filters, "filter_temperature": np.where(cold, 0, filters["filter_temperature"])}
    keep = gumbel_fast.truncate(x, **mixed) > -np.inf
    assert np.all(keep[cold & ((filters["top_p"] < 1) | (filters["min_p"] > 0))].sum(axis=1) == 2)
    for call in CALLS.values():
        warm = gumbel_fast.categorical(x, rng=2, **call, **filters)
        draws = gumbel_fast.categorical(x, rng=2, **call, **mixed)
        np.testing.assert_array_equal(draws[~cold], warm[~cold])
        assert np.take_along_axis(keep, draws.reshape(24, -1), axis=1).all()
    every = np.broadcast_to(np.arange(n), x.shape)
    np.testing.assert_allclose(
        gumbel_fast.log_prob(x, every, **mixed),
        special.log_softmax(np.where(keep, x.astype(np.float64), -np.inf) / filters["temperature"][:, None], axis=1),
        rtol=2e-6,
    )


# ----------------------------------------------------------------------------------------------- offset of categorical


@pytest.mark.parametrize("call", [*CALLS.values(), {"top_k": 5, "top_p": 0.95}], ids=[*CALLS, "filters"])
@pytest.mark.parametrize("n", [1, 5, 64, 65, 300, 4097])
def test_offset_is_added_to_the_row_number(n, call):
    if n == 1 and not call.get("replace", True):
        pytest.skip("one category is not drawn twice")
    x = some_rows((30, n), masked=0)
    whole = gumbel_fast.categorical(x, rng=8, **call)
    for start, stop in (0, 30), (1, 2), (7, 30), (29, 30):
        part = gumbel_fast.categorical(x[start:stop], rng=8, offset=(start, 0), **call)
        np.testing.assert_array_equal(part, whole[start:stop])
    np.testing.assert_array_equal(gumbel_fast.categorical(x[9], rng=8, offset=(9, 0), **call), whole[9])
    last = gumbel_fast.categorical(x[:3], rng=8, offset=(2**64 - 1, 0), **call)  # row numbers go round
    np.testing.assert_array_equal(gumbel_fast.categorical(x[1:3], rng=8, **call), last[1:])
    for workers in 2, 3:
        np.testing.assert_array_equal(
            gumbel_fast.categorical(x[4:], rng=8, offset=(4, 0), workers=workers, **call), whole[4:]
        )


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_offsets_that_are_refused(call):
    for n in 5, 300:
        x = some_rows((4, n), masked=0)
        for offset in (0, 1), (3, 7), (0, 2**20), (-1, 0), (2**64, 0), (0, -1):
            for logits in x, x[0]:
                with pytest.raises(ValueError, match="offset"):
                    gumbel_fast.categorical(logits, rng=1, offset=offset, **call)


@pytest.mark.parametrize("filters", [{"top_k": 1}, {"top_k": 50}, {"top_p": 0.0}, {"top_p": 1e-6}], ids=str)
def test_a_million_equals(filters):
    """Refused draws leave blocks of equals that are all outside: each is passed over at once, not tried one by one.

    Trials would run out for one row in seven of zeros under top_k=1, and for most under a mask of every other element.
    """
    zeros = np.zeros(2**20, np.float32)
    for seed in range(40):
        assert gumbel_fast.categorical(zeros, rng=seed, **filters) < 50
        half = gumbel_fast.categorical(zeros, rng=seed, mask=np.arange(2**20) % 2 == 1, **filters)
        assert half % 2 == 1
        assert half < 100
