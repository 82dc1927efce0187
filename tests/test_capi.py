"""gumbel_fast.capi: the same functions as `cimport gumbel_fast` gives, by ctypes, and the recipes of docs/cython.rst.

What the functions of logits answer to every kind of argument is held in test_cimport.py; here, that these are they, and
those of weights.
"""

import contextlib
import ctypes
import importlib
import itertools
import pathlib
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

import gumbel_fast
import pages
from gumbel_fast import capi
from gumbel_fast._core import c_interface
from rows import DTYPES, some_rows

PAGE = pages.DOCS / "cython.rst"
CAPSULES = c_interface.__pyx_capi__

pointer = np.ctypeslib.as_ctypes


def words_of(seed):
    return map(int, np.random.SeedSequence(seed).generate_state(2, np.uint64))


def suffix_of(dtype):
    return "_f64" if dtype == np.float64 else "_f32"


def functions_of(dtype, *names):
    return [getattr(capi, name + suffix_of(dtype)) for name in names]


def scratch_of(size):
    return np.empty(size, np.uint8)


@contextlib.contextmanager
def guarded(size):
    """The address of so much scratch; fails where more is written."""
    memory = np.full(size + 64, 0xAB, np.uint8)
    yield memory.ctypes.data
    assert np.all(memory[size:] == 0xAB), "more scratch was written than is asked for"


# -------------------------------------------------------------------------------------------------------- what is there


def prototypes():
    """Each function's declaration in the form of Cython's capsules: `int64_t (float const *, size_t)`."""
    found = {}
    for result, name, parameters in re.findall(r"^typedef (\w+) (\w+)\(([^)]*)\);$", capi.DECLARATIONS, re.MULTILINE):
        kinds = [re.fullmatch(r"(const )?(\w+) (\*?)\w+", p.strip()).groups("") for p in parameters.split(",")]
        spelt = ", ".join(f"{kind}{' const' if const else ''}{' *' if star else ''}" for const, kind, star in kinds)
        found[name] = f"{result} ({spelt})"
    return found


def test_the_declarations_are_those_of_the_functions():
    """Every exported function is declared, and no other, with the types that Cython gives its capsule."""
    exported = {}
    for name, capsule in CAPSULES.items():
        (signature,) = re.findall(r'^<capsule object "(.*)" at', repr(capsule))
        exported[name] = re.sub(r"struct \w+_Choice\b", "Choice", signature)
    assert prototypes() == exported


def test_the_struct_is_that_of_the_pxd():
    """Field by field, type and name."""
    folder = pathlib.Path(gumbel_fast.__file__).parent
    (declared,) = re.findall(
        r"^cdef struct Choice:\n((?:    .*\n)+)", (folder / "_core" / "c_interface.pxd").read_text(), re.MULTILINE
    )
    (here,) = re.findall(r"^typedef struct {\n((?:    .*\n)+)} Choice;", capi.DECLARATIONS, re.MULTILINE)
    assert here.replace(";", "") == declared


@pytest.mark.parametrize("name", CAPSULES)
def test_every_function_is_public(name):
    """By its name, with types as wide as those in C; a pointer that is not void points at the type declared."""
    assert name in capi.__all__
    function = getattr(capi, name)
    assert ctypes.cast(function, ctypes.c_void_p).value == capi.address(name)
    assert f"{name}(" in function.__doc__
    result, parameters = re.fullmatch(r"(\w+) \((.*)\)", prototypes()[name]).groups()
    numbers = {
        "double": ctypes.c_double, "float": ctypes.c_float, "int": ctypes.c_int, "int64_t": ctypes.c_int64,
        "size_t": ctypes.c_size_t, "uint64_t": ctypes.c_uint64, "void": None,
    }  # fmt: skip
    assert function.restype is numbers[result]
    for kind, declared in zip(function.argtypes, parameters.split(", "), strict=True):
        if "*" not in declared:
            assert kind is numbers[declared]
        elif kind is not ctypes.c_void_p:
            assert kind is ctypes.POINTER(numbers[declared.split()[0]])


def test_all_is_documented():
    if not PAGE.exists():
        pytest.skip("the documentation is not beside the tests")
    page = PAGE.read_text(encoding="utf-8")
    for name in capi.__all__:
        first = name.replace("_f64", "_f32")  # of the table
        assert re.search(
            rf"^\.\. (auto\w+:: gumbel_fast\.capi\.|py:data:: ){name}$|``.*\b{first}\(", page, re.MULTILINE
        )


