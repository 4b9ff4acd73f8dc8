"""Server-sent events (WHATWG HTML section 9.2.6): bytes in, events out.

Lines are split as bytes and decoded when their event is complete: no byte of a character
that UTF-8 writes in several is a line end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

LIMIT = 8 << 20
"""Bytes that one event may take; a peer that never ends a line would fill the memory."""

_BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """An event takes more than LIMIT bytes."""


class Event(NamedTuple):
    """One dispatched event; ``id`` and ``retry`` are of no use here."""

    type: str
    data: str


class EventReader:
    """Incremental reader; what comes out does not depend on where the input was cut."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line whose end has not arrived
        self._size = 0  # bytes held for the event that is not complete
        self._started = False  # the place of a byte order mark is behind us
        self._after_cr = False
        self._type = b""
        self._data: list[bytes] = []

    def receive(self, chunk: bytes) -> Iterator[Event]:
        """Feed bytes; yield the events that they complete.

        Raises:
            EventTooLargeError: After the events before it.
        """
        if not self._started:
            chunk = self._start(chunk)
        if self._after_cr and chunk:
            # The CR ended its line at once: waiting for a LF would hold the event back.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()  # of bytes: at LF, CR and CRLF only
        rest = b"" if chunk.endswith((b"\r", b"\n")) else lines.pop()
        for line in lines:
            self._hold(len(line))
            self._line.append(line)
            whole = b"".join(self._line)
            self._line.clear()
            if whole:
                self._field(whole)
            else:
                yield from self._dispatch()
        if rest:
            self._line.append(rest)
            self._hold(len(rest))

    def _start(self, chunk: bytes) -> bytes:
        chunk = b"".join([*self._line, chunk])
        self._line.clear()
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._line.append(chunk)
            return b""
        self._started = True
        return chunk.removeprefix(_BOM)

    def _hold(self, size: int) -> None:
        self._size += size
        if self._size > LIMIT:
            raise EventTooLargeError(f"an event is larger than {LIMIT >> 20} MiB")

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value

    def _dispatch(self) -> Iterator[Event]:
        data = b"\n".join(self._data).decode("utf-8", "replace")
        name = self._type.decode("utf-8", "replace") or "message"
        self._data.clear()
        self._type, self._size = b"", 0
        if data:
            yield Event(name, data)
