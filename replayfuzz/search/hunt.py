"""What happens to a failing example: known already, or a lead; and which lead is followed when."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from replayfuzz import invariants, strategies
from replayfuzz.finding import Finding
from replayfuzz.run import Deviation
from replayfuzz.search.buckets import Buckets, Told, joined, kin
from replayfuzz.search.case import UNBENT, Attempt, Case, Outcome, Signature, signature, signatures
from replayfuzz.search.causes import RULES, Causes, Unexplained
from replayfuzz.search.draws import Choice
from replayfuzz.search.made import Effort, made
from replayfuzz.search.probes import Measured
from replayfuzz.search.pursuit import Lead, Pursuit, Sought
from replayfuzz.search.simplify import empty
from replayfuzz.verdict import Violation

LAST_SECONDS = 0.3  # for a lead that is left when the time is over: the first steps help most
MAX_BUCKETS = 60  # findings that one target may have in a run; more help nobody
MAX_LEADS = 300  # that wait at one time
QUANTUM = 0.5  # seconds that every lead has before any has twice as many
CALLS = 4  # that a lead takes at the least, each as long as what it was seen by
REPEATED = 3  # leads of the same bend that lead to what is known, until no more are followed
OLDEST = 0.3  # part of the time for leads that goes to the oldest one, however slow it is

Key = tuple[Signature, tuple[str, ...], str]
"""What two leads have in common of which one is enough."""


class Hunt:
    """The findings and deviations of one target.

    Args:
        attempt: How the target is tried.
        variants: All that are searched; a finding says which of them show it.
        seed: Of the run.
        seconds: How long leads may be followed now, asked each time; 0: not now; None: there
            is no clock, and each is followed at once, so that the seed decides the result.
        found: Told of each new finding, and of one that changed.

    Attributes:
        buckets: The findings so far.
    """

    def __init__(
        self,
        attempt: Attempt,
        variants: tuple[str, ...],
        seed: int,
        seconds: Callable[[], float | None],
        found: Callable[[Finding], None],
    ) -> None:
        self.buckets = Buckets()
        self._deviations: dict[str, Deviation] = {}
        self._attempt = attempt
        self._causes = Causes(attempt)
        parser = attempt.target.kind == "parser"
        news = Unexplained(attempt, self._causes) if parser else attempt
        self._sought = Sought(news, variants, seed, self.buckets.sound)
        self._seconds = seconds
        self._found = found
        self._hopeless: set[tuple[Signature, tuple[str, ...]]] = set()
        self._open: dict[Key, Pursuit] = {}  # the oldest first
        self._told: list[Pursuit] = []  # that are not as small as they may get
        self._repeated: Counter[tuple[Signature, tuple[str, ...]]] = Counter()
        self._spent = self._spent_on_oldest = 0.0
        self._unbent: dict[tuple[str, str], frozenset[Signature]] = {}

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """What breaks on unbent streams, is accepted, or is milder than failed, by name."""
        return tuple(self._deviations[name] for name in sorted(self._deviations))

    def examine(self, case: Case, outcome: Outcome, choices: tuple[Choice, ...] = ()) -> None:
        """Take a failing example in: one lead at most, for its gravest broken rule."""
        bare = empty(case.plan)
        fresh = None
        for violation in outcome.verdict.violations:
            accepted = self._accepted(violation, case)
            if bare or accepted is not None or violation.outcome != "failed":
                self._deviate(case, violation, accepted or "")
            if violation.outcome == "failed" and accepted is None and fresh is None:
                fresh = violation
        if fresh is None:
            return
        wanted = signature(fresh, outcome.seen)
        if bare:
            self._unbent[case.exchange.name, case.variant] = signatures(outcome)
        plan = strategies.describe(case.exchange, case.plan)
        case = replace(case, plan=plan)
        lead = Lead(case, wanted, outcome, choices)
        if not self._stale(lead):
            self._open_up(lead)

    def _unbent_of(self, case: Case) -> frozenset[Signature]:
        """What the stream of *case* breaks as recorded; another process may have tried that."""
        spot = case.exchange.name, case.variant
        if spot not in self._unbent and self._attempt.target.kind == "daemon":
            return frozenset()
        if spot not in self._unbent:
            unbent = replace(case, plan=UNBENT)
            overs = self._attempt.overs(unbent)
            outcome = self._attempt.attempt(unbent, overs[0]) if overs else None
            self._unbent[spot] = frozenset() if outcome is None else signatures(outcome)
        return self._unbent[spot]

    def catch_up(self, *, early: bool = False, spare: bool = False) -> None:
        """Follow one lead for a while, if there is one and there is time for it.

        Args:
            early: Much was not tried yet: only what costs next to nothing is followed.
            spare: There is time as well to make smaller what was told already.
        """
        seconds = self._seconds()
        if seconds == 0.0 or not (self._open or (self._told and spare)):
            return
        began = time.monotonic()
        oldest = not early and self._spent_on_oldest <= OLDEST * self._spent
        pursuit = self._next(oldest=oldest)
        if early and self._rank(pursuit)[0] > 1:
            return
        self._follow(pursuit, seconds)
        took = time.monotonic() - began
        self._spent += took
        self._spent_on_oldest += took if oldest else 0.0

    def hear(self, of_another: Told) -> None:
        """Another process found that: nobody need look into it here."""
        self.buckets.hear(of_another)
        self._causes.hear(of_another.variants, of_another.causes)
        self._drop_stale()

    def finish(self, until: float) -> None:
        """The run is over: tell of the leads that are left, confirmed and hardly shrunk.

        Args:
            until: On the monotonic clock.
        """
        # Confirming a hang takes longer than anybody wants to wait now.
        while (left := until - time.monotonic()) > 0:
            quick = [each for each in self._open.values() if not each.lead.hangs]
            if not quick:
                break
            self._follow(min(quick, key=self._rank), left, LAST_SECONDS)
        told: set[Signature] = set()
        for pursuit in sorted(self._open.values(), key=self._rank):
            if pursuit.lead.wanted not in told and not self._stale(pursuit.lead):
                told.add(pursuit.lead.wanted)
                self._tell(pursuit.untold())
        self._open.clear()

    def take(self, rule: str, found: Measured) -> None:
        """Tell of what a probe found; it is confirmed already, and as small as it gets."""
        outcome = found.evidence.outcome or invariants.find(rule).severity
        violation = Violation(rule, found.evidence, outcome)
        accepted = self._accepted(violation, found.case)
        if accepted is not None or outcome != "failed":
            self._deviate(found.case, violation, accepted or "")
            return
        effort = Effort(found.calls, note=found.note)
        finding = made(self._attempt, found.case, violation, found.seen, effort)
        self._tell(replace(finding, shown_over=found.over))

    def _accepted(self, violation: Violation, case: Case) -> str | None:
        dialect = case.exchange.dialect
        return self._attempt.target.accepts(violation.name, case.variant, dialect)

    def _stale(self, lead: Lead) -> bool:
        """Nothing new would come of it."""
        plan, variant = lead.case.plan, lead.case.variant
        return (
            (lead.wanted, plan.kinds) in self._hopeless
            or self.buckets.explain(lead.wanted, plan, variant) is not None
            or len(self.buckets.findings) >= MAX_BUCKETS
            or self._caused(lead)
        )

    def _caused(self, lead: Lead) -> bool:
        """It is what a deviation of the target's that is known comes to."""
        rule = lead.wanted.name.partition("/")[0]
        return rule in RULES and self._causes.explain(lead.case, lead.outcome.seen)

    def _open_up(self, lead: Lead) -> None:
        timed = self._seconds() is not None
        key = _key(lead)
        if key in self._open:
            return
        if len(self._open) >= MAX_LEADS:
            last = max(self._open, key=lambda key: len(key[1]))
            if len(last[1]) <= len(lead.case.plan.kinds):
                return
            del self._open[last]
        # A daemon's streams are few and short: what it is told of is made small at once.
        hurried = timed and self._attempt.target.kind != "daemon"
        self._open[key] = Pursuit(lead, self._sought, hurried=hurried)
        # What fails as recorded says nothing when it fails in the same way bent.
        sound = empty(lead.case.plan) or lead.waits  # a wait in vain is dear, and its end too
        if not sound and lead.wanted in self._unbent_of(lead.case):
            del self._open[key]
        elif not timed:
            self._follow(self._open[key], None)

    def _next(self, *, oldest: bool) -> Pursuit:
        """What is nearest to its end; or what waits longest, so that nothing waits for ever."""
        if not self._open:
            return self._told[0]
        waiting = self._open.values()
        return next(iter(waiting)) if oldest else min(waiting, key=self._rank)

    def _rank(self, pursuit: Pursuit) -> tuple[int, int, int]:
        """Small for what is likely to be told soon, and for rules of which little was told.

        What it will cost is not known; but what it has cost so far is, and what each call does.
        """
        lead = pursuit.lead
        expected = pursuit.spent + CALLS * (lead.outcome.seen.seconds or 0.0)
        family = kin(lead.wanted.name)
        alike = sum(kin(each.invariant) == family for each in self.buckets.findings)
        return int(expected / QUANTUM).bit_length(), alike, len(lead.case.plan.kinds)

    def _follow(self, pursuit: Pursuit, seconds: float | None, last: float | None = None) -> None:
        """Go on with it; a lead goes only afterwards, so that Ctrl-C does not lose it."""
        before, lead = pursuit.finding, pursuit.lead
        if not pursuit.done:
            pursuit.go(seconds, last)
        if not pursuit.done:
            return
        finding = pursuit.finding
        if pursuit in self._told:
            self._told.remove(pursuit)
            if before and finding and finding.id == before.id and not finding.flaky:
                self._found(self.buckets.shrunk(replace(finding, seed=self._sought.seed)))
            return
        if finding is None:
            self._hopeless.add((lead.wanted, lead.case.plan.kinds))
        elif not self._tell(finding):
            self._known_again(lead)
        elif seconds is not None and pursuit.further():
            self._told.append(pursuit)
        self._open.pop(_key(lead), None)
        self._drop_stale()

    def _drop_stale(self) -> None:
        for key, other in list(self._open.items()):
            if self._stale(other.lead):
                del self._open[key]

    def _known_again(self, lead: Lead) -> None:
        """It led to what was told already, as others like it will."""
        kinds = lead.case.plan.kinds
        self._repeated[lead.wanted, kinds] += 1
        if self._repeated[lead.wanted, kinds] >= REPEATED:
            self._hopeless.add((lead.wanted, kinds))

    def _tell(self, finding: Finding) -> bool:
        """Whether it is news."""
        causes = self._causes.learn(finding)
        fresh = self.buckets.add(replace(finding, seed=self._sought.seed, causes=causes))
        if fresh is not None:
            self._found(fresh)
        return fresh is not None

    def _deviate(self, case: Case, violation: Violation, accepted: str) -> None:
        known = self._deviations.get(violation.name)
        if known is not None:
            if case.variant not in known.variants:
                variants = joined(known.variants, (case.variant,))
                self._deviations[violation.name] = replace(known, variants=variants)
            return
        evidence = violation.evidence
        self._deviations[violation.name] = Deviation(
            violation.name,
            (case.variant,),
            violation.outcome,
            evidence.expected,
            evidence.observed,
            case.exchange.name,
            accepted,
            case.plan.words,
        )


def _key(lead: Lead) -> Key:
    kinds = lead.case.plan.kinds
    # What a stream shows as recorded is told of each variant.
    return lead.wanted, kinds, "" if kinds else lead.case.variant
