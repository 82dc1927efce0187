"""gumbel_fast.torch beside torch.nn.functional.gumbel_softmax: samples, gradients, layouts, seeds, and what is refused.

Samples and gradients are held to torch's own operations on the same noise. The noise of a seed is found from outside:
with logits of 0 at temperature 1, the logarithm of the sample is the noise but for one number a row, which no softmax
sees.
"""

import inspect
import subprocess
import sys
import warnings

import numpy as np
import pytest

from statistical import assert_draws_follow, softmax

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

import gumbel_fast.torch  # noqa: E402  # only where torch is

gumbel_softmax, categorical = gumbel_fast.torch.gumbel_softmax, gumbel_fast.torch.categorical

REALS = [torch.float32, torch.float64]
HALVES = [torch.bfloat16, torch.float16]
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-12}


def seeded(seed=7):
    return torch.Generator().manual_seed(seed)


def normal(*shape, dtype=torch.float64, seed=1):
    return torch.randn(shape, dtype=dtype, generator=seeded(seed))


def by_torch(logits, tau, dim, seed):
    """The sample of `gumbel_softmax` with this seed, by torch's differentiable operations."""
    noise = gumbel_softmax(torch.zeros(logits.shape, dtype=logits.dtype), dim=dim, generator=seeded(seed)).log()
    return ((logits + noise) / tau).softmax(dim)


def assert_close(actual, expected, dtype):
    assert actual.dtype == dtype
    torch.testing.assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


# ------------------------------------------------------------------------------------------------ samples and gradients


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("dim", [-1, 0, 1, 2, -3])
@pytest.mark.parametrize("tau", [0.3, 1, 7.5])
def test_sample_and_gradient_are_those_of_torch(dtype, dim, tau):
    logits = normal(4, 5, 6, dtype=dtype).requires_grad_()
    weights = normal(4, 5, 6, dtype=dtype, seed=2)
    sample = gumbel_softmax(logits, tau, dim=dim, generator=seeded())
    expected = by_torch(logits, tau, dim, seed=7)
    assert_close(sample, expected, dtype)
    (gradient,) = torch.autograd.grad(sample, logits, weights)
    (expected_gradient,) = torch.autograd.grad(expected, logits, weights)
    assert_close(gradient, expected_gradient, dtype)
    assert gradient.shape == logits.shape


@pytest.mark.parametrize("dim", [-1, 0, 1])
@pytest.mark.parametrize("tau", [0.4, 2.0])
def test_gradcheck(dim, tau):
    logits = normal(3, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: gumbel_softmax(x, tau, dim=dim, generator=seeded()), logits)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1), (1, 1), (4, 3, 1)], ids=str)
def test_temperature_may_be_a_tensor_with_a_gradient(shape):
    logits = normal(4, 3, 5).requires_grad_()
    tau = (normal(*shape, seed=3).abs() + 0.5).requires_grad_()
    assert_close(gumbel_softmax(logits, tau, generator=seeded()), by_torch(logits, tau, -1, seed=7), torch.float64)
    assert torch.autograd.gradcheck(lambda x, t: gumbel_softmax(x, t, generator=seeded()), (logits, tau))


def test_temperatures_along_another_dim():
    logits = normal(5, 4)
    tau = torch.tensor([[0.2, 1.0, 3.0, 9.0]], dtype=torch.float64)
    assert_close(gumbel_softmax(logits, tau, dim=0, generator=seeded()), by_torch(logits, tau, 0, 7), torch.float64)


def test_gradient_of_the_temperature_where_entries_underflow():
    """log(0) * 0 is no NaN."""
    tau = torch.tensor(1e-3, requires_grad=True)
    sample = gumbel_softmax(torch.tensor([0.0, 900.0, -torch.inf]), tau, generator=seeded())
    assert sample.tolist() == [0, 1, 0]
    sample[1].backward()
    assert tau.grad == 0


def test_sample_is_that_of_the_library():
    """It has the distribution of gumbel_fast.gumbel_softmax: the largest entry falls as softmax(logits) says."""
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    drawn = gumbel_softmax(logits.expand(40_000, 5), 0.7, generator=seeded()).argmax(dim=-1)
    p = softmax(logits)
    assert_draws_follow(drawn, p, against={"a temperature inside": softmax(logits, 0.7), "no noise": np.eye(5)[2]})


