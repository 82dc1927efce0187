"""categorical: the distribution it draws from, what a row's draw depends on, its arguments and its errors.

The distribution is held to softmax in float64, on rows of many kinds at lengths around every edge of a block. A row is
drawn from many times in one call by broadcasting it (a batch whose row stride is 0), so that each draw has the noise of
another row number. Equality of the SIMD targets is test_targets.py's subject.
"""

import re

import numpy as np
import pytest

import gumbel_fast
import reference
from rows import ALL_DTYPES
from statistical import assert_count, assert_draws_follow, softmax

DTYPES = [np.float32, np.float64]
LENGTHS = [1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000, 1023, 1024, 1025, 4096, 49_152, 100_003]


def draws_for(n):
    """How many draws a row of n categories gets: what a fraction of a second allows and the faults below need."""
    return 200_000 if n <= 129 else 100_000 if n <= 1025 else 40_000 if n <= 4096 else 20_000 if n <= 49_152 else 12_000


def draw(row, count, rng=1234, **options):
    return gumbel_fast.categorical(np.broadcast_to(row, (count, len(row))), rng=rng, **options)


# ----------------------------------------------------------------------------------------------------- the distribution
#
# Kinds of row. Each gives the logits, and the faults that its draws would notice as the probabilities they follow.


def tilted(p):
    """The first half of the row half as likely again."""
    return p * np.where(np.arange(p.size) < p.size // 2, 1.5, 1)


def flat(n, rng):
    return np.zeros(n), {"a half likelier": tilted(np.ones(n))}


def gaussian(n, rng):
    x = rng.normal(0, 2.5, n)
    x[[0, -1]] = x.max() - 0.7, x.max() - 1.4  # the ends matter
    p = softmax(x)
    return x, {"a temperature 25% off": softmax(x, 1.25), "an index off by one": np.roll(p, 1)}


def peaked(n, rng):
    """One category with 98.2% of the mass, the rest spread evenly however many share it."""
    x = np.zeros(n)
    x[n // 3] = 4 + np.log(max(n - 1, 1))
    tail = (np.arange(n) != n // 3) * softmax(x)
    return x, {"three times the tail": softmax(x) + 2 * tail, "a third of the tail": softmax(x) - 2 / 3 * tail}


def masked(n, rng):
    x = rng.normal(0, 1, n)
    mask = rng.random(n) < 0.7
    mask[[0, n // 2]] = False
    mask[-1] = n > 2
    x[mask] = -np.inf
    return x, {"a half likelier": tilted(softmax(x))}


def edges(n, rng):
    """Nearly all mass on the categories at either side of every multiple of a register's or a block's length."""
    steps = np.array([0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 32_768, 65_536, n])
    near = np.unique(np.arange(-1, 2) + steps[:, np.newaxis])
    near = near[(near >= 0) & (near < n)]
    x = np.full(n, -30.0)
    x[near] = np.linspace(0, 1.5, near.size)
    p = softmax(x)
    return x, {"the last category lost": p * (np.arange(n) < n - 1), "an index off by one": np.roll(p, 1)}


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [flat, gaussian, peaked, masked, edges])
@pytest.mark.parametrize("n", LENGTHS)
def test_distribution(n, kind, dtype):
    logits, faults = kind(n, np.random.default_rng(n))
    row = logits.astype(dtype)
    draws = draw(row, draws_for(n))
    if n == 1:
        assert not draws.any()
    else:
        assert_draws_follow(draws, softmax(row), against=faults)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", range(8))
def test_real_rows(real_logits, which, dtype):
    """20,000 draws of a real row: 10% of temperature would be noticed, and draws from the row one place along."""
    row = real_logits[which].astype(dtype)
    p = softmax(row)
    faults = {"a temperature 10% off": softmax(row, 1.1), "an index off by one": np.roll(p, 1)}
    assert_draws_follow(draw(row, 20_000), p, against=faults)


@pytest.mark.parametrize("temperature", [0.25, 0.7, 1.8, 5.0])
def test_real_row_at_a_temperature(real_logits, temperature):
    p = softmax(real_logits[5], temperature)
    faults = {"temperature 1": softmax(real_logits[5]), "15% off": softmax(real_logits[5], 1.15 * temperature)}
    assert_draws_follow(draw(real_logits[5], 20_000, temperature=temperature), p, against=faults)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0, 50.0, 1e-3, 1e6])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [6, 64, 1000])
def test_temperature(n, dtype, temperature):
    row = (temperature * np.random.default_rng(n).normal(0, 1.5, n)).astype(dtype)
    p = softmax(row, temperature)
    faults = {"a temperature 15% off": softmax(row, 1.15 * temperature)}
    assert_draws_follow(draw(row, draws_for(n), temperature=temperature), p, against=faults)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, count", [(65, 600_000), (1025, 300_000), (131_072, 16_000), (2**20, 2_000)])
def test_heavy_tail(n, count, dtype):
    """A tail 18 nats below the head (12 and 14 in the shorter rows) is drawn as often as it should be.

    Noise in float32 from a 24-bit uniform draws it never, a cumulative sum in float32 as the sum's rounding has it.
    """
    depth = {65: 12.0, 1025: 14.0}.get(n, 18.0)
    row = np.full(n, -depth, dtype)
    row[0] = 0
    tail = (n - 1) * np.exp(-depth) / (1 + (n - 1) * np.exp(-depth))
    draws = draw(row, count, rng=77)
    drawn = draws[draws > 0]
    faults = (
        {"no tail": 0, "four times the tail": 4 * tail} if count * tail < 40 else {"half": tail / 2, "twice": 2 * tail}
    )
    assert_count(drawn.size, count, tail, against=faults)
    beyond = np.count_nonzero(drawn > n // 2)  # the tail is even over the whole row
    assert_count(beyond, drawn.size, (n - 1 - n // 2) / (n - 1), against={"all in one half": 0})


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("head", ["first", "last"])
def test_ten_thousand_rare_categories(dtype, head):
    """The mass of 65,536 categories, each 15.9 nats below the head, is a hundredth: which of them is drawn is even."""
    n, count = 65_537, 40_000
    row = np.full(n, -np.log(65_536 * 99), dtype)
    row[0 if head == "first" else -1] = 0
    draws = draw(row, count, rng=78)
    p = softmax(row)
    tail = np.where(np.arange(n) < n // 2, 1.5, 0.5) * (p < 0.5)
    assert_draws_follow(draws, p, against={"a half of the tail three times likelier": p * (tail + (p > 0.5))})


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_of_the_rarest_can_be_drawn(dtype):
    """Categories of probability 2^-26: a uniform of 24 bits, or one rounded so, would reach one of them in four."""
    n, count = 2**17 + 1, 60_000
    row = np.full(n, -26 * np.log(2), dtype)
    row[0] = np.log1p(-(2.0**-9))
    draws = draw(row, count, rng=79)
    tail = draws[draws > 0] - 1
    assert_count(tail.size, count, 2.0**-9, against={"an eighth": 2.0**-12, "four times": 2.0**-7})
    for remainder in range(4):
        found = np.count_nonzero(tail % 4 == remainder)
        assert_count(found, tail.size, 1 / 4, against={"always": 1, "never": 0})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 16, 65, 1000, 5000])
def test_a_spread_of_80_nats(n, dtype):
    row = np.random.default_rng(n).permutation(np.linspace(-80, 0, n)).astype(dtype)
    count = draws_for(n)
    draws = draw(row, count)
    p = softmax(row)
    if count * (1 - p.max()) < 50:
        assert np.all(draws == row.argmax())  # the next lies 40 or 5 nats lower
    else:
        assert_draws_follow(draws, p, against={"a temperature 15% off": softmax(row, 1.15)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 17, 64, 129, 1000, 50_000])
def test_a_certain_row(n, dtype):
    """100 nats above all others: drawn every time, wherever it stands and whatever the rest sums to."""
    for place in 0, n // 2, n - 1:
        row = np.full(n, -100, dtype)
        row[place] = 0
        assert np.all(draw(row, 2000) == place)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [-1e4, 1e4, 1e6, -1e30, 1e30])
def test_a_shift_changes_nothing(dtype, shift):
    """Logits count by their differences: equal ones stay equal anywhere, up to the largest numbers."""
    n = 100
    row = np.full(n, shift, dtype)
    row[50:] = -np.inf
    draws = draw(row, 100_000)
    assert_draws_follow(draws, (np.arange(n) < 50) / 50, against={"an index off by one": np.roll(np.arange(n) < 50, 1)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_numbers(dtype):
    """Differences that overflow are differences all the same."""
    large = np.finfo(dtype).max
    assert np.all(draw(np.array([-large, large, 0], dtype), 1000) == 1)
    assert np.all(draw(np.array([-large, large, 0], dtype), 1000, temperature=1e30) == 1)
    row = np.full(70, -large, dtype)
    row[33] = large
    assert np.all(draw(row, 1000) == 33)
    pair = np.array([large, -large, large], dtype)
    assert_draws_follow(draw(pair, 10_000), [0.5, 0, 0.5], against={"one 20% likelier": np.array([1.2, 0, 1])})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 16, 17, 63, 64, 65, 1000, 1025, 40_000])
def test_masks_everywhere_but_one(n, dtype):
    for place in {0, n // 2, n - 1}:
        row = np.full(n, -np.inf, dtype)
        row[place] = -1e30
        assert np.all(draw(row, 500) == place)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_masked_category_is_never_drawn(dtype):
    """A million draws of rows whose mask differs from row to row, in one batch."""
    rng = np.random.default_rng(1)
    for n, rows in [(7, 400_000), (64, 100_000), (200, 20_000)]:
        x = rng.normal(size=(rows, n)).astype(dtype)
        x[rng.random(x.shape) < 0.6] = -np.inf
        x[np.arange(rows), rng.integers(0, n, rows)] = 0
        indices = gumbel_fast.categorical(x, rng=2)
        assert np.isfinite(x[np.arange(rows), indices]).all()


def test_rows_of_a_batch_are_independent():
    """Pairs of neighbouring rows draw pairs of categories as independent rows would."""
    row = np.log([0.1, 0.2, 0.3, 0.4])
    indices = draw(row, 400_000)
    p = softmax(row)
    pairs = np.outer(p, p).ravel()
    same = np.outer(p, p) + 0.05 * np.diag(p)
    for lag in 1, 2, 4, 8, 16:
        blocks = indices[: indices.size // (2 * lag) * 2 * lag].reshape(-1, 2, lag)
        assert_draws_follow(4 * blocks[:, 0] + blocks[:, 1], pairs, against={"rows that agree": same.ravel()})


def test_seeds_are_independent():
    """One draw from each of 20,000 seeds follows the row as one seed's many rows do."""
    row = np.log([0.1, 0.2, 0.3, 0.4]).astype(np.float32)
    indices = [gumbel_fast.categorical(row, rng=seed) for seed in range(20_000)]
    assert_draws_follow(indices, softmax(row), against={"a temperature 40% off": softmax(row, 1.4)})


# ----------------------------------------------------------------------------------------------- what a draw depends on


def some_rows(shape, dtype=np.float32, seed=3):
    x = np.random.default_rng(seed).normal(0, 2, shape).astype(dtype)
    x[np.random.default_rng(seed + 1).random(shape) < 0.1] = -np.inf
    x[..., 0] = 0
    return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 10, 16, 63, 64, 65, 300, 2000])
def test_rows_do_not_know_their_batch_mates(n, dtype):
    """A row's draw is that of the seed, the row's number and the row."""
    x = some_rows((80, n), dtype)
    indices = gumbel_fast.categorical(x, rng=5)
    np.testing.assert_array_equal(gumbel_fast.categorical(x[:33], rng=5), indices[:33])
    others = some_rows((80, n), dtype, seed=30)
    others[::3] = x[::3]
    np.testing.assert_array_equal(gumbel_fast.categorical(others, rng=5)[::3], indices[::3])
    assert gumbel_fast.categorical(x[0], rng=5) == indices[0]


ROWS = {
    "contiguous": lambda x: x,
    "strided": lambda x: np.repeat(x, 2)[::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
    "a subclass": lambda x: x.view(type("Subclass", (np.ndarray,), {})),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 17, 64, 65, 1000])
@pytest.mark.parametrize("layout", ROWS.values(), ids=ROWS)
def test_one_row_is_a_batch_of_one(layout, n, dtype):
    """Whatever way a small call takes, with a Generator or without."""
    row = some_rows((n,), dtype)
    for options in {}, {"temperature": 0.5}, {"temperature": 0}, {"temperature": 3}, {"axis": 0}:
        for seed in range(8):
            batch = {**options, "axis": 1} if "axis" in options else options
            expected = gumbel_fast.categorical(row[np.newaxis], rng=np.random.default_rng(seed), **batch)[0]
            alone = gumbel_fast.categorical(layout(row), rng=np.random.default_rng(seed), **options)
            assert type(alone) is np.int64
            assert alone == expected
            assert gumbel_fast.categorical(layout(row), rng=np.random.PCG64(seed), **options) == expected


@pytest.mark.parametrize("n", [10, 64, 300])
def test_every_rng_of_one_pair_draws_the_same(n):
    x = some_rows((50, n))
    expected = gumbel_fast.categorical(x, rng=5)
    np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=np.random.SeedSequence(5)), expected)
    np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=np.int64(5)), expected)
    by_generator = gumbel_fast.categorical(x, rng=np.random.default_rng(9))
    np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=np.random.PCG64(9)), by_generator)


