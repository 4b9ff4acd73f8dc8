"""The value that a confirmed breakage becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from replayfuzz import invariants, strategies
from replayfuzz.cassette import Exchange
from replayfuzz.declared import named_by
from replayfuzz.finding import Finding
from replayfuzz.search.case import Attempt, Case
from replayfuzz.search.daemons import InDaemon
from replayfuzz.transcript import Transcript
from replayfuzz.verdict import Violation


@dataclass(frozen=True, slots=True)
class Effort:
    """What went into making a finding small.

    Attributes:
        calls: Calls of the target.
        variants: Others that show it too.
        note: What a reader should know of it.
    """

    calls: int = 0
    variants: tuple[str, ...] = ()
    note: str = ""


def made(
    attempt: Attempt, case: Case, violation: Violation, seen: Transcript, effort: Effort
) -> Finding:
    """The finding that *case*, as small as it got, breaks a rule in the way *violation* tells."""
    rule, evidence = invariants.find(violation.invariant), violation.evidence
    return Finding(
        target=attempt.target.name,
        invariant=violation.name,
        outcome=violation.outcome,
        expected=evidence.expected,
        observed=evidence.observed,
        shape=evidence.shape,
        exchange=_named(case.exchange),
        plan=case.plan,
        version=attempt.version,
        declaration=named_by(attempt.target),
        python=attempt.python,
        variants=(case.variant, *effort.variants),
        requirement=rule.requirement,
        source=rule.source,
        clauses=strategies.clauses(case.plan),
        calls=effort.calls,
        delivery=seen.delivery,
        shown_over="memory",
        start=attempt.start_line(case.variant) if isinstance(attempt, InDaemon) else "",
        note=effort.note,
    )


def _named(exchange: Exchange) -> Exchange:
    """The minimal stream says what it was made from."""
    origin = (("kind", "generated"), ("source", f"shrunk from {exchange.name}"))
    return replace(exchange, origin=origin)
