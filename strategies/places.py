"""What stands at a byte of a body: the name and the words of a place. Any bytes give an answer.

A place is told from the bytes around it, not from a whole reading, so that it costs a
microsecond, and so that it holds for bodies that are bent out of shape.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from replayfuzz.formats.aws_event_stream import PRELUDE, spans, total_length

_BOM = codecs.BOM_UTF8
_LINE_END = b"\r\n"
_ESCAPED = re.compile(rb"(?:[^\\]|\A)(?:\\\\)*(\\u[0-9a-fA-F]{0,3}|\\)\Z")
_HIGH_HALF = re.compile(rb"(?:[^\\]|\A)(?:\\\\)*\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)', re.DOTALL)


class Place(NamedTuple):
    """The name of a kind of place (``utf8``, ``crlf``, …) and the place in words."""

    kind: str
    words: str


@lru_cache(maxsize=1 << 16)  # families and drawn plans come to the same places again and again
def place(body: bytes, at: int) -> Place:
    """Tell what a boundary before byte *at* of *body* parts."""
    if at <= 0 or at >= len(body):
        return _edge(body, at)
    if is_messages(body):
        return _in_message(body, at)
    if at < len(_BOM) and body.startswith(_BOM):
        return Place("bom", "inside the byte order mark")
    if body[at] & 0xC0 == 0x80 and (inside := _character(body, at)):
        return inside
    if body[at - 1] == 13 and body[at] == 10:
        return Place("crlf", "between CR and LF")
    start = _line_start(body, at)
    if at == start:
        return _between_lines(body, at)
    if body[at] in _LINE_END:
        return Place("before-line-end", "before a line end")
    return _in_line(body, start, at)


def is_messages(body: bytes) -> bool:
    """Whether *body* begins with the prelude of an AWS event stream message."""
    return body[8:12] == zlib.crc32(body[:8]).to_bytes(4) and len(body) >= PRELUDE


def _in_message(body: bytes, at: int) -> Place:
    start, end, headers = _message(body, at)
    if not headers:
        return Place("message-damaged", "inside a damaged message")
    if at == start:
        return Place("message-end", "between messages")
    if at < start + PRELUDE:
        return Place("message-prelude", "inside the prelude of a message")
    if at >= end - 4:
        crc = "inside" if at > end - 4 else "before"
        return Place("message-crc", f"{crc} the CRC of a message")
    if at < headers:
        return Place("message-headers", "inside the headers of a message")
    if body[at] & 0xC0 == 0x80 and (inside := _character(body, at)):
        return inside
    return Place("message-payload", "inside the payload of a message")


def _message(body: bytes, at: int) -> tuple[int, int, int]:
    """Start, end, and end of the headers of the message with byte *at*; zeros for none."""
    start = 0
    while start <= at:
        try:
            end = start + _length(body[start : start + PRELUDE])
        except ValueError:
            return 0, 0, 0
        if at < end:
            size = int.from_bytes(body[start + 4 : start + 8])
            return start, end, start + PRELUDE + size
        start = end
    return 0, 0, 0


@lru_cache(maxsize=1024)  # a schedule asks for thousands of places in one body
def _length(prelude: bytes) -> int:
    return total_length(prelude)


def _edge(body: bytes, at: int) -> Place:
    if at <= 0:
        return Place("start", "before the first byte")
    return Place("end", "after the last byte") if at == len(body) else Place("end", "past the end")


def _character(body: bytes, at: int) -> Place | None:
    for back in (1, 2, 3):
        lead = body[at - back] if at >= back else 0
        if lead & 0xC0 == 0x80:
            continue
        size = 2 if lead >> 5 == 6 else 3 if lead >> 4 == 14 else 4 if lead >> 3 == 30 else 0
        if size <= back:
            return None
        try:
            char = body[at - back : at - back + size].decode()
        except UnicodeDecodeError:
            return None
        return Place("utf8", f"inside U+{ord(char):04X}")
    return None


def _line_start(body: bytes, at: int) -> int:
    return max(body.rfind(b"\n", 0, at), body.rfind(b"\r", 0, at)) + 1


def _between_lines(body: bytes, at: int) -> Place:
    before = at - (2 if body[at - 2 : at] == b"\r\n" else 1)
    if before == 0 or body[before - 1] in _LINE_END:
        return Place("event-end", "between events")
    if body[at] in _LINE_END:
        return Place("before-blank", "before a blank line")
    return Place("line-end", "between lines")


def _in_line(body: bytes, start: int, at: int) -> Place:
    head = body[start:at]
    if head.startswith((b"{", b"[")):  # a line of NDJSON
        return _in_json(body, start, at)
    colon = head.find(b":")
    if colon == 0:
        return Place("comment", "inside a comment")
    if colon < 0:
        return _in_name(body, at, head)
    name = head[:colon].decode("utf-8", "replace")
    if colon == len(head) - 1:
        return Place("colon", f"after the colon of {name}:")
    if head[colon + 1 :] == b" ":
        return Place("value", f"before the value of {name}:")
    value = start + colon + (2 if head[colon + 1 : colon + 2] == b" " else 1)
    if name == "data" and body.startswith(b"[DONE]", value) and at < value + 6:
        return Place("terminal", "inside [DONE]")
    if name == "data":
        return _in_json(body, value, at)
    return Place("field-value", f"inside the value of {name}:")


def _in_name(body: bytes, at: int, head: bytes) -> Place:
    if body.startswith(b":", at):
        return Place("field-end", f"before the colon of {head.decode('utf-8', 'replace')}:")
    return Place("field", "inside a field name")


def _in_json(body: bytes, start: int, at: int) -> Place:
    near = body[max(start, at - 64) : at]
    if _ESCAPED.search(near):
        return Place("escape", "inside a JSON escape")
    if body.startswith(b"\\u", at) and _HIGH_HALF.search(near):
        return Place("surrogates", "between the escapes of a surrogate pair")
    strings = list(_STRING.finditer(body, start, at))
    if strings and strings[-1].end() == at and not strings[-1][1]:
        return Place("text", "inside a JSON string")
    return Place("data", "inside data")


# -- hot places --------------------------------------------------------------------------

_HOT = re.compile(
    rb"(?P<utf8>[\xc2-\xf4][\x80-\xbf]{1,3})"
    rb"|(?P<crlf>\r\n)"
    rb"|(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<escape>\\u[0-9a-fA-F]{4}|\\.)"
    rb"|(?P<done>\[DONE\])"
    rb"|(?P<field>(?:(?<=[\r\n])|(?<=\A))[a-z]+: ?)"
    rb"|(?P<comment>(?:(?<=[\r\n])|(?<=\A)):)",
    re.DOTALL,
)
_TELLING = {  # group -> bytes of the match after which a boundary tells something
    "pair": (1, 2, 4, 6, 7, 8, 11),
    "done": (1, 5, 6),
}


def hot(body: bytes) -> Iterator[int]:
    """Yield the places where readers break, in order, some of them twice.

    Inside a character, between CR and LF, inside and after a field name, inside an escape,
    around line ends, inside [DONE], inside a byte order mark, before the last byte.
    """
    if is_messages(body):
        yield from _hot_in_messages(body)
    if body.startswith(_BOM):
        yield from (1, 2, 3)
    for found in _HOT.finditer(body):
        start, size = found.start(), len(found[0])
        match found.lastgroup:
            case "utf8":
                yield from range(start + 1, start + size)
            case "crlf":
                yield from (start, start + 1, start + 2)
            case "field":
                colon = found[0].index(b":")
                yield from (start, start + 1, start + colon, start + colon + 1, start + size)
            case "comment":
                yield from (start, start + 1)
            case "escape":
                yield from range(start + 1, start + size)
            case group:
                yield from (start + step for step in _TELLING[group or ""])
    yield from (place for place in (len(body) - 1, len(body)) if place > 0)


def _hot_in_messages(body: bytes) -> Iterator[int]:
    """Around each message, and inside its lengths, CRCs and headers."""
    for start, end, message in spans(body):
        yield from (start, start + 1, start + 4, start + 8, start + 11, start + PRELUDE)
        if message is not None:
            headers = start + PRELUDE + int.from_bytes(body[start + 4 : start + 8])
            yield from (headers - 1, headers, end - 4, end - 1)


def line_ends(body: bytes) -> Iterator[int]:
    """Yield the places before and after each line end."""
    for found in re.finditer(rb"\r\n|\r|\n", body):
        yield found.start()
        yield found.end()