def test_a_generator_moves_on():
    generator = np.random.default_rng(1)
    x = np.zeros((30, 1000))
    first, second = (gumbel_fast.categorical(x, rng=generator) for _ in range(2))
    assert np.count_nonzero(first == second) < 10
    assert np.count_nonzero(gumbel_fast.categorical(x) == gumbel_fast.categorical(x)) < 10


LAYOUTS = {
    "strided rows": lambda x: np.repeat(x, 3, axis=0)[::3],
    "padded rows": lambda x: np.pad(x, ((0, 0), (0, 5)))[:, :-5],
    "rows backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "strided columns": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "columns backwards": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "Fortran order": np.asfortranarray,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "a subclass": lambda x: x.view(type("Subclass", (np.ndarray,), {})),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [7, 64, 300])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, n, dtype):
    x = some_rows((40, n), dtype)
    expected = gumbel_fast.categorical(x, rng=6)
    np.testing.assert_array_equal(gumbel_fast.categorical(layout(x), rng=6), expected)


@pytest.mark.parametrize("n", [6, 64, 2000])
def test_lists_and_integers_are_float64(n):
    integers = np.random.default_rng(4).integers(-3, 4, (20, n))
    expected = gumbel_fast.categorical(integers.astype(np.float64), rng=7)
    for x in integers, integers.astype(np.int8), integers.tolist(), tuple(map(tuple, integers.astype(float).tolist())):
        np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=7), expected)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (2, 0), (2, 3, 4), (1, 1, 1, 1)])
