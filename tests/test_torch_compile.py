"""gumbel_fast.torch where torch records, compiles, saves or spreads what is called, and under its modes.

torch.compile, torch.export, torch.jit, make_fx, checkpoint, autocast, data loaders, DistributedDataParallel, tensor
subclasses. Results are held to those of the eager call with the seed held by torch's own generator. That two runs
differ is asked of so many numbers that they would agree by chance less often than once in 10^12; right code fails a
test of a law once in a million seeds; the others never.
"""

import importlib
import io
import sys

import numpy as np
import pytest

from statistical import assert_draws_follow, softmax
from torch_helpers import F, assert_close, by_torch, gt, normal, seeded, torch, torch_workers

pytestmark = [
    pytest.mark.thread_unsafe,  # the seed is held by torch's own generator
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of torch's own, on itself
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

dynamo = importlib.import_module("torch._dynamo")
importlib.import_module("torch._dynamo.testing")


def held(function, *args, seed=7, **kwargs):
    """What the function gives with torch's own generator at one seed."""
    torch.manual_seed(seed)
    return function(*args, **kwargs)


def leaves(result):
    return torch.utils._pytree.tree_leaves(result)


def assert_same(found, expected):
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


def assert_different(one, other):
    """In the first part: the index, or the sample."""
    assert not torch.equal(leaves(one)[0], leaves(other)[0])


CALLS = {
    "gumbel_softmax": lambda x: gt.gumbel_softmax(x, 0.7),
    "gumbel_softmax, hard": lambda x: gt.gumbel_softmax(x, 0.7, True, dim=0),
    "gumbel_softmax, log": lambda x: gt.gumbel_softmax(x, 0.7, log=True),
    "gumbel_softmax, mask": lambda x: gt.gumbel_softmax(x, 0.7, mask=some_mask_of(x)),
    "gumbel_softmax, tau of a tensor": lambda x: gt.gumbel_softmax(x, x.abs().amax(-1, keepdim=True) + 0.5),
    "gumbel_softmax, temperatures along dim": lambda x: gt.gumbel_softmax(x, x[0].abs() + 0.5),
    "categorical": gt.categorical,
    "categorical, all": lambda x: gt.categorical(x, 6, top_p=0.9, return_log_prob=True, return_entropy=True),
    "categorical, mask": lambda x: gt.categorical(x, mask=some_mask_of(x), return_log_prob=True),
    "categorical, without replacement": lambda x: gt.categorical(x, 3, False),
    "gumbel": lambda x: x + gt.gumbel(x.shape, dtype=x.dtype),
    "gumbel_max": lambda x: gt.gumbel_max(x, return_value=True),
    "gumbel_top_k": lambda x: gt.gumbel_top_k(x, 3, return_value=True),
    "Categorical": lambda x: distribution(gt.Categorical(logits=x, validate_args=False)),
}


def some_mask_of(x):
    return (torch.arange(x.shape[-1]) % 3 > 0).expand(x.shape)


def distribution(d):
    index = d.sample()
    return index, d.log_prob(index), d.entropy()


def with_gradient(function, x, **more):
    """The results and, where there is one, the gradient of their sum of squares."""
    x = x.detach().requires_grad_()
    results = leaves(function(x, **more))
    wanted = [part for part in results if part.requires_grad]
    if wanted:
        sum(part.square().sum() for part in wanted).backward()  # the one way that all kinds of checkpoint allow
        results = [*(part.detach() for part in results), x.grad]
    return results


@pytest.fixture(autouse=True)
def no_graphs_of_others():
    """Graphs that other tests compiled neither help nor count."""
    dynamo.reset()
    yield
    dynamo.reset()


# -------------------------------------------------------------------------------------------------------- torch.compile


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("name", CALLS)
def test_compiled_in_one_graph(name, backend):
    """Forward and backward are those of the eager call at the same seed, and a second run draws anew."""
    call, x = CALLS[name], normal(30, 8)
    compiled = torch.compile(lambda z: call(z * 2), fullgraph=True, backend=backend)
    expected = held(with_gradient, lambda z: call(z * 2), x)
    assert_same(held(with_gradient, compiled, x), expected)
    assert_different(with_gradient(compiled, x), with_gradient(compiled, x))


@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical, all", "gumbel"])
def test_compiled_without_a_gradient(name):
    compiled = torch.compile(CALLS[name], fullgraph=True, backend="aot_eager")
    x = normal(30, 8)
    with torch.no_grad():
        assert_same(held(compiled, x), held(CALLS[name], x))
        assert_different(compiled(x), compiled(x))
    assert_same(held(compiled, x), held(CALLS[name], x))


def test_seeds_are_taken_in_the_order_of_the_calls():
    """Two calls in one graph have two seeds, and in the eager order; other draws of torch keep theirs as well."""

    def function(x):
        return gt.gumbel_softmax(x), gt.categorical(x), gt.gumbel_softmax(x), gt.gumbel(5)

    x = normal(30, 8)
    found = held(torch.compile(function, fullgraph=True, backend="aot_eager"), x)
    assert_same(found, held(function, x))
    assert not torch.equal(found[0], found[2])


def test_no_graph_breaks():
    def function(x):
        y = gt.gumbel_softmax(x * 2, 0.7, hard=True)
        index, log_prob, entropy = gt.categorical(x, top_k=3, return_log_prob=True, return_entropy=True)
        index = index + gt.gumbel_max(x) + gt.gumbel_top_k(x, 2)[..., 0]
        return (y + gt.gumbel(y.shape)).sum() + (log_prob * index).sum() + entropy.sum()

    explained = dynamo.explain(function)(normal(4, 5, dtype=torch.float32))
    assert explained.graph_count == 1
    assert explained.graph_break_count == 0


ANNEALED = {
    "gumbel_softmax": lambda x, t: gt.gumbel_softmax(x, t),
    "categorical": lambda x, t: gt.categorical(x, 3, temperature=t, return_log_prob=True, return_entropy=True),
    "gumbel_max": lambda x, t: gt.gumbel_max(x, temperature=t),
}


@pytest.mark.parametrize("name", ANNEALED)
def test_an_annealed_temperature_does_not_compile_each_time(name):
    """Floats become inputs of the graph after the first change, as with torch's function."""
    counter = dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(ANNEALED[name], fullgraph=True, backend=counter)
    x = normal(4, 5)
    for step in range(6):
        temperature = 2.0 * 0.9**step
        assert_same(held(compiled, x, temperature), held(ANNEALED[name], x, temperature))
    assert counter.frame_count <= 3


@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical, all", "gumbel", "gumbel_top_k"])
def test_dynamic_shapes(name):
    """One graph for batches of every size and rows of every length."""
    counter = dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(CALLS[name], fullgraph=True, backend=counter, dynamic=True)
    for shape in (30, 8), (7, 11), (12, 40), (3, 9):
        x = normal(*shape)
        assert_same(held(with_gradient, compiled, x), held(with_gradient, CALLS[name], x))
    assert counter.frame_count <= 2


def test_temperature_that_is_refused_in_a_graph():
    compiled = torch.compile(lambda x, t: gt.gumbel_softmax(x, t), fullgraph=True, backend="aot_eager")
    compiled(normal(4, 5), torch.tensor(1.0))
    with pytest.raises(ValueError, match=r"(tau|temperature).*above 0"):
        compiled(normal(4, 5), torch.tensor(0.0))


def test_rows_that_are_refused_in_a_graph():
    compiled = torch.compile(gt.categorical, fullgraph=True, backend="aot_eager")
    x = normal(4, 5)
    compiled(x)
    x[2] = torch.nan
    with pytest.raises(ValueError, match="row 2"):
        compiled(x)


def test_draws_of_a_compiled_call_follow_softmax():
    row = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    compiled = torch.compile(lambda x: gt.categorical(x), fullgraph=True, backend="aot_eager")
    torch.manual_seed(3)
    drawn = torch.cat([compiled(row.expand(400, 5)) for _ in range(100)])
    assert_draws_follow(
        drawn,
        softmax(row),
        against={"one draw again and again": np.eye(5)[2], "uniform": np.array([1, 1, 1, 1, 0]) / 4},
    )


@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical"])
def test_a_generator_of_ones_own_breaks_the_graph(name):
    """No graph can hold it: the call is made between two graphs, and with fullgraph=True the error says why."""
    call, generator = getattr(gt, name), seeded()

    def function(x):
        return call(x * 2, generator=generator) * 2

    x = normal(30, 8)
    found = torch.compile(function, backend="aot_eager")(x)
    assert torch.equal(found, call(x * 2, generator=seeded()) * 2)
    dynamo.reset()
    with pytest.raises(Exception, match="gumbel_fast"):  # what torch raises is torch's choice
        torch.compile(function, backend="aot_eager", fullgraph=True)(x)


def test_mapped_and_differentiated_in_a_graph():
    """torch.func inside torch.compile."""

    def function(x):
        gradient = torch.func.grad(lambda z: gt.gumbel_softmax(z).square().sum())(x)
        mapped = torch.vmap(lambda z: gt.gumbel_softmax(z), randomness="different")(x.expand(3, 30, 8))
        return gradient, mapped

    compiled, x = torch.compile(function, fullgraph=True, backend="aot_eager"), normal(30, 8)
    gradient, mapped = held(compiled, x)
    z = x.clone().requires_grad_()
    assert_close(gradient, torch.autograd.grad(by_torch(z).square().sum(), z)[0])
    assert len(mapped.unique(dim=0)) == 3
    assert_different(compiled(x), compiled(x))


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler of torch.compile is another there")
def test_inductor():
    """Code that torch writes and a C++ compiler builds: equal at a seed, and new draws on each run."""
    cpp_builder = pytest.importorskip("torch._inductor.cpp_builder")
    try:
        cpp_builder.get_cpp_compiler()
    except Exception as error:
        pytest.skip(f"no C++ compiler for torch.compile: {error}")

    def one(x):
        return gt.gumbel_softmax(x * 2, 0.7, hard=True) * 3

    def several(x):
        """The calls of such a graph may take their seeds in another order than without it."""
        y, z = one(x), gt.gumbel_softmax(x * 2, 0.7) * 2
        index, log_prob = gt.categorical(y.detach() + x, return_log_prob=True)
        return y, z, index, log_prob, gt.gumbel(x.shape, dtype=x.dtype) + x

    x = normal(30, 8, dtype=torch.float32)
    compiled = torch.compile(one, fullgraph=True)
    assert_same(held(with_gradient, compiled, x), held(with_gradient, one, x))
    compiled = torch.compile(several, fullgraph=True)
    first, second, again = (
        held(with_gradient, compiled, x),
        with_gradient(compiled, x),
        held(with_gradient, compiled, x),
    )
    for one_of, other in zip(first, second, strict=True):
        assert not torch.equal(one_of, other)
    assert_same(again, first)
    y, z, *_ = first
    assert not torch.equal(y.argmax(-1), z.argmax(-1)), "two calls, two seeds"


# ------------------------------------------------------------------------------------------------- export, jit, make_fx


class Sampler(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(5, 8)

    def forward(self, x):
        logits = self.linear(x)
        index, log_prob, entropy = gt.categorical(
            logits, top_k=6, mask=logits > -3, return_log_prob=True, return_entropy=True
        )
        return (
            index, gt.gumbel_softmax(logits, 0.7), log_prob, entropy, gt.gumbel_max(logits),
            gt.gumbel_top_k(logits, 2), gt.gumbel(4),
        )  # fmt: skip


def test_export_save_load_and_run():
    """Of a dynamic batch; the draws are not baked in, and obey torch.manual_seed."""
    sampler = Sampler()
    x = normal(30, 5, dtype=torch.float32)
    program = torch.export.export(sampler, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
    names = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert any(name.startswith("gumbel_fast.seed") for name in names)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    for rows in 30, 4, 57:
        given = normal(rows, 5, dtype=torch.float32)
        assert_same(held(loaded, given), held(sampler, given))
    assert_different(loaded(x), loaded(x))


def test_export_for_training_and_decompositions():
    sampler, x = Sampler(), normal(30, 5, dtype=torch.float32)
    program = torch.export.export(sampler, (x,)).run_decompositions()
    assert_same(held(program.module(), x), held(sampler, x))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in CALLS if name != "Categorical"])
def test_traced_calls_draw_anew(name):
    """torch.jit.trace records the operators, not what they gave."""
    x = normal(30, 8)
    traced = torch.jit.trace(CALLS[name], (x,), check_trace=False)
    assert_different(traced(x), traced(x))
    assert_same(held(traced, x), held(CALLS[name], x))
    other = normal(30, 8, seed=5)
    assert_same(held(traced, other), held(CALLS[name], other))


def scripted_softmax(x: torch.Tensor) -> torch.Tensor:
    return gt.gumbel_softmax(x)


def scripted_draw(x: torch.Tensor) -> torch.Tensor:
    return gt.categorical(x)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "function",
    [gt.gumbel_softmax, gt.categorical, gt.gumbel, gt.gumbel_max, gt.gumbel_top_k, scripted_softmax, scripted_draw],
    ids=lambda function: function.__name__,
)
def test_scripting_is_refused_by_name(function):
    """torch.jit.script compiles Python's text, which is not written for it here; the error says whose it is."""
    with pytest.raises(Exception, match="gumbel_fast"):  # what torch raises is torch's choice
        torch.jit.script(function)


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
@pytest.mark.parametrize("name", CALLS)
def test_make_fx(name, mode):
    """A graph of operators, that draws anew on each run; tracing itself may draw or not."""
    x = normal(30, 8)
    graph = torch.fx.experimental.proxy_tensor.make_fx(lambda z: CALLS[name](z), tracing_mode=mode)(x)
    assert "gumbel_fast.seed" in graph.code
    assert_same(held(graph, x), held(CALLS[name], x))
    assert_different(graph(x), graph(x))


