"""P4J: how many streams a second a sweep of single cuts shows a fast reader in JavaScript.

Two processes, as ``fuzz --jobs 2`` has them, each with a worker of its own: a case is taken from
the schedule of single cuts, noted in the journal, bent, sent to Node in memory, and judged. Wall
time, so the machine has to be idle; the first cases, in which Node compiles, are not counted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, main
from replayfuzz import declared, environments, store
from replayfuzz.errors import ReplayfuzzError
from replayfuzz.plan import Cut
from replayfuzz.search.ahead import MOST, Ahead, Drawn
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.job import Work, begin
from replayfuzz.search.journal import Journal

TARGET, VARIANT = "eventsource-parser", "esm"
WARM, CASES, JOBS = 3_000, 40_000, 2


def rows() -> list[Row]:
    what = f"{TARGET}: streams a second in a sweep, {JOBS} jobs"
    try:
        environments.newest(declared.find(TARGET))
    except ReplayfuzzError as missing:
        return [Row("P4J", what, None, "/s", 10_000, note=str(missing).partition("\n")[0])]
    command = [sys.executable, "-m", "benchmarks.sweep", "--part"]
    parts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(JOBS)]
    rate = sum(float(part.communicate()[0]) for part in parts)
    return [Row("P4J", what, rate, "/s", 10_000, note=f"{CASES} streams each")]


def _part() -> float:
    target = declared.find(TARGET)
    attempt = begin(Work(target, environments.newest(target)))
    streams = [one for one in store.shipped() if one.dialect == "sse"]
    plans = [
        (one, Cut(at)) for one in streams for at in range(1, len(one.body)) if len(one.body) < 1000
    ]
    cases = (Case(one, replace(UNBENT, edits=(cut,)), VARIANT) for one, cut in cycle(plans))
    with TemporaryDirectory() as folder:
        journal = Journal(Path(folder), 0)
        drawn = (Drawn(case, (), waits=False) for case in cases)
        ahead = Ahead(attempt, drawn.__next__, partial(journal.note, TARGET))
        for number in range(WARM + CASES):
            if number == WARM:
                began = time.perf_counter()
            case, *_, outcome = ahead.next(MOST)
            outcome = outcome or attempt.attempt(case, attempt.overs(case)[0])
            assert outcome.verdict.outcome != "failed", outcome
        took = time.perf_counter() - began
        journal.close()
    attempt.close()
    return CASES / took


if __name__ == "__main__":
    if "--part" in sys.argv:
        print(_part())
    else:
        main(rows)
