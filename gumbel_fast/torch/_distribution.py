"""`Categorical`, in place of ``torch.distributions.Categorical``, with a mask."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical as _Categorical
from torch.distributions import Distribution
from torch.distributions.kl import _KL_MEMOIZE, register_kl

from .. import _methods
from .._arguments import NO_FILTERS
from .._request import draw, to_sample
from .._rng import SeedPair
from ._sampling import categorical, tell
from ._tensors import array_of, as_booleans, check_device, check_logits, check_mask, compute_dtype, is_plain


class Categorical(_Categorical):
    """A categorical distribution that draws by `categorical`: `torch.distributions.Categorical`, with a mask.

    A policy written for torch's takes it by changing the import. Nothing is normalised when it is made: `sample`,
    `log_prob` and `entropy` each read the logits once, and so do their gradients. The attributes `logits` and `probs`
    are normalised when they are first asked for. Logits and mask are copied, so that a distribution stays what it was
    when they are changed. Draws come from torch's own generator for the CPU.

    Parameters
    ----------
    probs : Tensor of floats, on the CPU, shape (..., n), optional
        Probabilities, unnormalised, along the last dimension: 0 or more. One that is 0 is as if it were masked, and has
        the gradient 0. Exactly one of `probs` and `logits`.
    logits : Tensor of floats, on the CPU, shape (..., n), optional
        Unnormalised log-probabilities, in nats; -inf is a mask.
    mask : Tensor of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, such as the actions that are allowed: of the kinds and shapes that `categorical` takes. The
        others have probability 0, log-probability -inf and gradient 0.
    validate_args : bool, optional
        Whether to look for rows that cannot be drawn from when it is made, which takes a pass over the logits, and for
        values that are no categories in `log_prob`. By default as torch has it
        (`torch.distributions.Distribution.set_default_validate_args`). In compiled and traced graphs no values are
        looked at.

    Raises
    ------
    ValueError
        Not exactly one of `probs` and `logits`, or one without dimensions; if it is to be validated, a row with NaN,
        +inf, a probability below 0, or nothing left to draw from.
    TypeError
        Logits or probabilities that are not real floating-point numbers; a mask of another dtype.

    See Also
    --------
    categorical : the same as one function, with a temperature and filters.

    Examples
    --------
    >>> import torch
    >>> from gumbel_fast.torch import Categorical
    >>> policy = Categorical(logits=torch.zeros(2, 3), mask=torch.tensor([True, False, True]))
    >>> policy.probs
    tensor([[0.5000, 0.0000, 0.5000],
            [0.5000, 0.0000, 0.5000]])
    >>> action = policy.sample()
    >>> policy.log_prob(action), policy.entropy()
    (tensor([-0.6931, -0.6931]), tensor([0.6931, 0.6931]))
    """

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        mask: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if isinstance(mask, bool):  # the third argument of torch's own
            mask, validate_args = None, mask
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        check_logits(name, given)
        assert given is not None
        check_mask(mask, given)
        if given.ndim < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        self._num_events = given.shape[-1]
        # Copies, as torch's own are: a distribution stays what it was when its arguments are changed.
        self.mask = None if mask is None else mask.clone()
        self._set(name, given.clone())
        # Past torch's own, which would normalise.
        Distribution.__init__(self, given.shape[:-1], validate_args=False)
        self._validate_args = Distribution._validate_args if validate_args is None else validate_args
        if self._validate_args and is_plain(given, mask):
            self._validate(probs)

    def _set(self, name: str, given: Tensor) -> None:
        """Take logits or probabilities as what it is made of."""
        self._name, self._dtype = name, given.dtype
        self._logits: Tensor | None = None
        self._probs: Tensor | None = None
        if name == "logits":
            self._param = given
            return
        wide = given.to(compute_dtype(given.dtype))
        none = wide == 0  # which has the log-probability -inf, and no derivative
        if self.mask is not None:
            none = none | ~as_booleans(self.mask, self._num_events)
        self._param = wide.masked_fill(none, 1).log().masked_fill(none, -torch.inf)

    def __repr__(self) -> str:
        """Say what it was made of, as torch does."""
        parts = {self._name: self._param.shape} | ({} if self.mask is None else {"mask": self.mask.shape})
        return f"{type(self).__name__}({', '.join(f'{name}: {shape}' for name, shape in parts.items())})"

    def _validate(self, probs: Tensor | None) -> None:
        if probs is not None:
            below = probs < 0
            if self.mask is not None:
                below = below & as_booleans(self.mask, self._num_events)
            if bool(below.any()):
                raise ValueError("gumbel_fast: probs must be 0 or more")
        if self._param.numel():
            allowed = None if self.mask is None else array_of(self.mask)
            parts: Any = 1.0, allowed, None, NO_FILTERS, -1
            request = to_sample(array_of(self._param, halves=True), parts, rng=SeedPair(0, 0))
            try:
                draw(request, _methods.CHECK, torch.get_num_threads())
            except ValueError as error:
                raise ValueError(f"gumbel_fast: {str(error).replace('logits', self._name, 1)}") from None

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """Return the distribution with its batch expanded to that shape.

        Parameters
        ----------
        batch_shape : torch.Size or sequence of ints
            What its batch broadcasts to.

        Returns
        -------
        Categorical
            Of that batch, whose tensors are views.
        """
        new = self._get_checked_instance(Categorical, _instance)
        shape = torch.Size(batch_shape)
        new._name, new._dtype, new._num_events = self._name, self._dtype, self._num_events
        new._logits = new._probs = None
        new._param = self._param.expand((*shape, self._num_events))
        new.mask = self.mask
        if self.mask is not None:
            new.mask = self.mask.expand((*shape, self.mask.shape[-1]))
        Distribution.__init__(new, shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def logits(self) -> Tensor:
        """Normalised log-probabilities."""
        if self._logits is None:
            with torch.enable_grad():
                self._logits = self._left().log_softmax(-1).to(self._dtype)
        return self._logits

    @logits.setter
    def logits(self, value: Tensor) -> None:
        self._set("logits", value)

    @property
    def probs(self) -> Tensor:
        """Probabilities, which sum to 1."""
        if self._probs is None:
            with torch.enable_grad():
                self._probs = self._left().softmax(-1).to(self._dtype)
        return self._probs

    @probs.setter
    def probs(self, value: Tensor) -> None:
        self._set("probs", value)

    def _left(self) -> Tensor:
        """Return the logits, -inf where the mask leaves none."""
        if self.mask is None:
            return self._param
        return self._param.masked_fill(~as_booleans(self.mask, self._num_events), -torch.inf)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:  # noqa: B008  # immutable, and torch's own default
        """Draw categories from each row.

        Parameters
        ----------
        sample_shape : torch.Size or sequence of ints, default torch.Size([])
            How many from each, as a shape.

        Returns
        -------
        Tensor of int64
            Of shape `sample_shape` + the batch's.
        """
        raw = self._param.detach()
        if not len(sample_shape):
            drawn: Tensor = categorical(raw, mask=self.mask)
            return drawn
        shape = torch.Size(sample_shape)
        several: Tensor = categorical(raw, shape.numel(), mask=self.mask)
        return several.movedim(-1, 0).reshape(shape + self._batch_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log-probabilities of categories.

        Parameters
        ----------
        value : Tensor of ints
            Categories, of a shape that broadcasts with the batch's.

        Returns
        -------
        Tensor of float32 or float64
            In nats, of the broadcast shape.
        """
        if self._validate_args and not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        check_device("value", value, self._param)
        if value.is_complex():
            raise TypeError("gumbel_fast: value must be categories, not complex numbers")
        index = value.long()
        if self._validate_args and is_plain(value):
            self._validate_value(value, index)
        batch = self._batch_shape
        if index.shape == batch:
            return tell(self._param, index, self.mask, entropy=False)[0]
        shape = torch.broadcast_shapes(index.shape, batch)
        index = index.expand(shape)
        if shape[len(shape) - len(batch) :] == batch:  # several for each row
            several = index.reshape((-1, *batch)).movedim(0, -1)
            return tell(self._param, several, self.mask, entropy=False)[0].movedim(-1, 0).reshape(shape)
        return self.expand(shape).log_prob(index)

    def _validate_value(self, value: Tensor, index: Tensor) -> None:
        try:
            torch.broadcast_shapes(index.shape, self._batch_shape)
        except RuntimeError:
            raise ValueError(
                f"gumbel_fast: value of shape {tuple(index.shape)} does not broadcast to {tuple(self._batch_shape)}"
            ) from None
        if not index.numel():
            return
        least, most = index.aminmax()
        whole = not value.is_floating_point() or bool((value == index).all())
        if int(least) < 0 or int(most) >= self._num_events or not whole:
            raise ValueError(f"gumbel_fast: value must be categories, ints from 0 to {self._num_events - 1}")

    def entropy(self) -> Tensor:
        """Return the entropy of each row.

        Returns
        -------
        Tensor of float32 or float64
            In nats, of the shape of the batch.
        """
        return tell(self._param, None, self.mask, entropy=True)[1]


@register_kl(Categorical, Categorical)
def _kl(p: Categorical, q: Categorical) -> Tensor:
    """Return torch's divergence, with a gradient where a category is masked."""
    nothing = p.probs == 0
    beside = (q.probs == 0) & ~nothing
    difference = p.logits.masked_fill(nothing, 0) - q.logits.masked_fill(nothing | beside, 0)
    return (p.probs * difference).masked_fill(beside, torch.inf).sum(-1)


# Found before it is looked for: torch looks by a generator, which no graph can hold.
_KL_MEMOIZE.update({(Categorical, Categorical): _kl})
