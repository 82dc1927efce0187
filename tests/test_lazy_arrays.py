"""Arrays that would be loaded whole are refused by every function, and for every parameter that takes an array.

Dask's collections are known by `__dask_graph__`, those of zarr and h5py by what they have beside a shape: stand-ins
here, so that none of these packages need be there, and the real ones where they are. gumbel_fast.dask, which takes
Dask's, is the subject of other files.
"""

import numpy as np
import pytest

import gumbel_fast

gumbel_r = gumbel_fast.gumbel_r
X, ROW, MASK, INDPTR = np.zeros((4, 3)), np.zeros(4), np.ones((4, 3), bool), np.array([0, 1, 4])


class Source:
    """Is an array to NumPy, which must not ask for it."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.shape, self.dtype, self.ndim = self.array.shape, self.array.dtype, self.array.ndim
        self.loaded = False

    def __array__(self, dtype=None, copy=None):
        self.loaded = True
        return self.array if dtype is None else self.array.astype(dtype)

    def __len__(self):
        return len(self.array)

    def __getitem__(self, key):
        self.loaded = True
        return self.array[key]


class DaskLike(Source):
    @property
    def chunks(self):
        return tuple((n,) for n in self.shape)

    def __dask_graph__(self):
        return {"a": 1}


class OtherCollection(Source):
    """A bag or a data frame of Dask: it has a graph and no chunks."""

    def __dask_graph__(self):
        return {}


class ZarrLike(Source):
    @property
    def chunks(self):
        return self.shape


class Labelled(Source):
    """As xarray's arrays that are in memory: they have the methods of Dask's collections, and no graph."""

    chunks = None

    def __dask_graph__(self):
        return None


# Each takes an array for the parameter that stands before the colon, of what stands here as its value.
TAKERS = {
    "logits: categorical": (X, gumbel_fast.categorical),
    "logits: categorical, generator": (X, lambda a: gumbel_fast.categorical(a, rng=np.random.default_rng(1))),
    "logits: categorical of one row": (ROW, gumbel_fast.categorical),
    "logits: categorical, many": (X, lambda a: gumbel_fast.categorical(a, num_samples=5)),
    "logits: categorical, distinct": (X, lambda a: gumbel_fast.categorical(a, num_samples=2, replace=False)),
    "weights: categorical": (X + 1, lambda a: gumbel_fast.categorical(weights=a)),
    "logits: gumbel_max": (X, gumbel_fast.gumbel_max),
    "logits: gumbel_max, generator": (X, lambda a: gumbel_fast.gumbel_max(a, rng=np.random.default_rng(1))),
    "noise: gumbel_max": (X, lambda a: gumbel_fast.gumbel_max(X, noise=a)),
    "logits: gumbel_top_k": (X, lambda a: gumbel_fast.gumbel_top_k(a, 2)),
    "weights: gumbel_top_k": (X + 1, lambda a: gumbel_fast.gumbel_top_k(weights=a, k=2)),
    "floor: gumbel_top_k": (ROW, lambda a: gumbel_fast.gumbel_top_k(X, 2, floor=a, allow_fewer=True)),
    "logits: gumbel_softmax": (X, gumbel_fast.gumbel_softmax),
    "logits: softmax": (X, gumbel_fast.softmax),
    "logits: log_softmax": (X, gumbel_fast.log_softmax),
    "logits: logsumexp": (X, gumbel_fast.logsumexp),
    "logits: log_prob": (X, lambda a: gumbel_fast.log_prob(a, np.zeros(4, int))),
    "index: log_prob": (np.zeros(4, int), lambda a: gumbel_fast.log_prob(X, a)),
    "logits: entropy": (X, gumbel_fast.entropy),
    "logits: truncate": (X, lambda a: gumbel_fast.truncate(a, top_k=2)),
    "y: softmax_vjp": (X, lambda a: gumbel_fast.softmax_vjp(a, X)),
    "grad: softmax_vjp": (X, lambda a: gumbel_fast.softmax_vjp(X, a)),
    "loc: gumbel": (ROW, gumbel_fast.gumbel),
    "scale: gumbel": (ROW, lambda a: gumbel_fast.gumbel(0, a)),
    "size: gumbel": (np.array([2, 3]), lambda a: gumbel_fast.gumbel(size=a)),
    "step: annealed_temperature": (ROW, lambda a: gumbel_fast.annealed_temperature(a, rate=0.1)),
    "x: gumbel_r.cdf": (ROW, gumbel_r.cdf),
    "loc: gumbel_r.logpdf": (ROW, lambda a: gumbel_r.logpdf(0.0, a)),
    "scale: gumbel_r.logpdf": (ROW + 1, lambda a: gumbel_r.logpdf(0.0, 0.0, a)),
    "loc: gumbel_r.mean": (ROW, gumbel_r.mean),
    "scale: gumbel_r.std": (ROW + 1, lambda a: gumbel_r.std(0.0, a)),
    "data: gumbel_r.fit": (np.arange(4.0), gumbel_r.fit),
    "seeds: RowStreams": (np.arange(4), gumbel_fast.RowStreams),
    "positions: RowStreams": (np.arange(4), lambda a: gumbel_fast.RowStreams(np.arange(4), a)),
    "indices: merge_top_k": (np.arange(4), lambda a: gumbel_fast.merge_top_k([a], [ROW], 2)),
    "values: merge_top_k": (ROW, lambda a: gumbel_fast.merge_top_k([np.arange(4)], [a], 2)),
}

# What each of these functions takes beside its logits.
OF_ROWS = {
    "categorical": lambda x, **o: gumbel_fast.categorical(x, rng=1, **o),
    "gumbel_max": lambda x, **o: gumbel_fast.gumbel_max(x, rng=1, **o),
    "gumbel_top_k": lambda x, **o: gumbel_fast.gumbel_top_k(x, 1, rng=1, **o),
    "gumbel_softmax": lambda x, **o: gumbel_fast.gumbel_softmax(x, rng=1, **o),
    "softmax": gumbel_fast.softmax,
    "log_softmax": gumbel_fast.log_softmax,
    "logsumexp": gumbel_fast.logsumexp,
    "log_prob": lambda x, **o: gumbel_fast.log_prob(x, np.zeros(4 if x.ndim > 1 else 2, int), **o),
    "entropy": gumbel_fast.entropy,
    "truncate": gumbel_fast.truncate,
}
BESIDE = {"temperature": ROW + 1, "mask": MASK, "indptr": INDPTR}
FILTERS = {"top_k": ROW, "top_p": ROW + 1, "min_p": ROW, "filter_temperature": ROW + 1}
for _name, _call in OF_ROWS.items():
    for _parameter, _value in (BESIDE | FILTERS).items():
        if _parameter == "indptr" and _name in ("gumbel_softmax", "truncate"):
            continue
        if _parameter in FILTERS and _name not in ("categorical", "log_prob", "entropy", "truncate"):
            continue
        _x = ROW if _parameter == "indptr" else X
        _take = lambda a, call=_call, x=_x, parameter=_parameter: call(x, **{parameter: a})  # noqa: E731
        TAKERS[f"{_parameter}: {_name}"] = (_value, _take)

LAZY = {"Dask's": DaskLike, "another collection of Dask": OtherCollection, "zarr's or h5py's": ZarrLike}


def takers():
    cases = [(name.split(":")[0], value, call) for name, (value, call) in TAKERS.items()]
    return pytest.mark.parametrize("name, value, call", cases, ids=TAKERS)


@takers()
@pytest.mark.parametrize("kind", LAZY)
def test_lazy_arrays_are_refused_unread(kind, name, value, call):
    call(value)
    source = LAZY[kind](value)
    with pytest.raises(TypeError, match=rf"^{name}\b"):
        call(source)
    assert not source.loaded


@takers()
def test_labelled_arrays_in_memory_are_taken(name, value, call):
    if name == "size":
        return  # an int, a sequence or an array of NumPy
    np.testing.assert_equal(np.shape(call(Labelled(value))), np.shape(call(value)))


@pytest.mark.parametrize("kind", LAZY)
def test_lists_of_them_are_refused(kind):
    rows = [LAZY[kind](np.zeros(3)) for _ in range(4)]
    for call in (
        gumbel_fast.categorical,
        gumbel_fast.softmax,
        lambda a: gumbel_fast.gumbel_top_k(a, 1),
        lambda a: gumbel_fast.gumbel_max(X, mask=a),
        lambda a: gumbel_fast.gumbel_max(X, noise=a),
        lambda a: gumbel_fast.gumbel_max(tuple(a)),
        lambda a: gumbel_fast.gumbel_max([np.zeros(3), *a]),
        lambda a: gumbel_r.cdf(a),
    ):
        with pytest.raises(TypeError):
            call(rows)
        assert not any(row.loaded for row in rows)


@pytest.mark.parametrize("kind", LAZY)
def test_as_out(kind):
    for call in (
        lambda out: gumbel_fast.softmax(X, out=out),
        lambda out: gumbel_fast.gumbel(size=(4, 3), out=out),
        lambda out: gumbel_r.cdf(X, out=out),
    ):
        out = LAZY[kind](X)
        with pytest.raises(TypeError, match=r"^out\b"):
            call(out)
        assert not out.loaded


def test_the_error_says_what_to_do():
    with pytest.raises(TypeError, match=r"logits.*gumbel_fast\.dask"):
        gumbel_fast.categorical(DaskLike(X))
    with pytest.raises(TypeError, match=r"temperature.*gumbel_fast\.dask|gumbel_fast\.dask.*temperature"):
        gumbel_fast.categorical(X, temperature=DaskLike(ROW + 1))
    with pytest.raises(TypeError, match=r"logits.*(np\.asarray|\[|gumbel_fast\.dask)"):
        gumbel_fast.categorical(ZarrLike(X))


@takers()
def test_arrays_of_dask_itself(name, value, call):
    da = pytest.importorskip("dask.array", reason="Dask is not installed")

    def refuse(block):
        if block.size:  # else Dask asks what it gives
            raise AssertionError("was computed")
        return block

    lazy = da.from_array(np.asarray(value), chunks=2).map_blocks(refuse, dtype=np.asarray(value).dtype)
    with pytest.raises(TypeError, match=rf"^{name}\b"):
        call(lazy)


@pytest.mark.parametrize("kind", ["bag", "delayed", "scalar"])
def test_other_collections_of_dask(kind):
    dask = pytest.importorskip("dask", reason="Dask is not installed")
    da = pytest.importorskip("dask.array", reason="Dask is not installed")
    if kind == "bag":
        lazy = pytest.importorskip("dask.bag", reason="Dask is not installed").from_sequence([0.0, 1.0])
    else:
        lazy = dask.delayed(np.zeros)(3) if kind == "delayed" else da.zeros(3).sum()
    for call in gumbel_fast.softmax, gumbel_fast.categorical, lambda a: gumbel_fast.softmax(X, temperature=a):
        with pytest.raises(TypeError, match=r"^(logits|temperature)\b.*gumbel_fast\.dask"):
            call(lazy)


def test_arrays_of_zarr_itself():
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    array = zarr.create_array({}, shape=(4, 3), chunks=(2, 3), dtype="f8")
    for call in gumbel_fast.categorical, gumbel_fast.softmax, lambda a: gumbel_fast.gumbel_max(X, noise=a):
        with pytest.raises(TypeError, match=r"^(logits|noise)\b"):
            call(array)
        call(array[:])
