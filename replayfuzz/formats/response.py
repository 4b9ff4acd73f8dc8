"""One HTTP/1.1 response, read as RFC 9112 has it: bytes in, content and a verdict out.

Lenient where the standard lets a recipient be (section 2.2: a bare LF may end a line); what is
beyond that is a fault, told in words. Informational responses are passed over.
"""

from __future__ import annotations

import re
from typing import Literal

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: (.*))?", re.DOTALL)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2: token
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_BLANK = b" \t"
_START = b"HTTP/1."
_HEAD = 1 << 20  # bytes of a head, or of a chunk-size line; more is a fault
_BODILESS = (204, 304)  # RFC 9112 6.3, rule 1

_Part = Literal["status", "fields", "close", "length", "size", "chunk", "crlf", "trailers", "over"]


class ResponseReader:
    """Incremental reader of one response.

    Invariant: the result depends on the joined input alone. Time is linear in the bytes.

    Attributes:
        status: Status code; 0 before the status line.
        fields: Field lines of the final response, in wire order; lines of a folded value joined.
        whole: The message has ended as its framing tells; call ``end`` when the bytes end.
        fault: What is wrong with the bytes; "" while nothing is. Nothing is read after it.
        beyond: Bytes after the end of the message.
        reason: Reason phrase of the status line.
        trailers: Trailer fields, in wire order.
    """

    def __init__(self) -> None:
        self.status = 0
        self.reason = ""
        self.trailers: tuple[tuple[str, str], ...] = ()
        self.fields: tuple[tuple[str, str], ...] = ()
        self.whole = False
        self.fault = ""
        self.beyond = 0
        self._part: _Part = "status"
        self._line: list[bytes] = []
        self._line_size = 0
        self._head = 0
        self._lines: list[bytes] = []
        self._content: list[bytes] = []
        self._left = 0

    @property
    def body(self) -> bytes:
        """Content so far, transfer coding removed."""
        return b"".join(self._content)

    def receive(self, data: bytes) -> bytes:
        """Feed bytes; return the content that is in them."""
        at, size, known = 0, len(data), len(self._content)
        while at < size and not self.fault:
            match self._part:
                case "over":
                    self.beyond += size - at
                    break
                case "close":
                    self._keep(data[at:], ends=True)
                    break
                case "length" | "chunk":
                    at = self._counted(data, at)
                case _:
                    at = self._take_line(data, at)
        return b"".join(self._content[known:])

    def end(self) -> None:
        """The bytes are at their end; a message without a length is whole then."""
        if self._part == "close":
            self._part, self.whole = "over", True

    def _keep(self, piece: bytes, *, ends: bool) -> None:  # noqa: ARG002 - ChunkReader wants to know
        """Take content; *ends*: with it a chunk ends, or there are no chunks."""
        self._content.append(piece)

    def _counted(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._left]
        self._left -= len(piece)
        self._keep(piece, ends=not self._left or self._part == "length")
        if not self._left:
            if self._part == "chunk":
                self._part = "crlf"
            else:
                self._over()
        return at + len(piece)

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        piece = data[at : len(data) if end < 0 else end + 1]
        self._line.append(piece)
        self._line_size += len(piece)
        if self._line_size + self._head > _HEAD:
            self.fault = f"a head of more than {_HEAD >> 20} MiB"
        elif end >= 0:
            line = b"".join(self._line)[:-1].removesuffix(b"\r")
            self._head += self._line_size if self._part in {"fields", "trailers"} else 0
            self._line, self._line_size = [], 0
            self._read_line(line)
        elif self._part == "status" and not _START.startswith(begun := self._begun(len(piece))):
            self.fault = _no_status(begun)
        return at + len(piece)

    def _begun(self, fresh: int) -> bytes:
        """The first bytes of the unfinished line, while the last *fresh* could decide them."""
        if self._line_size - fresh >= len(_START):
            return b""  # looked at before
        return b"".join(self._line)[: len(_START)]

    def _read_line(self, line: bytes) -> None:
        match self._part:
            case "status":
                found = _STATUS.fullmatch(line)
                if not found:
                    self.fault = _no_status(line)
                    return
                self.status, self._part = int(found[1]), "fields"
                self.reason = _text(found[2] or b"")
            case "fields" if line:
                self._lines.append(line)
            case "fields":
                self._end_of_head()
            case "size":
                self._chunk(line)
            case "crlf":
                self._part = "size"
                if line:
                    self.fault = f"a chunk is longer than its size says: {_shown(line)}"
            case _ if line:
                self._lines.append(line)
            case _:
                self.trailers = tuple(self._folded())
                self.fault = ""  # RFC 9110 6.5.1: trailers may be ignored
                self._over()

    def _chunk(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if not found:
            self.fault = f"no size of a chunk: {_shown(line)}"
            return
        self._left = int(found[1], 16)
        self._part, self._head = ("chunk" if self._left else "trailers"), 0

    def _end_of_head(self) -> None:
        self.fields = tuple(self._folded())
        self._lines, self._head = [], 0
        if self.fault:
            return
        if 100 <= self.status < 200 and self.status != 101:
            self.status, self.fields, self._part = 0, (), "status"
        elif self.status in _BODILESS:
            self._over()
        else:
            self._frame()

    def _folded(self) -> list[tuple[str, str]]:
        """Field lines; RFC 9112 5.2: a user agent replaces obs-fold by spaces."""
        fields: list[tuple[str, str]] = []
        for line in self._lines:
            if line[:1] in _BLANK and fields:
                name, value = fields[-1]
                fields[-1] = name, f"{value} {_text(line)}".strip()
                continue
            before, colon, after = line.partition(b":")
            # Section 5.1 has a proxy remove white space before the colon.
            if not colon or not _NAME.fullmatch(before.rstrip(_BLANK)):
                self.fault = f"no header field: {_shown(line)}"
                break
            fields.append((_text(before), _text(after)))
        return fields

    def _frame(self) -> None:
        """RFC 9112 6.3: what tells the end of the content."""
        codings = self._listed("transfer-encoding")
        lengths = set(self._listed("content-length"))
        if codings:
            self._part = "size" if codings[-1].lower() == "chunked" else "close"
        elif not lengths:
            self._part = "close"
        elif len(lengths) > 1 or not re.fullmatch("[0-9]{1,15}", text := lengths.pop()):
            self.fault = "Content-Length is no single number"
        else:
            self._left, self._part = int(text), "length"
            if not self._left:
                self._over()

    def _listed(self, name: str) -> list[str]:
        """The elements of a field's list, over all its lines."""
        lines = [value for key, value in self.fields if key.lower() == name]
        return [item for item in (part.strip() for part in ",".join(lines).split(",")) if item]

    def _over(self) -> None:
        self._part, self.whole = "over", True


def _text(value: bytes) -> str:
    return value.strip(_BLANK).decode("latin-1")  # RFC 9110 5.5: other octets are opaque


def _no_status(line: bytes) -> str:
    return f"no status line of HTTP/1.1: {_shown(line)}"


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("latin-1"))
