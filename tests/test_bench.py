"""The benchmarks' own parts: regimes that fit together, checks that find wrong output, ratios that are what they say.

How fast anything is is no matter here.
"""

import json
import time

import numpy as np
import pytest

from gumbel_fast import _core
from gumbel_fast._bench import allocator, checks, compare, inputs, markdown, measure, peers, regimes, report, timing
from gumbel_fast._bench.regime import REGISTRY, CheckError, Contestant, Regime, Role, Target

assert regimes  # its import fills the registry


@pytest.fixture(params=REGISTRY, scope="module")
def regime(request):
    return REGISTRY[request.param](inputs.Inputs())


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
    assert REGISTRY[regime.name](inputs.Inputs()).title == regime.title


def test_report_fits_80_columns(regime):
    assert max(len(report.label(contestant)) for contestant in regime.contestants) <= report.NAME
    lines = [
        measure.Line(contestant.name, contestant.library, contestant.role, contestant.note, 123.4e-6, 1e-6, 1234.5)
        for contestant in regime.contestants
    ]
    verdicts = [measure.Verdict(target, 1234.5, False, False) for target in regime.targets]
    outcome = measure.Outcome(
        regime.name, regime.title, regime.meaning, 1, 1, regime.allocator, tuple(lines), (), tuple(verdicts)
    )
    text = f"{report.table(outcome, outcome)}\n{report.verdicts(outcome)}"
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80


def test_numpy_and_project_pass_their_checks(regime):
    for contestant in regime.contestants:
        if contestant.library in ("gumbel_fast", "numpy"):
            if "torch" in contestant.name and not peers.installed("torch"):
                assert "torch" in measure.prepare(contestant)
            else:
                assert callable(measure.prepare(contestant))


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


@pytest.mark.parametrize("count", [100, 3000])
def test_distinct_draws_check_finds(count):
    logits = RNG.normal(size=20_000).astype(np.float32)

    def drawn(temperature):
        return np.argsort(-(logits / temperature + RNG.gumbel(size=logits.size)))[:count]

    check = checks.distinct_draws(logits, count)
    for _ in range(20):
        honest = drawn(1.0)
        check(lambda honest=honest: honest)
    repeated = np.where(np.arange(count) == 1, honest[0], honest)
    for wrong in (repeated, honest[:-1], honest.astype(float), -honest, drawn(100.0), drawn(0.3)):
        with pytest.raises(CheckError):
            check(lambda wrong=wrong: wrong)


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


# ----------------------------------------------------------------------------------------------- timing and judgement


def waits(milliseconds):
    return lambda: time.sleep(milliseconds / 1000)


def contestant(name, milliseconds, role=Role.PEER, library="numpy"):
    return Contestant(name, library, lambda: waits(milliseconds), checks.nothing, role)


def made_up(*targets):
    """A regime whose project sleeps 4 ms, its peer 12 and its limit 2, and whose other peer is not installed."""
    contestants = (
        contestant("peer", 12),
        contestant("absent", 1, library="no_such_library"),
        contestant("project", 4, Role.PROJECT),
        contestant("limit", 2, Role.LIMIT),
    )
    return Regime("made_up", "Sleeping", "none", 1, 0, contestants, targets)


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
    text = f"{report.table(outcome)}\n{report.verdicts(outcome)}"
    assert "absent: skipped, not installed" in text
    assert text.count("MISSED") == 3


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
    regime = Regime("r", "r", "", 1, 0, (project, contestant("peer", 1)), (Target("peer", bar=1, goal=1),))
    outcome = measure.measure(regime, libraries=("numpy",))
    assert (outcome.lines, outcome.verdicts) == ((), ())
    assert outcome.skipped == (("project", "cannot be imported: no such part"),)
    assert "no such part" in markdown.document({}, [outcome])


