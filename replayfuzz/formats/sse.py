"""Server-sent events as a state machine: bytes in, events out.

The grammar is WHATWG HTML section 9.2.6, "Interpreting an event stream"; where a rule
looks odd, a comment quotes it. The standard decodes first and splits then; this file
splits bytes and decodes the values. That is the same, because no byte of a multi-byte
UTF-8 sequence is an ASCII byte and a sequence that a line end breaks off is replaced
either way; it is twice as fast, and no state is needed for split characters.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

_BOM = codecs.BOM_UTF8
_DIGITS = 4000  # a reconnection time with more digits than Python reads is not a time


class ServerEvent(NamedTuple):
    """One dispatched event.

    Attributes:
        event: Its type; ``message`` where none is named.
        data: Its data, without a trailing line end.
        id: The last event ID string, which stays from event to event.
        retry: Reconnection time in milliseconds that its own block set; None: none.
    """

    event: str
    data: str
    id: str
    retry: int | None


class SseReader:
    """Incremental reader.

    Invariant: what comes out depends on the joined input alone, never on where it was
    cut. Time is linear in the bytes: a line is joined once, when its end arrives.

    There is no end-of-input call: "Once the end of the file is reached, any pending data
    must be discarded." What would be discarded is ``pending``.

    Attributes:
        last_id: Last event ID string, as the last blank line set it.
        retry: Reconnection time in milliseconds; None: never set.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry: int | None = None
        self._line: list[bytes] = []  # pieces of the line whose end has not arrived
        self._started = False  # the place for a byte order mark is behind us
        self._after_cr = False
        self._inside = False  # the last line was not blank
        self._data: list[bytes] = []
        self._type = b""
        self._id = ""
        self._retry: int | None = None

    def receive(self, chunk: bytes) -> list[ServerEvent]:
        """Feed bytes; return the events that they complete."""
        if not self._started:
            chunk = self._start(chunk)
        if self._after_cr and chunk:
            # The CR ended its line at once. Waiting to see whether LF follows would hold
            # an event back for as long as the peer stays silent.
            self._after_cr = False
            if chunk[0] == 10:
                chunk = chunk[1:]
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._line.append(chunk)
            return []
        if self._line:
            self._line.append(chunk)
            chunk = b"".join(self._line)
        lines = chunk.splitlines()  # of bytes: at LF, CR and CRLF only
        last = chunk[-1]
        self._after_cr = last == 13
        self._line = [] if last in b"\r\n" else [lines.pop()]
        self._inside = bool(lines[-1]) if lines else self._inside
        return self._read(lines)

    @property
    def unended(self) -> bool:
        """The input ends inside a line or an event.

        The parser discards what is there, but 9.2.5 has no such stream: "stream = [ bom ]
        *event", and "event = *( comment / field ) end-of-line".
        """
        return self._inside or any(self._line)

    @property
    def pending(self) -> list[bytes]:
        """Data lines of the unfinished event, with the unfinished line if it is one."""
        line = b"".join(self._line)
        if not self._started:
            line = line.removeprefix(_BOM)
        name, _, value = line.partition(b":")
        return [*self._data, value.removeprefix(b" ")] if name == b"data" else list(self._data)

    def _start(self, chunk: bytes) -> bytes:
        """Drop one leading byte order mark, also when it comes in pieces."""
        chunk = b"".join([*self._line, chunk])
        self._line = []
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._line = [chunk]
            return b""
        self._started = True
        return chunk.removeprefix(_BOM)

    def _read(self, lines: list[bytes]) -> list[ServerEvent]:
        out: list[ServerEvent] = []
        data = self._data
        for line in lines:
            if line[:6] == b"data: ":
                data.append(line[6:])
            elif line:
                self._field(line)
            else:
                self.last_id = self._id
                # "If the data buffer is an empty string, set the data buffer and the event
                # type buffer to the empty string and return."
                if data:
                    text = b"\n".join(data).decode("utf-8", "replace")
                    kind = self._type.decode("utf-8", "replace") or "message"
                    out.append(ServerEvent(kind, text, self._id, self._retry))
                    data.clear()
                self._type = b""
                self._retry = None
        return out

    def _field(self, line: bytes) -> None:
        # "If value starts with a U+0020 SPACE character, remove it from value."
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        match name:
            case b"data":
                self._data.append(value)
            case b"event":
                self._type = value
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if (
                value.isdigit() and len(value) <= _DIGITS
            ):  # of bytes: ASCII digits only
                self.retry = self._retry = int(value)
            case _:
                pass  # comments (no name), and names that the standard does not know
