"""The SIMD target in use, those that can be, and a way to change it: all that benchmarks know of the compiled core."""

from gumbel_fast._core import simd_target, usable_targets, use_target

__all__ = ["simd_target", "usable_targets", "use_target"]
