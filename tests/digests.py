"""The one table of what a seed gives: SHA-256 digests of outputs, in digests.json, keyed by STREAM_VERSION.

A seed gives the same bits on every SIMD target, machine and compiler, and in every release that has the same
STREAM_VERSION. The table holds two lists of digests: of the public functions' results, made here and held by
test_digests.py to the table on every target that the machine can use; and of the kernels of the C core, printed by
bits/driver.c, which .ci/bits holds to the same table on machines of many kinds, where no Python runs.

    python tests/digests.py            say which digests differ from the table's
    python tests/digests.py --kernels  read the driver's lines from standard input, and say which differ
    python tests/digests.py --write    put the digests of this STREAM_VERSION into the table

A version's digests may be written once. They may be written again, by --write --unreleased, as long as the release that
they were written for has no date in CHANGELOG.md; after that, other bits want a higher STREAM_VERSION.

Inputs are made by integers and by IEEE operations that are rounded once, never by libm: they are the same everywhere.
"""

import argparse
import hashlib
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np

import gumbel_fast
from gumbel_fast import _methods

TABLE = Path(__file__).with_name("digests.json")
ROOT = Path(__file__).parents[1]

REAL = {"f32": np.float32, "f64": np.float64}
ALL = {**REAL, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
SHORT = [1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 33, 63, 64]
LONG = [65, 100, 127, 128, 129, 1000, 1023, 1025, 4097, 20_011]
BIG = 262_147


# --------------------------------------------------------------------------------------------------------------- inputs


def words(count, seed):
    """SplitMix64: so many 64-bit words."""
    z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def numbers(shape, dtype, seed):
    """Nearly normal, four wide: sums of eight 16-bit integers, exact until they are rounded to the dtype."""
    some = words(2 * int(np.prod(shape)), seed).view(np.uint16).reshape(-1, 8).sum(axis=1, dtype=np.int64)
    return ((some - 4 * 65_535) * 2.0**-14).reshape(shape).astype(dtype)


def rows(shape, dtype, seed):
    """Logits, of which a quarter are masked in every second row, and one is not in any."""
    x = numbers(shape, np.float64, seed)
    masked = (words(x.size, seed + 1) >> np.uint64(62)).reshape(shape) == 0
    masked[::2] = False
    masked[..., shape[-1] // 2] = False
    x[masked] = -np.inf
    return x.astype(dtype)


def weights(shape, dtype, seed):
    """Unnormalised probabilities over sixteen powers of two, a quarter 0; of some rows all are huge, or denormal."""
    some = words(int(np.prod(shape)), seed)
    w = np.ldexp(1 + (some & np.uint64(127)) / 128, (some >> np.uint64(60)).astype(np.int64) - 8).reshape(shape)
    w[(some >> np.uint64(32) & np.uint64(3)).reshape(shape) == 0] = 0
    w[..., shape[-1] // 2] = 1
    low, high = {4: (-138, 118), 8: (-1060, 1014)}.get(np.dtype(dtype).itemsize, (0, 0))
    w[1::3] *= 2.0**low
    w[2::3] *= 2.0**high
    return w.astype(dtype)


def row_pointers(count, seed):
    """Of ragged rows: most of up to 40 categories, some of none, some of up to 300, and one of 1500."""
    some = words(count, seed)
    lengths = (some % np.uint64(41)).astype(np.int64)
    longer = some >> np.uint64(61) == 0
    lengths[longer] = (some[longer] >> np.uint64(32)) % np.uint64(301)
    lengths[count // 2] = 1500
    return np.concatenate([[7], 7 + np.cumsum(lengths)])


# ---------------------------------------------------------------------------------------------------------------- calls
#
# Each yields results; a digest is that of all of them in order. They are many and small rather than few and large, for
# faults live at the ends of rows.


def noise(dtype):
    for n in [*SHORT, *LONG]:
        yield gumbel_fast.gumbel(size=(3, n), dtype=dtype, rng=n, offset=(2**64 - 2, 2**34 - n))
        yield gumbel_fast.gumbel(0.5, 3.0, (2, n), dtype=dtype, rng=n, offset=(n, 2**32 - 7))
    yield gumbel_fast.gumbel(size=(2, 1_000_003), dtype=dtype, rng=1)


def temperatures(count):
    """One for each row, some of them 0."""
    return np.resize([1, 0.25, 3, 0, 0.7], count)


def inverse_cdf(dtype):
    for n in SHORT:
        for count in 1, 37:
            x = rows((count, n), dtype, n)
            yield gumbel_fast.categorical(x, rng=n)
            yield gumbel_fast.categorical(x, temperature=temperatures(count), rng=n)
    yield gumbel_fast.categorical(rows((4096, 10), dtype, 1), rng=1)


def rejection(dtype):
    for n in LONG:
        x = rows((23, n), dtype, n)
        yield gumbel_fast.categorical(x, rng=n)
        yield gumbel_fast.categorical(x, temperature=temperatures(23), rng=n)
    yield gumbel_fast.categorical(rows((2, BIG), dtype, 1), rng=1)


def repeated(dtype, alias):
    """Draws with replacement, of the shapes for which the library chooses this method."""
    for n, samples in itertools.product([*SHORT, *LONG, BIG], [2, 67, 3001]):
        x = rows((2, n), dtype, n)
        if (_methods.of_repeated_draws(n, samples) is _methods.ALIAS) == alias:
            yield gumbel_fast.categorical(x, num_samples=samples, rng=n)
            yield gumbel_fast.categorical(x, num_samples=samples, temperature=0.5, rng=n)


def without_replacement(dtype):
    for n in [*SHORT, *LONG, BIG]:
        for k in sorted({1, n // 3 + 1, min(n, 40)}):
            yield gumbel_fast.categorical(numbers((3, n), dtype, n), num_samples=k, replace=False, rng=n)


def gumbel_max(dtype):
    for n in [*SHORT, *LONG, BIG]:
        x = rows((19 if n < 64 else 3, n), dtype, n)
        for temperature in 1.0, 0.3, temperatures(len(x)):
            yield from gumbel_fast.gumbel_max(
                x, temperature=temperature, rng=n, offset=(5, 2**34 - n), return_value=True
            )


def gumbel_max_of_noise(dtype):
    compute = np.float64 if dtype == np.float64 else np.float32
    for n in [*SHORT, *LONG, BIG]:
        x, given = rows((3, n), dtype, n), numbers((3, n), compute, n + 7)
        for temperature in 1.0, 0.3, temperatures(3):
            yield from gumbel_fast.gumbel_max(x, temperature=temperature, noise=given, return_value=True)


def top_k(dtype):
    for n in [*SHORT, *LONG, BIG]:
        x = numbers((5 if n < 64 else 2, n), dtype, n)
        for k in sorted({1, n // 5 + 1, min(n, 50)}):
            yield from gumbel_fast.gumbel_top_k(x, k, temperature=0.7, rng=n, offset=(1, n), return_value=True)


def softmax_family(dtype, function):
    for n in [*SHORT, *LONG, BIG]:
        x = rows((5 if n < 64 else 2, n), dtype, n)
        yield function(x)
        yield function(x, temperature=np.linspace(0.25, 2, len(x)))


def gumbel_softmax(dtype, **form):
    for n in [*SHORT, *LONG, BIG]:
        for count in (1, 2, 16, 37) if n < 64 else (2,):
            x = rows((count, n), dtype, n)
            yield gumbel_fast.gumbel_softmax(x, rng=n, **form)
            yield gumbel_fast.gumbel_softmax(x, temperature=0.3, rng=n, offset=(2, 2**32 - 3), **form)


def softmax_vjp(dtype):
    for n in [*SHORT, *LONG, BIG]:
        x = rows((3, n), dtype, n)
        grad = numbers((3, n), dtype, n + 9)
        yield gumbel_fast.softmax_vjp(gumbel_fast.softmax(x), grad)
        yield gumbel_fast.softmax_vjp(gumbel_fast.softmax(x), grad, temperature=0.7)


FILTERS = {
    "top_k": {"top_k": 9},
    "top_p": {"top_p": 0.9, "temperature": 0.8},
    "min_p": {"min_p": 0.05, "temperature": 1.5},
    "chain": {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8, "filter_temperature": 2.0},
}
DRAWS = [{}, {"num_samples": 2}, {"num_samples": 67}, {"num_samples": 3, "replace": False, "allow_fewer": True}]


def masks(shape, seed):
    """Bools, one for all rows; and words, of all columns but those of the last word."""
    allowed = words(shape[-1], seed) >> np.uint64(63) == 0
    yield allowed
    yield (
        words(shape[0] * ((shape[-1] + 31) // 32), seed + 1)
        .astype(np.uint32)
        .reshape(shape[0], -1)[:, : shape[-1] // 32]
    )


def parameters_of_rows(count):
    """A set of filters for each row, with temperatures of 0 among them."""
    return {
        "temperature": temperatures(count),
        "top_k": np.resize([0, 3, 40, 1], count),
        "top_p": np.resize([0.9, 1, 0.5], count),
        "min_p": np.resize([0, 0.1], count),
    }


def filtered(dtype, filters):
    for n in [*SHORT, *LONG, BIG]:
        x = rows((7 if n < BIG else 2, n), dtype, n)
        for call in DRAWS:
            yield from gumbel_fast.categorical(x, rng=n, return_log_prob=True, **call, **filters)
        yield gumbel_fast.truncate(x, **filters)
        yield gumbel_fast.entropy(x, **filters)


def filtered_by_rows(dtype):
    for n in [*SHORT, *LONG]:
        x, filters = rows((23, n), dtype, n), parameters_of_rows(23)
        for call in DRAWS:
            yield gumbel_fast.categorical(x, rng=n, **call, **filters)
        yield gumbel_fast.truncate(x, **filters)
        yield gumbel_fast.log_prob(x, np.zeros(23, np.int64), **filters)


def masked(dtype):
    """Every function that takes a mask; -1 and NaN where it leaves nothing."""
    for n in [*SHORT, *LONG]:
        x = rows((5, n), dtype, n)
        for mask in masks(x.shape, n):
            options = {"mask": mask, "temperature": 0.7}
            for call in DRAWS:
                yield gumbel_fast.categorical(x, rng=n, **{"allow_fewer": True, **call}, **options)
            yield from gumbel_fast.gumbel_max(x, rng=n, return_value=True, allow_fewer=True, **options)
            yield from gumbel_fast.gumbel_top_k(x, 3, rng=n, return_value=True, allow_fewer=True, **options)
            yield gumbel_fast.gumbel_softmax(x, rng=n, **options)
            for function in gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp, gumbel_fast.entropy:
                yield function(x, **options)
            yield gumbel_fast.log_prob(x, np.zeros((5, 2), np.int64), **options)
            yield gumbel_fast.truncate(x, top_p=0.9, **options)


def row_streams(dtype):
    for n in [*SHORT, *LONG]:
        x = rows((9, n), dtype, n)
        streams = gumbel_fast.RowStreams(
            [3, 5, 2**70, 3, 8, 0, 1, 2, 3], np.arange(9, dtype=np.uint64) << np.uint64(60)
        )
        for call in DRAWS:
            yield gumbel_fast.categorical(x, rng=streams, **{"allow_fewer": True, **call})
        yield from gumbel_fast.gumbel_max(x, rng=streams, return_value=True)
        yield gumbel_fast.gumbel_softmax(x, rng=streams)
        yield gumbel_fast.categorical(x, rng=streams, top_k=3)
        yield gumbel_fast.categorical(x, rng=n, offset=(2**64 - 3, 0))


def ragged_draws(given, call):
    """Draws of every kind from ragged rows, `given` by their logits or weights; some rows have nothing to draw."""
    for seed, count in enumerate([3, 50, 2000]):
        indptr = row_pointers(count, seed)
        elements = int(indptr[-1]) + 5
        options = {given: call(elements, seed), "indptr": indptr, "rng": seed, "allow_fewer": True}
        for draws in DRAWS:
            yield from gumbel_fast.categorical(return_log_prob=True, **{**options, **draws})
        yield gumbel_fast.categorical(temperature=temperatures(count), **options)
        yield gumbel_fast.categorical(mask=words(elements, seed) >> np.uint64(63) == 0, **options)
        yield gumbel_fast.categorical(num_samples=2, **parameters_of_rows(count), **options)
        for k in 1, 4, 33:
            yield from gumbel_fast.gumbel_top_k(k=k, temperature=0.7, return_value=True, **options)
        yield from gumbel_fast.gumbel_top_k(k=5, floor=1.5, offset=(3, 2**33 + 1), return_value=True, **options)


def ragged(dtype):
    """Every function that takes row pointers."""
    yield from ragged_draws("logits", lambda count, seed: rows((2, count), dtype, seed)[1])
    for seed, count in enumerate([3, 50, 2000]):
        indptr = row_pointers(count, seed)
        x = rows((2, int(indptr[-1]) + 5), dtype, seed)[1]
        allowed = words(x.size, seed) >> np.uint64(62) != 0
        yield from gumbel_fast.gumbel_max(x, indptr=indptr, rng=seed, return_value=True, allow_fewer=True)
        for options in {}, {"temperature": np.resize([1, 0.25, 3], count)}, {"mask": allowed}:
            for function in gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp, gumbel_fast.entropy:
                yield function(x, indptr=indptr, **options)
            yield gumbel_fast.log_prob(x, np.minimum(np.diff(indptr) - 1, 3), indptr=indptr, **options)


def of_weights(dtype):
    for n in [*SHORT, *LONG, BIG]:
        w = weights((7 if n < BIG else 2, n), dtype, n)
        for call in DRAWS:
            yield from gumbel_fast.categorical(weights=w, rng=n, return_log_prob=True, **{"allow_fewer": True, **call})
        for call in DRAWS[:2]:
            yield gumbel_fast.categorical(weights=w, temperature=temperatures(len(w)), rng=n, **call)
        for filters in FILTERS.values():
            yield gumbel_fast.categorical(weights=w, rng=n, **filters)
        for mask in masks(w.shape, n):
            yield gumbel_fast.categorical(weights=w, mask=mask, rng=n, allow_fewer=True)
        for temperature in 1, 0.7, temperatures(len(w)):
            yield from gumbel_fast.gumbel_top_k(
                weights=w, k=min(n, 9), temperature=temperature, rng=n, allow_fewer=True, return_value=True
            )


def floors(dtype):
    for n in [*SHORT, *LONG, BIG]:
        x = rows((37 if n < 64 else 3, n), dtype, n)
        for floor in -np.inf, 0.5, np.resize([-3, 2, 7, np.inf], len(x)):
            for k in sorted({1, n // 5 + 1, min(n, 50)}):
                yield from gumbel_fast.gumbel_top_k(x, k, floor=floor, rng=n, allow_fewer=True, return_value=True)


def distribution(function):
    """With a scale of 1, for logpdf takes another's logarithm from the machine's libm."""
    x = numbers(20_011, np.float64, 3)
    if function in ("ppf", "isf"):
        x = (words(20_011, 3) >> np.uint64(11)) * 2.0**-53
    for n in 1, 7, 1000, 20_011:
        yield getattr(gumbel_fast.gumbel_r, function)(x[:n])
        yield getattr(gumbel_fast.gumbel_r, function)(x[:n], numbers(n, np.float64, 4))


def calls():
    """Name and function of each digest."""
    for name, dtype in ALL.items():
        yield f"{name} categorical, inverse CDF", lambda d=dtype: inverse_cdf(d)
        yield f"{name} categorical, rejection", lambda d=dtype: rejection(d)
        yield f"{name} categorical, repeated by alias", lambda d=dtype: repeated(d, True)
        yield f"{name} categorical, repeated by rejection", lambda d=dtype: repeated(d, False)
        yield f"{name} categorical, without replacement", lambda d=dtype: without_replacement(d)
        yield f"{name} gumbel_max", lambda d=dtype: gumbel_max(d)
        yield f"{name} gumbel_max, noise given", lambda d=dtype: gumbel_max_of_noise(d)
        yield f"{name} gumbel_top_k", lambda d=dtype: top_k(d)
        for filters in FILTERS:
            yield f"{name} filtered by {filters}", lambda d=dtype, f=FILTERS[filters]: filtered(d, f)
        yield f"{name} filtered, parameters of rows", lambda d=dtype: filtered_by_rows(d)
        yield f"{name} masked", lambda d=dtype: masked(d)
        yield f"{name} row streams", lambda d=dtype: row_streams(d)
        yield f"{name} ragged rows", lambda d=dtype: ragged(d)
        yield f"{name} weights", lambda d=dtype: of_weights(d)
        yield (
            f"{name} weights, ragged rows",
            lambda d=dtype: ragged_draws("weights", lambda count, seed: weights((1, count), d, seed)[0]),
        )
        yield f"{name} gumbel_top_k, floors", lambda d=dtype: floors(d)
        yield f"{name} gumbel_softmax", lambda d=dtype: gumbel_softmax(d)
        for form in "hard", "log":
            yield f"{name} gumbel_softmax, {form}", lambda d=dtype, f=form: gumbel_softmax(d, **{f: True})
    for name, dtype in REAL.items():
        yield f"{name} gumbel", lambda d=dtype: noise(d)
        yield f"{name} softmax_vjp", lambda d=dtype: softmax_vjp(d)
        for function in gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp:
            yield f"{name} {function.__name__}", lambda d=dtype, f=function: softmax_family(d, f)
    for function in "pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf":
        yield f"f64 gumbel_r.{function}", lambda f=function: distribution(f)


CALLS = dict(calls())


def digest(results):
    """SHA-256 of results: their kinds and shapes, and their elements' bytes, the lowest first on every machine.

    All NaN are hashed as one: which of them an operation gives, IEEE 754 leaves to the machine.
    """
    sha = hashlib.sha256()
    for result in results:
        array = np.asarray(result)
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        sha.update(f"{array.dtype.kind}{array.dtype.itemsize}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()


def of_calls():
    """The digest of each call on the target in use."""
    return {name: digest(results()) for name, results in CALLS.items()}


# ------------------------------------------------------------------------------------------------ kernels and the table


def of_lines(text):
    """The digests that the driver printed."""
    return {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in text.splitlines()}


def of_kernels():
    """The digest of each kernel, by the driver, on the first target that it names: CC compiles it."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    sources = [ROOT / "tests/bits/driver.c", *sorted((ROOT / "src").rglob("*.c"))]
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder, "driver")
        flags = ["-std=c11", "-O3", "-ffp-contract=off", f"-I{ROOT / 'src'}"]
        subprocess.run([*compiler, *flags, "-o", driver, *sources, "-lm"], check=True)
        target = subprocess.check_output([driver], text=True).split()[0]
        return of_lines(subprocess.check_output([driver, target], text=True))


def read_table():
    """The table as it stands: for each STREAM_VERSION the release it came with, and two lists of digests."""
    return json.loads(TABLE.read_text()) if TABLE.exists() else {}


def current():
    """The table's entry for the STREAM_VERSION of what is installed."""
    return read_table()[str(gumbel_fast.STREAM_VERSION)]


def differences(found, table):
    """Names whose digests differ, or that only one of the two has."""
    return sorted(name for name in found.keys() | table.keys() if found.get(name) != table.get(name))


def is_released(version):
    """Whether the changelog has a date for the release; what it does not know is released."""
    heading = re.search(rf"^## \[{re.escape(version)}\] - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    return heading is None or heading[1] != "unreleased"


def write(again):
    """Put this STREAM_VERSION's digests into the table, and return a word against it if that may not be."""
    table, version = read_table(), str(gumbel_fast.STREAM_VERSION)
    entry = {"since": gumbel_fast.__version__, "calls": of_calls(), "kernels": of_kernels()}
    if version in table:
        entry["since"] = since = table[version]["since"]
        if entry == table[version]:
            return None
        if is_released(since):
            return f"stream version {version} is out since {since}: other bits want a higher STREAM_VERSION"
        if not again:
            return f"stream version {version} has digests already; --unreleased puts others in their place"
    table[version] = entry
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
    return None


def main():
    """Compare, or write."""
    parser = argparse.ArgumentParser(description="Compare digests of what a seed gives with the table.")
    parser.add_argument("--kernels", action="store_true", help="compare the driver's lines, read from standard input")
    parser.add_argument("--write", action="store_true", help="put this stream version's digests into the table")
    parser.add_argument("--unreleased", action="store_true", help="with --write: again, before the release")
    options = parser.parse_args()
    if options.write:
        return write(options.unreleased)
    if options.kernels:
        different = differences(of_lines(sys.stdin.read()), current()["kernels"])
    else:
        different = differences(of_calls(), current()["calls"])
        different += differences(of_kernels(), current()["kernels"])
    return "other bits than the table's: " + ", ".join(different) if different else None


if __name__ == "__main__":
    sys.exit(main())
