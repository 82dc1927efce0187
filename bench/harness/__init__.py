"""How anything is measured, whatever it is: imported by `regimes`, which say what, and by `reporting`. No regime here.

regime.py      what a regime, a contestant and a target are, and the registry of regimes
inputs.py      the seeded arrays they run on
checks.py      what a contestant's output must pass before it is timed
peers.py       which other libraries are here, and how all of them are held to one thread
allocator.py   the same memory allocator settings for everyone
timing.py      contestants timed in turn, so that a busy machine disturbs all alike
measure.py     one regime measured: checked, timed, put in ratio
machine.py     what the figures were measured on
simd.py        the SIMD target, which the compiled core alone knows

Nothing but NumPy is needed: a peer that is not installed is skipped with a word.
"""
