"""What a seed means: the kinds of rng, the two integers a call takes, offsets and slices, forks and threads.

The noise is `gumbel`'s, element by element against the NumPy twin; what `categorical` promises of a seed is in
test_categorical.py.
"""

import copy
import json
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gumbel_fast
import reference

BIT_GENERATORS = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]
DTYPES = [np.float32, np.float64]


def noise(a, b, rows, columns, dtype=np.float64):
    """The twin's noise at given rows and columns, arrays that broadcast."""
    high = reference.words(a, b, rows, columns, reference.NOISE_HIGH)
    low = reference.words(a, b, rows, columns, reference.NOISE_LOW)
    return reference.noise_from_words(high, low, dtype)


def assert_same_noise(actual, expected):
    """To rounding: other words would be about 1 apart."""
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


# --------------------------------------------------------------------------------------------------------- kinds of rng


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**64 + 3, 10**40])
def test_int_is_its_seed_sequence(seed):
    a, b = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    expected = noise(a, b, np.arange(3)[:, None], np.arange(21))
    assert_same_noise(gumbel_fast.gumbel(size=(3, 21), rng=seed), expected)
    by_sequence = gumbel_fast.gumbel(size=(3, 21), rng=np.random.SeedSequence(seed))
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=(3, 21), rng=seed), by_sequence)


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.int32, np.uint8])
def test_numpy_ints_are_ints(kind):
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=9, rng=kind(200)), gumbel_fast.gumbel(size=9, rng=200))


def test_seed_sequence_is_not_used_up():
    sequence = np.random.SeedSequence(5)
    first, child = gumbel_fast.gumbel(size=50, rng=sequence), sequence.spawn(1)[0]
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=50, rng=sequence), first)
    assert not np.any(gumbel_fast.gumbel(size=50, rng=child) == first)


def two_words(bit_generator):
    """Two next_uint64 of a bit generator, through its C function."""
    interface = bit_generator.ctypes
    return [interface.next_uint64(interface.state) for _ in range(2)]


@pytest.mark.parametrize("draw", [
    lambda rng: gumbel_fast.gumbel(size=(2, 9), rng=rng),
    lambda rng: gumbel_fast.gumbel(rng=rng),
    lambda rng: gumbel_fast.gumbel(size=(0, 3), rng=rng),
    lambda rng: gumbel_fast.categorical([0.0, 1.0], rng=rng),
    lambda rng: gumbel_fast.categorical(np.zeros((100, 200), np.float32), rng=rng),
], ids=["array", "scalar", "empty", "one row", "many rows"])  # fmt: skip
@pytest.mark.parametrize("wrap", [np.random.Generator, lambda bits: bits], ids=["Generator", "BitGenerator"])
@pytest.mark.parametrize("bits", BIT_GENERATORS)
def test_a_call_takes_two_words(bits, wrap, draw):
    used, counted = bits(11), bits(11)
    draw(wrap(used))
    two_words(counted)
    np.testing.assert_equal(used.state, counted.state)


@pytest.mark.parametrize("wrap", [np.random.Generator, lambda bits: bits], ids=["Generator", "BitGenerator"])
@pytest.mark.parametrize("bits", BIT_GENERATORS)
def test_generators_give_the_pair(bits, wrap):
    generator, words = wrap(bits(3)), bits(3)
    for _ in range(3):
        expected = noise(*two_words(words), np.arange(2)[:, None], np.arange(30))
        assert_same_noise(gumbel_fast.gumbel(size=(2, 30), rng=generator), expected)


def test_a_half_used_word_stays_with_its_generator():
    """A generator that holds back half a word for a later 32-bit draw still gives whole ones here."""
    used, fresh = np.random.default_rng(4), np.random.default_rng(4)
    for generator in used, fresh:
        generator.integers(0, 2**32, dtype=np.uint32)
    expected = noise(*two_words(fresh.bit_generator), 0, np.arange(8))
    assert_same_noise(gumbel_fast.gumbel(size=8, rng=used), expected)
    assert used.integers(0, 2**32, dtype=np.uint32) == fresh.integers(0, 2**32, dtype=np.uint32)


def test_none_is_new_every_time():
    np.random.seed(0)  # noqa: NPY002 - the global state does not matter
    first = gumbel_fast.gumbel(size=100)
    np.random.seed(0)  # noqa: NPY002
    assert not np.any(gumbel_fast.gumbel(size=100, rng=None) == first)


def test_a_random_state_is_taken_where_default_rng_takes_it():
    """Its words are those of its bit generator, which moves on."""
    state = np.random.RandomState(3)
    try:
        np.random.default_rng(state)
    except TypeError:
        with pytest.raises(TypeError):
            gumbel_fast.gumbel(size=8, rng=state)
        return
    twin = np.random.Generator(np.random.MT19937())
    twin.bit_generator.state = state.get_state(legacy=False)
    for _ in range(2):
        np.testing.assert_array_equal(gumbel_fast.gumbel(size=8, rng=state), gumbel_fast.gumbel(size=8, rng=twin))
    assert gumbel_fast.categorical(np.zeros(1000), rng=state) == gumbel_fast.categorical(np.zeros(1000), rng=twin)


