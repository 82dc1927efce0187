"""The benchmarks' own parts: regimes that fit together, checks that find wrong output, ratios that are what they say.

How fast anything is is no matter here.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import pytest

if not (pathlib.Path(__file__).parent.parent / "bench").exists():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)

import regimes
import run
from harness import allocator, checks, inputs, measure, peers, simd, timing
from harness.regime import REGISTRY, CheckError, Contestant, Regime, Role, Target
from regimes.filters import Filters
from reporting import charts, markdown, record, text

assert regimes  # its import fills the registry


@pytest.fixture(params=REGISTRY, scope="module")
def regime(request):
    return REGISTRY[request.param](inputs.Inputs(quick=True))


def test_regime_fits_together(regime):
    names = [contestant.name for contestant in regime.contestants]
    assert len(set(names)) == len(names)
    assert regime.project.library == "gumbel_fast"
    assert {contestant.role for contestant in regime.contestants} == set(Role)
    assert {contestant.library for contestant in regime.contestants} <= set(peers.LIBRARIES)
    assert {target.against for target in regime.targets} <= set(names)
    for target in regime.targets:
        (contestant,) = (contestant for contestant in regime.contestants if contestant.name == target.against)
        assert target.of_limit == (contestant.role is Role.LIMIT)
    assert REGISTRY[regime.name](inputs.Inputs(quick=True)).title == regime.title


@pytest.mark.parametrize("name", REGISTRY)
def test_quick_regimes_differ_in_size_alone(name):
    usual, quick = (REGISTRY[name](inputs.Inputs(quick=quick)) for quick in (False, True))
    assert [c.name for c in usual.contestants] == [c.name for c in quick.contestants]
    assert usual.targets == quick.targets
    assert usual.elements >= quick.elements
    assert len(usual.short) <= 50


def test_text_fits_80_columns(regime):
    assert max(len(text.label(contestant)) for contestant in regime.contestants) <= text.NAME
    assert len(regime.short) <= 50
    times = {contestant.name: np.array([123.4e-6]) for contestant in regime.contestants}
    times[regime.project.name] = np.array([0.1e-6])
    outcome = measure.judge(regime, times, (), simd="avx512")
    verdicts = [measure.verdict(target, 1234.5) for target in regime.targets]
    outcome = dataclasses.replace(outcome, verdicts=tuple(verdicts))
    printed = f"{text.table(outcome, outcome)}\n{text.verdicts(outcome)}"
    assert printed.isascii()
    assert max(map(len, printed.splitlines())) <= 80


def test_numpy_and_project_pass_their_checks(regime):
    for contestant in regime.contestants:
        if contestant.library in ("gumbel_fast", "numpy"):
            call = measure.prepare(contestant)
            if isinstance(call, str):  # of the project too some parts need a library that may be absent
                absent = re.fullmatch("cannot be imported: .*No module named '([a-z]+).*", call)
                assert absent, call
                assert not peers.installed(absent[1])


# -------------------------------------------------------------------------------------------------------------- checks

RNG = np.random.default_rng(8)
NOISE = RNG.gumbel(size=100_000)
ROWS = RNG.normal(scale=3, size=(4, 1000))


@pytest.mark.parametrize("values, complaint", [
    (NOISE[:-1], "shape"),
    (NOISE.astype(np.float32), "dtype"),
    (np.where(NOISE > 11, np.inf, NOISE), "finite"),
    (-NOISE, "mean"),
    (NOISE + 0.05, "mean"),
    ((NOISE - np.euler_gamma) * 1.05 + np.euler_gamma, "variance"),
])  # fmt: skip
def test_noise_check_finds(values, complaint):
    check = checks.standard_gumbel(100_000, np.float64)
    check(lambda: NOISE)
    with pytest.raises(CheckError, match=complaint):
        check(lambda: values)


def test_noise_check_forgives_infinities_where_told():
    checks.standard_gumbel(100_000, np.float64, infinities=True)(lambda: np.where(NOISE > 12, np.inf, NOISE))


def drawer(temperature):
    """Draws from the rows in turn at some temperature."""
    rng = np.random.default_rng(9)
    return inputs.in_turn(lambda row: np.argmax(row / temperature + rng.gumbel(size=row.size)), ROWS)


@pytest.mark.parametrize("wrong", [drawer(1e9), drawer(0.01), lambda: 1000, lambda: -1, lambda: 0.0, lambda: [1, 2]])
def test_draws_check_finds(wrong):
    check = checks.draws(ROWS)
    check(drawer(1.0))
    with pytest.raises(CheckError):
        check(wrong)


def test_model_of_filters():
    """Worked out by hand: of 4, 3, 2, 1 tenths."""
    row = np.log([0.1, 0.4, 0.2, 0.3])
    for filters, tenths in {
        Filters(): [1, 4, 2, 3],
        Filters(temperature=0.5): [1, 16, 4, 9],
        Filters(top_k=2): [0, 4, 0, 3],
        Filters(top_p=0.65): [0, 4, 0, 3],
        Filters(top_p=0.75): [0, 4, 2, 3],
        Filters(min_p=0.45): [0, 4, 2, 3],
        Filters(top_k=3, top_p=0.8): [0, 4, 2, 3],  # 7 of the 9 that are left are below 0.8
        Filters(top_k=3, top_p=0.75): [0, 4, 0, 3],
        Filters(temperature=0.5, top_p=0.8): [0, 16, 0, 9],
    }.items():
        expected = np.array(tenths) / np.sum(tenths)
        np.testing.assert_allclose(filters.probabilities(np.array([row, row])), [expected, expected], rtol=1e-12)


def test_draws_check_finds_what_is_filtered_out():
    filters = Filters(top_p=0.5)
    check = checks.draws(ROWS, filters.probabilities)
    kept = [np.flatnonzero(weights) for weights in filters.probabilities(ROWS)]

    def drawing(which):
        return inputs.in_turn(lambda turn: which(turn, drawn[turn]), range(64))

    rng = np.random.default_rng(4)
    drawn = [rng.choice(1000, p=filters.probabilities(ROWS[turn % 4])) for turn in range(64)]
    check(drawing(lambda turn, index: index))
    outside = next(index for index in np.argsort(-ROWS[0]) if index not in kept[0])
    for wrong in (lambda turn, index: outside if turn == 4 else index, lambda turn, index: kept[turn % 4][0]):
        with pytest.raises(CheckError):
            check(drawing(wrong))


def test_draws_check_forgives_ties():
    """Who keeps all that tie with the last may draw any of them."""
    row = np.array([[0.0, 3.0, 0.0, -1.0]])
    check = checks.draws(row, Filters(top_k=2).probabilities, count=1)
    for index in (0, 1, 2):
        check(lambda index=index: index)
    with pytest.raises(CheckError, match="may not be drawn"):
        check(lambda: 3)


def test_log_prob_check_finds():
    check = checks.draws_with_log_prob(ROWS)
    log_probs = np.log(normalised(ROWS))

    def pairs(change):
        draw, turn = drawer(1.0), iter(range(64))
        return lambda: change(draw(), next(turn) % 4)

    check(pairs(lambda index, row: (index, np.float32(log_probs[row, index]))))
    for wrong in (
        lambda index, row: (index, log_probs[row, index] + 1e-3),
        lambda index, row: (index, log_probs[row - 1, index]),
        lambda index, row: (0, log_probs[row, 0]),
        lambda index, row: (index, 0),
    ):
        with pytest.raises(CheckError):
            check(pairs(wrong))


BATCH = RNG.normal(scale=2, size=(2000, 6)).astype(np.float32)
PERTURBED = BATCH + RNG.gumbel(size=BATCH.shape).astype(np.float32)
DRAWN = PERTURBED.argmax(-1)


@pytest.mark.parametrize("wrong", [
    DRAWN[:-1], DRAWN.astype(float), DRAWN - 1, DRAWN + 1, np.roll(DRAWN, 1), BATCH.argmax(-1),
    (BATCH + 2 * RNG.gumbel(size=BATCH.shape)).argmax(-1),
])  # fmt: skip
def test_batch_check_finds(wrong):
    check = checks.one_draw_each(BATCH)
    check(lambda: DRAWN)
    with pytest.raises(CheckError):
        check(lambda: wrong)


def test_ragged_check_finds():
    rng = np.random.default_rng(7)
    indptr = inputs.Inputs().power_law_rows(3_000)
    logits, lengths = rng.normal(size=indptr[-1]), np.diff(indptr)
    check = checks.one_draw_each_ragged(logits, indptr)

    def drawn(temperature):
        perturbed = logits / temperature + rng.gumbel(size=logits.size)
        return np.array([np.argmax(row) for row in np.split(perturbed, indptr[1:-1])])

    check(lambda: drawn(1.0))
    beyond = drawn(1.0)
    beyond[5] = lengths[5]
    for wrong in (drawn(0.5), drawn(2.0), drawn(1.0)[1:], np.zeros(3_000, int), beyond, indptr[:-1] + drawn(1.0)):
        with pytest.raises(CheckError):
            check(lambda: wrong)  # noqa: B023


def test_power_law_rows():
    """Of 3 and more with a share of (3 / n)^1.5 at n or above; right code fails one run in a million."""
    indptr = inputs.Inputs().power_law_rows(20_000)
    lengths = np.diff(indptr)
    assert indptr.dtype == np.int64
    assert (indptr[0], lengths.size, lengths.min()) == (0, 20_000, 3)
    assert lengths.max() <= 1000
    for n in (6, 50):
        share = (3 / n) ** 1.5
        assert abs(np.mean(lengths >= n) - share) < 5 * np.sqrt(share / 20_000)


def test_systematic_check_finds():
    weights = np.random.default_rng(7).exponential(size=1000)
    teeth, sums = (np.arange(5000) + 0.3) / 5000, np.cumsum(weights)
    check = checks.systematic_draws(weights, 5000)
    check(lambda: np.searchsorted(sums, teeth * sums[-1]))
    independent = np.searchsorted(sums, np.random.default_rng(8).random(5000) * sums[-1])
    for wrong in (independent, np.searchsorted(sums, teeth**1.01 * sums[-1]), np.arange(5000) // 5, independent[1:]):
        with pytest.raises(CheckError):
            check(lambda: wrong)  # noqa: B023


def normalised(exponents):
    weights = np.exp(exponents - exponents.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


RELAXED = normalised(PERTURBED)


@pytest.mark.parametrize("wrong", [
    RELAXED[:-1], RELAXED.astype(float), RELAXED * np.float32(1.0001), np.where(RELAXED > 0.5, np.nan, RELAXED),
    PERTURBED, normalised(BATCH), normalised(BATCH + 2 * RNG.gumbel(size=BATCH.shape)).astype(np.float32),
])  # fmt: skip
def test_relaxed_check_finds(wrong):
    check = checks.relaxed_draw_each(BATCH)
    check(lambda: RELAXED)
    with pytest.raises(CheckError):
        check(lambda: wrong)


def test_gradient_check_finds():
    weights = np.roll(BATCH, 1)
    check = checks.gradient_of_relaxed(BATCH, weights)
    gradient = RELAXED * (weights - (weights * RELAXED).sum(-1, keepdims=True))
    check(lambda: (RELAXED, gradient))
    for wrong in (-gradient, gradient[:-1], gradient.astype(float), RELAXED * weights, gradient + np.float32(1e-4)):
        with pytest.raises(CheckError):
            check(lambda wrong=wrong: (RELAXED, wrong))


@pytest.mark.parametrize("learned", [False, True])
def test_policy_check_finds(learned):
    """Beside what is right, something else in each place, and what a mask left out would give."""
    allowed = RNG.random(BATCH.shape) < 0.6
    allowed[:, 0] = True
    masked = np.where(allowed, BATCH, -np.inf).astype(np.float64)
    p = normalised(masked)
    log_p = np.log(np.where(allowed, p, 1))
    entropy, rows = -(p * log_p).sum(-1), np.arange(len(BATCH))
    index = (masked + RNG.gumbel(size=masked.shape)).argmax(-1)
    advantages = RNG.normal(size=len(BATCH)).astype(np.float32)
    one_hot = np.arange(BATCH.shape[-1]) == index[:, None]
    gradient = advantages[:, None] * (one_hot - p) - 0.5 * p * (log_p + entropy[:, None])
    check = checks.policy_step(BATCH, allowed, advantages if learned else None, 0.5)
    right = [index, *(array.astype(np.float32) for array in (log_p[rows, index], entropy, gradient))]
    right = right if learned else right[:3]
    check(lambda: right)
    unmasked = normalised(BATCH.astype(np.float64))
    unmasked_log = np.log(unmasked)
    others = [
        [DRAWN, masked.argmax(-1), index[1:], index.astype(float)],
        [unmasked_log[rows, index].astype(np.float32), right[1] + np.float32(1e-3), right[1].astype(float)],
        [-(unmasked * unmasked_log).sum(-1).astype(np.float32), right[2][:, None]],
        [-gradient.astype(np.float32), gradient, np.where(one_hot, gradient, 0).astype(np.float32)],
    ]
    for place in range(len(right)):
        for wrong in others[place]:
            with pytest.raises(CheckError):
                check(lambda place=place, wrong=wrong: [*right[:place], wrong, *right[place + 1 :]])
    with pytest.raises(CheckError, match="gradients"):
        check(lambda: right[:3] if learned else [*right, right[1]])


@pytest.mark.parametrize("categories", [2, 10, 1000, 50_000])
def test_repeated_draws_check_finds(categories):
    logits, count = RNG.normal(size=categories).astype(np.float32), 100_000

    def drawn(temperature):
        return RNG.choice(categories, count, p=normalised(logits.astype(float) / temperature))

    check = checks.repeated_draws(logits, count)
    for _ in range(20):
        honest = drawn(1.0)
        check(lambda honest=honest: honest)
    for wrong in (honest[:-1], honest.astype(float), honest + categories, drawn(2.0), np.zeros_like(honest)):
        with pytest.raises(CheckError):
            check(lambda wrong=wrong: wrong)


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("count", [100, 3000])
def test_distinct_draws_check_finds(count, in_pieces):
    logits = RNG.normal(size=20_000).astype(np.float32)

    def drawn(temperature):
        return np.argsort(-(logits / temperature + RNG.gumbel(size=logits.size)))[:count]

    check = checks.distinct_draws(logits, count)
    if in_pieces:
        check = checks.distinct_draws_in_pieces(lambda: np.array_split(logits, 7), logits.size, count)
    for _ in range(20):
        honest = drawn(1.0)
        check(lambda honest=honest: honest)
    repeated = np.where(np.arange(count) == 1, honest[0], honest)
    for wrong in (repeated, honest[:-1], honest.astype(float), -honest, drawn(100.0), drawn(0.3)):
        with pytest.raises(CheckError):
            check(lambda wrong=wrong: wrong)


def test_draws_from_pieces_are_judged_as_those_from_the_whole():
    """By the nearest 1,024th of a logit, which neither check's bound is narrow enough to see."""
    logits = RNG.normal(size=20_000).astype(np.float32)
    whole = checks._of_draws_in_turn(logits.astype(np.float64), np.ones(logits.size), 500)
    levels, times = np.unique(np.rint(logits * 1024) / 1024, return_counts=True)
    np.testing.assert_allclose(checks._of_draws_in_turn(levels, times, 500), whole, rtol=1e-4)


