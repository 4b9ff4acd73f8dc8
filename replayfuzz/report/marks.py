"""Bytes as people read them: one line an event, boundaries marked, nothing unprintable."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from replayfuzz.finding import blocks
from replayfuzz.wire import Bent

MARK = "|"
_LONGEST = 300
"""Bytes of one event that are shown."""
_SPELT = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\", 124: "\\x7c"}
_BYTES = [_SPELT.get(b, chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in range(256)]
_ENDS = {
    "fin": "the connection closes (FIN) before the message is finished",
    "reset": "the connection is reset (RST)",
    "short": "the connection closes before Content-Length is reached",
    "rst-stream": "the stream is reset (RST_STREAM)",
    "goaway": "the connection is given up (GOAWAY) before the message is finished",
    "stall": "no more bytes come; the connection stays open",
    "open": "no more bytes come; the connection stays open",
}


def spell(data: bytes) -> str:
    """Printable ASCII as it is; every other byte, the backslash and the mark as an escape."""
    return "".join(_BYTES[byte] for byte in data)


def plain(text: str) -> str:
    """*text* with every character that does not print, line ends too, as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def marked(bent: Bent) -> Iterator[str]:
    """The body as sent, one line for each event, with MARK at each boundary inside it.

    A boundary between two events stands at the start of the second one's line.
    """
    cuts = sorted({at for at, _ in bent.cuts})
    pauses: dict[int, float] = {}
    for at, seconds in bent.waits:
        pauses[at] = pauses.get(at, 0.0) + seconds
    start = 0
    for block in blocks(bent.body):
        first, last = bisect_left(cuts, start), bisect_left(cuts, start + len(block))
        yield _line(block, start, cuts[first:last], pauses)
        start += len(block)
    if start and cuts and cuts[-1] == start:
        yield MARK
    if bent.how in _ENDS:
        inside = ", inside a chunk" if bent.in_chunk else ""
        inside = ", inside a chunk-size line" if bent.in_head else inside
        yield f"<after {start} bytes{inside}: {_ENDS[bent.how]}>"


def _line(block: bytes, start: int, edges: list[int], pauses: dict[int, float]) -> str:
    """One event; of a long one, what is around its first boundary."""
    begin, stop = 0, len(block)
    if len(block) > _LONGEST:
        at = edges[0] - start if edges else 0
        begin = max(0, min(at - _LONGEST // 2, len(block) - _LONGEST))
        stop = begin + _LONGEST
    inside = [edge for edge in edges[: _LONGEST + 1] if start + begin <= edge < start + stop]
    pieces = _pieces(block[begin:stop], start + begin, inside, pauses)
    size = f" ({len(block)} bytes)" if len(block) > _LONGEST else ""
    dots = "…" if stop < len(block) else ""
    return f"{'…' if begin else ''}{''.join(pieces)}{dots}{size}"


def _pieces(block: bytes, start: int, edges: list[int], pauses: dict[int, float]) -> Iterator[str]:
    at = start
    for edge in edges:
        yield spell(block[at - start : edge - start])
        yield f"<{pauses[edge]:g} s>" if edge in pauses else ""
        yield MARK
        at = edge
    yield spell(block[at - start :])


def some(lines: Iterable[str], most: int) -> list[str]:
    """At most *most* lines, with a word on how many are left out in the middle."""
    every = list(lines)
    if len(every) <= most:
        return every
    head, tail = every[: most // 2], every[-(most - most // 2) + 1 :]
    return [*head, f"… {len(every) - len(head) - len(tail)} more lines …", *tail]
