"""mask: every kind of it gives, in every function that takes one, the bits that -inf in its place gives.

Kinds are bools, bytes and packed words, of any layout and broadcast; what is no mask is refused. What a mask leaves too
little of is the subject of test_allow_fewer.py where that is allowed.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gumbel_fast
import reference
from rows import ALL_DTYPES, BFLOAT16, DTYPES, compute_dtype, some_rows

LENGTHS = [1, 2, 31, 32, 33, 63, 64, 65, 95, 97, 128, 129, 300, 1025, 4097]
CHAIN = {"top_k": 9, "top_p": 0.95, "min_p": 0.01}

FUNCTIONS = {
    "categorical": lambda x, **o: gumbel_fast.categorical(x, rng=1, **o),
    "few draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=3, **o),
    "many draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=400, **o),
    "distinct draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=1, replace=False, **o),
    "two distinct draws": lambda x, **o: gumbel_fast.categorical(
        x, rng=1, num_samples=2, replace=False, allow_fewer=True, **o
    ),
    "categorical with top_k": lambda x, **o: gumbel_fast.categorical(x, rng=1, top_k=3, **o),
    "categorical with top_p": lambda x, **o: gumbel_fast.categorical(x, rng=1, top_p=0.8, **o),
    "categorical with min_p": lambda x, **o: gumbel_fast.categorical(x, rng=1, min_p=0.1, **o),
    "categorical with all filters": lambda x, **o: gumbel_fast.categorical(x, rng=1, **CHAIN, **o),
    "many filtered draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=400, **CHAIN, **o),
    "categorical with log_prob": lambda x, **o: gumbel_fast.categorical(x, rng=1, return_log_prob=True, **o),
    "argmax": lambda x, **o: gumbel_fast.categorical(x, rng=1, temperature=0, **o),
    "gumbel_max": lambda x, **o: gumbel_fast.gumbel_max(x, rng=1, **o),
    "gumbel_max's value": lambda x, **o: gumbel_fast.gumbel_max(x, rng=1, return_value=True, **o),
    "gumbel_max at 0": lambda x, **o: gumbel_fast.gumbel_max(x, temperature=0, rng=1, return_value=True, **o),
    "gumbel_top_k": lambda x, **o: gumbel_fast.gumbel_top_k(x, 1, rng=1, return_value=True, **o),
    "gumbel_top_k of 5": lambda x, **o: gumbel_fast.gumbel_top_k(x, 5, rng=1, return_value=True, allow_fewer=True, **o),
    "gumbel_softmax": lambda x, **o: gumbel_fast.gumbel_softmax(x, rng=1, **o),
    "gumbel_softmax, hard": lambda x, **o: gumbel_fast.gumbel_softmax(x, rng=1, hard=True, temperature=0.5, **o),
    "gumbel_softmax, log": lambda x, **o: gumbel_fast.gumbel_softmax(x, rng=1, log=True, temperature=0.5, **o),
    "softmax": lambda x, **o: gumbel_fast.softmax(x, temperature=0.7, **o),
    "log_softmax": lambda x, **o: gumbel_fast.log_softmax(x, **o),
    "logsumexp": lambda x, **o: gumbel_fast.logsumexp(x, **o),
    "truncate": lambda x, **o: gumbel_fast.truncate(x, **CHAIN, **o),
    "truncate without filters": lambda x, **o: gumbel_fast.truncate(x, **o),
    "entropy": lambda x, **o: gumbel_fast.entropy(x, **o),
    "entropy with filters": lambda x, **o: gumbel_fast.entropy(x, temperature=2, **CHAIN, **o),
}
INDEXED = {
    "log_prob": lambda x, index, **o: gumbel_fast.log_prob(x, index, **o),
    "log_prob with filters": lambda x, index, **o: gumbel_fast.log_prob(x, index, temperature=2, **CHAIN, **o),
}
SAMPLERS = [name for name in FUNCTIONS if "softmax" not in name and "sumexp" not in name]
SAMPLERS = [name for name in SAMPLERS if not name.startswith(("truncate", "entropy"))]


def packed(mask, kind=np.int32):
    """Words of 32 columns, the first in the lowest bit; what is beyond the columns is garbage."""
    n = mask.shape[-1]
    fill = np.random.default_rng(n).random((*mask.shape[:-1], -n % 32)) < 0.5
    bits = np.concatenate([mask, fill], axis=-1)
    return np.packbits(bits, axis=-1, bitorder="little").view("<u4").astype(np.uint32).view(kind)


def of_any_value(mask, values, kind):
    """Bytes of which all but 0 say the same."""
    return np.where(mask, np.resize(values, mask.shape), 0).astype(kind)


def strided(a):
    return np.repeat(a, 2, axis=-1)[..., ::2]


def backwards(a):
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def misaligned(a):
    return np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape)


def read_only(a):
    return np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape)


KINDS = {
    "bool": lambda m: m,
    "int8": lambda m: of_any_value(m, [1, -1, 2, -128, 127], np.int8),
    "uint8": lambda m: of_any_value(m, [1, 2, 128, 255], np.uint8),
    "int32 words": packed,
    "uint32 words": lambda m: packed(m, np.uint32),
    "more words": lambda m: np.concatenate([packed(m), np.full((*m.shape[:-1], 2), -1, np.int32)], axis=-1),
    "strided": strided,
    "strided bytes": lambda m: strided(m.astype(np.uint8)),
    "strided words": lambda m: strided(packed(m)),
    "backwards": backwards,
    "words backwards": lambda m: backwards(packed(m)),
    "Fortran order": np.asfortranarray,
    "words in Fortran order": lambda m: np.asfortranarray(packed(m)),
    "misaligned words": lambda m: misaligned(packed(m)),
    "read-only": read_only,
    "read-only words": lambda m: read_only(packed(m)),
    "rows backwards": lambda m: np.ascontiguousarray(m[::-1])[::-1],
    "padded": lambda m: np.concatenate([m, ~m], axis=-1)[..., : m.shape[-1]],
    "padded words": lambda m: np.repeat(packed(m), 3, axis=0)[::3],
    "a subclass": lambda m: m.view(type("Subclass", (np.ndarray,), {})),
    "a list": np.ndarray.tolist,
}  # fmt: skip


def masked_rows(shape, dtype, seed=5):
    """Rows and masks that leave each row something, and the same with -inf; what is masked is often the greatest."""
    x = some_rows(shape, dtype, seed, masked=0.05)
    mask = np.random.default_rng(seed).random(shape) < 0.6
    mask[..., shape[-1] // 2] = True
    x[..., shape[-1] // 2] = 0.5
    x[~mask] += dtype(3)
    return x, mask, np.where(mask, x, dtype(-np.inf))


def assert_same(found, expected, what=""):
    np.testing.assert_equal(found, expected, err_msg=what)
    for a, b in zip(*(v if isinstance(v, tuple) else (v,) for v in (found, expected)), strict=True):
        assert type(a) is type(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", LENGTHS)
def test_each_kind_is_minus_infinity(n, name):
    dtype = ALL_DTYPES[(n + len(name)) % 4]
    x, mask, plain = masked_rows((5, n), dtype)
    expected = FUNCTIONS[name](plain)
    for kind, make in KINDS.items():
        assert_same(FUNCTIONS[name](x, mask=make(mask)), expected, kind)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_each_dtype_on_each_target(dtype, name, target):
    for n in 5, 33, 64, 100, 300, 4100:
        x, mask, plain = masked_rows((3, n), dtype)
        expected = FUNCTIONS[name](plain)
        for kind in "bool", "int8", "int32 words":
            assert_same(FUNCTIONS[name](x, mask=KINDS[kind](mask)), expected, f"{kind}, {n}")


@pytest.mark.parametrize("name", INDEXED)
@pytest.mark.parametrize("n", LENGTHS)
def test_log_probs(n, name):
    for dtype in ALL_DTYPES:
        x, mask, plain = masked_rows((5, n), dtype)
        index = np.random.default_rng(n).integers(0, n, (5, 7))
        expected = INDEXED[name](plain, index)
        for kind, make in KINDS.items():
            assert_same(INDEXED[name](x, index, mask=make(mask)), expected, kind)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_single_rows_and_batches_of_two_axes(name):
    for n in 7, 64, 65, 300:
        x, mask, plain = masked_rows((3, 4, n), np.float32)
        expected = FUNCTIONS[name](plain)
        for make in KINDS["bool"], KINDS["uint8"], KINDS["int32 words"], KINDS["words in Fortran order"]:
            assert_same(FUNCTIONS[name](x, mask=make(mask)), expected)
        x, mask, plain = x[1, 2], mask[1, 2], plain[1, 2]
        expected = FUNCTIONS[name](plain)
        for kind in "bool", "int8", "int32 words", "strided", "strided words", "a list":
            assert_same(FUNCTIONS[name](x, mask=KINDS[kind](mask)), expected, kind)


BROADCAST = {
    "one row": lambda m: m[0, 0],
    "one row with axes": lambda m: m[:1, :1],
    "one for the second axis": lambda m: m[0],
    "one for the first axis": lambda m: m[:, :1],
    "by broadcast_to": lambda m: np.broadcast_to(m[0], m.shape),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("view", BROADCAST.values(), ids=BROADCAST)
def test_broadcast(view, name):
    for n in 6, 65, 300:
        x, mask, _ = masked_rows((3, 4, n), np.float32)
        small = view(mask)
        expected = FUNCTIONS[name](np.where(small, x, np.float32(-np.inf)))
        for kind in "bool", "int8", "uint32 words":
            assert_same(FUNCTIONS[name](x, mask=KINDS[kind](small)), expected, kind)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_broadcast_columns(name):
    """A mask of one column masks rows whole or not at all."""
    for n in 6, 65:
        x = some_rows((3, n), masked=0)
        for shape in (3, 1), (1, 1), (1,), ():
            assert_same(FUNCTIONS[name](x, mask=np.ones(shape, bool)), FUNCTIONS[name](x))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axis", [0, 1, 2, -3, -2, -1])
def test_axes(axis, name):
    x, mask, plain = masked_rows((3, 4, 70), np.float32)
    moved, m, p = (np.moveaxis(a, -1, axis) for a in (x, mask, plain))
    expected = FUNCTIONS[name](p, axis=axis)
    for there in moved, np.ascontiguousarray(moved):
        for kind in "bool", "uint8", "Fortran order":
            assert_same(FUNCTIONS[name](there, mask=KINDS[kind](m), axis=axis), expected, kind)
    if axis in (2, -1):
        assert_same(FUNCTIONS[name](moved, mask=packed(mask), axis=axis), expected)
    else:
        square = np.zeros((32, 32, 32), np.float32)
        for words in np.full((32, 32, 1), -1, np.int32), np.full(1, 7, np.uint32), np.full((32, 32, 32), -1, np.int32):
            with pytest.raises(ValueError, match="mask"):
                FUNCTIONS[name](square, mask=words, axis=axis)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_columns_beyond_the_words_are_masked(name):
    for n, count in (33, 1), (64, 1), (100, 2), (100, 3), (300, 9), (4100, 3):
        x = some_rows((4, n), masked=0)
        x[:, 32 * count :] = 9
        plain = x.copy()
        plain[:, 32 * count :] = -np.inf
        expected = FUNCTIONS[name](plain)
        for words in np.full((4, count), -1, np.int32), np.full(count, 2**32 - 1, np.uint32):
            assert_same(FUNCTIONS[name](x, mask=words), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_workers(name):
    for n in 90, 5000:
        x, mask, plain = masked_rows((40, n), np.float32)
        expected = FUNCTIONS[name](plain)
        for kind in "bool", "int32 words", "strided":
            for workers in 2, 3:
                assert_same(FUNCTIONS[name](x, mask=KINDS[kind](mask), workers=workers), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_long_row_on_two_workers(dtype):
    x, mask, plain = masked_rows((1, 2_000_000), dtype)
    expected = gumbel_fast.gumbel_max(plain, rng=1, return_value=True)
    for kind in "bool", "int32 words":
        for workers in 1, 2:
            found = gumbel_fast.gumbel_max(x, mask=KINDS[kind](mask), rng=1, return_value=True, workers=workers)
            assert_same(found, expected)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [5, 16, 33, 64, 300, 4097])
def test_noise_that_is_given(n, dtype, target):
    """gumbel_max with its noise from elsewhere; what is masked stays so whatever its noise."""
    x, mask, plain = masked_rows((5, n), dtype)
    for noise_dtype in DTYPES:
        noise = np.random.default_rng(n).gumbel(size=x.shape).astype(noise_dtype)
        expected = gumbel_fast.gumbel_max(plain, noise=noise, return_value=True)
        for kind, make in KINDS.items():
            found = gumbel_fast.gumbel_max(x, mask=make(mask), noise=noise, return_value=True)
            assert_same(found, expected, kind)
        noise[~mask] = np.finfo(noise_dtype).max
        for kind in "bool", "int8", "int32 words":
            found = gumbel_fast.gumbel_max(x, mask=KINDS[kind](mask), noise=noise, return_value=True)
            assert_same(found, expected, kind)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_masked_is_not_looked_at(bad, name):
    """NaN and +inf under a mask are -inf too."""
    for n in 5, 64, 100, 4097:
        x, mask, plain = masked_rows((4, n), np.float32)
        x[~mask] = bad
        expected = FUNCTIONS[name](plain)
        for kind in "bool", "uint8", "int32 words":
            assert_same(FUNCTIONS[name](x, mask=KINDS[kind](mask)), expected, f"{kind}, {n}")


@given(
    st.integers(1, 200),
    st.sampled_from([1, 2, 5]),
    st.sampled_from(sorted(FUNCTIONS)),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(ALL_DTYPES),
    st.floats(0, 1),
    st.integers(0, 9),
)
def test_any_mask(n, rows, name, kind, dtype, share, seed):
    """Sparse masks and dense ones, of which some leave nothing: then the same error, or the same NaN."""
    x = some_rows((rows, n), dtype, seed, masked=0)
    mask = np.random.default_rng(seed).random(x.shape) < share

    def outcome(*arguments, **options):
        try:
            return FUNCTIONS[name](*arguments, **options)
        except ValueError as error:
            return str(error).partition(" has ")[0]  # which row it is

    expected = outcome(np.where(mask, x, dtype(-np.inf)))
    np.testing.assert_equal(outcome(x, mask=KINDS[kind](mask)), expected)


# ------------------------------------------------------------------------------------ rows that nothing is left of


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("n", [5, 64, 65, 300])
def test_a_row_masked_whole_is_named(n, name):
    if "two distinct" in name or "of 5" in name:
        pytest.skip("allows fewer")
    x = some_rows((20, n), masked=0)
    mask = np.ones(x.shape, bool)
    mask[13] = mask[17] = False
    for kind in "bool", "uint8", "int32 words":
        words = KINDS[kind](mask)
        if kind == "int32 words":
            words[13, n // 32 :] &= (1 << n % 32) - 1  # nothing beyond the columns is read
        with pytest.raises(ValueError, match=r"row 13\b"):
            FUNCTIONS[name](x, mask=words)
        out = np.full(20, 7, np.int64)
        if name in ("categorical", "gumbel_max", "argmax"):
            with pytest.raises(ValueError, match=r"row 13\b"):
                FUNCTIONS[name](x, mask=words, out=out)
            assert np.all(out == 7)
    with pytest.raises(ValueError, match="row 0"):
        FUNCTIONS[name](x, mask=np.zeros((20, 0), np.int32))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 5, 64, 65, 300])
def test_relaxations_of_a_row_masked_whole(n, dtype):
    """NaN, as of -inf alone; of logsumexp, -inf. No warning."""
    x = some_rows((3, n), dtype, masked=0)
    mask = np.arange(3)[:, np.newaxis] != 1
    for name in [name for name in FUNCTIONS if "softmax" in name or "entropy" in name]:
        result = FUNCTIONS[name](x, mask=mask)
        assert np.isnan(result[1]).all(), name
        assert np.isfinite(result[[0, 2]]).all()
    result = gumbel_fast.logsumexp(x, mask=mask)
    assert result[1] == -np.inf
    assert np.isnan(gumbel_fast.log_prob(x, np.zeros(3, int), mask=mask)[1])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_masked_entries_of_the_relaxations(dtype):
    x, mask, _ = masked_rows((4, 100), dtype)
    assert np.all(gumbel_fast.softmax(x, mask=mask)[~mask] == 0)
    assert np.all(gumbel_fast.log_softmax(x, mask=mask)[~mask] == -np.inf)
    assert np.all(gumbel_fast.gumbel_softmax(x, mask=mask, rng=1)[~mask] == 0)
    assert np.all(gumbel_fast.gumbel_softmax(x, mask=mask, log=True, rng=1)[~mask] == -np.inf)
    assert np.all(gumbel_fast.truncate(x, mask=mask)[~mask] == -np.inf)
    np.testing.assert_allclose(gumbel_fast.softmax(x, mask=mask).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "gumbel_softmax", "gumbel_softmax, log", "truncate"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_out_and_in_place(dtype, name):
    for n in 5, 65, 4097:
        x, mask, plain = masked_rows((6, n), dtype)
        expected = FUNCTIONS[name](plain)
        for kind in "bool", "int32 words":
            out = np.full(x.shape, 7, compute_dtype(dtype))
            assert FUNCTIONS[name](x, mask=KINDS[kind](mask), out=out) is out
            np.testing.assert_array_equal(out, expected)
            out[...] = x
            FUNCTIONS[name](out, mask=KINDS[kind](mask), out=out)
            np.testing.assert_array_equal(out, expected)
        out = np.full(x.shape, 7, dtype, order="F")
        FUNCTIONS[name](x, mask=mask, out=out)
        np.testing.assert_array_equal(out, expected)


# -------------------------------------------------------------------------------------------------- what is no mask


@pytest.mark.parametrize("name", FUNCTIONS)
def test_masks_that_are_refused(name):
    x = np.zeros((3, 64), np.float32)
    kinds = np.float32, np.float64, np.int64, np.uint64, np.int16, np.uint16, BFLOAT16, complex, "U1", object, "M8[s]"
    for kind in kinds:
        with pytest.raises(TypeError, match="mask"):
            FUNCTIONS[name](x, mask=np.ones(x.shape).astype(kind))
    for kind in bool, np.uint8, np.int32:
        with pytest.raises(TypeError, match="mask"):
            FUNCTIONS[name](x, mask=np.ma.masked_array(np.ones((3, 64), kind), False))
    for shape in (2, 64), (3, 63), (3, 65), (64, 3), (1, 3, 64), (3,), (0, 64), (3, 64, 1):
        with pytest.raises(ValueError, match="mask"):
            FUNCTIONS[name](x, mask=np.ones(shape, bool))
    for shape in (2, 2), (4, 1), (1, 3, 2), (3, 2, 1), ():
        with pytest.raises(ValueError, match="mask"):
            FUNCTIONS[name](x, mask=np.ones(shape, np.int32))
    for shape in (1, 64), (63,):
        with pytest.raises(ValueError, match="mask"):
            FUNCTIONS[name](x[0], mask=np.ones(shape, bool))
    with pytest.raises(ValueError, match="mask"):
        FUNCTIONS[name](x[0], mask=np.ones((1, 2), np.int32))


def test_refused_masks_leave_out_as_it_was():
    x = np.zeros((3, 64), np.float32)
    for name in "categorical", "gumbel_max", "softmax", "truncate":
        out = np.full(3, 7, np.int64) if name in ("categorical", "gumbel_max") else np.full((3, 64), 7, np.float32)
        for mask in np.ones((3, 63), bool), np.ones((3, 64)), np.ones((4, 2), np.int32):
            with pytest.raises((TypeError, ValueError), match="mask"):
                FUNCTIONS[name](x, mask=mask, out=out)
            assert np.all(out == 7)


def test_words_in_the_other_byte_order():
    """Are read for what they are, or refused."""
    x, mask, plain = masked_rows((4, 100), np.float32)
    words = packed(mask)
    other = words.astype(words.dtype.newbyteorder())
    for name, function in FUNCTIONS.items():
        try:
            found = function(x, mask=other)
        except TypeError as error:
            assert "mask" in str(error)  # noqa: PT017 - either outcome is right
        else:
            assert_same(found, function(plain), name)


def test_out_that_overlaps_the_mask():
    memory = np.ones(8 * 64, np.uint8)
    x = np.zeros((8, 64), np.float32)
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
        with pytest.raises(ValueError, match="out"):
            function(x, mask=memory.reshape(8, 64), out=memory[:64].view(np.int64), rng=1)
    words = np.full((8, 64), -1, np.int32)
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.softmax(x, mask=words[:, :2], out=words.view(np.float32))


def test_the_words_of_this_file():
    """Column c is bit c % 32 of word c // 32."""
    mask = np.zeros(70, bool)
    mask[[0, 31, 33, 69]] = True
    words = packed(mask, np.uint32)
    assert (words[:2] == [1 + 2**31, 2]).all()
    assert words[2] >> 5 & 1 == 1
    np.testing.assert_array_equal(reference.kept(np.zeros(70), mask=words), mask)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
def test_words_of_the_shape_of_the_logits(name, dtype):
    """Meant as an entry for each column, they would be read as 32 times as many."""
    x, mask, _ = masked_rows((4, 6), np.float32)
    with pytest.raises(ValueError, match=r"mask.*words of 32 columns.*mask != 0"):
        FUNCTIONS[name](x, mask=mask.astype(dtype))