@pytest.mark.parametrize("rows, calls", [(1000, 1), (1, 1000)])
def test_distinct_draws_each_check_finds(rows, calls):
    logits = RNG.normal(size=(rows, 20)).astype(np.float32)

    def drawn(temperature):
        return np.argsort(-(logits / temperature + RNG.gumbel(size=logits.shape)))[:, :10]

    check = checks.distinct_draws_each(logits, 10, calls=calls)
    for _ in range(20):
        check(lambda: drawn(1.0))
    repeated = np.tile(drawn(1.0)[:, :5], 2)
    for wrong in (lambda: repeated, lambda: drawn(1.0)[:, 1:], lambda: drawn(1.0) / 1, lambda: drawn(1.5)):
        with pytest.raises(CheckError):
            check(wrong)


def test_bits_check_finds():
    check = checks.same_bits_as(lambda: DRAWN)
    check(DRAWN.copy)
    for wrong in (DRAWN[1:], DRAWN.astype(float), np.roll(DRAWN, 1)):
        with pytest.raises(CheckError):
            check(lambda wrong=wrong: wrong)


@pytest.mark.parametrize("values", [ROWS * (1 + 1e-6), ROWS[:2], ROWS.astype(np.float32)])
def test_equality_check_finds(values):
    check = checks.equal_to(ROWS, rtol=1e-9)
    check(lambda: ROWS * (1 + 1e-12))
    with pytest.raises(CheckError):
        check(lambda: values)


