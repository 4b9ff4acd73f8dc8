"""Where things stand in a recorded body: events, lines, fields and JSON values, in bytes.

Strategies bend what this file finds, so it is exact and total: any bytes give an answer,
and every offset counts bytes of the body. It reads whole bodies only; the readers that
take pieces are ``sse`` and ``ndjson``, and a test holds them to the same result. The
JSON scanner is in ``json_spans``; its names are found here too.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from replayfuzz.formats.aws_event_stream import spans as messages
from replayfuzz.formats.json_array import ArrayReader
from replayfuzz.formats.json_spans import DEPTH, Kind, Member, Node, Path, spans, walk

__all__ = [
    "DEPTH",
    "Format",
    "Kind",
    "Line",
    "Member",
    "Node",
    "Path",
    "Record",
    "events",
    "spans",
    "walk",
]


Format = Literal["sse", "ndjson", "json-array", "aws-event-stream"]
"""How the records of a body are told apart."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a body.

    Attributes:
        start, end: Its bytes without the line end.
        ending: Length of its line end in bytes: 0 (the body stops), 1 or 2.
        name: SSE: the field name, "" for comments and blank lines. NDJSON: always "".
        value: Where the value begins: SSE: after the colon and one space (the line's end
            where there is no colon). NDJSON: at *start*.
    """

    start: int
    end: int
    ending: int
    name: str
    value: int

    @property
    def after(self) -> int:
        """Where the next line begins."""
        return self.end + self.ending


@dataclass(frozen=True, slots=True)
class Record:
    """One SSE block (lines up to and with a blank line), NDJSON line or element of an array.

    Blocks without data (comments, a superfluous blank line) are records too, so records
    tile the body: each begins where the one before it ends, the first after a byte order mark.
    The first element of an array has the opening bracket, the last one the closing bracket, and
    each of the others the comma before it.

    Attributes:
        start, end: Its bytes; *end* is after its blank line (SSE) or line end (NDJSON).
        lines: All its lines, the blank one too. Of an array: parts of lines, too.
        closed: Its blank line (SSE), line end (NDJSON) or end (of an element) is there.
        data: The data as a reader gets it (bad UTF-8 replaced); None: the block has none.
        event: SSE event type; "" where none is named.
        node: The data's JSON value where it stands on a single line; None elsewhere.
    """

    start: int
    end: int
    lines: tuple[Line, ...]
    closed: bool
    data: str | None
    event: str
    node: Node | None

    @property
    def fields(self) -> tuple[Line, ...]:
        """Its lines that hold data."""
        return tuple(line for line in self.lines if line.name == "data")


_SSE_LINE = re.compile(rb"([^\r\n]*+)(\r\n|\r|\n|\Z)")
_LF_LINE = re.compile(rb"([^\n]*?)(\r?\n|\Z)", re.DOTALL)


def events(body: bytes, format: Format) -> tuple[Record, ...]:
    """Tell where the records of *body* stand.

    Bytes after the last blank line (SSE) or line end (NDJSON), and an array without elements,
    are a record that is not closed; an empty body, or one that is a byte order mark only, has
    no records.
    """
    start = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    return tuple(_RECORDS[format](body, start))


def _messages(body: bytes, _: int) -> Iterator[Record]:
    """Messages without lines and data: for their CRCs nothing in them changes by itself."""
    for start, end, message in messages(body):
        kind = message.header(":event-type") if message else ""
        yield Record(start, end, (), message is not None, None, kind, None)


def _sse(body: bytes, start: int) -> Iterator[Record]:
    block: list[Line] = []
    for line in _lines(body, start, _SSE_LINE):
        block.append(_field(body, line))
        if line.start == line.end and line.ending:
            yield _block(body, block)
            block = []
    if block:
        yield _block(body, block)


def _lines(body: bytes, start: int, pattern: re.Pattern[bytes]) -> Iterator[Line]:
    while start < len(body):
        found = pattern.match(body, start)
        if found is None:
            raise AssertionError("the pattern matches any bytes")
        end, after = found.end(1), found.end()
        yield Line(start, end, after - end, "", start)
        start = after


def _field(body: bytes, line: Line) -> Line:
    colon = body.find(b":", line.start, line.end)
    if colon < 0:
        return Line(line.start, line.end, line.ending, _name(body[line.start : line.end]), line.end)
    # "If value starts with a U+0020 SPACE character, remove it from value."
    value = colon + 2 if body.startswith(b" ", colon + 1) and colon + 1 < line.end else colon + 1
    return Line(line.start, line.end, line.ending, _name(body[line.start : colon]), value)


def _name(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _block(body: bytes, block: list[Line]) -> Record:
    data = [line for line in block if line.name == "data"]
    kinds = [body[line.value : line.end] for line in block if line.name == "event"]
    text = b"\n".join(body[line.value : line.end] for line in data)
    last = block[-1]
    return Record(
        block[0].start,
        last.after,
        tuple(block),
        closed=last.start == last.end and last.ending > 0,
        data=text.decode("utf-8", "replace") if data else None,
        event=_name(kinds[-1]) if kinds else "",
        node=spans(text, data[0].value) if len(data) == 1 else None,
    )


def _ndjson(body: bytes, start: int) -> Iterator[Record]:
    for line in _lines(body, start, _LF_LINE):
        text = body[line.start : line.end]
        yield Record(
            line.start,
            line.after,
            (line,),
            closed=line.ending > 0,
            data=text.decode("utf-8", "replace") if text.strip(b" \t\r") else None,
            event="",
            node=spans(text, line.start),
        )


def _array(body: bytes, start: int) -> Iterator[Record]:
    reader = ArrayReader()
    whole = reader.receive(body)
    elements = [*whole, *reader.end()]
    if not elements and start < len(body):
        lines = _pieces(body, start, len(body))
        yield Record(start, len(body), lines, closed=False, data=None, event="", node=None)
    for number, element in enumerate(elements):
        onward = [] if number + 1 == len(elements) else [elements[number + 1].start]
        comma = body.find(b",", element.end, *onward) if onward else len(body)
        end = comma if comma >= 0 else onward[0]
        yield Record(
            start,
            end,
            _pieces(body, start, end),
            closed=number < len(whole),
            data=element.data.decode("utf-8", "replace"),
            event="",
            node=spans(element.data, element.start),
        )
        start = end


def _pieces(body: bytes, start: int, end: int) -> tuple[Line, ...]:
    found = _lines(body[start:end], 0, _LF_LINE)
    return tuple(
        Line(start + line.start, start + line.end, line.ending, "", start + line.value)
        for line in found
    )


_RECORDS: dict[Format, Callable[[bytes, int], Iterator[Record]]] = {
    "sse": _sse,
    "ndjson": _ndjson,
    "json-array": _array,
    "aws-event-stream": _messages,
}
