"""Benchmarks: one definition of what is measured, for pytest and for the command line alike.

regime.py      what a regime, a contestant and a target are, and the registry of regimes
regimes/       the regimes themselves, one function each, one file a subject
numpy_noise.py the noise that NumPy's best contestants share
numba_loops.py the loops that Numba's contestants compile
inputs.py      the seeded arrays they run on
checks.py      what a contestant's output must pass before it is timed
peers.py       which other libraries are here, and how all of them are held to one thread
allocator.py   the same memory allocator settings for everyone
timing.py      contestants timed in turn, so that a busy machine disturbs all alike
measure.py     one regime measured: checked, timed, put in ratio
apart.py       the same in a process with an allocator setting of its own
machine.py     what the figures were measured on
record.py      outcomes as JSON, in pytest-benchmark's format
text.py        an outcome as plain text
markdown.py    a record as Markdown
charts.py      outcomes as pictures

Nothing here is imported by `import gumbel_fast`, and nothing but NumPy is needed: a peer that is not installed is
skipped with a word.
"""
