"""The readers of files behind the command line and gumbel_fast.dask: every box, every row group, every type."""

import decimal
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

from gumbel_fast._files import FileError, npy
from gumbel_fast._files.npy import NpyFile
from gumbel_fast._files.parquet import ParquetColumn, ParquetValues

# ------------------------------------------------------------------------------------------------------------ npy files


@pytest.mark.parametrize("slab, slabs", [(0, 0), (8, 16), (64, 1000), (10_000, 100_000)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "?"])
def test_box_is_that_of_the_array(monkeypatch, tmp_path, slab, slabs, order, dtype):
    monkeypatch.setattr(npy, "_SLAB", slab)
    monkeypatch.setattr(npy, "_SLABS", slabs)
    rng = np.random.default_rng(6)
    for shape in [(), (9,), (5, 6), (3, 4, 5), (2, 3, 4, 3)]:
        values = np.asarray(rng.integers(-1000, 1000, shape), dtype=dtype, order=order)
        np.save(tmp_path / "numbers.npy", values)
        with NpyFile(tmp_path / "numbers.npy") as file:
            assert (file.shape, file.dtype) == (shape, np.dtype(dtype))
            assert file.fortran_order == (order == "F" and len(shape) > 1)
            for _ in range(40):
                ends = [np.sort(rng.integers(0, length + 1, 2)).tolist() for length in shape]
                box = file.read([range(*pair) for pair in ends])
                np.testing.assert_array_equal(box, values[*(slice(*pair) for pair in ends), ...], strict=True)


