"""Write what README and RESULTS.md say of speed, and draw the charts, from records of the benchmarks.

    python bench/report.py             from bench/results/avx512.json and avx2.json
    python bench/report.py --check     change nothing; status 1 if a text is not what the records give
    python bench/report.py A.json B.json ...

README and the charts are about the first record; RESULTS.md has every figure of each. In README what stands between the
markers `<!-- bench: NAME -->` and `<!-- /bench -->` is rewritten. Charts are drawn light and dark, for <picture>.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from reporting import charts, markdown, record

BENCH = Path(__file__).resolve().parent
README = BENCH.parent / "README.md"
RESULTS = BENCH / "RESULTS.md"
RECORDS = (BENCH / "results" / "avx512.json", BENCH / "results" / "avx2.json")

_CHARTS = {"speed": charts.save_speed, "ratios": charts.save_ratios, "scaling": charts.save_curves}
_ALTERNATIVE = {
    "speed": "Times of NumPy and another library divided by those of gumbel_fast, for two jobs of each kind of user",
    "ratios": "Times of the fastest other library, and PyTorch or SciPy, divided by those of gumbel_fast, job by job",
    "scaling": "Time of one draw against the number of categories, beside other libraries and np.max",
}


def readme(text: str, first: record.Record) -> str:
    """Return README's text with what stands between its markers written anew."""
    sections = {"headline": markdown.headline(first), "results": _results(first)}
    for name, section in sections.items():
        pattern = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        found = list(pattern.finditer(text))
        if len(found) != 1:
            raise SystemExit(f"README.md: not one section <!-- bench: {name} --> ... <!-- /bench -->")
        text = text[: found[0].end(1)] + section + text[found[0].start(2) :]
    return text


def results(records: Sequence[record.Record]) -> str:
    """Return the text of RESULTS.md."""
    parts = [f"### {each.machine['simd']}\n\n{markdown.provenance(each)}\n{markdown.details(each)}" for each in records]
    return "\n".join([_RESULTS_HEAD, _summary(records[0]), _DETAILS_HEAD, *parts])


def draw(first: record.Record) -> None:
    """Draw the charts."""
    for name, save in _CHARTS.items():
        for theme in charts.THEMES:
            save(BENCH / "charts" / f"{name}-{theme}.png", first.outcomes, charts.THEMES[theme])


_RESULTS_HEAD = """\
# Results

Written by `bench/report.py`; [README.md](README.md) says how it was measured, what the regimes are, and how to read it.
Times are medians of one call; ± is half the interquartile range.

## In short
"""

_EXPLANATION = """\
The columns of the libraries say how many times longer the fastest way to do the job with each takes; † marks output
known to fall short, such as a tail cut at 16. The limit reads or writes the same memory and does nothing else.
"""

_DETAILS_HEAD = """\
## Every contestant

Here a ratio is a contestant's time over gumbel_fast's. A bar is the least ratio that is accepted, a goal what is aimed
at; with `≤` they bound how many times the limit's time gumbel_fast may take. In brackets stands how a contestant's job
differs, or what is known to be wrong with its output.
"""


def _results(first: record.Record) -> str:
    return f"{_picture('speed', 'bench/charts')}\n{markdown.source(first)}"


def _summary(first: record.Record) -> str:
    pictures = "\n".join(_picture(name, "charts") for name in ("ratios", "scaling"))
    return f"The first of the records below.\n\n{pictures}\n{markdown.summary(first)}\n{_EXPLANATION}"


def _picture(name: str, folder: str) -> str:
    return f"""\
<picture>
  <source media="(prefers-color-scheme: dark)" srcset="{folder}/{name}-dark.png">
  <img src="{folder}/{name}-light.png" alt="{_ALTERNATIVE[name]}">
</picture>
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; 1 if `--check` found a text that the records do not give."""
    parser = argparse.ArgumentParser(description="Write README's figures, RESULTS.md and the charts from records.")
    parser.add_argument("records", nargs="*", type=Path, default=RECORDS, metavar="RECORD.json")
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if something would change")
    options = parser.parse_args(arguments)
    records = [record.read(path) for path in options.records]
    texts = {README: readme(README.read_text(encoding="utf-8"), records[0]), RESULTS: results(records)}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if options.check:
        for path in stale:
            print(f"{path.name} is not what the records give: run bench/report.py", file=sys.stderr)
        return int(bool(stale))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    (BENCH / "charts").mkdir(exist_ok=True)
    draw(records[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
