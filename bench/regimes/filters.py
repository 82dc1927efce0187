"""The job around the draw: filters, masks, a seed for each request, the log-probability of what was drawn.

In each regime the limit is "the draw": `categorical` on the same rows without any of these, which is what they are held
to. llama_sampler.py has llama.cpp's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs, calls_in_turn, in_turn
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import llama_sampler

_DRAW = "the draw alone"


@dataclass(frozen=True)
class Filters:
    """The parameters of a regime, and what they mean. None leaves a filter out."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What `categorical` is given."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def probabilities(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """Return probabilities along the last axis, by the definition: temperature, top-k, top-p, min-p, softmax."""
        order = np.argsort(-logits, axis=-1, kind="stable")
        falling = checks.softmax(np.take_along_axis(logits, order, -1).astype(np.float64) / self.temperature)
        if self.top_k is not None:
            falling[..., self.top_k :] = 0
        falling /= falling.sum(-1, keepdims=True)
        if self.top_p is not None:
            falling[np.cumsum(falling, -1) - falling >= self.top_p] = 0
        if self.min_p is not None:
            falling[falling < self.min_p * falling[..., :1]] = 0
        probabilities = np.empty_like(falling)
        np.put_along_axis(probabilities, order, falling / falling.sum(-1, keepdims=True), -1)
        return probabilities


# ------------------------------------------------------------------------------------- one real row, one filter or all


@regime
def filter_min_p(inputs: Inputs) -> Regime:
    """What is at least a twentieth as likely as the likeliest."""
    filters = Filters(min_p=0.05)
    return _filtered(
        "filter_min_p",
        "min-p 0.05",
        inputs,
        filters,
        numpy=_numpy_min_p,
        llama=("llama.cpp min-p, dist", [lambda llama: llama.llama_sampler_init_min_p(filters.min_p, 1)]),
        targets=(Target(_DRAW, bar=1.5, goal=1.1, of_limit=True),),
    )


@regime
def filter_top_k(inputs: Inputs) -> Regime:
    """The forty likeliest."""
    filters = Filters(top_k=40)
    return _filtered(
        "filter_top_k",
        "top-k 40",
        inputs,
        filters,
        numpy=_numpy_top_k,
        llama=("llama.cpp top-k, dist", [lambda llama: llama.llama_sampler_init_top_k(filters.top_k)]),
        targets=(Target(_DRAW, bar=2, goal=1.3, of_limit=True),),
    )


@regime
def filter_top_p(inputs: Inputs) -> Regime:
    """The likeliest that together make 0.95."""
    filters = Filters(temperature=0.8, top_p=0.95)
    return _filtered(
        "filter_top_p",
        "top-p 0.95, temperature 0.8",
        inputs,
        filters,
        numpy=_numpy_top_p,
        llama=(
            "llama.cpp temp, top-p, dist",
            [
                lambda llama: llama.llama_sampler_init_temp(filters.temperature),
                lambda llama: llama.llama_sampler_init_top_p(filters.top_p, 1),
            ],
        ),
        targets=(
            Target(_DRAW, bar=2.5, goal=1.6, of_limit=True),
            Target("llama.cpp temp, top-p, dist", bar=30, goal=None),
            Target("transformers' warpers", bar=300, goal=None),
        ),
    )


@regime
def filter_chain(inputs: Inputs) -> Regime:
    """All of them, as engines have it by default. llama.cpp applies the temperature last, and keeps a little more."""
    filters = Filters(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05)
    return _filtered(
        "filter_chain",
        "40 / 0.95 / 0.05, temperature 0.8",
        inputs,
        filters,
        numpy=_numpy_chain,
        llama=(
            "llama.cpp k, p, min-p, temp, dist",
            [
                lambda llama: llama.llama_sampler_init_top_k(filters.top_k),
                lambda llama: llama.llama_sampler_init_top_p(filters.top_p, 1),
                lambda llama: llama.llama_sampler_init_min_p(filters.min_p, 1),
                lambda llama: llama.llama_sampler_init_temp(filters.temperature),
            ],
        ),
        temperature_last=True,
        targets=(
            Target(_DRAW, bar=2, goal=1.3, of_limit=True),
            Target("llama.cpp k, p, min-p, temp, dist", bar=4, goal=None),
        ),
    )


def _filtered(
    name: str,
    title: str,
    inputs: Inputs,
    filters: Filters,
    *,
    numpy: Callable[[NDArray[Any], Filters, np.random.Generator], Any],
    llama: tuple[str, Sequence[llama_sampler.Sampler]],
    targets: tuple[Target, ...],
    temperature_last: bool = False,
) -> Regime:
    rows = inputs.llm_logits(64)
    categories = rows.shape[-1]
    origin = "real" if inputs.real else "LLM-like"
    check = checks.draws(rows, filters.probabilities)
    in_its_order = checks.draws(rows, partial(_temperature_last, filters)) if temperature_last else check
    project = Contestant(
        "gumbel_fast.categorical", "gumbel_fast", partial(_project, rows, filters), check, Role.PROJECT
    )
    return Regime(
        name=name,
        title=f"One draw from {categories:,} {origin} logits: {title}",
        short=f"{title.split(',')[0]}, {categories:,} {origin} logits",
        meaning="The next token for one of many requests, by the filters that it asks for.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=(
            project,
            *([_in_order_of_llama(rows, filters, in_its_order)] if temperature_last else []),
            Contestant("NumPy, with care", "numpy", partial(_numpy, rows, filters, numpy), check),
            Contestant("torch as vLLM has it", "torch", partial(_torch, rows, filters), check),
            Contestant("transformers' warpers", "transformers", partial(_transformers, rows, filters), check),
            Contestant(llama[0], "llama_cpp", partial(llama_sampler.chain, rows, *llama[1]), in_its_order),
            Contestant(_DRAW, "gumbel_fast", partial(_draw, rows, filters), checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _temperature_last(filters: Filters, logits: NDArray[Any]) -> NDArray[np.float64]:
    kept = Filters(1.0, filters.top_k, filters.top_p, filters.min_p).probabilities(logits) > 0
    return checks.softmax(np.where(kept, logits.astype(np.float64) / filters.temperature, -np.inf))


def _in_order_of_llama(rows: NDArray[Any], filters: Filters, check: Any) -> Contestant:
    last = partial(_project, rows, filters, filter_temperature=1.0)
    return Contestant("the same", "gumbel_fast", last, check, note="temperature last")


def _project(rows: NDArray[Any], filters: Filters, **more: Any) -> Call:
    draw = partial(gumbel_fast.categorical, rng=np.random.default_rng(SEED), **filters.arguments, **more)
    return in_turn(draw, rows)


def _draw(rows: NDArray[Any], filters: Filters) -> Call:
    rng, temperature = np.random.default_rng(SEED), filters.temperature
    return in_turn(partial(gumbel_fast.categorical, rng=rng, temperature=temperature), rows)


def _numpy(
    rows: NDArray[Any], filters: Filters, draw: Callable[[NDArray[Any], Filters, np.random.Generator], Any]
) -> Call:
    rng = np.random.default_rng(SEED)
    return in_turn(lambda row: draw(row, filters, rng), rows)


def _roulette(weights: NDArray[Any], rng: np.random.Generator) -> Any:
    cumulative = np.cumsum(weights, dtype=np.float64)
    return np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")


def _numpy_min_p(row: NDArray[Any], filters: Filters, rng: np.random.Generator) -> Any:
    """Without a softmax: the bound is one on logits."""
    greatest = row.max()
    kept = np.flatnonzero(row >= greatest + np.float32(np.log(filters.min_p or 0.0)))
    return kept[_roulette(np.exp(row[kept] - greatest), rng)]


def _numpy_top_k(row: NDArray[Any], filters: Filters, rng: np.random.Generator) -> Any:
    """Without a sort."""
    k = filters.top_k or row.size
    kept = np.argpartition(row, -k)[-k:]
    return kept[_roulette(np.exp(row[kept] - row[kept].max()), rng)]


def _numpy_top_p(row: NDArray[Any], filters: Filters, rng: np.random.Generator) -> Any:
    """With a sort of few: what is below (1 - p) / n makes less than 1 - p together, so none of it is kept."""
    p = filters.top_p or 1.0
    weights = row - row.max()
    weights *= np.float32(1 / filters.temperature)
    np.exp(weights, out=weights)
    total = weights.sum(dtype=np.float64)
    likely = np.flatnonzero(weights >= np.float32((1 - p) * total / row.size))
    falling = likely[np.argsort(-weights[likely])]
    cumulative = np.cumsum(weights[falling], dtype=np.float64)
    kept = 1 + np.searchsorted(cumulative, p * total, side="left")
    return falling[_roulette(weights[falling[:kept]], rng)]


def _numpy_chain(row: NDArray[Any], filters: Filters, rng: np.random.Generator) -> Any:
    """Once the top k are known, all else is about forty numbers."""
    k = filters.top_k or row.size
    top = np.argpartition(row, -k)[-k:]
    falling = top[np.argsort(-row[top])]
    weights = np.exp((row[falling] - row[falling[0]]) / np.float32(filters.temperature))
    cumulative = np.cumsum(weights, dtype=np.float64)
    nucleus = 1 + np.searchsorted(cumulative, (filters.top_p or 1.0) * cumulative[-1], side="left")
    kept = min(nucleus, np.count_nonzero(weights >= (filters.min_p or 0.0)))
    return falling[_roulette(weights[:kept], rng)]


def _torch(rows: NDArray[Any], filters: Filters) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    return in_turn(lambda row: _torch_draw(torch, row, filters), [*torch.from_numpy(rows)[:, None]])


def _torch_draw(torch: Any, logits: Any, filters: Filters) -> Any:
    """Do as vLLM does on a CPU: temperature, min-p, then top-k alone by a selection or top-k and top-p by a sort."""
    logits = logits / filters.temperature  # a copy, which what follows may write to
    if filters.min_p is not None:
        probabilities = torch.softmax(logits, -1)
        least = probabilities.amax(-1, keepdim=True) * filters.min_p
        logits.masked_fill_(probabilities < least, -torch.inf)
    if filters.top_p is not None:
        falling, order = logits.sort(-1)
        if filters.top_k is not None:
            falling.masked_fill_(falling < falling[:, -filters.top_k, None], -torch.inf)
        cumulative = torch.cumsum(falling.softmax(-1), -1)
        outside = cumulative <= 1 - filters.top_p
        outside[:, -1] = False
        falling.masked_fill_(outside, -torch.inf)
        logits.scatter_(-1, order, falling)
    elif filters.top_k is not None:
        least = logits.topk(filters.top_k, -1).values[:, -1:]
        logits.masked_fill_(logits < least, -torch.inf)
    return torch.multinomial(torch.softmax(logits, -1), 1)[:, 0]


def _warpers(filters: Filters) -> Any:
    generation = peers.load("transformers")
    return generation.LogitsProcessorList(
        [
            *([generation.TemperatureLogitsWarper(filters.temperature)] if filters.temperature != 1 else []),
            *([generation.TopKLogitsWarper(filters.top_k)] if filters.top_k is not None else []),
            *([generation.TopPLogitsWarper(filters.top_p)] if filters.top_p is not None else []),
            *([generation.MinPLogitsWarper(filters.min_p)] if filters.min_p is not None else []),
        ]
    )


def _transformers(rows: NDArray[Any], filters: Filters) -> Call:
    torch, warp = peers.load("torch"), _warpers(filters)
    torch.manual_seed(SEED)
    return in_turn(
        lambda row: torch.multinomial(torch.softmax(warp(None, row), -1), 1), [*torch.from_numpy(rows)[:, None]]
    )


# ------------------------------------------------------------------------------------------------------- many requests


@regime
def filter_64x32768(inputs: Inputs) -> Regime:
    """The nucleus of flat rows, which hold thousands."""
    logits, filters = inputs.normal(64, 32_768, std=2.5), Filters(top_p=0.9)
    check = checks.one_draw_each(logits, filters.probabilities)
    return Regime(
        name="filter_64x32768",
        title="One draw from each of 64 rows of 32,768 logits: top-p 0.9",
        short="top-p 0.9 a row, 64 x 32,768",
        meaning="The next token for each of 64 requests, from its nucleus.",
        elements=logits.size,
        bytes_moved=logits.nbytes,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(_batch, logits, filters), check, Role.PROJECT),
            Contestant("NumPy, with care, each row", "numpy", partial(_numpy_batch, logits, filters), check),
            Contestant("torch sort, cumsum, multinomial", "torch", partial(_torch_batch, logits, filters), check),
            Contestant("transformers' warpers", "transformers", partial(_warped_batch, logits, filters), check),
            Contestant(_DRAW, "gumbel_fast", partial(_batch, logits, Filters()), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("torch sort, cumsum, multinomial", bar=150, goal=None),),
    )


def _batch(logits: NDArray[Any], filters: Filters) -> Call:
    return partial(gumbel_fast.categorical, logits, rng=np.random.default_rng(SEED), **filters.arguments)


def _numpy_batch(logits: NDArray[Any], filters: Filters) -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: np.array([_numpy_top_p(row, filters, rng) for row in logits])


def _torch_batch(logits: NDArray[Any], filters: Filters) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    return partial(_torch_draw, torch, torch.from_numpy(logits), filters)


def _warped_batch(logits: NDArray[Any], filters: Filters) -> Call:
    torch, warp = peers.load("torch"), _warpers(filters)
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(logits)
    return lambda: torch.multinomial(torch.softmax(warp(None, tensor), -1), 1)[:, 0]


@regime
def row_streams(inputs: Inputs) -> Regime:
    """A seed and a position for each row, the positions moving on; the limit's rows share a generator."""
    rows = inputs.llm_logits(64)
    categories = rows.shape[-1]
    origin = "real" if inputs.real else "LLM-like"
    check = checks.one_draw_each(rows)
    return Regime(
        name="row_streams",
        title=f"One draw a row, 64 x {categories:,} {origin} logits, by a seed for each row",
        short=f"a seed for each row, 64 x {categories:,}",
        meaning="The next token for each of 64 requests, which depends on its request alone.",
        elements=rows.size,
        bytes_moved=rows.nbytes,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(_streams, rows), check, Role.PROJECT),
            Contestant("NumPy, a Generator each", "numpy", partial(_generators, rows), check),
            Contestant("torch as vLLM, a generator each", "torch", partial(_torch_generators, rows), check),
            Contestant(_DRAW, "gumbel_fast", partial(_batch, rows, Filters()), checks.nothing, Role.LIMIT),
        ),
        targets=(Target(_DRAW, bar=1.15, goal=None, of_limit=True, any_simd=True),),
    )


