"""Does reading take time in proportion to the bytes? A few measurements, once a variant."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Literal

from replayfuzz import dialects
from replayfuzz.cassette import Exchange
from replayfuzz.dialects.dialect import Ended
from replayfuzz.formats.json_spans import Node, walk
from replayfuzz.formats.spans import events
from replayfuzz.invariants import PIECES, SIZES, Sample, time_rule
from replayfuzz.plan import Plan, Slice, Splice
from replayfuzz.search.case import UNBENT, Attempt, Case
from replayfuzz.search.probes.probe import Answer, Measured, Probe, Untold
from replayfuzz.verdict import Evidence

RULE = "linear-time"
NOTE = "measured in memory: CPU time, least of three"
TIMES = 3  # the least of so many counts: other programs only ever add to it
SURE = 0.25  # seconds of CPU to which other programs add little
LONG = 0.25  # seconds of CPU for the smaller line, beyond which a still smaller one is compared
_HUNG = Untold("no call with a long line ended in time")


def probe(attempt: Attempt, exchange: Exchange, variant: str) -> Answer:
    """Measure one variant with one long line, as ``invariants.time_rule`` asks.

    Returns:
        None when the rule holds, when the target takes no memory delivery or tells no CPU
        time, and when the stream has no text that could be longer; Untold where it does not
        end even with a short line.
    """
    first = _measured(attempt, exchange, variant)
    if not isinstance(first, Measured):
        return first
    again = _measured(attempt, exchange, variant)  # once is chance on a busy machine
    same = isinstance(again, Measured) and first.evidence.case == again.evidence.case
    return again if same else None


def _measured(attempt: Attempt, exchange: Exchange, variant: str) -> Answer:
    """The large pieces come first: what grows with them may not end at all with small ones."""
    samples: list[Pair] = []
    hung = False
    for piece in sorted(PIECES, reverse=True):
        told = _two(partial(_sampled, attempt, exchange, variant, piece))
        if not told:
            hung = hung or told is None
            continue
        samples += told
        evidence = time_rule([each[0] for each in told])
        if evidence is not None:
            return _found(attempt, exchange, variant, (evidence, piece))
    evidence = time_rule([each[0] for each in samples], [each[1] for each in samples])
    if evidence is None:
        return _HUNG if hung else None
    return _found(attempt, exchange, variant, (evidence, max(PIECES)))


Pair = tuple[Sample, Sample]
"""Time of the target, and of our own reader, for the same bytes in the same pieces."""


def _two(sampled: Callable[[int], Pair | Literal["hang"] | None]) -> list[Pair] | None:
    """Measurements of two sizes, one four times the other, shorter ones where a call takes long.

    Returns:
        [] where time cannot be told; None where no call ends.
    """
    size, larger = SIZES
    for number in range(2):
        one = sampled(size)
        if one is None:
            return []
        if one != "hang":
            # Of quadratic time the larger one would take sixteen times as long.
            other = sampled(larger) if number == 0 and one[0].seconds <= LONG else "hang"
            pair = (one, other) if other != "hang" else (sampled(size // 4), one)
            told = [each for each in pair if each is not None and each != "hang"]
            return told if len(told) == len(pair) else []
        size //= 4
    return None


def _sampled(
    attempt: Attempt, exchange: Exchange, variant: str, piece: int, size: int
) -> Pair | Literal["hang"] | None:
    """Time for a line of *size* bytes in pieces of *piece* bytes. None: it cannot be told."""
    plan = long_line(exchange, size, piece)
    if plan is None:
        return None
    case = Case(exchange, plan, variant)
    if "memory" not in attempt.overs(case):
        return None
    seconds: list[float] = []
    while len(seconds) < TIMES:
        seen = attempt.attempt(case, "memory").seen
        if seen.end == "hang":
            return "hang"
        if seen.cpu is None:
            return None
        seconds.append(seen.cpu)
        if seen.cpu > SURE:
            break
    return Sample(size, min(seconds), piece), Sample(size, _own(case), piece)


def _found(
    attempt: Attempt, exchange: Exchange, variant: str, told: tuple[Evidence, int]
) -> Measured:
    """The smaller size shows the same, and a finding is read by people."""
    evidence, piece = told
    case = Case(exchange, long_line(exchange, SIZES[0], piece) or UNBENT, variant)
    seen = attempt.attempt(case, "memory", 4.0).seen
    return Measured(case, evidence, seen, "memory", NOTE, len(PIECES) * len(SIZES) * TIMES)


def long_line(exchange: Exchange, size: int, piece: int) -> Plan | None:
    """The stream with *size* more characters in its first text, in pieces of *piece* bytes."""
    at = _text(exchange)
    if at is None:
        return None
    label = f"one line {size} bytes longer"
    longer = Splice(at, 0, b"x" * size, kind="size.line", label=label)
    pieces = Slice(0, piece, kind="cut.slice", label=f"every {piece} bytes")
    return Plan((longer, pieces), keep_chunks=False, keep_times=False)


def _text(exchange: Exchange) -> int | None:
    """Where the first text of the stream ends, in bytes."""
    dialect = dialects.find(exchange.dialect)
    for record in events(exchange.body, dialect.format):
        for path in dialect.paths("text", record, exchange.body):
            for node in walk(record.node, path):
                if node.kind == "string":
                    return node.end - 1
        if not dialect.sites and record.data:
            return _inside(record.node) or record.fields[0].end if record.fields else None
    return None


def _inside(node: Node | None) -> int | None:
    """The end of the first string in a JSON value of no known schema."""
    if node is None:
        return None
    if node.kind == "string":
        return node.end - 1
    found = (_inside(child) for child in (*(m.value for m in node.members), *node.items))
    return next((at for at in found if at is not None), None)


def _own(case: Case) -> float:
    """CPU seconds of our own reader on the same pieces, in this process."""
    pieces = case.bent.pieces
    read = dialects.find(case.exchange.dialect).expect
    best = float("inf")
    for _ in range(TIMES):
        began = time.process_time()
        read(pieces, Ended())
        best = min(best, time.process_time() - began)
    return best


def _again(attempt: Attempt, case: Case) -> Answer:
    return probe(attempt, case.exchange, case.variant)


LINEAR_TIME = Probe(RULE, probe, _again, long=True)
