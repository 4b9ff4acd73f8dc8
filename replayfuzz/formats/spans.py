"""Where things stand in a recorded body: events, lines, fields and JSON values, in bytes.

Strategies bend what this file finds, so it is exact and total: any bytes give an answer,
and every offset counts bytes of the body. It reads whole bodies only; the readers that
take pieces are ``sse`` and ``ndjson``, and a test holds them to the same result. The
JSON scanner is in ``json_spans``; its names are found here too.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from replayfuzz.formats.json_spans import DEPTH, Kind, Member, Node, Path, spans, walk

__all__ = [
    "DEPTH",
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
    """One SSE block (lines up to and with a blank line) or one NDJSON line.

    Blocks without data (comments, a superfluous blank line) are records too, so records
    tile the body: each begins where the one before it ends, the first after a byte order mark.

    Attributes:
        start, end: Its bytes; *end* is after its blank line (SSE) or line end (NDJSON).
        lines: All its lines, the blank one too.
        closed: Its blank line (SSE) or line end (NDJSON) is there.
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


def events(body: bytes, format: Literal["sse", "ndjson"]) -> tuple[Record, ...]:
    """Tell where the records of *body* stand.

    Bytes after the last blank line (SSE) or line end (NDJSON) are a record that is not
    closed; an empty body, or one that is a byte order mark only, has no records.
    """
    start = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    return tuple(_sse(body, start) if format == "sse" else _ndjson(body, start))


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
