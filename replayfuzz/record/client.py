"""What a client of the recorder gets, over HTTP/1.1 and over HTTP/2."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from h2.errors import ErrorCodes

from replayfuzz.cassette import Fields
from replayfuzz.deliver import Line, PeerLeft
from replayfuzz.deliver.h2stream import H2Stream
from replayfuzz.formats.chunks import Head, Over, Part, Piece
from replayfuzz.record.answers import CutError
from replayfuzz.record.asked import passed
from replayfuzz.serve import Plain
from replayfuzz.wire import Frame
from replayfuzz.wire.request import Incoming

_PATIENCE = 3600.0  # seconds that a client may take no bytes, such as one in a debugger
_BODILESS = (204, 304)


class Http1Client:
    """The client's side of one exchange.

    An HTTP/1.1 answer goes on byte by byte as it came after its head; others are put in
    chunks, one for each piece. Methods raise PeerLeft when the client has left.

    Attributes:
        begun: The head was sent.
        whole: The message was sent to its end, and the next request may come.
        gone: The client is known to have left.
    """

    gone = False

    def __init__(self, line: Line, request: Incoming) -> None:
        self.begun = self.whole = False
        self._line = line
        self._method = request.method
        self._old = request.raw.partition(b"\r\n")[0].endswith(b"HTTP/1.0")
        self._way: Literal["wire", "chunks", "plain"] = "plain"
        self._closes = not request.keep

    async def give(self, parts: list[Part], wire: bytes | None) -> None:
        """Pass on what came at once."""
        out = []
        for part in parts:
            match part:
                case Head():
                    out.append(self._head(part, wire))
                    self.begun = True
                case Piece() if self._way != "wire":
                    out.append(self._piece(part.data))
                case Over():
                    if self._way == "chunks":
                        out.append(_last(part.trailers))
                    self.whole = not self._closes
        if self._way == "wire" and wire:
            out.append(wire)
        await self._send(b"".join(out))

    async def refuse(self, status: int, what: str) -> None:
        """Tell why there is no answer."""
        closing = (("Connection", "close"),)
        await self._send(Plain.text(status, what, closing).http1(self._method))

    def _head(self, head: Head, wire: bytes | None) -> bytes:
        fields = [line for line in passed(head) if line[0].lower() != "content-length"]
        lengths = [line for line in head.fields if line[0].lower() == "content-length"]
        bare = self._method == "HEAD" or head.status in _BODILESS
        framing = head.framing or ("content-length" if lengths or bare else "chunked")
        if framing == "chunked" and self._old:
            framing = "close"
        if framing == "content-length":
            fields += lengths
        elif framing == "chunked":
            codings = [value for name, value in head.fields if name.lower() == "transfer-encoding"]
            fields.append(("Transfer-Encoding", ", ".join(codings) or "chunked"))
            self._way = "chunks"
        if wire is not None and framing == head.framing:
            self._way = "wire"
        if framing == "close" or self._closes:
            self._closes = True
            fields.append(("Connection", "close"))
        text = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 {head.status} {head.reason}\r\n{text}\r\n".encode("latin-1", "replace")

    def _piece(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._way == "chunks" else data

    async def _send(self, data: bytes) -> None:
        if data and not await self._line.send(data, _PATIENCE):
            raise PeerLeft

    def cut(self, cut: CutError) -> None:
        """End as the upstream did, in the middle."""
        self._line.end("reset" if cut.how in {"reset", "rst-stream"} else "fin")


class Http2Client:
    """The client's side of one exchange on a stream of HTTP/2: a DATA frame for each piece.

    Methods raise PeerLeft when the client has left.

    Attributes:
        begun: The head was sent.
    """

    def __init__(self, stream: H2Stream, request: Incoming) -> None:
        self.begun = False
        self._stream = stream
        self._method = request.method

    @property
    def gone(self) -> bool:
        """The client is known to have left."""
        return self._stream.gone

    async def give(self, parts: list[Part], wire: bytes | None) -> None:  # noqa: ARG002 - of HTTP/1.1
        """Pass on what came at once."""
        frames: list[Frame] = []
        for part in parts:
            match part:
                case Head():
                    self.begun = True
                    lines = [(name.lower(), told) for name, told in passed(part)]
                    frames.append(Frame("headers", fields=((":status", str(part.status)), *lines)))
                case Piece():
                    frames.append(Frame("data", part.data))
                case Over(trailers=()):
                    frames.append(replace(frames.pop() if frames else Frame("data"), last=True))
                case Over():
                    lines = [(name.lower(), told) for name, told in part.trailers]
                    frames.append(Frame("trailers", fields=tuple(lines), last=True))
        for frame in frames:
            await self._stream.send(frame, _PATIENCE)

    async def refuse(self, status: int, what: str) -> None:
        """Tell why there is no answer."""
        for step in Plain.text(status, what).http2(self._method).steps:
            if isinstance(step, Frame):
                await self._stream.send(step, _PATIENCE)

    def cut(self, cut: CutError) -> None:
        """End as the upstream did, in the middle."""
        self._stream.reset(ErrorCodes.INTERNAL_ERROR if cut.code is None else cut.code)


def _last(trailers: Fields) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
    return f"0\r\n{lines}\r\n".encode("latin-1", "replace")
