"""indptr: what it may be, in every kind of integer, and what is refused; an error names it and leaves `out` as it was.

Also what does not go with it (more axes, packed masks, shapes of another batch), which row an error names, and memory
that ends, is shared, or is written to by another thread. Results are test_ragged.py's subject.
"""

import sys
import threading
import time

import numpy as np
import pytest

import gumbel_fast
from ragged import (
    FLAT,
    FUNCTIONS,
    NORMALISERS,
    ORDERS,
    SAMPLERS,
    WANTED,
    assert_bits,
    bounds_of,
    options_of,
    ragged_rows,
)
from rows import ALL_DTYPES, BAD, DTYPES, NO_NUMBERS, NO_TEMPERATURES, compute_dtype, outs_that_do_not_fit
from test_hostile import between_pages, changing

CALLS = {
    **FUNCTIONS,
    "log_prob": lambda x, indptr, **o: gumbel_fast.log_prob(x, np.zeros(max(np.size(indptr) - 1, 0), int),
                                                           indptr=indptr, **o),
}  # fmt: skip
LENGTHS = [150, 200, 151, 160]  # enough for whatever is wanted of a row
ROWS = len(LENGTHS)
FILTERED = ["categorical", "few draws", "many draws", "few distinct draws", "entropy", "log_prob"]


def plain(name):
    """Options of a call that is not allowed to find too little."""
    return {"rng": 5} if name in SAMPLERS else {}


def out_for(name, x, rows):
    """Sevens that take the result, where the function has such a parameter."""
    if name in FLAT:
        return np.full(x.shape, 7, compute_dtype(x.dtype))
    if name == "logsumexp":
        return np.full(rows, 7, compute_dtype(x.dtype))
    if name not in SAMPLERS or "top_k of" in name:
        return None
    result = SAMPLERS[name](np.zeros((1, 300), x.dtype), rng=1)
    shape = np.shape(result[0] if isinstance(result, tuple) else result)
    return np.full((rows, *shape[1:]), 7, np.int64)


def assert_refused(error, name, x, match, *, indptr, rows=ROWS, **options):
    """With `out` and without; the generator may have moved on."""
    options = plain(name) | options
    with pytest.raises(error, match=match):
        CALLS[name](x, indptr=indptr, **options)
    out = out_for(name, np.asarray(x), rows)
    if out is not None:
        with pytest.raises(error, match=match):
            CALLS[name](x, indptr=indptr, out=out, **options)
        assert np.all(out == 7), "out was written to"


@pytest.fixture(scope="module")
def some_ragged():
    x, indptr = ragged_rows(LENGTHS, masked=0, before=3, after=4)
    x.flags.writeable = indptr.flags.writeable = False
    return x, indptr


# ------------------------------------------------------------------------------------------------------- what it may be

