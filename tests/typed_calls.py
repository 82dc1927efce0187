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
    assert_type(gf.categorical(vector, return_log_prob=True), tuple[np.int64, np.floating[Any]])
    assert_type(gf.categorical([0.0, 1.0], return_log_prob=True), tuple[np.int64, np.floating[Any]])
    assert_type(gf.categorical(matrix, return_log_prob=True), tuple[NDArray[np.int64], NDArray[Any]])
    assert_type(gf.categorical(vector, num_samples=3, return_log_prob=True), tuple[NDArray[np.int64], NDArray[Any]])
    assert_type(gf.gumbel_max(vector), np.int64)
    assert_type(gf.gumbel_max(matrix), NDArray[np.int64])
    assert_type(gf.gumbel_max(vector, return_value=True), tuple[np.int64, np.float64])
    assert_type(gf.gumbel_max(matrix, return_value=True), tuple[NDArray[np.int64], NDArray[np.float64]])
    assert_type(gf.gumbel_top_k(vector, 2), NDArray[np.int64])
    assert_type(gf.gumbel_top_k(matrix, 2, return_value=True), tuple[NDArray[np.int64], NDArray[np.float64]])
    assert_type(gf.gumbel_top_k(matrix, 2, floor=0.5, allow_fewer=True), NDArray[np.int64])
    assert_type(gf.gumbel_top_k(matrix, 2, floor=[0.5, 1.0]), NDArray[np.int64])


def filters(vector: Vector, matrix: Matrix) -> None:
    """Scalars or one for each row; masks of bools, bytes or words; what is kept has the shape of the logits."""
    words = np.zeros(2, np.uint32)
    assert_type(gf.categorical(vector, top_k=5, top_p=0.9, min_p=0.1, filter_temperature=1, mask=words), np.int64)
    assert_type(gf.categorical(matrix, top_k=[3, 5], mask=matrix > 0, allow_fewer=True), NDArray[np.int64])
    assert_type(gf.truncate(vector, top_k=5), NDArray[Any])
    assert_type(gf.truncate(matrix, top_p=[0.9, 0.5], mask=words), NDArray[Any])
    assert_type(gf.entropy(vector, top_p=0.9), np.floating[Any])
    assert_type(gf.entropy([0.0, 1.0]), np.floating[Any])
    assert_type(gf.entropy(matrix), NDArray[Any])
    # Whether it is a scalar depends on the shape of the index too, which types do not tell.
    assert_type(gf.log_prob(vector, 1, top_k=5), Any)
    assert_type(gf.log_prob(matrix, [[1, 2], [0, 1]]), Any)


def weights(vector: Vector, matrix: Matrix, indptr: NDArray[np.int32]) -> None:
    """In place of logits, with the same results."""
    assert_type(gf.categorical(weights=vector), np.int64)
    assert_type(gf.categorical(weights=[0.25, 0.75]), np.int64)
    assert_type(gf.categorical(weights=matrix), NDArray[np.int64])
    assert_type(gf.categorical(weights=vector, num_samples=3), NDArray[np.int64])
    assert_type(gf.categorical(weights=vector, return_log_prob=True), tuple[np.int64, np.floating[Any]])
    assert_type(gf.categorical(weights=matrix, return_log_prob=True), tuple[NDArray[np.int64], NDArray[Any]])
    assert_type(gf.categorical(weights=vector, indptr=indptr), NDArray[np.int64])
    assert_type(gf.gumbel_top_k(weights=vector, k=2), NDArray[np.int64])
    assert_type(gf.gumbel_top_k(weights=matrix, k=2, return_value=True), tuple[NDArray[np.int64], NDArray[np.float64]])


def row_streams(vector: Vector, matrix: Matrix, pairs: NDArray[np.uint64]) -> None:
    """An rng like others, made of seeds or of their words."""
    streams = gf.RowStreams([3, 4], positions=7)
    assert_type(streams, gf.RowStreams)
    assert_type(gf.categorical(matrix, rng=streams), NDArray[np.int64])
    assert_type(gf.gumbel_max(vector, rng=gf.RowStreams(3)), np.int64)
    assert_type(gf.gumbel_softmax(matrix, rng=gf.RowStreams(pairs, np.arange(2))), NDArray[Any])


def ragged_rows(vector: Vector, indptr: NDArray[np.int32]) -> None:
    """1-D logits and the bounds of their rows: a batch, whose results are arrays."""
    assert_type(gf.categorical(vector, indptr=indptr), NDArray[np.int64])
    assert_type(gf.categorical([0.0, 1.0, 2.0], indptr=[0, 1, 3]), NDArray[np.int64])
    assert_type(gf.categorical(vector, indptr=[0, 2], return_log_prob=True), tuple[NDArray[np.int64], NDArray[Any]])
    assert_type(gf.categorical(vector, indptr=indptr, num_samples=3, mask=vector > 0), NDArray[np.int64])
    assert_type(gf.gumbel_max(vector, indptr=indptr), NDArray[np.int64])
    assert_type(gf.gumbel_max(vector, indptr=[0], return_value=True), tuple[NDArray[np.int64], NDArray[np.float64]])
    assert_type(gf.gumbel_top_k(vector, 2, indptr=indptr), NDArray[np.int64])
    assert_type(gf.softmax(vector, indptr=indptr), NDArray[Any])
    assert_type(gf.log_softmax([0.0, 1.0], indptr=[0, 1, 2]), NDArray[Any])
    assert_type(gf.logsumexp(vector, indptr=indptr), NDArray[Any])
    assert_type(gf.entropy(vector, indptr=indptr, temperature=[1.0, 2.0]), NDArray[Any])
    assert_type(gf.log_prob(vector, [0, 1], indptr=[0, 2, 5]), Any)


def relaxations(vector: Vector, matrix: Matrix) -> None:
    """Of the shape of the logits; log-sum-exp of one row is a scalar."""
    assert_type(gf.softmax(vector), NDArray[Any])
    assert_type(gf.gumbel_softmax(matrix), NDArray[Any])
    assert_type(gf.gumbel_softmax(matrix, log=True), NDArray[Any])
    assert_type(gf.logsumexp(vector), np.floating[Any])
    assert_type(gf.logsumexp(matrix), NDArray[Any])
    assert_type(gf.softmax_vjp(matrix, matrix), NDArray[Any])