@pytest.mark.parametrize("n", [1, 6, 200])
def test_batch_shapes_and_axes(shape, n):
    """The batch's axes in C order are the rows, whichever axis holds the categories."""
    x = some_rows((*shape, n), np.float64)
    flat_indices = gumbel_fast.categorical(x.reshape(-1, n), rng=8)
    for axis in range(-len(shape) - 1, len(shape) + 1):
        indices = gumbel_fast.categorical(np.moveaxis(x, -1, axis), axis=axis, rng=8)
        assert np.shape(indices) == shape
        assert indices.dtype == np.int64
        np.testing.assert_array_equal(np.ravel(indices), flat_indices)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 5, 200])
def test_one_row_gives_a_scalar(n, dtype):
    assert type(gumbel_fast.categorical(np.zeros(n, dtype), rng=1)) is np.int64
    assert type(gumbel_fast.categorical([0.0] * n, rng=np.random.default_rng(1))) is np.int64


# ---------------------------------------------------------------------------------------------------------- temperature


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 17, 64, 65, 1000, 5000])
@pytest.mark.parametrize("temperature", [0, -0.0, np.float32(0), np.zeros(40)], ids=["int", "minus", "float32", "each"])
def test_temperature_zero_is_argmax(n, dtype, temperature):
    """The first of the largest, as np.argmax."""
    x = np.random.default_rng(n).integers(-3, 3, (40, n)).astype(dtype)
    x[np.random.default_rng(n).random(x.shape) < 0.3] = -np.inf
    x[:, -1] = -4
    np.testing.assert_array_equal(gumbel_fast.categorical(x, temperature=temperature, rng=1), x.argmax(axis=-1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [6, 64, 65, 1000])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 1), (4, 5), (1, 5)])
