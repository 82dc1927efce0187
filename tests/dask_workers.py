"""What tests of gumbel_fast.dask run in other processes, which import this module by its name.

Dask's schedulers pickle these functions. pytest is not imported here, nor anything of the tests.
"""

import time

import dask
import dask.array as da
import numpy as np


def piece(number, shape, seconds=0.0):
    """The same numbers whenever and wherever they are made, and as slowly as is asked for."""
    time.sleep(seconds)
    return np.random.default_rng(number).normal(0, 2, shape).astype(np.float32)


def pieces(count, shape, seconds=0.0):
    """A Dask array of so many pieces along the last axis of a row, or along the first axis of several."""
    make = dask.delayed(piece, pure=True)
    blocks = [da.from_delayed(make(i, shape, seconds), shape, np.float32) for i in range(count)]
    return da.concatenate(blocks)


def part(whole, start, size):
    return whole[start : start + size]
