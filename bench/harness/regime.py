"""What a regime, a contestant and a target are, and the registry of regimes. No timing and no inputs live here.

To add a regime, write one function in `regimes/` and decorate it with `@regime`: pytest and the scripts find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from .allocator import Allocator
from .inputs import Inputs

#: What is timed: everything it needs is made beforehand, and it returns what it computed.
Call = Callable[[], Any]
#: Looks at what a call returns, and raises `CheckError` if that is not what was asked for.
Check = Callable[[Call], None]


class CheckError(Exception):
    """A contestant's output is not what the regime asks for."""


class Role(StrEnum):
    """What a contestant is in its regime."""

    PROJECT = "project"
    PEER = "peer"
    LIMIT = "limit"


@dataclass(frozen=True)
class Contestant:
    """One way to do the job of a regime.

    `prepare` imports the library, makes the buffers and compiles what is compiled, outside the timing; a library that
    is not installed shows there as ImportError. `note` says how the job differs a little, such as "float64"; `flaw` in
    what the output is known to be wrong, such as "infinities". With the name they stand in one column of a table.
    """

    name: str
    library: str
    prepare: Callable[[], Call]
    check: Check
    role: Role = Role.PEER
    note: str = ""
    flaw: str = ""


@dataclass(frozen=True)
class Target:
    """How fast the project must be beside one contestant: `bar` is the least accepted, `goal` what is aimed at.

    Against a peer the figure is the peer's time over the project's, at least `bar`. Against the limit (`of_limit`) it
    is the project's time over the limit's, at most `bar`. Both are for AVX-512, unless they are for `any_simd`.
    """

    against: str
    bar: float | None
    goal: float | None
    of_limit: bool = False
    any_simd: bool = False

    def on(self, simd: str) -> Target:
        """Return the target that holds for a SIMD target's name: half of each ratio where it is not AVX-512."""
        if simd == "avx512" or self.any_simd:
            return self
        times = 2.0 if self.of_limit else 0.5
        bar, goal = (None if bound is None else bound * times for bound in (self.bar, self.goal))
        return replace(self, bar=bar, goal=goal)

    def figure(self, times_project: float) -> float:
        """Turn "the contestant takes this many times the project's time" into what `bar` and `goal` bound."""
        return 1 / times_project if self.of_limit else times_project

    def met(self, figure: float, bound: float) -> bool:
        """Whether a figure keeps a bound."""
        return figure <= bound if self.of_limit else figure >= bound


@dataclass(frozen=True)
class Regime:
    """A job that users have, with everybody who can do it.

    `title` says what is computed and `meaning` what for, in a line each; `short` is the title where there is no room
    for it. `elements` and `bytes_moved` are those of one call. `allocator` is the setting that the targets are for.
    Regimes of one `series` are the same job at other sizes: points of one curve.
    """

    name: str
    title: str
    short: str
    meaning: str
    elements: int
    bytes_moved: int
    contestants: tuple[Contestant, ...]
    targets: tuple[Target, ...] = ()
    allocator: Allocator = Allocator.KEEPING
    series: str = ""

    @property
    def project(self) -> Contestant:
        """The contestant that the others are measured against."""
        (project,) = (contestant for contestant in self.contestants if contestant.role is Role.PROJECT)
        return project


#: A regime's function: it makes the inputs, so it is called only when the regime is run.
Factory = Callable[[Inputs], Regime]

#: Every regime by name, in the order of definition.
REGISTRY: dict[str, Factory] = {}


def regime(factory: Factory) -> Factory:
    """Register a regime under its function's name."""
    return register(factory.__name__, factory)


def register(name: str, factory: Factory) -> Factory:
    """Register a regime under a name."""
    REGISTRY[name] = factory
    return factory
