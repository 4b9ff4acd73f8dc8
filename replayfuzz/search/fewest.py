"""The smallest part of a list that still fails: delta debugging, and its budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from replayfuzz.search.case import UNBENT, Attempt, Case, Over, Signature, signatures

Item = TypeVar("Item")

PACED, RACED = 2, 10
"""Tries of a case with several clients: where a pause decides who comes first, and where not."""


def fewest(
    items: Sequence[Item],
    fails: Callable[[Sequence[Item]], bool],
    guess: Sequence[Item] | None = None,
) -> tuple[Item, ...]:
    """The items that are needed for *fails* to hold.

    Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (ddmin), with
    the empty list and a guess tried first. ``fails(items)`` is taken to hold.

    Returns:
        A part of *items*, in order, of which no single item can go (while *fails* answers
        truthfully: one whose budget is spent says False).
    """
    if not items or fails(()):
        return ()
    if guess is not None and 0 < len(guess) < len(items) and fails(guess):
        return fewest(guess, fails)
    kept, parts = list(items), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        starts = range(0, len(kept), size)
        if parts == 2 and (half := _half(kept, size, fails)) is not None:
            kept = half
            continue
        rest = next(
            (
                rest
                for start in starts
                if parts > 2 and fails(rest := kept[:start] + kept[start + size :])
            ),
            None,
        )
        if rest is not None:
            kept, parts = rest, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(parts * 2, len(kept))
    return tuple(kept)


def _half(
    kept: list[Item], size: int, fails: Callable[[Sequence[Item]], bool]
) -> list[Item] | None:
    return next((part for part in (kept[:size], kept[size:]) if part and fails(part)), None)


class Budget:
    """How many calls of a target, and how long, something may take.

    Attributes:
        calls: Calls spent so far.
    """

    def __init__(self, calls: int, seconds: float | None = None) -> None:
        self.calls = 0
        self._most = calls
        self._until = None if seconds is None else time.monotonic() + seconds
        self._turn: float | None = None
        self._turn_until: float | None = None

    @property
    def spent(self) -> bool:
        """Nothing is left."""
        late = self._until is not None and time.monotonic() >= self._until
        return late or self.calls >= self._most

    def limit(self, seconds: float) -> None:
        """Nothing is left any more in so many seconds."""
        self._until = time.monotonic() + seconds

    def more(self, calls: int) -> bool:
        """Allow so many calls in all; whether that is more than before."""
        more, self._most = calls > self._most, max(calls, self._most)
        return more

    def turn(self, seconds: float | None) -> None:
        """Begin a turn of so long; None: without end. Its time runs from its first call on."""
        self._turn, self._turn_until = seconds, None

    def take(self) -> bool:
        """Spend one call; False when nothing is left, or the turn is over."""
        if self.spent:
            return False
        if self._turn is not None:
            now = time.monotonic()
            if self._turn_until is None:
                self._turn_until = now + self._turn
            elif now >= self._turn_until:
                return False
        self.calls += 1
        return True


class SpentError(Exception):
    """The budget is spent; never leaves ``search``."""


class StillFails:
    """The predicate of all shrinking: the same rule is broken in the same way.

    It remembers its answers, so a last pass over everything costs nothing.

    Attributes:
        bent: A case counts only when it needs its bend: of a stream that was made smaller it
            may be what is missing now that is broken in the same way, which is another bug.
        best: The last case that it said yes to; shrinking goes on from there.
        target: Of the attempt.
        stopped: It had no answer, for want of budget.
    """

    def __init__(
        self,
        attempt: Attempt,
        wanted: Signature,
        over: Over,
        budget: Budget,
        patience: float = 1.0,
    ) -> None:
        self.target = attempt.target
        self._patience = patience
        self._attempt = attempt
        self._wanted = wanted
        self._over = over
        self._budget = budget
        self._known: dict[Hashable, bool] = {}
        self.best: Case | None = None
        self.bent = False
        self.stopped = False

    def __call__(self, case: Case) -> bool:
        """Whether *case* still fails.

        Raises:
            SpentError: Nothing is left to find it out with.
        """
        known = self._known_of(case)
        if known and self.bent:
            unbent = replace(case, plan=UNBENT)
            known = unbent != case and not self._known_of(unbent)
        if known:
            self.best = case
        return known

    def _known_of(self, case: Case) -> bool:
        known = self._known.get(case)
        if known is None:
            if not self._budget.take():
                self.stopped = True
                raise SpentError
            known = self._over in self._attempt.overs(case) and self._broken(case)
            self._known[case] = known
        return known

    def _broken(self, case: Case) -> bool:
        """Of clients that race each other, one that was lucky proves nothing: tried more often."""
        times = 1
        if case.plan.handoff.beside:
            times = PACED if case.bent.waits else RACED
        return all(
            self._wanted in signatures(self._attempt.attempt(case, self._over, self._patience))
            for _ in range(times)
        )