def test_a_generator_of_torch_is_told_apart():
    """By its type's name: nothing here imports torch, nor does the library."""
    stranger = type("Generator", (), {"__module__": "torch._C"})()
    with pytest.raises(TypeError, match=r"not a torch\.Generator: pass int\(torch\.randint\(2\*\*63 - 1"):
        gumbel_fast.gumbel(size=3, rng=stranger)


def test_an_int_drawn_as_the_error_says_is_a_seed():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    generator = torch.Generator().manual_seed(3)
    with pytest.raises(TypeError, match=r"torch\.Generator"):
        gumbel_fast.gumbel(size=3, rng=generator)
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    assert np.isfinite(gumbel_fast.gumbel(size=3, rng=seed)).all()


@pytest.mark.parametrize("function", [
    lambda rng: gumbel_fast.gumbel(size=3, rng=rng),
    lambda rng: gumbel_fast.categorical([0.0, 1.0], rng=rng),
], ids=["gumbel", "categorical"])  # fmt: skip
def test_other_kinds_are_refused(function):
    for rng in "7", 1.5, object(), np.random.default_rng:
        with pytest.raises(TypeError, match=r"rng must be None, an int, .* of NumPy, or RowStreams, not "):
            function(rng)
    with pytest.raises(TypeError, match="masked array"):
        function(np.ma.array([1, 2], mask=[False, True]))
    with pytest.raises(ValueError, match=r"^rng: .*non-negative"):
        function(-1)


# ------------------------------------------------------------------------------------------ what categorical depends on


def test_one_sample_is_the_draw_without_a_number():
    for n in 6, 300, 5000:
        x = np.random.default_rng(3).normal(size=(50, n))
        for replace in True, False:
            draws = gumbel_fast.categorical(x, num_samples=1, replace=replace, rng=4)[:, 0]
            np.testing.assert_array_equal(draws, gumbel_fast.categorical(x, rng=4))


def test_categorical_depends_on_num_samples_replace_and_the_row_number():
    """Independent draws agree in 1.5 of 100 at most: 40 of 200 do so for less than one seed in 1e20.

    Draws that did not depend on it would agree in all.
    """
    row = np.random.default_rng(3).normal(size=1000)
    few, many = (gumbel_fast.categorical(row, num_samples=n, rng=4) for n in (90, 2000))
    assert np.sum(few == many[:90]) < 40
    without = gumbel_fast.categorical(row, num_samples=90, replace=False, rng=4)
    assert np.sum(few == without) < 40
    draws = gumbel_fast.categorical(np.tile(row, (200, 1)), rng=4)
    assert np.sum(draws == draws[0]) < 40


def test_categorical_depends_on_the_dtype_by_its_rounding():
    """A few of 20 million draws differ between float32 and float64, none within the dtypes computed in one of them.

    About five do for each seed, so that one seed in a hundred shows none; an error of 1e-5 in a probability shows 200.
    """
    row = np.random.default_rng(0).integers(-40, 40, 1000) / 8 + 0.0625  # exact in every dtype but for int
    draw = {d: gumbel_fast.categorical(row.astype(d), num_samples=20_000_000, rng=1) for d in (np.float32, np.float64)}
    assert 0 < np.sum(draw[np.float32] != draw[np.float64]) < 200
    for n in 20, 1000:
        half = gumbel_fast.categorical(row[:n].astype(np.float16), num_samples=9999, rng=1)
        np.testing.assert_array_equal(
            half, gumbel_fast.categorical(row[:n].astype(np.float32), num_samples=9999, rng=1)
        )
        whole = np.round(row[:n])
        np.testing.assert_array_equal(
            gumbel_fast.categorical(whole.astype(int), rng=1), gumbel_fast.categorical(whole, rng=1)
        )


# ----------------------------------------------------------------------------------------------- rows, columns, offsets


def test_rows_are_the_batch_in_c_order():
    flat = gumbel_fast.gumbel(size=(24, 10), rng=7)
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=(2, 3, 4, 10), rng=7), flat.reshape(2, 3, 4, 10))
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=10, rng=7), flat[0])
    assert gumbel_fast.gumbel(rng=7) == flat[0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_slice_is_an_offset(dtype):
    whole = gumbel_fast.gumbel(size=(100, 1000), rng=7, dtype=dtype)
    part = gumbel_fast.gumbel(size=(2, 10), rng=7, dtype=dtype, offset=(5, 100))
    np.testing.assert_array_equal(part, whole[5:7, 100:110])


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.integers(0, 12), st.integers(0, 150), st.integers(0, 12), st.integers(0, 150))
def test_any_slice_is_an_offset(dtype, row, column, rows, columns):
    whole = gumbel_fast.gumbel(size=(24, 300), rng=1, dtype=dtype)
    part = gumbel_fast.gumbel(size=(rows, columns), rng=1, dtype=dtype, offset=(row, column))
    np.testing.assert_array_equal(part, whole[row : row + rows, column : column + columns])


