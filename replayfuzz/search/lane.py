"""One target in one process: its cases, one after the other, and what they came to."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from replayfuzz import strategies
from replayfuzz.cassette import Exchange
from replayfuzz.declared import named_by
from replayfuzz.finding import Finding
from replayfuzz.run import TargetRun
from replayfuzz.search.ahead import MOST_SECONDS, Ahead, Drawn
from replayfuzz.search.bounds import Bounds, Clock
from replayfuzz.search.case import Attempt, Case, Outcome
from replayfuzz.search.draws import Choice
from replayfuzz.search.dress import cases
from replayfuzz.search.hunt import Hunt
from replayfuzz.search.journal import Journal
from replayfuzz.search.order import first_round
from replayfuzz.search.probing import Probing
from replayfuzz.search.process import slow
from replayfuzz.search.putoff import PutOff
from replayfuzz.search.sweeps import WAYS, Sweeps, cut

BRIEF = 0.6
"""Factor on how long a target that may wait in vain is waited for, which is to be confirmed."""
SLOW_SHARE = 0.15
"""Part of a target's time that may go to cases in which it is likely to wait in vain."""
SHRINK_SHARE = 0.6
"""Part of a target's time so far, probes left out, that may go to confirming and shrinking."""
EARLY_SHARE = 0.25
"""The same until every way to bend was tried once: what is there to be found is not known."""
LATE = 0.5  # part of all the time that is left when that is waited for no longer
AT_ONCE = 3.0  # seconds of it that need not wait: what fails as recorded is told at once
SLICE = 0.3  # seconds of it between two cases
SPARE = 0.3
"""Part of all the time, at its end, in which what was told may be made smaller still."""
LAST = 0.1
"""Part of all the time, at its end, in which leads have it all: what was seen is to be told."""
FIRST = 30  # bent cases of a daemon that are tried before its probes
MAX_FEATURES = 2000  # kinds of cases that are looked at for what they can show


