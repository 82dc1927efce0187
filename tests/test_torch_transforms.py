"""gumbel_fast.torch under torch.func, forward-mode differentiation, fake and meta tensors; its operators under opcheck.

Derivatives are held to those of torch's own expressions on the same noise, taken by the same transform. Compilers and
other places are the subject of test_torch_compile.py. Right code fails a test of a law once in a million seeds; that
numbers differ is asked where they would agree by chance less often than once in 10^12; the other tests never fail it.
"""

import importlib

import numpy as np
import pytest

from statistical import assert_count, assert_draws_follow, softmax
from torch_helpers import (
    HALVES,
    assert_close,
    entropy_of,
    gt,
    kept,
    log_prob_of,
    log_probabilities,
    noise_of,
    normal,
    packed,
    relaxed,
    seeded,
    some_mask,
    torch,
)

pytestmark = [
    pytest.mark.thread_unsafe,  # the seed is held by torch's own generator
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of torch's own, on itself
]

forward_ad = torch.autograd.forward_ad


def held(function, *args, **kwargs):
    """What the function gives with torch's own generator at one seed."""
    torch.manual_seed(7)
    return function(*args, **kwargs)


# -------------------------------------------------------------------------------------------------------- the operators


def operators():
    """All that are registered, with their overloads."""
    names = {name.partition("::")[2].partition(".")[0] for name in torch._C._dispatch_get_all_op_names()
             if name.startswith("gumbel_fast::")}  # fmt: skip
    found = {}
    for name in sorted(names):
        packet = getattr(torch.ops.gumbel_fast, name)
        for overload in packet.overloads():
            found[name if overload == "default" else f"{name}.{overload}"] = getattr(packet, overload)
    return found


def logits(*shape, dtype=torch.float32, grad=False):
    return normal(*shape, dtype=dtype).requires_grad_(grad)


WORDS = torch.tensor([7, -(2**62)])
ONE, ROWS = torch.tensor(0.7), torch.tensor([[0.5], [1.0], [2.0]])
BITS = some_mask(3, 40)


def samples():
    """Arguments of each operator, as the public functions give them: dtypes, dims, masks, gradients."""
    yield "seed", ([],)
    yield "seed", ([3], torch.zeros(2))
    yield "seed", ([], None, seeded())
    yield "gumbel", (torch.empty(2, 3), WORDS)
    yield "gumbel", (torch.empty((), dtype=torch.float64).expand(4, 1), WORDS)
    for dtype in torch.float32, torch.float64, torch.bfloat16:
        for grad in False, True:
            x = logits(3, 40, dtype=dtype, grad=grad)
            one, rows = ONE.clone().requires_grad_(grad), ROWS.clone().requires_grad_(grad)
            yield "gumbel_softmax", (x, WORDS, one, None, -1, False, False)
            yield "gumbel_softmax", (x, WORDS, one, None, -2, True, False)
            yield "gumbel_softmax", (x, WORDS, rows, packed(BITS), -1, False, True)
            yield "gumbel_softmax", (x, WORDS, rows, BITS, -1, True, False)
    for grad in False, True:
        y, back = logits(3, 4, grad=grad).softmax(-1).detach().requires_grad_(grad), logits(3, 4, grad=grad)
        yield "softmax_vjp", (y, back, ONE.clone().requires_grad_(grad), -1)
        yield "softmax_vjp", (y, back, ROWS.clone().requires_grad_(grad), -1)
    for dtype in torch.float32, torch.bfloat16:
        x = logits(3, 40, dtype=dtype)
        yield "gumbel_max", (x, WORDS, ONE, None, -1)
        yield "gumbel_max", (x, WORDS, ONE, BITS, -2)
        yield "gumbel_max", (x, WORDS, ROWS[:, 0], packed(BITS), -1)
        yield "gumbel_top_k", (x, WORDS, 2, ONE, None, -2)
        yield "gumbel_top_k", (x, WORDS, 3, ROWS[:, 0], BITS, -1)
    first = torch.where(BITS, normal(3, 40), -torch.inf).argmax(-1, keepdim=True)  # which all filters leave
    values = (torch.tensor([2, 3, 5]), torch.tensor(0.9), torch.tensor(0.01), torch.tensor(1.0))
    for dtype in torch.float32, torch.float64, torch.bfloat16:
        for grad in False, True:
            x = logits(3, 40, dtype=dtype, grad=grad)
            nothing = (ONE.clone().requires_grad_(grad), None, None, None, None)
            filters = (ROWS[:, 0].clone().requires_grad_(grad), *values)
            index = first.expand(3, 4)
            yield "categorical", (x, WORDS, None, True, *nothing, None, -1, True, True)
            yield "categorical", (x, WORDS, 4, True, *filters, packed(BITS), -1, True, True)
            yield "categorical", (x, WORDS, 2, False, *nothing, None, -2, False, True)
            yield "log_prob", (x, index, *filters, BITS, -1, True)
            yield "log_prob", (x, None, *nothing, None, -2, True)
            yield "log_prob", (x, index[:, 0], *nothing, packed(BITS), -1, False)
    for grad in False, True:
        x, back, of_entropy = logits(3, 40, grad=grad), logits(3, 4, grad=grad), logits(3, grad=grad)
        rows = ROWS[:, 0].clone().requires_grad_(grad)
        yield "log_prob_vjp", (x, index, back, of_entropy, rows, *values, BITS, -1)
        yield "log_prob_vjp", (x, None, None, of_entropy, rows, None, None, None, None, None, -1)


