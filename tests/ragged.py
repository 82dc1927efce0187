"""What tests of ragged rows share: rows of many lengths, the functions that take them, each row's result by itself.

The model is the contract: row r of `f(x, indptr=p)` has the bits that `f` gives x[p[r]:p[r + 1]] as a dense row of the
number r. So nothing here knows more of a function than its dense form.
"""

import numpy as np

import gumbel_fast
from rows import some_rows

# Around the edges of registers, of blocks and of the choice of a method, which goes by a row's length.
LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 136, 200, 300, 4095, 4096, 4097]

ORDERS = {
    "rising": LENGTHS,
    "falling": LENGTHS[::-1],
    "mixed": np.random.default_rng(1).permutation(LENGTHS * 2).tolist(),
    "runs": np.repeat([5, 0, 64, 5, 130, 16, 17, 1, 3], [40, 3, 20, 40, 9, 17, 16, 33, 50]).tolist(),
    "long and short in turn": [4097, 2] * 5 + [129, 128] * 17 + [0, 65] * 16,
    "one long": [2] * 50 + [9000] + [3] * 50,
    "all of 16": [16] * 37,
    "nothing at either end": [0, 0, 0, 9, 140, 0, 3, 0, 0],
}

CHAIN = {"top_k": 20, "top_p": 0.99, "min_p": 1e-4, "filter_temperature": 3.0}

# Each takes logits and the options of a call. The counts of draws choose, by the length of a row, each method there is:
# an alias table or rejection for 3, 20 and 400 draws; noise or rejection for 3, 17 and 150 different ones.
SAMPLERS = {
    "categorical": lambda x, **o: gumbel_fast.categorical(x, **o),
    "categorical, chain": lambda x, **o: gumbel_fast.categorical(x, **CHAIN, **o),
    "categorical, top_k": lambda x, **o: gumbel_fast.categorical(x, top_k=3, **o),
    "categorical, top_p": lambda x, **o: gumbel_fast.categorical(x, top_p=0.9, **o),
    "categorical, min_p": lambda x, **o: gumbel_fast.categorical(x, min_p=0.1, **o),
    "categorical with log_prob": lambda x, **o: gumbel_fast.categorical(x, return_log_prob=True, **o),
    "one of one": lambda x, **o: gumbel_fast.categorical(x, num_samples=1, return_log_prob=True, **o),
    "few draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=3, **o),
    "some draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=20, **o),
    "many draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=400, **o),
    "many draws, chain": lambda x, **o: gumbel_fast.categorical(x, num_samples=400, **CHAIN, **o),
    "some draws with log_prob": lambda x, **o: gumbel_fast.categorical(x, num_samples=20, return_log_prob=True, **o),
    "one distinct draw": lambda x, **o: gumbel_fast.categorical(x, num_samples=1, replace=False, **o),
    "few distinct draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=3, replace=False, **o),
    "some distinct draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=17, replace=False, **o),
    "many distinct draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=150, replace=False, **o),
    "distinct draws, chain": lambda x, **o: gumbel_fast.categorical(
        x, num_samples=3, replace=False, return_log_prob=True, **CHAIN, **o
    ),
    "gumbel_max": lambda x, **o: gumbel_fast.gumbel_max(x, **o),
    "gumbel_max with values": lambda x, **o: gumbel_fast.gumbel_max(x, return_value=True, **o),
    "gumbel_top_k of 1": lambda x, **o: gumbel_fast.gumbel_top_k(x, 1, return_value=True, **o),
    "gumbel_top_k of 5": lambda x, **o: gumbel_fast.gumbel_top_k(x, 5, return_value=True, **o),
    "gumbel_top_k of 150": lambda x, **o: gumbel_fast.gumbel_top_k(x, 150, **o),
}
WANTED = {  # categories that a row must have, where that is not one
    "few distinct draws": 3,
    "some distinct draws": 17,
    "many distinct draws": 150,
    "distinct draws, chain": 3,
    "gumbel_top_k of 5": 5,
    "gumbel_top_k of 150": 150,
}
NORMALISERS = {
    "softmax": lambda x, **o: gumbel_fast.softmax(x, **o),
    "log_softmax": lambda x, **o: gumbel_fast.log_softmax(x, **o),
    "logsumexp": lambda x, **o: gumbel_fast.logsumexp(x, **o),
    "entropy": lambda x, **o: gumbel_fast.entropy(x, **o),
    "entropy, chain": lambda x, **o: gumbel_fast.entropy(x, **CHAIN, **o),
}
FLAT = ["softmax", "log_softmax"]  # results lie as the logits do
FUNCTIONS = {**SAMPLERS, **NORMALISERS}


