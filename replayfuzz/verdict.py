"""What comes of holding a transcript against the rules. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Class = Literal["ok", "informational", "non-strict", "unknown", "failed"]
"""Outcome classes, mildest first. ``non-strict``: a deviation that a caller can live
with. ``failed``: data lost or corrupted, a failure hidden, a hang, a crash.
``unknown``: it could not be told."""

CLASSES: tuple[Class, ...] = ("ok", "informational", "non-strict", "unknown", "failed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a broken rule saw.

    Attributes:
        expected, observed: In words and quoted data, for people; cut to a readable size.
        shape: Stable description of the *kind* of breakage, without data: two examples
            of one bug have the same shape (``text lost``, ``raised UnicodeDecodeError in
            openai._streaming:decode``).
        case: Sub-case of the invariant (``clean-end``), "" where there is none; ``expect`` of a
            target names ``<invariant>`` or ``<invariant>/<case>``.
        outcome: Class of this breakage; None: the invariant's own.
    """

    expected: str
    observed: str
    shape: str
    case: str = ""
    outcome: Class | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule in one transcript; *name* is ``<invariant>`` or ``<invariant>/<case>``."""

    invariant: str
    evidence: Evidence
    outcome: Class

    @property
    def name(self) -> str:
        case = self.evidence.case
        return f"{self.invariant}/{case}" if case else self.invariant


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every rule that a transcript broke, gravest first; none: it is ok."""

    violations: tuple[Violation, ...] = ()

    @property
    def outcome(self) -> Class:
        """The gravest class among the violations."""
        found = [CLASSES.index(violation.outcome) for violation in self.violations]
        return CLASSES[max(found, default=0)]
