"""How a client's socket reaches a daemon, and what that client does then. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Reads = Literal["all", "slow", "late"]
"""How the client reads: at once; a little at a time; nothing until all was sent."""

Pair = Literal["tcp", "unix"]
"""The client's connection: TCP over loopback, or a Unix socket pair."""

READS: tuple[Reads, ...] = get_args(Reads)
PAIRS: tuple[Pair, ...] = get_args(Pair)


@dataclass(frozen=True, slots=True)
class HandOff:
    """One hand-off. Every default means: as a web server does it for a well-behaved client.

    Attributes:
        payload: The message as sent; None: the JSON object that the run makes for each case.
        pair: What the client's connection is.
        reads: How the client reads.
        leaves: The client closes after so many bytes of the response; None: it stays.
        before: Abuses that come first, by name, in order; each on a connection of its own.
        beside: So many other, well-behaved hand-offs run at the same time.
        kind, label: As for edits; an empty kind means an ordinary hand-off.
    """

    payload: bytes | None = None
    pair: Pair = "tcp"
    reads: Reads = "all"
    leaves: int | None = None
    before: tuple[str, ...] = ()
    beside: int = 0
    kind: str = field(default="", compare=False)
    label: str = field(default="", compare=False)
