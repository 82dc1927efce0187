"""Selection: k of a hundred million by weight, without replacement, out of a file that is read piece by piece.

The files are made when the first contestant is prepared, in a temporary folder that goes when the process ends. They
stay in the system's cache, so that what is timed is the work and not the disk.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs
from harness.regime import Call, Check, Contestant, Regime, Role, Target, regime

_SIZE, _QUICK_SIZE = 100_000_000, 2_000_000  # numbers in a file
_MANY, _QUICK_MANY = 1_000_000, 50_000  # drawn of them
_CHUNKS, _QUICK_CHUNKS = 1000, 100
_CHUNK = 1024  # logits in each of those
_PIECE = 1 << 20  # numbers that a hand-written loop takes at once, and rows in a row group
_BUFFER = 1 << 22  # bytes that the limit reads at once

# ------------------------------------------------------------------------------------------------------ .npy, as logits


@regime
def select_npy_1000(inputs: Inputs) -> Regime:
    """Few: as fast as the file is read, nearly."""
    targets = (Target("reading the file", bar=4, goal=None, of_limit=True),)
    return _from_npy("select_npy_1000", inputs, 1000, targets=targets)


@regime
def select_npy_1000000(inputs: Inputs) -> Regime:
    """Many: each piece is asked for its share."""
    targets = (Target("the same, k = 1,000", bar=0.5, goal=None, any_simd=True),)
    k = inputs.size(_MANY, _QUICK_MANY)
    return _from_npy("select_npy_1000000", inputs, k, "the same, k = 1,000", targets=targets)


def _from_npy(name: str, inputs: Inputs, k: int, fewer: str | None = None, *, targets: tuple[Target, ...]) -> Regime:
    size = inputs.size(_SIZE, _QUICK_SIZE)
    check = checks.distinct_draws_in_pieces(partial(_logits, size), size, k)
    few = checks.distinct_draws_in_pieces(partial(_logits, size), size, 1000)
    return Regime(
        name=name,
        title=f"{k:,} of {size:,} float32 logits in a .npy file, without replacement",
        short=f"{k:,} of {size:,} in a .npy file",
        meaning="Data selection: documents out of a pool by importance, whose logits need not fit into memory.",
        elements=size,
        bytes_moved=4 * size,
        contestants=(
            Contestant("gumbel_fast.dask", "gumbel_fast", partial(_npy_dask, size, k), check, Role.PROJECT),
            *_with_fewer(fewer, partial(_npy_dask, size, 1000), few),
            Contestant("sample -k -o OUT.npy", "gumbel_fast", partial(_npy_command, size, k), check),
            Contestant("NumPy, piece by piece", "numpy", partial(_npy_numpy, size, k), check),
            Contestant("da.argtopk of x + gumbel", "dask", partial(_npy_argtopk, size, k), check),
            Contestant("reading the file", "numpy", partial(_npy_read, size), checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _with_fewer(name: str | None, prepare: Callable[[], Call], check: Check) -> tuple[Contestant, ...]:
    return () if name is None else (Contestant(name, "gumbel_fast", prepare, check),)


def _npy_dask(size: int, k: int) -> Call:
    from gumbel_fast import dask

    path, rng = _npy_file(size), np.random.default_rng(SEED)
    return lambda: _on_one_thread(dask.gumbel_top_k(dask.from_npy(path), k, rng=rng))


def _on_one_thread(array: Any) -> NDArray[Any]:
    return np.asarray(array.compute(scheduler="threads", num_workers=1))


def _npy_command(size: int, k: int) -> Call:
    return partial(_command, [str(_npy_file(size))], k)


def _command(arguments: list[str], k: int) -> NDArray[Any]:
    """Run the command line as a shell does, but for the start of Python."""
    from gumbel_fast._cli import main

    out = _folder() / "drawn.npy"
    status = main(["sample", *arguments, "-k", str(k), "--without-replacement", "-o", str(out)])
    if status:
        raise RuntimeError(f"the command line gives {status}")
    return np.asarray(np.load(out))


def _npy_numpy(size: int, k: int) -> Call:
    rng, path = np.random.default_rng(SEED), _npy_file(size)

    def keys() -> Iterator[NDArray[Any]]:
        logits = np.load(path, mmap_mode="r")
        for start in range(0, size, _PIECE):
            piece = logits[start : start + _PIECE]
            yield piece + rng.gumbel(size=piece.size)

    return lambda: _greatest(keys(), k)


def _greatest(pieces: Iterator[NDArray[Any]], k: int) -> NDArray[Any]:
    """Return where the k greatest of all pieces are: what exceeds a threshold is kept, and now and then cut to k."""
    found, keys, start, threshold = np.empty(0, np.int64), np.empty(0), 0, -np.inf
    for piece in pieces:
        above = np.flatnonzero(piece > threshold)
        found, keys, start = (
            np.concatenate([found, start + above]),
            np.concatenate([keys, piece[above]]),
            start + piece.size,
        )
        if found.size > 2 * k:
            kept = np.argpartition(keys, -k)[-k:]
            found, keys = found[kept], keys[kept]
            threshold = keys.min()
    return found[np.argsort(-keys)[:k]]


def _npy_argtopk(size: int, k: int) -> Call:
    da = peers.load("dask.array")
    logits, rng = da.from_array(np.load(_npy_file(size), mmap_mode="r")), da.random.default_rng(SEED)

    def draw() -> Any:
        noise = rng.gumbel(size=size, chunks=logits.chunks)
        return _on_one_thread(da.argtopk(logits + noise, k))

    return draw


def _npy_read(size: int) -> Call:
    path, buffer = _npy_file(size), bytearray(_BUFFER)

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    return read


# -------------------------------------------------------------------------------------------------- Parquet, as weights


@regime
def select_parquet_1000(inputs: Inputs) -> Regime:
    """Few."""
    return _from_parquet("select_parquet_1000", inputs, 1000, bar=1.0)


@regime
def select_parquet_1000000(inputs: Inputs) -> Regime:
    """Many, which the others sort or keep in a heap."""
    return _from_parquet("select_parquet_1000000", inputs, inputs.size(_MANY, _QUICK_MANY), bar=3.0)


def _from_parquet(name: str, inputs: Inputs, k: int, *, bar: float) -> Regime:
    size = inputs.size(_SIZE, _QUICK_SIZE)
    check = checks.distinct_draws_in_pieces(partial(_logits_of_weights, size), size, k)
    pandas = Contestant("pandas, sample(weights=)", "pandas", partial(_parquet_pandas, size, k), check)
    return Regime(
        name=name,
        title=f"{k:,} of {size:,} float64 weights in a Parquet file, without replacement",
        short=f"{k:,} of {size:,} in Parquet",
        meaning="Data selection: documents out of a pool by a column of weights.",
        elements=size,
        bytes_moved=8 * size,
        contestants=(
            Contestant("gumbel_fast.dask", "gumbel_fast", partial(_parquet_dask, size, k), check, Role.PROJECT),
            Contestant("sample --weights -k -o OUT.npy", "gumbel_fast", partial(_parquet_command, size, k), check),
            Contestant("NumPy, a row group at a time", "numpy", partial(_parquet_numpy, size, k), check),
            Contestant("Polars, keys by NumPy", "polars", partial(_parquet_polars, size, k), check),
            Contestant("DuckDB, ORDER BY key LIMIT k", "duckdb", partial(_parquet_duckdb, size, k), check),
            *((pandas,) if k == 1000 else ()),
            Contestant("reading the column", "pyarrow", partial(_parquet_read, size), checks.nothing, Role.LIMIT),
        ),
        targets=(
            Target("Polars, keys by NumPy", bar=bar, goal=None),
            Target("DuckDB, ORDER BY key LIMIT k", bar=bar, goal=None),
        ),
    )


def _parquet_dask(size: int, k: int) -> Call:
    from gumbel_fast import dask

    path, rng = _parquet_file(size), np.random.default_rng(SEED)
    return lambda: _on_one_thread(dask.gumbel_top_k(weights=dask.from_parquet(path, "weight"), k=k, rng=rng))


def _parquet_command(size: int, k: int) -> Call:
    return partial(_command, [str(_parquet_file(size)), "--weights", "--column", "weight"], k)


def _parquet_numpy(size: int, k: int) -> Call:
    rng, groups = np.random.default_rng(SEED), partial(_row_groups, _parquet_file(size))
    return lambda: _greatest((weights / rng.standard_exponential(weights.size) for weights in groups()), k)


def _parquet_polars(size: int, k: int) -> Call:
    polars = peers.load("polars")
    path, rng = _parquet_file(size), np.random.default_rng(SEED)
    schema = {"index": polars.UInt32, "key": polars.Float64}

    def add_keys(frame: Any) -> Any:
        keys = polars.Series(rng.standard_exponential(frame.height)) / polars.col("weight")
        return frame.select("index", key=keys)

    def draw() -> Any:
        keyed = polars.scan_parquet(path).with_row_index().map_batches(add_keys, streamable=True, schema=schema)
        return keyed.bottom_k(k, by="key").select("index").collect(engine="streaming").to_series().to_numpy()

    return draw


def _parquet_duckdb(size: int, k: int) -> Call:
    connection = peers.load("duckdb").connect(config={"threads": 1})
    source = f"read_parquet('{_parquet_file(size)}', file_row_number = true)"
    query = f"SELECT file_row_number FROM {source} ORDER BY -ln(1 - random()) / weight LIMIT {k}"
    return lambda: connection.execute(query).fetchnumpy()["file_row_number"]


def _parquet_pandas(size: int, k: int) -> Call:
    pandas = peers.load("pandas")
    path, rng = _parquet_file(size), np.random.default_rng(SEED)
    return lambda: pandas.read_parquet(path).sample(k, weights="weight", random_state=rng).index.to_numpy()


def _parquet_read(size: int) -> Call:
    path = _parquet_file(size)

    def read() -> None:
        for _ in _row_groups(path):
            pass

    return read


def _row_groups(path: Path) -> Iterator[NDArray[Any]]:
    with peers.load("pyarrow.parquet").ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, use_threads=False).column(0).to_numpy()


# ------------------------------------------------------------------------------------------------------ small chunks


@regime
def chunk_overhead(inputs: Inputs) -> Regime:
    """What a chunk costs where there is next to nothing in it."""
    chunks, k = inputs.size(_CHUNKS, _QUICK_CHUNKS), 10
    logits = inputs.normal(chunks * _CHUNK)
    check = checks.distinct_draws(logits, k)
    return Regime(
        name="chunk_overhead",
        title=f"{k} of {chunks:,} Dask chunks of {_CHUNK:,} logits, without replacement",
        short=f"{k} distinct, {chunks:,} chunks of {_CHUNK:,}",
        meaning="What a chunk costs, its task included: how small chunks may be.",
        elements=chunks,
        bytes_moved=logits.nbytes,
        contestants=(
            Contestant("gumbel_fast.dask", "gumbel_fast", partial(_chunks_dask, logits, k), check, Role.PROJECT),
            Contestant("one call, without Dask", "gumbel_fast", partial(_one_call, logits, k), check),
            Contestant("da.argtopk of x + gumbel", "dask", partial(_chunks_argtopk, logits, k), check),
            Contestant("da.max of the chunks", "dask", partial(_chunks_max, logits), checks.nothing),
            Contestant("np.max", "numpy", lambda: partial(np.max, logits), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("da.max of the chunks", bar=0.5, goal=None, any_simd=True),),
    )


def _in_chunks(logits: NDArray[Any]) -> Any:
    return peers.load("dask.array").from_array(logits, chunks=_CHUNK)


def _chunks_dask(logits: NDArray[Any], k: int) -> Call:
    from gumbel_fast import dask

    chunks, rng = _in_chunks(logits), np.random.default_rng(SEED)
    return lambda: _on_one_thread(dask.gumbel_top_k(chunks, k, rng=rng))


def _one_call(logits: NDArray[Any], k: int) -> Call:
    return partial(gumbel_fast.gumbel_top_k, logits, k, rng=np.random.default_rng(SEED))


def _chunks_argtopk(logits: NDArray[Any], k: int) -> Call:
    da, chunks = peers.load("dask.array"), _in_chunks(logits)
    rng = da.random.default_rng(SEED)
    return lambda: _on_one_thread(da.argtopk(chunks + rng.gumbel(size=chunks.shape, chunks=chunks.chunks), k))


def _chunks_max(logits: NDArray[Any]) -> Call:
    chunks = _in_chunks(logits)
    return lambda: _on_one_thread(chunks.max())


# ----------------------------------------------------------------------------------------------------------- the files


def _made(size: int) -> Iterator[NDArray[np.float32]]:
    """Give a file's logits anew, normal of deviation 1, piece by piece."""
    for start in range(0, size, _PIECE):
        yield np.random.default_rng([SEED, start]).standard_normal(min(_PIECE, size - start), dtype=np.float32)


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="gumbel_fast-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _npy_file(size: int) -> Path:
    path = _folder() / f"logits-{size}.npy"
    logits = np.lib.format.open_memmap(path, "w+", np.float32, (size,))
    start = 0
    for piece in _made(size):
        logits[start : start + piece.size] = piece
        start += piece.size
    return path


def _logits(size: int) -> Iterator[NDArray[Any]]:
    logits = np.load(_npy_file(size), mmap_mode="r")
    for start in range(0, size, _PIECE):
        yield logits[start : start + _PIECE]


@cache
def _parquet_file(size: int) -> Path:
    """Log-normal weights, written as pyarrow does by default: compressed by Snappy, to little effect."""
    pyarrow, parquet = peers.load("pyarrow"), peers.load("pyarrow.parquet")
    path = _folder() / f"weights-{size}.parquet"
    with parquet.ParquetWriter(path, pyarrow.schema([("weight", pyarrow.float64())])) as writer:
        for piece in _made(size):
            writer.write_table(pyarrow.table({"weight": np.exp(piece, dtype=np.float64)}), row_group_size=_PIECE)
    return path


def _logits_of_weights(size: int) -> Iterator[NDArray[Any]]:
    return map(np.log, _row_groups(_parquet_file(size)))
