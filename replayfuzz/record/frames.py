"""An answer as it comes from the upstream over HTTP/2: one piece for each DATA frame.

h2 is fed one frame after the other: what comes before a frame that it refuses counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import InvalidBodyLengthError, ProtocolError
from h2.settings import SettingCodes, Settings

from replayfuzz.cassette import Fields
from replayfuzz.formats.chunks import Head, Over, Part, Piece
from replayfuzz.record.answers import Answer, Ask, CutError
from replayfuzz.record.upstream import UpstreamError
from replayfuzz.transcript import Speaks

_STREAM = 1  # the first of a client (RFC 9113 section 5.1.1)
_HEADER = 9  # bytes of a frame header (section 4.1)
_WINDOW = 1 << 20


class Http2Answer(Answer):
    """Over HTTP/2, on the only stream of its connection."""

    protocol: Speaks = "h2"

    def __init__(self, stream: trio.abc.Stream, timeout: float) -> None:
        super().__init__(stream, timeout)
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW)
        self._buffer = bytearray()
        self._parts: list[Part] = []
        self._trailers: Fields = ()
        self._cut: CutError | None = None

    async def ask(self, ask: Ask) -> None:
        fields = [
            (":method", ask.method),
            (":scheme", ask.scheme),
            (":authority", ask.authority),
            (":path", ask.path),
            *((name.lower(), value) for name, value in ask.fields),
        ]
        if ask.trailers:
            fields.append(("te", "trailers"))
        if ask.body:
            fields.append(("content-length", str(len(ask.body))))
        try:
            self._h2.send_headers(_STREAM, _coded(fields), end_stream=not ask.body)
        except ProtocolError as error:
            raise UpstreamError(f"HTTP/2 cannot carry this request: {error}") from error
        await self._flush()
        left = memoryview(ask.body)
        while left and not (self._parts or self._cut):  # an answer that comes early counts
            if not (size := self._room()):
                await self._take()
                continue
            part, left = left[:size], left[size:]
            self._h2.send_data(_STREAM, bytes(part), end_stream=not left)
            await self._flush()

    def _room(self) -> int:
        window = self._h2.local_flow_control_window(_STREAM)
        return max(0, min(window, self._h2.max_outbound_frame_size))

    async def _flush(self) -> None:
        if told := self._h2.data_to_send():
            await self.send(told)

    async def read(self) -> tuple[list[Part], bytes | None]:
        if not self._parts:
            if self._cut:
                raise self._cut
            await self._take()
        found, self._parts = self._parts, []
        return found, None

    async def _take(self) -> None:
        """Read once."""
        data = await self.receive()
        if not data:
            raise CutError("fin", "the upstream closed the connection before the end")
        self._buffer += data
        try:
            for frame in self._frames():
                for event in self._h2.receive_data(frame):
                    self._note(event)
        except InvalidBodyLengthError:
            self._cut = CutError("short", "the body is not as long as content-length says")
        except ProtocolError as error:
            self._cut = CutError("fin", f"the upstream does not speak HTTP/2: {error}")
        await self._flush()

    def _frames(self) -> Iterator[bytes]:
        while len(self._buffer) >= _HEADER:
            size = _HEADER + int.from_bytes(self._buffer[:3])
            if size > _HEADER + self._h2.max_inbound_frame_size:
                raise ProtocolError("a frame is larger than was allowed")
            if len(self._buffer) < size:
                return
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield frame

    def _note(self, event: Event) -> None:
        match event:
            case ResponseReceived(headers=fields):
                self._parts.append(_head(fields or ()))
            case DataReceived(data=data, flow_controlled_length=size):
                self._h2.acknowledge_received_data(size or 0, _STREAM)
                if data:
                    self._parts.append(Piece(data))
            case TrailersReceived(headers=fields):
                self._trailers = _texts(fields or ())
            case StreamEnded():
                self._parts.append(Over(self._trailers))
            case StreamReset(error_code=code):
                note = f"the upstream reset the stream: {_code(code)}"
                self._cut = CutError("rst-stream", note, code)
            case ConnectionTerminated(error_code=code):
                self._cut = CutError("goaway", f"the upstream ended with GOAWAY: {_code(code)}")


def _head(fields: Iterable[tuple[bytes, bytes]]) -> Head:
    texts = _texts(fields)
    status = next((value for name, value in texts if name == ":status"), "0")
    plain = tuple(line for line in texts if not line[0].startswith(":"))
    return Head(int(status) if status.isdecimal() else 0, "", plain, None)


def _texts(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    return tuple(
        (bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in fields
    )


def _coded(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def _code(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else str(code)
