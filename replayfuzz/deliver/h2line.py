"""One HTTP/2 connection that is being served: frames to bytes, windows, whose turn it is.

``h2`` reads what the client sends and keeps the state of the connection. The frames of a
script are coded here with hyperframe, because h2 refuses what a bent stream wants to do on
purpose (RFC 9113 section 8.1: a second END_STREAM, trailers without one, bytes after it).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import Event
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
)

from replayfuzz.deliver.http2 import Http2
from replayfuzz.deliver.line import Ending, Line, PeerLeft
from replayfuzz.wire.script import FRAME_HEADER, Fields, Frame

_DEFAULT_WINDOW = 65535  # of a connection, until it is opened further (RFC 9113 section 6.9.2)


class H2Line:
    """An HTTP/2 connection over *line*; the client's preface has not been read yet.

    Whoever sends holds ``turn``: header blocks have to leave in the order in which they
    were coded, and nothing may come between the segments of one frame.

    Attributes:
        control: Coded frames of the connection (SETTINGS, PING, WINDOW_UPDATE) to be sent;
            they get a segment of their own.
        inside: A frame was begun, and the peer does not have all of it.
        closed: We have closed the connection.
    """

    def __init__(self, line: Line, http2: Http2) -> None:
        self.line = line
        self.turn = trio.Lock()
        self.inside = False
        self.closed = False
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: http2.max_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: http2.stream_window,
            },
        )
        self._h2.initiate_connection()
        if http2.connection_window > _DEFAULT_WINDOW:
            self._h2.increment_flow_control_window(http2.connection_window - _DEFAULT_WINDOW)
        self.control = self._h2.data_to_send()
        self._news = trio.Event()  # replaced whenever something has arrived

    def receive(self, data: bytes) -> list[Event]:
        """What *data* from the client means.

        Raises:
            h2.exceptions.ProtocolError: The connection is of no more use; GOAWAY waits
                in ``control``.
        """
        try:
            return self._h2.receive_data(data)
        finally:
            self._tell()

    def take(self, stream: int, size: int) -> None:
        """*size* bytes of a request body need no window any more."""
        with contextlib.suppress(ProtocolError):  # the client has reset the stream meanwhile
            self._h2.acknowledge_received_data(size, stream)
        self._tell()

    def reset(self, stream: int, code: ErrorCodes | int) -> None:
        """Give up a stream; RST_STREAM is sent when its turn comes."""
        with contextlib.suppress(ProtocolError):  # it has ended by itself
            self._h2.reset_stream(stream, code)
        self._tell()

    def _tell(self) -> None:
        self.control += self._h2.data_to_send()
        self._news.set()
        self._news = trio.Event()

    async def news(self) -> None:
        """Return when something has arrived, or is to be sent in ``control``."""
        await self._news.wait()

    async def send_control(self, patience: float) -> bool:
        """Send what waits in ``control``; to be called in turn. False: the peer is stuck.

        Raises:
            PeerLeft: The connection is gone.
        """
        while self.control:
            if self.line.askable and not await self.line.read(patience):
                return False
            told, self.control = self.control, b""
            if not await self.line.send(told, patience):
                return False
        return True

    def room(self, stream: int) -> int:
        """Bytes of DATA payload that fit now: windows and the largest frame."""
        with contextlib.suppress(ProtocolError, KeyError):
            window = self._h2.local_flow_control_window(stream)
            return max(0, min(window, self._h2.max_outbound_frame_size))
        # The stream has ended; who sends on it nevertheless minds the connection only.
        window = self._h2.outbound_flow_control_window
        return max(0, min(window, self._h2.max_outbound_frame_size))

    def fitting(self, stream: int, frame: Frame) -> tuple[Frame, Frame | None] | None:
        """*frame*, parted where it is too large: what can be sent now, and the rest.

        None: nothing of it can. Padding and END_STREAM stay with the last part; a cut
        stays before the byte of data that it was before.
        """
        if frame.kind != "data":
            return frame, None
        padding = 0 if frame.pad is None else frame.pad + 1
        room, size = self.room(stream), len(frame.data)
        if size + padding <= room or size + padding == 0:
            return frame, None
        size = min(size, room)
        if not size:
            return None
        return _part(frame, size)

    def code(self, stream: int, frame: Frame) -> bytes:
        """*frame* as bytes, which have to be sent next; to be called in turn."""
        match frame.kind:
            case "headers" | "trailers":
                coded = self._headers(stream, frame.fields, last=frame.last)
            case "data":
                coded = self._data(stream, frame)
            case "rst-stream":
                coded = RstStreamFrame(stream, frame.code).serialize()
                with contextlib.suppress(ProtocolError):
                    self._h2.reset_stream(stream, frame.code)
            case "goaway":
                last = self._h2.highest_inbound_stream_id
                coded = GoAwayFrame(0, last_stream_id=last, error_code=frame.code).serialize()
        if frame.last:
            with contextlib.suppress(ProtocolError):  # it has ended before
                self._h2.end_stream(stream)
        self._h2.clear_outbound_data_buffer()  # its own way to say the same
        return coded

    def _headers(self, stream: int, fields: Fields, *, last: bool) -> bytes:
        """HEADERS, and CONTINUATION where the block is too large (RFC 9113 section 6.10)."""
        pairs = [(_field(name), _field(value)) for name, value in fields]
        block = self._h2.encoder.encode(pairs)
        size = self._h2.max_outbound_frame_size
        parts = [block[at : at + size] for at in range(0, len(block), size)] or [b""]
        frames: list[HeadersFrame | ContinuationFrame] = [
            HeadersFrame(stream, parts[0], flags=["END_STREAM"] if last else []),
            *(ContinuationFrame(stream, part) for part in parts[1:]),
        ]
        frames[-1].flags.add("END_HEADERS")
        return b"".join(each.serialize() for each in frames)

    def _data(self, stream: int, frame: Frame) -> bytes:
        coded = DataFrame(stream, frame.data, flags=["END_STREAM"] if frame.last else [])
        if frame.pad is not None:
            coded.flags.add("PADDED")
            coded.pad_length = frame.pad
        size = coded.flow_controlled_length
        self._h2.outbound_flow_control_window -= size
        if stream in self._h2.streams:
            self._h2.streams[stream].outbound_flow_control_window -= size
        return coded.serialize()

    async def keep_up(self, patience: float) -> None:
        """Send what gathers in ``control``, until the connection is gone."""
        try:
            while not self.closed:
                async with self.turn:
                    if not await self.send_control(patience):
                        self.shut("fin")
                while not (self.control or self.closed):
                    await self._news.wait()
        except PeerLeft:
            return

    def shut(self, how: Ending) -> None:
        """Close the connection now, whatever else is played on it."""
        self.closed = True
        self.line.end(how)


def _part(frame: Frame, size: int) -> tuple[Frame, Frame]:
    """Part a DATA frame after *size* bytes of its data; padding and END_STREAM come last."""
    before = FRAME_HEADER + (frame.pad is not None)  # bytes of the frame before its data
    edge = before + size

    def moved(place: int) -> int:  # the first part has no byte that tells its padding
        return place if place <= FRAME_HEADER else place - before + FRAME_HEADER

    stop, late = frame.stop, None
    if stop is not None:
        stop, late = (moved(stop), 0) if stop < edge else (None, stop - size)
    data, cuts = frame.data, frame.cuts
    first = tuple(moved(cut) for cut in cuts if cut < edge)
    after = tuple(cut - size if cut > edge else 0 for cut in cuts if cut >= edge)
    return (
        replace(frame, data=data[:size], pad=None, last=False, cuts=first, stop=stop),
        replace(frame, data=data[size:], cuts=after, stop=late),
    )


def _field(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def pieces(coded: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Part a coded frame at its cuts; one piece at least."""
    places = sorted({cut for cut in cuts if 0 < cut < len(coded)})
    return [coded[at:end] for at, end in pairwise([0, *places, len(coded)])]
