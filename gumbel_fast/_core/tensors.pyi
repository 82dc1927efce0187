from collections.abc import Callable
from typing import Any

from typing_extensions import disjoint_base

F32: int
F64: int
F16: int
BF16: int
MASK_BYTES: int
MASK_WORDS: int

@disjoint_base
class PlainTensors:
    def __init__(
        self,
        types: tuple[type, ...],
        strided: object,
        dtypes: dict[Any, int],
        mask_dtypes: dict[Any, int],
        watchers: tuple[Callable[[], object], ...],
        derivatives_wanted: Callable[[Any], object],
        new_words: Callable[[], Any],
        from_numpy: Callable[[Any], Any],
    ) -> None: ...
    def plain(self, *tensors: object) -> bool: ...
    def seed(self, generator: Any) -> tuple[int, int]: ...
    def categorical(
        self,
        logits: Any,
        temperature: object,
        top_k: object,
        top_p: object,
        min_p: object,
        mask: object,
        generator: Any,
        log_prob: bool,
        entropy: bool,
    ) -> Any: ...
