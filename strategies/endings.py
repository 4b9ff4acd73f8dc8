"""Where and how a stream stops, and what comes after its last event.

RFC 9112 section 8 tells which stops a recipient can see; the dialect tells which it can tell
from the events alone. Stalls cost a reader's whole patience, so there are few.
"""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.plan import End, Head, How, Plan, Splice
from replayfuzz.strategies.family import Family, bent, ends_and_middle, spliced
from replayfuzz.strategies.places import place
from replayfuzz.strategies.view import View

_WORDS: dict[How, str] = {
    "complete": "the message ends cleanly",
    "fin": "the connection is closed",
    "reset": "the connection is reset",
    "short": "the message ends short of its Content-Length",
    "rst-stream": "the stream is reset",
    "goaway": "the connection is given up (GOAWAY)",
    "stall": "no more bytes, the connection stays open",
    "open": "the connection stays open",
}


def stop(body: bytes, at: int, how: How, *, in_head: bool = False, in_chunk: bool = False) -> End:
    """The End before byte *at*, named after what stands there in *body*."""
    words = "inside a chunk-size line" if in_head else place(body, at).words
    if in_chunk and not in_head:
        words += ", inside a chunk"
    return End(at, how, in_head, in_chunk, kind=f"end.{how}", label=f"{_WORDS[how]} {words}")


def clean(view: View) -> Iterator[Plan]:
    """The message is whole, the stream is not: an early end that only the events show."""
    for at in places_to_stop(view):
        yield bent(stop(view.body, at, "complete"))


def broken(view: View) -> Iterator[Plan]:
    """The message itself is cut short: closed, reset, or shorter than its Content-Length."""
    for at in places_to_stop(view):
        for how in ("fin", "reset", "short"):
            yield bent(stop(view.body, at, how))
    starts = [event.start for event in view.units]
    for at in ends_and_middle(starts):
        yield bent(stop(view.body, at, "fin", in_head=True))
        yield bent(stop(view.body, at, "reset", in_head=True))
    for at in _in_chunks(view):
        yield bent(stop(view.body, at, "fin", in_chunk=True))
        yield bent(stop(view.body, at, "reset", in_chunk=True))


def _in_chunks(view: View) -> Iterator[int]:
    """Where a chunk is announced and breaks off: between two events, inside a character."""
    ends = [event.end for event in view.units if event.end < len(view.body)]
    yield from ends_and_middle(ends)[1:2] or ends[:1]
    yield from [at for at in view.hot if place(view.body, at).kind == "utf8"][:1]


def unseen(view: View) -> Iterator[Plan]:
    """A close that ends the message as framing by close tells it: nobody can see the loss."""
    if view.framed:
        return  # only END_STREAM ends a message
    head = Head(framing="close", kind="head.framing", label="framing close")
    for at in ends_and_middle(places_to_stop(view)):
        yield bent(stop(view.body, at, "fin"), head=head)
        yield bent(stop(view.body, at, "reset"), head=head)


def last_blank(view: View) -> Iterator[Plan]:
    """At the end of the file "any pending data must be discarded" (WHATWG HTML 9.2.6)."""
    if not view.sse or not view.records:
        return
    for label, event in (("last", view.records[-1]), ("first", view.records[0])):
        if event.closed:
            blank = event.lines[-1]
            size = len(view.body) - blank.start
            words = f"the {label} event without its blank line, and nothing behind it"
            yield from spliced("end.blank", words, [(blank.start, size, b"")])
            before = blank.start - event.lines[-2].ending if len(event.lines) > 1 else blank.start
            words = f"the {label} event without its line end, and nothing behind it"
            yield from spliced("end.blank", words, [(before, len(view.body) - before, b"")])


def stays_open(view: View) -> Iterator[Plan]:
    """Everything is said, but the connection is not closed: no reader may wait for that."""
    size = len(view.body)
    yield bent(stop(view.body, size, "open"))
    last = view.terminal
    if last is not None and last.end < size:
        yield bent(stop(view.body, last.end, "open"))
    yield bent(stop(view.body, size, "reset"))
    yield bent(stop(view.body, size, "fin"))


def stalls(view: View) -> Iterator[Plan]:
    """Silence in the middle: the reader's own patience decides."""
    for at in ends_and_middle(places_to_stop(view)):
        yield bent(stop(view.body, at, "stall"))


def behind(view: View) -> Iterator[Plan]:
    """Bytes behind the last event: more events, garbage, blank lines, comments."""
    size = len(view.body)
    kind = "end.behind"
    if not view.events:
        return
    again = view.events[0]
    rows = [("the first event again", view.body[again.start : again.end])]
    if view.sse:
        rows += [
            ("blank lines", b"\n\n\n"),
            ("a comment", b": bye\n\n"),
            ("data that is no JSON", b"data: garbage\n\n"),
            ("an event that is not finished", b'data: {"a":'),
        ]
    rows += [("bytes that are no text", b"\xff\xfe\x00\n\n"), ("an HTML page", b"<html></html>\n")]
    for label, data in rows:
        added = Splice(size, 0, data, kind, f"{label} behind the last event")
        yield bent(added)
        if label in ("the first event again", "a comment"):
            yield bent(added, stop(view.body, size, "open"))


def places_to_stop(view: View) -> list[int]:
    """One place of each kind, and the ends of the first, a middle and the last events."""
    size = len(view.body)
    ends = [event.end for event in view.units]
    found = {0, *ends_and_middle(ends[:-1]), *ends[-2:-1], size - 1}
    last = view.terminal
    if last is not None:
        found |= {last.start, last.fields[0].value + 1 if last.fields else last.start}
    kinds: set[str] = set()
    middle = view.units[len(view.units) // 2] if view.units else None
    spots = [*view.hot, *(range(middle.start, middle.end) if middle else ())]
    for at in spots:
        kind = place(view.body, at).kind
        if kind not in kinds:
            kinds.add(kind)
            found.add(at)
    return sorted(at for at in found if 0 <= at < size)


FAMILIES = (
    Family("end.open", "all is said, but not how the message ends", "ending", False, stays_open),
    Family("end.clean", "a clean end before the stream is whole", "ending", False, clean),
    Family("end.broken", "the message breaks off", "ending", False, broken),
    Family("end.blank", "the last blank line is missing", "ending", False, last_blank),
    Family("end.behind", "bytes behind the last event", "ending", False, behind),
    Family("end.unseen", "a close that nobody can tell from the end", "ending", False, unseen),
    Family("end.stall", "silence in the middle", "ending", False, stalls),
)