SAMPLES = list(samples())


def test_every_operator_has_samples():
    assert set(operators()) == {name for name, _ in SAMPLES}


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
@pytest.mark.parametrize("number", range(len(SAMPLES)), ids=lambda i: f"{SAMPLES[i][0]}-{i}")
def test_opcheck(number):
    """Schema, autograd and fake kernels hold together, and each is the same under a compiler that traces shapes."""
    name, arguments = SAMPLES[number]
    checks = ["test_schema", "test_autograd_registration", "test_faketensor"]
    wanted = any(isinstance(argument, torch.Tensor) and argument.requires_grad for argument in arguments)
    # Each seed is another; and the check of gradients adds results to the first in place, which may be of ints.
    if name != "seed" and not (name == "categorical" and wanted):
        checks.append("test_aot_dispatch_dynamic")
    torch.library.opcheck(operators()[name], arguments, test_utils=checks)


def test_operators_are_pure_but_for_seed():
    """Tags say so to compilers that would else merge or drop calls, or keep their results."""
    words = [tuple(torch.ops.gumbel_fast.seed([]).tolist()) for _ in range(3)]
    assert len(set(words)) == 3
    for name, arguments in SAMPLES:
        if name != "seed":
            first, second = (torch.utils._pytree.tree_leaves(operators()[name](*arguments)) for _ in range(2))
            assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))


def test_every_bit_of_the_two_words_is_drawn():
    """Each of 128 bits takes both values in 64 draws, unless by a chance of 2^-56."""
    torch.manual_seed(7)
    seeds = np.array([torch.ops.gumbel_fast.seed([]).tolist() for _ in range(64)]).astype(np.int64).view(np.uint64)
    assert np.bitwise_or.reduce(seeds).tolist() == [2**64 - 1] * 2
    assert np.bitwise_and.reduce(seeds).tolist() == [0, 0]


def test_seed_is_what_a_call_takes():
    """The state of torch's generator after a call is that after the operator alone."""
    held(torch.ops.gumbel_fast.seed, [])
    expected = torch.get_rng_state()
    for call in CALLS.values():
        held(call, normal(4, 5))
        assert torch.equal(torch.get_rng_state(), expected)


# ---------------------------------------------------------------------------------------- derivatives by each transform

MASK = some_mask(4, 5) | (torch.arange(5) < 2)
TAU = torch.tensor([[0.5], [1.0], [2.0], [0.8]], dtype=torch.float64)


def relaxation(dim=-1, tau=0.7, hard=False, log=False, mask=None):
    """`gumbel_softmax` in one way, and torch's expression for it with the noise of the seed that `held` holds."""
    noise = noise_of((4, 5), dim=dim)

    def ours(x):
        return gt.gumbel_softmax(x, tau, hard, dim=dim, log=log, mask=mask)

    def model(x):
        return relaxed(x, noise, tau, dim, keep=mask, log=log)

    return ours, model


def draw(what, num_samples=None, dim=-1, mask=None, **how):
    """A log-probability or entropy of `categorical`, and torch's expression for it of the draw at normal(4, 5)."""
    how = {"dim": dim, "mask": mask, **how}
    index = gt.categorical(normal(4, 5), num_samples, generator=seeded(), **how)
    keep = kept(normal(4, 5), mask=mask, **{k: how[k] for k in ("top_k", "top_p")}) if "top_p" in how else mask

    def ours(x):
        results = gt.categorical(x, num_samples, return_log_prob=True, return_entropy=True, **how)
        return results[1 if what == "log_prob" else 2]

    def model(x):
        log_p = log_probabilities(x, how.get("temperature", 1.0), keep=keep, dim=dim)
        return log_prob_of(log_p, index) if what == "log_prob" else entropy_of(log_p)

    return ours, model


DIFFERENTIABLE = {
    "gumbel_softmax": lambda: relaxation(),
    "gumbel_softmax, dim 0": lambda: relaxation(dim=0),
    "gumbel_softmax, a tau for each row": lambda: relaxation(tau=TAU),
    "gumbel_softmax, log": lambda: relaxation(log=True),
    "gumbel_softmax, mask": lambda: relaxation(mask=MASK),
    "gumbel_softmax, log, mask, tau": lambda: relaxation(log=True, mask=MASK, tau=TAU),
    "log_prob": lambda: draw("log_prob"),
    "log_prob, several": lambda: draw("log_prob", 3, temperature=0.8),
    "log_prob, dim 0": lambda: draw("log_prob", dim=0),
    "log_prob, mask and filters": lambda: draw("log_prob", 3, mask=MASK, top_k=4, top_p=0.9),
    "entropy": lambda: draw("entropy"),
    "entropy, mask and filters": lambda: draw("entropy", mask=MASK, top_k=4, top_p=0.9),
}


