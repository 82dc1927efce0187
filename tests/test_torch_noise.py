"""gumbel_fast.torch: gumbel, gumbel_max and gumbel_top_k, the noise itself and what is largest with it.

Right code fails a test of a law once in a million seeds, and the others never.
"""

import numpy as np
import pytest
from scipy import stats

import gumbel_fast
from statistical import assert_continuous, assert_draws_follow, assert_near, softmax
from torch_helpers import HALVES, REALS, assert_close, gt, normal, packed, seeded, some_mask, torch

gumbel, gumbel_max, gumbel_top_k = gt.gumbel, gt.gumbel_max, gt.gumbel_top_k

ROW = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])


# --------------------------------------------------------------------------------------------------------------- gumbel


@pytest.mark.parametrize(
    "size, shape",
    [(5, (5,)), ((), ()), ((2, 3), (2, 3)), ([2, 3], (2, 3)), (torch.Size([4]), (4,)), ((0, 3), (0, 3)), (0, (0,))],
    ids=str,
)
def test_size(size, shape):
    noise = gumbel(size)
    assert noise.shape == shape
    assert noise.is_contiguous()
    assert not noise.requires_grad


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_noise_follows_its_law(dtype):
    noise = gumbel((200, 300), dtype=dtype, generator=seeded())
    assert noise.dtype == dtype
    assert_continuous(noise.double().numpy(), stats.gumbel_r.cdf, distance=0.02)
    assert_near(noise.double().mean().item(), np.euler_gamma, np.pi / np.sqrt(6 * 60_000), against={"no mean": 0.0})
    wrong = {"the other tail": -np.euler_gamma}
    assert_near(noise.double().median().item(), -np.log(np.log(2)), 1.2 / np.sqrt(60_000), against=wrong)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_noise_in_half_precision(dtype):
    """That of float32, rounded."""
    noise = gumbel((30, 40), dtype=dtype, generator=seeded())
    assert noise.dtype == dtype
    assert torch.equal(noise, gumbel((30, 40), dtype=torch.float32, generator=seeded()).to(dtype))


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_default_dtype_is_torchs(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        assert gumbel(3).dtype == dtype
        assert gumbel(3, dtype=torch.float64).dtype == torch.float64
    finally:
        torch.set_default_dtype(before)


def test_precisions_agree():
    """Both come from the same bits."""
    wide, narrow = (gumbel(1000, dtype=dtype, generator=seeded()) for dtype in (torch.float64, torch.float32))
    torch.testing.assert_close(narrow.double(), wide, rtol=0, atol=1e-5)


@pytest.mark.thread_unsafe
def test_seeds_of_the_noise():
    """Two of 100 numbers are never alike by chance; repeated seeds give repeated numbers."""
    torch.manual_seed(3)
    first, second = gumbel(100), gumbel(100)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(gumbel(100), first)
    assert torch.equal(gumbel(100, generator=seeded(3)), first)
    before = torch.get_rng_state()
    gumbel(100, generator=seeded(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_numbers_are_those_of_the_library():
    """Of two words that torch's generator gives: no number of another row or another seed comes again."""
    noise = torch.stack([gumbel((20, 50), dtype=torch.float64, generator=seeded(seed)) for seed in range(20)])
    assert len(noise.unique()) == noise.numel()
    assert noise.min() > -3.9
    assert noise.max() < 45.1


@pytest.mark.parametrize(
    "size, dtype, error",
    [
        (-1, None, (ValueError, RuntimeError)),
        ((2, -3), None, (ValueError, RuntimeError)),
        (1.5, None, TypeError),
        ("3", None, TypeError),
        (3, torch.int64, (TypeError, ValueError)),
        (3, torch.complex64, (TypeError, ValueError)),
        (3, torch.bool, (TypeError, ValueError)),
        (3, np.float32, TypeError),
    ],
    ids=str,
)
def test_sizes_and_dtypes_that_are_refused(size, dtype, error):
    with pytest.raises(error):
        gumbel(size, dtype=dtype)


# ----------------------------------------------------------------------------------------------------------- gumbel_max


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("dim", [-1, 0, 1])
@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_index_and_value_are_those_of_the_noise(dtype, dim, temperature):
    """``argmax(logits / temperature + noise)`` in float64, with the noise of `gumbel` along the categories."""
    logits = normal(4, 5, 6, dtype=dtype)
    index, value = gumbel_max(logits, temperature=temperature, dim=dim, return_value=True, generator=seeded())
    moved = logits.movedim(dim, -1)
    noise = gumbel(moved.shape, dtype=dtype, generator=seeded())
    expected = (moved.double() / temperature + noise.double()).max(-1)
    assert torch.equal(index, expected.indices)
    assert value.dtype == torch.float64
    assert index.dtype == torch.int64
    assert_close(value, expected.values)
    alone = gumbel_max(logits, temperature=temperature, dim=dim, generator=seeded())
    assert torch.equal(alone, index)


def test_relaxed_sample_is_largest_there():
    logits = normal(300, 9)
    index = gumbel_max(logits, generator=seeded())
    assert torch.equal(gt.gumbel_softmax(logits, 0.5, generator=seeded()).argmax(-1), index)
    assert torch.equal(gt.gumbel_softmax(logits, 0.5, hard=True, generator=seeded()).argmax(-1), index)


def test_maxima_follow_softmax():
    drawn = gumbel_max(ROW.expand(40_000, 5), temperature=0.7, generator=seeded())
    p = softmax(ROW, 0.7)
    assert_draws_follow(drawn, p, against={"no temperature": softmax(ROW), "no noise": np.eye(5)[2]})


def test_value_follows_its_law():
    """The maximum of a row is Gumbel, moved by logsumexp, and independent of where it is."""
    index, value = gumbel_max(ROW.expand(40_000, 5), return_value=True, generator=seeded())
    moved = (value - ROW.double().logsumexp(0)).numpy()
    assert_continuous(moved, stats.gumbel_r.cdf, distance=0.025)
    assert_continuous(moved[index.numpy() == 1], stats.gumbel_r.cdf, distance=0.05)


def test_temperature_of_each_row():
    logits = normal(3, 6)
    temperature = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)
    index, value = gumbel_max(logits, temperature=temperature, return_value=True, generator=seeded())
    assert index[0] == logits[0].argmax()
    noise = gumbel((3, 6), dtype=torch.float64, generator=seeded())
    perturbed = logits[1:] / temperature[1:, None] + noise[1:]
    assert torch.equal(index[1:], perturbed.argmax(-1))
    assert_close(value[1:], perturbed.amax(-1))


# --------------------------------------------------------------------------------------------------------- gumbel_top_k


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("dim", [-1, 0, 1])
@pytest.mark.parametrize("k", [1, 3, 4])
def test_the_k_largest_of_the_noise_in_their_order(dtype, dim, k):
    logits = normal(4, 5, 6, dtype=dtype)
    index, value = gumbel_top_k(logits, k, temperature=0.6, dim=dim, return_value=True, generator=seeded())
    moved = logits.movedim(dim, -1)
    noise = gumbel(moved.shape, dtype=dtype, generator=seeded())
    expected = (moved.double() / 0.6 + noise.double()).topk(k, dim=-1)
    assert index.shape == (*moved.shape[:-1], k)
    assert torch.equal(index, expected.indices)
    assert value.dtype == torch.float64
    assert_close(value, expected.values)
    assert torch.equal(gumbel_top_k(logits, k, temperature=0.6, dim=dim, generator=seeded()), index)


def test_first_of_k_is_the_maximum():
    logits = normal(300, 9)
    assert torch.equal(gumbel_top_k(logits, 4, generator=seeded())[:, 0], gumbel_max(logits, generator=seeded()))


def test_order_is_that_of_draws_without_replacement():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    drawn = gumbel_top_k(logits.expand(40_000, 4), 4, generator=seeded())
    assert torch.equal(drawn.sort(dim=-1).values, torch.arange(4).expand(40_000, 4))
    p = softmax(logits)
    assert_draws_follow(drawn[:, 0], p, against={"a uniform order": np.full(4, 1 / 4)})
    second = sum(p[i] * np.where(np.arange(4) == i, 0, p) / (1 - p[i]) for i in range(4))
    assert_draws_follow(drawn[:, 1], second, against={"a uniform order": np.full(4, 1 / 4), "draws with": p})


@pytest.mark.parametrize("k", [0, 9])
def test_none_and_all(k):
    logits = normal(5, 9)
    index, value = gumbel_top_k(logits, k, return_value=True)
    assert index.shape == value.shape == (5, k)
    assert torch.all(value[:, :-1] >= value[:, 1:])


# -------------------------------------------------------------------------------------------------------- both samplers

SAMPLERS = {"max": gumbel_max, "top_k": lambda logits, **how: gumbel_top_k(logits, 2, **how)}


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("kind", ["bools", "words", "int8", "a row"])
def test_mask_is_as_minus_infinity(sampler, kind):
    logits, mask = normal(40, 70, dtype=torch.float32), some_mask(40, 70)
    if kind == "a row":
        mask = mask[:1].expand(40, 70)
    given = {"bools": mask, "words": packed(mask), "int8": -mask.to(torch.int8), "a row": mask[0]}[kind]
    masked = SAMPLERS[sampler](logits, mask=given, return_value=True, generator=seeded())
    filled = SAMPLERS[sampler](logits.masked_fill(~mask, -torch.inf), return_value=True, generator=seeded())
    assert torch.equal(masked[0], filled[0])
    assert torch.equal(masked[1], filled[1])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("dim", [0, 1])
def test_mask_along_a_dim(sampler, dim):
    logits, mask = normal(6, 7), some_mask(6, 7) | (torch.arange(7) < 2)
    mask[:2] = True
    masked = SAMPLERS[sampler](logits, mask=mask, dim=dim, generator=seeded())
    filled = SAMPLERS[sampler](logits.masked_fill(~mask, -torch.inf), dim=dim, generator=seeded())
    assert torch.equal(masked, filled)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_half_precision_is_as_its_float32_twin(sampler, dtype):
    logits = normal(30, 9, dtype=dtype)
    half = SAMPLERS[sampler](logits, return_value=True, generator=seeded())
    wide = SAMPLERS[sampler](logits.float(), return_value=True, generator=seeded())
    assert torch.equal(half[0], wide[0])
    assert torch.equal(half[1], wide[1])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("layout", ["transposed", "every second", "expanded"])
def test_layout_makes_no_difference(sampler, layout):
    plain = normal(1, 7).repeat(6, 1) if layout == "expanded" else normal(6, 7)
    logits = {
        "transposed": lambda x: x.t().contiguous().t(),
        "every second": lambda x: x.repeat_interleave(2, dim=1)[:, ::2],
        "expanded": lambda x: x[0].expand(6, 7),
    }[layout](plain)
    assert torch.equal(SAMPLERS[sampler](logits, generator=seeded()), SAMPLERS[sampler](plain, generator=seeded()))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nothing_carries_a_gradient(sampler):
    parts = SAMPLERS[sampler](normal(4, 5).requires_grad_(), return_value=True)
    assert not any(part.requires_grad for part in parts)


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_seed_a_call(sampler):
    generator, other = seeded(), seeded()
    SAMPLERS[sampler](normal(4, 5), return_value=True, generator=generator)
    gumbel(3, generator=other)
    assert torch.equal(generator.get_state(), other.get_state())
    torch.manual_seed(7)
    logits = normal(100, 5)
    assert torch.equal(SAMPLERS[sampler](logits), SAMPLERS[sampler](logits, generator=seeded()))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_empty_batch(sampler):
    index, value = SAMPLERS[sampler](torch.zeros(0, 5), return_value=True)
    assert index.shape == value.shape == ((0,) if sampler == "max" else (0, 2))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf], ids=str)