@pytest.mark.parametrize("offset", [-1e8, 1e6, -3e38])
@pytest.mark.parametrize("hard", [False, True])
def test_only_differences_between_logits_count(offset, hard):
    """Rows of equal logits at any offset give the bits of rows of zeros, and so does categorical."""
    for n in 2, 7, 100, 1000:
        results = []
        for level in 0.0, offset:
            torch.manual_seed(3)
            logits = torch.full((50, n), level)
            results.append((gumbel_fast.torch.gumbel_softmax(logits, hard=hard), gumbel_fast.torch.categorical(logits)))
        assert torch.equal(results[0][0], results[1][0])
        assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("tau", [1e-3, 1e3])
def test_masked_categories_and_their_gradients_are_0(dtype, tau):
    logits = normal(50, 8, dtype=dtype)
    logits[:, ::3] = -torch.inf
    logits.requires_grad_()
    sample = gumbel_softmax(logits, tau, generator=seeded())
    sample.backward(normal(50, 8, dtype=dtype, seed=2))
    assert torch.all(sample[:, ::3] == 0)
    assert torch.all(logits.grad[:, ::3] == 0)
    assert torch.all(torch.isfinite(sample))
    assert torch.all(torch.isfinite(logits.grad))


def test_rows_without_a_softmax_are_nan_and_alone():
    logits = normal(4, 3)
    expected = gumbel_softmax(logits, generator=seeded())
    logits[1, 2], logits[2] = torch.nan, -torch.inf
    sample = gumbel_softmax(logits, generator=seeded())
    assert torch.all(sample[1:3].isnan())
    assert torch.equal(sample[::3], expected[::3])


# ----------------------------------------------------------------------------------------------------- straight-through


@pytest.mark.parametrize("dtype", REALS + HALVES, ids=str)
@pytest.mark.parametrize("dim", [-1, 0])
@pytest.mark.parametrize("wanted", [True, False], ids=["training", "inference"])
def test_hard_is_exactly_one_hot_where_the_soft_sample_is_largest(dtype, dim, wanted):
    logits = normal(200, 60, dtype=torch.float32).to(dtype).requires_grad_(wanted)
    hard = gumbel_softmax(logits, 0.5, hard=True, dim=dim, generator=seeded())
    soft = gumbel_softmax(logits.detach().float(), 0.5, dim=dim, generator=seeded())
    assert hard.dtype == dtype
    assert hard.requires_grad == wanted
    assert torch.all((hard == 0) | (hard == 1))
    assert torch.all(hard.sum(dim=dim) == 1)
    assert torch.equal(hard.argmax(dim=dim), soft.argmax(dim=dim))


@pytest.mark.parametrize("wanted", [True, False], ids=["training", "inference"])
def test_hard_choice_does_not_depend_on_the_temperature(wanted):
    """At 1e5 the soft samples round to rows with several largest entries; the choice is still the noise's."""
    logits = normal(500, 60, dtype=torch.float32).requires_grad_(wanted)
    soft = gumbel_softmax(logits, 1e5, generator=seeded())
    assert torch.any((soft == soft.amax(dim=-1, keepdim=True)).sum(dim=-1) > 1)
    cold, hot = (gumbel_softmax(logits, tau, hard=True, generator=seeded()) for tau in (0.1, 1e5))
    assert torch.equal(cold, hot)


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_hard_has_the_gradient_of_the_soft_sample(dtype):
    logits, weights = normal(20, 6, dtype=dtype).requires_grad_(), normal(20, 6, dtype=dtype, seed=2)
    gradients = [
        torch.autograd.grad(gumbel_softmax(logits, 0.5, hard, generator=seeded()), logits, weights)[0]
        for hard in (True, False)
    ]
    assert torch.equal(*gradients)
    assert gradients[0].abs().max() > 0


# --------------------------------------------------------------------------------------------------- layouts and dtypes