def finite(function):
    """The function with -inf, which a masked logarithm gives, as 0."""
    return lambda x: (y := function(x)).masked_fill(y == -torch.inf, 0)


def summed(function):
    """A number that depends on each entry in another way."""

    def number(x):
        y = finite(function)(x)
        return (y * torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)).sum() + y.square().sum()

    return number


TANGENT = normal(4, 5, seed=11)

TRANSFORMS = {
    "grad": lambda f, x: torch.func.grad(summed(f))(x),
    "grad_and_value": lambda f, x: torch.func.grad_and_value(summed(f))(x),
    "vjp": lambda f, x: (lambda y, back: (y, *back(y.cos())))(*torch.func.vjp(finite(f), x)),
    "jvp": lambda f, x: torch.func.jvp(finite(f), (x,), (TANGENT,)),
    "jacrev": lambda f, x: torch.func.jacrev(finite(f))(x),
    "jacfwd": lambda f, x: torch.func.jacfwd(finite(f), randomness="same")(x),
    "grad of grad": lambda f, x: torch.func.grad(lambda z: torch.func.grad(summed(f))(z).square().sum())(x),
    "jvp of grad": lambda f, x: torch.func.jvp(torch.func.grad(summed(f)), (x,), (TANGENT,)),
    "grad of jvp": lambda f, x: torch.func.grad(lambda z: torch.func.jvp(summed(f), (z,), (TANGENT,))[1])(x),
    "jacrev of jacrev": lambda f, x: torch.func.jacrev(torch.func.jacrev(summed(f)))(x),
    "hessian": lambda f, x: torch.func.jacfwd(torch.func.jacrev(summed(f)), randomness="same")(x),
    "autograd.functional.jacobian": lambda f, x: torch.autograd.functional.jacobian(finite(f), x),
    "autograd.functional.jacobian, vectorized": lambda f, x: torch.autograd.functional.jacobian(
        finite(f), x, vectorize=True
    ),
    "autograd.functional.hvp": lambda f, x: torch.autograd.functional.hvp(summed(f), x, TANGENT),
}


@pytest.mark.filterwarnings("ignore")  # of the transforms themselves: what they deprecate, graphs they warn of
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives(name, transform):
    ours, model = DIFFERENTIABLE[name]()
    x = normal(4, 5)
    found = torch.utils._pytree.tree_leaves(held(TRANSFORMS[transform], ours, x))
    wanted = torch.utils._pytree.tree_leaves(TRANSFORMS[transform](model, x))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    assert max(one.abs().max() for one in found) > 1e-3


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_forward_mode(name):
    """Dual numbers, without torch.func."""
    ours, model = DIFFERENTIABLE[name]()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(normal(4, 5), TANGENT)
        found, wanted = (forward_ad.unpack_dual(y) for y in (held(finite(ours), dual), finite(model)(dual)))
    assert_close(found.primal, wanted.primal)
    assert_close(found.tangent, wanted.tangent)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_double_backward(name):
    """By create_graph, without torch.func."""
    ours, model = DIFFERENTIABLE[name]()
    results = []
    for function in ours, model:
        x = normal(4, 5).requires_grad_()
        (first,) = torch.autograd.grad(held(summed(function), x), x, create_graph=True)
        results.append(torch.autograd.grad(first.square().sum(), x)[0])
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's rules, which it scripts
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradcheck_by_torchs_own_tool(name):
    """Backward, forward, forward over backward, and batched gradients, held to finite differences."""
    ours, _ = DIFFERENTIABLE[name]()
    x = normal(4, 5).requires_grad_()

    def function(x):
        return held(finite(ours), x)

    assert torch.autograd.gradcheck(
        function, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=False, fast_mode=True
    )
    assert torch.autograd.gradgradcheck(function, x, check_fwd_over_rev=True, fast_mode=True)


@pytest.mark.parametrize("what", ["soft", "log", "log_prob", "entropy"])
@pytest.mark.parametrize("transform", ["grad", "jvp", "jacrev", "hessian", "vjp"])
@pytest.mark.filterwarnings("ignore")  # of the transforms themselves: what they deprecate, graphs they warn of
def test_derivatives_by_the_temperature(what, transform):
    x = normal(4, 5)
    noise = noise_of((4, 5))
    index = gt.categorical(x, temperature=TAU[:, 0], generator=seeded())

    def ours(t):
        t = t[:, 0]
        if what in ("soft", "log"):
            return gt.gumbel_softmax(x, t[:, None], log=what == "log")
        return gt.categorical(x, temperature=t, return_log_prob=True, return_entropy=True)[1 + (what == "entropy")]

    def model(t):
        t = t[:, 0]
        if what in ("soft", "log"):
            return relaxed(x, noise, t[:, None], log=what == "log")
        log_p = log_probabilities(x, t)
        return entropy_of(log_p) if what == "entropy" else log_prob_of(log_p, index)

    # TANGENT has 5 columns, of which the first is used.
    start = TAU.expand(4, 5).clone()
    found = torch.utils._pytree.tree_leaves(held(TRANSFORMS[transform], ours, start))
    wanted = torch.utils._pytree.tree_leaves(TRANSFORMS[transform](model, start))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("transform", ["grad", "vjp", "jvp", "jacrev"])
