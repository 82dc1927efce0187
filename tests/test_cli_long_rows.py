"""`sample` on columns of files that are one long row, and on several files: bits, ids, outputs, memory and errors."""

import contextlib
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import gumbel_fast
from command import COMMAND, LINUX, POSIX, error_of, holes, run, sample
from gumbel_fast import _cli
from gumbel_fast._cli import long_row, temporary
from gumbel_fast._cli import sample as sample_command


@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture
def pq(pa):
    return pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def small_pieces(monkeypatch):
    """Have rows read 1,000 numbers at a time, so that small files are cut as large ones are."""
    monkeypatch.setattr(long_row, "_PIECE", 1000)
    monkeypatch.setattr(long_row, "_IN_MEMORY", 4000)


def drawn(*arguments):
    """Run `sample` in this process, which has to succeed; what it writes."""
    assert _cli.main(["sample", *map(str, arguments), "-o", "drawn.npy"]) == 0
    return np.load("drawn.npy")


def weights_of(size, dtype, seed=1):
    """Weights over some orders of magnitude, a tenth of which are 0."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(size) < 0.1, 0, rng.lognormal(sigma=2, size=size)).astype(dtype)


def write_parts(values, cuts, pa=None, pq=None, group=997, null=None):
    """Write a row to .npy files, or by turns to Parquet files where `null` is null and ids count up; their names."""
    names = []
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, values.size], strict=True)):
        part = values[start:stop]
        if pq is None or number % 2:
            names.append(f"part{number}.npy")
            np.save(names[-1], part)
        else:
            names.append(f"part{number}.parquet")
            ids = [f"user {i}" for i in range(start, stop)]
            table = pa.table({"id": ids, "x": pa.array(part, mask=part == null if null is not None else None)})
            pq.write_table(table, names[-1], group)
    return names


# ------------------------------------------------------------------------------------------------------- what it draws

HOW = [
    ("weights", 0, np.float64),
    ("weights", 0, np.float32),
    ("weights", 0, np.float16),
    ("logits", -np.inf, np.float64),
    ("logits", -np.inf, np.float32),
]


@pytest.mark.parametrize("name, null, dtype", HOW)
@pytest.mark.parametrize("workers", [1, 2])
def test_draws_are_those_of_one_call(monkeypatch, tmp_path, small_pieces, pa, pq, name, null, dtype, workers):
    """Several files of both kinds, some of them empty, with nulls, in groups that no piece is a multiple of."""
    monkeypatch.chdir(tmp_path)
    values = weights_of(30_000, dtype)
    if name == "logits":
        with np.errstate(divide="ignore"):
            values = np.log(values)
    files = write_parts(values, [0, 0, 1, 5_001, 5_001, 20_000], pa, pq, null=null)
    options = [*files, "--seed", 5, "--workers", workers] + ["--weights"] * (name == "weights")
    whole = {name: values, "rng": 5}
    for k in 0, 1, 10, 3_000, 20_000:
        index = drawn(*options, "-k", k, "--without-replacement", "--temperature", 0.7)
        np.testing.assert_array_equal(index, gumbel_fast.gumbel_top_k(k=k, temperature=0.7, **whole))
    assert drawn(*options) == gumbel_fast.categorical(**whole)
    for n in 0, 1, 50, 300_000:
        index = drawn(*options, "-n", n, "--temperature", 1.5)
        np.testing.assert_array_equal(index, gumbel_fast.categorical(num_samples=n, temperature=1.5, **whole))
    kept = {"top_k": 500, "top_p": 0.9, "min_p": 0.001}
    filters = ["--top-k", 500, "--top-p", 0.9, "--min-p", 0.001]
    for n in 1, 50, 300_000:
        index = drawn(*options, *filters, "-n", n)
        np.testing.assert_array_equal(index, gumbel_fast.categorical(num_samples=n, **kept, **whole))
    index = drawn(*options, *filters, "-k", 5, "--without-replacement")
    np.testing.assert_array_equal(index, gumbel_fast.categorical(num_samples=5, replace=False, **kept, **whole))


@pytest.mark.parametrize("order", ["rising", "falling", "all mass in one piece", "all alike", "temperature 0"])
@pytest.mark.parametrize("kind", ["npy", "one group", "many groups"])
def test_rows_in_which_the_greatest_lie_together(monkeypatch, tmp_path, small_pieces, order, kind, request):
    """Pieces have to be asked again here, in Parquet within a row group, which is then kept in memory or in a file."""
    monkeypatch.chdir(tmp_path)
    values = weights_of(20_000, np.float64) ** 3
    if order in ("rising", "falling"):
        values.sort()
    if order == "falling":
        values = values[::-1]
    if order == "all mass in one piece":
        values[7_100:7_900] *= 1e200
    if order == "all alike":
        values[:] = 1
    if kind == "npy":
        np.save("x.npy", values)
    else:
        pa, pq = request.getfixturevalue("pa"), request.getfixturevalue("pq")
        pq.write_table(pa.table({"x": values}), "x.parquet", 30_000 if kind == "one group" else 3_500)
    t = 0 if order == "temperature 0" else 1
    for k in 1, 700, 5_000:
        index = drawn(*os.listdir(), "--weights", "--seed", 3, "-k", k, "--without-replacement", "--temperature", t)
        np.testing.assert_array_equal(index, gumbel_fast.gumbel_top_k(weights=values, k=k, temperature=t, rng=3))
        os.remove("drawn.npy")


def test_logits_whose_values_are_infinite(monkeypatch, tmp_path, small_pieces):
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(2).normal(size=5_000) * 1e10
    np.save("x.npy", values)
    options = "x.npy", "--seed", 3, "-k", 300, "--without-replacement", "--temperature", 1e-300
    expected = gumbel_fast.gumbel_top_k(values, 300, temperature=1e-300, rng=3, return_value=True)
    assert np.isinf(expected[1]).all()
    np.testing.assert_array_equal(drawn(*options), expected[0])


def test_hundreds_of_thousands_of_draws_as_a_user_makes_them(tmp_path, pa, pq):
    values = weights_of(1_000_000, np.float32)
    pq.write_table(pa.table({"w": values}), tmp_path / "a.parquet", 300_000)
    (index,) = sample("a.parquet", "--weights", "-k", 400_000, "--without-replacement", "--seed", 9, cwd=tmp_path)
    np.testing.assert_array_equal(index, gumbel_fast.gumbel_top_k(weights=values, k=400_000, rng=9))


@pytest.mark.parametrize("dtypes, as_one", [
    (("f4", "f8"), "f8"), (("f2", "f4"), "f4"), (("f4", "i2"), "f8"), ((">f4", "<f4"), "f4"), (("i8", "u1"), "f8"),
    (("?", "f4"), "f8"), (("?", "?"), "?"),
])  # fmt: skip
def test_files_of_several_dtypes(monkeypatch, tmp_path, dtypes, as_one):
    """The widest decides, and integers and booleans count as float64."""
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(3).integers(1, 100, 1000)
    parts = [part.astype(dtype) for part, dtype in zip(np.split(values, [400]), dtypes, strict=True)]
    np.save("a.npy", parts[0])
    np.save("b.npy", parts[1])
    values = np.concatenate([part.astype(as_one) for part in parts])
    index = drawn("a.npy", "b.npy", "--weights", "-k", 50, "--without-replacement", "--seed", 1)
    np.testing.assert_array_equal(index, gumbel_fast.gumbel_top_k(weights=values, k=50, rng=1))
    np.testing.assert_array_equal(
        drawn("a.npy", "b.npy", "-n", 50, "--seed", 1),
        gumbel_fast.categorical(values, num_samples=50, rng=1),
    )


def test_a_file_may_be_given_twice(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", weights_of(1000, np.float64))
    twice = np.tile(np.load("a.npy"), 2)
    index = drawn("a.npy", "a.npy", "--weights", "-n", 100, "--seed", 1)
    np.testing.assert_array_equal(index, gumbel_fast.categorical(weights=twice, num_samples=100, rng=1))


@POSIX
@pytest.mark.parametrize("kind, shape", [("npy", 50), ("npy", (5, 10)), ("parquet", 50)])
@pytest.mark.parametrize("draws", [["-n", 10], ["-k", 10, "--without-replacement"]])
def test_more_files_than_may_be_open(tmp_path, kind, shape, draws, request):
    import resource

    values = np.random.default_rng(4).random((100, 50))
    names = [f"part{number:02}.{kind}" for number in range(100)]
    options = ["--weights", "--seed", 1, *draws]
    if kind == "npy":
        for name, part in zip(names, values, strict=True):
            np.save(tmp_path / name, part.reshape(shape))
    else:
        pa, pq = request.getfixturevalue("pa"), request.getfixturevalue("pq")
        for number, (name, part) in enumerate(zip(names, values, strict=True)):
            pq.write_table(pa.table({"x": part, "id": number * 50 + np.arange(50)}), tmp_path / name, 20)
        options += ["--column", "x", "--id", "id"]
    result = run(
        "sample", *names, *options,
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50)),
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, b"")
    weights = values.reshape(-1, 10) if shape == (5, 10) else values.reshape(-1)
    if "-k" in draws:
        expected = gumbel_fast.gumbel_top_k(weights=weights, k=10, rng=1)
    else:
        expected = gumbel_fast.categorical(weights=weights, num_samples=10, rng=1)
    assert [int(word) for word in result.stdout.split()] == expected.reshape(-1).tolist()


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("weights", [True, False])
def test_batches_of_several_files(monkeypatch, tmp_path, axis, weights):
    monkeypatch.chdir(tmp_path)
    joined = 1 if axis == 0 else 0
    shapes = [[5, 6, 7], [5, 6, 7], [5, 6, 7]]
    shapes[0][joined], shapes[2][joined] = 2, 0
    parts = [weights_of(np.prod(shape), np.float32, seed).reshape(shape) + 0.1 for seed, shape in enumerate(shapes)]
    for number, part in enumerate(parts):
        np.save(f"{number}.npy", part)
    values = np.concatenate(parts, joined)
    options = ["0.npy", "1.npy", "2.npy", "--axis", axis, "--seed", 4] + ["--weights"] * weights
    whole = {"weights" if weights else "logits": values, "axis": axis, "rng": 4}
    np.testing.assert_array_equal(drawn(*options), gumbel_fast.categorical(**whole))
    np.testing.assert_array_equal(drawn(*options, "-n", 9), gumbel_fast.categorical(num_samples=9, **whole))
    np.testing.assert_array_equal(
        np.moveaxis(drawn(*options, "-k", 4, "--without-replacement"), -1, axis) if axis == -1 else 0,
        gumbel_fast.gumbel_top_k(k=4, **whole) if axis == -1 else 0,
    )
    np.testing.assert_array_equal(
        drawn(*options, "-k", 2, "--without-replacement", "--top-k", 3),
        gumbel_fast.categorical(num_samples=2, replace=False, top_k=3, **whole),
    )


# ----------------------------------------------------------------------------------------------------- ids and outputs


@pytest.fixture
def people(monkeypatch, tmp_path, pa, pq):
    """Two files of weights with ids of several kinds, in groups of 100; the weights."""
    monkeypatch.chdir(tmp_path)
    values = weights_of(1500, np.float64)
    numbers = np.arange(1500, dtype=np.int32) * 10
    table = pa.table({
        "w": values,
        "name": [f"user {i}" for i in range(1500)],
        "number": numbers,
        "half": (numbers / 4).astype(np.float32),
        "some": pa.array(numbers, mask=numbers % 30 == 0),
    })  # fmt: skip
    pq.write_table(table[:700], "a.parquet", 100)
    pq.write_table(table[700:], "b.parquet", 100)
    return values


FILES = ("a.parquet", "b.parquet", "--weights", "--column", "w", "--seed", "2")


@pytest.mark.parametrize("draws", [("-k", 40, "--without-replacement"), ("-n", 40), ()])
def test_ids_stand_for_indices(tmp_path, people, pq, draws):
    if "-k" in draws:
        index = gumbel_fast.gumbel_top_k(weights=people, k=40, rng=2)
    else:
        index = np.atleast_1d(gumbel_fast.categorical(weights=people, num_samples=40 if draws else None, rng=2))
    result = run("sample", *FILES, "--id", "name", *draws, cwd=tmp_path)
    assert result.stderr == b""
    assert result.stdout.decode().splitlines() == [f"user {i}" for i in index]
    for name, dtype, ids in ("number", np.int32, index * 10), ("half", np.float32, index * 2.5):
        written = drawn(*FILES, "--id", name, *draws)
        np.testing.assert_array_equal(written, (ids if draws else ids[0]).astype(dtype), strict=True)
    for name, values in ("name", [f"user {i}" for i in index]), ("some", [10 * i if i % 3 else None for i in index]):
        assert _cli.main(["sample", *FILES, "--id", name, *map(str, draws), "-o", "drawn.parquet"]) == 0
        assert pq.read_table("drawn.parquet").to_pydict() == {"index": index.tolist(), name: values}


def test_ids_of_many_draws_are_looked_up_in_parts(monkeypatch, people):
    monkeypatch.setattr(sample_command, "_IDS", 1)
    index = gumbel_fast.categorical(weights=people, num_samples=600_000, rng=2)
    np.testing.assert_array_equal(drawn(*FILES, "--id", "number", "-n", 600_000), index * 10)


def test_ids_of_several_lines_are_printed_on_one(monkeypatch, tmp_path, capsys, pa, pq):
    """Every string is told from every other, and read back by undoing the escapes."""
    monkeypatch.chdir(tmp_path)
    ids = ["a\nb", r"a\nb", "a\r\n", "\x00\t\x1b[31m\x7f", "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\\", "é 日 '\"", ""]
    pq.write_table(pa.table({"x": np.zeros(8), "id": ids, "list": [[each] for each in ids]}), "a.parquet")
    draws = ["-k", "8", "--without-replacement", "--seed", "1"]
    index = gumbel_fast.gumbel_top_k(np.zeros(8), 8, rng=1)
    assert _cli.main(["sample", "a.parquet", "--column", "x", "--id", "id", *draws]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 8
    lines = printed.splitlines()
    assert [line.encode("latin-1", "backslashreplace").decode("unicode_escape") for line in lines] == [
        ids[i] for i in index
    ]
    assert {r"a\nb", r"a\\nb", r"a\r\n", r"\x00\t\x1b[31m\x7f", "é 日 '\"", r"\\"} <= set(lines)
    assert _cli.main(["sample", "a.parquet", "--column", "x", "--id", "list", *draws]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8


def test_parquet_of_indices(monkeypatch, people, pa, pq):
    assert _cli.main(["sample", *FILES, "-n", "300000", "-o", "drawn.parquet"]) == 0
    table = pq.read_table("drawn.parquet")
    assert table.schema == pa.schema([pa.field("index", pa.int64(), nullable=False)])
    expected = gumbel_fast.categorical(weights=people, num_samples=300_000, rng=2)
    np.testing.assert_array_equal(table["index"].to_numpy(), expected)
    assert _cli.main(["sample", *FILES, "-n", "0", "-o", "drawn.parquet"]) == 0
    assert pq.read_table("drawn.parquet").num_rows == 0


def test_parquet_of_a_batch_has_its_rows(monkeypatch, tmp_path, pq):
    monkeypatch.chdir(tmp_path)
    logits = np.random.default_rng(3).normal(size=(2, 3, 7))
    np.save("logits.npy", logits)
    assert _cli.main(["sample", "logits.npy", "-n", "4", "--seed", "1", "-o", "drawn.parquet"]) == 0
    table = pq.read_table("drawn.parquet").to_pydict()
    assert table["row"] == np.repeat(np.arange(6), 4).tolist()
    assert table["index"] == gumbel_fast.categorical(logits, num_samples=4, rng=1).reshape(-1).tolist()


@LINUX
@pytest.mark.parametrize("limit", [0, 10_000, 100_000])
def test_parquet_that_finds_no_room(tmp_path, people, limit):
    import resource

    out = tmp_path / "drawn.parquet"
    out.write_bytes(b"what was there")
    before = set(tmp_path.iterdir())
    result = run(
        "sample", *FILES, "-n", 300_000, "-o", out,
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode() == f"gumbel_fast: error: {out}: File too large\n"
    assert out.read_bytes() == b"what was there"
    assert set(tmp_path.iterdir()) == before


@LINUX
def test_parquet_into_a_full_device(tmp_path, people):
    (tmp_path / "full.parquet").symlink_to("/dev/full")
    error = error_of("sample", *FILES, "-n", 10, "-o", "full.parquet", cwd=tmp_path)
    assert error == "full.parquet: No space left on device"


@POSIX
def test_parquet_into_a_pipe(tmp_path, people, pa, pq):
    (tmp_path / "pipe.parquet").symlink_to("/dev/stdout")
    result = run("sample", *FILES, "-n", 10, "-o", "pipe.parquet", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    table = pq.read_table(pa.BufferReader(result.stdout))
    assert table["index"].to_pylist() == gumbel_fast.categorical(weights=people, num_samples=10, rng=2).tolist()


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("out", ["drawn.npy", "drawn.parquet"])
@pytest.mark.parametrize("workers", [1, 2])
def test_interruption(tmp_path, pq, number, out, workers):
    holes(tmp_path / "logits.npy", 1 << 30)
    (tmp_path / out).write_bytes(b"what was there")
    before = set(tmp_path.iterdir())
    draws = ["-k", "100000", "--without-replacement", "--workers", str(workers), "-o", out]
    process = subprocess.Popen(
        [*COMMAND, "sample", "logits.npy", *draws], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while set(tmp_path.iterdir()) == before:
        assert process.poll() is None
    process.send_signal(number)
    printed, complaint = process.communicate(timeout=60)
    assert (process.returncode, printed, complaint) == (128 + number, b"", b"")
    assert set(tmp_path.iterdir()) == before
    assert (tmp_path / out).read_bytes() == b"what was there"


# --------------------------------------------------------------------------------------------- memory, temporary files


@LINUX
@pytest.mark.limits
@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, kind, request):
    """Peak memory above that of the imports and of a small file; 160 MB and 40 MB of weights."""
    if kind == "npy":
        for name, size in ("small", 10_000_000), ("large", 40_000_000):
            holes(tmp_path / f"{name}.npy", size)
    else:
        pa, pq = request.getfixturevalue("pa"), request.getfixturevalue("pq")
        for name, size in ("small", 5_000_000), ("large", 20_000_000):
            pq.write_table(pa.table({"x": np.ones(size)}), tmp_path / f"{name}.parquet", size, compression="none",
                           use_dictionary=False)  # fmt: skip
    program = r"""
