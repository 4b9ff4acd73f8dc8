"""Sweeps: one stream, cut in many ways by the worker itself, in one request.

A stream that a target read well is cut where readers break, and anywhere else. Of a fast library
a call costs hardly more than in a loop of its own: no plan is made, no line is written and no
answer is read for each, but only for those that differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Protocol, runtime_checkable

from replayfuzz.search.case import Attempt, Case, Oracle, Outcome
from replayfuzz.strategies import Way, cut_at, uncut, ways

WAYS = 32  # of cutting one stream, in one sweep
MOST_CUTS = 6  # of one way: where two or three matter, more of them only hide it
SHARE = 1 / 3
"""Part of all examples that are made by sweeps, once every way to bend was tried."""
MOST_SECONDS = 0.5  # that one may take: where a call takes long, what is around it is little
MOST_LOST = 3  # sweeps in which the target hung or died; then it is cut one way at a time only
SMALLEST = 2  # bytes of a body that can be cut


@runtime_checkable
class Sweeping(Protocol):
    """An attempt that can have one stream cut in many ways."""

    def sweeps(self, case: Case) -> bool:
        """Whether that can be done with the stream of *case*."""
        ...

    def sweep(self, case: Case, ways: Sequence[Way]) -> list[tuple[Case, Outcome]]:
        """Have the stream of *case*, which has no boundaries, cut in each of *ways*.

        Args:
            case: ``uncut``.
            ways: The first one is in one piece, so that the others can be held against it.

        Returns:
            The outcomes that differ, each with the first case that had it. [] where it was
            not seen to its end: then each has to be tried alone.
        """
        ...


def cut(case: Case, way: Way) -> Case:
    """*case* with boundaries there; itself where there are none."""
    return replace(case, plan=cut_at(case.exchange, case.plan, way)) if way else case


class Sweeps:
    """When a lane sweeps, and what.

    Attributes:
        examples: How many were made by sweeps.
    """

    def __init__(self, attempt: Attempt, random: Random) -> None:
        self.examples = 0
        self._attempt = attempt if isinstance(attempt, Sweeping) else None
        self._random = random
        self._sound: Case | None = None
        self._lost = 0

    def heard(self, case: Case, outcome: Outcome) -> None:
        """A case was tried: if nothing is wrong with its stream, that may be cut next."""
        if not outcome.verdict.violations and outcome.seen.end == "complete":
            self._sound = case

    def next(self, examples: int, seconds: float) -> tuple[Case, tuple[Way, ...]] | None:
        """The stream to cut now, and how; None: it is not its turn.

        Args:
            examples: How many were made in all.
            seconds: What one takes.
        """
        case, self._sound = self._sound, None
        if case is None or self._attempt is None or self._lost >= MOST_LOST:
            return None
        if self.examples > SHARE * examples:
            return None
        case = replace(case, plan=uncut(case.plan))
        body = case.bent.body
        if not SMALLEST <= len(body) <= Oracle.LARGE or seconds * WAYS > MOST_SECONDS:
            return None
        if not self._attempt.sweeps(case):
            return None
        self.examples += WAYS
        return case, ways(body, self._random.random, WAYS, MOST_CUTS)

    def run(self, case: Case, cuts: Sequence[Way]) -> list[tuple[Case, Outcome]]:
        """See ``Sweeping.sweep``."""
        seen = self._attempt.sweep(case, cuts) if self._attempt else []
        self._lost += not seen
        return seen
