"""The requests that arrived, as far as memory is given to them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from replayfuzz.mock.asked import Asked, told

MOST = 1000
"""Requests that are kept; the oldest go first."""

MOST_KEPT = 1 << 20
"""Bytes of one body that are kept."""

_MOST_BYTES = 64 << 20  # of their bodies together


@dataclass(frozen=True)
class _Entry:
    number: int
    when: float
    asked: Asked  # with as much of its body as is kept
    size: int
    answer: str

    @cached_property
    def told(self) -> dict[str, Any]:
        """As JSON values. Looking for secrets takes longer than an answer, so it waits for this."""
        request = told(self.asked, self.size)
        return {"number": self.number, "when": self.when, **request, "answer": self.answer}


class Captured:
    """The last requests; they are told without their secrets.

    Attributes:
        total: How many arrived since the start or the last ``clear``.
    """

    def __init__(self) -> None:
        self.total = 0
        self._requests: deque[_Entry] = deque()
        self._size = 0

    def add(self, asked: Asked, when: float, answer: str) -> None:
        """Keep a request that arrived at *when* (Unix time) and was given *answer*."""
        self.total += 1
        part = replace(asked, body=asked.body[:MOST_KEPT])
        self._requests.append(_Entry(self.total, when, part, len(asked.body), answer))
        self._size += len(part.body)
        while len(self._requests) > MOST or (self._size > _MOST_BYTES and len(self._requests) > 1):
            self._size -= len(self._requests.popleft().asked.body)

    def clear(self) -> None:
        """Forget them all."""
        self.total = self._size = 0
        self._requests.clear()

    def told(self) -> dict[str, Any]:
        """As JSON values, the oldest first; ``total`` counts those that are forgotten too."""
        return {"total": self.total, "requests": [entry.told for entry in self._requests]}
