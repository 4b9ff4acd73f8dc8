"""One request and its response over HTTP/1.1: bytes in, parts out (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

MAX_HEAD = 65536
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class ResponseError(Exception):
    """What came is no whole response; the message says what is wrong with it."""


class Head(NamedTuple):
    """A final response head; field names in lower case, repeated fields joined by commas."""

    status: int
    reason: str
    fields: dict[str, str]


class End(NamedTuple):
    """The message is complete, as its framing tells."""


Part = Head | bytes | End


class Request(NamedTuple):
    """A POST request."""

    scheme: str
    authority: str
    path: str
    fields: tuple[tuple[str, str], ...]
    body: bytes


class Exchange:
    """One request and the reading of its response; the connection serves nothing else."""

    def __init__(self, request: Request) -> None:
        self._out = _written(request)
        self._buffer = bytearray()
        self._seen = 0  # bytes of the buffer known to hold no line end
        self._left = 0  # bytes of the body, or of the chunk, that are to come
        self._head_size = 0
        self._status = 0
        self._reason = ""
        self._fields: dict[str, str] = {}
        self._step: Callable[[], Part | bool] = self._status_line
        self._until_close = False

    def outgoing(self) -> bytes:
        """Bytes to send now."""
        out, self._out = self._out, b""
        return out

    def receive(self, data: bytes) -> Iterator[Part]:
        """Feed bytes; yield the parts that they complete.

        Raises:
            ResponseError: They are not HTTP/1.1; what was right before them is yielded first.
        """
        self._buffer += data
        while (found := self._step()) is not False:
            if found is not True:
                yield found

    def end(self) -> Iterator[Part]:
        """The connection was closed.

        Raises:
            ResponseError: Before the message was complete (RFC 9112 section 8).
        """
        if not self._until_close:
            raise ResponseError("the connection was closed before the message was complete")
        yield End()

    def cancel(self) -> bytes:
        """What tells the peer that no more is wanted: nothing, closing does."""
        return b""

    # A step takes what it can from the buffer. It returns a part; True when it went on
    # without one; False when it needs more bytes.

    def _line(self, limit: int = MAX_HEAD) -> bytes | None:
        end = self._buffer.find(b"\n", self._seen)
        if max(end, len(self._buffer) if end < 0 else 0) > limit:
            raise ResponseError("a line of the response is too long")
        if end < 0:
            self._seen = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._seen = 0
        return line

    def _head_line(self) -> bytes | None:
        """Section 2.2: a recipient may take a single LF as the end of a line of the head."""
        line = self._line()
        if line is None:
            return None
        self._head_size += len(line)
        if self._head_size > MAX_HEAD:
            raise ResponseError("the response head is too large")
        return line.removesuffix(b"\r")

    def _status_line(self) -> Part | bool:
        if not self._buffer.startswith(b"HTTP/1."[: len(self._buffer)]):
            raise ResponseError("the response is not HTTP/1.1")
        line = self._head_line()
        if line is None:
            return False
        match = _STATUS.fullmatch(line)
        if match is None:
            raise ResponseError("the response has a malformed status line")
        self._status = int(match[1])
        self._reason = line[13:].decode("latin-1")
        self._fields = {}
        self._step = self._field_line
        return True

    def _field_line(self) -> Part | bool:
        line = self._head_line()
        if line is None:
            return False
        if not line:
            return self._head_end()
        match = _FIELD.fullmatch(line)
        if match is None or b"\0" in line or b"\r" in line:
            raise ResponseError("the response has a malformed header field")
        name, value = match[1].decode().lower(), match[2].decode("latin-1")
        self._fields[name] = f"{self._fields[name]}, {value}" if name in self._fields else value
        return True

    def _head_end(self) -> Part | bool:
        if self._status == 101:
            raise ResponseError("the response changes the protocol, which nobody asked for")
        if self._status < 200:
            self._step = self._status_line
            return True
        self._frame()
        return Head(self._status, self._reason, self._fields)

    def _frame(self) -> None:
        """How the end of the body is told (section 6.3)."""
        coding = self._fields.get("transfer-encoding")
        length = self._fields.get("content-length")
        if self._status in {204, 304}:
            self._step = self._complete
        elif coding is not None:
            if coding.lower() != "chunked":
                raise ResponseError("the response has a transfer coding other than chunked")
            self._step = self._chunk_size
        elif length is not None:
            # The same length several times is one length.
            told = {item.strip(" \t") for item in length.split(",")}
            size = told.pop()
            if told or not re.fullmatch("[0-9]{1,18}", size):
                raise ResponseError("the response has an invalid Content-Length")
            self._left = int(size)
            self._step = self._fixed
        else:
            self._until_close = True
            self._step = self._rest

    def _complete(self) -> Part | bool:
        self._step = self._nothing
        return End()

    def _nothing(self) -> Part | bool:
        self._buffer.clear()  # of no message that we asked for
        return False

    def _rest(self) -> Part | bool:
        return self._take(len(self._buffer))

    def _fixed(self) -> Part | bool:
        return self._take(self._left) if self._left else self._complete()

    def _take(self, size: int) -> Part | bool:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._left -= len(data)
        return data or False

    def _chunk_size(self) -> Part | bool:
        line = self._line(4096)
        if line is None:
            return False
        match = _SIZE.fullmatch(line.removesuffix(b"\r"))
        if match is None or not line.endswith(b"\r"):
            raise ResponseError("the response has a malformed chunk")
        self._left = int(match[1], 16)
        self._step = self._chunk if self._left else self._trailer
        return True

    def _chunk(self) -> Part | bool:
        if self._left:
            return self._take(self._left)
        if len(self._buffer) < 2:
            return False
        if not self._buffer.startswith(b"\r\n"):
            raise ResponseError("the response has a chunk longer than its size")
        del self._buffer[:2]
        self._step = self._chunk_size
        return True

    def _trailer(self) -> Part | bool:
        line = self._head_line()
        if line is None:
            return False
        if not line:
            self._step = self._complete
        return True


def _written(request: Request) -> bytes:
    fields = (
        ("Host", request.authority),
        *request.fields,
        ("Content-Length", str(len(request.body))),
        ("Connection", "close"),  # a connection that may be stale is never used again
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"POST {request.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + request.body
