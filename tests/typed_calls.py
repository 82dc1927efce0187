"""What type checkers infer of calls: mypy reads this file, nothing runs it, and a wrong type is an error there."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import gumbel_fast as gf

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def samplers(vector: Vector, matrix: Matrix) -> None:
    """One draw from 1-D logits is a scalar; all else is an array."""
    assert_type(gf.categorical(vector), np.int64)
    assert_type(gf.categorical([0.0, 1.0]), np.int64)
    assert_type(gf.categorical(matrix, temperature=[1.0, 2.0]), NDArray[np.int64])
    assert_type(gf.categorical(vector, num_samples=3), NDArray[np.int64])
    assert_type(gf.gumbel_max(vector), np.int64)
    assert_type(gf.gumbel_max(matrix), NDArray[np.int64])
    assert_type(gf.gumbel_max(vector, return_value=True), tuple[np.int64, np.float64])
    assert_type(gf.gumbel_max(matrix, return_value=True), tuple[NDArray[np.int64], NDArray[np.float64]])
    assert_type(gf.gumbel_top_k(vector, 2), NDArray[np.int64])
    assert_type(gf.gumbel_top_k(matrix, 2, return_value=True), tuple[NDArray[np.int64], NDArray[np.float64]])


def relaxations(vector: Vector, matrix: Matrix) -> None:
    """Of the shape of the logits; log-sum-exp of one row is a scalar."""
    assert_type(gf.softmax(vector), NDArray[Any])
    assert_type(gf.gumbel_softmax(matrix), NDArray[Any])
    assert_type(gf.logsumexp(vector), np.floating[Any])
    assert_type(gf.logsumexp(matrix), NDArray[Any])
    assert_type(gf.softmax_vjp(matrix, matrix), NDArray[Any])