def test_markdown():
    targets = (Target("peer", bar=1.5, goal=30), Target("limit", bar=1.05, goal=None, of_limit=True))
    outcome = measure.measure(made_up(*targets), libraries=("numpy", "no_such_library"), budget=0.3)
    text = markdown.document({"cpu": "an abacus"}, [outcome])
    assert text.startswith("cpu an abacus\n")
    table = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("|")]
    assert {len(row) for row in table} == {8}
    assert [row[1] for row in table[2:]] == ["project", "peer", "limit: limit", "absent"]
    assert [row[0] for row in table[2:]] == ["`made_up`", "", "", ""]
    assert table[3][4:] == ["1.5", "met", "30", "missed"]
    assert table[4][4:] == ["≤ 1.05", "**missed**", "", ""]
    assert float(table[4][3]) == pytest.approx(1 / outcome.lines[2].ratio, abs=0.01)


def test_wrong_output_stops_the_measurement():
    def refuse(call):
        raise CheckError("wrong")

    regime = Regime("r", "r", "", 1, 0, (Contestant("p", "numpy", lambda: waits(1), refuse, Role.PROJECT),))
    with pytest.raises(CheckError, match="p: wrong"):
        measure.measure(regime)


@pytest.mark.parametrize("seconds, text", [
    (2.5, "2.50 s"), (0.123456, "123 ms"), (9.999e-3, "10.0 ms"), (12.34e-6, "12.3 us"), (999.6e-9, "1000 ns"),
    (5e-10, "0.50 ns"),
])  # fmt: skip
def test_duration(seconds, text):
    assert report.duration(seconds) == text


def test_allocator_setting_reaches_children_alone(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    assert allocator.in_use() is allocator.Allocator.DEFAULT
    with allocator.for_children(allocator.Allocator.KEEPING):
        assert allocator.in_use() is allocator.Allocator.KEEPING
    assert allocator.in_use() is allocator.Allocator.DEFAULT
    assert allocator.environment(allocator.Allocator.KEEPING)["MALLOC_MMAP_THRESHOLD_"] == "1073741824"
    assert "MALLOC_TRIM_THRESHOLD_" not in allocator.environment(allocator.Allocator.DEFAULT)


# ---------------------------------------------------------------------------------------------------------- the command


def test_compare_measures_apart_and_judges(tmp_path, capfd, monkeypatch):
    for variable in peers.ONE_THREAD:
        monkeypatch.setenv(variable, "1")  # restored afterwards: the command sets them for good
    status = compare.main(
        ["gumbel_r_pdf_scalar", "--peers", "scipy", "--seconds", "0.01", "--json", str(tmp_path / "figures.json")]
    )
    printed = capfd.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    (regime,) = figures["regimes"]
    assert set(regime) == {"keeping", "default"}
    (verdict,) = regime["keeping"]["verdicts"]
    assert status == (0 if verdict["bar_met"] else 1)
    assert f"scipy.stats.gumbel_r.pdf: {verdict['figure']:.1f} x" in printed
    assert figures["machine"]["numpy"] == np.__version__


def test_compare_measures_a_simd_target_under_the_setting_judged_alone(tmp_path, capfd, monkeypatch):
    for variable in (*peers.ONE_THREAD, "GUMBEL_FAST_SIMD"):
        monkeypatch.setenv(variable, "1")
    before = _core.simd_target()
    figures, table = tmp_path / "figures.json", tmp_path / "table.md"
    options = ["--judged", "--simd", "scalar", "--peers", "--seconds", "0.01", "--json", str(figures)]
    try:
        assert compare.main(["noise_fresh", *options, "--markdown", str(table)]) in (0, 1)
    finally:
        _core.use_target(before)
    written = json.loads(figures.read_text())
    ((setting, outcome),) = written["regimes"][0].items()
    assert (setting, written["machine"]["simd"]) == ("default", "scalar")
    assert outcome["verdicts"][0]["target"]["bar"] == 2  # half of what AVX-512 has to reach
    assert "`noise_fresh`" in table.read_text(encoding="utf-8")
    assert "bar 2 " in capfd.readouterr().out


def test_compare_refuses_an_unknown_regime(capsys):
    with pytest.raises(SystemExit, match="2"):
        compare.main(["no_such_regime"])
    assert "no_such_regime" in capsys.readouterr().err
