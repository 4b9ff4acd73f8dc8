"""Examined daemons as TAP 14 (https://testanything.org/tap-version-14-specification.html).

One daemon and variant is a plain document; several are its subtests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from replayfuzz.report.marks import plain
from replayfuzz.report.scenarios.human import counts, totals
from replayfuzz.scenarios import Examined, Result

_INDENT = "    "  # "Subtests": "indented 4 spaces"


def tap(every: Sequence[Examined]) -> str:
    """A test point for each scenario."""
    lines = ["TAP version 14", *(_points(every[0]) if len(every) == 1 else _subtests(every))]
    return "\n".join(lines) + "\n"


def _subtests(every: Sequence[Examined]) -> Iterator[str]:
    yield f"1..{len(every)}"
    for number, examined in enumerate(every, 1):
        name = _escaped(examined.name)
        if examined.skipped:
            yield f"ok {number} - {name} # SKIP {_escaped(examined.skipped)}"
            continue
        yield f"# Subtest: {name}"
        yield from (_INDENT + line for line in _points(examined))
        yield f"{'ok' if examined.success else 'not ok'} {number} - {name}"
    yield f"# {totals(every)}"
    yield f"# time {sum(examined.seconds for examined in every):.3f} s"


def _points(examined: Examined) -> Iterator[str]:
    if examined.skipped:
        yield f"1..0 # SKIP {_escaped(examined.skipped)}"
        return
    yield f"1..{len(examined.results) + bool(examined.error)}"
    for number, result in enumerate(examined.results, 1):
        yield from _point(number, result)
    if examined.error:
        first, *rest = examined.error.splitlines()
        yield f"not ok {len(examined.results) + 1} - could not tell: {_escaped(first)}"
        yield from (f"# {plain(line)}" for line in rest)
    yield f"# {plain(examined.name)}: {counts(examined)}"
    yield f"# time {examined.seconds:.3f} s"


def _point(number: int, result: Result) -> Iterator[str]:
    told = _escaped(f"{result.scenario.name} [{result.scenario.category}]")
    skip = f" # SKIP {_escaped(result.skipped)}" if result.skipped else ""
    yield f"{'not ok' if result.failed else 'ok'} {number} - {told}{skip}"
    if not result.failed:
        return
    yield from _details(result)
    for outcome in result.outcomes:
        if not outcome.passed:
            evidence = f"{outcome.name}: {outcome.message}: {outcome.details}"
            yield f"# FAIL: {plain(evidence)}"


def _details(result: Result) -> Iterator[str]:
    """A YAML block; JSON strings are YAML strings."""
    yield "  ---"
    yield f"  description: {json.dumps(result.scenario.description)}"
    yield f"  error: {json.dumps(result.error)}"
    yield f"  duration_ms: {result.seconds * 1000:.3f}"
    yield "  failed:"
    for outcome in result.outcomes:
        if not outcome.passed:
            yield f"    - assertion: {json.dumps(outcome.name)}"
            yield f"      expected: {json.dumps(outcome.message)}"
            yield f"      observed: {json.dumps(outcome.details)}"
    yield f"  log: {json.dumps(result.log.splitlines())}"
    yield "  ..."


def _escaped(text: str) -> str:
    first = plain(text.partition("\n")[0])
    return first.replace("\\", "\\\\").replace("#", "\\#")
