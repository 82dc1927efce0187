"""The scripts in bench/: what they decide and write. How fast anything is is no matter here."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

BENCH = pathlib.Path(__file__).parent.parent / "bench"
if not BENCH.exists():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)

import guard
import instructions
import report
from harness import inputs, measure
from harness.regime import REGISTRY
from harness.simd import simd_target
from reporting import charts, record

# --------------------------------------------------------------------------------------------------------------- report


def test_readme_says_what_the_records_give(tmp_path):
    command = [sys.executable, BENCH / "report.py", "--check"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_report_notices_other_figures(monkeypatch, capsys, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(report.README.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(report, "README", readme)
    assert report.main(["--check"]) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.count("Bars are the times") == 1
    readme.write_text(text.replace("Bars are the times", "Bars tell the times").replace("exact draw", "draw", 1))
    before = readme.read_text(encoding="utf-8")
    assert report.main(["--check"]) == 1
    assert "README.md" in capsys.readouterr().err
    assert readme.read_text(encoding="utf-8") == before
    figures = record.read(report.RECORDS[0])
    assert report.readme(before, figures) == text
    with pytest.raises(SystemExit, match="headline"):
        report.readme("no markers", figures)


def test_results_begin_with_the_summary():
    """RESULTS.md's pictures and README's are those that are drawn; headings go one level down at a time."""
    figures = record.read(report.RECORDS[0])
    text = report.results([figures, figures])
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == ["# Results", "## In short", "## Every contestant", "### avx512", "### avx512"]
    (summary,) = re.findall("^## In short$(.*)^## Every", text, re.DOTALL | re.MULTILINE)
    assert "| noise, 1,000,000 float32 |" in summary
    pictures = [f"charts/{name}-{theme}.png" for name in ("ratios", "scaling") for theme in ("dark", "light")]
    assert re.findall('(?:src|srcset)="(.*?)"', text) == pictures
    readme = re.findall('(?:src|srcset)="(bench/.*?)"', report.README.read_text(encoding="utf-8"))
    assert readme == ["bench/charts/speed-dark.png", "bench/charts/speed-light.png"]
    assert {f"charts/{path.name}" for path in (BENCH / "charts").iterdir()} == {
        *pictures,
        *(path.removeprefix("bench/") for path in readme),
    }


def test_the_picture_of_speed_leaves_no_job_out():
    """A regime or a contestant that has got another name would have no bar."""
    shown = charts.speed(record.read(report.RECORDS[0]).outcomes)
    assert {kind: [job for job, _, _ in jobs] for kind, jobs in shown.items()} == {
        kind: list(jobs) for kind, jobs in charts.JOBS.items()
    }
    for job, _, lines in (entry for jobs in shown.values() for entry in jobs):
        assert job.library in {line.library for line in lines}, job


def test_records_are_whole():
    for path in report.RECORDS:
        figures = record.read(path)
        assert figures.machine["simd"] == path.stem
        assert [outcome.regime for outcome in figures.outcomes] == list(REGISTRY)
        assert path.stat().st_size < 4_000 * len(REGISTRY)


def test_what_is_missed_is_explained():
    """A reason in bench/README.md for each regime of the first record that misses a bar or a goal, and for no other."""
    text = (BENCH / "README.md").read_text(encoding="utf-8")
    table = text.partition("## What is missed, and why\n")[2].partition("\n## ")[0]
    named = [name for line in table.splitlines() for name in re.findall("`([a-z0-9_]+)`", line.partition(" | ")[0])]
    missed = [
        outcome.regime
        for outcome in record.read(report.RECORDS[0]).outcomes
        if any(False in (verdict.bar_met, verdict.goal_met) for verdict in outcome.verdicts)
    ]
    assert sorted(named) == sorted(missed)


# ---------------------------------------------------------------------------------------------------------------- guard


def test_guard_knows_its_regimes():
    for regime, baseline in guard.BASELINES.items():
        (contestant,) = (c for c in REGISTRY[regime](inputs.Inputs()).contestants if c.name == baseline)
        assert contestant.library == "numpy"
    for simd in ("avx512", "avx2"):
        assert set(guard.read_bars(simd)) == set(guard.BASELINES)
    assert guard.read_bars("no_such_target") == {}


class Fake:
    """Stands for `Apart`: gives outcomes with given ratios, one after the other, then the last again and again."""

    def __init__(self, *ratios):
        self.ratios = ratios
        self.calls = 0

    def __call__(self, settings):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def measure(self, name):
        regime = REGISTRY[name](inputs.Inputs())
        ratio = self.ratios[min(self.calls, len(self.ratios) - 1)]
        self.calls += 1
        times = {contestant.name: np.array([ratio]) for contestant in regime.contestants}
        return measure.judge(regime, times | {regime.project.name: np.array([1.0])}, (), simd="avx512")


@pytest.fixture
def one_bar(monkeypatch, tmp_path):
    """The guard with one regime alone, whose bar is 2."""
    monkeypatch.setattr(guard, "BASELINES", {"gumbel_r_pdf_scalar": "np.exp(-x - np.exp(-x))"})
    monkeypatch.setattr(guard, "BARS", tmp_path / "bars.toml")
    guard.BARS.write_text(f"[{simd_target()}]\ngumbel_r_pdf_scalar = 2.0\n[other]\nelse = 1.5\n")
    return guard


@pytest.mark.parametrize("ratios, status, calls", [((3,), 0, 1), ((1, 1.9, 2), 0, 3), ((1,), 1, 3)])
def test_guard_fails_who_is_below_three_times(one_bar, monkeypatch, tmp_path, ratios, status, calls):
    fake = Fake(*ratios)
    monkeypatch.setattr(one_bar, "Apart", fake)
    path = tmp_path / "figures.json"
    assert one_bar.main(["--json", str(path)]) == status
    assert fake.calls == calls
    (outcome,) = record.read(path).outcomes
    assert one_bar.ratio(outcome) == pytest.approx(max(ratios))


def test_guard_raises_its_bars(one_bar, monkeypatch):
    for ratio in 5, 4:  # the second is below the bar that the first has raised
        monkeypatch.setattr(one_bar, "Apart", Fake(ratio))
        assert one_bar.main(["--write"]) == 0
        assert one_bar.read_bars(simd_target()) == {"gumbel_r_pdf_scalar": 3.0}
    assert one_bar.read_bars("other") == {"else": 1.5}


# --------------------------------------------------------------------------------------------------------- instructions


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc")
def test_the_program_that_is_counted_knows_the_kernels():
    """It calls them by the table in gumbel_fast.h, which nothing else compiles it against."""
    source, headers = BENCH / "instructions.c", BENCH.parent / "src"
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{headers}", source]
    compiled = subprocess.run(command, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr


def test_blocks_are_what_is_executed_equally_often():
    listing = [instructions.Instruction(address, f"i{address}") for address in range(9)]
    executed = {1: 1, 2: 40, 3: 40, 4: 40, 5: 1, 8: 1}
    blocks = list(instructions.blocks(listing, executed))
    assert blocks == [(1, ["i1"]), (40, ["i2", "i3", "i4"]), (1, ["i5"]), (1, ["i8"])]


def test_listing_is_read(monkeypatch):
    listing = (
        "0000000000401000 <f>:\n"
        "  401000:\tlea    0x8(%rip),%rax        # 40100f <table>\n"
        "  401007:\tjne    401000 <f>\n"
        "  401009:\trep movsq %ds:(%rsi),%es:(%rdi)\n"
        "  40100c:\tret    \n"
    )
    monkeypatch.setattr(instructions, "run", lambda *_: listing)
    read = [(instruction.address, instruction.text) for instruction in instructions.disassemble("program")]
    assert read == [(0x401000, "lea    0x8(%rip),%rax"), (0x401007, "jne    0x401000"), (0x40100C, "ret")]


def test_counts_leave_out_what_a_callee_executes(monkeypatch, tmp_path):
    counted = (
        "positions: instr\nfn=f\n0x401000 7\ncfn=g\ncalls=7 0x402000\n0x401007 700\n0x401007 7\nfn=g\n0x402000 100\n"
    )
    (tmp_path / "callgrind.out").write_text(counted)
    monkeypatch.setattr(instructions, "run", lambda *_: "")
    executed = instructions.counts("program", "avx2", "job", 1, tmp_path)
    assert executed == {0x401000: 7, 0x401007: 7, 0x402000: 100}


# --------------------------------------------------------------------------------------------------------------- pytest


def test_clock_replays_rounds():
    pytest.importorskip("pytest_benchmark")  # whose mark the file bears
    from test_regimes import Clock

    clock = Clock()
    clock.replay([2.0, 0.5])
    assert [-clock() + clock() for _ in range(2)] == [2.0, 0.5]
    with pytest.raises(StopIteration):
        clock()


def test_what_pytest_records_is_read(tmp_path):
    pytest.importorskip("pytest_benchmark")
    path = tmp_path / "figures.json"
    options = ["--benchmark-only", "--benchmark-max-time=0.01", f"--benchmark-json={path}", "-k", "gumbel_r_pdf_scalar"]
    command = [sys.executable, "-m", "pytest", BENCH, *options, "-p", "no:cacheprovider"]
    # Not with the options of the pytest that runs this, such as -n, which switches benchmarks off.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    subprocess.run(command, cwd=BENCH.parent, env=environment, check=True, capture_output=True, timeout=300)
    (outcome,) = record.read(path).outcomes
    assert outcome.regime == "gumbel_r_pdf_scalar"
    assert outcome.project.ratio == 1
    assert outcome.limit is not None
    assert {line.library for line in outcome.lines} >= {"gumbel_fast", "numpy", "scipy"}
    assert [verdict.target.against for verdict in outcome.verdicts] == ["scipy.stats.gumbel_r.pdf"]