def test_hard_has_the_derivatives_of_the_soft_sample(transform):
    x = normal(4, 5)

    def first_derivatives(hard):
        def number(z):
            y = gt.gumbel_softmax(z, 0.7, hard)
            return (y * TANGENT).sum() if transform == "grad" else y

        return held(
            {
                "grad": lambda: torch.func.grad(number)(x),
                "vjp": lambda: torch.func.vjp(number, x)[1](TANGENT)[0],
                "jvp": lambda: torch.func.jvp(number, (x,), (TANGENT,))[1],
                "jacrev": lambda: torch.func.jacrev(number)(x),
            }[transform]
        )

    assert_close(first_derivatives(True), first_derivatives(False))
    value = held(lambda: torch.func.jvp(lambda z: gt.gumbel_softmax(z, 0.7, True), (x,), (TANGENT,))[0])
    assert torch.all((value == 0) | (value == 1))
    assert torch.all(value.sum(-1) == 1)


# ----------------------------------------------------------------------------------------------------------------- vmap

CALLS = {
    "gumbel_softmax": lambda x: gt.gumbel_softmax(x, 0.7),
    "gumbel_softmax, hard": lambda x: gt.gumbel_softmax(x, 0.7, True),
    "gumbel_softmax, log": lambda x: gt.gumbel_softmax(x, 0.7, log=True),
    "categorical": gt.categorical,
    "categorical, several": lambda x: gt.categorical(x, 6),
    "categorical, without replacement": lambda x: gt.categorical(x, 3, False),
    "categorical, filtered": lambda x: gt.categorical(x, 6, top_p=0.95),
    "categorical, all": lambda x: gt.categorical(x, 6, return_log_prob=True, return_entropy=True),
    "gumbel": lambda x: gt.gumbel(x.shape, dtype=x.dtype),
    "gumbel_max": lambda x: gt.gumbel_max(x, return_value=True),
    "gumbel_top_k": lambda x: gt.gumbel_top_k(x, 3, return_value=True),
    "Categorical.sample": lambda x: gt.Categorical(logits=x, validate_args=False).sample((6,)),
}


def leaves(result):
    return torch.utils._pytree.tree_leaves(result)


@pytest.mark.parametrize("batched", [True, False], ids=["logits batched", "logits captured"])
@pytest.mark.parametrize("name", CALLS)
def test_vmap_refuses_randomness_unless_told(name, batched):
    """By torch's own error, that names the argument."""
    x = torch.zeros(20, 8)
    with pytest.raises(RuntimeError, match="randomness"):
        torch.vmap(CALLS[name] if batched else lambda _: CALLS[name](x))(x)


@pytest.mark.parametrize("batched", [True, False], ids=["logits batched", "logits captured"])
@pytest.mark.parametrize("name", CALLS)
def test_vmap_same_and_different(name, batched):
    """One noise for all examples, or one for each; a second call has others. Logits are equal: the noise decides."""
    call = CALLS[name]
    x = torch.zeros(6, 30, 8)
    function = call if batched else lambda _: call(x[0])
    same = leaves(torch.vmap(function, randomness="same")(x))
    different = leaves(torch.vmap(function, randomness="different")(x))
    again = leaves(torch.vmap(function, randomness="different")(x))
    alone = leaves(call(x[0]))
    assert [part.shape[1:] for part in same] == [part.shape for part in alone]
    assert [part.shape[1:] for part in different] == [part.shape for part in alone]
    assert [part.dtype for part in same] == [part.dtype for part in alone]
    for part in same:
        assert torch.all(part == part[:1])
    first = different[0]  # 30 rows of 8 categories agree by chance once in 10^27
    for i in range(6):
        assert not any(torch.equal(first[i], first[j]) for j in range(i))
        assert not any(torch.equal(first[i], again[0][j]) for j in range(6))
    assert not torch.equal(same[0][0], first[0])


@pytest.mark.parametrize("randomness", ["same", "different"])
@pytest.mark.parametrize("name", CALLS)
def test_vmap_obeys_manual_seed(name, randomness):
    mapped = torch.vmap(CALLS[name], randomness=randomness)
    x = normal(6, 30, 8)
    first, second = leaves(held(mapped, x)), leaves(held(mapped, x))
    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_vmap_same_is_the_call_alone(name):
    """With one seed each example is what it is alone, whatever the others are; entropy and the like to rounding."""
    x = normal(6, 30, 8)
    mapped = leaves(held(torch.vmap(CALLS[name], randomness="same"), x))
    for i in range(6):
        for part, alone in zip(mapped, leaves(held(CALLS[name], x[i])), strict=True):
            torch.testing.assert_close(part[i], alone, rtol=1e-12, atol=1e-12)