def test_files_go_when_the_process_ends():
    script = "import regimes.selection as s; print(s._npy_file(1000), s._npy_file(1000).stat().st_size)"
    folder = pathlib.Path(regimes.__file__).parent.parent
    ended = subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    path, size = ended.stdout.split()
    assert int(size) == 4128
    assert not pathlib.Path(path).parent.exists()


# ----------------------------------------------------------------------------------------------- timing and judgement


def waits(milliseconds):
    return lambda: time.sleep(milliseconds / 1000)


def contestant(name, milliseconds, role=Role.PEER, library="numpy"):
    return Contestant(name, library, lambda: waits(milliseconds), checks.nothing, role)


def made_up(*targets, series=""):
    """A regime whose project sleeps 4 ms, its peer 12 and its limit 2, and whose other peer is not installed."""
    contestants = (
        contestant("peer", 12),
        contestant("absent", 1, library="no_such_library"),
        contestant("project", 4, Role.PROJECT),
        contestant("limit", 2, Role.LIMIT),
    )
    return Regime(
        "made_up", "Sleeping a while", "sleeping", "none", 2, 80, contestants, targets, allocator.in_use(), series
    )


def test_nobody_takes_no_time():
    """Of a regime all of whose contestants want what is not installed."""
    assert timing.interleaved({}, budget=0.2) == {}


