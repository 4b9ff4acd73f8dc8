"""What the replay server performs: sends, waits and one close. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes that the peer is to see in one read of their own (lock-step delivery)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing for *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """What happens to the connection after the last byte.

    Attributes:
        how: ``keep``: leave it for the next request (the message is complete); ``fin``:
            close it; ``reset``: TCP RST; ``open``: leave it open, send nothing more.
    """

    how: Literal["keep", "fin", "reset", "open"]


Step = Send | Wait | Close


@dataclass(frozen=True, slots=True)
class Script:
    """Steps to perform in order on one connection, for one request; the last is a Close."""

    steps: tuple[Step, ...]

    @property
    def sends(self) -> tuple[bytes, ...]:
        """The bytes of each Send, in order."""
        return tuple(step.data for step in self.steps if isinstance(step, Send))
