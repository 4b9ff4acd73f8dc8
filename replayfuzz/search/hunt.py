"""What happens to a failing example: known already, or confirmed, shrunk and told."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from replayfuzz import invariants, strategies
from replayfuzz.finding import Finding
from replayfuzz.run import Deviation
from replayfuzz.search.buckets import Buckets, joined
from replayfuzz.search.case import Attempt, Case, Outcome, Over, Signature, signature, signatures
from replayfuzz.search.confirm import TIMES, Confirmed, confirm
from replayfuzz.search.draws import Choice
from replayfuzz.search.fewest import Budget, StillFails
from replayfuzz.search.made import Effort, made
from replayfuzz.search.minimal import by_hypothesis, minimal
from replayfuzz.search.probes import Measured
from replayfuzz.search.simplify import empty
from replayfuzz.verdict import Violation

MAX_CALLS = 600
MAX_WAITS = 30  # the same where each call is a wait in vain
HURRY = 0.4
"""Factor on what a daemon is waited for in vain while its case is shrunk: it answers in
milliseconds where it does, and what shrinking leads to is confirmed with all patience."""
LAST_SECONDS = 0.3  # for a lead that is left when the time is over: the first steps help most
MAX_BUCKETS = 60  # findings that one target may have in a run; more help nobody
MEMORY_ONLY = "only memory delivery shows it; over a socket the rule held"


@dataclass(frozen=True, slots=True)
class Lead:
    """A failing example that no finding explains.

    Attributes:
        outcome: What was seen.
        choices: What the sweep drew to get its plan; () for a plan of the schedule.
    """

    case: Case
    wanted: Signature
    outcome: Outcome
    choices: tuple[Choice, ...] = ()


class Hunt:
    """The findings and deviations of one target.

    Args:
        attempt: How the target is tried.
        variants: All that are searched; a finding says which of them show it.
        seed: Of the run.
        seconds: How long the next finding may take to shrink, asked each time; 0: not now;
            None: only calls are counted, so that the result is decided by the seed.
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
        self._variants = variants
        self._seed = seed
        self._seconds = seconds
        self._found = found
        self._hopeless: set[tuple[Signature, tuple[str, ...]]] = set()
        self._leads: deque[Lead] = deque()
        self._unsound: set[tuple[Signature, str, str]] = set()

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """What breaks on unbent streams, is accepted, or is milder than failed, by name."""
        return tuple(self._deviations[name] for name in sorted(self._deviations))

    def examine(self, case: Case, outcome: Outcome, choices: tuple[Choice, ...] = ()) -> None:
        """Take a failing example in: one finding at most, for its gravest broken rule."""
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
        # What fails as recorded says nothing when it fails in the same way bent.
        spot = (wanted, case.exchange.name, case.variant)
        if not bare and spot in self._unsound:
            return
        if bare:
            self._unsound.add(spot)
        plan = strategies.describe(case.exchange, case.plan)
        case = replace(case, plan=plan)
        lead = Lead(case, wanted, outcome, choices)
        if self._stale(lead):
            return
        if self._seconds() != 0.0:
            self._leads.appendleft(lead)
            self._follow()
        elif len(self._leads) < MAX_BUCKETS and all(wanted != each.wanted for each in self._leads):
            self._leads.append(lead)

    def catch_up(self) -> None:
        """Follow one lead that was put off, if there is one and there is time for it."""
        if self._leads and self._seconds() != 0.0:
            self._follow()

    def finish(self, until: float) -> None:
        """The run is over: tell of the leads that are left, confirmed and hardly shrunk.

        Args:
            until: On the monotonic clock.
        """
        # Confirming a hang takes longer than anybody wants to wait now, so it comes last.
        self._leads = deque(sorted(self._leads, key=lambda lead: _hangs(lead.wanted)))
        while self._leads and time.monotonic() < until and not _hangs(self._leads[0].wanted):
            self._follow(Budget(MAX_WAITS, LAST_SECONDS))
        for lead in self._leads:
            if not self._stale(lead):
                effort = Effort(note="not confirmed and not shrunk: the time was over")
                over = lead.outcome.seen.delivery.over if lead.outcome.seen.delivery else "memory"
                shown: Over = "memory" if over == "memory" else "tcp"
                confirmed = Confirmed(shown, lead.outcome, flaky=True)
                self._tell(self._finding(lead.case, lead.wanted, confirmed, effort))
        self._leads.clear()

    def _accepted(self, violation: Violation, case: Case) -> str | None:
        dialect = case.exchange.dialect
        return self._attempt.target.accepts(violation.name, case.variant, dialect)

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

    def _stale(self, lead: Lead) -> bool:
        """Nothing new would come of it."""
        plan, variant = lead.case.plan, lead.case.variant
        return (
            (lead.wanted, plan.kinds) in self._hopeless
            or self.buckets.explain(lead.wanted, plan, variant) is not None
            or len(self.buckets.findings) >= MAX_BUCKETS
        )

    def _follow(self, budget: Budget | None = None) -> None:
        """Pursue the first lead; it goes only afterwards, so that Ctrl-C does not lose it."""
        lead = self._leads[0]
        if not self._stale(lead):
            finding = self._pursue(lead, budget)
            if finding is None:
                self._hopeless.add((lead.wanted, lead.case.plan.kinds))
            else:
                self._tell(finding)
        self._leads.popleft()

    def _tell(self, finding: Finding) -> None:
        fresh = self.buckets.add(replace(finding, seed=self._seed))
        if fresh is not None:
            self._found(fresh)

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

    def _pursue(self, lead: Lead, budget: Budget | None) -> Finding | None:
        """Confirm, then shrink; None when it does not break again at all."""
        case, wanted, choices = lead.case, lead.wanted, lead.choices
        confirmed = confirm(self._attempt, case, wanted)
        if confirmed.outcome is None:
            return None
        if confirmed.flaky and self.buckets.sound(wanted):
            return None  # a race that shows each time elsewhere is told there
        if confirmed.flaky:
            note = f"it did not break at each of {TIMES} tries, so it was not shrunk"
            return self._finding(case, wanted, confirmed, Effort(note=note))
        most = MAX_WAITS if _hangs(wanted) else MAX_CALLS
        budget = budget or Budget(most, self._seconds())
        for over in ("memory", "tcp") if confirmed.memory else ("tcp",):
            # Memory is fast, but what it leads to must show on a socket as well.
            patience = HURRY if _waits(wanted) and self._attempt.target.daemon else 1.0
            fails = StillFails(self._attempt, wanted, over, budget, patience)
            start = by_hypothesis(case, choices, fails, self._seed) if choices else case
            small = minimal(start, fails)
            again = confirm(self._attempt, small.case, wanted)
            if again.over == confirmed.over and not again.flaky:
                note = "" if small.proved else "not proved minimal: the budget was spent"
                effort = Effort(budget.calls, self._also(small.case, wanted, again.over), note)
                return self._finding(small.case, wanted, again, effort)
        effort = Effort(budget.calls, note="not shrunk: what shrinking led to did not hold")
        return self._finding(case, wanted, confirmed, effort)

    def _also(self, case: Case, wanted: Signature, over: Over | None) -> tuple[str, ...]:
        """Other variants that show the same on the minimal case."""
        also = []
        for name in self._variants:
            other = replace(case, variant=name)
            if name == case.variant or over is None or over not in self._attempt.overs(other):
                continue
            if wanted in signatures(self._attempt.attempt(other, over)):
                also.append(name)
        return tuple(also)

    def _finding(
        self, case: Case, wanted: Signature, confirmed: Confirmed, effort: Effort
    ) -> Finding:
        outcome = confirmed.outcome
        assert outcome is not None
        violation = next(
            broken
            for broken in outcome.verdict.violations
            if signature(broken, outcome.seen) == wanted
        )
        # What was flaky, or not tried again, may not have been tried over a socket at all.
        sound = confirmed.over == "memory" and not confirmed.flaky
        unreal = sound and "tcp" in self._attempt.overs(case)
        notes = (MEMORY_ONLY if unreal else "", effort.note)
        if unreal:
            # What no socket shows may be the fault of our delivery, so it accuses nobody.
            violation = replace(violation, outcome="informational")
        elif confirmed.flaky:
            # A race in the target, or a busy machine: it could not be told.
            violation = replace(violation, outcome="unknown")
        return replace(
            made(self._attempt, case, violation, outcome.seen, effort),
            frame=wanted.frame,
            shown_over=confirmed.over or "",
            flaky=confirmed.flaky,
            note="; ".join(note for note in notes if note),
        )


def _hangs(wanted: Signature) -> bool:
    return wanted.name.partition("/")[0] == "no-hang"


def _waits(wanted: Signature) -> bool:
    """Each call that shows it is a wait in vain."""
    return _hangs(wanted) or wanted.name == "upstream-cancelled"