IN_DIMS = {
    "logits, first": ((0, None, None), None),
    "logits, last": ((-1, None, None), None),
    "logits, middle": ((1, None, None), None),
    "tau": ((None, 0, None), None),
    "mask": ((None, None, 0), None),
    "mask, last": ((None, None, 2), None),
    "logits and tau": ((0, 1, None), None),
    "logits and mask": ((1, None, 0), None),
    "tau and mask": ((None, 0, 1), None),
    "all": ((0, 0, 0), None),
    "all, in any order": ((2, 1, -2), None),
}


def example_of(tensor, dim, i):
    return tensor if dim is None else tensor.select(dim, i)


@pytest.mark.parametrize("randomness", ["same", "different"])
@pytest.mark.parametrize("inner_dim", [-1, 0])
@pytest.mark.parametrize("name", IN_DIMS)
def test_vmap_over_some_arguments(name, inner_dim, randomness):
    """Logits (4, 5), tau (4, 1) or (1, 5), mask (4, 5), each batched along a dim or not at all."""
    in_dims = IN_DIMS[name][0]
    batch = 3
    tau_shape = (4, 1) if inner_dim == -1 else (1, 5)

    def with_batch(tensor, dim):
        return tensor if dim is None else tensor.movedim(0, dim)

    shapes = [(4, 5), tau_shape, (4, 5)]
    shapes = [shape if dim is None else (batch, *shape) for shape, dim in zip(shapes, in_dims, strict=True)]
    x, tau, mask = normal(*shapes[0]), normal(*shapes[1], seed=3).abs() + 0.5, some_mask(*shapes[2])
    mask = mask | (torch.arange(5) < 1) | (torch.arange(4) < 1)[:, None]
    given = [with_batch(*pair) for pair in zip((x, tau, mask), in_dims, strict=True)]
    given[0] = given[0].requires_grad_()
    given[1] = given[1].requires_grad_()

    def ours(x, tau, mask):
        return gt.gumbel_softmax(x, tau, dim=inner_dim, mask=mask)

    def zeros(x, tau, mask):
        return gt.gumbel_softmax(torch.zeros_like(x), torch.ones_like(tau), dim=inner_dim)

    mapped = held(torch.vmap(ours, in_dims, randomness=randomness), *given)
    noise = held(torch.vmap(zeros, in_dims, randomness=randomness), *given).log()
    models = [
        relaxed(*(example_of(t, d, i) for t, d in zip(given[:1], in_dims, strict=False)), noise[i],
                example_of(given[1], in_dims[1], i), inner_dim, keep=example_of(given[2], in_dims[2], i))
        for i in range(batch)
    ]  # fmt: skip
    expected = torch.stack(models)
    assert_close(mapped, expected)
    assert len(noise[:, 0, 0].unique()) == (1 if randomness == "same" else batch)
    weights = normal(*mapped.shape, seed=8)
    found = torch.autograd.grad(mapped, given[:2], weights)
    wanted = torch.autograd.grad(expected, given[:2], weights)
    assert_close(found[0], wanted[0])
    assert_close(found[1], wanted[1])


@pytest.mark.parametrize("randomness", ["same", "different"])
@pytest.mark.parametrize("in_dims", [(None, 0), (0, 0), (0, None)], ids=str)
def test_vmap_with_temperatures_along_the_row(in_dims, randomness):
    x, tau = normal(3, 4, 5), normal(3, 5, seed=3).abs() + 0.5
    given = [t if d == 0 else t[0] for t, d in zip((x, tau), in_dims, strict=True)]
    mapped = held(torch.vmap(gt.gumbel_softmax, in_dims, randomness=randomness), *given)
    zeros = torch.zeros(3, 4, 5).double()
    plain = held(
        torch.vmap(lambda z, t: gt.gumbel(z.shape, dtype=z.dtype) + 0 * t[:1], randomness=randomness), zeros, tau
    )
    for i in range(3):
        assert_close(
            mapped[i], relaxed(example_of(given[0], in_dims[0], i), plain[i], example_of(given[1], in_dims[1], i))
        )


@pytest.mark.parametrize("out_dims", [0, 1, -1])
def test_vmap_out_dims(out_dims):
    x = normal(3, 4, 5)
    first = held(torch.vmap(CALLS["gumbel_softmax"], randomness="different"), x)
    moved = held(torch.vmap(CALLS["gumbel_softmax"], out_dims=out_dims, randomness="different"), x)
    assert torch.equal(moved, first.movedim(0, out_dims))


@pytest.mark.parametrize("name", ["temperature", "top_k", "mask", "logits, last", "words"])
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_vmap_over_arguments_of_categorical(name, randomness):
    """Values for the index that came, by torch; and it is one of those that are left."""
    x, mask = normal(4, 40), some_mask(3, 4, 40)
    temperature, top_k = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64), torch.tensor([2, 3, 5])
    how = {"return_log_prob": True, "return_entropy": True}
    function, given, in_dims = {
        "temperature": (lambda t: gt.categorical(x, 6, temperature=t, **how), temperature, 0),
        "top_k": (lambda k: gt.categorical(x, 6, top_k=k, **how), top_k, 0),
        "mask": (lambda m: gt.categorical(x, 6, mask=m, **how), mask, 0),
        "words": (lambda m: gt.categorical(x, 6, mask=m, **how), packed(mask), 0),
        "logits, last": (lambda z: gt.categorical(z, 6, **how), normal(4, 40, 3), -1),
    }[name]
    index, log_prob, entropy = torch.vmap(function, in_dims, randomness=randomness)(given)
    for i in range(3):
        keep = None
        if name == "top_k":
            keep = kept(x, top_k=int(top_k[i]))
        elif name in ("mask", "words"):
            keep = mask[i]
        log_p = log_probabilities(
            given[..., i] if name == "logits, last" else x, temperature[i] if name == "temperature" else 1.0, keep=keep
        )
        assert_close(log_prob[i], log_prob_of(log_p, index[i]))
        assert_close(entropy[i], entropy_of(log_p))


