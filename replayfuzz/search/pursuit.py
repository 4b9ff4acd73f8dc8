"""One failing example on its way to be a finding: confirmed, made small, confirmed again.

It goes in slices, so that the search goes on meanwhile and a slow lead holds nobody up.
Shrinking remembers its answers and begins each slice from the start, which costs no calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from replayfuzz.finding import Finding
from replayfuzz.search.case import Attempt, Case, Outcome, Over, Signature, signature, signatures
from replayfuzz.search.confirm import TIMES, Confirmed, confirming
from replayfuzz.search.draws import Choice
from replayfuzz.search.fewest import Budget, StillFails
from replayfuzz.search.made import Effort, made
from replayfuzz.search.minimal import Minimal, by_hypothesis, minimal

MAX_CALLS = 600
MAX_WAITS = 30  # the same where each call is a wait in vain
FIRST_WAITS = 8  # of those before it is told, where time is short
MORE_CALLS = 1200  # in all, when there is time left for what was told already
HURRY = 0.4
"""Factor on what is waited for in vain while a case is shrunk: a target answers in
milliseconds where it does, and what shrinking leads to is confirmed with all patience."""
MEMORY_ONLY = "only memory delivery shows it; over a socket the rule held"
UNPROVED = "not proved minimal: the budget was spent"

Slices = Generator[None, None, Finding | None]


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

    @property
    def waits(self) -> bool:
        """Each call that shows it is a wait in vain."""
        return self.hangs or self.wanted.name == "upstream-cancelled"

    @property
    def hangs(self) -> bool:
        """The target does not answer at all."""
        return self.wanted.name.partition("/")[0] == "no-hang"


@dataclass(frozen=True, slots=True)
class Sought:
    """What every lead of a target is followed with.

    Attributes:
        variants: All that are searched; a finding says which of them show it.
        seed: Of the run.
        sound: Whether a rule is known to break each time already.
    """

    attempt: Attempt
    variants: tuple[str, ...]
    seed: int
    sound: Callable[[Signature], bool]


class Pursuit:
    """A lead, and how far it is.

    Attributes:
        spent: Seconds that went to it so far.
        done: Nothing more is to be done; *finding* is what came of it.
        finding: None when it did not break again; what was told first, while it is made smaller.
    """

    def __init__(self, lead: Lead, sought: Sought, *, hurried: bool = False) -> None:
        self.lead = lead
        self.spent = 0.0
        self.done = False
        self.finding: Finding | None = None
        self._sought = sought
        self._attempt = sought.attempt
        waits = FIRST_WAITS if hurried else MAX_WAITS
        self._budget = Budget(waits if lead.waits else MAX_CALLS)
        self._fails: dict[Over, StillFails] = {}
        self._confirmed: Confirmed | None = None
        self._slices: Slices | None = None

    def go(self, seconds: float | None, last: float | None = None) -> None:
        """Go on for about so long, one call at least; see ``done`` and ``finding``.

        What ends it early, such as Ctrl-C, does no harm: it can go on later.

        Args:
            seconds: Of this slice; None: until it is done.
            last: Seconds that are left for making it small.
        """
        if last is not None:
            self._budget.limit(last)
        self._budget.turn(seconds)
        if self._slices is None:
            self._slices = self._pursue()
        began = time.monotonic()
        try:
            next(self._slices)
            while seconds is None or time.monotonic() < began + seconds:
                next(self._slices)
        except StopIteration as end:
            self.done, self.finding = True, end.value
        except BaseException:
            self._slices = None
            raise
        finally:
            self.spent += time.monotonic() - began

    def further(self) -> bool:
        """Whether what was told can be made smaller still: then it is not done any more."""
        most = MAX_WAITS if self.lead.waits else MORE_CALLS
        told = self.finding
        if told is None or told.flaky or not told.note.endswith(UNPROVED):
            return False
        if not self._budget.more(most):
            return False
        self.done, self._slices = False, None
        return True

    def untold(self) -> Finding:
        """A finding as it was first seen, for want of time."""
        delivery = self.lead.outcome.seen.delivery
        over: Over = "tcp" if delivery and delivery.over != "memory" else "memory"
        confirmed = Confirmed(over, self.lead.outcome, flaky=True)
        effort = Effort(note="not confirmed and not shrunk: the time was over")
        return self._finding(self.lead.case, confirmed, effort)

    def _pursue(self) -> Slices:
        """Confirm, then shrink; None when it does not break again at all."""
        lead, case = self.lead, self.lead.case
        if lead.waits:
            # What it shrinks to has to show it each time; that is asked once, for it takes long.
            found = yield from self._shrunk(case, None)
            if found is not None:
                return found
        if self._confirmed is None:
            self._confirmed = yield from self._confirming(case)
        confirmed = self._confirmed
        if confirmed.outcome is None:
            return None
        if confirmed.flaky and self._sought.sound(lead.wanted):
            return None  # a race that shows each time elsewhere is told there
        if confirmed.flaky:
            note = f"it did not break at each of {TIMES} tries, so it was not shrunk"
            return self._finding(case, confirmed, Effort(note=note))
        found = None if lead.waits else (yield from self._shrunk(case, confirmed))
        if found is not None:
            return found
        effort = Effort(self._budget.calls, note="not shrunk: what shrinking led to did not hold")
        return self._finding(case, confirmed, effort)

    def _shrunk(self, case: Case, confirmed: Confirmed | None) -> Slices:
        """The finding that it shrinks to; None when that does not hold.

        Args:
            case: The lead's.
            confirmed: How it showed; None: it is to be seen when it is small.
        """
        delivery = self.lead.outcome.seen.delivery
        memory = confirmed.memory if confirmed else not delivery or delivery.over == "memory"
        for over in ("memory", "tcp") if memory else ("tcp",):
            # Memory is fast, but what it leads to must show on a socket as well.
            small = yield from self._small(case, over)
            again = yield from self._confirming(small.case)
            held = again.over is not None and not again.flaky
            if held and (confirmed is None or again.over == confirmed.over):
                note = "" if small.proved else UNPROVED
                effort = Effort(self._budget.calls, self._also(small.case, again.over), note)
                return self._finding(small.case, again, effort)
        return None

    def _confirming(self, case: Case) -> Generator[None, None, Confirmed]:
        return confirming(self._attempt, case, self.lead.wanted, alone=self.lead.waits)

    def _small(self, case: Case, over: Over) -> Generator[None, None, Minimal]:
        fails = self._fails.get(over)
        if fails is None:
            patience = HURRY if self.lead.waits else 1.0
            fails = StillFails(self._attempt, self.lead.wanted, over, self._budget, patience)
            self._fails[over] = fails
        start, choices = case, self.lead.choices
        while choices:
            fails.stopped = False
            start = by_hypothesis(case, choices, fails, self._sought.seed)
            if not fails.stopped or self._budget.spent:
                break
            yield
        while True:
            fails.stopped = False
            small = minimal(start, fails)
            if not fails.stopped or self._budget.spent:
                return small
            yield

    def _also(self, case: Case, over: Over | None) -> tuple[str, ...]:
        """Other variants that show the same on the minimal case."""
        also = []
        for name in self._sought.variants:
            other = replace(case, variant=name)
            if name == case.variant or over is None or over not in self._attempt.overs(other):
                continue
            if self.lead.wanted in signatures(self._attempt.attempt(other, over)):
                also.append(name)
        return tuple(also)

    def _finding(self, case: Case, confirmed: Confirmed, effort: Effort) -> Finding:
        outcome = confirmed.outcome
        assert outcome is not None
        violation = next(
            broken
            for broken in outcome.verdict.violations
            if signature(broken, outcome.seen) == self.lead.wanted
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
            frame=self.lead.wanted.frame,
            shown_over=confirmed.over or "",
            flaky=confirmed.flaky,
            note="; ".join(note for note in notes if note),
        )
