"""Twenty bugs that readers of server-sent events really have had, each planted in a small reader.

The reader without a bug follows WHATWG HTML section 9.2.6; it decodes before it splits, as
most readers do, so that it shares nothing with ``replayfuzz.formats.sse``.
"""

import codecs
import re
from collections.abc import Iterable

from replayfuzz import dialects, wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Plan

BUGS = (
    "decodes each chunk on its own",
    "forgets that a chunk ended in CR",
    "takes no lone CR for a line end",
    "strips all spaces from values",
    "flushes the pending event at the end",
    "dispatches blank events",
    "joins data lines without a newline",
    "keeps the byte order mark",
    "drops the byte order mark only if it comes whole",
    "takes ids with NUL",
    "ignores fields without a colon",
    "ignores empty ids",
    "drops data at a comment",
    "folds the case of names",
    "cuts lines at 8 kB",
    "keeps the type for the next event",
    "uses str.splitlines",
    "decodes strictly",
    "drops invalid bytes",
    "stops at [DONE] in content",
)

Seen = tuple[str, str, str, int | None]

_END = re.compile(r"\r\n|\r|\n")
_END_WITHOUT_CR = re.compile(r"\r\n|\n")
_ERRORS = {"decodes strictly": "strict", "drops invalid bytes": "ignore"}


class PlantedReader:
    """Reads pieces; *bug* is one of BUGS, or "" for a reader that is right."""

    def __init__(self, bug: str = "") -> None:
        assert not bug or bug in BUGS
        self.bug = bug
        self.events: list[Seen] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS.get(bug, "replace"))
        self._parts: list[str] = []
        self._started = self._after_cr = self._stopped = False
        self._data: list[str] = []
        self._type = self._id = ""
        self._retry: int | None = None

    def receive(self, chunk: bytes) -> None:
        text = self._decoded(chunk)
        if text and not self._started:
            self._started = True
            if self.bug == "drops the byte order mark only if it comes whole":
                text = text[1:] if chunk.startswith(codecs.BOM_UTF8) else text
            elif self.bug != "keeps the byte order mark":
                text = text.removeprefix("\ufeff")
        if text and self._after_cr:
            text = text.removeprefix("\n")
            self._after_cr = False
        for line in self._lines(text):
            self._line(line)

    def end(self) -> None:
        if self.bug == "flushes the pending event at the end":
            if self._parts:
                self._line("".join(self._parts))
            self._line("")

    def _decoded(self, chunk: bytes) -> str:
        if self.bug == "decodes each chunk on its own":
            return chunk.decode("utf-8", "replace")
        return self._decoder.decode(chunk)

    def _lines(self, text: str) -> Iterable[str]:
        if self.bug == "uses str.splitlines":
            pieces = ("".join(self._parts) + text).splitlines(keepends=True)
            whole = [piece for piece in pieces if piece.splitlines()[0] != piece]
            self._parts = pieces[len(whole) :]
            lines = [piece.splitlines()[0] for piece in whole]
        else:
            end = _END_WITHOUT_CR if self.bug == "takes no lone CR for a line end" else _END
            if self._parts and self._parts[-1].endswith("\r"):
                text = self._parts.pop() + text
            *lines, rest = end.split(text)
            if lines:
                lines[0] = "".join(self._parts) + lines[0]
                self._parts = []
            if rest:
                self._parts.append(rest)
        if lines and text.endswith("\r"):
            self._after_cr = self.bug != "forgets that a chunk ended in CR"
        return lines

    def _line(self, line: str) -> None:
        if self.bug == "cuts lines at 8 kB":
            line = line[:8192]
        if not line:
            self._dispatch()
        elif line[0] == ":":
            if self.bug == "drops data at a comment":
                self._data = []
        elif ":" in line or self.bug != "ignores fields without a colon":
            name, _, value = line.partition(":")
            value = (
                value.strip()
                if self.bug == "strips all spaces from values"
                else value.removeprefix(" ")
            )
            self._field(name.lower() if self.bug == "folds the case of names" else name, value)

    def _field(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            nul = "\0" in value and self.bug != "takes ids with NUL"
            empty = not value and self.bug == "ignores empty ids"
            self._id = self._id if nul or empty else value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value)

    def _dispatch(self) -> None:
        join = "" if self.bug == "joins data lines without a newline" else "\n"
        data = join.join(self._data)
        if (self._data or self.bug == "dispatches blank events") and not self._stopped:
            self.events.append((self._type or "message", data, self._id, self._retry))
        if self.bug == "stops at [DONE] in content" and "[DONE]" in data:
            self._stopped = True
        if self.bug != "keeps the type for the next event":
            self._type = ""
        self._data, self._retry = [], None


def read(exchange: Exchange, plan: Plan, bug: str = "") -> tuple[Seen, ...] | None:
    """What the reader reports of the bent stream; None: it raised."""
    reader = PlantedReader(bug)
    try:
        for piece in wire.pieces(exchange, plan):
            reader.receive(piece)
        reader.end()
    except UnicodeDecodeError:
        return None
    return tuple(reader.events)


def acceptable(exchange: Exchange, plan: Plan) -> set[tuple[Seen, ...]]:
    """What the oracle accepts of it, as raw events."""
    return {
        tuple(
            (event.get("event"), event.get("data"), event.get("id"), event.get("retry"))
            for event in outcome.events
        )
        for outcome in dialects.expected(exchange, plan)
    }