def test_what_has_no_address():
    for name in "categorical", "Choice", "choice_dtype", "":
        with pytest.raises(ValueError, match=f"no C function of that name: '{name}'"):
            capi.address(name)


def test_it_waits_to_be_imported():
    code = "import sys, gumbel_fast; print(*(m for m in sys.modules if m.endswith(('capi', 'c_interface'))))"
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert not ran.stdout.strip()


# --------------------------------------------------------------------------------------------------------------- ctypes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 128, 129, 1000])
def test_categorical(n, dtype):
    draw, size = functions_of(dtype, "categorical", "categorical_scratch")
    x = some_rows(n, dtype)
    a, b = words_of(3)
    scratch = scratch_of(size(n))
    for r in range(10):
        for temperature in 1.0, 0.3:
            index = draw(pointer(x), n, temperature, a, b + r, scratch.ctypes.data)  # the sum wraps round
            assert index == gumbel_fast.categorical(x, temperature=temperature, rng=3, offset=(r, 0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 129, 1000])
def test_sums_and_noise(n, dtype):
    fill, greatest, top_k, size = functions_of(dtype, "gumbel", "gumbel_max", "gumbel_top_k", "gumbel_top_k_scratch")
    x = some_rows(n, dtype, masked=0)
    a, b = words_of(5)
    noise, value = np.empty(n, dtype), ctypes.c_double()
    place = a, b + 2, 7
    assert fill(pointer(noise), n, *place) == 0
    np.testing.assert_array_equal(noise, gumbel_fast.gumbel(size=n, dtype=dtype, rng=5, offset=(2, 7)))
    expected = gumbel_fast.gumbel_max(x, temperature=0.5, rng=5, offset=(2, 7), return_value=True)
    assert (greatest(pointer(x), n, 0.5, *place, ctypes.byref(value)), value.value) == expected
    assert greatest(pointer(x), n, 0.5, *place, None) == expected[0]
    for k in {0, 1, n // 2, n}:
        index, values = np.full(k, -7), np.empty(k)
        scratch = scratch_of(size(n, k))
        for where in None, values.ctypes.data:
            assert top_k(pointer(x), n, k, 0.5, *place, pointer(index), where, scratch.ctypes.data) == 0
        expected = gumbel_fast.gumbel_top_k(x, k, temperature=0.5, rng=5, offset=(2, 7), return_value=True)
        np.testing.assert_equal((index, values), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_choose(dtype):
    """With every field of a Choice at work, of ctypes and of NumPy."""
    draw, size = functions_of(dtype, "choose", "choice_scratch")
    n = 200
    x = some_rows(n, dtype)
    mask = (np.arange(n) % 3 > 0).astype(np.uint8)
    words = np.packbits(mask, bitorder="little").copy()
    words = np.concatenate([words, np.zeros(-words.size % 4, np.uint8)]).view(np.uint32)
    for options in (
        {},
        {"temperature": 0.5},
        {"top_k": 3},
        {"top_p": 0.6},
        {"min_p": 0.2},
        {"temperature": 0.7, "filter_temperature": 2.0, "top_k": 50, "top_p": 0.9, "min_p": 0.01},
    ):
        fields = {"filter_temperature": options.get("temperature", 1.0), **options}
        for given, masks in (
            (None, {}),
            (mask, {"mask": mask.ctypes.data}),
            (words, {"mask_words": words.ctypes.data, "word_count": words.size}),
            (words[:5], {"mask_words": words.ctypes.data, "word_count": 5}),
        ):
            choice = capi.Choice(**fields, **masks)
            record = np.empty(1, capi.choice_dtype)
            capi.choice_default(record.ctypes.data)
            for name, value in {**fields, **masks}.items():
                record[name] = value
            a, b = words_of(9)
            for where in ctypes.byref(choice), record.ctypes.data:
                scratch, log_prob = scratch_of(size(n, where)), np.empty(1, dtype)
                for r in range(5):
                    expected = gumbel_fast.categorical(
                        x, mask=given, rng=9, offset=(r, 0), return_log_prob=True, **options
                    )
                    for out in log_prob.ctypes.data, None:
                        assert draw(pointer(x), n, where, a, b + r, out, scratch.ctypes.data) == expected[0]
                    assert log_prob[0] == expected[1]


def test_a_new_choice_keeps_all():
    """Whichever way it is made; and a field that there is not is an error."""
    plain = {"temperature": 1, "filter_temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0}
    record = np.full(1, 7, np.uint8).repeat(capi.choice_dtype.itemsize).view(capi.choice_dtype)
    capi.choice_default(record.ctypes.data)
    assert capi.choice_dtype.names == (*plain, "mask", "mask_words", "word_count")
    assert record[0].tolist() == (*plain.values(), 0, 0, 0)
    assert bytes(capi.Choice()) == record.tobytes()
    assert bytes(capi.Choice(top_k=3)) != record.tobytes()
    for wrong in {"topk": 3}, {"mask": 1.5}:
        with pytest.raises((TypeError, AttributeError)):
            capi.Choice(**wrong)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 128, 129, 1000, 5000])
def test_weights(n, dtype, target):
    """Draws from weights, some of them 0, are those of Python, and no more scratch is written than there is."""
    x = np.exp(some_rows(n, dtype))
    one, some, top_k = functions_of(dtype, "categorical_weights", "choose_weights", "gumbel_top_k_weights")
    sizes = functions_of(dtype, "categorical_scratch", "choice_scratch", "gumbel_top_k_scratch")
    mask = (np.arange(n) % 3 != 1).astype(np.uint8)
    a, b = words_of(7)
    k = max(np.count_nonzero(x) // 2, 1)
    filters = {"temperature": 0.7, "filter_temperature": 2.0, "top_k": 50, "top_p": 0.9, "min_p": 0.01}
    for r in range(5):
        where = {"rng": 7, "offset": (r, 0)}
        for temperature in 1.0, 0.3, 0.0:
            with guarded(sizes[0](n)) as scratch:
                index = one(pointer(x), n, temperature, a, b + r, scratch)
            assert index == gumbel_fast.categorical(weights=x, temperature=temperature, **where)
        for options in {}, {"temperature": 0.5}, {"top_p": 0.6}, filters:
            for given in None, mask:
                choice = capi.Choice(**{"filter_temperature": options.get("temperature", 1.0), **options})
                choice.mask = None if given is None else given.ctypes.data
                log_prob = np.empty(1, dtype)
                with guarded(sizes[1](n, ctypes.byref(choice))) as scratch:
                    index = some(pointer(x), n, ctypes.byref(choice), a, b + r, log_prob.ctypes.data, scratch)
                expected = gumbel_fast.categorical(weights=x, mask=given, return_log_prob=True, **options, **where)
                assert (index, log_prob[0]) == expected
        found, values = np.empty(k, np.int64), np.empty(k)
        with guarded(sizes[2](n, k)) as scratch:
            status = top_k(pointer(x), n, k, 0.5, a, b + r, 0, pointer(found), values.ctypes.data, scratch)
        expected = gumbel_fast.gumbel_top_k(weights=x, k=k, temperature=0.5, return_value=True, **where)
        np.testing.assert_equal((status, found, values), (0, *expected))


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_that_are_refused(dtype):
    one, some, top_k = functions_of(dtype, "categorical_weights", "choose_weights", "gumbel_top_k_weights")
    choice, index, memory = capi.Choice(top_k=5), np.empty(1, np.int64), scratch_of(100_000)
    scratch = memory.ctypes.data
    for n in 6, 200:
        for bad in np.nan, np.inf, -np.inf, -1, 0:
            x = np.ones(n, dtype)
            x[n // 2 if bad else slice(None)] = bad
            assert one(pointer(x), n, 1.0, 1, 2, scratch) == capi.BAD_ROW
            assert some(pointer(x), n, ctypes.byref(choice), 1, 2, None, scratch) == capi.BAD_ROW
            assert top_k(pointer(x), n, 1, 1.0, 1, 2, 0, pointer(index), None, scratch) == capi.BAD_ROW
        x = np.ones(n, dtype)
        assert one(pointer(x), n, -1.0, 1, 2, scratch) == capi.BAD_ARGUMENT
        assert some(pointer(x), n, ctypes.byref(choice), 1, 2, None, None) == capi.BAD_ARGUMENT
        assert top_k(pointer(x), n, n + 1, 1.0, 1, 2, 0, pointer(index), None, scratch) == capi.BAD_ARGUMENT


def test_statuses():
    x = np.full(200, -np.inf, np.float32)
    scratch = scratch_of(capi.categorical_scratch_f32(200))
    assert capi.categorical_f32(pointer(x), 200, 1.0, 1, 2, scratch.ctypes.data) == capi.BAD_ROW
    assert capi.categorical_f32(pointer(x), 200, 1.0, 1, 2, None) == capi.BAD_ARGUMENT
    assert capi.categorical_f32(None, 0, 1.0, 1, 2, None) == capi.BAD_ARGUMENT
    assert capi.gumbel_f32(None, 2**34 + 1, 1, 2, 0) == capi.BAD_ARGUMENT


def test_an_array_of_another_type_is_refused():
    x, index = np.zeros(9), np.empty(2, np.int32)
    with pytest.raises(ctypes.ArgumentError):
        capi.categorical_f32(pointer(x), 9, 1.0, 1, 2, None)
    with pytest.raises(ctypes.ArgumentError):
        capi.gumbel_f32(pointer(x), 9, 1, 2, 0)
    with pytest.raises(ctypes.ArgumentError):
        capi.gumbel_top_k_f64(pointer(x), 9, 2, 1.0, 1, 2, 0, pointer(index), None, None)


def test_threads():
    """Four at once, without the GIL, each with scratch of its own: what one would draw alone."""
    x = some_rows(5000)

    def draw(key):
        scratch = scratch_of(capi.categorical_scratch_f32(x.size))
        found[key] = [capi.categorical_f32(pointer(x), x.size, 1.0, key, r, scratch.ctypes.data) for r in range(500)]

    found = {}
    threads = [threading.Thread(target=draw, args=(key,)) for key in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together, found = found, {}
    for key in range(4):
        draw(key)
    assert together == found
    assert len(set(map(tuple, found.values()))) == 4


# ---------------------------------------------------------------------------------------------------------- the recipes


def recipes(heading, *libraries):
    """The names that the Python code under a heading of the page defines."""
    if not PAGE.exists():
        pytest.skip("the documentation is not beside the tests")
    for library in libraries:
        pytest.importorskip(library, reason=f"{library} is not installed")
    blocks = pages.sources(PAGE.name, "python", heading)
    assert blocks
    names = {"__name__": heading}
    for block in blocks:
        exec(compile(block, f"{PAGE.name}, {heading}", "exec"), names)
    return names


@pytest.fixture(scope="module")
def numba():
    return recipes("From Numba", "numba")


CALLERS = {"Numba": ["numba"], "ctypes": [], "cffi": ["cffi"]}


@pytest.fixture(scope="module", params=CALLERS)
def caller(request):
    return recipes(f"From {request.param}", *CALLERS[request.param])


def graph(nodes, dtype=np.int64):
    """CSR arrays of a graph whose nodes have no edge, few, or more than a short row has; logits of its edges."""
    rng = np.random.default_rng(1)
    degrees = np.resize([3, 0, 1, 128, 129, 40, 1000], nodes)
    indptr = np.concatenate([[0], np.cumsum(degrees)]).astype(dtype)
    return indptr, rng.integers(nodes, size=indptr[-1]), rng.normal(0, 2, indptr[-1]).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_numba_neighbours(dtype, numba):
    indptr, _, logits = graph(70, dtype)
    key, row = np.random.SeedSequence(7).generate_state(2, np.uint64)
    out = np.empty(70, np.int64)
    numba["draw_neighbours"](indptr, logits, key, row, out)
    expected = [
        gumbel_fast.categorical(logits[first:last], rng=7, offset=(r, 0)) if first < last else capi.BAD_ARGUMENT
        for r, (first, last) in enumerate(itertools.pairwise(indptr))
    ]
    np.testing.assert_array_equal(out, expected)
    ragged = gumbel_fast.categorical(logits, indptr=indptr, rng=7, allow_fewer=True)
    np.testing.assert_array_equal(np.maximum(out, -1), ragged)


def test_numba_rows_wrap_round(numba):
    """The row numbers of a stream run on from 2^64 - 1 to 0, and none loses its last digits."""
    indptr, logits = np.arange(0, 4001, 200), some_rows(4000)
    out = np.empty(20, np.int64)
    for row in 2**64 - 3, 2**63 + 1:
        numba["draw_neighbours"](indptr, logits, np.uint64(5), np.uint64(row), out)
        words = np.array([5, row], np.uint64)
        streams = gumbel_fast.RowStreams(np.tile(words, (20, 1)), np.arange(20))
        np.testing.assert_array_equal(out, gumbel_fast.categorical(logits.reshape(20, 200), rng=streams))


def test_numba_walk(numba):
    """Step by step that of Python, by weights of which a tenth is 0; it ends where no edge leads on."""
    indptr, neighbours, logits = graph(70)
    weights = np.where(logits < -2.5, 0, np.exp(logits)).astype(np.float32)
    key, row = np.random.SeedSequence(7).generate_state(2, np.uint64)
    lengths = []
    for start in 0, 3, 5, 1:
        visited = numba["walk"](indptr, neighbours, weights, start, 40, key, row)
        for t, node in enumerate(visited[:-1]):
            first, last = indptr[node], indptr[node + 1]
            drawn = gumbel_fast.categorical(weights=weights[first:last], rng=7, offset=(t, 0))
            assert visited[t + 1] == neighbours[first + drawn]
        end = visited[-1]
        assert visited[0] == start
        assert visited.size == 41 or not weights[indptr[end] : indptr[end + 1]].any()
        lengths.append(visited.size)
    assert lengths[-1] == 1
    assert max(lengths) > 5


def test_numba_tokens(numba):
    """As test_cimport.py has it of Cython: filters, a mask in words, and the log-probability."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (20, 3200)).astype(np.float32)
    mask = rng.integers(0, 2**32, (20, 100), dtype=np.uint32)
    words = rng.integers(0, 2**64, (20, 2), dtype=np.uint64)
    positions = rng.integers(0, 2**64, 20, dtype=np.uint64)
    token, log_prob = np.empty(20, np.int64), np.empty(20, np.float32)
    numba["draw_tokens"](logits, mask, words, positions, token, log_prob)
    expected = gumbel_fast.categorical(
        logits, mask=mask, rng=gumbel_fast.RowStreams(words, positions), temperature=0.8, top_k=40, top_p=0.95,
        min_p=0.05, filter_temperature=1.0, return_log_prob=True,
    )  # fmt: skip
    np.testing.assert_equal((token, log_prob), expected)


def test_numba_refuses_an_array_of_another_type(numba):
    errors = importlib.import_module("numba").core.errors
    indptr, _, logits = graph(70)
    with pytest.raises(errors.TypingError):
        numba["draw_neighbours"](indptr, logits.astype(np.float64), np.uint64(1), np.uint64(2), np.empty(70, np.int64))


@pytest.mark.parametrize("n", [1, 6, 129, 5000])
def test_noise_and_greatest(n, caller):
    x = some_rows(n, masked=0)
    k = min(n, 40)
    key, row = np.random.SeedSequence(7).generate_state(2, np.uint64)
    noise, greatest, value, index, status = caller["noise_and_greatest"](x, k, key, row)
    np.testing.assert_array_equal(noise, gumbel_fast.gumbel(size=n, dtype=np.float32, rng=7))
    assert (greatest, value) == gumbel_fast.gumbel_max(x, rng=7, return_value=True)
    np.testing.assert_array_equal(index, gumbel_fast.gumbel_top_k(x, k, rng=7))
    assert status == 0


@pytest.mark.parametrize("name", ["ctypes", "cffi"])
@pytest.mark.parametrize("n", [1, 6, 129, 5000])
def test_one_call_from_python(n, name):
    functions = recipes(f"From {name}", *CALLERS[name])
    x = some_rows(n)
    mask = np.arange(n) % 3 != 1
    for seed in range(5):
        key, row = words_of(seed)
        expected = gumbel_fast.categorical(x, temperature=0.7, rng=seed)
        assert functions["draw"](x, 0.7, key, row) == expected
        expected = gumbel_fast.categorical(x, temperature=0.8, top_p=0.9, mask=mask, rng=seed, return_log_prob=True)
        assert functions["draw_allowed"](x, mask, key, row) == expected


def test_cffi_knows_the_struct_as_ctypes_does():
    """Offsets of its fields; and a record of NumPy passes for one."""
    ffi = recipes("From cffi", "cffi")["ffi"]
    fields = dict(ffi.typeof("Choice").fields)
    assert ffi.sizeof("Choice") == ctypes.sizeof(capi.Choice)
    assert {name: field.offset for name, field in fields.items()} == {
        name: offset for name, (_, offset) in capi.choice_dtype.fields.items()
    }
    record = np.empty(1, capi.choice_dtype)
    capi.choice_default(record.ctypes.data)
    record["top_k"] = 5
    choice = ffi.from_buffer("Choice *", record)
    assert (choice.top_k, choice.top_p, choice.mask) == (5, 1, ffi.NULL)