def test_times_are_seconds_a_call():
    times = timing.interleaved({"short": waits(2), "long": waits(10)}, budget=0.2)
    assert 2e-3 <= np.median(times["short"]) < 8e-3
    assert 10e-3 <= np.median(times["long"]) < 30e-3
    assert times["short"].shape == times["long"].shape


def test_outcome():
    targets = (
        Target("peer", bar=1.5, goal=30),
        Target("peer", bar=30, goal=None),
        Target("limit", bar=8, goal=1.05, of_limit=True),
        Target("absent", bar=1, goal=1),
    )
    libraries = ("numpy", "no_such_library")
    outcome = measure.measure(made_up(*targets), libraries=libraries, budget=0.3)
    assert [line.name for line in outcome.lines] == ["project", "peer", "limit"]
    assert outcome.lines[0].ratio == 1
    assert 1.5 < outcome.lines[1].ratio < 6  # 3, but for what a sleep is late by
    assert 0.2 < outcome.lines[2].ratio < 0.9
    assert outcome.skipped == (("absent", "not installed"),)
    assert [(verdict.bar_met, verdict.goal_met) for verdict in outcome.verdicts] == [
        (True, False),
        (False, None),
        (True, False),
    ]
    printed = f"{text.table(outcome)}\n{text.verdicts(outcome)}"
    assert "absent: skipped, not installed" in printed
    assert printed.count("MISSED") == 3
    assert f" {outcome.lines[2].ratio:.0%}" in printed.splitlines()[4]


