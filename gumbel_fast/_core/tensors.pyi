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
        index_dtype: object,
        new_words: Callable[[], Any],
        from_numpy: Callable[[Any], Any],
    ) -> None: ...
    def plain(self, *tensors: object) -> bool: ...
    def seed(self, generator: Any) -> tuple[int, int]: ...
    def categorical(
        self,
        logits: Any,
        temperature: object,
        filters: tuple[object, ...],
        mask: object,
        generator: Any,
        seed: tuple[int, int] | None,
        log_prob: bool,
        entropy: bool,
    ) -> Any: ...
    def log_prob(
        self, logits: Any, index: Any, temperature: object, filters: tuple[object, ...], mask: object, entropy: bool
    ) -> Any: ...
    def log_prob_vjp(
        self,
        logits: Any,
        index: Any,
        grad: Any,
        grad_entropy: Any,
        temperature: object,
        filters: tuple[object, ...],
        mask: object,
    ) -> Any: ...
    def gumbel_softmax(
        self, logits: Any, seed: tuple[int, int], tau: object, mask: object, form: int, one_hot: bool
    ) -> Any: ...
    def softmax_vjp(self, y: Any, grad: Any, tau: object) -> Any: ...
