"""The requests that arrived, as far as memory is given to them."""

from __future__ import annotations

from collections import deque
from typing import Any

from replayfuzz.mock.asked import Asked, kept

MOST = 1000
"""Requests that are kept; the oldest go first."""

_MOST_BYTES = 64 << 20  # of their bodies together


class Captured:
    """The last requests, without their secrets.

    Attributes:
        total: How many arrived since the start or the last ``clear``.
    """

    def __init__(self) -> None:
        self.total = 0
        self._requests: deque[dict[str, Any]] = deque()
        self._size = 0

    def add(self, asked: Asked, when: float, answer: str) -> None:
        """Keep a request that arrived at *when* (Unix time) and was given *answer*."""
        self.total += 1
        told = {"number": self.total, "when": when, **kept(asked), "answer": answer}
        self._requests.append(told)
        self._size += _weight(told)
        while len(self._requests) > MOST or (self._size > _MOST_BYTES and len(self._requests) > 1):
            self._size -= _weight(self._requests.popleft())

    def clear(self) -> None:
        """Forget them all."""
        self.total = self._size = 0
        self._requests.clear()

    def told(self) -> dict[str, Any]:
        """As JSON values, the oldest first; ``total`` counts those that are forgotten too."""
        return {"total": self.total, "requests": list(self._requests)}


def _weight(told: dict[str, Any]) -> int:
    return len(told.get("body", "")) + len(told.get("body_base64", ""))