def _streams(rows: NDArray[Any]) -> Call:
    words = np.random.default_rng(SEED).integers(2**64, size=(len(rows), 2), dtype=np.uint64)
    draw, streams, position = gumbel_fast.categorical, gumbel_fast.RowStreams, count()
    return lambda: draw(rows, rng=streams(words, next(position)))


def _generators(rows: NDArray[Any]) -> Call:
    rngs = np.random.default_rng(SEED).spawn(len(rows))

    def draw(row: NDArray[Any], rng: np.random.Generator) -> Any:
        weights = row - row.max()
        return _roulette(np.exp(weights, out=weights), rng)

    return lambda: np.array([draw(row, rng) for row, rng in zip(rows, rngs, strict=True)])


def _torch_generators(rows: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    generators = [torch.Generator().manual_seed(SEED + row) for row in range(len(rows))]
    logits = torch.from_numpy(rows)

    def draw() -> Any:
        probabilities = torch.softmax(logits, -1)
        noise = torch.empty_like(probabilities)
        for row, generator in zip(noise, generators, strict=True):
            row.exponential_(generator=generator)
        return probabilities.div_(noise).argmax(-1)

    return draw


# --------------------------------------------------------------------------------------------------------------- masks

_BATCHES = 4  # taken in turn, as in batches.py
_LEGAL = 35  # of 4,672 moves: as many as chess has in a usual position

#: Logits and what may be drawn.
_Masked = tuple[NDArray[Any], NDArray[Any]]


@regime
def mask_bool(inputs: Inputs) -> Regime:
    """A byte for each logit."""
    return _masked("mask_bool", "bool mask", inputs, lambda mask: mask, 8, Target(_DRAW, 2, None, of_limit=True))


@regime
def mask_packed(inputs: Inputs) -> Regime:
    """A bit for each logit, in words of 32."""
    return _masked("mask_packed", "packed mask", inputs, _packed, 1, Target(_DRAW, 1.5, None, of_limit=True))


def _packed(mask: NDArray[Any]) -> NDArray[np.uint32]:
    return np.packbits(mask, axis=-1, bitorder="little").view(np.uint32)


def _unpacked(words: NDArray[Any]) -> NDArray[np.bool_]:
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little").view(np.bool_)


def _masked(
    name: str,
    title: str,
    inputs: Inputs,
    form: Callable[[NDArray[Any]], NDArray[Any]],
    bits: int,
    target: Target,
) -> Regime:
    logits = inputs.normal(_BATCHES, 16, 4672)
    legal = np.zeros(logits.shape, bool)
    order = np.random.default_rng(SEED).random(logits.shape).argpartition(_LEGAL)[..., :_LEGAL]
    np.put_along_axis(legal, order, True, -1)
    batches = [(batch, form(mask)) for batch, mask in zip(logits, legal, strict=True)]

    def each(prepare: Callable[[_Masked], Call]) -> Callable[[], Call]:
        return partial(calls_in_turn, prepare, batches)

    def model(batch: NDArray[Any]) -> NDArray[np.float64]:
        return checks.softmax(np.where(legal[0], batch, -np.inf))

    check = checks.one_draw_each(logits[0], model)
    return Regime(
        name=name,
        title=f"One draw from each of 16 rows of 4,672 logits, of which a {title} leaves {_LEGAL}",
        short=f"{title}, 16 x 4,672",
        meaning="A legal move for each of 16 games, or a token that a grammar allows.",
        elements=16 * 4672,
        bytes_moved=16 * 4672 * (32 + bits) // 8,
        contestants=(
            Contestant("gumbel_fast.categorical(mask=)", "gumbel_fast", each(_masked_draw), check, Role.PROJECT),
            Contestant("gumbel_fast after np.where", "gumbel_fast", each(_where_draw), check),
            Contestant("np.where, softmax, cumsum", "numpy", each(_where_search), check),
            Contestant("NumPy, with care, each row", "numpy", each(_gathered), check),
            Contestant("torch masked_fill, multinomial", "torch", each(_torch_masked), check),
            Contestant(_DRAW, "gumbel_fast", each(_unmasked_draw), checks.nothing, Role.LIMIT),
        ),
        targets=(target,),
    )


def _as_bool(mask: NDArray[Any]) -> NDArray[Any]:
    return mask if mask.dtype == np.bool_ else _unpacked(mask)


def _masked_draw(batch: _Masked) -> Call:
    logits, mask = batch
    return partial(gumbel_fast.categorical, logits, mask=mask, rng=np.random.default_rng(SEED))


def _unmasked_draw(batch: _Masked) -> Call:
    logits, _ = batch
    return partial(gumbel_fast.categorical, logits, rng=np.random.default_rng(SEED))


def _where_draw(batch: _Masked) -> Call:
    logits, mask = batch
    rng, nothing = np.random.default_rng(SEED), np.float32(-np.inf)
    return lambda: gumbel_fast.categorical(np.where(_as_bool(mask), logits, nothing), rng=rng)


def _where_search(batch: _Masked) -> Call:
    logits, mask = batch
    rng, nothing = np.random.default_rng(SEED), np.float32(-np.inf)

    def draw() -> Any:
        weights = np.where(_as_bool(mask), logits, nothing)
        weights -= weights.max(-1, keepdims=True)
        np.exp(weights, out=weights)
        np.cumsum(weights, -1, out=weights)
        uniforms = rng.random((len(weights), 1), np.float32) * weights[:, -1:]
        return np.greater(weights, uniforms).argmax(-1)

    return draw


def _gathered(batch: _Masked) -> Call:
    logits, mask = batch
    rng = np.random.default_rng(SEED)

    def draw(row: NDArray[Any], may: NDArray[Any]) -> Any:
        kept = np.flatnonzero(may)
        weights = row[kept]
        weights -= weights.max()
        return kept[_roulette(np.exp(weights, out=weights), rng)]

    return lambda: np.array([draw(row, may) for row, may in zip(logits, _as_bool(mask), strict=True)])


def _torch_masked(batch: _Masked) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    logits, mask = (torch.from_numpy(array) for array in batch)
    places = torch.arange(32, dtype=torch.int32)

    def unpacked() -> Any:
        return (mask.view(torch.int32)[..., None] >> places & 1).bool().flatten(-2)

    def draw() -> Any:
        may = mask if mask.dtype == torch.bool else unpacked()
        return torch.multinomial(torch.softmax(logits.masked_fill(~may, -torch.inf), -1), 1)[:, 0]

    return draw


# ------------------------------------------------------------------------------------------------------ log-probability


@regime
def draw_and_log_prob(inputs: Inputs) -> Regime:
    """The index and its log-probability, which wants a sum over the row."""
    rows = inputs.llm_logits(64)
    categories = rows.shape[-1]
    origin = "real" if inputs.real else "LLM-like"
    check = checks.draws_with_log_prob(rows)
    return Regime(
        name="draw_and_log_prob",
        title=f"One draw from {categories:,} {origin} logits, and its log-probability",
        short=f"draw and log-prob, {categories:,} {origin} logits",
        meaning="The next token for one of many requests, and how likely it was.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=(
            Contestant("categorical(return_log_prob=True)", "gumbel_fast", partial(_pair, rows), check, Role.PROJECT),
            Contestant("categorical, log_softmax", "gumbel_fast", partial(_pair_by_softmax, rows), check),
            Contestant("softmax in float32 + searchsorted", "numpy", partial(_numpy_pair, rows), check),
            Contestant("torch log_softmax + multinomial", "torch", partial(_torch_pair, rows), check),
            Contestant(_DRAW, "gumbel_fast", partial(_draw, rows, Filters()), checks.nothing, Role.LIMIT),
        ),
        targets=(Target(_DRAW, bar=5, goal=None, of_limit=True),),
    )


