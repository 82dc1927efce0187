"""gumbel_fast.dask's readers: the values and the chunks of .npy, zarr and Parquet files, and how little is held.

What is wrong with a file is an error that begins with its path. Draws from files are those of the array in memory.
"""

import pickle
import tracemalloc

import numpy as np
import pytest

import gumbel_fast
from dask_helpers import assert_same, da, dask, gd
from gumbel_fast._files import npy, parquet

SYNCHRONOUS = {"scheduler": "synchronous"}


def some_array(shape, dtype=np.float32):
    x = np.random.default_rng(3).normal(0, 9, shape)
    return np.round(x).astype(dtype) if np.dtype(dtype).kind in "iu" else x.astype(dtype)


def peak_of(call):
    """Bytes that were allocated at most at one time by a call, beyond those before it."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# ----------------------------------------------------------------------------------------------------------------- .npy


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8", "i1", "<i8", "<u2"])
@pytest.mark.parametrize("shape", [(1000,), (50, 70), (7, 11, 13), (1, 1), (5, 1, 3)], ids=str)
def test_npy_in_chunks_of_every_kind(shape, dtype, tmp_path):
    x = np.abs(some_array(shape)).astype(dtype)
    for name, array in ("c.npy", x), ("f.npy", np.asfortranarray(x)):
        path = tmp_path / name
        np.save(path, array)
        for chunks in "auto", -1, 7, 13, tuple(max(1, n // 2) for n in shape), ((1,) * shape[0], *shape[1:]):
            lazy = gd.from_npy(path, chunks=chunks)
            assert (lazy.shape, lazy.dtype) == (shape, x.dtype)
            if chunks != "auto":
                assert lazy.chunks == da.core.normalize_chunks(chunks, shape, dtype=x.dtype)
            assert_same(lazy, x)
        assert_same(gd.from_npy(str(path), chunks=5)[1:, ...], x[1:])


@pytest.mark.parametrize("shape", [(), (0,), (0, 5), (4, 0)], ids=str)
def test_npy_of_little(shape, tmp_path):
    x = np.ones(shape)
    np.save(tmp_path / "x.npy", x)
    assert_same(gd.from_npy(tmp_path / "x.npy"), x)


def test_npy_files_are_joined_along_the_first_axis(tmp_path):
    for shapes in [(100,), (1,), (0,), (37,)], [(5, 8), (1, 8), (9, 8)]:
        arrays = [some_array(shape) for shape in shapes]
        paths = [tmp_path / f"{i}.npy" for i in range(len(shapes))]
        for path, array in zip(paths, arrays, strict=True):
            np.save(path, array)
        x = np.concatenate(arrays)
        for chunks in "auto", -1, 4:
            for given in paths, tuple(map(str, paths)):
                assert_same(gd.from_npy(given, chunks=chunks), x)
        assert_same(gd.from_npy(paths[:1]), arrays[0])
        whole = gd.from_npy(paths[::-1], chunks=4)
        assert_same(whole, np.concatenate(arrays[::-1]))


def test_npy_files_that_do_not_fit_together(tmp_path):
    for name, shape in {"a": (7, 2), "b": (7, 3), "c": (2,)}.items():
        np.save(tmp_path / f"{name}.npy", np.zeros(shape))
    for other in "bc":
        with pytest.raises(
            ValueError, match=rf"{other}\.npy: an array of shape .* cannot follow one of shape \(7, 2\)"
        ):
            gd.from_npy([tmp_path / "a.npy", tmp_path / f"{other}.npy"])


def test_npy_is_read_when_it_is_computed(tmp_path, monkeypatch):
    """A chunk is one read of that box; others are not read."""
    reads = []
    read = npy.NpyFile.read
    monkeypatch.setattr(npy.NpyFile, "read", lambda file, ranges: reads.append(tuple(ranges)) or read(file, ranges))
    x = some_array((60, 50))
    np.save(tmp_path / "x.npy", x)
    lazy = gd.from_npy(tmp_path / "x.npy", chunks=(20, 25))
    index = gd.gumbel_max(lazy, rng=7)
    assert reads == []
    index[30:35].compute(**SYNCHRONOUS)
    assert sorted(reads, key=str) == [(range(20, 40), range(0, 25)), (range(20, 40), range(25, 50))]
    reads.clear()
    assert_same(lazy, x)
    assert len(reads) == 6


@pytest.mark.limits
def test_npy_is_never_in_memory_whole(tmp_path):
    """Of 40 chunks of a megabyte, of which one thread holds one, and what is drawn from it."""
    x = some_array(40 * 2**18)
    np.save(tmp_path / "x.npy", x)
    lazy = gd.from_npy(tmp_path / "x.npy", chunks=2**18)
    drawn = gd.gumbel_top_k(lazy, 1000, rng=7)
    assert peak_of(lambda: drawn.compute(**SYNCHRONOUS)) < 4 * 2**20
    square = gd.from_npy(tmp_path / "x.npy", chunks=2**18).reshape(40, 2**18)
    assert peak_of(lambda: gd.categorical(square, rng=7).compute(**SYNCHRONOUS)) < 4 * 2**20
    np.save(tmp_path / "y.npy", x.reshape(2**12, 2560))
    lazy = gd.from_npy(tmp_path / "y.npy", chunks=(2**10, 256))  # a tenth of each row
    assert peak_of(lambda: gd.gumbel_max(lazy, rng=7).compute(**SYNCHRONOUS)) < 4 * 2**20
    assert peak_of(lambda: gd.from_npy(tmp_path / "x.npy", chunks=2**18)) < 2**18, "a call has read the file"


def test_npy_chunks_by_default_are_moderate(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((600, 20_000), np.float32))
    lazy = gd.from_npy(tmp_path / "x.npy")
    assert lazy.chunks[1] == (20_000,), "rows are whole where they are not long"
    assert max(lazy.chunks[0]) * 80_000 <= 2**27
    np.save(tmp_path / "f.npy", np.zeros((20_000, 600), np.float32).T)
    assert max(np.prod(c) for c in zip(*gd.from_npy(tmp_path / "f.npy").chunks, strict=False)) * 4 <= 2**27


def test_draws_from_npy(tmp_path):
    x = some_array((30, 200), np.float16)
    np.save(tmp_path / "x.npy", x)
    lazy = gd.from_npy(tmp_path / "x.npy", chunks=(7, 200))
    assert_same(gd.categorical(lazy, rng=7), gumbel_fast.categorical(x, rng=7))
    assert_same(gd.softmax(lazy), gumbel_fast.softmax(x))
    cut = gd.from_npy(tmp_path / "x.npy", chunks=(7, 31))
    assert_same(gd.gumbel_top_k(cut, 9, rng=7), gumbel_fast.gumbel_top_k(x, 9, rng=7))
    mask = np.arange(200) % 3 > 0
    np.save(tmp_path / "mask.npy", mask.astype(np.uint8))
    lazy_mask = gd.from_npy(tmp_path / "mask.npy", chunks=50)
    assert_same(gd.gumbel_max(cut, mask=lazy_mask, rng=7), gumbel_fast.gumbel_max(x, mask=mask, rng=7))


def test_many_draws_from_npy_read_chunks_again(tmp_path, monkeypatch):
    """Sorted: the last chunks hold all that is drawn, and only those are read twice."""
    reads = []
    read = npy.NpyFile.read
    monkeypatch.setattr(npy.NpyFile, "read", lambda file, ranges: reads.append(ranges[0].start) or read(file, ranges))
    n, size, k = 2_000_000, 50_000, 60_000
    x = np.linspace(-9000, 9000, n)
    np.save(tmp_path / "x.npy", x)
    found = gd.gumbel_top_k(gd.from_npy(tmp_path / "x.npy", chunks=size), k, rng=7)
    np.testing.assert_array_equal(found.compute(**SYNCHRONOUS), gumbel_fast.gumbel_top_k(x, k, rng=7))
    assert sorted(set(reads)) == list(range(0, n, size))
    assert {start for start in reads if reads.count(start) > 1} <= set(range(n - 3 * size, n, size))


def test_names_follow_the_file(tmp_path):
    """The same file is the same array to Dask; another file, or another content, is not."""
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(100))
    name = gd.from_npy(path, chunks=10).name
    assert gd.from_npy(str(path), chunks=10).name == name
    assert gd.from_npy(path, chunks=20).name != name
    np.save(tmp_path / "y.npy", np.zeros(100))
    assert gd.from_npy(tmp_path / "y.npy", chunks=10).name != name
    np.save(path, np.zeros(101))
    assert gd.from_npy(path, chunks=10).name != name


def test_relative_paths_stay_where_they_were(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.arange(9.0))
    monkeypatch.chdir(tmp_path)
    lazy = gd.from_npy("x.npy", chunks=4)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_same(lazy, np.arange(9.0))
    assert_same(pickle.loads(pickle.dumps(lazy)), np.arange(9.0))


def test_npy_files_that_are_wrong(tmp_path):
    good = tmp_path / "good.npy"
    np.save(good, np.zeros((4, 6)))
    np.save(tmp_path / "objects.npy", np.array([None, 1]), allow_pickle=True)
    np.save(tmp_path / "complex.npy", np.zeros(3, complex))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    (tmp_path / "other.npy").write_bytes(b"PK\3\4 this is no array" * 9)
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "short.npy").write_bytes(good.read_bytes()[:-1])
    (tmp_path / "header.npy").write_bytes(good.read_bytes()[:20])
    for name in "objects", "complex", "text", "other", "empty", "short", "header":
        path = tmp_path / f"{name}.npy"
        with pytest.raises(ValueError) as caught:  # noqa: PT011  # whose words are told apart below
            gd.from_npy(path)
        assert str(caught.value).startswith(str(path)), str(caught.value)
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            gd.from_npy([good, path])
        assert str(path) in str(caught.value)
    with pytest.raises(FileNotFoundError):
        gd.from_npy(tmp_path / "none.npy")
    with pytest.raises(OSError):  # noqa: PT011  # a folder: the system's own words
        gd.from_npy(tmp_path)
    with pytest.raises(ValueError, match="files"):
        gd.from_npy([])
    with pytest.raises(ValueError, match=r"[Cc]hunks"):
        gd.from_npy(good, chunks=((1, 2), (6,)))
    np.save(tmp_path / "wide.npy", np.zeros((4, 7)))
    with pytest.raises(ValueError, match=r"\w"):
        gd.from_npy([good, tmp_path / "wide.npy"])


def test_npy_files_that_change(tmp_path):
    """In between: an error that names the file, and never the numbers of another array, or a crash."""
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(10_000))
    lazy = gd.from_npy(path, chunks=1000)
    assert_same(lazy, np.zeros(10_000))
    whole = path.read_bytes()
    path.write_bytes(whole[:40_000])
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # it begins with the path
        lazy.compute(**SYNCHRONOUS)
    assert str(caught.value).startswith(str(path))
    path.unlink()
    with pytest.raises((OSError, ValueError)) as caught:
        lazy.compute(**SYNCHRONOUS)
    assert str(path) in str(caught.value)


# ----------------------------------------------------------------------------------------------------------------- zarr


@pytest.fixture
def zarr():
    return pytest.importorskip("zarr", reason="zarr is not installed")


def is_whole(lazy, stored):
    """Whether every border of chunks is one of stored chunks."""
    for lengths, size, step in zip(lazy.chunks, lazy.shape, stored, strict=True):
        borders = np.cumsum(lengths)
        if any(border % step and border != size for border in borders.tolist()):
            return False
    return True


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int16])
@pytest.mark.parametrize(
    "shape, stored", [((1000,), (90,)), ((50, 70), (20, 70)), ((50, 70), (7, 9)), ((3, 4, 50), (1, 3, 11))]
)
def test_zarr_in_whole_stored_chunks(shape, stored, dtype, zarr, tmp_path):
    x = some_array(shape, dtype)
    path = tmp_path / "x.zarr"
    array = zarr.create_array(path, shape=shape, chunks=stored, dtype=dtype)
    array[...] = x
    for url in path, str(path), array:
        lazy = gd.from_zarr(url)
        assert is_whole(lazy, stored)
        assert_same(lazy, x)
    for times in 2, 3:
        chunks = tuple(times * n for n in stored)
        lazy = gd.from_zarr(path, chunks=chunks)
        assert is_whole(lazy, stored)
        assert lazy.chunks == da.core.normalize_chunks(chunks, shape)
        assert_same(lazy, x)
    assert_same(gd.from_zarr(path, chunks=-1), x)


def test_zarr_stored_chunks_are_read_once(zarr, tmp_path, monkeypatch):
    """Each once for a whole pass, and only those of a chunk for a part: so no more is decoded than is asked for."""
    x = some_array((60, 40))
    path = tmp_path / "x.zarr"
    zarr.create_array(path, shape=x.shape, chunks=(10, 20), dtype=x.dtype)[...] = x
    got = []
    get = zarr.storage.LocalStore.get

    async def counted(store, key, *arguments, **options):
        if key.rpartition("/")[2] != "zarr.json" and "c/" in key:
            got.append(key)
        return await get(store, key, *arguments, **options)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", counted)
    for chunks, count in ("auto", 12), ((10, 20), 12), ((20, 40), 12), (-1, 12):
        lazy = gd.from_zarr(path, chunks=chunks)
        assert got == []
        np.testing.assert_array_equal(lazy.compute(**SYNCHRONOUS), x)
        assert len(got) == len(set(got)) == count
        got.clear()
    gd.from_zarr(path, chunks=(20, 40))[45:50].compute(**SYNCHRONOUS)
    assert len(got) <= 4
    got.clear()
    gd.from_zarr(path, chunks=(10, 40))[45:50].compute(**SYNCHRONOUS)
    assert len(got) <= 2


def test_zarr_chunks_by_default_are_moderate(zarr):
    array = zarr.create_array({}, shape=(4000, 30_000), chunks=(10, 1000), dtype="f4")
    lazy = gd.from_zarr(array)
    assert is_whole(lazy, (10, 1000))
    assert lazy.chunks[1] == (30_000,), "rows are whole where they are not long"
    assert max(lazy.chunks[0]) * 120_000 <= 2**27
    small = zarr.create_array({}, shape=(10_000_000,), chunks=(100,), dtype="f4")
    assert gd.from_zarr(small).npartitions <= 10, "a task for each of a hundred thousand tiny chunks"


def test_zarr_components_stores_and_shards(zarr, tmp_path):
    x, y = some_array((50, 70)), some_array(30)
    group = zarr.create_group(tmp_path / "g.zarr")
    group.create_array("a/x", shape=x.shape, chunks=(20, 35), dtype=x.dtype)[...] = x
    group.create_array("y", shape=y.shape, chunks=(7,), dtype=y.dtype)[...] = y
    assert_same(gd.from_zarr(tmp_path / "g.zarr", "a/x"), x)
    assert_same(gd.from_zarr(tmp_path / "g.zarr", component="y", chunks=14), y)
    shards = zarr.create_array(tmp_path / "s.zarr", shape=x.shape, chunks=(5, 7), shards=(20, 35), dtype=x.dtype)
    shards[...] = x
    lazy = gd.from_zarr(tmp_path / "s.zarr")
    assert is_whole(lazy, (20, 35))
    assert_same(lazy, x)


def test_draws_from_zarr(zarr, tmp_path):
    x = some_array((30, 200))
    path = tmp_path / "x.zarr"
    zarr.create_array(path, shape=x.shape, chunks=(7, 90), dtype=x.dtype)[...] = x
    assert_same(gd.categorical(gd.from_zarr(path), rng=7), gumbel_fast.categorical(x, rng=7))
    cut = gd.from_zarr(path, chunks=(7, 90))
    assert_same(gd.gumbel_top_k(cut, 9, rng=7), gumbel_fast.gumbel_top_k(x, 9, rng=7))


def test_zarr_that_is_not_there(zarr, tmp_path):
    with pytest.raises((OSError, ValueError, KeyError)):
        gd.from_zarr(tmp_path / "none.zarr")


# -------------------------------------------------------------------------------------------------------------- Parquet


@pytest.fixture
def pyarrow():
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet

    return pyarrow


def write(pyarrow, path, group, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=group)


def groups_of(lazy, sizes):
    """Whether every border of chunks is one of row groups."""
    return set(np.cumsum(lazy.chunks[0]).tolist()) <= {0, *np.cumsum(sizes).tolist()}


@pytest.mark.parametrize("kind", ["float", "double", "halffloat", "int32", "int64", "uint8", "bool_"])
def test_parquet_columns(kind, pyarrow, tmp_path):
    x = np.abs(some_array(1000))
    values = (np.round(x).astype(np.int64) % 100).tolist() if "int" in kind else (x > 5).tolist()
    if kind in ("float", "double", "halffloat"):
        values = x.astype({"float": "f4", "double": "f8", "halffloat": "f2"}[kind])
    column = pyarrow.array(
        values, getattr(pyarrow, {"float": "float32", "double": "float64", "halffloat": "float16"}.get(kind, kind))()
    )
    path = tmp_path / "x.parquet"
    write(pyarrow, path, 300, other=pyarrow.array(range(1000)), x=column, words=pyarrow.array(["a"] * 1000))
    dtype = {"float": np.float32, "halffloat": np.float16}.get(kind, np.float64)
    lazy = gd.from_parquet(path, "x")
    assert groups_of(lazy, [300, 300, 300, 100])
    assert_same(lazy, np.asarray(values).astype(dtype))
    assert_same(gd.from_parquet(str(path), "x"), np.asarray(values).astype(dtype))


def test_parquet_nulls(pyarrow, tmp_path):
    path = tmp_path / "x.parquet"
    column = pyarrow.array([1.0, None, 3.0, None, 5.0, 6.0], pyarrow.float32())
    write(pyarrow, path, 2, x=column, n=pyarrow.array([1, None, 3, 4, 5, None]))
    for null in 0, -np.inf, np.nan, 7.5:
        expected = np.array([1, null, 3, null, 5, 6], np.float32)
        assert_same(gd.from_parquet(path, "x", null=null), expected)
        assert_same(gd.from_parquet(path, "n", null=null), np.array([1, null, 3, 4, 5, null], float))
    assert_same(gd.from_parquet(path, "x"), np.array([1, np.nan, 3, np.nan, 5, 6], np.float32))
    names = {gd.from_parquet(path, "x", null=null).name for null in (0.0, -np.inf, np.nan)}
    assert len(names | {gd.from_parquet(path, "n").name}) == 4
    weights = gd.from_parquet(path, "x", null=0)
    found = gd.gumbel_top_k(weights=weights, k=4, rng=7)
    assert_same(found, gumbel_fast.gumbel_top_k(weights=np.array([1, 0, 3, 0, 5, 6], np.float32), k=4, rng=7))
    with pytest.raises(ValueError, match=r"\brow 0\b"):
        gd.gumbel_top_k(weights=gd.from_parquet(path, "x"), k=4, rng=7).compute(**SYNCHRONOUS)


def test_parquet_files_are_joined(pyarrow, tmp_path):
    arrays = [some_array(n) for n in (100, 1, 0, 57)]
    paths = [tmp_path / f"{i}.parquet" for i in range(4)]
    for path, array in zip(paths, arrays, strict=True):
        write(pyarrow, path, 30, x=pyarrow.array(array))
    lazy = gd.from_parquet(paths, "x")
    assert groups_of(lazy, [30, 30, 30, 10, 1, 30, 27])
    assert_same(lazy, np.concatenate(arrays))
    assert_same(gd.gumbel_top_k(lazy, 20, rng=7), gumbel_fast.gumbel_top_k(np.concatenate(arrays), 20, rng=7))
    assert_same(gd.from_parquet(paths[2:3], "x"), np.zeros(0, np.float32))


def test_parquet_groups_are_read_once_and_alone(pyarrow, tmp_path, monkeypatch):
    """Large row groups are a chunk each; many small ones make a few chunks."""
    read = parquet.ParquetColumn.read
    groups = []
    monkeypatch.setattr(
        parquet.ParquetColumn, "read", lambda file, group, fill: groups.append(group) or read(file, group, fill)
    )
    x = np.arange(40_000.0)
    write(pyarrow, tmp_path / "small.parquet", 100, x=x)
    lazy = gd.from_parquet(tmp_path / "small.parquet", "x")
    assert lazy.npartitions <= 4
    assert groups == []
    np.testing.assert_array_equal(lazy.compute(**SYNCHRONOUS), x)
    assert sorted(groups) == list(range(400))
    groups.clear()
    x = np.zeros(2 * 5_000_000, np.float32)
    x[::1000] = np.arange(10_000)
    write(pyarrow, tmp_path / "large.parquet", 5_000_000, x=x)
    lazy = gd.from_parquet(tmp_path / "large.parquet", "x")
    assert lazy.chunks == ((5_000_000, 5_000_000),)
    np.testing.assert_array_equal(lazy[7_000_000:7_100_000].compute(**SYNCHRONOUS), x[7_000_000:7_100_000])
    assert groups == [1]


def test_parquet_files_that_are_wrong(pyarrow, tmp_path):
    good = tmp_path / "good.parquet"
    write(pyarrow, good, 10, x=pyarrow.array(np.zeros(50)), words=pyarrow.array(["a"] * 50))
    for column in "y", "words", "X":
        for path in good, [good]:
            with pytest.raises(ValueError) as caught:  # noqa: PT011  # it begins with the path
                gd.from_parquet(path, column)
            assert str(caught.value).startswith(str(good))
            assert column in str(caught.value)
    (tmp_path / "text").write_text("x\n1\n2\n")
    (tmp_path / "short").write_bytes(good.read_bytes()[:-20])
    (tmp_path / "empty").write_bytes(b"")
    for name in "text", "short", "empty":
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            gd.from_parquet(tmp_path / name, "x")
        assert str(caught.value).startswith(str(tmp_path / name))
    with pytest.raises(FileNotFoundError):
        gd.from_parquet(tmp_path / "none.parquet", "x")
    with pytest.raises(ValueError, match="files"):
        gd.from_parquet([], "x")


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_threads_share_files(scheduler, pyarrow, tmp_path):
    x = some_array(200_000)
    np.save(tmp_path / "x.npy", x)
    write(pyarrow, tmp_path / "x.parquet", 1000, x=x)
    for lazy in gd.from_npy(tmp_path / "x.npy", chunks=1000), gd.from_parquet(tmp_path / "x.parquet", "x"):
        for _ in range(3):
            found = dask.compute(lazy, gd.gumbel_top_k(lazy, 50, rng=7), scheduler=scheduler, num_workers=4)
            np.testing.assert_array_equal(found[0], x)
            np.testing.assert_array_equal(found[1], gumbel_fast.gumbel_top_k(x, 50, rng=7))
