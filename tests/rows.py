"""Rows of logits for tests, the layouts in which arrays of them come, and arguments that every function refuses.

What is random here comes from NumPy with fixed seeds; nothing here knows the library.
"""

import ml_dtypes
import numpy as np

BFLOAT16 = ml_dtypes.bfloat16
DTYPES = [np.float32, np.float64]
ALL_DTYPES = [np.float32, np.float64, np.float16, BFLOAT16]

# Around the edges of registers, of blocks and of the choice of a method.
LENGTHS = [1, 2, 3, 6, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 200, 1000, 1023, 1024, 1025, 5000]


def some_rows(shape, dtype=np.float32, seed=3, masked=0.1):
    """Rows a few nats wide, a tenth of them masked, the first category never."""
    x = np.random.default_rng(seed).normal(0, 2, shape)
    x[np.random.default_rng(seed + 1).random(shape) < masked] = -np.inf
    x[..., 0] = 0
    return x.astype(dtype)


def compute_dtype(dtype):
    return np.float64 if np.dtype(dtype) == np.float64 else np.float32


def swapped(x):
    """In the other byte order, where the dtype has one."""
    return x if x.dtype == BFLOAT16 else x.astype(x.dtype.newbyteorder(">"))


LAYOUTS = {
    "strided rows": lambda x: np.repeat(x, 3, axis=0)[::3],
    "padded rows": lambda x: np.concatenate([x, x[:, :5]], axis=1)[:, : x.shape[1]],
    "rows backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "strided columns": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "columns backwards": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "Fortran order": np.asfortranarray,
    "other byte order": swapped,
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes(), np.uint8).view(x.dtype).reshape(x.shape),
    "a subclass": lambda x: x.view(type("Subclass", (np.ndarray,), {})),
}

BAD = [np.nan, -np.nan, np.inf, -np.inf]


def spoiled(x, row, bad):
    """A copy whose row cannot be drawn from, with another such row at the end."""
    x = x.copy()
    if bad == -np.inf:
        x[row] = bad
    else:
        x[row, x.shape[1] // 2] = bad
    x[-1] = np.nan
    return x


OUT_VIEWS = {
    "plain": lambda a: a,
    "backwards": lambda a: a[::-1],
    "columns backwards": lambda a: a[..., ::-1],
    "transposed": lambda a: a.T.copy().T,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "padded": lambda a: np.concatenate([a, a], axis=-1)[..., : a.shape[-1]],
    "misaligned": lambda a: np.frombuffer(bytearray(b"\0" + a.tobytes()), np.uint8)[1:].view(a.dtype).reshape(a.shape),
}


def outs_that_do_not_fit(shape, dtype):
    """Arrays of sevens that are no `out` for a result of this shape and dtype."""
    read_only = np.full(shape, 7, dtype)
    read_only.flags.writeable = False
    other = np.float32 if np.dtype(dtype) == np.float64 else np.float64
    return [
        np.full((*shape, 1), 7, dtype),
        np.full((1, *shape), 7, dtype),
        np.full((shape[0] + 1, *shape[1:]), 7, dtype),
        np.full((), 7, dtype),
        np.full(shape, 7, other),
        np.full(shape, 7, np.int32),
        np.full(shape, 7, np.dtype(dtype).newbyteorder(">")),
        read_only,
    ]


NO_NUMBERS = [[1j, 2], ["a", "b"], [None, 1.0], np.array([b"a"]), np.zeros((2, 3), "c8"), np.zeros(3, "M8[s]")]
NO_TEMPERATURES = [-1, -1e-300, np.nan, -np.inf]
