"""A response in the parts that travelled: head, pieces of chunks, end. Nothing is kept.

``ResponseReader`` tells what a message says; this tells how its body was cut, in bounded
memory, and which bytes of each read belong to the message after its head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replayfuzz.formats.response import ResponseReader

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """Status and fields of the final response.

    Attributes:
        framing: How the end of the body is told; None: by the frames of HTTP/2.
    """

    status: int
    reason: str
    fields: Fields
    framing: Literal["chunked", "content-length", "close"] | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Content, transfer coding removed.

    Attributes:
        ends: A chunk or DATA frame ends with it; always, where the body has none.
    """

    data: bytes
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Over:
    """The message has ended as its framing tells."""

    trailers: Fields = ()


Part = Head | Piece | Over


class ChunkReader(ResponseReader):
    """Incremental reader of one HTTP/1.1 response, in parts.

    Attributes:
        wire: What the last ``parts`` was given, without the head and what is beyond the message.
        inside: A chunk, or a body of known length, has begun and not ended.

    Args:
        bodiless: The answer to HEAD: there is no content whatever the head says.
    """

    def __init__(self, *, bodiless: bool = False) -> None:
        super().__init__()
        self.wire = b""
        self._bodiless = bodiless
        self._headed = False
        self._parts: list[Part] = []

    @property
    def inside(self) -> bool:
        return self._part in {"length", "chunk"}

    @property
    def length_told(self) -> bool:
        """Content-Length tells the end, and it has not come."""
        return self._part == "length"

    def parts(self, data: bytes) -> list[Part]:
        """Feed bytes; return what is in them."""
        at, whole, beyond = 0, self.whole, self.beyond
        while not self._headed and not self.fault and at < len(data):
            end = data.find(b"\n", at) + 1 or len(data)
            self.receive(data[at:end])
            at = end
        rest = data[at:]
        self.receive(rest)
        surplus = self.beyond - beyond
        self.wire = rest[: len(rest) - surplus]
        if self.whole and not whole:
            self._parts.append(Over(self.trailers))
        found, self._parts = self._parts, []
        return found

    def close(self) -> list[Part]:
        """The bytes are at their end; a message without a length is whole then."""
        whole = self.whole
        self.end()
        return [Over()] if self.whole and not whole else []

    def _keep(self, piece: bytes, *, ends: bool) -> None:
        if piece:
            self._parts.append(Piece(piece, ends))

    def _end_of_head(self) -> None:
        super()._end_of_head()
        if self.fault or not self.status:  # an interim response was passed over
            return
        self._headed = True
        framing: Literal["chunked", "content-length", "close"]
        match self._part:
            case "size":
                framing = "chunked"
            case "close":
                framing = "close"
            case _:
                framing = "content-length"
        self._parts.append(Head(self.status, self.reason, self.fields, framing))

    def _frame(self) -> None:
        if self._bodiless:
            self._over()
        else:
            super()._frame()
