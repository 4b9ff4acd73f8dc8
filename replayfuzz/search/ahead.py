"""Cases that are tried together: one wait for many calls of a fast library."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from replayfuzz.search.case import Attempt, Case, Outcome
from replayfuzz.search.draws import Choice

MOST = 32
"""Cases at once: with more of them, what one wait costs a case is no longer felt."""
MOST_SECONDS = 0.1  # that they may take: a run looks at its clock between them


class Drawn(NamedTuple):
    """A case whose turn has come.

    Attributes:
        choices: What was drawn to get its plan; () for a plan of the schedule.
        waits: The target is likely to wait in vain.
        outcome: None where it was not tried yet.
    """

    case: Case
    choices: tuple[Choice, ...]
    waits: bool
    outcome: Outcome | None = None


@runtime_checkable
class Together(Protocol):
    """An attempt that can try several cases in one go."""

    def together(self, cases: Sequence[Case]) -> list[Outcome]:
        """Try as many of *cases* as go together, from the first one on; it may be none.

        What they come to is what it would be if each were tried alone, one after the other.

        Raises:
            StartError: The target does not start any more.
        """
        ...


class Ahead:
    """Draws the cases of a lane, and tries them together where that can be.

    Args:
        attempt: How they are tried.
        draw: The next case.
        note: Told of the cases that are sent now.
    """

    def __init__(
        self,
        attempt: Attempt,
        draw: Callable[[], Drawn],
        note: Callable[[Sequence[Case]], None],
    ) -> None:
        self._overs = attempt.overs
        self._together = attempt.together if isinstance(attempt, Together) else None
        self._draw = draw
        self._note = note
        self._drawn: deque[Drawn] = deque()

    @property
    def tried(self) -> bool:
        """The next case was tried already."""
        return bool(self._drawn) and self._drawn[0].outcome is not None

    def next(self, most: int) -> Drawn:
        """The next case; up to *most* cases are tried with it."""
        if not self._drawn:
            self._drawn.append(self._draw())
        if self._together and most > 1 and not self.tried and self._in_memory():
            self._fill(min(most, MOST))
            cases = [each.case for each in self._drawn]
            self._note(cases)
            for number, outcome in enumerate(self._together(cases)):
                self._drawn[number] = self._drawn[number]._replace(outcome=outcome)
        return self._drawn.popleft()

    def rest(self) -> list[Drawn]:
        """The cases that were tried with the last one and are not given out yet; they go now."""
        tried = [each for each in self._drawn if each.outcome is not None]
        self._drawn.clear()
        return tried

    def _in_memory(self) -> bool:
        return "memory" in self._overs(self._drawn[0].case)

    def _fill(self, most: int) -> None:
        until = time.monotonic() + MOST_SECONDS  # some draws make a part of the schedule first
        while len(self._drawn) < most and not self._drawn[-1].waits:
            self._drawn.append(self._draw())
            if time.monotonic() >= until:
                return
