"""Why a raw reader of server-sent events fails: known deviations that explain all that it showed.

One deviation breaks many streams, each in the words of another bend. Once it is known that a
target reads as one with that deviation does, a stream on which it reported exactly what such a
reader reports tells nothing new; one on which it reported anything else still does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations

from replayfuzz import dialects, invariants
from replayfuzz.cassette import Exchange
from replayfuzz.finding import Finding
from replayfuzz.formats.sse_deviant import How, deviant
from replayfuzz.formats.sse_deviations import DEVIATIONS
from replayfuzz.search.case import UNBENT, Attempt, Case, Outcome, Over
from replayfuzz.search.held import Held
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript, event
from replayfuzz.verdict import Verdict

RULES = frozenset({"content-equal", "content-prefix", "chunking-independent", "valid-utf8"})
"""Those about which events the caller gets; a deviation of the reader explains no other."""

LARGEST = 1 << 14  # bytes of a minimal body in which causes are looked for: each is tried
_DIALECT = "sse"  # where a provider's API stands between, the caller sees no events
_FIELDS = (("Content-Type", "text/event-stream"),)


class Causes:
    """What is known of how a target reads, by variant.

    Args:
        attempt: How it is tried.
    """

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._known: dict[str, How] = {}
        self._shown: dict[tuple[str, bytes], Transcript] = {}  # on the deviations' own streams

    def explain(self, case: Case, seen: Transcript) -> bool:
        """Whether what is known tells exactly what was *seen*."""
        how = self._known.get(case.variant)
        return how is not None and self._fits(case, seen, how)

    def hear(self, variants: Iterable[str], causes: Iterable[str]) -> None:
        """Another process found that out."""
        for variant in variants:
            known = DEVIATIONS.keys() & set(causes)  # another version may know others
            if known:
                self._known[variant] = self._known.get(variant, frozenset()) | known

    def learn(self, finding: Finding) -> tuple[str, ...]:
        """Look for the deviations that *finding* shows, and keep them.

        Each has to explain what the minimal stream shows, and hold on streams of its own.

        Returns:
            Their names, the same for each variant that shows it; () where none fit.
        """
        rule = finding.invariant.partition("/")[0]
        raw = finding.dialect == _DIALECT and self._attempt.target.kind == "parser"
        if not raw or finding.flaky or rule not in RULES:
            return ()
        found: set[str] = set()
        for variant in finding.variants:
            case = Case(finding.exchange, finding.plan, variant)
            over: Over = "memory" if finding.shown_over == "memory" else "tcp"
            if over in self._attempt.overs(case):
                causes = self._causes(case, self._attempt.attempt(case, over).seen)
                self.hear((variant,), causes)
                found |= causes
        return tuple(sorted(found))

    def _causes(self, case: Case, seen: Transcript) -> How:
        known = self._known.get(case.variant, frozenset())
        if len(case.bent.body) > LARGEST or self._fits(case, seen, known):
            return frozenset()  # not what is to be explained
        for more in _sets(known):
            how = known | more
            if self._fits(case, seen, how) and self._holds(more, how, case.variant):
                return more
        return frozenset()

    def _holds(self, more: How, how: How, variant: str) -> bool:
        """Whether the target shows all that belongs to the deviations *more*."""
        for body in dict.fromkeys(body for name in more for body in DEVIATIONS[name].shows):
            case = Case(Exchange("shows", _DIALECT, fields=_FIELDS, body=body), UNBENT, variant)
            seen = self._shown.get((variant, body))
            if seen is None:
                over = self._attempt.overs(case)[0]
                seen = self._shown[variant, body] = self._attempt.attempt(case, over).seen
            if not self._fits(case, seen, how):
                return False
        return True

    def _fits(self, case: Case, seen: Transcript, how: How) -> bool:
        """Whether *seen* is what a reader shows that is right but for the deviations *how*."""
        body = case.bent.body
        if case.exchange.dialect != _DIALECT or case.exchange.coding:
            return False
        # What reads a coded body gives depends on its decoder.
        pieces = (body,) if case.plan.head.coding else case.bent.pieces
        told = [event("sse", **each._asdict()) for each in deviant(pieces, how)]
        wants = dialects.expected(case.exchange, case.plan, case.bent)
        altered = tuple(replace(want, events=tuple(told)) for want in wants)
        reports = self._attempt.target.shown_by(case.variant, _DIALECT)
        broken = invariants.judge(altered, seen, reports).violations
        return not any(each.outcome == "failed" and each.invariant in RULES for each in broken)


def _sets(known: How) -> Iterator[How]:
    """Deviations that may come to those that are known: one, else two at once."""
    names = [name for name in DEVIATIONS if name not in known]
    for count in (1, 2):
        yield from map(frozenset, combinations(names, count))


class Unexplained:
    """The same attempt, whose verdicts leave out what is explained already.

    So no lead is confirmed by it, and none is made smaller until it is nothing else.
    """

    def __init__(self, attempt: Attempt, causes: Causes) -> None:
        self._attempt = attempt
        self._causes = causes

    @property
    def target(self) -> Target:
        return self._attempt.target

    @property
    def version(self) -> str:
        return self._attempt.version

    @property
    def python(self) -> str:
        return self._attempt.python

    def overs(self, case: Case) -> tuple[Over, ...]:
        return self._attempt.overs(case)

    def attempt(self, case: Case, over: Over, patience: float = 1.0) -> Outcome:
        outcome = self._attempt.attempt(case, over, patience)
        violations = outcome.verdict.violations
        rest = tuple(each for each in violations if each.invariant not in RULES)
        if len(rest) == len(violations) or not self._causes.explain(case, outcome.seen):
            return outcome
        return replace(outcome, verdict=Verdict(rest))

    def held(self) -> Held | None:
        return self._attempt.held()

    def close(self) -> None:
        self._attempt.close()