def bounds_of(lengths, first=0):
    """The indptr of rows that lie one behind the other."""
    return first + np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def ragged_rows(lengths, dtype=np.float32, seed=3, masked=0.1, before=0, after=0):
    """Rows of these lengths and their indptr; each row but an empty one has something. What lies beside them is NaN."""
    indptr = bounds_of(lengths, before)
    total = int(indptr[-1]) + after
    x = some_rows((max(total, 1),), dtype, seed, masked)[:total]
    x[indptr[:-1][np.asarray(lengths) > 0]] = 0
    x[:before] = x[indptr[-1] :] = np.nan
    return x, indptr


def some_streams(rows, seed=1):
    """Seeds of which some are equal, and positions at the ends of their range."""
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 4, rows)
    seeds[::3] = rng.integers(0, 2**63 - 1, seeds[::3].size)
    positions = rng.integers(0, 2**63, rows, dtype=np.uint64)
    ends = np.array([0, 1, 2**32 - 1, 2**64 - 1, 2**63], np.uint64)[:rows]
    positions[: ends.size] = ends
    return seeds, positions


def options_of(name):
    """A seed for what draws, which is allowed to find too little in a row."""
    return {"rng": 5, "allow_fewer": True} if name in SAMPLERS else {}


def of_row(result, row):
    return tuple(part[row] for part in result) if isinstance(result, tuple) else result[row]


def of_own(options, row, start, stop):
    """The options of one row alone: its own of what there is one a row of, and its part of a mask or of noise."""
    own = dict(options)
    for name in "temperature", "top_k", "top_p", "min_p", "filter_temperature", "floor":
        if np.ndim(own.get(name)):
            own[name] = own[name][row]
    for name in "mask", "noise":
        if np.ndim(own.get(name)) and np.shape(own[name]) != (1,):
            own[name] = np.asarray(own[name])[start:stop][np.newaxis]
    if isinstance(own.get("rng"), tuple):  # seeds and positions
        seeds, positions = own.pop("rng")
        own |= {"rng": int(seeds[row]), "offset": (int(positions[row]), own.get("offset", (0, 0))[1])}
    elif "noise" not in own and "rng" in own:
        first, column = own.get("offset", (0, 0))
        own["offset"] = (first + row) % 2**64, column
    return own


def alone(function, x, indptr, row, **options):
    """What a row gives as the only one of a dense batch, with its number."""
    start, stop = int(indptr[row]), int(indptr[row + 1])
    return of_row(function(x[start:stop][np.newaxis], **of_own(options, row, start, stop)), 0)


def assert_bits(found, expected, what=""):
    """Equal to the bit, but for which NaN it is."""
    found, expected = (value if isinstance(value, tuple) else (value,) for value in (found, expected))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype, what
        np.testing.assert_array_equal(a, b, err_msg=what)
        if a.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b), err_msg=what)


def assert_rows_alone(name, x, indptr, rows=None, functions=FUNCTIONS, **options):
    """Every row's result, or that of some, is that of the row alone; returns the whole."""
    function = functions[name]
    call = dict(options)
    if isinstance(call.get("rng"), tuple):
        call["rng"] = gumbel_fast.RowStreams(*call["rng"])
    result = function(x, indptr=indptr, **call)
    count = len(indptr) - 1
    if name in FLAT:
        assert result.shape == x.shape
    else:
        for part in result if isinstance(result, tuple) else (result,):
            assert part.shape[0] == count
    for row in range(count) if rows is None else rows:
        expected = alone(function, x, indptr, row, **options)
        own = result[indptr[row] : indptr[row + 1]] if name in FLAT else of_row(result, row)
        assert_bits(own, expected, f"row {row} of {indptr[row + 1] - indptr[row]}, {x.dtype}")
    return result