KINDS = {
    "int8": lambda p: p.astype(np.int8),
    "uint8": lambda p: p.astype(np.uint8),
    "int16": lambda p: p.astype(np.int16),
    "uint16": lambda p: p.astype(np.uint16),
    "int32": lambda p: p.astype(np.int32),
    "uint32": lambda p: p.astype(np.uint32),
    "int64": lambda p: p.astype(np.int64),
    "uint64": lambda p: p.astype(np.uint64),
    "long long": lambda p: p.astype(np.longlong),
    "int32 of the other byte order": lambda p: p.astype(np.dtype(np.int32).newbyteorder()),
    "int64 of the other byte order": lambda p: p.astype(np.dtype(np.int64).newbyteorder()),
    "a list": lambda p: p.tolist(),
    "a tuple of NumPy's integers": tuple,
    "a buffer": lambda p: memoryview(p.astype(np.int32)),
    "strided int32": lambda p: np.repeat(p.astype(np.int32), 3)[::3],
    "strided int64": lambda p: np.repeat(p, 2)[::2],
    "backwards": lambda p: np.ascontiguousarray(p[::-1])[::-1],
    "a column": lambda p: np.stack([p, p + 1], axis=1)[:, 0],
    "a field": lambda p: np.rec.fromarrays([p.astype(np.int8), p]).f1,
    "misaligned int32": lambda p: np.frombuffer(b"\0" + p.astype(np.int32).tobytes(), np.uint8)[1:].view(np.int32),
    "misaligned int64": lambda p: np.frombuffer(b"\0" + p.tobytes(), np.uint8)[1:].view(np.int64),
    "read-only": lambda p: np.frombuffer(p.tobytes(), np.int64),
    "a subclass": lambda p: p.view(type("Subclass", (np.ndarray,), {})),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_integers(kind, name):
    """Of every width and layout; it is left as it was."""
    lengths = [5, 1, 33, 2, 65, 9] if name in ("log_prob", "gumbel_max") else [0, 5, 33, 0, 65, 9, 0]
    x, indptr = ragged_rows(lengths, before=2, after=1)
    options = options_of(name)
    expected = CALLS[name](x, indptr=indptr, **options)
    given = KINDS[kind](indptr)
    before = np.array(given)
    assert_bits(CALLS[name](x, indptr=given, **options), expected)
    np.testing.assert_array_equal(np.array(given), before)


@pytest.mark.parametrize(
    "kind, first", [(np.int32, 2**31 - 9), (np.uint32, 3 * 10**9), (np.int64, 2**33 + 5), (np.uint64, 2**33 + 5)]
)
def test_rows_that_begin_beyond_what_narrow_integers_hold(kind, first):
    """In an array that has one element for all."""
    x = np.broadcast_to(np.float16(0.5), (first + 8,))
    indptr = np.array([first, first + 3, first + 8], kind)
    for name in "categorical", "gumbel_max", "logsumexp", "entropy", "some draws", "few distinct draws":
        expected = FUNCTIONS[name](x[first:], indptr=[0, 3, 8], **options_of(name))
        assert_bits(FUNCTIONS[name](x, indptr=indptr, **options_of(name)), expected)


@pytest.mark.parametrize("axis", [0, -1])
def test_the_axis_is_the_only_one(axis):
    x, indptr = ragged_rows([150, 129, 200])
    for name in CALLS:
        expected = CALLS[name](x, indptr=indptr, **options_of(name))
        assert_bits(CALLS[name](x, indptr=indptr, axis=axis, **options_of(name)), expected)


@pytest.mark.parametrize("name", CALLS)
def test_none_is_the_default(name):
    x = np.linspace(-1, 1, 200)[np.newaxis]
    options = plain(name)
    call = FUNCTIONS.get(name, lambda x, **o: gumbel_fast.log_prob(x, [3], **o))
    assert_bits(call(x, indptr=None, **options), call(x, **options))


# ------------------------------------------------------------------------------------------------------- what it is not


@pytest.mark.parametrize("name", CALLS)
def test_no_integers(name, some_ragged):
    x, indptr = some_ragged
    for kind in float, np.float32, bool, complex, "U5", "S5", object, "M8[s]", "m8[s]":
        given = indptr.astype(kind) if kind is not bool else np.array([False, True, True])
        assert_refused(TypeError, name, x, "indptr", indptr=given)
    for given in [0.0, 150.0], [0, 150.5], "0 150", ["0", "150"], [None, 150], [0, np.nan]:
        assert_refused((TypeError, ValueError), name, x, "indptr", indptr=given)


@pytest.mark.parametrize("name", CALLS)
def test_masked_arrays(name, some_ragged):
    x, indptr = some_ragged
    for given in np.ma.masked_array(indptr, False), np.ma.masked_array(indptr, indptr == 3):
        assert_refused(TypeError, name, x, r"indptr must not be a masked array", indptr=given)
    assert_refused(TypeError, name, np.ma.masked_array(x), r"logits must not be a masked array", indptr=indptr)
    mask = np.ma.masked_array(np.ones(x.size, bool))
    assert_refused(TypeError, name, x, r"mask must not be a masked array", indptr=indptr, mask=mask)


@pytest.mark.parametrize("name", CALLS)
def test_shapes_of_indptr(name, some_ragged):
    x, _ = some_ragged
    for given in [], np.zeros(0, int), np.zeros(0), np.zeros((0, 2), int):
        assert_refused(ValueError, name, x, "indptr", indptr=given, rows=0)
    for given in 0, 150, np.int64(5), np.array(5), [[0, 150]], np.zeros((5, 1), int), np.zeros((1, 1, 5), int):
        assert_refused(ValueError, name, x, "indptr", indptr=given)


@pytest.mark.parametrize("name", CALLS)
def test_entries_outside(name, some_ragged):
    x, indptr = some_ragged
    n = x.size
    for given in (
        [-1, 150, 300, 450, 600],
        [0, 150, 300, 450, n + 1],
        [n + 1] * 5,
        [-5] * 5,
        [-(2**63), 150, 300, 450, 600],
        [0, 150, 300, 450, 2**63 - 1],
        np.array([0, 150, 300, 450, 2**63], np.uint64),
        np.array([2**64 - 1, 2**64 - 1, 2**64 - 1, 2**64 - 1, 2**64 - 1], np.uint64),
        np.array([0, 150, 300, 450, 2**64 - 1], np.uint64),
        np.array([0, 150, 300, 450, 2**32 - 1], np.uint32),
        np.array([0, 150, 300, 450, -1], np.int32),
        np.array([-1, 150, 300, 450, 600], np.int32),
        np.array([-100, -50, 0, 50, 100], np.int8),
    ):
        assert_refused(ValueError, name, x, "indptr", indptr=given)
    assert_refused(ValueError, name, x[:0], "indptr", indptr=[0, 1], rows=1)
    assert_refused(ValueError, name, x, "indptr", indptr=[n + 1], rows=0)
    assert_refused(ValueError, name, x, "indptr", indptr=[-1], rows=0)
    assert_refused((TypeError, ValueError), name, x, "indptr", indptr=[0, 150, 300, 450, 2**64])
    assert indptr[-1] + 4 == n


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", [np.int8, np.int32, np.uint32, np.int64, np.uint64])
def test_entries_that_fall(kind, name):
    """The first row that falls is named; one that falls to 0, and one by a single element."""
    x = np.zeros(127, np.float32)
    for row in 0, 1, 57, 118:
        indptr = np.arange(120)
        indptr[row + 1 :] -= 2
        indptr[indptr < 0] = 0
        if row == 0:
            indptr[:2] = 3, 2
            indptr[2:] = np.maximum(indptr[2:], 2)
        else:
            indptr[-1] = 0 if row < 100 else indptr[-1]  # falls again
        options = options_of(name) | {"indptr": indptr.astype(kind), "rows": 119}
        assert_refused(ValueError, name, x, rf"indptr.*row {row}\b", **options)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 63, 64, 65, 1000, 1_000_003])
