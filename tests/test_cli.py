"""The command line, run as a user runs it: what it prints and writes, its exit status, and what errors look like.

The parts that no run can show, such as where a long file is cut into pieces, are called directly at the end. Columns of
files that are drawn from as one long row stand in test_cli_long_rows.py.
"""

import io
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

import gumbel_fast
from command import COMMAND, LINUX, POSIX, error_of, holes, run, sample
from gumbel_fast import _methods
from gumbel_fast._cli import batch, chi_square, draws, output, progress
from gumbel_fast._files.npy import NpyFile
from gumbel_fast._rng import SeedPair, draw_seed


@pytest.fixture
def logits():
    return np.random.default_rng(3).normal(size=(40, 7)).astype(np.float32)


@pytest.fixture
def file(tmp_path, logits):
    path = tmp_path / "logits.npy"
    np.save(path, logits)
    return path


# ------------------------------------------------------------------------------------------------------------- the tour


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    result = run(cwd=tmp_path_factory.mktemp("tour"))
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout.decode("ascii")


def test_tour_fits_a_terminal(tour):
    assert max(map(len, tour.splitlines())) <= 80
    assert "\x1b" not in tour
    assert "\r" not in tour


def test_tour_says_what_it_runs_on(tour):
    lines = {line[:15].rstrip(): line[16:] for line in tour.splitlines()}
    assert lines["gumbel_fast"].startswith(f"{gumbel_fast.__version__} (NumPy {np.__version__},")
    assert lines["SIMD in use"] == gumbel_fast._core.simd_target()
    assert lines["processor"]


def test_tour_holds_the_experiment(tour):
    start = tour.splitlines().index(next(line for line in tour.splitlines() if line.startswith("category")))
    lines = [line.replace(",", "").split() for line in tour.splitlines()[start + 1 : start + 12]]
    table, p_values = np.array(lines[:10], dtype=float), np.array(lines[10][2:], dtype=float)
    category, logit, probability, expected, *ways = table.T
    # The article's logits, and its softmax draws, which NumPy's legacy generator repeats for ever.
    legacy = np.random.RandomState(1111)
    article_logits = legacy.uniform(-1, 1, 10)
    article_softmax = np.exp(article_logits) / np.exp(article_logits).sum()
    article_draws = legacy.choice(10, 100_000, p=article_softmax)
    np.testing.assert_array_equal(category, np.arange(10))
    np.testing.assert_allclose(logit, article_logits, atol=5e-5)
    np.testing.assert_allclose(probability, article_softmax, atol=5e-6)
    np.testing.assert_allclose(expected, 100_000 * article_softmax, atol=0.05)
    np.testing.assert_array_equal(ways[0], np.bincount(article_draws, minlength=10))
    own = gumbel_fast.categorical(np.broadcast_to(article_logits, (100_000, 10)), rng=1111)
    np.testing.assert_array_equal(ways[2], np.bincount(own, minlength=10))
    for counts, p in zip(ways, p_values, strict=True):
        assert p == pytest.approx(stats.chisquare(counts, 100_000 * article_softmax).pvalue, abs=6e-4)
        assert p > 0.001


def test_tour_times_the_library_and_the_limit(tour):
    assert tour.count("  gumbel_fast.categorical ") == 2
    assert tour.count("  limit: np.max ") == 2


def test_version(tmp_path):
    assert run("--version", cwd=tmp_path).stdout.decode().split() == ["gumbel_fast", gumbel_fast.__version__]


def test_help_names_the_command(tmp_path):
    assert b"sample" in run("--help", cwd=tmp_path).stdout


# ------------------------------------------------------------------------------------------------ sample: what it draws


def test_one_index_a_row(file, logits):
    expected = gumbel_fast.categorical(logits, rng=5)
    assert sample(file, "--seed", 5, cwd=file.parent) == [[index] for index in expected]


def test_n_indices_a_row(file, logits):
    expected = gumbel_fast.categorical(logits, num_samples=9, rng=5)
    assert sample(file, "--seed", 5, "-n", 9, cwd=file.parent) == expected.tolist()


