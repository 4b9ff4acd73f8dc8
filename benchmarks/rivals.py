"""Known bugs again: replayfuzz beside plain Hypothesis, a static suite of vectors, and atheris.

``python -m benchmarks.rivals [--time 20s] [--only ID] [--rival NAME] [--seed 1] [--built]
[--unhurt] [--json|--markdown]``.
All have the same worker, oracle, budget and criterion, see ``rivals_match``. The streams that
ship hold odd characters on purpose; ``--unhurt`` shows what rivals do with ordinary ones.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.knownbugs import Bug, known
from benchmarks.rivals_match import Tried
from benchmarks.rivals_play import RIVALS, play
from replayfuzz import declared, environments
from replayfuzz.cli.fuzz import seconds as duration
from replayfuzz.environments.cache import finished
from replayfuzz.errors import ReplayfuzzError


def built(bug: Bug) -> bool:
    """Whether both releases are in the cache already."""
    target = declared.find(bug.target)
    same = environments._same(target, environments.registry_of(target))
    there = {
        told["version"].removeprefix("v") for _, told in finished() if told.get("same") == same
    }
    return {bug.bad.removeprefix("v"), bug.fixed.removeprefix("v")} <= there


def cell(tried: Tried, limit: float) -> str:
    """One field of the table."""
    if not tried.played:
        return "-"
    if tried.seconds is None:
        return "none" if tried.done else f"> {limit:g} s"
    cuts = f", {tried.cuts} cut{'s' * (tried.cuts != 1)}" if tried.cuts else ""
    return f"{tried.seconds:.1f} s, {tried.bytes} B{cuts}"


def _field(tried: Tried | None, limit: float) -> str:
    return "" if tried is None else cell(tried, limit)


def table(results: list[Tried], limit: float, *, markdown: bool = False) -> list[str]:
    """Bugs down, rivals across, and the notes below."""
    rivals = [name for name in RIVALS if any(one.rival == name for one in results)]
    found = {(one.bug, one.rival): one for one in results}
    rows = [["bug", *rivals]]
    rows += [
        [bug, *(_field(found.get((bug, name)), limit) for name in rivals)]
        for bug in dict.fromkeys(one.bug for one in results)
    ]
    score = [
        f"{sum(one.seconds is not None for one in results if one.rival == name)} of "
        f"{sum(one.played for one in results if one.rival == name)}"
        for name in rivals
    ]
    rows.append(["found", *score])
    if markdown:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return [lines[0], "|---" * (len(rivals) + 1) + "|", *lines[1:]]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rivals) + 1)]
    return [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def notes(results: list[Tried]) -> list[str]:
    """What should be known of single fields, each once with those that it is about."""
    about: dict[tuple[str, str], list[str]] = {}
    for one in results:
        if one.note:
            about.setdefault((one.rival, one.note), []).append(one.bug)
    return [f"{rival}: {note}: {', '.join(bugs)}" for (rival, note), bugs in about.items()]


def tried(bug: Bug, rival: str, limit: float, number: int, *, hurt: bool) -> Tried:
    """As ``play``; what cannot be had is a note."""
    try:
        return play(bug, rival, limit, number, hurt=hurt)
    except ReplayfuzzError as error:
        return Tried(bug.id, rival, note=str(error).splitlines()[0][:200], played=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals")
    parser.add_argument("--time", type=duration, default=20.0, metavar="20s")
    parser.add_argument("--only", action="append", default=[], metavar="ID")
    parser.add_argument("--rival", action="append", default=[], choices=list(RIVALS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--built", action="store_true", help="only what needs no download")
    parser.add_argument(
        "--unhurt", action="store_true", help="rivals get no stream that was written to hurt"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    bugs = [bug for bug in known() if not given.only or bug.id in given.only]
    bugs = [bug for bug in bugs if not given.built or built(bug)]
    if not bugs:
        parser.error(f"there are {', '.join(bug.id for bug in known())}")
    results: list[Tried] = []
    for bug in bugs:
        for rival in given.rival or RIVALS:
            results.append(tried(bug, rival, given.time, given.seed, hurt=not given.unhurt))
            if not given.json:
                line = f"{bug.id:36} {rival:11} {cell(results[-1], given.time):24}"
                print(f"{line} {results[-1].note}".rstrip(), flush=True)
    if given.json:
        told = [asdict(one) for one in results]
        print(json.dumps({"seconds": given.time, "seed": given.seed, "results": told}, indent=2))
        return 0
    print("", *table(results, given.time, markdown=given.markdown), "", sep="\n")
    print(*notes(results), sep="\n")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{given.time:g} s each, seed {given.seed}; {os.cpu_count()} cores, load {load}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
