"""A user's test as something that the search can try: its exception is the breakage."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from replayfuzz import dialects
from replayfuzz.report.marks import marked
from replayfuzz.search.case import Case, Outcome, Over, Signature, signatures
from replayfuzz.search.fewest import Budget, StillFails
from replayfuzz.search.minimal import minimal
from replayfuzz.target import Target
from replayfuzz.transcript import Failure, Transcript
from replayfuzz.verdict import Evidence, Verdict, Violation
from replayfuzz.wire import message_end

_TARGET = Target("test", "parser", (), ("default",), ())
_MAX_CALLS, _MAX_SECONDS = 2000, 20.0


@dataclass(frozen=True)
class TestAttempt:
    """Runs a test on cases. What can only be shown over a socket is left out.

    Attributes:
        run: Runs the test on a case and lets it raise.
        valid_only: Leave out streams that a correct reader may answer with an error: what
            breaks on a valid stream must not shrink to an invalid one.
    """

    __test__ = False  # pytest: not a test class

    run: Callable[[Case], None]
    valid_only: bool = False
    target: Target = _TARGET
    version: str = ""
    python: str = platform.python_version()

    def overs(self, case: Case) -> tuple[Over, ...]:
        """``memory``, or nothing: a stream that stays open, or one that is no 200."""
        coded = case.plan.head.coding or case.exchange.coding
        if (case.plan.head.status or case.exchange.status) != 200 or coded:
            return ()
        end = message_end(case.exchange, case.plan, case.bent)
        if end == "open" or (self.valid_only and not _valid(case)):
            return ()
        return ("memory",)

    def attempt(self, case: Case, over: Over = "memory", patience: float = 1.0) -> Outcome:
        """Run the test; what it raises is the one broken rule."""
        del over, patience
        try:
            self.run(case)
        except Exception as error:  # noqa: BLE001 - the test's own, whatever it is
            failure = Failure(type(error).__qualname__, str(error), _frame(error))
            evidence = Evidence("the test passes", str(error), f"{failure.type} in {failure.frame}")
            broken = Violation("test", evidence, "failed")
            return Outcome(Transcript((), "error", failure), Verdict((broken,)))
        return Outcome(Transcript(), Verdict())

    def raise_smallest(self, case: Case) -> None:
        """Run the test on *case*; if it raises, on the smallest one that makes it raise alike.

        Raises:
            Exception: What the test raised there, with a note of the stream and the bend.
        """
        __tracebackhide__ = True
        if not self.overs(case):
            return
        shown = signatures(self.attempt(case))
        for wanted in shown:
            small = smallest(replace(self, valid_only=_valid(case)), case, wanted)
            try:
                self.run(small)
            except Exception as error:
                error.add_note(note(small))
                raise

    def held(self) -> None:
        """It holds what this process does, which is not its own."""

    def close(self) -> None:
        """There is nothing to stop."""


def smallest(attempt: TestAttempt, case: Case, wanted: Signature) -> Case:
    """The 1-minimal case that still raises the same type of exception at the same place."""
    budget = Budget(_MAX_CALLS, _MAX_SECONDS)
    return minimal(case, StillFails(attempt, wanted, "memory", budget)).case


def _valid(case: Case) -> bool:
    wants = dialects.expected(case.exchange, case.plan)
    return all(want.end == "complete" and want.strict for want in wants)


def note(case: Case) -> str:
    """What the stream was, for people."""
    words = "; ".join(case.plan.words) or "unbent, as recorded"
    lines = "\n".join(f"  {line}" for line in marked(case.bent))
    return f"replayfuzz: the smallest stream that does it ({words}):\n{lines}"


def _frame(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
