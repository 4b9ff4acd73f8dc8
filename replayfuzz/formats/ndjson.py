"""One JSON value a line, read as it arrives: bytes in, values and faults out.

NDJSON 1.0 and JSON Lines, where they agree; where they do not: blank lines are skipped
(NDJSON: a reader may, and must say so); a byte order mark at the start is skipped (RFC 8259
section 8.1: a reader may); the last line needs no line end (JSON Lines). Only LF ends a
line; a CR before it is JSON white space, as it is anywhere else between values.
"""

from __future__ import annotations

import codecs
from typing import Any, NamedTuple

from replayfuzz.formats.json_text import JsonError, loads

_BOM = codecs.BOM_UTF8


class RawLine(NamedTuple):
    """One line that is not blank; *ended* is False for a last line without LF."""

    line: int
    data: bytes
    ended: bool


class JsonLine(NamedTuple):
    """One value; *line* counts from 1, blank lines too."""

    line: int
    value: Any


class Fault(NamedTuple):
    """A line that is not one JSON value.

    Attributes:
        line: From 1.
        message: What is wrong with it.
        truncated: It is the last line and has no line end: the stream stopped inside it.
    """

    line: int
    message: str
    truncated: bool


class LineReader:
    """Incremental reader of lines that are not blank.

    Invariant: what comes out depends on the joined input alone, never on where it was
    cut. Time is linear in the bytes.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._number = 0

    def receive(self, chunk: bytes) -> list[RawLine]:
        """Feed bytes; return the lines that they complete."""
        if b"\n" not in chunk:
            if chunk:
                self._line.append(chunk)
            return []
        self._line.append(chunk)
        *lines, rest = b"".join(self._line).split(b"\n")
        self._line = [rest] if rest else []
        return self._numbered(lines, ended=True)

    def end(self) -> list[RawLine]:
        """Say that no more bytes come; return the last line, if it had no LF."""
        line = b"".join(self._line)
        self._line = []
        return self._numbered([line], ended=False)

    def _numbered(self, lines: list[bytes], *, ended: bool) -> list[RawLine]:
        first = self._number + 1
        self._number += len(lines)
        if first == 1:
            lines = [lines[0].removeprefix(_BOM), *lines[1:]]
        return [
            RawLine(number, line, ended)
            for number, line in enumerate(lines, first)
            if line.strip(b" \t\r")
        ]


class NdjsonReader:
    """Incremental reader of values, with the invariant of LineReader.

    Args:
        replace: Read invalid UTF-8 as U+FFFD; else it is a fault of its line.
    """

    def __init__(self, *, replace: bool = False) -> None:
        self._errors = "replace" if replace else "strict"
        self._lines = LineReader()

    def receive(self, chunk: bytes) -> list[JsonLine | Fault]:
        """Feed bytes; return what they complete."""
        return [self._read(line) for line in self._lines.receive(chunk)]

    def end(self) -> list[JsonLine | Fault]:
        """Say that no more bytes come; return what the last line holds."""
        return [self._read(line) for line in self._lines.end()]

    def _read(self, line: RawLine) -> JsonLine | Fault:
        try:
            return JsonLine(line.line, loads(line.data.decode("utf-8", self._errors)))
        except (JsonError, UnicodeDecodeError) as error:
            return Fault(line.line, str(error), truncated=not line.ended)