# ------------------------------------------------------------------------------------------ modes and tensor subclasses


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_autocast(hard, compiled):
    """Logits come as autocast makes them, and results are of the dtype that torch's function gives."""
    linear = torch.nn.Linear(5, 8)
    x = normal(30, 5, dtype=torch.float32)

    def forward(function, x):
        with torch.autocast("cpu", torch.bfloat16):
            logits = linear(x)
            assert logits.dtype == torch.bfloat16
            return function(logits, 0.7, hard), function(logits.float(), 0.7, hard)

    expected = forward(F.gumbel_softmax, x)
    ours = forward
    if compiled:
        ours = torch.compile(forward, fullgraph=True, backend="aot_eager")
    found = ours(gt.gumbel_softmax, x)
    assert [part.dtype for part in found] == [part.dtype for part in expected]
    sum((part.float() * torch.arange(8.0)).sum() for part in found).backward()
    assert linear.weight.grad.dtype == torch.float32
    assert linear.weight.grad.abs().max() > 0
    with torch.autocast("cpu", torch.bfloat16):
        _index, log_prob, entropy = gt.categorical(linear(x), return_log_prob=True, return_entropy=True)
        (log_prob.sum() + entropy.sum()).backward()
    assert torch.all(torch.isfinite(linear.weight.grad))


