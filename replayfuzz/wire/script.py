"""What the replay server performs: sends, frames, waits and one close. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fields = tuple[tuple[str, str], ...]

FRAME_HEADER = 9
"""Bytes of the header of every HTTP/2 frame (RFC 9113 section 4.1)."""


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes that the peer is to see in one read of their own (lock-step delivery)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One HTTP/2 frame of the answer (RFC 9113 section 6); the player numbers and codes it.

    Attributes:
        kind: Type of the frame; ``headers`` and ``trailers`` are both HEADERS.
        data: Payload of a DATA frame, without padding.
        fields: Of ``headers`` (with ``:status`` first) and ``trailers``; lower-case names.
        pad: Bytes of padding of a DATA frame; None: not padded (0 is the PADDED flag with none).
        last: It carries END_STREAM.
        cuts: Offsets into the coded frame, its 9-byte header included, before which a new
            segment begins; 0: the frame begins one. Without 0 it travels in the segment
            of the frame before.
        code: Error code of RST_STREAM and GOAWAY (section 7).
        stop: Only so many bytes of the coded frame are sent, none of its payload: the script
            ends inside it, and *data* only tells its length. None: all of it.
    """

    kind: Literal["headers", "data", "trailers", "rst-stream", "goaway"]
    data: bytes = b""
    fields: Fields = ()
    pad: int | None = None
    last: bool = False
    cuts: tuple[int, ...] = (0,)
    code: int = 0
    stop: int | None = None

    @property
    def sent(self) -> bytes:
        """The payload that is sent."""
        return self.data if self.stop is None else b""


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing for *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """What happens to the connection after the last byte.

    Attributes:
        how: ``keep``: leave it for the next request (the message or stream has ended);
            ``fin``: close it; ``reset``: TCP RST; ``open``: leave it open, send nothing more.
        whole: The message ends with this ``fin``; over TLS, close_notify goes before it (RFC
            8446 section 6.1), which a stream that is cut off lacks.
    """

    how: Literal["keep", "fin", "reset", "open"]
    whole: bool = False


Step = Send | Frame | Wait | Close


@dataclass(frozen=True, slots=True)
class Script:
    """Steps to perform in order on one connection, for one request; the last is a Close.

    A script for HTTP/1.1 holds Sends, one for HTTP/2 holds Frames, never both.
    """

    steps: tuple[Step, ...]

    @property
    def sends(self) -> tuple[bytes, ...]:
        """The bytes of each Send, in order."""
        return tuple(step.data for step in self.steps if isinstance(step, Send))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames, in order; () for HTTP/1.1."""
        return tuple(step for step in self.steps if isinstance(step, Frame))