def test_temperature(file, logits):
    expected = gumbel_fast.categorical(logits, temperature=2.5, rng=5)
    assert sample(file, "--seed", 5, "--temperature", 2.5, cwd=file.parent) == [[index] for index in expected]
    coldest = sample(file, "--temperature", 0, cwd=file.parent)
    assert coldest == [[index] for index in logits.argmax(axis=1)]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.bool_])
def test_axis_order_and_dtype(tmp_path, axis, order, dtype):
    values = np.random.default_rng(4).normal(scale=3, size=(4, 5, 6)).astype(dtype)
    np.save(tmp_path / "logits.npy", np.asarray(values, order=order))
    sample("logits.npy", "--seed", 2, "--axis", axis, "-o", "drawn.npy", cwd=tmp_path)
    drawn = np.load(tmp_path / "drawn.npy")
    assert drawn.dtype == np.int64
    np.testing.assert_array_equal(drawn, gumbel_fast.categorical(values, axis=axis, rng=2))
    sample("logits.npy", "--seed", 2, "--axis", axis, "-n", 3, "-o", "drawn.npy", cwd=tmp_path)
    np.testing.assert_array_equal(
        np.load(tmp_path / "drawn.npy"), gumbel_fast.categorical(values, axis=axis, num_samples=3, rng=2)
    )


def test_one_row(tmp_path):
    values = np.arange(5.0)
    np.save(tmp_path / "row.npy", values)
    assert sample("row.npy", "--seed", 1, cwd=tmp_path) == [[gumbel_fast.categorical(values, rng=1)]]
    (line,) = sample("row.npy", "--seed", 1, "-n", 1000, cwd=tmp_path)
    assert line == gumbel_fast.categorical(values, num_samples=1000, rng=1).tolist()


def test_without_a_seed_every_run_differs(tmp_path):
    np.save(tmp_path / "row.npy", np.zeros(100))
    first, second = (sample("row.npy", "-n", 50, cwd=tmp_path) for _ in range(2))
    assert first != second  # alike once in 100^50 times


@pytest.mark.parametrize("shape, arguments, expected", [
    ((40, 7), (), (40,)),
    ((40, 7), ("-n", 1), (40, 1)),
    ((40, 7), ("-n", 3), (40, 3)),
    ((40, 7), ("-n", 0), (40, 0)),
    ((7,), (), ()),
    ((7,), ("-n", 3), (3,)),
    ((0, 7), (), (0,)),
    ((2, 0, 7), ("-n", 3), (2, 0, 3)),
])  # fmt: skip
def test_shape_of_the_output(tmp_path, shape, arguments, expected):
    np.save(tmp_path / "logits.npy", np.zeros(shape))
    assert sample("logits.npy", *arguments, "-o", "drawn.npy", cwd=tmp_path) == []
    assert np.load(tmp_path / "drawn.npy").shape == expected


@LINUX
@pytest.mark.limits
def test_file_larger_than_the_memory_allowed(tmp_path):
    resource = pytest.importorskip("resource")
    rows, columns, allowed = 1024, 1 << 18, 512 << 20  # a file of 1 GiB, all holes but for its header
    holes(tmp_path / "logits.npy", rows, columns)
    result = run(
        "sample",
        "logits.npy",
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # its threads' buffers are memory too
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed)),
    )
    assert (result.returncode, result.stderr) == (0, b"")
    drawn = np.array(result.stdout.split(), dtype=int)
    assert drawn.shape == (rows,)
    # Uniform over the columns: the mean's standard error is columns / sqrt(12 rows), and six of them are allowed.
    assert abs(drawn.mean() - columns / 2) < 6 * columns / np.sqrt(12 * rows)


@LINUX
@pytest.mark.limits
def test_more_draws_than_the_memory_allowed_holds(tmp_path):
    resource = pytest.importorskip("resource")
    allowed = 512 << 20
    holes(tmp_path / "logits.npy", 10)
    command = [*COMMAND, "sample", "logits.npy", "-n", "100000000", "-o", os.devnull]  # 763 MiB of indices
    result = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed)),
        timeout=120,
    )
    assert (result.returncode, result.stderr) == (0, b"")


# --------------------------------------------------------------------------------------------------- sample: its output


