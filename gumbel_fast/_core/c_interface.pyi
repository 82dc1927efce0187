# Nothing for Python: what it gives to other extensions is declared in c_interface.pxd.

# By name, a capsule for each function there; Cython makes it. gumbel_fast/capi.py takes the addresses from it.
__pyx_capi__: dict[str, object]
