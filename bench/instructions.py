"""Count what the hot kernels execute, and estimate from that the cycles that the processor's ports allow.

    python bench/instructions.py [JOB ...] [--target avx2]     print the table
    python bench/instructions.py --write                       put it into bench/README.md

Nothing is timed, so it does not matter what else the machine does, and two runs give the same table. The driver, which
is bench/instructions.c, runs a kernel of the C core twice and once under `valgrind --tool=callgrind`; the difference is
what one run executes, instruction by instruction. valgrind knows no AVX-512, so the target is AVX2.

The port limit is llvm-mca's. Instructions that stand together and are executed equally often are a block; llvm-mca says
how many cycles a block takes of the port that it needs most; these are summed, each times how often its block ran. It
leaves out what dependences, caches and mispredicted branches cost: no run can be faster, and a good one is near.

Needs Linux on x86-64, a C compiler (CC), valgrind, objdump and llvm-mca.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

BENCH = Path(__file__).resolve().parent
README = BENCH / "README.md"
MARKED = re.compile(r"(<!-- instructions -->\n).*?(<!-- /instructions -->)", re.DOTALL)

_FLAGS = ("-std=c11", "-O3", "-ffp-contract=off", "-static", "-no-pie")  # as setup.py has them; addresses stay put
_PROCESSORS = {"znver3": "Zen 3", "skylake": "Skylake"}  # those of llvm-mca's that have AVX2 and no AVX-512


@dataclass(frozen=True)
class Instruction:
    """One instruction of the program: where it stands, and what it is, as the assembler reads it."""

    address: int
    text: str


@dataclass(frozen=True)
class Row:
    """What a job executes for each element, and the least cycles that takes on each processor."""

    job: str
    instructions: float
    cycles: Mapping[str, float]


def run(*command: str | Path) -> str:
    """Run a command and return what it prints."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def build(program: Path) -> None:
    """Compile the driver with the C core."""
    sources = [BENCH / "instructions.c", *sorted((BENCH.parent / "src").rglob("*.c"))]
    run(os.environ.get("CC", "gcc"), *_FLAGS, f"-I{BENCH.parent / 'src'}", "-o", program, *sources, "-lm")


def counts(program: Path, target: str, job: str, times: int, folder: Path) -> Counter[int]:
    """Return how often each address is executed when a job runs so many times."""
    out = folder / "callgrind.out"
    run(
        "valgrind", "--tool=callgrind", "--dump-instr=yes", "--dump-line=no", "--compress-pos=no",
        "--compress-strings=no", f"--callgrind-out-file={out}", program, target, job, str(times),
    )  # fmt: skip
    executed: Counter[int] = Counter()
    lines = out.read_text().splitlines()
    for before, line in pairwise(lines):
        if line.startswith("0x") and not before.startswith("calls="):  # after these stands what the callee executed
            address, count = line.split()
            executed[int(address, 16)] += int(count)
    return executed


def disassemble(program: Path) -> list[Instruction]:
    """Return the program's instructions in order."""
    listing = run("objdump", "-d", "--no-show-raw-insn", program)
    # Without `rep movs`, of which callgrind counts each repetition.
    found = re.findall(r"^ +([0-9a-f]+):\t(?!rep )(.*)$", listing, re.MULTILINE)
    return [Instruction(int(address, 16), _for_assembler(text)) for address, text in found]


def _for_assembler(text: str) -> str:
    text = re.sub(r"\s*(#.*)?$", "", text)  # objdump's remarks
    return re.sub(r"^(\w+\s+)([0-9a-f]+) <.*>$", r"\g<1>0x\2", text)  # where a jump goes


def blocks(program: Sequence[Instruction], executed: Mapping[int, int]) -> Iterator[tuple[int, list[str]]]:
    """Give runs of instructions that stand together and are executed equally often: how often, and their texts."""
    block: list[str] = []
    last = 0
    for instruction in program:
        count = executed.get(instruction.address, 0)
        if count != last and block:
            yield last, block
            block = []
        if count:
            block.append(instruction.text)
        last = count
    if block:
        yield last, block


def port_limit(executed: Sequence[tuple[int, list[str]]], processor: str) -> float:
    """Return the cycles that blocks take of the ports that they need most."""
    regions = (
        "\n".join([f"# LLVM-MCA-BEGIN {number}", *texts, f"# LLVM-MCA-END {number}\n"])
        for number, (_, texts) in enumerate(executed)
    )
    command = ["llvm-mca", f"-mcpu={processor}", "-iterations=1", "-json"]
    answer = subprocess.run(command, input="".join(regions), check=True, capture_output=True, text=True).stdout
    found = json.loads(answer)["CodeRegions"]
    limits = {int(region["Name"]): float(region["SummaryView"]["BlockRThroughput"]) for region in found}
    return sum(count * limits[number] for number, (count, _) in enumerate(executed))


def measure(jobs: Sequence[str], target: str) -> list[Row]:
    """Count what jobs execute, by default all of them."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "instructions"
        build(program)
        listing = disassemble(program)
        elements = {job: int(count) for job, count in (line.split() for line in run(program).splitlines())}
        for job in jobs or elements:
            executed = counts(program, target, job, 2, folder)
            executed.subtract(counts(program, target, job, 1, folder))
            pieces = list(blocks(listing, executed))
            total = sum(count * len(texts) for count, texts in pieces)
            cycles = {processor: port_limit(pieces, processor) / elements[job] for processor in _PROCESSORS}
            rows.append(Row(job, total / elements[job], cycles))
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ["kernel", "instructions an element", *(f"cycles by port limit, {name}" for name in _PROCESSORS.values())]
    lines = [head, ["---", *["--:"] * (len(head) - 1)]]
    for row in rows:
        lines.append([f"`{row.job}`", *(f"{figure:.2f}" for figure in (row.instructions, *row.cycles.values()))])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description="Count what the hot kernels execute for each element.")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="names in bench/instructions.c (default: every one)")
    parser.add_argument("--target", default="avx2", choices=["avx2", "scalar"])
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    options = parser.parse_args()
    text = table(measure(options.jobs, options.target))
    print(text, end="")
    if options.write:
        old = README.read_text(encoding="utf-8")
        README.write_text(MARKED.sub(lambda match: f"{match[1]}{text}{match[2]}", old), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
