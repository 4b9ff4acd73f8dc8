"""When a target's search ends, and where its time went. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Where a target's time went, in seconds.

    Attributes:
        all: Every step; the others are parts of it.
        hunting: Confirming and shrinking.
    """

    all: float = 0.0
    probing: float = 0.0
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
