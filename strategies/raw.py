"""What server-sent events themselves can say: types, ids, retry times, data of several lines.

For streams without a provider's API, where a reader reports exactly these (WHATWG HTML
section 9.2.6). The quoted sentences are its.
"""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.formats.spans import Record
from replayfuzz.plan import Plan
from replayfuzz.strategies.changes import Change
from replayfuzz.strategies.family import Family, ends_and_middle, spliced
from replayfuzz.strategies.view import View


def types(view: View) -> Iterator[Plan]:
    """Each blank line has to "set the […] event type buffer to the empty string"."""
    kind = "meaning.sse-type"
    for label, before in (
        ("event: update", b"event: update\n"),
        ("two event: lines", b"event: first\nevent: second\n"),
        ("event:update without a space", b"event:update\n"),
        ("an event type with spaces", b"event:  two words \n"),
        ("an event type of U+1F600", b"event: \xf0\x9f\x98\x80\n"),
        ("an event type without data before it", b"event: lost\n\n"),
    ):
        for starts in _starts(view):
            yield from spliced(kind, label, [(at, 0, before) for at in starts])
    yield from spliced(kind, "event: update behind the data", _behind(view, b"event: update\n"))


def ids(view: View) -> Iterator[Plan]:
    """The id stays, for its "buffer does not get reset"; but an empty id empties it."""
    kind = "meaning.sse-id"
    starts = [event.start for event in _events(view)]
    if not starts:
        return
    for label, before in (
        ("an id", b"id: 1\n"),
        ("an id without a space", b"id:1\n"),
        ("an id with spaces", b"id:  1 \n"),
        ("an id of U+1F600", b"id: \xf0\x9f\x98\x80\n"),
        ("an id in a block without data", b"id: 1\n\n"),
        ("an id, then one with NUL", b"id: 1\nid: 2\0\n"),
        ("two ids", b"id: 1\nid: 2\n"),
        ("id: 0", b"id: 0\n"),
    ):
        yield from spliced(kind, f"{label} on the first event", [(starts[0], 0, before)])
    numbered = [(at, 0, b"id: %d\n" % number) for number, at in enumerate(starts)]
    yield from spliced(kind, "an id on each event", numbered)
    for label, text in (("an empty id", b"id\n"), ("an empty id with a colon", b"id: \n")):
        changes = [(starts[0], 0, b"id: 1\n"), (starts[len(starts) // 2], 0, text)]
        yield from spliced(kind, f"an id, later {label}", changes)
    yield from spliced(kind, "an id behind the data", _behind(view, b"id: 1\n"))
    unfinished = [(starts[0], 0, b"id: 1\n"), (len(view.body), 0, b"id: 2\n")]
    yield from spliced(kind, "an id in an event that is not finished", unfinished)


def retries(view: View) -> Iterator[Plan]:
    """Times count only "if the field value consists of only ASCII digits"."""
    for text in (b"1000", b"0", b"007", b" 10", b"-1", b"+1", b"1.5", b"", b"\xef\xbc\x91", b"1_0"):
        label = f"retry: {text.decode()}"
        changes = [(event.start, 0, b"retry: " + text + b"\n") for event in _events(view)[:1]]
        yield from spliced("meaning.sse-retry", label, changes)
    blocks: list[Change] = [(event.start, 0, b"retry: 9\n\n") for event in _events(view)[:1]]
    yield from spliced("meaning.sse-retry", "retry in a block without data", blocks)


def data(view: View) -> Iterator[Plan]:
    """Lines are joined: "append the field value to the data buffer, then append […] LF"."""
    kind = "meaning.sse-data"
    for label, before in (
        ("another data line", b"data: x\n"),
        ("an empty data line", b"data:\n"),
        ("a data line without a colon", b"data\n"),
        ("two empty data lines", b"data\ndata\n"),
        ("a data line and a comment", b"data: x\n: ping\n"),
        ("a data line that begins with a space", b"data:  x\n"),
        ("a data line that ends with spaces", b"data: x  \n"),
        ("a data line with a colon", b"data:: x:y\n"),
        ("a data line with a tab", b"data:\tx\n"),
        ("an event of an empty data line", b"data\n\n"),
        ("an event of two empty data lines", b"data:\ndata:\n\n"),
        ("a CRLF data line", b"data: x\r\n"),
    ):
        for starts in _starts(view):
            yield from spliced(kind, f"{label} before the data", [(at, 0, before) for at in starts])
    yield from spliced(kind, "another data line behind the data", _behind(view, b"data: x\n"))
    yield from spliced(kind, "an empty data line behind the data", _behind(view, b"data\n"))
    for event in ends_and_middle(_events(view)):
        line = event.fields[0]
        change = (line.value, line.end - line.value, b"")
        yield from spliced(kind, "data of an event emptied", [change])


def _events(view: View) -> tuple[Record, ...]:
    return view.events if view.opaque else ()


def _starts(view: View) -> Iterator[list[int]]:
    """The start of all events at once, then of the first alone."""
    starts = [event.start for event in _events(view)]
    yield starts[:1]
    if len(starts) > 1:
        yield starts


def _behind(view: View, text: bytes) -> list[Change]:
    """*text* behind the last data line of each event."""
    lines = [event.fields[-1] for event in _events(view)]
    return [(line.after, 0, text) for line in lines if line.ending]


FAMILIES = (
    Family("meaning.sse-type", "event types of a raw stream", "meaning", False, types),
    Family("meaning.sse-data", "data lines of a raw stream", "meaning", False, data),
    Family("meaning.sse-id", "event ids of a raw stream", "meaning", False, ids),
    Family("meaning.sse-retry", "retry times of a raw stream", "meaning", False, retries),
)