@pytest.mark.parametrize("positional", [True, False])
def test_threads_share_a_file(monkeypatch, tmp_path, positional):
    if not positional:
        monkeypatch.delattr(os, "preadv", raising=False)  # as on Windows
    values = np.arange(400_000).reshape(400, 1000)
    np.save(tmp_path / "numbers.npy", values)
    wrong = []

    def read(file, seed):
        rng = np.random.default_rng(seed)
        for _ in range(200):
            row, start = int(rng.integers(400)), int(rng.integers(1000))
            if file.read([range(row, row + 1), range(start, 1000)]).tolist() != [values[row, start:].tolist()]:
                wrong.append((row, start))

    with NpyFile(tmp_path / "numbers.npy") as file:
        threads = [threading.Thread(target=read, args=(file, seed)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_npy_file_is_pickled_by_its_path(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    np.save("numbers.npy", np.arange(12.0).reshape(3, 4))
    with NpyFile("numbers.npy") as file:
        pickled = pickle.dumps(file)
    monkeypatch.chdir("/")
    with pickle.loads(pickled) as file:
        assert file.read([range(1, 2), range(2, 4)]).tolist() == [[6.0, 7.0]]


@pytest.mark.parametrize("elements", [100, 100_000])
def test_file_cut_short_is_an_error_and_no_crash(tmp_path, elements):
    path = tmp_path / "numbers.npy"
    np.save(path, np.zeros(100_000))
    with NpyFile(path) as file:
        os.truncate(path, 5_000)
        with pytest.raises(FileError, match=r"numbers\.npy was changed while it was read"):
            file.read([range(elements)])


def overwrite(path, content):
    """Put other bytes, as many, into the file, which has another time then."""
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(0, 0))


def replace(path, content):
    """Put another file of the same length and time in its place."""
    status, other = path.stat(), path.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def test_npy_file_is_opened_again(tmp_path):
    path = tmp_path / "numbers.npy"
    np.save(path, np.arange(10.0))
    with NpyFile(path) as file:
        pass
    for _ in range(2):
        with file:
            assert file.read([range(2, 4)]).tolist() == [2.0, 3.0]
    path.unlink()
    with pytest.raises(FileNotFoundError), file:
        pass


@pytest.mark.parametrize("change", [overwrite, replace])
def test_npy_file_that_is_another_when_it_is_opened_again(tmp_path, change):
    path = tmp_path / "numbers.npy"
    np.save(path, np.ones(10))
    with NpyFile(path) as file:
        pass
    change(path, path.read_bytes()[:-80] + np.zeros(10).tobytes())
    with pytest.raises(FileError, match=r"numbers\.npy was changed while it was read"), file:
        pass


def test_npy_file_that_is_overwritten_while_it_is_open(tmp_path):
    path = tmp_path / "numbers.npy"
    np.save(path, np.ones(10))
    with NpyFile(path) as file:
        file.read([range(5)])
        overwrite(path, path.read_bytes()[:-80] + np.zeros(10).tobytes())
        with pytest.raises(FileError, match=r"numbers\.npy was changed while it was read"):
            file.read([range(5, 10)])


# -------------------------------------------------------------------------------------------------------- Parquet files


@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture
def pq(pa):
    return pytest.importorskip("pyarrow.parquet")


def columns_of(pa):
    """A column of every type that is read, without and with nulls, and what it is to be read as."""
    rng = np.random.default_rng(1)
    cents = [decimal.Decimal(int(i)) / 100 for i in rng.integers(0, 10**6, 1000)]
    made = {
        "half": (pa.float16(), np.float16, list(rng.normal(size=1000).astype(np.float16))),
        "single": (pa.float32(), np.float32, rng.normal(size=1000).astype(np.float32).tolist()),
        "double": (pa.float64(), np.float64, rng.normal(size=1000).tolist()),
        "int8": (pa.int8(), np.float64, rng.integers(-128, 128, 1000).tolist()),
        "uint64": (pa.uint64(), np.float64, [2**64 - 1, 2**53 + 1, *range(998)]),
        "bool": (pa.bool_(), np.float64, (rng.random(1000) < 0.5).tolist()),
        "decimal": (pa.decimal128(10, 2), np.float64, cents),
    }  # fmt: skip
    null = rng.random(1000) < 0.2
    for name, (type_, dtype, values) in made.items():
        yield name, dtype, pa.array(values, type_)
        yield f"{name}, nulls", dtype, pa.array([None if no else v for v, no in zip(values, null, strict=True)], type_)
    yield "nulls", np.float32, pa.nulls(1000, pa.float32())


@pytest.mark.parametrize("rows", [1, 7, 171, 999, 1000])
def test_every_type_of_numbers(tmp_path, pa, pq, rows):
    known = {name: (dtype, values) for name, dtype, values in columns_of(pa)}
    pq.write_table(pa.table({name: values for name, (_, values) in known.items()}), tmp_path / "a.parquet", rows)
    for name, (dtype, values) in known.items():
        expected = np.array([-7 if value is None else float(value) for value in values.to_pylist()]).astype(dtype)
        with ParquetColumn(tmp_path / "a.parquet", name) as column:
            assert (column.name, column.dtype, sum(column.groups)) == (name, dtype, 1000)
            assert column.groups == (*[rows] * (1000 // rows), *[1000 % rows] * (1000 % rows > 0))
            whole = [column.read(group, -7) for group in range(len(column.groups))]
            assert [part.size for part in whole] == list(column.groups)
            pieces = [list(column.pieces([group], -7, 64)) for group in range(len(column.groups))]
            together = list(column.pieces(range(len(column.groups)), -7, 64))
        for parts in whole, [piece for group in pieces for piece in group], together:
            assert all(part.dtype == dtype for part in parts)
            assert max(part.size for part in parts) <= (rows if parts is whole else 64)
            # Arrow's float64 of a decimal is its integer times a power of ten, each rounded.
            np.testing.assert_allclose(np.concatenate(parts), expected, rtol=3e-16 if "decimal" in name else 0)


def test_large_group_is_put_together(monkeypatch, tmp_path, pa, pq):
    from gumbel_fast._files import parquet

    monkeypatch.setattr(parquet, "_WHOLE", 100)
    monkeypatch.setattr(parquet, "_PIECE", 30)
    values = np.random.default_rng(2).normal(size=1000)
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet", 700)
    with ParquetColumn(tmp_path / "a.parquet") as column:
        np.testing.assert_array_equal(column.read(0, 0), values[:700])
        np.testing.assert_array_equal(column.read(1, 0), values[700:])


def test_group_without_nulls_is_not_copied(tmp_path, pa, pq):
    pq.write_table(pa.table({"x": np.arange(1000.0)}), tmp_path / "a.parquet")
    with ParquetColumn(tmp_path / "a.parquet") as column:
        assert not column.read(0, 0).flags.owndata


@pytest.mark.parametrize("rows", [0, 10])
def test_empty_groups(tmp_path, pa, pq, rows):
    table = pa.table({"x": np.arange(rows, dtype=np.float32)})
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
        writer.write_table(table)
        writer.write_batch(pa.record_batch({"x": np.empty(0, np.float32)}))
        writer.write_table(table)
    with ParquetColumn(tmp_path / "a.parquet") as column:
        parts = [column.read(group, 0) for group in range(len(column.groups))]
        assert all(part.dtype == np.float32 for part in parts)
        assert [part.tolist() for part in parts] == [list(range(size)) for size in column.groups]
        assert sum(column.groups) == 2 * rows


def test_no_groups(tmp_path, pa, pq):
    pq.ParquetWriter(tmp_path / "a.parquet", pa.schema({"x": pa.float64()})).close()
    with ParquetColumn(tmp_path / "a.parquet") as column:
        assert sum(column.groups) == 0


def test_only_column_of_numbers_is_found(tmp_path, pa, pq):
    pq.write_table(pa.table({"name": ["a", "b"], "x": [1.0, 2.0]}), tmp_path / "a.parquet")
    with ParquetColumn(tmp_path / "a.parquet") as column:
        assert column.name == "x"


def test_names_with_dots_do_not_meet(tmp_path, pa, pq):
    pq.write_table(pa.table({"a.b": [1.0, 2.0], "a": [3.0, 4.0]}), tmp_path / "a.parquet")
    for name, values in ("a", [3.0, 4.0]), ("a.b", [1.0, 2.0]):
        with ParquetColumn(tmp_path / "a.parquet", name) as column:
            assert column.read(0, 0).tolist() == values


@pytest.mark.parametrize("change", [overwrite, replace])
def test_parquet_file_that_is_another_when_it_is_opened_again(tmp_path, pa, pq, change):
    path, other = tmp_path / "a.parquet", tmp_path / "b.parquet"
    for each, value in (path, 1.0), (other, 2.0):
        pq.write_table(pa.table({"x": np.full(10, value)}), each)
    assert path.stat().st_size == other.stat().st_size
    with ParquetColumn(path) as column:
        pass
    with column:
        assert column.read(0, 0).tolist() == [1.0] * 10
    change(path, other.read_bytes())
    with pytest.raises(FileError, match=r"a\.parquet was changed while it was read"), column:
        pass


@pytest.mark.parametrize("damaged", [False, True])
def test_parquet_file_that_is_overwritten_while_it_is_open(tmp_path, pa, pq, damaged):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": np.ones(10)}), path)
    with ParquetColumn(path) as column:
        column.read(0, 0)
        overwrite(path, path.read_bytes()[:4] + b"\xff" * 200 if damaged else path.read_bytes())
        with pytest.raises(FileError, match=r"a\.parquet was changed while it was read"):
            column.read(0, 0)


def test_columns_that_cannot_be(tmp_path, pa, pq):
    path = tmp_path / "a.parquet"
    table = pa.table({
        "s": ["a"], "l": [[1.0]], "t": pa.array([1], pa.timestamp("s")), "n": pa.nulls(1), "x": [1.0], "y": [1]
    })  # fmt: skip
    pq.write_table(table, path)
    for name, words in [
        (None, "has several columns of numbers; name one of: x, y"),
        ("z", "has no column 'z'; its columns are: s, l, t, n, x, y"),
        ("s", "column 's' holds string, not real numbers"),
        ("l", "column 'l' holds list"),
        ("t", r"column 't' holds timestamp\[ms\]"),
        ("n", "column 'n' holds null"),
    ]:
        with pytest.raises(FileError, match=words) as caught:
            ParquetColumn(path, name)
        assert str(caught.value).startswith(str(path))
    pq.write_table(table.select(["s"]), path)
    with pytest.raises(FileError, match=r"has no column of real numbers; its columns are: s \(string\)"):
        ParquetColumn(path)
    pq.write_table(pa.table([[1.0], [2.0]], names=["x", "x"]), path)
    with pytest.raises(FileError, match="has 2 columns 'x'"):
        ParquetColumn(path, "x")


def test_files_that_cannot_be(tmp_path, pa, pq):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": np.random.default_rng(3).normal(size=10_000)}), path)
    whole = path.read_bytes()
    for content, words in [
        (b"", "is not a Parquet file"),
        (b"x" * 1000, "is not a Parquet file"),
        (whole[:4], "cannot be read"),
        (whole[:-1], "cannot be read"),
        (whole[: len(whole) // 2], "cannot be read"),
    ]:
        path.write_bytes(content)
        with pytest.raises(FileError, match=words) as caught:
            ParquetColumn(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
    path.write_bytes(whole[:4] + b"\xff" * 200 + whole[204:])  # the header of the first page
    with ParquetColumn(path) as column, pytest.raises(FileError, match="cannot be read"):
        column.read(0, 0)
    with pytest.raises(FileNotFoundError):
        ParquetColumn(tmp_path / "b.parquet")
    with pytest.raises(OSError, match=r"directory|denied"):
        ParquetColumn(tmp_path)


def test_threads_share_a_column(tmp_path, pa, pq):
    values = np.random.default_rng(4).normal(size=100_000)
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet", 5_000)
    wrong = []

    def read(column, seed):
        for group in np.random.default_rng(seed).integers(0, 20, 60).tolist():
            if not np.array_equal(column.read(group, 0), values[5_000 * group : 5_000 * (group + 1)]):
                wrong.append(group)

    with ParquetColumn(tmp_path / "a.parquet") as column:
        threads = [threading.Thread(target=read, args=(column, seed)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_column_is_pickled_by_its_names(monkeypatch, tmp_path, pa, pq):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"x": [1.0, 2.0], "s": ["a", "b"]}), "a.parquet")
    with ParquetColumn("a.parquet") as column, ParquetValues("a.parquet", "s") as values:
        pickled = pickle.dumps((column, values))
    monkeypatch.chdir("/")
    column, values = pickle.loads(pickled)
    with column, values:
        assert column.read(0, 0).tolist() == [1.0, 2.0]
        assert values.take(np.array([1])).to_pylist() == ["b"]


def test_values_are_taken_from_a_group(monkeypatch, tmp_path, pa, pq):
    from gumbel_fast._files import parquet

    monkeypatch.setattr(parquet, "_PIECE", 30)
    words = [f"word {i}" if i % 3 else None for i in range(1000)]
    pq.write_table(pa.table({"s": words}), tmp_path / "a.parquet", 400)
    rng = np.random.default_rng(5)
    with ParquetValues(tmp_path / "a.parquet", "s") as values:
        for count in 0, 1, 2, 20, 1000:
            rows = np.sort(rng.choice(1000, count, replace=False))
            assert values.take(rows).to_pylist() == [words[i] for i in rows]


def test_only_groups_that_hold_a_row_are_read(tmp_path, pa, pq):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"s": [f"word {i}" for i in range(100)]}), path, 10, use_dictionary=False)
    content, start = path.read_bytes(), pq.read_metadata(path).row_group(4).column(0).data_page_offset
    path.write_bytes(content[:start] + b"\xff" * 20 + content[start + 20 :])
    with ParquetValues(path, "s") as values:
        rows = [3, 17, 39, 50, 99]
        assert values.take(np.array(rows)).to_pylist() == [f"word {i}" for i in rows]
        with pytest.raises(FileError, match="cannot be read"):
            values.take(np.array([3, 41]))


def test_without_pyarrow_the_extra_is_named(monkeypatch, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # makes its import fail
    with pytest.raises(ImportError, match=r"a\.parquet.*gumbel_fast\[parquet\]"):
        ParquetColumn(tmp_path / "a.parquet")


def test_importing_the_readers_does_not_import_pyarrow(tmp_path):
    program = "import sys, gumbel_fast._files.parquet, gumbel_fast._files.npy; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60).returncode == 0


@pytest.mark.limits
def test_a_group_larger_than_a_buffer_takes_little_memory(tmp_path, pa, pq):
    """A column chunk of 32 MB in pieces: Arrow holds the pages and the pieces that are alive, not the chunk."""
    values = np.random.default_rng(7).normal(size=4_000_000)
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet", values.size, use_dictionary=False)
    most, total, before = 0, 0.0, pa.total_allocated_bytes()
    with ParquetColumn(tmp_path / "a.parquet") as column:
        for piece in column.pieces([0], 0, 1 << 16):
            most = max(most, pa.total_allocated_bytes() - before)
            total += piece.sum()
    assert most < 8 << 20
    assert total == pytest.approx(values.sum())


def test_parquet_pages_that_do_not_match_their_checksums(pa, pq, tmp_path):
    """Of a file that has some: a flipped bit of a number would be another number."""
    path = tmp_path / "weights.parquet"
    numbers = np.random.default_rng(1).random(1000)
    table = pa.table({"w": numbers})
    pq.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    with ParquetColumn(path) as file:
        np.testing.assert_array_equal(file.read(0, 0.0), numbers)
    content = bytearray(path.read_bytes())
    content[content.find(numbers[500].tobytes())] ^= 1
    path.write_bytes(content)
    with ParquetColumn(path) as file, pytest.raises(FileError, match=r"weights\.parquet"):
        file.read(0, 0.0)
