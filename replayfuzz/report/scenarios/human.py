"""Examined daemons for people at a terminal: a line for each scenario, and what failed below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replayfuzz.report.marks import plain
from replayfuzz.scenarios import Examined, Measured, Result

_NAME = 22  # characters of a scenario's name that stand in a column of their own


def human(every: Sequence[Examined], *, verbose: bool = False) -> str:
    """The whole report: each daemon's scenarios, then the counts."""
    parts = []
    for examined in every:
        parts.append(opening(examined))
        parts += [told(result, verbose=verbose) for result in examined.results]
        parts.append(closing(examined))
    return "\n".join([*parts, totals(every)]) + "\n"


def opening(examined: Examined) -> str:
    """The line above the scenarios of a daemon."""
    version = f" ({plain(examined.version)})" if examined.version else ""
    upstream = f", upstream {examined.backend_url}" if examined.backend_url else ""
    return f"{plain(examined.name)}{version}{upstream}"


def told(result: Result, *, verbose: bool = False) -> str:
    """One scenario; below it what failed, or everything when *verbose*."""
    return "\n".join(_told(result, verbose))


def _told(result: Result, verbose: bool) -> Iterator[str]:
    name = f"{plain(result.scenario.name):<{_NAME}} [{plain(result.scenario.category)}]"
    if result.skipped:
        yield f"  SKIP {name} {plain(result.skipped)}"
        return
    yield f"  {'PASS' if result.passed else 'FAIL'} {name} {result.seconds * 1000:.0f} ms"
    if verbose and result.scenario.description:
        yield f"       {plain(result.scenario.description)}"
    for outcome in result.outcomes:
        if not outcome.passed:
            yield f"       {outcome.name}: {plain(outcome.message)}: {plain(outcome.details)}"
        elif verbose:
            yield f"       {outcome.name}: {plain(outcome.message)}: holds"
    if verbose:
        yield f"       {measured(result.measured)}"
    if result.failed:
        lines = result.log.splitlines()
        yield from (f"       daemon's log: {plain(line)}" for line in lines)


def measured(figures: Measured) -> str:
    """The figures of a response, in words."""
    times = {
        "hand-off": figures.handoff,
        "first byte": figures.first,
        "end": figures.total,
    }
    told = [f"{name} {s * 1000:.2f} ms" for name, s in times.items() if s is not None]
    return ", ".join([*told, f"{figures.bytes:,} bytes"])


def closing(examined: Examined) -> str:
    """The counts of one daemon, or why there are none."""
    if examined.skipped:
        return f"  skipped: {plain(examined.skipped)}"
    lines = [f"  could not tell: {line}" for line in examined.error.splitlines()[:1]]
    lines += [f"    {plain(line)}" for line in examined.error.splitlines()[1:]]
    again = f", daemon started again {_times(examined.restarts)}" if examined.restarts else ""
    if examined.results:
        lines.append(f"  {counts(examined)} in {examined.seconds:.1f} s{again}")
    return "\n".join(lines)


def totals(every: Sequence[Examined]) -> str:
    """The last line: what came of all daemons together."""
    untold = sum(bool(examined.error) for examined in every)
    failed = sum(bool(examined.failed) for examined in every)
    skipped = sum(not (examined.ran or examined.error) for examined in every)
    held = sum(bool(examined.ran) and examined.success for examined in every)
    told = [f"{held} held", f"{failed} failed"]
    told += [f"{skipped} skipped"] if skipped else []
    told += [f"{untold} could not be told"] if untold else []
    what = "daemon" if len(every) == 1 else "daemons and variants"
    return f"{len(every)} {what}: {', '.join(told)}"


def counts(examined: Examined) -> str:
    """Passed, failed and skipped scenarios in words."""
    failed = len(examined.failed)
    skipped = len(examined.results) - len(examined.ran)
    told = f"{len(examined.ran) - failed} passed, {failed} failed"
    return f"{told}, {skipped} skipped" if skipped else told


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