def test_a_temperature_for_each_row(shape, n, dtype):
    """Each row draws what it would at its own temperature alone, 0 among them."""
    x = some_rows((4, 5, n), dtype)
    temperature = np.random.default_rng(6).choice([0, 0.3, 1, 2.5], shape)
    each = np.broadcast_to(temperature, (4, 5))
    together = gumbel_fast.categorical(x, temperature=temperature, rng=9)
    for t in np.unique(each):
        alone = gumbel_fast.categorical(x, temperature=t, rng=9)
        np.testing.assert_array_equal(together[each == t], alone[each == t])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 64, 200])
def test_extreme_temperatures(n, dtype):
    """The coldest draw the largest and share ties, the hottest draw anything that is not masked."""
    row = np.zeros(n, dtype)
    row[[1, -1]] = 3
    row[2] = -np.inf
    faults = np.zeros(n)
    faults[[1, -1]] = 1.2, 1
    ties = (row == 3) / 2
    open_to_all = (row > -np.inf) / (n - 1)
    for temperature in 5e-324, 1e-310, 1e-60, 1e-40, 1e-30, 1e-6:
        draws = draw(row, 20_000, temperature=temperature)
        assert_draws_follow(draws, ties, against={"a tie broken unevenly": faults})
    for temperature in 1e30, 1e40, 1e300:
        draws = draw(row, 100_000, temperature=temperature)
        assert_draws_follow(draws, open_to_all, against={"a half likelier": tilted(open_to_all)})


