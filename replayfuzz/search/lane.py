"""One target in one process: its cases, one after the other, and what they came to."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from replayfuzz import strategies
from replayfuzz.cassette import Exchange
from replayfuzz.declared import named_by
from replayfuzz.finding import Finding
from replayfuzz.run import TargetRun
from replayfuzz.search.ahead import MOST_SECONDS, Ahead, Drawn
from replayfuzz.search.case import Attempt, Case
from replayfuzz.search.draws import Choice
from replayfuzz.search.dress import cases
from replayfuzz.search.hunt import Hunt
from replayfuzz.search.journal import Journal
from replayfuzz.search.probing import Probing
from replayfuzz.search.process import slow

SLOW_SHARE = 0.15
"""Part of a target's time that may go to cases in which it is likely to wait in vain."""
SHRINK_SHARE = 0.5
"""Part of a target's time that may go to confirming and shrinking."""
FIRST = 30  # bent cases of a daemon that are tried before its probes
MAX_FEATURES = 2000  # kinds of cases that are looked at for what they can show
MAX_WAITING = 2000  # slow cases put off until there is time for them


@dataclass
class Clock:
    """Where a target's time went, in seconds.

    Attributes:
        all: Every step; *slow* and *hunting* are parts of it.
    """

    all: float = 0.0
    slow: float = 0.0
    hunting: float = 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a target's search ends.

    Attributes:
        until: On the monotonic clock; None: only *examples* counts.
        examples: How many cases to try; None: only *until* counts.
        part: ``(k, n)``: which part of the fixed cases is tried here.
        seed: Of the run.
    """

    until: float | None
    examples: int | None
    part: tuple[int, int] = (0, 1)
    seed: int = 0


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
        self._put_off: deque[tuple[Case, tuple[Choice, ...]]] = deque()
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
        began = time.monotonic()
        case, choices, waits, outcome = self._ahead.next(self._room())
        if outcome is None:
            overs = self.attempt.overs(case)
            if not overs:
                self._skipped()
                return
            self._note((case,))
            outcome = self.attempt.attempt(case, overs[0])
        self.examples += 1
        self._unshown = 0
        self._exercise(case)
        tried = time.monotonic()
        if outcome.verdict.violations:
            self.hunt.examine(case, outcome, choices)
        elif self.bounds.until is not None:
            self.hunt.catch_up()
        ended = time.monotonic()
        self.clock.all += ended - began
        self.clock.hunting += ended - tried
        if waits:
            self.clock.slow += tried - began

    def run(self, until: float) -> None:
        """Try cases until *until*, on the monotonic clock, or until it is done."""
        while not self.done:
            self.step()
            if time.monotonic() >= until:
                return

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
        if self.bounds.until is None:
            return Drawn(*next(self._cases), waits=False)
        if self._put_off and self.clock.slow <= SLOW_SHARE * self.clock.all:
            return Drawn(*self._put_off.popleft(), waits=True)
        for case, choices in self._cases:
            if not slow(case):
                return Drawn(case, choices, waits=False)
            if len(self._put_off) < MAX_WAITING:
                self._put_off.append((case, choices))
            if self.clock.slow <= SLOW_SHARE * self.clock.all:
                return Drawn(*self._put_off.popleft(), waits=True)
        raise AssertionError("the random cases never end")

    def _room(self) -> int:
        """How many cases may be tried at once: none where the first ones look for probes."""
        if self.examples < max(self._bare, 1):
            return 1
        most = int(MOST_SECONDS * self.examples / max(self.clock.all, 1e-9)) + 1
        left = self.bounds.examples
        return most if left is None else min(most, left - self.examples)

    def _note(self, cases: Sequence[Case]) -> None:
        self.journal.note(self._named, cases)

    def _probe_due(self) -> bool:
        return self.examples >= self._bare and self._probing.due(self.clock.all, self._left())

    def _probe(self) -> None:
        began = time.monotonic()
        broken = self._probing.run()
        if broken is not None:
            self.hunt.take(*broken)
        self.clock.all += time.monotonic() - began

    def _left(self) -> float | None:
        until = self.bounds.until
        return None if until is None else until - time.monotonic()

    def _skipped(self) -> None:
        """A case that cannot be shown here; when nothing but such cases comes, it is done."""
        self._unshown += 1
        if self._unshown > 10_000:
            self.examples += 1

    def _shrink_seconds(self) -> float | None:
        """How long the next finding may take to shrink."""
        if self.bounds.until is None:
            return None
        left = self.bounds.until - time.monotonic()
        free = SHRINK_SHARE * (self.clock.all + left) - self.clock.hunting
        return max(0.0, min(max(free / 3, 1.0), left)) if free > 0 else 0.0

    def _exercise(self, case: Case) -> None:
        """Note what this case could show; once a kind of bend and stream, for it costs 0.1 ms."""
        key = (case.exchange.name, case.plan.kinds)
        if len(self.exercised) == len(strategies.FEATURES) or key in self._features:
            return
        if len(self._features) < MAX_FEATURES:
            self._features.add(key)
            self.exercised |= strategies.features(case.exchange, case.plan)
