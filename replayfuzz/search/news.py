"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from replayfuzz.finding import Finding


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is; told a few times a second.

    Attributes:
        examples: Bent streams tried so far, over all targets.
        findings: Findings so far.
        seconds: Since the run began.
        left: Seconds until it ends; None where examples are counted.
        target: What is being tried at the moment.
    """

    examples: int
    findings: int
    seconds: float
    left: float | None
    target: str

    @property
    def rate(self) -> float:
        """Examples a second."""
        return self.examples / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A new finding, or one that is known for more variants now.

    Attributes:
        folder: Where it was saved; "" where it could not be.
    """

    finding: Finding
    folder: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know: a target that is skipped, a run that died."""

    text: str


News = Progress | Found | Note
Tell = Callable[[News], None]