@dataclass
class Lane:
    """The search on one target.

    Attributes:
        attempt: How cases are tried.
        exchanges: Those of a dialect that the target reads; at least one.
        variants: Those that are searched; at least one.
        bounds: When it ends.
        journal: Where the case of the moment is noted.
        found: Told of findings.
    """

    attempt: Attempt
    exchanges: tuple[Exchange, ...]
    variants: tuple[str, ...]
    bounds: Bounds
    journal: Journal
    found: Callable[[Finding], None]
    clock: Clock = field(default_factory=Clock)
    examples: int = 0
    exercised: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._unshown = 0
        self._born = time.monotonic()
        self._named = named_by(self.attempt.target) or self.attempt.target.name
        k, n = self.bounds.part
        # Probes come when the streams have been seen as they are; those of a daemon take
        # longer than all that its hand-offs show at once.
        first = FIRST if self.attempt.target.daemon else 0
        self._bare = (len(self.exchanges) * len(self.variants) + first) // n
        self._probing = Probing(self.attempt, self.exchanges, self.variants[k::n])
        bounds = self.bounds
        name = self.attempt.target.name
        self.hunt = Hunt(self.attempt, self.variants, bounds.seed, self._shrink_seconds, self.found)
        self._cases = cases(
            self.attempt.target,
            self.exchanges,
            self.variants,
            f"{bounds.seed}/{name}",
            bounds.part,
        )
        self._ahead = Ahead(self.attempt, self._next, self._note)
        self._put_off = PutOff()
        self._sweeps = Sweeps(self.attempt, Random(f"{bounds.seed}/{name}/{k}/sweeps"))
        self._alone: deque[Case] = deque()  # of a sweep that was not seen to its end
        self._features: set[tuple[str, tuple[str, ...]]] = set()

    @property
    def done(self) -> bool:
        """Its examples are all tried, or its time is over."""
        bounds = self.bounds
        if bounds.until is not None and time.monotonic() >= bounds.until:
            return True
        return bounds.examples is not None and self.examples >= bounds.examples

    def step(self) -> None:
        """Try one case.

        Raises:
            StartError: The target does not start any more.
        """
        if not self._ahead.tried and self._probe_due():
            self._probe()
            return
        if not self._ahead.tried and self._sweep():
            return
        began = time.monotonic()
        case, choices, waits, outcome = self._ahead.next(self._room())
        if outcome is None:
            overs = self.attempt.overs(case)
            if not overs:
                self._skipped()
                return
            self._note((case,))
            hurried = waits and not self.attempt.target.daemon and case.message_end == "open"
            outcome = self.attempt.attempt(case, overs[0], BRIEF if hurried else 1.0)
        self.examples += 1
        self._unshown = 0
        self._exercise(case)
        self._sweeps.heard(case, outcome)
        tried = time.monotonic()
        if waits:
            self.clock.slow += tried - began
        self._examined(began, tried, [(case, outcome, choices)])

    def _examined(
        self, began: float, tried: float, seen: Sequence[tuple[Case, Outcome, tuple[Choice, ...]]]
    ) -> None:
        """Follow what was seen from *began* to *tried*, and tell the clock."""
        for case, outcome, choices in seen:
            if outcome.verdict.violations:
                self.hunt.examine(case, outcome, choices)
        if self.bounds.until is not None:
            self.hunt.catch_up(early=self._tight, spare=self._last(SPARE))
        ended = time.monotonic()
        self.clock.all += ended - began
        self.clock.hunting += ended - tried

    def _sweep(self) -> bool:
        """Cut a stream in many ways, if it is time for that."""
        left = self.bounds.examples
        if self._early or (left is not None and left - self.examples < WAYS):
            return False
        timed = self.bounds.until is not None  # else nothing may depend on a clock
        found = self._sweeps.next(self.examples, self._usual if timed else 0.0)
        if found is None:
            return False
        began = time.monotonic()
        case, cuts = found
        self.journal.note_sweep(self._named, case, cuts)
        seen = self._sweeps.run(case, cuts)
        if seen:
            self.examples += len(cuts)
        else:
            self._alone.extend(cut(case, way) for way in cuts)
        self._examined(began, time.monotonic(), [(*each, ()) for each in seen])
        return True

    def run(self, until: float) -> None:
        """Try cases until *until*, on the monotonic clock, or until it is done."""
        while not self.done:
            self.step()
            if time.monotonic() >= until:
                return

    def finish(self, until: float) -> None:
        """The time is over: tell of what was seen, with what can be done until then."""
        for each in self._ahead.rest():
            self.examples += 1
            if each.outcome is not None:
                self.hunt.examine(each.case, each.outcome, each.choices)
        self.hunt.finish(until)

    @property
    def untold(self) -> tuple[str, ...]:
        """What could not be tried, in sentences; to be asked at the end."""
        return (*self._probing.untold, *getattr(self.attempt, "untold", ()))

    def result(self) -> TargetRun:
        """What was done so far."""
        return TargetRun(
            self.attempt.target.name,
            self.attempt.version,
            self.attempt.python,
            self.variants,
            self.examples,
            self.clock.all,
            self.hunt.deviations,
        )

    def _next(self) -> Drawn:
        """The next case; with a time budget, slow ones come when they are affordable."""
        if self._alone:
            return Drawn(self._alone.popleft(), (), waits=False)
        if self.bounds.until is None:
            return Drawn(*next(self._cases), waits=False)
        affordable = self.clock.slow <= SLOW_SHARE * self.clock.all
        if affordable and self._put_off:
            return Drawn(*self._put_off.take(), waits=True)
        for case, choices in self._cases:
            if not slow(case):
                return Drawn(case, choices, waits=False)
            self._put_off.add(case, choices)
            if affordable:
                return Drawn(*self._put_off.take(), waits=True)
        raise AssertionError("the random cases never end")

    def _room(self) -> int:
        """How many cases may be tried at once: none where the first ones look for probes."""
        if self.examples < max(self._bare, 1):
            return 1
        most = int(MOST_SECONDS / max(self._usual, 1e-9)) + 1
        left = self.bounds.examples
        return most if left is None else min(most, left - self.examples)

    @property
    def _usual(self) -> float:
        """Seconds that an example takes, with what it leads to."""
        return self.clock.all / max(self.examples, 1)

    def _note(self, cases: Sequence[Case]) -> None:
        self.journal.note(self._named, cases)

    def _probe_due(self) -> bool:
        if self.examples < self._bare:
            return False
        left = self._left()
        early = left is not None and self._early
        return self._probing.due(self.clock.all, left, early=early)

    def _probe(self) -> None:
        began = time.monotonic()
        broken = self._probing.run(self._left())
        if broken is not None:
            self.hunt.take(*broken)
        took = time.monotonic() - began
        self.clock.all += took
        self.clock.probing += took

    def _left(self) -> float | None:
        until = self.bounds.until
        return None if until is None else until - time.monotonic()

    def _skipped(self) -> None:
        """A case that cannot be shown here; when nothing but such cases comes, it is done."""
        self._unshown += 1
        if self._unshown > 10_000:
            self.examples += 1

    def _shrink_seconds(self) -> float | None:
        """How long leads may be followed before the next case."""
        left = self._left()
        if left is None:
            return None
        clock = self.clock
        share = EARLY_SHARE if self._early else SHRINK_SHARE
        free = AT_ONCE + share * (clock.all - clock.probing) - clock.hunting
        return max(0.0, min(SLICE, left)) if free > 0 or self._last(LAST) else 0.0

    @cached_property
    def _round(self) -> int:
        daemon = self.attempt.target.daemon is not None
        return 0 if daemon else first_round(self.exchanges, self.variants) // self.bounds.part[1]

    @property
    def _tight(self) -> bool:
        """What is slow to follow has to wait: it is early, and the share for that is used up."""
        clock = self.clock
        return self._early and clock.hunting > EARLY_SHARE * (clock.all - clock.probing)

    @property
    def _early(self) -> bool:
        """Not every way to bend was tried once, and most of the time is left."""
        return self.examples < self._round and not self._last(LATE)

    def _last(self, part: float) -> bool:
        """No more than that part of all the time is left."""
        left = self._left()
        return left is not None and left <= part * (left + time.monotonic() - self._born)

    def _exercise(self, case: Case) -> None:
        """Note what this case could show; once a kind of bend and stream, for it costs 0.1 ms."""
        key = (case.exchange.name, case.plan.kinds)
        if len(self.exercised) == len(strategies.FEATURES) or key in self._features:
            return
        if len(self._features) < MAX_FEATURES:
            self._features.add(key)
            self.exercised |= strategies.features(case.exchange, case.plan)
