"""One request and its response over HTTP/2 (RFC 9113), by the h2 package: bytes in, parts out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from replayfuzz.targets.asyncio_daemon.http1 import End, Head, Part, Request, ResponseError

if TYPE_CHECKING:
    from h2.connection import H2Connection
    from h2.events import Event, ResponseReceived

_STREAM = 1  # a connection of its own for each request
_SETTINGS, _GOAWAY = 4, 7  # types of frames
_CANCEL = 8  # error code
_HEADER, _MAX_FRAME = 9, 16384  # section 4.1; we never allow larger ones (section 4.2)


class Exchange:
    """The same contract as ``http1.Exchange``.

    h2 is fed frame by frame: where it refuses one, it forgets the events of those that
    came before it in the same call, and they may hold text for the client.
    """

    def __init__(self, request: Request) -> None:
        # Late: the package is needed only where HTTP/2 is.
        from h2.connection import H2Connection
        from h2.exceptions import H2Error
        from h2.settings import SettingCodes, Settings

        self._error = H2Error
        self._buffer = bytearray()
        self._greeted = False  # the peer's preface is behind us
        self._ended = False
        self._left: memoryview | None = memoryview(request.body)
        self._h2: H2Connection = H2Connection()
        self._h2.local_settings = Settings(
            client=True, initial_values={SettingCodes.ENABLE_PUSH: 0}
        )
        self._h2.initiate_connection()
        self._h2.send_headers(_STREAM, _fields(request))
        self._send_body()

    def outgoing(self) -> bytes:
        """Bytes to send now."""
        return self._h2.data_to_send()

    def receive(self, data: bytes) -> Iterator[Part]:
        """Feed bytes; yield the parts that they complete.

        Raises:
            ResponseError: The stream or the connection failed; what came before is yielded.
        """
        self._buffer += data
        while not self._ended and len(self._buffer) >= _HEADER:
            size = int.from_bytes(self._buffer[:3], "big")
            if not self._greeted and self._buffer[3] != _SETTINGS:  # section 3.4
                raise ResponseError("the response is not HTTP/2")
            if size > _MAX_FRAME:
                raise ResponseError("the HTTP/2 connection has a frame that is too large")
            if len(self._buffer) < _HEADER + size:
                return
            frame = bytes(self._buffer[: _HEADER + size])
            del self._buffer[: _HEADER + size]
            self._greeted = True
            if frame[3] == _GOAWAY and size >= 8:
                _go_away(frame)
            else:
                yield from self._frame(frame)

    def end(self) -> Iterator[Part]:
        """The connection was closed.

        Raises:
            ResponseError: Before the message was complete.
        """
        raise ResponseError("the connection was closed before the message was complete")

    def cancel(self) -> bytes:
        """What tells the peer that no more is wanted."""
        with contextlib.suppress(self._error):  # nothing is left to cancel
            self._h2.reset_stream(_STREAM, _CANCEL)
        return self._h2.data_to_send()

    def _frame(self, frame: bytes) -> Iterator[Part]:
        try:
            for event in self._h2.receive_data(frame):
                yield from self._event(event)
            self._send_body()
        except self._error as error:
            raise ResponseError(f"the HTTP/2 connection failed: {error}") from None

    def _event(self, event: Event) -> Iterator[Part]:
        from h2 import events

        match event:
            case events.ResponseReceived():
                yield _head(event)
            case events.DataReceived():
                # The window is opened again at once: a client that reads slowly is felt
                # upstream because the connection is not read any further.
                self._h2.acknowledge_received_data(event.flow_controlled_length or 0, _STREAM)
                yield event.data or b""
            case events.StreamEnded():
                self._ended = True
                yield End()
            case events.StreamReset():
                raise ResponseError(f"the HTTP/2 stream was reset: {event.error_code!r}")
            case _:
                pass  # interim responses, trailers, settings, pings, windows

    def _send_body(self) -> None:
        """Send as much of the request as the peer's windows take (section 5.2)."""
        while self._left is not None and not self._ended:
            window = self._h2.local_flow_control_window(_STREAM)
            piece = self._left[: max(0, min(window, self._h2.max_outbound_frame_size))]
            if not piece:
                return
            self._left = self._left[len(piece) :] or None
            self._h2.send_data(_STREAM, bytes(piece), end_stream=self._left is None)


def _go_away(frame: bytes) -> None:
    """Raise unless the peer still finishes our stream (section 6.8).

    h2 takes no frame at all after a GOAWAY, so it is not shown one that changes nothing.
    """
    last, code = (int.from_bytes(frame[at : at + 4], "big") for at in (_HEADER, _HEADER + 4))
    if code or last & 0x7FFFFFFF < _STREAM:
        raise ResponseError(f"the peer ended the HTTP/2 connection with error code {code}")


def _head(event: ResponseReceived) -> Head:
    fields: dict[str, str] = {}
    for raw_name, raw_value in event.headers or ():
        name, value = _text(raw_name), _text(raw_value)
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    status = fields.pop(":status", "")
    if not (status.isascii() and status.isdigit() and len(status) == 3):
        raise ResponseError("the response has a malformed status")
    return Head(int(status), "", fields)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _fields(request: Request) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", request.scheme),
        (":authority", request.authority),
        (":path", request.path),
        *((name.lower(), value) for name, value in request.fields),
        ("content-length", str(len(request.body))),
    ]
