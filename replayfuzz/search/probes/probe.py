"""What a probe is: a rule about several calls, tried once a variant and dialect."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from replayfuzz.cassette import Exchange
from replayfuzz.search.case import Attempt, Case, Outcome, Over
from replayfuzz.search.fewest import SpentError
from replayfuzz.search.held import Held
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript
from replayfuzz.verdict import Evidence


@dataclass(frozen=True, slots=True)
class Measured:
    """A broken rule.

    Attributes:
        case: What shows it when it is played as the probe plays it.
        evidence: What the rule saw.
        seen: Transcript of the last call.
        over: How that was delivered.
        note: What a reader should know of how it was measured.
        calls: Calls of the target.
    """

    case: Case
    evidence: Evidence
    seen: Transcript
    over: Over
    note: str
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Untold:
    """The rule could not be tried: nothing is known of it, and the run says so.

    Attributes:
        why: The reason, as the end of a sentence.
    """

    why: str


Answer = Measured | Untold | None
"""None: the rule holds, or is about nothing that this target does."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One rule, and how it is tried.

    Attributes:
        rule: Id of the invariant.
        run: Tries a variant on a stream; what it finds was confirmed, three times of three.
        again: Tries a case that was found before.
        long: It may take seconds even where the rule holds.
    """

    rule: str
    run: Callable[[Attempt, Exchange, str], Answer]
    again: Callable[[Attempt, Case], Answer]
    long: bool = False


class Bounded:
    """An attempt whose calls end with the run: one that would begin later is not made.

    Args:
        attempt: What tries.
        until: On the monotonic clock.
    """

    def __init__(self, attempt: Attempt, until: float) -> None:
        self.target: Target = attempt.target
        self.version, self.python = attempt.version, attempt.python
        self._attempt = attempt
        self._until = until

    def overs(self, case: Case) -> tuple[Over, ...]:
        return self._attempt.overs(case)

    def attempt(self, case: Case, over: Over, patience: float = 1.0) -> Outcome:
        """See ``case.Attempt``.

        Raises:
            SpentError: The time is over.
        """
        if time.monotonic() >= self._until:
            raise SpentError
        return self._attempt.attempt(case, over, patience)

    def held(self) -> Held | None:
        """See ``case.Attempt``."""
        return self._attempt.held()

    def close(self) -> None:
        self._attempt.close()