@pytest.mark.parametrize("temperature", [-1, -1e-300, np.nan, -np.inf, [1, -1, 1], [1, 1, np.nan]])
def test_temperatures_that_are_none(temperature):
    with pytest.raises(ValueError, match="temperature"):
        gumbel_fast.categorical(np.zeros((3, 4)), temperature=temperature, rng=1)
    if np.ndim(temperature) == 0:
        with pytest.raises(ValueError, match="temperature"):
            gumbel_fast.categorical(np.zeros(4, np.float32), temperature=temperature, rng=np.random.default_rng(1))


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 4), (3, 1), (1, 3, 1), (2, 3), (0,)])
def test_temperatures_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="temperature"):
        gumbel_fast.categorical(np.zeros((3, 4)), temperature=np.ones(shape), rng=1)


@pytest.mark.parametrize("temperature", [1j, "1", [None, 1, 1], np.array(["a"])])
def test_temperatures_of_other_kinds(temperature):
    dtype = np.asarray(temperature).dtype
    with pytest.raises(TypeError, match=f"{dtype}|{dtype.name}"):
        gumbel_fast.categorical(np.zeros((3, 4)), temperature=temperature, rng=1)


# ------------------------------------------------------------------------------------------------------------------ out


@pytest.mark.parametrize("view", [
    lambda a: a,
    lambda a: a[::-1],
    lambda a: a[:, ::-1],
    lambda a: a.T.copy().T,
    lambda a: np.repeat(a, 2, axis=1)[:, ::2],
], ids=["plain", "backwards", "rows backwards", "transposed", "strided"])  # fmt: skip
def test_out(view):
    x = some_rows((6, 7, 30))
    expected = gumbel_fast.categorical(x, rng=1)
    out = view(np.full((6, 7), -1, np.int64))
    assert gumbel_fast.categorical(x, rng=1, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_out_of_one_row():
    out = np.full((), -1, np.int64)
    assert gumbel_fast.categorical([0.0, -np.inf], rng=1, out=out) is out
    assert out == 0


def outs_that_do_not_fit():
    read_only = np.full(3, 7, np.int64)
    read_only.flags.writeable = False
    return [
        np.full(4, 7, np.int64),
        np.full((3, 1), 7, np.int64),
        np.full((1, 3), 7, np.int64),
        np.full((), 7, np.int64),
        np.full(3, 7, np.int32),
        np.full(3, 7, np.uint64),
        np.full(3, 7.0),
        np.full(3, 7, ">i8"),
        read_only,
    ]


@pytest.mark.parametrize("out", outs_that_do_not_fit(), ids=lambda out: f"{out.dtype}{out.shape}")
def test_outs_that_do_not_fit(out):
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.categorical(np.zeros((3, 4)), rng=1, out=out)
    assert np.all(out == 7)


def test_out_over_logits_is_refused_or_right():
    x = np.random.default_rng(1).normal(size=(64, 8))
    before = x.copy()
    expected = gumbel_fast.categorical(before, rng=1)
    out = x.view(np.int64).reshape(-1)[32:96]  # rows 4 to 11, before their turn
    try:
        gumbel_fast.categorical(x, rng=1, out=out)
    except ValueError:
        np.testing.assert_array_equal(x, before)
    else:
        np.testing.assert_array_equal(out, expected)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("rng", [lambda: 1, lambda: np.random.default_rng(1)], ids=["int", "Generator"])
@pytest.mark.parametrize("temperature", [1.0, 0.0, 2.0, np.linspace(0, 2, 70)], ids=["1", "0", "2", "each"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 16, 17, 63, 64, 65, 1000, 1025, 5000])
def test_bad_rows_are_named(n, dtype, temperature, rng):
    """The first bad row is named, `out` is as it was, and the generator has given one call's draw or none."""
    for place in {0, n // 2, n - 1}:
        for bad in np.nan, np.inf, -np.inf:
            x = np.random.default_rng(n).normal(size=(70, n)).astype(dtype)
            x[43] = -np.inf if bad == -np.inf else x[43]
            x[43, place] = bad
            x[57] = np.nan  # a later one
            out = np.full(70, -1, np.int64)
            generator = rng()
            with pytest.raises(ValueError, match=r"\b43\b") as error:
                gumbel_fast.categorical(x, temperature=temperature, rng=generator, out=out)
            assert not re.search(r"\b57\b", str(error.value))
            assert np.all(out == -1)
            if isinstance(generator, np.random.Generator):
                one_call = np.random.default_rng(1)
                untouched = one_call.bit_generator.state
                one_call.integers(0, 2**64 - 1, size=2, endpoint=True, dtype=np.uint64)
                assert generator.bit_generator.state in (untouched, one_call.bit_generator.state)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 64, 1000])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf])
