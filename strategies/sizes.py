"""How much: lines about the sizes of buffers, a megabyte in one event, thousands of events."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.plan import Plan, Slice, Splice
from replayfuzz.strategies.changes import copy_of
from replayfuzz.strategies.family import Family, bent
from replayfuzz.strategies.view import Site, View

_BUFFERS = (4096, 8192, 16384, 65536, 131072)
"""Sizes that readers give their line buffers (Go's bufio.Scanner 64 KiB, asyncio 64 KiB,
Node's stream 16 KiB and 64 KiB, httptools and aiohttp 8 KiB and 128 KiB)."""

_MEGABYTE = 1 << 20
_PIECE = 256  # bytes of a boundary's distance where a megabyte comes in pieces
_EVENTS = 10_000
_TOTAL = 4 << 20  # bytes of the events that are added, at most
_SMALL = 300  # one-byte events


def lines(view: View) -> Iterator[Plan]:
    """One data line just below, at and above the size of a buffer, whole and in pieces."""
    for site, size in _last(view):
        for limit in _BUFFERS:
            for over in (-1, 0, 1) if limit <= 8192 else (1,):
                more = limit + over - size
                if more > 0:
                    label = f"a line of {limit + over} bytes"
                    yield bent(_grown(site, more, "size.line", label))
        more = 2 * _BUFFERS[1]
        grown = _grown(site, more, "size.line", f"a line of {size + more} bytes")
        yield bent(grown, Slice(0, 1000, label="a boundary every 1000 bytes"))


def megabyte(view: View) -> Iterator[Plan]:
    """One event of a quarter of a megabyte and one of a whole, at once and in small pieces."""
    for site, _ in _last(view):
        for size in (_MEGABYTE // 4, _MEGABYTE):
            grown = _grown(site, size, "size.event", f"an event of {size >> 10} KiB")
            yield bent(grown)
            yield bent(grown, Slice(0, _PIECE, label=f"a boundary every {_PIECE} bytes"))


def events(view: View) -> Iterator[Plan]:
    """Thousands of events in one piece, and hundreds with one byte of content each."""
    for site, _ in _last(view):
        event = site.event
        small = copy_of(view, site, b'"x"' if site.is_json else b"x")
        few = Splice(event.end, 0, small * _SMALL, "size.events", f"{_SMALL} events of one byte")
        yield bent(few)
        yield bent(few, Slice(0, len(small), label="one event in each piece"))
        count = min(_EVENTS, _TOTAL // max(1, len(small)))
        many = Splice(event.end, 0, small * count, "size.events", f"{count} events of one byte")
        yield bent(many)
        yield bent(many, Slice(0, 65536, label="a boundary every 64 KiB"))


def comments(view: View) -> Iterator[Plan]:
    """A comment longer than a line buffer."""
    if view.sse and view.events:
        text = b": " + b"x" * _BUFFERS[-2] + b"\n\n"
        at = view.events[len(view.events) // 2].start
        yield bent(Splice(at, 0, text, "size.comment", f"a comment of {len(text)} bytes"))


def _last(view: View) -> Iterator[tuple[Site, int]]:
    """The content that is made longer, and the length of its line in bytes."""
    for site in view.texts[len(view.texts) // 2 :][:1]:
        line = next(line for line in site.event.lines if line.start <= site.start <= line.end)
        yield site, line.end - line.start


def _grown(site: Site, more: int, kind: str, label: str) -> Splice:
    return Splice(site.end, 0, b"x" * more, kind, label)


FAMILIES = (
    Family("size.line", "lines about the size of a buffer", "size", False, lines),
    Family("size.events", "events of one byte, thousands of them", "size", False, events),
    Family("size.comment", "a comment longer than a buffer", "size", True, comments),
    Family("size.event", "an event of a megabyte", "size", False, megabyte),
)
