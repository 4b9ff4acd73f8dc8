"""A reader of server-sent events that deviates from the standard in ways that are asked for.

What a target reported may be just what a reader with one of these deviations reports. That is
more than a broken rule: it names the cause, and tells what else comes from it. Without any
this is a reader by WHATWG HTML section 9.2.6, "Interpreting an event stream"; it decodes first
and splits then, and shares nothing with ``sse``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from replayfuzz.formats.sse import ServerEvent

_ALWAYS = ["\r\n", "\n", "\r"]
_SEPARATORS = ["\u2028", "\u2029"]
_CONTROLS = ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85"]

How = frozenset[str]


def deviant(pieces: Sequence[bytes], how: How) -> tuple[ServerEvent, ...]:
    """The events that a reader with the deviations *how* dispatches.

    Args:
        pieces: What each read gave.
        how: Names of deviations (``sse_deviations.DEVIATIONS``).
    """
    if "every-block" in how:
        how |= _EVERY_BLOCK
    text, last = _text(pieces, how), ""
    if "last-cr" in how and text.endswith("\r"):
        text, last = text[:-1], "\r"
    lines, rest = _lines(text, how)
    if "unfinished" in how:
        lines += [rest, ""] if rest or "blank" not in how else [""]
    elif "unended-line" in how and not rest + last:
        lines.append("")
    return tuple(_Block(how).read(lines))


_EVERY_BLOCK = frozenset({"blank", "blank-alike", "unfinished"})


def _text(pieces: Sequence[bytes], how: How) -> str:
    if "crlf-parted" in how:
        pairs = zip((b"", *pieces), pieces, strict=False)
        parted = ((one.endswith(b"\r") and two.startswith(b"\n"), two) for one, two in pairs)
        pieces = [b"\r" + two[1:] if apart else two for apart, two in parted]
    if "latin-1" in how:
        return b"".join(pieces).decode("latin-1")
    if "decoded-apart" in how:
        text = "".join([piece.decode("utf-8", "replace") for piece in pieces])
    else:
        text = b"".join(pieces).decode("utf-8", "replace")
    if "bom-twice" in how:
        return text.lstrip("\ufeff")
    return text if "bom-kept" in how else text.removeprefix("\ufeff")


def _lines(text: str, how: How) -> tuple[list[str], str]:
    """The lines that have ended, and the rest."""
    ends = ["\n"] if "lf-only" in how else ["\r\n", "\n"] if "no-cr" in how else [*_ALWAYS]
    if not how.isdisjoint({"unicode-ends", "line-separators"}):
        ends += _SEPARATORS
    if "unicode-ends" in how:
        ends += _CONTROLS
    end = "|".join(map(re.escape, ends))
    if "blank-by-lf" in how:
        *blocks, rest = text.split("\n")
        inside = [[*filter(None, re.split(end, block))] for block in blocks]
        return [line for each in inside for line in each or [""]], rest
    if "blank-alike" not in how:
        *lines, rest = re.split(end, text)
        return lines, rest
    *blocks, rest = re.split("|".join(re.escape(one * 2) for one in ends), text)
    found: list[str] = []
    for block in blocks:
        found += [*filter(None, re.split(end, block)), ""]
    *more, rest = re.split(end, rest)
    return [*found, *filter(None, more)], rest


class _Block:
    """The fields of an event while its lines come."""

    def __init__(self, how: How) -> None:
        self._how = how
        self._id = self._type = ""
        self._clear()

    def _clear(self) -> None:
        self._data: list[str] = []
        self._retry: int | None = None
        self._fields: set[str] = set()  # names of those that stood in the block
        self._told = False  # one of them says something
        if "type-kept" not in self._how:
            self._type = ""

    def read(self, lines: Sequence[str]) -> Iterator[ServerEvent]:
        """The events that *lines* dispatch."""
        how = self._how
        for line in lines:
            text = line.removeprefix("\ufeff") if "bom-lines" in how else line
            if text:
                self._line(text)
                continue
            data = self._joined()
            if self._dispatches(data):
                yield ServerEvent(self._type or "message", data or "", self._id, self._retry)
            self._clear()

    def _joined(self) -> str | None:
        how, data = self._how, self._data
        if not data:
            return None
        if "last-line" in how:
            return data[-1]
        if "empty-first" in how:
            first = next((number for number, line in enumerate(data) if line), len(data) - 1)
            data = data[first:]
        text = ("" if "joined" in how else "\n").join(data)
        return text.rstrip("\n") if "feeds-lost" in how else text

    def _dispatches(self, data: str | None) -> bool:
        how = self._how
        if data is not None:
            return bool(data) or "empty-lost" not in how
        return (
            "blank" in how
            or ("after-id" in how and self._id != "")
            or ("no-data-named" in how and self._type != "")
            or ("no-data" in how and self._told)
            or ("no-data-event-id" in how and not self._fields.isdisjoint({"event", "id"}))
            or ("no-data-fields" in how and not self._fields.isdisjoint(_KNOWN))
            or ("no-data-lines" in how and not self._fields <= {""})
        )

    def _line(self, line: str) -> None:
        how = self._how
        name, colon, value = line.partition(":")
        if not colon and "colon-needed" in how:
            return
        if colon and "space-needed" in how and not value.startswith(" "):
            return
        value = _value(value, how)
        if "bom-fields" in how:
            name, value = name.removeprefix("\ufeff"), value.removeprefix("\ufeff")
        self._field(name.lower() if "case-folded" in how else name, value)

    def _field(self, name: str, value: str) -> None:
        self._fields.add(name)
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
            self._told |= value != ""
        elif name == "id" and ("\0" not in value or "nul-id" in self._how):
            self._id = value or (self._id if "empty-id" in self._how else "")
            self._told |= value != ""
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
            self._retry, self._told = int(value), True


def _value(value: str, how: How) -> str:
    if "spaces" in how:
        return value.strip()
    if "spaces-left-js" in how:
        return value.lstrip(_WHITE_SPACE)
    if "spaces-left" in how:
        return value.lstrip()
    return value.lstrip(" ") if "space-run" in how else value.removeprefix(" ")


_KNOWN = {"event", "id", "retry"}
_WHITE_SPACE = " \t\v\f\xa0\ufeff\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What ECMAScript's trim removes, but for CR and LF."""
_DIGITS = 4000  # as in ``sse``