@pytest.mark.parametrize("name", ["temperature", "mask"])
@pytest.mark.parametrize("call", [gt.gumbel_max, lambda x, **how: gt.gumbel_top_k(x, 1, **how)], ids=["max", "top_k"])
def test_vmap_over_arguments_of_gumbel_max(name, call):
    x, mask, temperature = normal(4, 5), some_mask(3, 4, 5), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    given = {"temperature": temperature, "mask": mask}[name]
    mapped = held(torch.vmap(lambda a: call(x, **{name: a}, return_value=True), randomness="same"), given)
    for i in range(3):
        alone = held(lambda i=i: call(x, **{name: given[i]}, return_value=True))
        assert torch.equal(mapped[0][i], alone[0])
        assert_close(mapped[1][i], alone[1])


@pytest.mark.parametrize("outer", ["same", "different"])
@pytest.mark.parametrize("inner", ["same", "different"])
@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical, several", "gumbel", "gumbel_max"])
def test_vmap_in_vmap(name, outer, inner):
    x = torch.zeros(3, 4, 30, 8)
    function = torch.vmap(torch.vmap(CALLS[name], randomness=inner), randomness=outer)
    part = leaves(function(x))[0]
    for i, j in np.ndindex(3, 4):
        assert torch.equal(part[i, j], part[0, j]) == (outer == "same" or i == 0)
        assert torch.equal(part[i, j], part[i, 0]) == (inner == "same" or j == 0)


def test_vmap_by_chunks():
    x = torch.zeros(7, 30, 8)
    part = torch.vmap(CALLS["gumbel_softmax"], randomness="different", chunk_size=3)(x)
    assert len(part.unique(dim=0)) == 7