def test_gradient_scaler():
    linear = torch.nn.Linear(5, 8)
    optimizer = torch.optim.SGD(linear.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    before = linear.weight.detach().clone()
    with torch.autocast("cpu", torch.float16):
        loss = (gt.gumbel_softmax(linear(normal(30, 5, dtype=torch.float32)), hard=True) * torch.arange(8.0)).sum()
    scaler.scale(loss * 1e-3).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.all(torch.isfinite(linear.weight))
    assert not torch.equal(linear.weight, before)


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("name", ["gumbel_softmax", "gumbel_softmax, hard", "categorical, all", "Categorical"])
def test_checkpoint(name, use_reentrant):
    """What is computed again draws the same: the gradients are those without a checkpoint."""
    x = normal(30, 8)

    def block(z):
        return CALLS[name]((z * 2).tanh())

    def with_checkpoint(z):
        return torch.utils.checkpoint.checkpoint(block, z, use_reentrant=use_reentrant)

    def function_and_more(function):
        """The draws after the block are as they would be without it, too."""

        def run(z):
            return *leaves(function(z)), gt.gumbel(5)

        return run

    expected = held(with_gradient, function_and_more(block), x)
    assert_same(held(with_gradient, function_and_more(with_checkpoint), x), expected)


def test_checkpoint_of_a_sequence_in_a_graph():
    """Compiled, too."""
    x = normal(30, 8)

    def function(z):
        return torch.utils.checkpoint.checkpoint(CALLS["gumbel_softmax"], z * 2, use_reentrant=False)

    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    sample, gradient = with_gradient(compiled, x)
    z = x.clone().requires_grad_()
    noise = sample.log() * 0.7 - 2 * x  # but for one number a row
    expected = torch.autograd.grad(((z * 2 + noise) / 0.7).softmax(-1).square().sum(), z)[0]
    torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical"])
def test_a_generator_of_ones_own_in_a_checkpoint_warns(name, use_reentrant):
    """Its state is not among what a checkpoint saves, so that what is computed again would draw anew."""
    generator = seeded()

    def block(z):
        if name == "gumbel_softmax":
            return gt.gumbel_softmax(z * 2, generator=generator)
        return gt.categorical(z * 2, return_log_prob=True, generator=generator)[1]

    x = normal(30, 8).requires_grad_()
    with pytest.warns(UserWarning, match="gumbel_fast"):
        torch.utils.checkpoint.checkpoint(block, x, use_reentrant=use_reentrant).sum().backward()


def test_a_generator_of_ones_own_elsewhere_does_not_warn(recwarn):
    x = normal(30, 8).requires_grad_()
    gt.gumbel_softmax(x, generator=seeded()).square().sum().backward()
    gt.categorical(x, return_log_prob=True, generator=seeded())[1].sum().backward()
    torch.utils.checkpoint.checkpoint(gt.gumbel_softmax, x, use_reentrant=False).sum().backward()
    assert not recwarn.list


def test_state_of_torchs_generator_can_be_kept():
    """By get_rng_state and set_rng_state, and by fork_rng."""
    x = normal(30, 8)
    state = torch.get_rng_state()
    first = [leaves(call(x)) for call in CALLS.values()]
    torch.set_rng_state(state)
    second = [leaves(call(x)) for call in CALLS.values()]
    assert_same(second, first)
    state = torch.get_rng_state()
    with torch.random.fork_rng():
        gt.categorical(x)
        assert not torch.equal(torch.get_rng_state(), state)
    assert torch.equal(torch.get_rng_state(), state)


class Tagged(torch.Tensor):
    """A plain subclass: torch's functions give it back."""


class Logged:
    """No tensor at all, that wraps one and says what was called with it, as torch's documentation of it does."""

    def __init__(self, data, calls):
        self.data, self.calls = data, calls

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        (calls,) = {id(a.calls): a.calls for a in args if isinstance(a, Logged)}.values()
        calls.append(function)
        args = [a.data if isinstance(a, Logged) else a for a in args]
        return Logged(function(*args, **(kwargs or {})), calls)


@pytest.mark.parametrize("hard", [False, True])
def test_tensor_subclasses(hard):
    """The type of the result is that of torch's function."""
    plain = normal(30, 8)
    x = plain.as_subclass(Tagged)
    for given in x, torch.nn.Parameter(plain), torch.nn.Buffer(plain):
        found, expected = (f(given, 0.7, hard) for f in (gt.gumbel_softmax, F.gumbel_softmax))
        assert type(found) is type(expected)
    assert_same(
        held(gt.gumbel_softmax, x, 0.7, hard).as_subclass(torch.Tensor), held(gt.gumbel_softmax, plain, 0.7, hard)
    )
    z = plain.clone().requires_grad_()
    gt.gumbel_softmax(z.as_subclass(Tagged), 0.7, hard).square().sum().backward()
    assert z.grad.abs().max() > 0


@pytest.mark.parametrize("name", ["categorical", "gumbel_max", "gumbel_top_k"])
def test_subclasses_are_drawn_from(name):
    plain = normal(30, 8)
    more = (3,) if name == "gumbel_top_k" else ()
    found = held(getattr(gt, name), plain.as_subclass(Tagged), *more)
    assert torch.equal(found.as_subclass(torch.Tensor), held(getattr(gt, name), plain, *more))


def test_objects_with_a_torch_function_are_asked():
    calls = []
    x = normal(30, 8)
    found = held(gt.gumbel_softmax, Logged(x, calls), 0.7, hard=True)
    assert isinstance(found, Logged)
    assert calls[0] is gt.gumbel_softmax
    assert torch.equal(found.data, held(gt.gumbel_softmax, x, 0.7, hard=True))


@pytest.mark.parametrize("hard", [False, True])
def test_symbolic_traces_hold_the_function_as_a_leaf(hard):
    """torch.fx.symbolic_trace, as with torch's function: the call stands in the graph, and draws anew on each run."""
    traced = torch.fx.symbolic_trace(lambda x: gt.gumbel_softmax(x * 2, 0.7, hard=hard) + 1)
    assert gt.gumbel_softmax in [node.target for node in traced.graph.nodes]
    x = normal(30, 8)
    assert_same(held(traced, x), held(gt.gumbel_softmax, x * 2, 0.7, hard) + 1)
    assert_different(traced(x), traced(x))


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_anomaly_mode_and_deterministic_algorithms():
    x = normal(30, 8)
    expected = held(with_gradient, CALLS["categorical, all"], x)
    with torch.autograd.detect_anomaly(check_nan=True):
        assert_same(held(with_gradient, CALLS["categorical, all"], x), expected)
    torch.use_deterministic_algorithms(True)
    try:
        assert_same(held(with_gradient, CALLS["categorical, all"], x), expected)
    finally:
        torch.use_deterministic_algorithms(False)


def test_modes_see_the_function():
    """A TorchFunctionMode is told of the call, as of torch's own."""
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    with Mode():
        gt.gumbel_softmax(normal(3, 4))
    assert any(
        "gumbel_softmax" in getattr(function, "__name__", "") or "gumbel_fast" in str(function) for function in seen
    )


@pytest.mark.parametrize("name", CALLS)
def test_dispatch_modes_see_the_operators(name):
    """Also of small calls: profilers, counters and the like are not passed by."""
    seen = []

    class Mode(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    x = normal(3, 8)
    expected = held(CALLS[name], x)
    torch.manual_seed(7)
    with Mode():
        found = CALLS[name](x)
    assert_same(found, expected)
    names = [function for function in seen if function.startswith("gumbel_fast.")]
    assert [function for function in names if function.startswith("gumbel_fast.seed")], seen
    assert len(names) >= 2, names


# ------------------------------------------------------------------------------------------------------ other processes


def drawn_by(loader):
    """Of each item: the worker's number and what it drew."""
    items = [(int(number), noise, index) for number, noise, index in loader]
    assert {number for number, _, _ in items} == {0, 1}
    assert len(items) == 8
    return items


@pytest.mark.filterwarnings("ignore")  # newer Pythons warn of fork where threads are
@pytest.mark.parametrize(
    "context",
    [
        pytest.param("fork", marks=pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")),
        "spawn",
    ],
)
def test_workers_of_a_data_loader(context):
    """Each worker's draws are its own, and repeat with the loader's generator."""
    runs = [
        drawn_by(
            torch.utils.data.DataLoader(
                torch_workers.Draws(), batch_size=None, num_workers=2, multiprocessing_context=context,
                generator=seeded(seed),
            )
        )
        for seed in ((1, 1, 2) if context == "fork" else (1,))
    ]  # fmt: skip
    for items in runs:
        assert len(torch.stack([noise for _, noise, _ in items]).unique()) == 32
        assert len(torch.stack([index for _, _, index in items]).unique(dim=0)) == 8
    if context == "fork":
        assert all(torch.equal(one[1], other[1]) for one, other in zip(runs[0], runs[1], strict=True))
        assert not any(torch.equal(one[1], other[1]) for one, other in zip(runs[0], runs[2], strict=True))


@pytest.mark.skipif(not torch.distributed.is_available() or sys.platform == "win32", reason="no gloo here")
def test_two_processes_average_their_gradients(tmp_path):
    """DistributedDataParallel: both have the mean of what each alone has at its seed."""
    both = torch.multiprocessing.spawn(torch_workers.train_together, (2, tmp_path.as_posix()), nprocs=2, join=False)
    try:
        assert any(both.join(timeout=60) for _ in range(3)), "they wait for each other"  # true once both have ended
    finally:
        for process in both.processes:
            process.kill()
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    alone = []
    for rank in range(2):
        network = torch_workers.module()
        torch_workers.loss_of(network, rank).backward()
        alone.append([parameter.grad for parameter in network.parameters()])
    for one, other, *each in zip(first, second, *alone, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, sum(each) / 2, rtol=1e-5, atol=1e-6)
        assert not torch.equal(*each)
