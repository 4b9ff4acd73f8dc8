"""What a reader of recordings finds, before it is an exchange of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replayfuzz.cassette import Fields, Protocol, Request


@dataclass(frozen=True, slots=True)
class Found:
    """One request and its answer, as a recording has them.

    Attributes:
        where: Where in the file, for people: ``interaction 3``.
        body: Of the response, transfer coding removed.
        content: Whether *body* still has the content coding that *fields* name: ``coded``,
            ``decoded``, or ``either`` where the tool keeps what it was given.
        at: When it was recorded, as the tool writes it; "" where it does not.
    """

    where: str
    request: Request
    status: int
    reason: str = ""
    fields: Fields = ()
    body: bytes = b""
    protocol: Protocol = "http/1.1"
    content: Literal["coded", "decoded", "either"] = "either"
    trailers: Fields = ()
    at: str = ""

    def field(self, name: str) -> str:
        """The value of a header field of the response; "" where it has none."""
        return next((value for key, value in self.fields if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Left:
    """One exchange that could not be taken over, and what to do about it."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Recording:
    """All of one file, in order, and the tool that wrote it."""

    tool: str
    items: tuple[Found | Left, ...]