def test_targets_are_halved_without_avx512():
    targets = (
        Target("peer", bar=4, goal=None),
        Target("limit", bar=2, goal=1.2, of_limit=True),
        Target("peer", bar=4, goal=6, any_simd=True),
    )
    assert [(target.on("avx2").bar, target.on("avx2").goal) for target in targets] == [(2, None), (4, 2.4), (4, 6)]
    assert [target.on("avx512") for target in targets] == list(targets)
    outcome = measure.measure(made_up(Target("peer", bar=5.5, goal=None)), libraries=["numpy"], budget=0.1, simd="avx2")
    assert outcome.verdicts[0].target.bar == 2.75


def test_project_that_is_not_there_is_skipped():
    def prepare():
        raise ImportError("no such part")

    project = Contestant("project", "numpy", prepare, checks.nothing, Role.PROJECT)
    regime = Regime("r", "r", "r", "", 1, 0, (project, contestant("peer", 1)), (Target("peer", bar=1, goal=1),))
    outcome = measure.measure(regime, libraries=("numpy",))
    assert (outcome.lines, outcome.verdicts) == ((), ())
    assert outcome.skipped == (("project", "cannot be imported: no such part"),)
    assert "no such part" in markdown.details(record.Record({}, "2000-01-01", (outcome,)))
    assert "no such part" in text.table(outcome)


