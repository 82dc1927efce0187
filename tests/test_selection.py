"""The k greatest of a row that is found piece by piece: `merge_top_k`, and the `Selection` behind long rows.

The model is a sort of all that there is: by falling value, infinite ones by falling logits, of equals the lower index
first. Nothing here draws; test_dask_top_k.py does, through Dask.
"""

import itertools
from math import ceil, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import gumbel_fast
from gumbel_fast._selection import Selection, order_of
from rows import some_rows

# ---------------------------------------------------------------------------------------------------------- merge_top_k


def greatest(index, value, k):
    """The k greatest of one row, without those that are none, then filled up."""
    index, value = np.asarray(index), np.asarray(value, np.float64)
    index, value = index[index >= 0], value[index >= 0]
    order = np.lexsort((index, -value))[:k]
    short = k - order.size
    return np.append(index[order], np.full(short, -1)), np.append(value[order], np.full(short, -np.inf))


def assert_merged(indices, values, k):
    """What is merged has the model's result in every row, and dtypes and shape as promised."""
    index, value = gumbel_fast.merge_top_k(indices, values, k)
    batch = np.shape(indices[0])[:-1]
    assert (index.dtype, value.dtype) == (np.int64, np.float64)
    assert index.shape == value.shape == (*batch, k)
    for row in np.ndindex(batch):
        expected = greatest(np.concatenate([i[row] for i in indices]), np.concatenate([v[row] for v in values]), k)
        np.testing.assert_array_equal(index[row], expected[0])
        np.testing.assert_array_equal(value[row], expected[1])


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=5),
    st.integers(0, 30),
    st.sampled_from([(), (3,), (2, 3)]),
    st.integers(0, 99),
)
def test_merged_shards_are_a_sort_of_all(sizes, k, batch, seed):
    """Of few values, so that many are equal, infinite ones among them; a fifth are no draws."""
    rng = np.random.default_rng(seed)
    columns = np.argsort(rng.random((*batch, sum(sizes))), axis=-1)  # shards in no order of their columns
    values = rng.choice([-np.inf, -1.5, 0.0, 0.0, 2.0, np.inf], columns.shape)
    none = rng.random(columns.shape) < 0.2
    columns[none], values[none] = -1, -np.inf
    cuts = np.cumsum(sizes)[:-1]
    assert_merged(np.split(columns, cuts, axis=-1), np.split(values, cuts, axis=-1), k)


def test_shards_of_drawn_rows():
    """As its docstring says: with each shard's first column added, they are what the whole rows give."""
    x = some_rows((3, 4, 500))
    for k in 1, 7, 120:
        indices, values = [], []
        for start, stop in (0, 130), (130, 131), (131, 500):
            index, value = gumbel_fast.gumbel_top_k(
                x[..., start:stop], k, rng=7, offset=(0, start), return_value=True, allow_fewer=True
            )
            indices.append(np.where(index < 0, -1, index + start))
            values.append(value)
        index, value = gumbel_fast.merge_top_k(indices, values, k)
        expected = gumbel_fast.gumbel_top_k(x, k, rng=7, return_value=True)
        np.testing.assert_array_equal(index, expected[0])
        np.testing.assert_array_equal(value, expected[1])


def test_draws_of_value_minus_infinity_come_before_none():
    for indices in [[-1, 5], [3]], [[3], [-1, -1, 5]]:
        index, value = gumbel_fast.merge_top_k(indices, [np.full(len(i), -np.inf) for i in indices], 4)
        np.testing.assert_array_equal(index, [3, 5, -1, -1])
        np.testing.assert_array_equal(value, [-np.inf] * 4)


def test_of_equal_values_the_lower_index_comes_first():
    index, value = gumbel_fast.merge_top_k([[9, 4], [7, 2], [5]], [[1.0, 0.0], [1.0, 1.0], [1.0]], 4)
    np.testing.assert_array_equal(index, [2, 5, 7, 9])
    np.testing.assert_array_equal(value, [1.0] * 4)
    big = 2**53  # where a float has no odd numbers
    index, _ = gumbel_fast.merge_top_k([[big + 1], [big]], [[0.0], [0.0]], 2)
    np.testing.assert_array_equal(index, [big, big + 1])


@pytest.mark.parametrize("kind", [np.int32, np.uint8, list])
def test_kinds_of_shards(kind):
    plain = [np.array([[5, 1], [0, 3]]), np.array([[2], [9]])]
    values = [np.array([[2.0, 1.0], [0.5, 0.25]]), np.array([[1.5], [7.0]])]
    expected = gumbel_fast.merge_top_k(plain, values, 2)
    if kind is list:
        found = gumbel_fast.merge_top_k([i.tolist() for i in plain], tuple(v.tolist() for v in values), 2)
    else:
        found = gumbel_fast.merge_top_k([i.astype(kind) for i in plain], [v.astype(np.float32) for v in values], 2)
    for part, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part, wanted)
        assert part.dtype == wanted.dtype


