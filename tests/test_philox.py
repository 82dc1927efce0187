"""Philox4x32-10, in the core and in its NumPy twin, against Random123's published known answers."""

import numpy as np
import pytest

import reference
from gumbel_fast import _core

# kat_vectors of Random123, "philox4x32 10": counter, key, answer.
KNOWN_ANSWERS = {
    "zero": (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    "all ones": (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    "digits of pi": (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
}


@pytest.mark.parametrize("philox", [_core.philox4x32, reference.philox4x32], ids=["core", "reference"])
@pytest.mark.parametrize("counter, key, answer", KNOWN_ANSWERS.values(), ids=KNOWN_ANSWERS)
def test_known_answers(philox, counter, key, answer):
    assert tuple(int(word) for word in philox(counter, key)) == answer


def test_core_is_reference():
    for counter_and_key in np.random.default_rng(1).integers(0, 2**32, size=(500, 6)).tolist():
        counter, key = counter_and_key[:4], counter_and_key[4:]
        core = [int(word) for word in _core.philox4x32(counter, key)]
        assert core == [int(word) for word in reference.philox4x32(counter, key)]


def test_reference_words_are_counted_as_promised():
    """Element (r, c) of (a, b) is word c & 3 of counter (c >> 2, tag, b + r low and high), key (a low, a high)."""
    a, b = 0x0123456789ABCDEF, 0xFEDCBA9876543210
    for row, column, tag in [(0, 0, 0), (5, 7, 1), (2**63, 2**34 - 1, 0), (2**64 - 1, 2**32 + 2, 3)]:
        absolute = (b + row) % 2**64
        counter = (column >> 2, tag, absolute & 0xFFFFFFFF, absolute >> 32)
        answer = _core.philox4x32(counter, (0x89ABCDEF, 0x01234567))[column & 3]
        assert int(reference.words(a, b, row, column, tag)) == int(answer)