LAYOUTS = {
    "transposed": lambda x: x.t().contiguous().t(),
    "every second row": lambda x: x.repeat_interleave(2, dim=0)[::2],
    "every second column": lambda x: x.repeat_interleave(2, dim=1)[:, ::2],
    "padded rows": lambda x: torch.cat([x, x], dim=1)[:, : x.shape[1]],
    "a parameter": torch.nn.Parameter,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dim", [0, 1])
def test_layout_makes_no_difference(layout, dim):
    plain = normal(6, 7)
    logits = LAYOUTS[layout](plain.clone())
    assert torch.equal(
        gumbel_softmax(logits, dim=dim, generator=seeded()), gumbel_softmax(plain, dim=dim, generator=seeded())
    )
    assert torch.equal(categorical(logits, generator=seeded()), categorical(plain, generator=seeded()))
    assert torch.equal(logits, plain), "the logits were written to"


def test_layout_of_the_gradient_makes_no_difference():
    weights = normal(7, 6, seed=2)
    gradients = []
    for given in (weights.t(), weights.t().contiguous()):
        logits = normal(6, 7).requires_grad_()
        gumbel_softmax(logits, generator=seeded()).backward(given)
        gradients.append(logits.grad)
    assert torch.equal(*gradients)


def test_gradient_that_is_one_number_everywhere():
    """sum() sends back a tensor of stride 0; a sample's sum is always 1."""
    logits = normal(6, 7).requires_grad_()
    gumbel_softmax(logits, generator=seeded()).sum().backward()
    torch.testing.assert_close(logits.grad, torch.zeros(6, 7, dtype=torch.float64), rtol=0, atol=1e-15)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_result_is_contiguous(dim, hard):
    """As torch's is, so that .view() works on it."""
    logits = normal(3, 4, 5).transpose(0, 2)
    assert gumbel_softmax(logits, hard=hard, dim=dim).is_contiguous()


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_logits_are_read_where_they_lie(dtype):
    logits = normal(3, 4, dtype=dtype).requires_grad_()
    assert gumbel_fast.torch._array("logits", logits).ctypes.data == logits.data_ptr()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("dim", [-1, 0])
def test_half_precision_is_computed_in_float32(dtype, dim):
    logits, weights = normal(30, 9, dtype=dtype).requires_grad_(), normal(30, 9, dtype=dtype, seed=2)
    sample = gumbel_softmax(logits, 0.5, dim=dim, generator=seeded())
    (gradient,) = torch.autograd.grad(sample, logits, weights)
    wide = logits.detach().float().requires_grad_()
    wide_sample = gumbel_softmax(wide, 0.5, dim=dim, generator=seeded())
    (wide_gradient,) = torch.autograd.grad(wide_sample, wide, weights.float())
    assert sample.dtype == gradient.dtype == dtype
    assert torch.equal(sample, wide_sample.to(dtype))
    torch.testing.assert_close(gradient.float(), wide_gradient, rtol=0.02, atol=0.02)  # the saved sample is rounded


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("with_ml_dtypes", [True, False])
def test_half_precision_is_drawn_from_as_its_float32_twin(dtype, with_ml_dtypes, monkeypatch):
    if with_ml_dtypes:
        pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    else:
        monkeypatch.setattr(gumbel_fast.torch, "_bfloat16", None)
    logits = normal(300, 9, dtype=dtype)
    read = gumbel_fast.torch._array("logits", logits, halves=True)
    assert (read.ctypes.data == logits.data_ptr()) == (with_ml_dtypes or dtype == torch.float16)
    assert torch.equal(categorical(logits, generator=seeded()), categorical(logits.float(), generator=seeded()))


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 5), (5, 0)], ids=str)
def test_empty_batch(shape):
    logits = torch.empty(shape, requires_grad=True)
    sample = gumbel_softmax(logits)
    sample.sum().backward()
    assert sample.shape == logits.grad.shape == shape


# ---------------------------------------------------------------------------------------------------------------- seeds


@pytest.mark.parametrize("draw", [gumbel_softmax, categorical])
def test_manual_seed_makes_results_repeatable(draw):
    logits = normal(100, 5)
    torch.manual_seed(3)
    first, second = draw(logits), draw(logits)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(draw(logits), first)
    assert torch.equal(draw(logits), second)
    assert torch.equal(draw(logits, generator=seeded(3)), first), "torch's own generator, seeded alike"


def test_a_generator_of_ones_own_leaves_torchs_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    gumbel_softmax(normal(4, 5), generator=seeded())
    categorical(normal(4, 5), generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)


def test_state_of_a_generator_can_be_kept():
    generator = seeded()
    state = generator.get_state()
    first = gumbel_softmax(normal(4, 5), generator=generator)
    assert torch.equal(gumbel_softmax(normal(4, 5), generator=generator.set_state(state)), first)


def test_every_bit_of_the_two_words_is_drawn():
    """Each of 128 bits takes both values in 64 draws, unless by a chance of 2^-56."""
    generator = seeded()
    seeds = np.array([gumbel_fast.torch._seed(generator) for _ in range(64)], np.uint64)
    assert np.bitwise_or.reduce(seeds).tolist() == [2**64 - 1] * 2
    assert np.bitwise_and.reduce(seeds).tolist() == [0, 0]


# ------------------------------------------------------------------------------------------------ in place of torch's