def test_shards_are_left_as_they_are():
    index, value = np.array([4, 3, -1]), np.array([1.0, 1.0, -np.inf])
    before = index.copy(), value.copy()
    gumbel_fast.merge_top_k([index], [value], 3)
    np.testing.assert_array_equal(index, before[0])
    np.testing.assert_array_equal(value, before[1])


REFUSED = {
    "k below 0": (([[1]], [[0.0]], -1), ValueError, "k"),
    "k of no int": (([[1]], [[0.0]], 1.5), TypeError, None),
    "more indices than values": (([[1], [2]], [[0.0]], 1), ValueError, None),
    "shapes that differ": (([[1, 2]], [[0.0]], 1), ValueError, "shape"),
    "batches that differ": (([np.zeros((2, 1), int), np.zeros((3, 1), int)], [np.zeros((2, 1)), np.zeros((3, 1))], 1),
                            ValueError, None),
    "indices of no ints": (([[1.0]], [[0.0]], 1), TypeError, "ints"),
    "values of no numbers": (([[1]], [["a"]], 1), TypeError, None),
    "complex values": (([[1]], [[1j]], 1), TypeError, None),
    "masked indices": (([np.ma.array([1, 2], mask=[0, 1])], [[0.0, 0.0]], 1), TypeError, "masked"),
    "masked values": (([[1, 2]], [np.ma.array([0.0, 1.0], mask=[0, 1])], 1), TypeError, "masked"),
    "no shards": (([], [], 1), ValueError, "shards"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_merge_top_k_refuses(case):
    arguments, kind, word = REFUSED[case]
    with pytest.raises(kind, match=word):
        gumbel_fast.merge_top_k(*arguments)


# ------------------------------------------------------------------------------------------------------------ Selection


class Row:
    """A row of values, and of logits that tell infinite ones apart; it answers what a piece is asked for."""

    def __init__(self, values, logits=None):
        self.values = np.asarray(values, np.float64)
        self.logits = np.zeros(self.values.size) if logits is None else np.asarray(logits)
        self.rank = np.lexsort((np.arange(self.values.size), -self.logits, -self.values))
        self.asked = []

    def above(self, places, floor):
        values = self.values[places]
        return places[(values > floor) | (floor == -np.inf)]

    def best(self, k, floor=-np.inf):
        return self.above(self.rank, floor)[:k]

    def answer(self, selection, start, stop, wanted, floor):
        inside = self.rank[(self.rank >= start) & (self.rank < stop)]
        index = self.above(inside, floor)[:wanted]
        value = self.values[index]
        order = self.logits[index] if np.isinf(value).any() else None
        selection.add(start, stop, index, value, order)


def select(row, pieces, k, floor=-np.inf, *, at_once=False):
    """What a Selection finds, by the rules of its callers, and which pieces it asked for again.

    Either each piece knows what those before it have given, as where a file is read, or all are asked at first by
    nothing but the caller's floor, as where they are computed in parallel.
    """
    selection = Selection(k, row.values.size, floor)
    assert selection.floor == floor
    floors = [floor]
    for start, stop in pieces:
        row.answer(selection, start, stop, selection.wanted(stop - start), floor if at_once else selection.floor)
        floors.append(selection.floor)
    again = []
    for start, stop in selection.again():
        again.append((start, stop))
        row.answer(selection, start, stop, min(k, stop - start), selection.floor)
        floors.append(selection.floor)
    assert floors == sorted(floors), "the floor has fallen"
    return selection.result(), again


def assert_selected(row, cuts, k, floor=-np.inf, *, pieces=None, **how):
    pieces = list(itertools.pairwise(cuts)) if pieces is None else pieces
    (index, value), again = select(row, pieces, k, floor, **how)
    expected = row.best(k, floor)
    assert (index.dtype, value.dtype) == (np.int64, np.float64)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_array_equal(value, row.values[expected])
    assert len(again) == len(set(again)), "a piece is asked a third time"
    return again


cut_lists = st.lists(st.integers(0, 400), max_size=6)


@given(st.integers(1, 400), cut_lists, st.integers(0, 450), st.integers(0, 999), st.booleans(), st.booleans())
def test_selected_is_a_sort(n, cuts, k, seed, at_once, few_values):
    """Distinct values, and few of which many are equal; pieces that are empty, and k beyond what there is."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, n) * 1.0 if few_values else rng.normal(size=n)
    shape = rng.integers(0, 4)  # in no order, rising, falling, or the greatest all in one place
    values = [values, np.sort(values), -np.sort(values), values + 10 * (np.arange(n) // 40 == n // 80)][shape]
    cuts = sorted([0, n, *(c for c in cuts if c < n)])
    floor = rng.choice([-np.inf, -np.inf, 0.5, 2.0, 1e300, np.inf])
    assert_selected(Row(values), cuts, k, floor, at_once=at_once)


@given(st.integers(1, 300), cut_lists, st.integers(0, 320), st.integers(0, 999), st.booleans())
def test_infinite_values_are_told_apart_by_their_logits(n, cuts, k, seed, at_once):
    rng = np.random.default_rng(seed)
    logits = rng.integers(-3, 4, n) * 1.0 if seed % 2 else rng.normal(size=n)
    ends = [[-np.inf, np.inf], [-np.inf, 0.0, np.inf], [-np.inf, -np.inf, -np.inf, 1.0], [np.inf]][seed % 4]
    values = np.sort(rng.choice(ends, n))  # a value rises with its logit
    order = np.argsort(logits, kind="stable")
    by_place = np.empty(n)
    by_place[order] = values
    finite = np.isfinite(by_place)
    by_place[finite] += rng.normal(size=n)[finite]
    cuts = sorted([0, n, *(c for c in cuts if c < n)])
    assert_selected(Row(by_place, logits), cuts, k, rng.choice([-np.inf, -np.inf, 0.0, np.inf]), at_once=at_once)


def test_pieces_in_any_order():
    rng = np.random.default_rng(5)
    row = Row(rng.integers(0, 900, 5000) * 1.0)
    cuts = [0, 100, 101, 900, 2000, 2000, 4000, 5000]
    for seed in range(20):
        pieces = [list(itertools.pairwise(cuts))[i] for i in np.random.default_rng(seed).permutation(len(cuts) - 1)]
        for k in 1, 50, 1000, 6000:
            assert_selected(row, cuts, k, pieces=pieces, at_once=bool(seed % 2))


def test_nothing_at_all():
    for k in 0, 3:
        for cuts in [0, 0], [0], [0, 0, 0]:
            assert not assert_selected(Row([]), cuts, k)
        selection = Selection(k, 10)
        selection.add(0, 10, np.empty(0, np.int64), np.empty(0))
        assert list(selection.again()) == []
        index, value = selection.result()
        assert index.size == value.size == 0


def test_all_is_in_one_piece():
    """As many as are wanted, in one of a hundred pieces, which gives but its share at first."""
    n, size = 100_000, 1000
    cuts = range(0, n + 1, size)
    for where in 0, 37, 99:
        values = np.random.default_rng(1).normal(size=n)
        values[where * size : (where + 1) * size] += 100
        for k in 500, 1000:
            for at_once in False, True:
                assert Selection(k, n).wanted(size) < k
                again = assert_selected(Row(values), cuts, k, at_once=at_once)
                assert again == [(where * size, (where + 1) * size)]


def test_first_share_is_what_is_expected_and_a_margin():
    for k, columns, size in (1_000_000, 10**9, 10**7), (10_000, 10**6, 10**4), (5, 100, 10):
        selection = Selection(k, columns)
        expected = k * size / columns
        assert selection.wanted(size) >= min(size, k, expected + 6 * sqrt(expected) - 1)
        assert selection.wanted(size) <= min(size, k)
        if expected > 1000:
            assert selection.wanted(size) <= expected + 10 * sqrt(expected), "a margin that costs as much as the share"
    assert Selection(7, 10).wanted(10) == 7
    assert Selection(7, 10).wanted(3) == 3
    assert Selection(0, 10).wanted(3) == 0


@pytest.mark.parametrize("at_once", [False, True])
def test_usually_no_piece_is_asked_again(at_once):
    """How many of the k greatest a piece has is hypergeometric; it is asked again where that is as many as it gave.

    For all the rows here together, of values in no order, right code fails less than once in a million times.
    """
    chance = 0.0
    for n, pieces, k, rows in (200_000, 20, 20_000, 5), (100_000, 10, 50_000, 5), (300_000, 100, 30_000, 3):
        size = n // pieces
        wanted = Selection(k, n).wanted(size)
        chance += rows * pieces * stats.hypergeom.sf(wanted - 1, n, k, size)
        for seed in range(rows):
            row = Row(np.random.default_rng(seed).normal(size=n))
            assert assert_selected(row, range(0, n + 1, size), k, at_once=at_once) == []
    assert chance < 1e-6


@pytest.mark.parametrize("turn", [1, -1], ids=["rising", "falling"])
@pytest.mark.parametrize("at_once", [False, True])
def test_of_sorted_rows_few_pieces_are_asked_again(at_once, turn):
    """Only those that hold some of the k greatest, of which there are ceil(k / size), and perhaps one beside them."""
    n, size = 200_000, 2000
    row = Row(np.arange(n)[::turn])
    for k in 2000, 5000, 20_000:
        again = assert_selected(row, range(0, n + 1, size), k, at_once=at_once)
        assert len(again) <= ceil(k / size) + 1
        ends = sorted(start for start, _ in again)
        assert all(start >= n - k - size if turn == 1 else start <= k for start in ends)


def test_equal_values_in_every_piece():
    """Of equals the lower index wins, whichever piece has more of them."""
    n, size, k = 100_000, 1000, 3000
    for values in np.zeros(n), np.repeat([1.0, 0.0], n // 2), np.repeat([0.0, 1.0], n // 2), np.arange(n) // 40_000:
        for at_once in False, True:
            assert_selected(Row(values), range(0, n + 1, size), k, at_once=at_once)


def test_floor_rises_to_what_cannot_matter():
    """Never above the k-th of those so far; and in the end just below it, so that nothing is searched for in vain."""
    values = np.random.default_rng(1).permutation(1_000_000) * 1.0
    k, size = 100, 1000
    selection = Selection(k, values.size)
    row = Row(values)
    floors = []
    for start in range(0, values.size, size):
        row.answer(selection, start, start + size, selection.wanted(size), selection.floor)
        floors.append(selection.floor)
        assert start + size < k or floors[-1] < np.partition(values[: start + size], -k)[-k]
    assert floors == sorted(floors)
    assert floors[-1] > 998_000, "the k-th of a twentieth of the row is higher"
    assert list(selection.again()) == []
    assert selection.floor == np.nextafter(values.size - k, -np.inf)


def test_floor_is_strict_and_the_callers_own_is_kept():
    row = Row([0.0, 1.0, 2.0, 1.0, 3.0, 0.5, 1.0, 1.5, -2.0, 1.0])
    for floor, k, expected in (1.0, 9, [4, 2, 7]), (1.0, 2, [4, 2]), (np.inf, 9, []), (2.9, 1, [4]):
        for at_once in False, True:
            found = select(row, [(0, 5), (5, 10)], k, floor, at_once=at_once)[0]
            np.testing.assert_array_equal(found[0], expected)


def test_order_of_is_none_but_for_infinite_values():
    """And then what stands at those; -1 is no category, and has no logit."""
    x = np.array([5.0, -7.0, 3.0, 2.0])
    assert order_of(x, np.array([0, 2]), np.array([1.0, 2.0])) is None
    assert order_of(x, np.array([], int), np.array([])) is None
    assert order_of(x, np.array([2, -1]), np.array([1.0, -np.inf])) is None
    order = order_of(x, np.array([2, 3, 0, 1, -1]), np.array([np.inf, np.inf, 9.0, -np.inf, -np.inf]))
    np.testing.assert_array_equal(np.delete(order, [2, 4]), [3.0, 2.0, -7.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("at_once", [False, True])
def test_with_gumbel_top_k(at_once, dtype):
    """As its callers use it, values that overflow included: the bits of the whole row."""
    x = some_rows(20_000, dtype, masked=0.3)
    for temperature in 1.0, 1e-310, 0.0:
        for k in 1, 300, 9000, 19_000:
            options = {"rng": 7, "temperature": temperature, "return_value": True, "allow_fewer": True}

            def give(selection, start, stop, wanted, floor, options=options):
                index, value = gumbel_fast.gumbel_top_k(
                    x[start:stop], wanted, offset=(0, start), floor=floor, **options
                )
                index, value = index[index >= 0], value[index >= 0]
                selection.add(start, stop, index + start, value, order_of(x[start:stop], index, value))

            selection = Selection(k, x.size)
            for start, stop in itertools.pairwise([0, 1, 3000, 3000, 11_000, 20_000]):
                floor = -np.inf if at_once else selection.floor
                give(selection, start, stop, selection.wanted(stop - start), floor)
            for start, stop in selection.again():
                give(selection, start, stop, min(k, stop - start), selection.floor)
            index, value = selection.result()
            expected = gumbel_fast.gumbel_top_k(x, k, **options)
            np.testing.assert_array_equal(index, expected[0][expected[0] >= 0])
            np.testing.assert_array_equal(value, expected[1][expected[0] >= 0])