def test_a_fall_anywhere_in_many_rows(rows):
    """By vectors or not, at either end of a piece; before anything is drawn, and on threads too."""
    x = np.zeros(2 * rows + 2, np.float32)
    for place in {0, rows // 2, rows - 1}:
        for kind in np.int32, np.int64:
            indptr = 2 * np.arange(rows + 1, dtype=kind) + 1
            indptr[place + 1 :] -= 3
            if place == 0:
                indptr += 2
            indptr[place + 1 :] = np.maximum(indptr[place + 1 :], 0)
            assert indptr[place + 1] < indptr[place]
            for workers in 1, 2:
                out = np.full(rows, 7)
                with pytest.raises(ValueError, match=rf"indptr.*row {place}\b"):
                    gumbel_fast.categorical(x, indptr=indptr, rng=1, out=out, workers=workers)
                assert np.all(out == 7)


@pytest.mark.parametrize("name", CALLS)
def test_logits_of_other_shapes(name, some_ragged):
    _, indptr = some_ragged
    for shape in (4, 200), (700, 1), (1, 700), (1, 1, 700), (), (0, 5):
        assert_refused(ValueError, name, np.zeros(shape, np.float32), "indptr", indptr=indptr)
    assert_refused(ValueError, name, [[0.0] * 700], "indptr", indptr=indptr)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("axis", [1, -2, 2, 5])
def test_other_axes(axis, name, some_ragged):
    x, indptr = some_ragged
    assert_refused(ValueError, name, x, "axis", indptr=indptr, axis=axis)


@pytest.mark.parametrize("name", CALLS)
def test_no_logits(name, some_ragged):
    for x in NO_NUMBERS:
        if np.ndim(x) == 1:
            with pytest.raises(TypeError, match="logits"):
                CALLS[name](x, indptr=[0, 1], **plain(name))


# -------------------------------------------------------------------------------------------------- what goes along


@pytest.mark.parametrize("name", CALLS)
def test_temperatures(name, some_ragged):
    x, indptr = some_ragged
    for value in NO_TEMPERATURES:
        assert_refused(ValueError, name, x, "temperature", indptr=indptr, temperature=value)
        assert_refused(ValueError, name, x, "temperature", indptr=indptr, temperature=[1.0, value, 1.0, 1.0])
    for shape in (3,), (5,), (0,), (4, 1), (1, 4), x.shape:
        assert_refused(ValueError, name, x, "temperature", indptr=indptr, temperature=np.ones(shape))
    if name in (*FLAT, "logsumexp"):
        assert_refused(ValueError, name, x, "temperature", indptr=indptr, temperature=0)


@pytest.mark.parametrize("name", FILTERED)
@pytest.mark.parametrize("parameter", ["top_k", "top_p", "min_p", "filter_temperature"])
def test_filters(parameter, name, some_ragged):
    x, indptr = some_ragged
    kind, sound = (int, 0) if parameter == "top_k" else (float, 0.5)
    for shape in (3,), (5,), (0,), (4, 1), (1, 4), x.shape:
        assert_refused(ValueError, name, x, parameter, indptr=indptr, **{parameter: np.ones(shape, kind)})
    assert_refused(ValueError, name, x, parameter, indptr=indptr, **{parameter: [sound, sound, -1, sound]})


@pytest.mark.parametrize("name", CALLS)
def test_masks(name, some_ragged):
    """Words of 32 columns have no place in rows that begin anywhere; a mask has the logits' shape."""
    x, indptr = some_ragged
    n = x.size
    for shape in (n,), (1,), (-(-n // 32),), (4, 7), ():
        for kind in np.int32, np.uint32:
            assert_refused(ValueError, name, x, "mask", indptr=indptr, mask=np.ones(shape, kind))
    for shape in (n - 1,), (n + 1,), (4,), (4, n), (1, n), (n, 1), (0,):
        for kind in bool, np.uint8, np.int8:
            assert_refused(ValueError, name, x, "mask", indptr=indptr, mask=np.ones(shape, kind))
    for kind in float, np.int64, np.int16, complex, object, "U1":
        assert_refused(TypeError, name, x, "mask", indptr=indptr, mask=np.ones(n, int).astype(kind))


@pytest.mark.parametrize("name", ["gumbel_max", "gumbel_max with values"])
def test_noise(name, some_ragged):
    x, indptr = some_ragged
    for shape in (x.size - 1,), (x.size + 1,), (1, x.size), (4, 200), (), (4,):
        noise = np.zeros(shape)
        with pytest.raises(ValueError, match="noise"):
            FUNCTIONS[name](x, indptr=indptr, noise=noise)
    noise = np.zeros(x.size)
    for options in {"rng": 1}, {"offset": (1, 0)}, {"offset": (0, 1)}:
        with pytest.raises(ValueError, match="noise"):
            FUNCTIONS[name](x, indptr=indptr, noise=noise, **options)
    for bad in np.nan, -np.inf:
        noise = np.zeros(x.size)
        noise[indptr[2] : indptr[3]] = bad
        with pytest.raises(ValueError, match=r"row 2\b"):
            FUNCTIONS[name](x, indptr=indptr, noise=noise)


@pytest.mark.parametrize("name", SAMPLERS)
def test_row_streams_and_offsets(name, some_ragged):
    x, indptr = some_ragged
    for seeds in [1, 2, 3], [1] * 5, [[1, 2, 3, 4]], [1] * x.size:
        rng = gumbel_fast.RowStreams(seeds)
        assert_refused(ValueError, name, x, "RowStreams|batch", indptr=indptr, rng=rng)
    rng = gumbel_fast.RowStreams([1, 2, 3, 4])
    assert_refused(ValueError, name, x, "offset", indptr=indptr, rng=rng, offset=(1, 0))
    for offset in (-1, 0), (2**64, 0), (0, -1), (0, 2**34), (0, 2**34 - 199):
        assert_refused(ValueError, name, x, "offset", indptr=indptr, offset=offset)
    if not name.startswith("gumbel"):
        assert_refused(ValueError, name, x, "offset", indptr=indptr, offset=(0, 1))


@pytest.mark.parametrize("name", CALLS)
def test_workers_of_no_number(name, some_ragged):
    x, indptr = some_ragged
    assert_refused(ValueError, name, x, "workers", indptr=indptr, workers=0)


def test_indices():
    """Of the batch's shape or one axis more, each inside its own row, whatever lies behind it."""
    x = np.zeros(20, np.float32)
    indptr = [2, 5, 5, 12, 16]
    assert gumbel_fast.log_prob(x, [2, -1, 6, 3], indptr=indptr).shape == (4,)
    for row, wrong in (0, 3), (0, 19), (1, 0), (2, 7), (3, 4), (3, -2), (0, 2**40), (2, -(2**40)):
        index = np.array([0, -1, 0, 0])
        index[row] = wrong
        with pytest.raises(ValueError, match="index"):
            gumbel_fast.log_prob(x, index, indptr=indptr)
        several = np.array([[0, 1], [-1, -1], [0, 1], [0, 1]])
        several[row, 1] = wrong
        with pytest.raises(ValueError, match="index"):
            gumbel_fast.log_prob(x, several, indptr=indptr)
    for shape in (3,), (5,), (2, 4), (1, 4), (4, 1, 1), (), (20,), (0,):
        with pytest.raises(ValueError, match="index"):
            gumbel_fast.log_prob(x, np.zeros(shape, int), indptr=indptr)
    for index in [0.0] * 4, ["0"] * 4, [None] * 4, np.ma.masked_array([0, -1, 0, 0]):
        with pytest.raises(TypeError, match="index"):
            gumbel_fast.log_prob(x, index, indptr=indptr)


def test_a_bad_row_has_no_log_prob():
    x, indptr = ragged_rows([5, 64, 0, 130], masked=0)
    x[indptr[1] + 3] = np.nan
    found = gumbel_fast.log_prob(x, [0, 0, -1, 0], indptr=indptr)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False, False])
    assert found[2] == -np.inf


def test_no_samples():
    """No row is read, but arguments are checked."""
    x, indptr = np.full(9, np.nan), [0, 4, 9]
    assert gumbel_fast.categorical(x, indptr=indptr, num_samples=0, rng=1).shape == (2, 0)
    assert gumbel_fast.categorical(x, indptr=indptr, num_samples=0, replace=False, rng=1).shape == (2, 0)
    assert gumbel_fast.gumbel_top_k(x, 0, indptr=indptr, rng=1).shape == (2, 0)
    for wrong in [0, 4, 10], [0, 5, 4], [], [[0]]:
        with pytest.raises(ValueError, match="indptr"):
            gumbel_fast.categorical(x, indptr=wrong, num_samples=0, rng=1)
        with pytest.raises(ValueError, match="indptr"):
            gumbel_fast.gumbel_top_k(x, 0, indptr=wrong, rng=1)


# ------------------------------------------------------------------------------------------------- rows that are bad


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("order", ["rising", "falling", "mixed", "runs"])
def test_bad_rows_are_named(order, name):
    """The first of them, by its number, for every length that it may have; NaN between rows is none of theirs."""
    lengths = [n for n in [*ORDERS[order], 150, 300] if n >= WANTED.get(name, 1)]
    for dtype in DTYPES:
        x, indptr = ragged_rows(lengths, dtype, masked=0, before=2, after=2)
        if "chain" in name:
            x = (x / dtype(4)).astype(dtype)
        for row in range(0, len(lengths), 5):
            for bad in BAD:
                wrong = x.copy()
                place = slice(indptr[row], indptr[row + 1])
                if bad == -np.inf:
                    wrong[place] = bad
                else:
                    wrong[place.stop - 1] = bad
                wrong[indptr[-1] - 1] = np.nan
                options = {"indptr": indptr, "rng": 1}
                with pytest.raises(ValueError, match=rf"row {row}\b"):
                    SAMPLERS[name](wrong, **options)
                if bad != -np.inf:
                    with pytest.raises(ValueError, match=rf"row {row}\b"):
                        SAMPLERS[name](wrong, allow_fewer=True, **options)
        out = out_for(name, x, len(lengths))
        if out is not None:
            for workers in 1, 2:
                with pytest.raises(ValueError, match=rf"row {row}\b"):
                    SAMPLERS[name](wrong, out=out, workers=workers, **options)
                assert np.all(out == 7)


@pytest.mark.parametrize("samples", [2, 3000, 100_000])
@pytest.mark.parametrize("row", [0, 7, 59])
def test_many_draws_into_out_are_all_or_nothing(row, samples):
    """Also where they are too many to be made aside: a row that is empty or bad is seen before anything is written."""
    lengths = [300, 2, 65, 129, 4100, 17] * 10
    for what in "empty", "NaN", "+inf", "-inf":
        broken = lengths.copy()
        broken[row] = 0 if what == "empty" else 200
        x, indptr = ragged_rows(broken, masked=0)
        if what != "empty":
            x[indptr[row] : indptr[row + 1]] = float(what)
        out = np.full((60, samples), 7)
        for workers in 1, 2:
            with pytest.raises(ValueError, match=rf"row {row}\b"):
                gumbel_fast.categorical(x, indptr=indptr, num_samples=samples, rng=1, out=out, workers=workers)
            assert np.all(out == 7)


@pytest.mark.parametrize("name", WANTED)
def test_rows_with_too_few_are_named(name):
    """The first that has less than is wanted; how many it has is its own length."""
    wanted = WANTED[name]
    for few in wanted - 1, 1:
        x, indptr = ragged_rows([300, 4100, 200, few, 300, 1], masked=0)
        if "chain" in name:
            x /= 4
        with pytest.raises(ValueError, match=r"row 3\b"):
            SAMPLERS[name](x, indptr=indptr, rng=1)
        x[indptr[1] + 1 : indptr[2]] = -np.inf
        with pytest.raises(ValueError, match=r"row 1\b"):
            SAMPLERS[name](x, indptr=indptr, rng=1)


@pytest.mark.parametrize("name", NORMALISERS)
def test_bad_rows_of_normalisers(name):
    """NaN in that row, as in dense ones, and in no other."""
    for bad in np.nan, np.inf:
        x, indptr = ragged_rows([9, 130, 1, 64, 5000, 3], masked=0)
        clean = FUNCTIONS[name](x, indptr=indptr)
        x[indptr[3] + 60] = bad
        found = FUNCTIONS[name](x, indptr=indptr)
        own = FUNCTIONS[name](x[indptr[3] : indptr[4]])
        if name in FLAT:
            part = np.zeros(x.size, bool)
            part[indptr[3] : indptr[4]] = True
            assert_bits(found[part], own)
        else:
            part = np.arange(6) == 3
            assert_bits(found[3], own)
        assert_bits(found[~part], clean[~part])


# --------------------------------------------------------------------------------------------- out, and shared memory


@pytest.mark.parametrize("name", ["categorical", "few draws", "few distinct draws", "gumbel_max", *FLAT, "logsumexp"])
def test_outs_that_do_not_fit(name, some_ragged):
    x, indptr = some_ragged
    out = out_for(name, x, ROWS)
    for wrong in outs_that_do_not_fit(out.shape, out.dtype):
        with pytest.raises(ValueError, match="out"):
            FUNCTIONS[name](x, indptr=indptr, out=wrong, **plain(name))
        assert np.all(wrong == 7)
    with pytest.raises(TypeError, match="out"):
        FUNCTIONS[name](x, indptr=indptr, out=out.tolist(), **plain(name))
    with pytest.raises(TypeError, match="out must not be a masked array"):
        FUNCTIONS[name](x, indptr=indptr, out=np.ma.masked_array(out), **plain(name))


@pytest.mark.parametrize("name", ["categorical", "gumbel_max", "few draws"])
def test_out_that_overlaps_indptr(name):
    """Is refused, or indptr read before it is written to: never misread."""
    for shift in 0, 1:
        x, indptr = ragged_rows(LENGTHS * 8)
        rows = len(indptr) - 1
        memory = np.zeros(3 * rows + 1, np.int64)
        memory[: rows + 1] = indptr
        shape = (rows, 3) if name == "few draws" else (rows,)
        out = memory[shift : shift + int(np.prod(shape))].reshape(shape)
        expected = FUNCTIONS[name](x, indptr=indptr, rng=1)
        try:
            FUNCTIONS[name](x, indptr=memory[: rows + 1], rng=1, out=out)
        except ValueError as error:
            assert "out" in str(error)  # noqa: PT017 - either outcome is right
            np.testing.assert_array_equal(memory[: rows + 1], indptr)
        else:
            np.testing.assert_array_equal(out, expected)


def test_out_that_overlaps_an_input():
    x, indptr = ragged_rows(LENGTHS, np.float64)
    memory = x.copy()
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
        with pytest.raises(ValueError, match="out"):
            function(memory, indptr=indptr, rng=1, out=memory.view(np.int64)[2:6])
    for function in gumbel_fast.softmax, gumbel_fast.log_softmax:
        longer = np.zeros(x.size + 1)
        for logits, out in (longer[:-1], longer[1:]), (longer[1:], longer[:-1]), (longer[:-1], longer[:-1][::-1]):
            with pytest.raises(ValueError, match="out"):
                function(logits, indptr=indptr, out=out)
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.logsumexp(memory, indptr=indptr, out=memory[1:5])
    mask = np.ones(x.size + 7 & ~7, np.uint8)
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.categorical(x, indptr=indptr, rng=1, mask=mask[: x.size], out=mask[:32].view(np.int64))
    noise = np.zeros(x.size)
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.gumbel_max(x, indptr=indptr, noise=noise, out=noise[:4].view(np.int64))
    np.testing.assert_array_equal(memory, x)


def test_logits_and_indptr_may_share_memory():
    """They are both read and nothing else: integers that are their own bounds."""
    numbers = np.array([0, 2, 3, 3, 6, 6])
    expected = gumbel_fast.categorical(numbers.copy(), indptr=numbers.copy(), rng=1, allow_fewer=True)
    np.testing.assert_array_equal(gumbel_fast.categorical(numbers, indptr=numbers, rng=1, allow_fewer=True), expected)


# --------------------------------------------------------------------------------------------- memory and other threads


@pytest.mark.skipif(sys.platform != "linux", reason="pages that may not be read are made by mprotect")
@pytest.mark.parametrize("ends", [[1], [5, 16, 17], [64, 3, 65], [1, 1, 129], [15, 1, 0, 4097, 0], [33] * 40])
def test_nothing_is_read_beyond_logits_masks_and_indptr(ends, target):
    """Of arrays that lie against a page that may not be read: a read of one byte more is a crash."""
    for dtype in ALL_DTYPES:
        x, indptr = ragged_rows(ends, dtype)
        mask = np.random.default_rng(1).random(x.size) < 0.8
        for kind in np.int32, np.int64, np.uint8 if indptr[-1] < 256 else np.uint16:
            with between_pages(x) as logits, between_pages(mask) as masks, between_pages(indptr.astype(kind)) as bounds:
                for i in range(2):
                    logits[i][...], masks[i][...], bounds[i][...] = x, mask, indptr
                    for name, function in FUNCTIONS.items():
                        options = options_of(name)
                        expected = function(x, indptr=indptr, **options)
                        assert_bits(function(logits[i], indptr=bounds[i], **options), expected)
                        expected = function(x, indptr=indptr, mask=mask, **options)
                        assert_bits(function(logits[i], indptr=bounds[i], mask=masks[i], **options), expected)


def assert_inside_or_refused(name, x, **options):
    try:
        result = SAMPLERS[name](x, **options)
    except ValueError as error:
        assert "row" in str(error) or "indptr" in str(error)  # noqa: PT017 - either outcome is right
    else:
        index = result[0] if isinstance(result, tuple) else result
        assert np.all((index >= -1) & (index < x.size))


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("name", SAMPLERS)
def test_indptr_that_another_thread_changes(name, kind):
    """Between what is right and what would lead out of the array: any answer inside it or an error, never a crash."""
    x = np.zeros(4000, np.float32)
    right = np.arange(0, 4001, 40, dtype=kind)
    wrong = np.resize(np.array([0, np.iinfo(kind).max, np.iinfo(kind).min, 4000, -1], kind), right.size)
    indptr = right.copy()
    over = False

    def change():
        while not over:
            np.copyto(indptr, wrong)
            np.copyto(indptr, right)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            assert_inside_or_refused(name, x, indptr=indptr, rng=1)
            assert_inside_or_refused(name, x, indptr=indptr, rng=1, allow_fewer=True)
            for function in gumbel_fast.softmax, gumbel_fast.logsumexp, gumbel_fast.entropy:
                try:
                    function(x, indptr=indptr)
                except ValueError as error:
                    assert "indptr" in str(error)  # noqa: PT017 - either outcome is right
    finally:
        over = True
        thread.join()


@pytest.mark.parametrize("name", SAMPLERS)
def test_logits_that_another_thread_changes(name):
    """To nothing and to no numbers, in rows of many lengths."""
    lengths = [200, 1, 65, 300, 4500, 3, 128]
    for filling in (0.0, -np.inf), (-50.0, np.inf), (0.0, np.nan):
        x = np.zeros((1, sum(lengths)), np.float32)
        with changing(x, *filling, np.float32):
            end = time.monotonic() + 0.03
            while time.monotonic() < end:
                assert_inside_or_refused(name, x[0], indptr=bounds_of(lengths), rng=1)
                assert_inside_or_refused(name, x[0], indptr=bounds_of(lengths), rng=1, allow_fewer=True)


def test_by_keyword_alone():
    x, indptr = ragged_rows([5, 3], masked=0)
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max, gumbel_fast.softmax, gumbel_fast.entropy:
        with pytest.raises(TypeError, match="positional"):
            function(x, indptr)
