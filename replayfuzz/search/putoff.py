"""Cases that take long, until there is time for them."""

from __future__ import annotations

from collections import Counter, deque

from replayfuzz.search.case import Case
from replayfuzz.search.draws import Choice

MOST = 2000
"""That wait at one time."""

Drawn = tuple[Case, tuple[Choice, ...]]


class PutOff:
    """Slow cases that wait. Of the kind that was taken least often so far comes the next one.

    A second of waiting in vain is the price of each: a family of thirty must not come first.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, ...], deque[Drawn]] = {}
        self._taken: Counter[tuple[str, ...]] = Counter()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, case: Case, choices: tuple[Choice, ...]) -> None:
        """Put a case off, or let it go where too many wait already."""
        if self._size < MOST:
            self._size += 1
            self._waiting.setdefault(case.plan.kinds, deque()).append((case, choices))

    def take(self) -> Drawn:
        """The case whose turn it is; there is one at least."""
        kinds = min(self._waiting, key=lambda kinds: (self._taken[kinds], len(kinds)))
        self._taken[kinds] += 1
        self._size -= 1
        drawn = self._waiting[kinds].popleft()
        if not self._waiting[kinds]:
            del self._waiting[kinds]
        return drawn
