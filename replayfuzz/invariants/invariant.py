"""The record that states a rule. Rules are data and one function each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from replayfuzz.transcript import Expected, Transcript
from replayfuzz.verdict import Class, Evidence

Broken = Callable[[Expected, Transcript], Evidence | None]


EXCEPTION = "<exception>"
"""Stands in ``cases`` for the name of any class of exceptions, without its module."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule that every target keeps.

    Attributes:
        id: Stable name, used on the command line, in reports and in ``expect`` of targets.
        requirement: One sentence that a reader outside the project understands.
        source: Standard or provider page that demands it, with its clause.
        severity: Class of a breakage, unless the evidence carries another one.
        applies: Event types that it is about; empty: it is about every call. It is not
            held against a target that shows none of them.
        cases: Names of sub-cases that the evidence may carry; see EXCEPTION.
        broken: Evidence, or None when the rule holds. None instead of a function: one
            transcript is not enough to tell; a function of the same theme does it.
    """

    id: str
    requirement: str
    source: str
    severity: Class
    broken: Broken | None
    applies: frozenset[str] = frozenset()
    cases: tuple[str, ...] = ()


def both_complete(want: Expected, seen: Transcript) -> bool:
    """The stream was whole, and the target says that it was."""
    return want.end == seen.end == "complete"


def answered(seen: Transcript) -> bool:
    """The target gave an answer that can be read: it did not die, hang or talk nonsense."""
    return seen.end not in {"crash", "hang", "garbage"}
