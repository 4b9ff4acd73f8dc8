"""Requests over HTTP/2: read while others are answered, and played many at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import trio
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from replayfuzz.deliver import PATIENCE, Line, PeerLeft
from replayfuzz.deliver.frameplay import FramePlay
from replayfuzz.deliver.h2line import H2Line
from replayfuzz.deliver.h2stream import H2Stream
from replayfuzz.deliver.http2 import Http2
from replayfuzz.serve.shows import Direct, Plain, Show, Shows, answer
from replayfuzz.wire.request import MAX_BODY, Incoming

_FAREWELL = 1.0  # seconds that a client who broke the protocol gets to read GOAWAY


async def serve_http2(line: Line, data: bytes, shows: Shows, http2: Http2) -> None:
    """Answer the requests of one HTTP/2 connection, until it closes or a script closes it.

    Args:
        line: The connection; it is left open where it is.
        data: What has been read from it: the client's preface, and maybe more.
        shows: Knows the answers.
        http2: What the client is told about us.
    """
    h2 = H2Line(line, http2)
    async with trio.open_nursery() as nursery:
        streams = _Streams(h2, shows, nursery)
        try:
            streams.receive(data)
            nursery.start_soon(h2.keep_up, PATIENCE)
            while data := await line.receive():
                streams.receive(data)
        except ProtocolError:
            with trio.move_on_after(_FAREWELL), contextlib.suppress(PeerLeft):
                async with h2.turn:
                    await h2.send_control(_FAREWELL)
        streams.leave()
        nursery.cancel_scope.cancel()


class _Streams:
    """The requests of a connection that are still arriving, and the plays that answer others."""

    def __init__(self, h2: H2Line, shows: Shows, nursery: trio.Nursery) -> None:
        self._h2 = h2
        self._shows = shows
        self._nursery = nursery
        self._arriving: dict[int, _Request] = {}
        self._plays: dict[int, FramePlay | H2Stream] = {}

    def receive(self, data: bytes) -> None:
        """Take in what the client sent.

        Raises:
            h2.exceptions.ProtocolError: It is not HTTP/2.
        """
        for event in self._h2.receive(data):
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream), headers=fields):
                self._arriving[stream] = _Request(fields or ())
            case DataReceived(stream_id=int(stream), data=data, flow_controlled_length=size):
                self._h2.take(stream, size or 0)
                request = self._arriving.get(stream)
                if request and not request.add(data or b""):
                    del self._arriving[stream]
                    self._h2.reset(stream, ErrorCodes.ENHANCE_YOUR_CALM)
            case StreamEnded(stream_id=int(stream)) if stream in self._arriving:
                self._answer(stream, self._arriving.pop(stream).whole())
            case StreamReset(stream_id=int(stream)):
                self._arriving.pop(stream, None)
                if play := self._plays.get(stream):
                    play.leave()

    def _answer(self, stream: int, request: Incoming) -> None:
        show = answer(self._shows, request, "h2")
        if isinstance(show, Direct):
            self._plays[stream] = own = H2Stream(self._h2, stream)
            self._nursery.start_soon(self._let, show, own, request)
            return
        if isinstance(show, Plain):
            play = FramePlay(show.http2(request.method), self._h2, stream, verify=False)
            self._nursery.start_soon(self._run, play, None, request)
        else:
            play = FramePlay(show.script, self._h2, stream, verify=show.verify)
            self._nursery.start_soon(self._run, play, show, request)
        self._plays[stream] = play

    async def _run(self, play: FramePlay, show: Show | None, request: Incoming) -> None:
        with show.playing(play, request) if show else contextlib.nullcontext():
            await play.run()
        del self._plays[play.stream]

    async def _let(self, show: Direct, stream: H2Stream, request: Incoming) -> None:
        try:
            await show.stream(stream, request)
        except PeerLeft:
            stream.leave()
        stream.reset()
        del self._plays[stream.number]

    def leave(self) -> None:
        """The connection has ended."""
        for play in self._plays.values():
            play.leave()


class _Request:
    """A request that is arriving."""

    def __init__(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        pairs = [(bytes(name), bytes(value)) for name, value in fields]
        self._pseudo = {name: value for name, value in pairs if name.startswith(b":")}
        self._fields = [pair for pair in pairs if not pair[0].startswith(b":")]
        self._body = bytearray()

    def add(self, data: bytes) -> bool:
        """Take in a part of the body; False: it is too large."""
        self._body += data
        return len(self._body) <= MAX_BODY

    def whole(self) -> Incoming:
        """The request as text like HTTP/1.1; ``:authority`` becomes Host (RFC 9113 8.3.1)."""
        method, target = (self._pseudo.get(name, b"") for name in (b":method", b":path"))
        fields = self._fields
        if b":authority" in self._pseudo and not any(name == b"host" for name, _ in fields):
            fields = [(b"host", self._pseudo[b":authority"]), *fields]
        lines = [method + b" " + target + b" HTTP/2", *(b"%s: %s" % pair for pair in fields)]
        raw = b"\r\n".join(lines) + b"\r\n\r\n" + bytes(self._body)
        return Incoming(method.decode("latin-1"), target.decode("latin-1"), raw, keep=True)