def test_output_replaces_a_file_whole(file, logits):
    out = file.with_name("drawn.npy")
    out.write_bytes(b"what was there")
    sample(file, "-o", out, "--seed", 1, cwd=file.parent)
    np.testing.assert_array_equal(np.load(out), gumbel_fast.categorical(logits, rng=1))
    assert sorted(path.name for path in file.parent.iterdir()) == ["drawn.npy", "logits.npy"]


def test_output_is_left_alone_by_an_error(file, logits):
    logits[30] = np.nan
    np.save(file, logits)
    out = file.with_name("drawn.npy")
    out.write_bytes(b"what was there")
    error_of("sample", file, "-o", out, cwd=file.parent)
    assert out.read_bytes() == b"what was there"
    assert sorted(path.name for path in file.parent.iterdir()) == ["drawn.npy", "logits.npy"]


@POSIX
def test_output_through_a_symbolic_link(file):
    target, link = file.with_name("target.npy"), file.with_name("link.npy")
    target.write_bytes(b"what was there")
    link.symlink_to(target)
    sample(file, "-o", link, cwd=file.parent)
    assert link.is_symlink()
    assert np.load(target).shape == (40,)


@POSIX
def test_output_into_a_device(file):
    sample(file, "-o", os.devnull, cwd=file.parent)
    assert not os.path.isfile(os.devnull)


def drawn_from(content):
    """The array in the bytes of a .npy file."""
    return np.load(io.BytesIO(content))


@POSIX
@pytest.mark.parametrize("out", ["/dev/stdout", "/dev/fd/1", "link.npy"])
def test_output_into_a_pipe(file, logits, out):
    file.with_name("link.npy").symlink_to("/dev/stdout")
    result = run("sample", file, "--seed", 1, "-o", out, cwd=file.parent)
    assert (result.returncode, result.stderr) == (0, b"")
    np.testing.assert_array_equal(drawn_from(result.stdout), gumbel_fast.categorical(logits, rng=1))


@POSIX
def test_output_into_a_pipe_that_the_shell_made(file, logits):
    reading, writing = os.pipe()  # as >(cat) does
    result = run("sample", file, "--seed", 1, "-o", f"/dev/fd/{writing}", cwd=file.parent, pass_fds=[writing])
    os.close(writing)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    with os.fdopen(reading, "rb") as pipe:
        np.testing.assert_array_equal(drawn_from(pipe.read()), gumbel_fast.categorical(logits, rng=1))


@POSIX
def test_output_behind_what_a_shell_wrote(file, logits):
    out = file.with_name("drawn.npy")
    out.write_bytes(b"before")
    with out.open("ab") as stream:
        command = [*COMMAND, "sample", file, "--seed", "1", "-o", "/dev/stdout"]
        subprocess.run(command, cwd=file.parent, stdout=stream, check=True, timeout=60)
    content = out.read_bytes()
    assert content.startswith(b"before")
    np.testing.assert_array_equal(drawn_from(content[6:]), gumbel_fast.categorical(logits, rng=1))


