"""HTTP/1.1 requests as the replay server reads them: bytes in, whole requests out.

A request is kept raw, because what the target sent is evidence. The plain case (a head,
and a body of known length or none) is read by hand, as h11 costs more than playing the
answer; anything else is h11's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import h11

MAX_HEAD = 1 << 16
MAX_BODY = 1 << 26

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.([01])\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:([^\r\n]*)", re.IGNORECASE)
_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_ACCEPTED = re.compile(rb"\r\naccept-encoding:([^\r\n]*)", re.IGNORECASE)
_REFUSED = re.compile(r"q=0(\.0{0,3})?")


class RequestError(Exception):
    """What arrived is not an HTTP/1.1 request, or too large; the connection is of no more use."""


def accepts(request: bytes, coding: str) -> bool:
    """Whether the client of a raw request takes a content coding (RFC 9110 section 12.5.3).

    Without the field it takes any coding, with an empty one none.
    """
    head = request.partition(b"\r\n\r\n")[0] + b"\r\n"
    fields = _ACCEPTED.findall(head)
    if not fields:
        return True
    listed: dict[str, bool] = {}
    for item in b",".join(fields).decode("latin-1").lower().split(","):
        name, *weights = (word.strip() for word in item.split(";"))
        listed[_coding(name)] = not any(map(_REFUSED.fullmatch, weights))
    return listed.get(_coding(coding.lower()), listed.get("*", False))


def _coding(name: str) -> str:
    return name.removeprefix("x-")  # RFC 9110 section 8.4.1: equivalent to those without it


@dataclass(frozen=True, slots=True)
class Incoming:
    """One whole request.

    Attributes:
        method, target: As in the request line (RFC 9112 section 3).
        raw: Head and body exactly as they arrived.
        keep: The client wants to use the connection again (RFC 9112 section 9.3).
    """

    method: str
    target: str
    raw: bytes
    keep: bool


class RequestReader:
    """Incremental reader of the requests on one connection; pipelining is allowed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._looked = 0  # bytes already searched for the end of the head
        self._head: bytes | None = None
        self._size = 0  # head and body together, once known
        self._coded: h11.Connection | None = None
        self._fed = 0
        self._expects = False

    @property
    def pending(self) -> bool:
        """Bytes beyond the last whole request have arrived."""
        return bool(self._buffer)

    def rest(self) -> bytes:
        """Take what has arrived beyond the requests that were read so far."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def take_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body; told once."""
        expects, self._expects = self._expects, False
        return expects

    def receive(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Incoming | None:
        """The next request, or None while it is not whole.

        Raises:
            RequestError: See there.
        """
        if self._head is None and not self._read_head():
            return None
        size = self._size if self._coded is None else self._read_coded(self._coded)
        if size is None or len(self._buffer) < size:
            return None
        raw = bytes(self._buffer[:size])
        del self._buffer[:size]
        line, head = _LINE.match(raw), self._head or b""
        assert line is not None
        self._looked, self._head, self._coded, self._expects = 0, None, None, False
        return Incoming(line[1].decode(), line[2].decode(), raw, _keeps(head, line[3]))

    def _read_head(self) -> bool:
        while self._buffer[:2] == b"\r\n":  # RFC 9112 section 2.2: ignore at least one
            del self._buffer[:2]
            self._looked = 0
        end = self._buffer.find(b"\r\n\r\n", max(self._looked - 3, 0))
        self._looked = len(self._buffer)
        if (end if end >= 0 else self._looked) > MAX_HEAD:
            raise RequestError(f"the request head is longer than {MAX_HEAD} bytes")
        if end < 0:
            return False
        head = bytes(self._buffer[: end + 4])
        if not _LINE.match(head):
            raise RequestError(f"not an HTTP/1.1 request line: {head[:80]!r}")
        self._head = head
        self._expects = bool(_CONTINUE.search(head))
        lengths = {int(digits) for digits in _LENGTH.findall(head)}
        if _CODED.search(head):
            self._coded, self._fed = h11.Connection(h11.SERVER, MAX_HEAD), 0
        elif len(lengths) > 1 or max(lengths, default=0) > MAX_BODY:
            raise RequestError(f"Content-Length of the request: {sorted(lengths)}")
        self._size = end + 4 + max(lengths, default=0)
        self._expects = self._expects and len(self._buffer) == end + 4
        return True

    def _read_coded(self, coded: h11.Connection) -> int | None:
        """Size of the chunked request in the buffer, or None while its end is missing."""
        if len(self._buffer) > MAX_HEAD + MAX_BODY:
            raise RequestError(f"the request is longer than {MAX_BODY} bytes")
        try:
            if len(self._buffer) > self._fed:
                coded.receive_data(bytes(self._buffer[self._fed :]))
                self._fed = len(self._buffer)
            while (event := coded.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.EndOfMessage):
                    return self._fed - len(coded.trailing_data[0])
        except h11.RemoteProtocolError as error:
            raise RequestError(str(error)) from error
        return None


def _keeps(head: bytes, minor: bytes) -> bool:
    told = b",".join(_CONNECTION.findall(head)).lower()
    options = {option.strip() for option in told.split(b",")}
    return b"close" not in options if minor == b"1" else b"keep-alive" in options