import pathlib, re, sys
from gumbel_fast import _cli
assert _cli.main(sys.argv[1:]) == 0
print(re.search(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""
    peaks = []
    for name in "small", "large":
        draws = ["-k", "1000", "--without-replacement", "-o", "drawn.npy"]
        command = [sys.executable, "-c", program, "sample", f"{name}.{kind}", *draws]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=120)
        peaks.append(int(result.stdout) / 1024)
    assert peaks[1] - peaks[0] < 15
    assert peaks[1] < 250


@LINUX
@pytest.mark.limits
def test_row_larger_than_the_memory_allowed(tmp_path):
    import resource

    holes(tmp_path / "logits.npy", 1 << 28)  # 1 GiB
    result = run(
        "sample", "logits.npy",
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20)),
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, b"")
    assert 0 <= int(result.stdout) < 1 << 28
    assert [path.name for path in tmp_path.iterdir()] == ["logits.npy"]


@LINUX
@pytest.mark.parametrize("where", ["TMPDIR", "beside the output"])
def test_temporary_file_that_finds_no_room(tmp_path, where):
    import resource

    holes(tmp_path / "logits.npy", (1 << 24) + 1)
    folder = tmp_path / "folder"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "TEMP", "TMP")}
    result = run(
        "sample", "logits.npy", *(["-o", folder / "drawn.npy"] if where != "TMPDIR" else []),
        cwd=tmp_path,
        env=environment | ({"TMPDIR": str(folder)} if where == "TMPDIR" else {}),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode() == f"gumbel_fast: error: a temporary file in {folder}: File too large\n"
    assert not list(folder.iterdir())


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_mapped_numbers(tmp_path, dtype):
    pieces = [np.arange(5, dtype=dtype), np.arange(0, dtype=dtype), np.arange(7, dtype=dtype)]
    numbers = temporary.mapped(pieces, np.dtype(dtype), tmp_path)
    assert numbers.tolist() == [*range(5), *range(7)]
    assert numbers.dtype == dtype
    assert not numbers.flags.writeable
    assert temporary.mapped([], np.dtype(dtype), tmp_path).size == 0


@pytest.mark.parametrize("draws, bars", [
    (["-k", "50", "--without-replacement"], [(5000, "rows", 5000)]),
    (["-n", "50"], [(5000, "rows", 5000), (50, "draws", 50)]),
])  # fmt: skip
def test_progress_counts_rows_and_draws(monkeypatch, tmp_path, small_pieces, draws, bars):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", weights_of(5_000, np.float64))
    seen = []

    @contextlib.contextmanager
    def progress(total, unit, *, shown):
        done = []
        yield done.append
        seen.append((total, unit, sum(done)))

    monkeypatch.setattr(sample_command, "progress", progress)
    drawn("x.npy", "--weights", *draws)
    assert seen == bars


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("value, name", [(-1.0, "negative"), (np.nan, "NaN"), (np.inf, "+inf")])
@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("draws", [("-k", 10, "--without-replacement"), ("-n", 10), ()])
def test_bad_number_is_named_by_file_and_row(monkeypatch, tmp_path, capsys, pa, pq, small_pieces, value, name, weights,
                                             draws):  # fmt: skip
    if value == -1 and not weights:
        return
    monkeypatch.chdir(tmp_path)
    values = weights_of(10_000, np.float64)
    values[[7_654, 7_655, 9_000]] = value
    files = write_parts(values, [3_000, 3_500], pa, pq, group=1_234)
    options = [*files, *["--weights"] * weights, *draws, "--seed", "1", "-o", "drawn.npy"]
    assert _cli.main(["sample", *map(str, options)]) == 2
    what = "weight" if weights else "logit"
    assert capsys.readouterr().err == f"gumbel_fast: error: part2.parquet: row 4154 has a {what} that is {name}\n"
    assert sorted(os.listdir()) == sorted(files)


@pytest.mark.parametrize("weights, what", [(True, "weights that are 0"), (False, "logits that are -inf")])
def test_nothing_to_draw_from(tmp_path, pa, pq, weights, what):
    null = 0.0 if weights else -np.inf
    pq.write_table(pa.table({"x": pa.array([None, null, None], pa.float64())}), tmp_path / "a.parquet")
    np.save(tmp_path / "b.npy", [null])
    options = ["a.parquet", "b.npy", *["--weights"] * weights]
    assert error_of("sample", *options, cwd=tmp_path) == f"a.parquet and 1 more: nothing but {what}"
    error = error_of("sample", *options, "-k", 2, "--without-replacement", cwd=tmp_path)
    assert error == "argument -k: 2 draws without replacement, and 0 can be drawn"


@pytest.mark.parametrize("rows, values, words", [
    (40_000, [0, -1, 2], "holds a negative weight"),
    (40_000, [0, np.nan, 2], "holds a NaN"),
    (50, [0, np.inf, 2], "holds +inf"),
    (50, [0, 0, 0], "holds nothing but 0"),
    (50, [0, 3, 0], "has 1 categories that are not 0, and 2 are wanted"),
])  # fmt: skip
def test_bad_row_of_a_batch_is_named_by_its_file(monkeypatch, tmp_path, capsys, rows, values, words):
    monkeypatch.chdir(tmp_path)
    array = np.ones((2, rows, 3))
    np.save("a.npy", array)
    array[1, -2:] = values
    np.save("b.npy", array)
    options = ["a.npy", "b.npy", "--weights", "-k", "2", "--without-replacement", "-o", "drawn.npy"]
    assert _cli.main(["sample", *options]) == 2
    error = f"gumbel_fast: error: b.npy: row {2 * rows - 2} (index 1, {rows - 2}) {words}\n"
    assert capsys.readouterr().err == error


@pytest.mark.parametrize("arguments, words", [
    (["-k", "3"], "argument -k: give --without-replacement too"),
    (["--without-replacement"], "argument --without-replacement: give -k too"),
    (["-n", "3", "-k", "3", "--without-replacement"], "not allowed with argument"),
    (["-k", "-1", "--without-replacement"], "argument -k: -1 is negative"),
    (["-k", "11", "--without-replacement"], "argument -k: 11 draws without replacement, and 10 can be drawn"),
    (["--top-k", "-1"], "argument --top-k: -1 is not 0 or more"),
    (["--top-k", "1.5"], "argument --top-k"),
    (["--top-p", "nan"], "argument --top-p: nan is not 0 or more"),
    (["--min-p", "2"], "argument --min-p: 2.0 is not 0 to 1"),
    (["--workers", "0"], "argument --workers: workers must not be 0"),
    (["--axis", "1"], "argument --axis: there is no axis 1 in a.npy, which is one row"),
    (["--column", "x"], "argument --column: a.npy is not a Parquet file"),
    (["--id", "x"], "argument --id: a.npy is not a Parquet file"),
    (["--weights", "-o", "a.npy"], "argument -o: a.npy is the file of weights"),
    (["nowhere.npy"], "nowhere.npy: No such file or directory"),
    (["b.npy"], "b.npy is an array of shape (2, 5), and a.npy is one row: they do not fit together"),
    (["-k", "6", "--without-replacement", "--top-k", "5"], "a.npy has 5 categories left by mask and filters"),
])  # fmt: skip
def test_bad_arguments(monkeypatch, tmp_path, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.ones(10))
    np.save("b.npy", np.ones((2, 5)))
    assert _cli.main(["sample", "a.npy", *arguments]) == 2
    output = capsys.readouterr()
    assert words in output.err
    assert (output.out, output.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("arguments, words", [
    (["--column", "y"], "a.parquet has no column 'y'; its columns are: w, name"),
    (["--column", "name"], "a.parquet: column 'name' holds string, not real numbers"),
    ([], "a.parquet has several columns of numbers; name one of: w, number, half, some"),
    (["--column", "w", "--id", "y"], "a.parquet has no column 'y'"),
    (["--column", "w", "--id", "name", "-o", "drawn.npy"], "column 'name' holds string, which a .npy file"),
    (["--column", "w", "--id", "some", "-n", "1000", "-o", "drawn.npy"], "was drawn and has no 'some'"),
    (["--column", "w", "--id", "some", "-n", "1000"], "was drawn and has no 'some'"),
    (["--column", "w", "--axis", "1"], "argument --axis: there is no axis 1 in a.parquet, which is one row"),
    (["other.parquet", "--column", "w", "--id", "name"], "holds string in a.parquet and int64 in other.parquet"),
    (["index.parquet", "--column", "w", "--id", "index", "-o", "drawn.parquet"], "a.parquet has no column 'index'"),
    (["damaged.parquet", "--column", "w"], "damaged.parquet cannot be read"),
])  # fmt: skip
def test_bad_columns(capsys, people, pa, pq, arguments, words):
    pq.write_table(pa.table({"w": [1.0], "name": [1]}), "other.parquet")
    pq.write_table(pa.table({"w": [1.0], "index": [1]}), "index.parquet")
    with open("a.parquet", "rb") as file, open("damaged.parquet", "wb") as damaged:
        damaged.write(file.read()[:-1])
    before = set(os.listdir())
    assert _cli.main(["sample", "a.parquet", *arguments, "--weights"]) == 2
    output = capsys.readouterr()
    assert words in output.err
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert set(os.listdir()) == before
    assert _cli.main(["sample", "index.parquet", "--column", "w", "--id", "index", "-o", "drawn.parquet"]) == 2
    assert "has a column 'index'" in capsys.readouterr().err


@pytest.mark.parametrize("shapes", [[(2, 5), (2, 6)], [(2, 5), (2, 5, 1)], [(2, 3, 5), (2, 4, 5)]])
def test_arrays_that_do_not_fit(monkeypatch, tmp_path, capsys, shapes):
    monkeypatch.chdir(tmp_path)
    for name, shape in zip("ab", shapes, strict=True):
        np.save(f"{name}.npy", np.ones(shape))
    assert _cli.main(["sample", "a.npy", "b.npy"]) == 2
    words = f"a.npy and b.npy: arrays of shapes {shapes[0]} and {shapes[1]} do not fit together"
    assert words in capsys.readouterr().err


def test_files_of_nothing(monkeypatch, tmp_path, capsys, pa, pq):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"x": pa.array([], pa.float32())}), "a.parquet")
    np.save("b.npy", [])
    assert _cli.main(["sample", "a.parquet", "b.npy"]) == 2
    assert capsys.readouterr().err == "gumbel_fast: error: a.parquet and 1 more: no categories to draw from\n"