@POSIX
def test_output_whose_reader_goes_away(tmp_path):
    holes(tmp_path / "logits.npy", 300_000, 3)
    command = [*COMMAND, "sample", "logits.npy", "-o", "/dev/stdout"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    process.stderr.close()


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
def test_output_has_the_mode_of_what_it_replaces(file, mode):
    out = file.with_name("drawn.npy")
    out.write_bytes(b"what was there")
    out.chmod(mode)
    sample(file, "-o", out, cwd=file.parent)
    assert np.load(out).shape == (40,)
    assert out.stat().st_mode & 0o7777 == mode


@POSIX
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_new_output_has_the_mode_of_the_umask(file, umask):
    out = file.with_name("drawn.npy")
    run("sample", file, "-o", out, cwd=file.parent, preexec_fn=lambda: os.umask(umask))
    assert out.stat().st_mode & 0o7777 == 0o666 & ~umask


@POSIX
def test_output_of_a_long_name(file):
    out = file.with_name("x" * 246 + ".npy")  # the longest names have 255 characters
    sample(file, "-o", out, cwd=file.parent)
    assert np.load(out).shape == (40,)


@LINUX
def test_output_that_finds_no_room(file):
    resource = pytest.importorskip("resource")
    out = file.with_name("drawn.npy")
    out.write_bytes(b"what was there")
    result = run(
        "sample", file, "-n", 1000, "-o", out,
        cwd=file.parent,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode() == f"gumbel_fast: error: {out}: File too large\n"
    assert out.read_bytes() == b"what was there"
    assert sorted(path.name for path in file.parent.iterdir()) == ["drawn.npy", "logits.npy"]


@LINUX
@pytest.mark.parametrize("flags", [[], ["-u"]])
def test_lines_that_find_no_room_for_the_rest(tmp_path, flags):
    """Without a buffer, too: Python takes no notice there of a write of which a part is taken."""
    resource = pytest.importorskip("resource")
    np.save(tmp_path / "logits.npy", np.zeros((10_000, 3)))  # of which 20,000 bytes are printed at once
    with (tmp_path / "lines").open("wb") as out:
        result = subprocess.run(
            [COMMAND[0], *flags, *COMMAND[1:], "sample", "logits.npy"],
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        )
    assert result.returncode == 2
    assert result.stderr.decode() == "gumbel_fast: error: standard output: File too large\n"


def test_outputs_of_one_name_do_not_meet(tmp_path):
    path = tmp_path / "drawn.npy"
    with output.npy_file(path, (2,), np.dtype(np.int64)) as first:
        with output.npy_file(path, (1,), np.dtype(np.int64)) as second:
            second.write(np.array([7]))
        first.write(np.array([8, 9]))
        assert np.load(path).tolist() == [7]
    assert np.load(path).tolist() == [8, 9]
    assert list(tmp_path.iterdir()) == [path]


@LINUX
@pytest.mark.parametrize("arguments", [("sample", "logits.npy"), ("sample", "logits.npy", "-n", "20000"), ("--help",),
                                       ("--version",)])  # fmt: skip
@pytest.mark.parametrize("redirection, words", [("> /dev/full", "No space left on device"),
                                                (">&-", "Bad file descriptor")])  # fmt: skip
def test_standard_output_that_takes_nothing(file, arguments, redirection, words):
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *arguments]
    result = subprocess.run(command, cwd=file.parent, capture_output=True, timeout=60)
    assert (result.returncode, result.stderr.decode()) == (2, f"gumbel_fast: error: standard output: {words}\n")


@POSIX
def test_standard_streams_that_are_not_wanted_may_be_closed(file):
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND, "sample", file, "-o", "drawn.npy"]
    assert subprocess.run(command, cwd=file.parent, timeout=60).returncode == 0
    assert np.load(file.with_name("drawn.npy")).shape == (40,)
    assert subprocess.run([*command, "--wrong"], cwd=file.parent, timeout=60).returncode == 2