FAR = [0, 1, 2**31 - 2, 2**32 - 3, 2**32, 2**33 + 1, 2**34 - 70, 2**34 - 9]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("column", FAR)
def test_far_columns(column, dtype, target):
    n = min(70, 2**34 - column)
    a, b = np.random.SeedSequence(2).generate_state(2, np.uint64)
    expected = noise(a, b, np.arange(2)[:, None], np.arange(column, column + n), dtype)
    assert_same_noise(gumbel_fast.gumbel(size=(2, n), rng=2, dtype=dtype, offset=(0, column)), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", [1, 2**31, 2**32 - 2, 2**63, 2**64 - 2])
def test_far_rows_wrap(row, dtype, target):
    a, b = np.random.SeedSequence(2).generate_state(2, np.uint64)
    rows = np.array([(row + r) % 2**64 for r in range(5)], dtype=np.uint64)
    expected = noise(a, b, rows[:, None], np.arange(33), dtype)
    assert_same_noise(gumbel_fast.gumbel(size=(5, 33), rng=2, dtype=dtype, offset=(row, 0)), expected)


def test_the_base_wraps():
    """b + r passes 2^64 within a call for some seeds: both sides of the seam are where they should be."""
    a, b = np.random.SeedSequence(2).generate_state(2, np.uint64)
    to_seam = 2**64 - int(b)
    assert_same_noise(
        gumbel_fast.gumbel(size=(4, 8), rng=2, offset=(to_seam - 2, 0)),
        noise(a, 0, np.array([2**64 - 2, 2**64 - 1, 0, 1], dtype=np.uint64)[:, None], np.arange(8)),
    )


def test_two_to_the_34_columns_and_no_more():
    assert np.isfinite(gumbel_fast.gumbel(size=1, rng=1, offset=(0, 2**34 - 1))).all()
    for size, offset in [(1, (0, 2**34)), (11, (0, 2**34 - 10)), (2**34 + 1, (0, 0)), ((0, 2**34 + 1), (0, 0))]:
        with pytest.raises(ValueError, match=r"2\*\*34"):
            gumbel_fast.gumbel(size=size, rng=1, offset=offset)


@pytest.mark.parametrize("offset", [(0, -1), (-1, 0), (2**64, 0), (0, 2**64), (0,), (0, 0, 0)])
def test_offsets_that_are_none(offset):
    with pytest.raises(ValueError, match=r"offset|unpack|2\*\*34"):
        gumbel_fast.gumbel(size=3, rng=1, offset=offset)


def test_rows_columns_and_seeds_have_noise_of_their_own():
    """No element's noise comes back in another place, another row or under a neighbouring seed."""
    seen = np.concatenate([gumbel_fast.gumbel(size=(64, 257), rng=seed).ravel() for seed in range(4)])
    assert np.unique(seen).size == seen.size


@pytest.mark.parametrize("size", [(1000,), (50, 20), (7, 3, 50)])
def test_dtypes_share_their_noise(size):
    single = gumbel_fast.gumbel(size=size, rng=9, dtype=np.float32)
    double = gumbel_fast.gumbel(size=size, rng=9, dtype=np.float64)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    assert np.max(np.abs(single - double)) <= 1e-5


# ------------------------------------------------------------------------------------------------ processes and threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_children_draw_anew():
    script = textwrap.dedent("""
        import json, os
        import gumbel_fast

        def show():
            indices = gumbel_fast.categorical([[0.0] * 1000] * 20)
            print(json.dumps([gumbel_fast.gumbel(), indices.tolist()]), flush=True)

        show()  # the process-wide generator is there before the fork
        for child in range(3):
            if os.fork() == 0:
                show()
                os._exit(0)
            os.wait()
        show()
    """)
    run = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    values, indices = zip(*map(json.loads, run.stdout.splitlines()), strict=True)
    assert len(values) == 5
    assert len(set(values)) == 5
    assert len(set(map(tuple, indices))) == 5


def test_threads_share_a_generator():
    """Each call takes its two words together: the calls of all threads are those of one thread, in some order."""
    calls, threads = 300, 4
    shared, alone = np.random.default_rng(6), np.random.default_rng(6)
    drawn = [[] for _ in range(threads)]
    start = threading.Barrier(threads)

    def work(mine):
        start.wait()
        mine.extend(tuple(gumbel_fast.gumbel(size=3, rng=shared)) for _ in range(calls))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(mine,)) for mine in drawn]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    expected = [tuple(gumbel_fast.gumbel(size=3, rng=alone)) for _ in range(calls * threads)]
    assert sorted(call for mine in drawn for call in mine) == sorted(expected)


def test_the_lock_is_held_while_words_are_drawn():
    """A call waits for a generator whose lock another thread holds."""
    generator = np.random.default_rng(1)
    copied = copy.deepcopy(generator)
    done = threading.Event()

    def work():
        gumbel_fast.gumbel(size=2, rng=generator)
        done.set()

    with generator.bit_generator.lock:
        worker = threading.Thread(target=work)
        worker.start()
        assert not done.wait(0.2)
        assert generator.bit_generator.state == copied.bit_generator.state
    worker.join(10)
    assert done.is_set()