def test_targets_are_for_one_setting_of_the_allocator():
    (other,) = set(allocator.Allocator) - {allocator.in_use()}
    regime = dataclasses.replace(made_up(Target("peer", bar=1, goal=None)), allocator=other)
    outcome = measure.measure(regime, libraries=["numpy"], budget=0.1)
    assert (outcome.allocator, outcome.verdicts) == (allocator.in_use(), ())


def test_wrong_output_stops_the_measurement():
    def refuse(call):
        raise CheckError("wrong")

    regime = Regime("r", "r", "r", "", 1, 0, (Contestant("p", "numpy", lambda: waits(1), refuse, Role.PROJECT),))
    with pytest.raises(CheckError, match="p: wrong"):
        measure.measure(regime)


@pytest.mark.parametrize("seconds, expected", [
    (2.5, "2.50 s"), (0.123456, "123 ms"), (9.999e-3, "10.0 ms"), (12.34e-6, "12.3 us"), (999.6e-9, "1000 ns"),
    (5e-10, "0.50 ns"),
])  # fmt: skip
def test_duration(seconds, expected):
    assert text.duration(seconds) == expected


def test_allocator_setting_reaches_children_alone(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    assert allocator.in_use() is allocator.Allocator.DEFAULT
    with allocator.for_children(allocator.Allocator.KEEPING):
        assert allocator.in_use() is allocator.Allocator.KEEPING
    assert allocator.in_use() is allocator.Allocator.DEFAULT
    assert allocator.environment(allocator.Allocator.KEEPING)["MALLOC_MMAP_THRESHOLD_"] == "1073741824"
    assert "MALLOC_TRIM_THRESHOLD_" not in allocator.environment(allocator.Allocator.DEFAULT)


# ------------------------------------------------------------------------------------- records, Markdown and pictures


@pytest.fixture(scope="module")
def outcomes():
    """Two made-up points of a curve and a made-up regime, with and without a target."""
    targets = (Target("peer", bar=1.5, goal=30), Target("limit", bar=1.05, goal=None, of_limit=True))
    contestants = [dataclasses.replace(entry, flaw="tired") for entry in made_up().contestants]
    contestants[2] = dataclasses.replace(contestants[2], library="gumbel_fast")
    alone = dataclasses.replace(made_up(*targets), contestants=tuple(contestants))
    points = [dataclasses.replace(alone, name=f"point_{size}", elements=size, series="points") for size in (1, 8)]
    libraries = ("numpy", "no_such_library", "gumbel_fast")
    return [measure.measure(regime, libraries=libraries, budget=0.1) for regime in (alone, *points)]


MACHINE = dict.fromkeys(("cpu", "simd", "threads", "system", "python", "gumbel_fast", "numpy"), "an abacus")


def test_record_is_read_as_written(tmp_path, outcomes):
    record.write(tmp_path / "figures.json", MACHINE, outcomes)
    read = record.read(tmp_path / "figures.json")
    assert read.machine == MACHINE
    assert len(read.date.split("-")) == 3
    assert [outcome.regime for outcome in read.outcomes] == ["made_up", "point_1", "point_8"]
    for found, written in zip(read.outcomes, outcomes, strict=True):
        assert found.project.seconds == pytest.approx(written.project.seconds, rel=1e-3)
        assert [line.name for line in found.lines] == [line.name for line in written.lines]
        assert [line.flaw for line in found.lines] == ["tired"] * 3
        assert [verdict.bar_met for verdict in found.verdicts] == [verdict.bar_met for verdict in written.verdicts]
        assert [verdict.target for verdict in found.verdicts] == [verdict.target for verdict in written.verdicts]
        for field in ("title", "short", "series", "elements", "bytes_moved", "allocator", "skipped"):
            assert getattr(found, field) == getattr(written, field)
    (tmp_path / "other.json").write_text('{"benchmarks": [{"name": "of something else"}]}')
    with pytest.raises(ValueError, match="does not hold"):
        record.read(tmp_path / "other.json")


def cells(table):
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row.startswith("|")]


