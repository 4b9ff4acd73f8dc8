"""What a probe is: a rule about several calls, tried once a variant and dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from replayfuzz.cassette import Exchange
from replayfuzz.search.case import Attempt, Case, Over
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
    """

    rule: str
    run: Callable[[Attempt, Exchange, str], Answer]
    again: Callable[[Attempt, Case], Answer]