@POSIX
def test_file_cut_short_while_it_is_read(tmp_path):
    holes(tmp_path / "logits.npy", 1 << 30)
    command = [*COMMAND, "sample", "logits.npy", "-k", "10", "--without-replacement", "-o", "drawn.npy"]
    before = set(tmp_path.iterdir())
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while set(tmp_path.iterdir()) == before:
        assert process.poll() is None
    os.truncate(tmp_path / "logits.npy", 1 << 20)
    printed, complaint = process.communicate(timeout=60)
    assert (process.returncode, printed) == (2, b"")
    assert complaint == b"gumbel_fast: error: logits.npy was changed while it was read\n"


@pytest.mark.parametrize("kind, shape", [("npy", 5_000), ("npy", (500, 10)), ("parquet", 5_000)])
@pytest.mark.parametrize("draws", [["-n", "5"], ["-k", "5", "--without-replacement"]])
def test_file_written_to_before_its_turn(monkeypatch, tmp_path, capsys, small_pieces, kind, shape, draws, request):
    monkeypatch.chdir(tmp_path)
    files, values = [f"a.{kind}", f"b.{kind}"], np.ones(shape)
    if kind == "npy":
        for name in files:
            np.save(name, values)
    else:
        pa, pq = request.getfixturevalue("pa"), request.getfixturevalue("pq")
        for name in files:
            pq.write_table(pa.table({"x": values}), name)
    found = sample_command.found

    def found_and_changed(*arguments, **options):
        everything = found(*arguments, **options)
        with open(files[1], "r+b") as file:
            file.write(file.read(1))
        os.utime(files[1], ns=(0, 0))
        return everything

    monkeypatch.setattr(sample_command, "found", found_and_changed)
    assert _cli.main(["sample", *files, *draws, "-o", "drawn.npy"]) == 2
    assert capsys.readouterr().err == f"gumbel_fast: error: {files[1]} was changed while it was read\n"
    assert sorted(os.listdir()) == files


def test_without_pyarrow_the_extra_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    np.save("b.npy", np.ones(3))
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # makes its import fail
    for arguments in ["a.parquet"], ["b.npy", "-o", "drawn.parquet"]:
        assert _cli.main(["sample", *arguments]) == 2
        assert "gumbel_fast[parquet]" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["a.parquet", "b.npy"]