def test_rows_that_cannot_be_drawn_from(sampler, bad):
    logits = normal(4, 3)
    logits[2] = bad
    with pytest.raises(ValueError, match="row 2"):
        SAMPLERS[sampler](logits)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("temperature", [-1.0, np.nan, torch.tensor(-1.0)], ids=str)
def test_temperatures_that_are_refused(sampler, temperature):
    with pytest.raises(ValueError, match="temperature"):
        SAMPLERS[sampler](normal(2, 3), temperature=temperature)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_else_is_refused(sampler):
    sample = SAMPLERS[sampler]
    for logits in [0.0, 1.0], torch.ones(2, 3, dtype=torch.int64), torch.eye(3).to_sparse():
        with pytest.raises(TypeError):
            sample(logits)
    with pytest.raises(IndexError):
        sample(normal(2, 3), dim=2)
    with pytest.raises(ValueError, match="categor"):
        sample(torch.zeros(2, 0))
    with pytest.raises((ValueError, RuntimeError), match=r"mask|size|broadcast"):
        sample(normal(2, 3), mask=torch.ones(2, 4, dtype=torch.bool))


@pytest.mark.parametrize("k", [-1, 4, 1.5])
def test_k_that_is_refused(k):
    with pytest.raises((ValueError, TypeError), match=r"k|int|wanted"):
        gumbel_top_k(normal(2, 3), k)


def test_core_and_torch_agree_on_the_law_of_shards():
    """A value is a pure function of the element: the larger of two shards' maxima is that of the whole row.

    The core draws the same numbers for the same two words, whatever door they come through.
    """
    logits = normal(20, 50)
    words = torch.ops.gumbel_fast.seed([])
    index, value = torch.ops.gumbel_fast.gumbel_max(logits, words, torch.ones(()), None, -1)
    key, row = (int(word) % 2**64 for word in words)
    rng = gumbel_fast.RowStreams(
        np.tile(np.array([[key, 0]], np.uint64), (20, 1)), [(row + r) % 2**64 for r in range(20)]
    )
    found = gumbel_fast.gumbel_max(logits.numpy(), rng=rng, return_value=True)
    assert np.array_equal(index.numpy(), found[0])
    np.testing.assert_allclose(value.numpy(), found[1], rtol=1e-15)