def test_one_bad_row(n, dtype, bad):
    row = np.zeros(n, dtype)
    row[-1] = bad
    for temperature in 0, 1, 0.5:
        for rng in 1, np.random.default_rng(1), np.random.PCG64(1):
            for logits in row, row.tolist(), row[np.newaxis]:
                with pytest.raises(ValueError, match="logits"):
                    gumbel_fast.categorical(logits, temperature=temperature, rng=rng)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_row_of_masks(dtype):
    for n in 1, 6, 64, 1000:
        for rng in 1, np.random.default_rng(1):
            with pytest.raises(ValueError, match="logits"):
                gumbel_fast.categorical(np.full(n, -np.inf, dtype), rng=rng)


def test_nan_beside_a_mask():
    """NaN is seen wherever it stands: before, among and after -inf."""
    for n in 4, 64, 200:
        for place in range(0, n, 3):
            x = np.full((2, n), -np.inf, np.float32)
            x[:, 1] = 0
            x[1, place] = np.nan
            with pytest.raises(ValueError, match=r"\b1\b"):
                gumbel_fast.categorical(x, rng=1)


@pytest.mark.parametrize("axis", [0, 1])
def test_bad_rows_along_another_axis(axis):
    x = np.zeros((20, 20))
    x[7, 11] = np.nan
    with pytest.raises(ValueError, match=r"\b11\b" if axis == 0 else r"\b7\b"):
        gumbel_fast.categorical(x, axis=axis, rng=1)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (2, 3, 0)])
