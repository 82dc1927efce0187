"""Exact values, by mpmath, as pairs of doubles: the nearest to each, and what it leaves."""

import threading

import mpmath
import numpy as np

_lock = threading.Lock()  # mpmath's precision, and the constants it keeps, are those of the whole process


def exact(bits, function, *arguments):
    """Return `function` of mpmath numbers, one of each array in turn, computed with so many bits."""
    with _lock, mpmath.workprec(bits):
        truth = [function(*map(mpmath.mpf, values)) for values in zip(*arguments, strict=True)]
        nearest = [float(t) for t in truth]
        return np.array(nearest), np.array([float(t - n) for t, n in zip(truth, nearest, strict=True)])
