"""Does reading take time in proportion to the bytes? A few measurements, once a variant."""

from __future__ import annotations

import time

from replayfuzz import dialects
from replayfuzz.cassette import Exchange
from replayfuzz.dialects.dialect import Ended
from replayfuzz.formats.json_spans import Node, walk
from replayfuzz.formats.spans import events
from replayfuzz.invariants import PIECES, SIZES, Sample, time_rule
from replayfuzz.plan import Plan, Slice, Splice
from replayfuzz.search.case import UNBENT, Attempt, Case
from replayfuzz.search.probes.probe import Measured, Probe

RULE = "linear-time"
NOTE = "measured in memory: CPU time, least of three"
TIMES = 3  # the least of so many counts: other programs only ever add to it


def probe(attempt: Attempt, exchange: Exchange, variant: str) -> Measured | None:
    """Measure one variant with one long line, as ``invariants.time_rule`` asks.

    Returns:
        None when the rule holds, when the target takes no memory delivery or tells no CPU
        time, and when the stream has no text that could be longer.
    """
    first = _measured(attempt, exchange, variant)
    # Once is chance on a busy machine.
    again = _measured(attempt, exchange, variant) if first is not None else None
    if first is None or again is None or first.evidence.case != again.evidence.case:
        return None
    return again


def _measured(attempt: Attempt, exchange: Exchange, variant: str) -> Measured | None:
    samples, reference = [], []
    last = None
    for piece in PIECES:
        for size in SIZES:
            plan = long_line(exchange, size, piece)
            if plan is None:
                return None
            case = Case(exchange, plan, variant)
            if "memory" not in attempt.overs(case):
                return None
            seconds = []
            for _ in range(TIMES):
                last = attempt.attempt(case, "memory", 4.0)
                if last.seen.cpu is None or last.seen.end == "hang":
                    return None  # a hang is told by a rule of its own
                seconds.append(last.seen.cpu)
            samples.append(Sample(size, min(seconds), piece))
            reference.append(Sample(size, _own(case), piece))
    evidence = time_rule(samples, reference)
    if evidence is None or last is None:
        return None
    # The smaller size shows the same, and a finding is read by people.
    plan = long_line(exchange, SIZES[0], PIECES[0] if evidence.case == "growth" else PIECES[-1])
    calls = len(PIECES) * len(SIZES) * TIMES
    case = Case(exchange, plan or UNBENT, variant)
    return Measured(case, evidence, last.seen, "memory", NOTE, calls)


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


def _again(attempt: Attempt, case: Case) -> Measured | None:
    return probe(attempt, case.exchange, case.variant)


LINEAR_TIME = Probe(RULE, probe, _again)
