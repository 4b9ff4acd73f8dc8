r"""One JSON array, read element by element as it arrives: bytes in, JSON texts out.

Gemini streams so where nobody asks for SSE: ``[{…}``, then ``,\r\n{…}`` for every chunk, and
``]``. The reader finds where elements begin and end, and goes on behind what no array may have
(RFC 8259 section 5); whether such an element still counts is its caller's decision. Whether an
element is JSON is not asked here. A byte order mark at the start is skipped (section 8.1: a
reader may).
"""

from __future__ import annotations

import codecs
import re
from typing import Literal, NamedTuple

_BOM = codecs.BOM_UTF8
_SPACE = re.compile(rb"[ \t\n\r]*+")
_IN_STRING = re.compile(rb'["\\]')
_NESTED = re.compile(rb'["\[\]{}]')
_BARE = re.compile(rb'["\[\]{}, \t\n\r]')


class Element(NamedTuple):
    """One element.

    Attributes:
        start: Where its text begins, in bytes of the body.
        data: Its text, without white space around it.
        sound: Everything before it is as an array has it.
    """

    start: int
    data: bytes
    sound: bool

    @property
    def end(self) -> int:
        """Where its text ends, in bytes of the body."""
        return self.start + len(self.data)


class ArrayReader:
    """Incremental reader of the elements of one array.

    Invariant: what comes out depends on the joined input alone, never on where it was
    cut. Time is linear in the bytes.

    Attributes:
        ended: The closing bracket was read.
        sound: Nothing was read that an array does not have.
    """

    def __init__(self) -> None:
        self.ended = False
        self.sound = True
        self._needs: Literal["[", "value or ]", "value", ", or ]", "nothing"] = "["
        self._at = 0  # bytes before the chunk that is being read
        self._start: int | None = None  # of the element that is being read
        self._parts: list[bytes] = []  # of it, in earlier chunks
        self._depth = 0
        self._string = False
        self._escaped = False

    def receive(self, chunk: bytes) -> list[Element]:
        """Feed bytes; return the elements that they complete."""
        found: list[Element] = []
        at = 0
        while at < len(chunk):
            step = self._between if self._start is None else self._inside
            at = step(chunk, at, found)
        self._at += len(chunk)
        return found

    def end(self) -> list[Element]:
        """Say that no more bytes come; return the element that they left open, if any."""
        if self._start is None:
            return []
        last = Element(self._start, b"".join(self._parts), self.sound)
        self._start, self._parts = None, []
        return [last]

    def _between(self, chunk: bytes, at: int, _: list[Element]) -> int:
        """Read white space and one byte between elements; return where to go on."""
        space = _SPACE.match(chunk, at)
        at = space.end() if space else at
        if at == len(chunk):
            return at
        byte, place = chunk[at : at + 1], self._at + at
        if self._needs == "[" and byte == _BOM[place : place + 1]:
            return at + 1
        if byte == b"[" and self._needs == "[":
            self._needs = "value or ]"
        elif byte == b"]":
            self.sound = self.sound and self._needs in {"value or ]", ", or ]"}
            self.ended, self._needs = True, "nothing"
        elif byte == b",":
            self.sound = self.sound and self._needs == ", or ]"
            self._needs = "value"
        else:
            self.sound = self.sound and self._needs in {"value or ]", "value"}
            self._start = place
            return at
        return at + 1

    def _inside(self, chunk: bytes, at: int, found: list[Element]) -> int:
        """Read on in an element; return where it ends, or the end of the chunk."""
        begin = at
        while at < len(chunk):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            bare = _NESTED if self._depth else _BARE
            mark = (_IN_STRING if self._string else bare).search(chunk, at)
            if mark is None:
                break
            at = mark.end()
            over = self._mark(mark[0])
            if over is not None:
                end = mark.end() if over else mark.start()
                self._parts.append(chunk[begin:end])
                found.extend(self.end())
                self._needs = ", or ]"
                return end
        self._parts.append(chunk[begin:])
        return len(chunk)

    def _mark(self, mark: bytes) -> bool | None:
        """Note one mark; whether the element is over with it (True) or before it (False)."""
        if mark == b"\\":
            self._escaped = True
        elif mark == b'"':
            self._string = not self._string
            return True if not self._string and not self._depth else None
        elif mark in b"[{":
            self._depth += 1
        elif self._depth:  # } or ], the only others that are looked for here
            self._depth -= 1
            return True if not self._depth else None
        elif mark != b"}":
            return False
        return None
