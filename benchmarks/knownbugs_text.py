"""The table of the known bugs (F1): a line for each search, and the medians over the seeds."""

from __future__ import annotations

from math import inf
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.knownbugs import Result


def shown(result: Result) -> str:
    """One line of the table."""
    took = "MISSED" if result.seconds is None else f"{result.seconds:.1f} s"
    size = f"{result.bytes} B, {result.events} events" if result.seconds is not None else ""
    fixed = "FALSE: " + ", ".join(result.false) if result.false else f"silent ({result.examples})"
    return (
        f"{result.bug:34} {result.release:34} {result.seed:4} {took:>7} {result.calls:5} "
        f"{size:20} {result.error or fixed:16} {result.finding}"
    )


HEAD = (
    f"{'bug':34} {'release: bad / fixed':34} seed   found calls {'minimum':20} "
    f"{'on fixed (tried)':16} finding"
)


def medians(results: list[Result]) -> list[str]:
    """A table by bug: how often it was found, and the medians of where it was.

    Seconds of a search that did not find it count as more than any: a median may be *none*.
    """
    lines = [f"{'bug':36} {'found':>7} {'median s':>9} {'calls':>6} {'bytes':>7}  on fixed"]
    for bug in dict.fromkeys(each.bug for each in results):
        mine = [each for each in results if each.bug == bug]
        found = [each for each in mine if each.seconds is not None]
        took = median(inf if each.seconds is None else each.seconds for each in mine)
        calls, size = (
            (median(each.calls for each in found), median(each.bytes for each in found))
            if found
            else (0, 0)
        )
        silent = sum(not each.false and not each.error for each in mine)
        shown_took = "none" if took == inf else f"{took:.1f}"
        lines.append(
            f"{bug:36} {len(found):>3}/{len(mine):<3} {shown_took:>9} {calls:>6g} {size:>7g}  "
            f"silent {silent}/{len(mine)}"
        )
    return lines