def _pair(rows: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    return in_turn(partial(gumbel_fast.categorical, rng=rng, return_log_prob=True), rows)


def _pair_by_softmax(rows: NDArray[Any]) -> Call:
    rng, out = np.random.default_rng(SEED), np.empty_like(rows[0])

    def draw(row: NDArray[Any]) -> Any:
        index = gumbel_fast.categorical(row, rng=rng)
        return index, gumbel_fast.log_softmax(row, out=out)[index]

    return in_turn(draw, rows)


def _numpy_pair(rows: NDArray[Any]) -> Call:
    rng, weights, cumulative = np.random.default_rng(SEED), np.empty_like(rows[0]), np.empty(rows.shape[-1])

    def draw(row: NDArray[Any]) -> Any:
        greatest = row.max()
        np.subtract(row, greatest, out=weights)
        np.exp(weights, out=weights)
        np.cumsum(weights, dtype=np.float64, out=cumulative)
        index = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
        return index, row[index] - greatest - np.log(cumulative[-1])

    return in_turn(draw, rows)


def _torch_pair(rows: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)

    def draw(row: Any) -> Any:
        log_probs = torch.log_softmax(row, -1)
        index = torch.multinomial(log_probs.exp(), 1)
        return index, log_probs[index]

    return in_turn(draw, list(torch.from_numpy(rows)))
