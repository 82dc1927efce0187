from collections.abc import Callable

MOST_THREADS: int

def share(work: Callable[[int, int], object], total: int, step: int, workers: int) -> None: ...