@pytest.mark.parametrize(
    "name", ["gumbel_softmax", "gumbel_softmax, log", "gumbel_softmax, mask", "log_prob", "entropy"]
)
@pytest.mark.parametrize("order", ["vmap of grad", "grad of vmap", "vmap of jvp", "vmap of jacrev"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_vmap_with_derivatives(name, order):
    """One noise for all examples, which is that of the call alone: then each is held to the model."""
    ours, model = DIFFERENTIABLE[name]()
    x = torch.stack([normal(4, 5), normal(4, 5)])  # the model's draw is that of these logits
    by = {
        "vmap of grad": lambda f: torch.vmap(torch.func.grad(summed(f)), randomness="same"),
        "grad of vmap": lambda f: torch.func.grad(lambda z: torch.vmap(summed(f), randomness="same")(z).square().sum()),
        "vmap of jvp": lambda f: torch.vmap(
            lambda z: torch.func.jvp(finite(f), (z,), (TANGENT,))[1], randomness="same"
        ),
        "vmap of jacrev": lambda f: torch.vmap(torch.func.jacrev(finite(f)), randomness="same"),
    }[order]
    found, wanted = held(by(ours), x), by(model)(x)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def test_gradient_of_each_example():
    """As ensembles and per-sample gradients have it: vmap of grad, with a noise for each."""
    w, inputs = normal(5, 3), normal(6, 4, 5, seed=2)

    def loss(w, x):
        return gt.gumbel_softmax(x @ w, 0.7).square().sum()

    found = held(torch.vmap(torch.func.grad(loss), (None, 0), randomness="different"), w, inputs)
    noise = held(
        torch.vmap(torch.func.grad_and_value(lambda w, x: gt.gumbel_softmax(0 * (x @ w)).log()[0, 0]), (None, 0),
                   randomness="different"), w, inputs,
    )  # fmt: skip
    assert len(noise[1].unique()) == 6
    noise = held(torch.vmap(lambda x: gt.gumbel_softmax(torch.zeros(4, 3).double() + 0 * x[:1, :1]),
                            randomness="different"), inputs).log()  # fmt: skip
    for i in range(6):
        w_i = w.clone().requires_grad_()
        expected = torch.autograd.grad(relaxed(inputs[i] @ w_i, noise[i], 0.7).square().sum(), w_i)[0]
        assert_close(found[i], expected)


@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical", "gumbel_max", "gumbel_top_k", "captured"])
def test_draws_of_examples_follow_softmax_and_are_independent(name):
    row = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    call = {
        "gumbel_softmax": lambda x: gt.gumbel_softmax(x, 0.7).argmax(-1),
        "categorical": gt.categorical,
        "gumbel_max": gt.gumbel_max,
        "gumbel_top_k": lambda x: gt.gumbel_top_k(x, 1)[..., 0],
        "captured": lambda _: gt.categorical(row.expand(40, 5)),
    }[name]
    drawn = held(torch.vmap(call, randomness="different"), row.expand(1000, 40, 5))
    p = softmax(row)
    assert_draws_follow(drawn, p, against={"uniform": np.array([1, 1, 1, 1, 0]) / 4, "no noise": np.eye(5)[2]})
    agreed, q = torch.count_nonzero(drawn[1:] == drawn[:-1]).item(), np.sum(p**2)
    assert_count(agreed, drawn[1:].numel(), q, against={"the same for all": 1.0, "twice each": 0.5 + q / 2})


@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical"])
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_a_generator_of_ones_own_in_vmap(name, randomness):
    x = torch.zeros(6, 30, 8)
    call = getattr(gt, name)
    before = torch.get_rng_state()
    results = [
        torch.vmap(lambda z: call(z, generator=g), randomness=randomness)(x)  # noqa: B023  # called at once
        for g in (seeded(), seeded(), seeded(8))
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert len(results[0].unique(dim=0)) == (1 if randomness == "same" else 6)
    with pytest.raises(RuntimeError, match="randomness"):
        torch.vmap(lambda z: call(z, generator=seeded()))(x)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_vmap_errors_name_the_row(randomness):
    """And a bad example is not passed over."""
    x = torch.zeros(3, 4, 5)
    x[1, 2] = torch.nan
    with pytest.raises(ValueError, match="row"):
        torch.vmap(gt.categorical, randomness=randomness)(x)
    sample = torch.vmap(gt.gumbel_softmax, randomness=randomness)(x)
    assert torch.all(sample[1, 2].isnan())
    assert torch.count_nonzero(sample.isnan()) == 5
    with pytest.raises(ValueError, match=r"(tau|temperature).*above 0"):
        torch.vmap(lambda t: gt.gumbel_softmax(x, t), randomness=randomness)(torch.tensor([1.0, 0.0]))


def test_vmap_of_a_distribution():
    """Over values, logits and masks; gradients by torch.func, each held to torch's own class."""
    x, mask, value = normal(3, 4, 5), some_mask(3, 4, 5), torch.randint(5, (3, 4), generator=seeded())

    def by(kind):
        def values(x, mask, value):
            if kind is gt.Categorical:
                d = gt.Categorical(logits=x, mask=mask, validate_args=False)
            else:
                d = torch.distributions.Categorical(logits=x.masked_fill(~mask, -torch.inf), validate_args=False)
            return d.log_prob(value), d.entropy()

        return values

    ours, theirs = by(gt.Categorical), by(torch.distributions.Categorical)
    for in_dims in (0, 0, 0), (None, None, 0), (0, None, None), (None, 0, None), (None, 0, 0):
        given = [t if d == 0 else t[0] for t, d in zip((x, mask, value), in_dims, strict=True)]
        found, wanted = (torch.vmap(f, in_dims, randomness="error")(*given) for f in (ours, theirs))
        assert_close(found[0], wanted[0])
        assert_close(found[1], wanted[1])
    allowed = mask.int().argmax(-1)
    found, wanted = (
        torch.vmap(torch.func.grad(lambda x, m, v, f=f: f(x, m, v)[0].sum()))(x, mask, allowed) for f in (ours, theirs)
    )
    assert_close(found, wanted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_generator_of_ones_own_in_derivatives():
    """A transform takes from it what the call alone takes."""
    x, generator, other = normal(4, 5), seeded(), seeded()
    found = torch.func.grad(lambda z: gt.gumbel_softmax(z, generator=generator).square().sum())(x)
    z = x.clone().requires_grad_()
    assert_close(found, torch.autograd.grad(gt.gumbel_softmax(z, generator=other).square().sum(), z)[0])
    assert torch.equal(generator.get_state(), other.get_state())


@pytest.mark.parametrize("name", CALLS)
def test_functionalize(name):
    x = normal(30, 8)
    found, expected = leaves(held(torch.func.functionalize(CALLS[name]), x)), leaves(held(CALLS[name], x))
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_functional_call_of_an_ensemble():
    """Stacked parameters of several modules, as torch.func's tutorial has it."""

    class Chooser(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(5, 3)

        def forward(self, x):
            return gt.gumbel_softmax(self.linear(x), 0.7, hard=True)

    torch.manual_seed(0)
    models = [Chooser() for _ in range(4)]
    parameters, buffers = torch.func.stack_module_state(models)

    def call(parameters, buffers, x):
        return torch.func.functional_call(models[0], (parameters, buffers), (x,))

    x = normal(20, 5, dtype=torch.float32)
    chosen = torch.vmap(call, (0, 0, None), randomness="different")(parameters, buffers, x)
    assert chosen.shape == (4, 20, 3)
    assert torch.all(chosen.sum(-1) == 1)
    chosen[..., 0].sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in parameters.values())


# ------------------------------------------------------------------------------------ tensors that are fake, or on meta


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALVES], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_fake_tensors(name, dtype):
    """Shapes, dtypes and strides are those of the results, and nothing is computed."""
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    real = leaves(CALLS[name](normal(4, 8, dtype=dtype)))
    with FakeTensorMode():
        fake = leaves(CALLS[name](torch.empty(4, 8, dtype=dtype)))
    for one, other in zip(fake, real, strict=True):
        assert isinstance(one, FakeTensor)
        assert (one.shape, one.dtype, one.stride()) == (other.shape, other.dtype, other.stride())
        assert one.device == other.device


@pytest.mark.parametrize("name", ["gumbel_softmax", "categorical, all"])
def test_gradients_of_fake_tensors(name):
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    with FakeTensorMode():
        x = torch.empty(4, 8, requires_grad=True)
        results = [part for part in leaves(CALLS[name](x)) if part.requires_grad]
        (gradient,) = torch.autograd.grad(sum(part.sum() for part in results), x)
        assert isinstance(gradient, FakeTensor)
        assert gradient.shape == x.shape


@pytest.mark.parametrize("name", [name for name in CALLS if name != "gumbel"])
def test_meta_tensors(name):
    real = leaves(CALLS[name](torch.zeros(4, 8)))
    meta = leaves(CALLS[name](torch.zeros(4, 8, device="meta")))
    for one, other in zip(meta, real, strict=True):
        assert one.device.type == "meta"
        assert (one.shape, one.dtype, one.stride()) == (other.shape, other.dtype, other.stride())


def test_gradients_of_meta_tensors():
    x = torch.zeros(4, 8, device="meta", requires_grad=True)
    _index, log_prob, entropy = gt.categorical(x, return_log_prob=True, return_entropy=True)
    loss = gt.gumbel_softmax(x, hard=True).sum() + log_prob.sum() + entropy.sum()
    (gradient,) = torch.autograd.grad(loss, x)
    assert gradient.device.type == "meta"
    assert gradient.shape == x.shape


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", [name for name in CALLS if name != "gumbel"])
def test_a_default_device_makes_no_difference(name, device):
    """Results are on the device of the logits, whichever new tensors go to."""
    x = normal(4, 8)
    expected = leaves(held(CALLS[name], x))
    with torch.device(device):
        found = leaves(held(CALLS[name], x))
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    torch.set_default_device(device)
    try:
        found = leaves(held(CALLS[name], x))
    finally:
        torch.set_default_device(None)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


# ------------------------------------------------------------------------------------------- forward over forward


def gumbel_softmax_of_one_seed(x):
    torch.manual_seed(7)
    return gt.gumbel_softmax(x, 0.7)


FOUR = torch.tensor([True, True, False, True])
SECOND = {
    "gumbel_softmax": lambda x: gumbel_softmax_of_one_seed(x)[1],
    "entropy": lambda x: gt.categorical(x, return_entropy=True)[1],
    "log_prob": lambda x: gt.Categorical(logits=x).log_prob(torch.tensor(1)),
    "log_prob, masked": lambda x: gt.Categorical(logits=x, mask=FOUR).log_prob(torch.tensor(1)),
}


@pytest.mark.parametrize("name", SECOND)
def test_forward_over_forward(name):
    """Torch's own Functions give 0 there; ours are made of operations that have all derivatives."""
    x, function = normal(4), SECOND[name]
    twice = torch.func.jacfwd(torch.func.jacfwd(function, randomness="same"), randomness="same")(x)
    assert_close(twice, torch.func.jacfwd(torch.func.jacrev(function), randomness="same")(x))
    assert twice.abs().max() > 1e-3


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
@pytest.mark.parametrize("name", SECOND)
def test_forward_mode_in_a_graph(name):
    x, function = normal(4), SECOND[name]
    if name == "gumbel_softmax":  # a graph takes no manual_seed
        function = lambda x: gt.gumbel_softmax(x, 0.7, log=True).exp().sum() + x[0]  # noqa: E731
    importlib.import_module("torch._dynamo").reset()
    compiled = torch.compile(lambda a, v: torch.func.jvp(function, (a,), (v,))[1], fullgraph=True, backend="aot_eager")
    v = normal(4, seed=2)
    torch.manual_seed(7)
    found = compiled(x, v)
    torch.manual_seed(7)
    assert_close(found, torch.func.jvp(function, (x,), (v,))[1])


@pytest.mark.filterwarnings("ignore")
def test_vmap_of_a_compiled_function():
    importlib.import_module("torch._dynamo").reset()
    mapped = torch.vmap(torch.compile(gt.gumbel_softmax, backend="aot_eager"), randomness="different")
    sample = mapped(torch.zeros(4, 6, dtype=torch.float64))
    assert_close(sample.sum(-1), torch.ones(4, dtype=torch.float64))
    assert len({tuple(row) for row in sample.tolist()}) == 4


def test_vmap_over_no_examples():
    for randomness in "same", "different":
        assert torch.vmap(gt.categorical, randomness=randomness)(torch.zeros(0, 3)).shape == (0,)
        assert torch.vmap(gt.gumbel_softmax, randomness=randomness)(torch.zeros(0, 3)).shape == (0, 3)