def test_markdown(outcomes):
    figures = record.Record(MACHINE, "2000-01-01", tuple(outcomes))
    assert "2000-01-01" in markdown.provenance(figures)
    head, _, row = cells(markdown.summary(figures))  # the points of a curve are for the plot
    assert row[0] == "sleeping"
    assert row[head.index("NumPy")] == f"{outcomes[0].lines[1].ratio:.1f}†"
    nanoseconds = float(row[head.index("ns an element")])
    assert nanoseconds == pytest.approx(outcomes[0].project.seconds * 1e9 / 2, rel=0.06)
    assert float(row[head.index("GB/s")]) == pytest.approx(40 / nanoseconds, rel=0.12)
    head, _, *rows = cells(markdown.details(figures))
    assert {len(row) for row in rows} == {len(head)}
    assert [row[0] for row in rows] == ["`made_up`", "", "", "", "`point_1`", "", "", "", "`point_8`", "", "", ""]
    assert [row[1] for row in rows[:4]] == ["project (tired)", "peer (tired)", "limit: limit (tired)", "absent"]
    assert rows[1][7:] == ["1.5", "met", "30", "missed"]
    assert rows[2][7:] == ["≤ 1.05", "**missed**", "", ""]
    assert markdown.headline(figures) == ""  # it is about a regime that is not there


@pytest.mark.parametrize("theme", charts.THEMES)
def test_charts(tmp_path, outcomes, theme):
    pytest.importorskip("matplotlib")
    assert charts.has_ratios(outcomes)
    assert charts.has_curves(outcomes)
    heights = []
    for chosen in (outcomes[:1], outcomes[1:], outcomes):
        charts.save(tmp_path / "chart.png", chosen, charts.THEMES[theme])
        header = (tmp_path / "chart.png").read_bytes()[:24]
        assert header.startswith(b"\x89PNG")
        heights.append(int.from_bytes(header[20:24]))
    assert heights[0] + heights[1] == pytest.approx(heights[2], abs=2)
    assert [line.name for line in charts.rivals(outcomes[0])] == ["peer"]


