"""P14 and P15: how long a user waits for the first example, and what a second process gives."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, main
from replayfuzz import declared, store
from replayfuzz.search import Options, fuzz

QUICK = "--quick" in sys.argv[1:]
ROUNDS = 5 if QUICK else 9
SEARCH = 5.0 if QUICK else 10.0  # seconds


def spent(*command: str) -> float:
    """CPU seconds of a command and of its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compared(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[float, str]:
    """The median of first / second, taken by turns, and both medians in words."""
    spent(*first), spent(*second)  # warm: byte code is written, files are in memory
    pairs = [(spent(*first), spent(*second)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(each) * 1e3 for each in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return ratio, f"{ours:.0f} ms against {theirs:.0f} ms of CPU"


def start_rows() -> list[Row]:
    """P14."""
    run = ("-m", "replayfuzz")
    version, told = compared((*run, "--version"), ("-c", "pass"))
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = (*run, "fuzz", "--target", "reference", "--examples", "1", "--findings", folder)
        first, also = compared(fuzzed, ("-c", "import hypothesis, trio"))
    return [
        Row("P14", "--version against bare python", version, "x", 3, False, told),
        Row("P14", "first example against import hypothesis, trio", first, "x", 1.3, False, also),
    ]


def jobs_rows() -> list[Row]:
    """P15: examples in the same wall time, starting included."""
    target, streams = declared.find("reference"), store.shipped()

    def tried(jobs: int) -> int:
        run = fuzz((target,), streams, Options(SEARCH, seed=1, jobs=jobs, findings=None))
        return sum(each.examples for each in run.targets)

    pairs = [(tried(2), tried(1)) for _ in range(ROUNDS - 4)]
    ratio = statistics.median(two / one for two, one in pairs)
    load = os.getloadavg()[0] - 1  # of it, one is ours at least
    note = f"{SEARCH:g} s each; {os.cpu_count()} cores, others' load about {max(load, 0):.1f}"
    return [Row("P15", "examples with --jobs 2 against 1, wall", ratio, "x", 1.7, note=note)]


PARTS = {"P14": start_rows, "P15": jobs_rows}


def rows() -> list[Row]:
    """Both, or the one that the command line names."""
    wanted = [name for name in PARTS if name in sys.argv[1:]] or list(PARTS)
    return [row for name in wanted for row in PARTS[name]()]


if __name__ == "__main__":
    main(rows)
