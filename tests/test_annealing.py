"""The temperature's schedule: its values against the formula, its floor, and the arguments that it refuses."""

import math

import numpy as np
import pytest

from gumbel_fast import annealed_temperature


def test_formula():
    """Jang, Gu and Poole's own numbers: initial 1, floor 0.5, rate 1e-4."""
    for step in (0, 1, 500, 6931, 6932, 10**6):
        assert annealed_temperature(step, rate=1e-4) == pytest.approx(max(0.5, math.exp(-1e-4 * step)), rel=1e-15)


def test_begins_at_initial_and_ends_at_floor_exactly():
    assert annealed_temperature(0, rate=0.3, initial=2.5, floor=0.1) == 2.5
    assert annealed_temperature(10**9, rate=0.3, initial=2.5, floor=0.1) == 0.1
    assert annealed_temperature(10**9, rate=0.0, initial=2.5, floor=0.1) == 2.5


def test_one_step_gives_a_float():
    """As a plain number that torch, JSON and format strings take."""
    for step in (3, np.int64(3), np.array(3)):
        assert type(annealed_temperature(step, rate=0.1)) is float


def test_array_of_steps():
    steps = np.arange(12).reshape(3, 4)
    temperatures = annealed_temperature(steps, rate=0.2, initial=3.0, floor=1.0)
    assert temperatures.shape == (3, 4)
    assert temperatures.dtype == np.float64
    one_by_one = [annealed_temperature(step, rate=0.2, initial=3.0, floor=1.0) for step in range(12)]
    np.testing.assert_allclose(temperatures.ravel(), one_by_one, rtol=1e-15)


def test_floor_is_reached_when_the_docstring_says():
    last = math.log(2.0 / 0.25) / 0.01
    assert annealed_temperature(last - 1, rate=0.01, initial=2.0, floor=0.25) > 0.25
    assert annealed_temperature(last + 1, rate=0.01, initial=2.0, floor=0.25) == 0.25


@pytest.mark.parametrize(
    "arguments",
    [
        {"rate": -0.1},
        {"rate": math.nan},
        {"rate": math.inf},
        {"rate": 0.1, "floor": 0.0},
        {"rate": 0.1, "floor": -1.0},
        {"rate": 0.1, "floor": math.nan},
        {"rate": 0.1, "floor": 2.0},
        {"rate": 0.1, "initial": math.inf},
        {"rate": 0.1, "initial": math.nan},
    ],
    ids=str,
)
def test_refuses_what_is_no_schedule(arguments):
    with pytest.raises(ValueError, match="must be"):
        annealed_temperature(3, **arguments)


@pytest.mark.parametrize("step", [-1, math.nan, math.inf, [3, -1]], ids=str)
def test_refuses_what_is_no_step(step):
    with pytest.raises(ValueError, match="step must be"):
        annealed_temperature(step, rate=0.1)
