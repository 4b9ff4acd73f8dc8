"""Secrets that a stream says in pieces: one text, told in the strings of many events."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from replayfuzz.formats.json_spans import Node, spans
from replayfuzz.redact.spans import Span, Wanted, plain

_LINE = re.compile(rb"[^\r\n]+")
_OBJECT = re.compile(rb"(?:data:)?[ \t]*,?[ \t]*(\{.*\})[ \t,]*")

_Path = tuple[str | int, ...]
_Piece = tuple[int, int]


def find_split(body: bytes, wanted: Wanted) -> list[Span]:
    """The parts of each secret that stands in several strings, which joined are one text.

    Strings belong together that are at the same place of the JSON objects of an SSE or
    NDJSON body: the same members, and the same number where an object has an ``index``.
    """
    texts: dict[_Path, list[_Piece]] = {}
    for line in _LINE.finditer(body):
        found = _OBJECT.fullmatch(line[0])
        node = spans(found[1], line.start() + found.start(1)) if found else None
        for path, piece in _strings(body, node, ()) if node else ():
            texts.setdefault(path, []).append(piece)
    return [
        span
        for pieces in texts.values()
        if len({body[start:end] for start, end in pieces}) > 1
        for span in _parts(body, pieces, wanted)
    ]


def _strings(body: bytes, node: Node, path: _Path) -> Iterator[tuple[_Path, _Piece]]:
    if node.kind == "string" and node.end - node.start > 2:
        yield path, (node.start + 1, node.end - 1)
    for position, item in enumerate(node.items):
        yield from _strings(body, item, (*path, position))
    if node.members:
        index = node.get("index")
        here = path if index is None else (*path, body[index.start : index.end].decode("latin-1"))
        for member in node.members:
            yield from _strings(body, member.value, (*here, member.key))


def _parts(body: bytes, pieces: list[_Piece], wanted: Wanted) -> Iterator[Span]:
    joined = b"".join(body[start:end] for start, end in pieces)
    starts = [0, *accumulate(end - start for start, end in pieces)]
    for span in plain(joined, wanted):
        first = bisect_right(starts, span.start) - 1
        last = bisect_right(starts, span.end - 1) - 1
        if first == last:
            continue  # one string holds it all; it is found without us
        for number in range(first, last + 1):
            shift = pieces[number][0] - starts[number]
            start, end = max(span.start, starts[number]), min(span.end, starts[number + 1])
            yield Span(start + shift, end + shift, span.kind)