def test_no_categories(shape):
    with pytest.raises(ValueError, match="categories"):
        gumbel_fast.categorical(np.zeros(shape), rng=1)
    with pytest.raises(ValueError, match="categories"):
        gumbel_fast.categorical(np.zeros(shape, np.float32), rng=np.random.default_rng(1))


def test_no_category_axis():
    with pytest.raises(ValueError, match="axis"):
        gumbel_fast.categorical(3.0, rng=1)


@pytest.mark.parametrize("axis", [2, -3, 10**6])
def test_axis_out_of_bounds(axis):
    with pytest.raises(np.exceptions.AxisError):
        gumbel_fast.categorical(np.zeros((3, 4)), axis=axis, rng=1)


@pytest.mark.parametrize("logits", [
    [1j, 2], ["a", "b"], [None, 1.0], np.array([b"a"]), np.zeros((2, 3), "c8"), np.zeros(3, "M8[s]"),
])  # fmt: skip
def test_other_kinds_are_refused(logits):
    dtype = np.asarray(logits).dtype
    with pytest.raises(TypeError, match=re.escape(str(dtype)) + "|" + re.escape(dtype.name)):
        gumbel_fast.categorical(logits, rng=1)


@pytest.mark.parametrize("shape", [(2**34 + 1,), (3, 2**34 + 1), (0, 2**34 + 1)])
def test_too_many_categories(shape):
    """Refused before anything is read or copied."""
    with pytest.raises(ValueError, match=r"2\*\*34"):
        gumbel_fast.categorical(np.broadcast_to(np.float32(0), shape), rng=1)


def test_keywords_only():
    with pytest.raises(TypeError):
        gumbel_fast.categorical([0.0, 1.0], 1.0)


def test_logits_are_left_alone():
    for dtype in DTYPES:
        x = some_rows((30, 300), dtype)
        before = x.copy()
        gumbel_fast.categorical(x, rng=1, temperature=0.5)
        np.testing.assert_array_equal(x, before)


@pytest.mark.many_draws
def test_twin_draws_from_softmax():
    """The NumPy twin against the exact law, so that the two can be read side by side."""
    row = np.log([0.1, 0.2, 0.3, 0.4])
    draws = reference.categorical(np.broadcast_to(row, (4_000, 4)), rng=1)
    assert_draws_follow(draws, softmax(row), against={"twice the temperature": softmax(row, 2)})


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [64, 128])
def test_small_elements_of_a_short_row(n, dtype):
    """8,000,000 rows of one head among elements 14 to 16 nats below it, which are laid out and drawn apart from it.

    Their share, and the shares among them, would be noticed if they were twice or half as much, or all alike.
    """
    head, count = n // 2, 8_000_000
    row = -14.0 - np.arange(n) % 3
    row[head] = 0
    p = softmax(row)
    draws = gumbel_fast.categorical(np.broadcast_to(row.astype(dtype), (count, n)), rng=n)
    below = draws[draws != head]
    share = 1 - p[head]
    assert_count(below.size, count, share, against={"twice": 2 * share, "half": share / 2})
    kinds = np.array([p[(np.arange(n) % 3 == kind) & (np.arange(n) != head)].sum() for kind in range(3)])
    assert_draws_follow(below % 3, kinds / kinds.sum(), against={"all alike": np.ones(3) / 3})