def renamed(outcome, regime):
    """As if another regime had been measured, in which the fastest and a slower way are NumPy's, the last Dask's."""
    limit = next(line for line in outcome.lines if line.role is Role.LIMIT)
    slow, fast, other = (
        dataclasses.replace(limit, name=name, library=library, role=Role.PEER, ratio=ratio)
        for name, library, ratio in (("slow", "numpy", 9.0), ("fast", "numpy", 3.0), ("other", "dask", 5.0))
    )
    return dataclasses.replace(outcome, regime=regime, lines=(outcome.project, slow, fast, other))


def test_speed_has_the_fastest_line_of_each_library(outcomes):
    chosen = [*outcomes, renamed(outcomes[0], "select_npy_1000"), renamed(outcomes[0], "one_draw_llm")]
    shown = charts.speed(chosen)
    assert list(shown) == ["Language\nmodels", "Data\nselection"]
    ((job, outcome, lines),) = shown["Data\nselection"]
    assert (job.regime, outcome.regime) == ("select_npy_1000", "select_npy_1000")
    assert [line.name for line in lines] == ["fast", "other"]
    ((_, _, lines),) = shown["Language\nmodels"]
    assert [line.name for line in lines] == ["fast"]  # PyTorch has none there


def test_speed_is_about_regimes_that_have_these_libraries():
    for job in (job for jobs in charts.JOBS.values() for job in jobs):
        peers_of = REGISTRY[job.regime](inputs.Inputs(quick=True)).contestants
        assert job.library in {contestant.library for contestant in peers_of if contestant.role is Role.PEER}
        assert job.library != "numpy"


@pytest.mark.parametrize("theme", charts.THEMES)
def test_speed_is_small_enough_for_the_head_of_a_page(tmp_path, outcomes, theme):
    pytest.importorskip("matplotlib")
    jobs = [renamed(outcomes[0], job.regime) for jobs in charts.JOBS.values() for job in jobs]
    charts.save_speed(tmp_path / "chart.png", jobs, charts.THEMES[theme])
    header = (tmp_path / "chart.png").read_bytes()[:24]
    width, height = int.from_bytes(header[16:20]), int.from_bytes(header[20:24])
    assert 1.4 < width / height < 2


# ---------------------------------------------------------------------------------------------------------- the command


def test_command_measures_and_records(tmp_path, capfd):
    path = tmp_path / "figures.json"
    status = run.main(["gumbel_r_pdf_s*", "--peers", "scipy", "--seconds", "0.01", "--json", str(path)])
    printed = capfd.readouterr().out
    figures = record.read(path)
    (outcome,) = figures.outcomes
    (verdict,) = outcome.verdicts
    assert status == 0
    assert outcome.allocator is allocator.Allocator.KEEPING
    assert {line.library for line in outcome.lines} == {"gumbel_fast", "numpy", "scipy"}
    assert f"scipy.stats.gumbel_r.pdf: {verdict.figure:.1f} x" in printed
    assert figures.machine["numpy"] == np.__version__


def test_command_measures_a_simd_target_and_both_allocators(tmp_path, capfd):
    path = tmp_path / "figures.json"
    options = ["--quick", "--both-allocators", "--simd", "scalar", "--seconds", "0.01", "--json", str(path)]
    before = simd.simd_target()
    try:
        assert run.main(["noise_fresh", *options]) == 0
    finally:
        simd.use_target(before)
    figures = record.read(path)
    (outcome,) = figures.outcomes
    assert (outcome.allocator, figures.machine["simd"]) == ("default", "scalar")
    assert outcome.verdicts[0].target.bar == 2  # half of what AVX-512 has to reach
    assert {line.library for line in outcome.lines} == {"gumbel_fast", "numpy"}
    (line,) = [line for line in capfd.readouterr().out.splitlines() if line.startswith("  rng.gumbel (")]
    assert line.count(" x") == 2


@pytest.mark.parametrize("arguments, complaint", [
    (["no_such_regime"], "no_such_regime"),
    (["--json", "no/such/folder/figures.json"], "no such folder"),
    (["--peers", "no_such_library"], "no_such_library"),
])  # fmt: skip
def test_command_refuses(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        run.main(arguments)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
