"""A match of rivals: one known bug, its two releases, a clock, and when a case is a proof.

A rival has found a bug with a case (a stream, a bend, a variant) on which the bad release breaks
one of the bug's rules gravely, twice, and the fixed release none of them. Releases mend more than
one bug: what the marks of ``knownbugs`` say of the breakage has to fit, and where they name
boundaries, the same stream without them must not do it. What they say of the body is not asked:
a long stream has everything in it, a minimal one has not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from benchmarks.knownbugs import Bug, Mark
from replayfuzz import declared, environments
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Slice
from replayfuzz.search.case import Attempt, Case
from replayfuzz.search.process import InWorker


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one rival and one bug.

    Attributes:
        seconds: Until it was found and, where the rival shrinks, minimal; with starting the
            worker of the bad release. None: it was not found.
        first: Until it was first seen, where the rival shrinks.
        calls: Cases that were tried; 0 where nobody counted.
        bytes, cuts: Of the case that shows it; 0 where there is none.
        note: Why it could not play, or what should be known.
        played: False: it could not play.
        done: It had nothing more to try before its time was over.
    """

    bug: str
    rival: str
    seconds: float | None = None
    first: float | None = None
    calls: int = 0
    bytes: int = 0
    cuts: int = 0
    note: str = ""
    played: bool = True
    done: bool = False


class Over(BaseException):
    """The time is over. Not an Exception: Hypothesis would take it for a failure."""


def broken(bug: Bug, attempt: Attempt, case: Case, patience: float = 1.0) -> tuple[str, ...]:
    """The shapes in which the case breaks the bug's rules gravely, unless that is accepted."""
    overs = attempt.overs(case)
    if not overs:
        return ()  # it cannot be shown to a function of this process
    outcome = attempt.attempt(case, overs[0], patience)
    target, dialect = attempt.target, case.exchange.dialect
    return tuple(
        one.evidence.shape
        for one in outcome.verdict.violations
        if one.outcome == "failed"
        and any(
            fnmatchcase(name, rule) for name in (one.name, one.invariant) for rule in bug.invariants
        )
        and not target.accepts(one.name, case.variant, dialect)
    )


def of_cuts(mark: Mark) -> bool:
    """Whether a bug shows by where the boundaries are."""
    return any(kind.startswith("cut") for kind in mark.kinds or ())


def uncut(case: Case) -> Case:
    """The same stream, in one piece."""
    edits = tuple(edit for edit in case.plan.edits if not isinstance(edit, Cut | Slice))
    return replace(case, plan=replace(case.plan, edits=edits, keep_chunks=False))


@dataclass(slots=True)
class Match:
    """One bug, its two releases, and the clock of one rival.

    Attributes:
        until: When the rival's time is over, on the monotonic clock.
        calls: Cases tried on the bad release so far.
    """

    bug: Bug
    bad: Attempt
    fixed: Attempt
    streams: tuple[Exchange, ...]
    variants: tuple[str, ...]
    began: float
    until: float
    calls: int = 0

    def shows(self, case: Case) -> bool:
        """Whether *case* is a proof of the bug; counts as one try.

        Raises:
            Over: The time is over.
        """
        if time.monotonic() >= self.until:
            raise Over
        self.calls += 1
        shapes = broken(self.bug, self.bad, case)
        return bool(shapes) and self.proven(case, shapes)

    def proven(self, case: Case, shapes: tuple[str, ...]) -> bool:
        """Whether what a case showed is the bug."""
        fit = [
            mark
            for mark in self.bug.marks
            if any(re.search(mark.shape, one) is not None for one in shapes)
        ]
        if not fit:
            return False
        if all(map(of_cuts, fit)):
            whole = uncut(case)
            if not case.bent.cuts or broken(self.bug, self.bad, whole):
                return False
        # Twice, and patiently: a machine that is busy must not decide.
        return not broken(self.bug, self.fixed, case, 2.0) and bool(
            broken(self.bug, self.bad, case, 2.0)
        )

    def found(self, rival: str, case: Case | None, first: float | None = None) -> Tried:
        """The row of the table."""
        told = Tried(self.bug.id, rival, calls=self.calls)
        if case is None:
            return told
        took, bent = round(time.monotonic() - self.began, 1), case.bent
        sizes = {"bytes": len(bent.body), "cuts": len(bent.cuts)}
        return replace(told, seconds=took, first=first and round(first, 1), **sizes)


def raw(name: str, body: bytes) -> Exchange:
    """An event stream of those bytes."""
    return Exchange(name, "sse", fields=(("Content-Type", "text/event-stream"),), body=body)


@contextmanager
def worker(bug: Bug, version: str) -> Iterator[InWorker]:
    """A worker with one of the bug's releases."""
    target = declared.find(bug.target)
    attempt = InWorker(target, environments.build(target, f"{bug.package}=={version}"))
    try:
        attempt.start()
        yield attempt
    finally:
        attempt.close()