def test_call_as_torchs_function():
    """Every parameter of torch's is known by its name, with its default; those of our own are by keyword only."""
    theirs = inspect.signature(F.gumbel_softmax).parameters
    ours = inspect.signature(gumbel_softmax).parameters
    assert all(ours[name].default == theirs[name].default for name in theirs)
    positional = [name for name in ours if ours[name].kind is ours[name].POSITIONAL_OR_KEYWORD]
    assert positional == [name for name in theirs if name != "eps"]


def test_eps_is_ignored_with_torchs_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = gumbel_softmax(normal(4, 5), eps=1e-10, generator=seeded())
    for function in (F.gumbel_softmax, gumbel_softmax):
        with pytest.warns(UserWarning, match="`eps` parameter is deprecated and has no effect"):
            sample = function(normal(4, 5), eps=1e-6, **({"generator": seeded()} if function is gumbel_softmax else {}))
    assert torch.equal(sample, expected)


MODULE = """
import torch
from torch.nn.functional import gumbel_softmax


class Chooser(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(6))
        self.table = torch.nn.Parameter(torch.arange(6.0).unsqueeze(1), requires_grad=False)

    def forward(self, rows):
        choice = gumbel_softmax(self.logits.expand(rows, 6), tau=0.5, hard=self.training, dim=-1)
        return choice.view(rows, 6) @ self.table
"""


@pytest.mark.parametrize("library", ["torch.nn.functional", "gumbel_fast.torch"])
def test_module_written_for_torch_trains_by_another_import(library):
    """It learns to choose the last of the table's rows, with either function."""
    names = {}
    exec(MODULE.replace("torch.nn.functional", library), names)
    assert names["gumbel_softmax"].__module__ == library
    torch.manual_seed(0)
    module = names["Chooser"]()
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    for _ in range(40):
        optimizer.zero_grad()
        (-module(64).mean()).backward()
        optimizer.step()
    module.eval()
    with torch.no_grad():
        assert module(500).mean() > 4.5
        assert not module(5).requires_grad


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_no_graph_where_none_is_wanted(mode):
    logits = normal(4, 5).requires_grad_()
    with mode():
        assert not gumbel_softmax(logits, generator=seeded()).requires_grad
        assert not gumbel_softmax(logits, hard=True, generator=seeded()).requires_grad
    assert not gumbel_softmax(logits.detach()).requires_grad
    assert not categorical(logits).requires_grad


def test_logits_may_be_the_end_of_a_graph():
    weights = normal(5, 3).requires_grad_()
    inputs = normal(8, 5, seed=2)
    gumbel_softmax(inputs @ weights, generator=seeded()).square().sum().backward()
    gradient, weights.grad = weights.grad, None
    by_torch(inputs @ weights, 1, -1, seed=7).square().sum().backward()
    assert_close(gradient, weights.grad, torch.float64)


def test_writing_to_the_sample_before_backward_is_noticed():
    sample = gumbel_softmax(normal(4, 5).requires_grad_())
    sample.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        sample.sum().backward()


def test_importing_the_library_does_not_import_torch():
    code = "import sys, gumbel_fast; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


@pytest.mark.filterwarnings("ignore")  # of torch.compile's own
def test_compiled_code_calls_it_between_two_graphs():
    def loss(logits):
        return gumbel_softmax(logits * 2, generator=None).sin().sum() + categorical(logits).sum()

    logits = normal(4, 5).requires_grad_()
    results = []
    for function in (loss, torch.compile(loss, backend="eager")):
        torch.manual_seed(4)
        (gradient,) = torch.autograd.grad(function(logits), logits)
        results.append(gradient)
    assert torch.equal(*results)


# ---------------------------------------------------------------------------------------------------------- categorical


def test_draws_follow_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    drawn = categorical(logits.expand(40_000, 5), temperature=0.7, generator=seeded())
    p = softmax(logits, 0.7)
    assert_draws_follow(drawn, p, against={"no temperature": softmax(logits), "no noise": np.eye(5)[2]})


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)], ids=str)
@pytest.mark.parametrize("num_samples", [None, 0, 1, 3])
@pytest.mark.parametrize("replacement", [True, False])
def test_indices_have_the_batch_shape(shape, num_samples, replacement):
    drawn = categorical(normal(*shape), num_samples, replacement=replacement)
    assert drawn.shape == shape[:-1] + (() if num_samples is None else (num_samples,))
    assert drawn.dtype == torch.int64