@POSIX
def test_reader_that_goes_away(tmp_path):
    np.save(tmp_path / "logits.npy", np.zeros((300_000, 3)))
    process = subprocess.Popen(
        [*COMMAND, "sample", "logits.npy"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline().strip() in {b"0", b"1", b"2"}
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    process.stderr.close()


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)])
@pytest.mark.parametrize("out", [(), ("-o", "drawn.npy")])
def test_interruption(tmp_path, out, number):
    holes(tmp_path / "logits.npy", 20_000, 100_000)  # seconds of work
    if out:
        (tmp_path / "drawn.npy").write_bytes(b"what was there")
    before = set(tmp_path.iterdir())
    process = subprocess.Popen(
        [*COMMAND, "sample", "logits.npy", "-n", "100", *out],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if out:
        while set(tmp_path.iterdir()) == before:
            assert process.poll() is None
    else:
        process.stdout.read(1)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (128 + number, b"")
    assert set(tmp_path.iterdir()) == before
    if out:
        assert (tmp_path / "drawn.npy").read_bytes() == b"what was there"


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_that_comes_where_all_exceptions_are_dropped(tmp_path, number):
    holes(tmp_path / "logits.npy", 10, 3)
    program = f"""
import contextlib, signal, sys
from gumbel_fast import _cli
from gumbel_fast._cli import draws
draw = draws.categorical
def categorical(*arguments, **options):
    with contextlib.suppress(BaseException):
        signal.raise_signal({number:d})
    return draw(*arguments, **options)
draws.categorical = categorical
sys.exit(_cli.main(["sample", "logits.npy", "-o", "drawn.npy"]))
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (128 + number, b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["logits.npy"]


@POSIX
def test_signal_that_was_ignored_still_is(tmp_path):
    holes(tmp_path / "logits.npy", 1_000, 100_000)
    process = subprocess.Popen(
        [*COMMAND, "sample", "logits.npy", "-n", "10"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # as nohup does
    )
    process.stdout.read(1)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0


# ---------------------------------------------------------------------------------------------------- sample: bad input


@pytest.mark.parametrize("arguments, words", [
    (("--temperature", "-1"), "--temperature"),
    (("--temperature", "nan"), "--temperature"),
    (("--temperature", "warm"), "--temperature"),
    (("-n", "-2"), "-n"),
    (("-n", "1.5"), "-n"),
    (("-n", str(2**32 + 1)), "-n"),
    (("-n", "9" * 20), "-n"),
    (("--seed", "-3"), "--seed"),
    (("--axis", "2"), "--axis"),
    (("--axis", "-3"), "--axis"),
    (("-o", "logits.npy"), "is the file of logits"),
    (("-o", "nowhere/drawn.npy"), "nowhere/drawn.npy: No such file"),
    (("-o", "."), "directory"),
    (("--wrong",), "--wrong"),
])  # fmt: skip
def test_bad_arguments(file, arguments, words):
    before = file.read_bytes()
    assert words in error_of("sample", file.name, *arguments, cwd=file.parent)
    assert file.read_bytes() == before


@LINUX
@pytest.mark.parametrize("out, words", [
    ("other/drawn.npy", "Not a directory"),
    ("x" * 256 + ".npy", "File name too long"),
    ("/", "Is a directory"),
    ("/dev/full", "No space left on device"),
])  # fmt: skip
def test_output_that_cannot_be(file, out, words):
    file.with_name("other").write_bytes(b"a file")
    assert error_of("sample", file.name, "-o", out, cwd=file.parent) == f"{out}: {words}"


@pytest.mark.parametrize("out", ["x.csv", "x.parq", "x.txt", "x", "x.npy.gz", "x.NPY", ".npy"])
def test_output_of_another_kind(file, out):
    error = error_of("sample", file.name, "-o", out, cwd=file.parent)
    assert error == f"argument -o: {out} does not end in .npy or .parquet"
    assert list(file.parent.iterdir()) == [file]


@POSIX
def test_output_into_a_pipe_of_any_name(file, logits):
    os.mkfifo(file.with_name("pipe.csv"))
    reading = subprocess.Popen(["cat", "pipe.csv"], cwd=file.parent, stdout=subprocess.PIPE)
    sample(file, "--seed", 1, "-o", "pipe.csv", cwd=file.parent)
    content, _ = reading.communicate(timeout=60)
    np.testing.assert_array_equal(drawn_from(content), gumbel_fast.categorical(logits, rng=1))


@LINUX
@pytest.mark.limits
def test_row_larger_than_the_memory_allowed(tmp_path):
    resource = pytest.importorskip("resource")
    holes(tmp_path / "logits.npy", 1, 1 << 28)
    result = run(
        "sample", "logits.npy",
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20)),
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr == b"gumbel_fast: error: there is not enough memory\n"


def test_no_such_command(tmp_path):
    assert "draw" in error_of("draw", cwd=tmp_path)


def test_no_file_named(tmp_path):
    assert "FILE" in error_of("sample", cwd=tmp_path)


def test_missing_file(tmp_path):
    assert error_of("sample", "logits.npy", cwd=tmp_path) == "logits.npy: No such file or directory"


def test_folder(tmp_path):
    assert error_of("sample", tmp_path, cwd=tmp_path).startswith(str(tmp_path))


@pytest.mark.parametrize("kept, words", [
    (0, "is not a .npy file"),
    (7, "is not a .npy file"),
    (60, "damaged header"),
    (128, "is truncated: 128 bytes of 1,248"),
    (1247, "is truncated: 1,247 bytes of 1,248"),
])  # fmt: skip
def test_truncated_file(file, kept, words):
    file.write_bytes(file.read_bytes()[:kept])
    assert words in error_of("sample", file.name, cwd=file.parent)


@pytest.mark.parametrize("old, new, words", [
    (b"\x93NUMPY", b"\x93NUMBY", "is not a .npy file"),
    (b"\x93NUMPY\x01", b"\x93NUMPY\x09", "version 9.0"),
    (b"'descr'", b"'desc'r", "damaged header"),
    (b"'<f4'", b"'<q4'", "damaged header"),
    (b"(40, 7)", b"(40, -7", "damaged header"),
    (b"(40, 7)", b"(40,-7)", "damaged header"),
    (b"(40, 7), }     ", b"(True, 280), } ", "damaged header"),
    (b"(40, 7)", b"(9**9, ", "damaged header"),
    (b"(40, 7), }" + b" " * 40, b"(0, %d), }" % 10**37, "damaged header"),
])  # fmt: skip
def test_damaged_file(file, old, new, words):
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    assert words in error_of("sample", file.name, cwd=file.parent)


@pytest.mark.parametrize("array, words", [
    (np.zeros((3, 4), complex), "complex128"),
    (np.array([["a", "b"]]), "<U1"),
    (np.array([b"a", b"b"]), "|S1"),
    (np.array([1.0, None], object), "Python objects"),
    (np.zeros(3, "M8[s]"), "datetime64"),
    (np.zeros(3, [("a", "f4")]), "'a'"),
    (np.array(3.0), "single number"),
    (np.zeros((5, 0)), "no categories"),
])  # fmt: skip
def test_array_that_holds_no_logits(tmp_path, array, words):
    np.save(tmp_path / "logits.npy", array)
    assert words in error_of("sample", "logits.npy", cwd=tmp_path)


@pytest.mark.parametrize("name, content", [
    ("text.npy", b"0.5 0.25 0.25\n"),
    ("archive.npz", None),
])  # fmt: skip
def test_file_of_another_kind(tmp_path, name, content):
    if content is None:
        np.savez(tmp_path / name, logits=np.zeros(3))
    else:
        (tmp_path / name).write_bytes(content)
    assert error_of("sample", name, cwd=tmp_path) == f"{name} is not a .npy file"


@pytest.mark.parametrize("values, words", [
    ([0, np.nan, 0], "a NaN"), ([0, np.inf, 0], "+inf"), ([-np.inf] * 3, "nothing but -inf")
])  # fmt: skip
@pytest.mark.parametrize("rows, arguments", [(40_000, ()), (50, ("-n", 5))])  # more than one piece, one row a piece
def test_bad_row_is_named_by_its_number_in_the_file(tmp_path, values, words, rows, arguments):
    array = np.zeros((2, rows, 3))
    array[1, -2:] = values
    np.save(tmp_path / "logits.npy", array)
    error = error_of("sample", "logits.npy", *arguments, "-o", "drawn.npy", cwd=tmp_path)
    assert error == f"logits.npy: row {2 * rows - 2} (index 1, {rows - 2}) holds {words}"


def test_bad_row_of_a_matrix(file, logits):
    logits[[33, 35]] = np.nan
    np.save(file, logits)
    assert error_of("sample", file.name, cwd=file.parent) == "logits.npy: row 33 holds a NaN"


@POSIX
def test_file_cut_short_while_it_is_read(tmp_path):
    holes(tmp_path / "logits.npy", 20_000, 100_000)
    command = [*COMMAND, "sample", "logits.npy", "-n", "100"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    os.truncate(tmp_path / "logits.npy", 10_000)
    _, complaint = process.communicate(timeout=60)
    assert complaint == b"gumbel_fast: error: logits.npy was changed while it was read\n"
    assert process.returncode == 2


@POSIX
def test_names_of_several_lines_give_an_error_of_one(tmp_path):
    assert error_of("sample", "two\nlines", cwd=tmp_path) == "two\\nlines: No such file or directory"


@POSIX
def test_pipe_of_logits(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # which nobody writes to: it is not opened
    assert error_of("sample", "pipe", cwd=tmp_path) == "pipe is not a regular file"


# ------------------------------------------------------------------------------------------------------------ the parts


def wish(count, seed):
    """What the command asks for by ``-n count --temperature 0.7 --seed seed``."""
    words = SeedPair(*draw_seed(np.random.SeedSequence(seed)))
    return draws.Wish(count, True, False, 0.7, None, None, None, words, 1)


@pytest.mark.parametrize("cells", [1, 7, 30, 1000])
@pytest.mark.parametrize("count", [None, 0, 1, 2, 11])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_draws_do_not_depend_on_the_pieces(monkeypatch, tmp_path, cells, count, axis):
    values = np.random.default_rng(3).normal(size=(6, 5, 7)).astype(np.float32)
    np.save(tmp_path / "logits.npy", values)
    monkeypatch.setattr(draws, "_CELLS", cells)
    monkeypatch.setattr(draws, "_DRAWS", 5)
    with NpyFile(tmp_path / "logits.npy") as file:
        pieces = list(draws.draw_from_batch(batch.Batch([file], axis), wish(count, 12)))
    assert max((piece.size for piece in pieces), default=0) <= 5
    expected = gumbel_fast.categorical(values, num_samples=count, temperature=0.7, axis=axis, rng=12)
    np.testing.assert_array_equal(np.concatenate([[], *(piece.reshape(-1) for piece in pieces)]), expected.reshape(-1))


def test_draws_by_trials_do_not_depend_on_the_pieces(monkeypatch, tmp_path):
    values = np.random.default_rng(3).normal(size=(3, 2000))
    assert _methods.of_repeated_draws(2000, 50) is _methods.REJECTION
    np.save(tmp_path / "logits.npy", values)
    monkeypatch.setattr(draws, "_DRAWS", 7)
    with NpyFile(tmp_path / "logits.npy") as file:
        pieces = list(draws.draw_from_batch(batch.Batch([file], -1), wish(50, 12)))
    assert {piece.size for piece in pieces} == {1, 7}
    expected = gumbel_fast.categorical(values, num_samples=50, temperature=0.7, rng=12)
    np.testing.assert_array_equal(np.concatenate(pieces), expected.reshape(-1))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3), (3, 1, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 8, 20, 1000])
def test_batch_is_cut_into_boxes_in_order(shape, most):
    numbers, found = np.arange(math.prod(shape)).reshape(shape), []
    for box in batch.cut(shape, most):
        part = numbers[np.ix_(*box)] if shape else numbers
        assert 1 <= part.size <= most
        found += part.reshape(-1).tolist()
    assert found == list(range(numbers.size))


@pytest.mark.parametrize("per_line, pieces", [(1, [3, 2]), (4, [8, 4]), (7, [3, 3, 1, 5, 2])])
def test_lines(per_line, pieces):
    stream, start = io.StringIO(), 0
    lines = output.Lines(stream, per_line)
    for size in pieces:
        lines.write(np.arange(start, start + size))
        start += size
    printed = [[int(word) for word in line.split(" ")] for line in stream.getvalue().splitlines()]
    assert printed == np.arange(start).reshape(-1, per_line).tolist()
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 9, 10, 63])
@pytest.mark.parametrize("statistic", [0.0, 1e-3, 0.5, 4.0, 16.9, 60.0, 300.0])
def test_chi_square_survival(degrees, statistic):
    assert chi_square.survival(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-11)


def test_percentage_is_shown_after_a_second_and_taken_away():
    stream, now = io.StringIO(), [0.0]
    percentage = progress.Percentage(200, "draws", stream, clock=lambda: now[0])
    now[0] = 0.9
    percentage.advance(50)
    assert stream.getvalue() == ""
    now[0] = 1.1
    percentage.advance(50)
    line = "gumbel_fast: 100 of 200 draws, 50%"
    assert stream.getvalue() == f"\r{line}"
    percentage.advance(50)  # too soon after the last
    percentage.clear()
    assert stream.getvalue() == f"\r{line}\r{' ' * len(line)}\r"


def test_percentage_that_was_never_shown_leaves_nothing():
    stream = io.StringIO()
    percentage = progress.Percentage(200, "draws", stream)
    percentage.advance(200)
    percentage.clear()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("shown", [True, False])
def test_progress_without_tqdm(monkeypatch, capsys, shown):
    monkeypatch.setitem(sys.modules, "tqdm", None)  # makes its import fail
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    with progress.progress(4, "draws", shown=shown) as advance:
        advance(1)
    assert ("1 of 4 draws, 25%" in capsys.readouterr().err) is shown