def test_many_draws_follow_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    drawn = categorical(logits, 40_000, temperature=0.7, generator=seeded())
    p = softmax(logits, 0.7)
    assert_draws_follow(drawn, p, against={"no temperature": softmax(logits), "no noise": np.eye(5)[2]})


def test_without_replacement_the_order_is_that_of_the_draws():
    """The first is drawn by softmax, and no category twice."""
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    drawn = categorical(logits.expand(40_000, 4), 4, replacement=False, generator=seeded())
    assert torch.equal(drawn.sort(dim=-1).values, torch.arange(4).expand(40_000, 4))
    p = softmax(logits)
    assert_draws_follow(drawn[:, 0], p, against={"a uniform order": np.full(4, 1 / 4)})
    with pytest.raises(ValueError, match="row 0"):
        categorical(logits, 5, replacement=False)


def test_number_of_threads_makes_no_difference():
    """Torch's own number of threads is used."""
    logits, before = normal(3000, 200), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append((gumbel_softmax(logits, generator=seeded()), categorical(logits, 9, generator=seeded())))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


@pytest.mark.parametrize("temperature", [0.0, torch.tensor(0.0), torch.tensor([0.0, 1e-9, 0.0])], ids=repr)
def test_temperature_0_gives_the_largest(temperature):
    logits = normal(3, 6)
    assert torch.equal(categorical(logits, temperature=temperature), logits.argmax(dim=-1))


# -------------------------------------------------------------------------------------------------------- what is wrong

REFUSED = {
    "not a tensor": ([0.0, 1.0], TypeError, "must be a tensor, not list"),
    "an array": (np.zeros(3), TypeError, "must be a tensor, not ndarray"),
    "integers": (torch.ones(2, 3, dtype=torch.int64), TypeError, "dtype torch.int64"),
    "complex numbers": (torch.ones(2, 3, dtype=torch.complex64), TypeError, "dtype torch.complex64"),
    "booleans": (torch.ones(2, 3, dtype=torch.bool), TypeError, "dtype torch.bool"),
    "sparse": (torch.eye(3).to_sparse(), TypeError, "must be dense"),
    "not on the CPU": (torch.zeros(2, 3, device="meta"), ValueError, "must be on the CPU, not on meta"),
}


@pytest.mark.parametrize("draw", [gumbel_softmax, categorical])
@pytest.mark.parametrize("what", REFUSED)
def test_tensors_that_are_refused(draw, what):
    logits, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        draw(logits)


@pytest.mark.parametrize("tau", [0, -1.0, float("nan"), torch.tensor(0.0)], ids=str)
def test_temperatures_that_are_refused(tau):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        gumbel_softmax(normal(2, 3), tau)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1, 1), (5, 1)], ids=str)
def test_temperatures_of_a_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"tau must have size 1 along dim -1|broadcast"):
        gumbel_softmax(normal(2, 3), torch.ones(shape))


def test_dims_that_are_refused():
    with pytest.raises(IndexError, match="out of bounds"):
        gumbel_softmax(normal(2, 3), dim=2)
    with pytest.raises(TypeError, match="dim must be an int, not float"):
        gumbel_softmax(normal(2, 3), 1, False, 1e-10)  # torch's eps by position


def test_rows_that_cannot_be_drawn_from():
    logits = normal(4, 3)
    logits[2] = -torch.inf
    with pytest.raises(ValueError, match="row 2"):
        categorical(logits)


def test_generator_that_is_none():
    with pytest.raises(TypeError):
        gumbel_softmax(normal(2, 3), generator=np.random.default_rng(0))


def test_second_derivative_is_refused():
    """Loudly, also where the gradient that comes in is a constant and only the sample depends on the logits."""
    logits = normal(2, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="can be differentiated once"):
        torch.autograd.grad(gumbel_softmax(logits)[0, 0], logits, create_graph=True)
    with pytest.raises(RuntimeError, match="can be differentiated once"):
        torch.autograd.grad(gumbel_softmax(logits).square().sum(), logits, create_graph=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's transforms use what torch deprecates
def test_transforms_and_forward_mode_are_refused():
    logits = normal(2, 3)
    with pytest.raises(RuntimeError, match="functorch transforms"):
        torch.func.grad(lambda x: gumbel_softmax(x)[0, 0])(logits)
    with pytest.raises(RuntimeError, match="vmap"):
        torch.vmap(gumbel_softmax)(logits)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(logits, torch.ones_like(logits))
        with pytest.raises(NotImplementedError, match="forward mode AD"):
            gumbel_softmax(dual)
