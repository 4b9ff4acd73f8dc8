"""Rewrites of lines that a reader of server-sent events must not notice.

WHATWG HTML section 9.2.6 decides what means the same; each family names its clause. Most
of these hold for every dialect; those that show in raw events (``id``, ``retry``) are yielded
only where a provider's reader does not report them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from replayfuzz.formats.spans import Node
from replayfuzz.plan import Plan
from replayfuzz.strategies.family import Family, ends_and_middle, spliced
from replayfuzz.strategies.view import View

Changes = list[tuple[int, int, bytes]]

_BOM = b"\xef\xbb\xbf"
_LONG = 2000  # bytes of a long comment: more than one TCP segment of 1,460 bytes holds
_MANY = 40  # comments: what OpenRouter sends in one stream


def line_ends(view: View) -> Iterator[Plan]:
    """LF, CRLF, and "a single […] CR character not followed by" LF each end a line."""
    styles: list[tuple[str, Callable[[int, bool], bytes]]] = [
        ("CRLF line ends", lambda _, __: b"\r\n"),
        ("CR line ends", lambda _, __: b"\r"),
        ("LF line ends", lambda _, __: b"\n"),
        ("CRLF and LF by turns", lambda number, _: b"\n" if number % 2 else b"\r\n"),
        ("LF, CR and CRLF by turns", lambda number, _: (b"\n", b"\r", b"\r\n")[number % 3]),
        ("CRLF on blank lines only", lambda _, blank: b"\r\n" if blank else b"\n"),
        ("CRLF on all but blank lines", lambda _, blank: b"\n" if blank else b"\r\n"),
        ("CR on blank lines only", lambda _, blank: b"\r" if blank else b"\n"),
    ]
    # A CR before LF is white space of JSON (RFC 8259 section 2); alone it ends no line of NDJSON.
    for label, style in styles if view.sse else styles[:1]:
        if changes := _restyled(view, style):
            yield from spliced("rewrite.line-ends", label, changes)


def _restyled(view: View, style: Callable[[int, bool], bytes]) -> Changes:
    lines = [line for line in view.lines if line.ending]
    wanted = [style(number, line.start == line.end) for number, line in enumerate(lines)]
    for number, line in reversed(list(enumerate(lines[1:]))):
        # CR, and then a blank line's LF, would be one CRLF.
        if line.start == line.end and wanted[number] == b"\r" and wanted[number + 1] == b"\n":
            wanted[number] = b"\r\n"
    changes = []
    for line, ending in zip(lines, wanted, strict=True):
        current = view.body[line.end : line.after]
        if current == b"\n" and ending == b"\r\n":
            changes.append((line.end, 0, b"\r"))
        elif current != ending:
            changes.append((line.end, line.ending, ending))
    return changes


def byte_order_mark(view: View) -> Iterator[Plan]:
    """The decoding "strips one leading UTF-8 Byte Order Mark (BOM), if any"."""
    if view.sse and not view.body.startswith(_BOM):
        yield from spliced("rewrite.bom", "byte order mark first", [(0, 0, _BOM)])


def comments(view: View) -> Iterator[Plan]:
    """A line that starts with a colon: "Ignore the line"."""
    kind = "rewrite.comment"
    if not view.sse or not view.events:
        return
    data = [line.start for event in view.events for line in event.fields]
    after = [line.after for event in view.events for line in event.fields if line.ending]
    yield from spliced(kind, "comment lines before each data line", _each(data, b": ping\n"))
    yield from spliced(kind, "comment lines after each data line", _each(after, b": ping\n"))
    yield from spliced(kind, "empty comments before each data line", _each(data, b":\n"))
    yield from spliced(kind, "comments that look like data", _each(data, b":data: {}\n"))
    yield from spliced(
        kind, "comments of U+1F600 before each data line", _each(data, b": \xf0\x9f\x98\x80\n")
    )
    for at in ends_and_middle(data):
        yield from spliced(kind, "a comment line before a data line", [(at, 0, b": ping\n")])
    for at in ends_and_middle(after):
        yield from spliced(kind, "a comment line after a data line", [(at, 0, b": ping\n")])


def keep_alives(view: View) -> Iterator[Plan]:
    """Comments in blocks of their own, for many readers another matter than in an event's."""
    kind = "rewrite.keep-alive"
    if not view.sse or not view.events:
        return
    starts = [event.start for event in view.events]
    yield from spliced(
        kind, "keep-alive comments between events", _each(starts, b": keep-alive\n\n")
    )
    yield from spliced(
        kind,
        "many keep-alive comments first",
        [(starts[0], 0, b": OPENROUTER PROCESSING\n\n" * _MANY)],
    )
    yield from spliced(kind, "a long comment", [(starts[-1], 0, b": " + b"x" * _LONG + b"\n\n")])


def fields(view: View) -> Iterator[Plan]:
    """Field lines that change nothing: the default type, what is overruled, bad ids."""
    if not view.sse or not view.events:
        return
    kind = "rewrite.field"
    unnamed = [event.start for event in view.events if not event.event and event.closed]
    named = [event.start for event in view.events if event.event]
    data = [event.fields[0].start for event in view.events]
    after = [event.fields[-1].after for event in view.events if event.fields[-1].ending]
    # "If the value […] does not contain U+0000 NULL, then set the last event ID buffer".
    yield from spliced(kind, "ids with NUL, which are ignored", _each(data, b"id: a\0b\n"))
    # "If the field value consists of only ASCII digits, then interpret it".
    yield from spliced(kind, "retry fields that are no number", _each(after, b"retry: 1e3\n"))
    for text in (b"event: message\n", b"event\n", b"event:\n"):
        label = f"{text.decode().strip()!r} on events without a name"
        yield from spliced(kind, label, _each(unnamed, text))
    yield from spliced(
        kind, "event names that the next line overrules", _each(named, b"event: x\n")
    )
    yield from spliced(kind, "event: line after the data line", list(_names_last(view)))
    if view.opaque:
        return
    for where, places in (("before", data), ("after", after)):
        yield from spliced(kind, f"id: lines {where} the data", _each(places, b"id: 7\n"))
        yield from spliced(kind, f"retry: lines {where} the data", _each(places, b"retry: 3000\n"))
    yield from spliced(kind, "empty id: lines", _each(data, b"id\n"))
    yield from spliced(
        kind, "blocks with an id only", _each([event.start for event in view.events], b"id: 7\n\n")
    )


def _names_last(view: View) -> Iterator[tuple[int, int, bytes]]:
    for event in view.events:
        names = [line for line in event.lines if line.name == "event"]
        last = event.fields[-1]
        if len(names) == 1 and names[0].start < last.start and last.ending:
            name = names[0]
            yield name.start, name.after - name.start, b""
            yield last.after, 0, view.body[name.start : name.after]


def unknown_fields(view: View) -> Iterator[Plan]:
    """Names are compared literally, case and all; "otherwise: The field is ignored"."""
    if not view.sse or not view.events:
        return
    data = [event.fields[0].start for event in view.events]
    texts = (
        (b"Data: x\n", "fields named Data"),
        (b"DATA:x\n", "fields named DATA"),
        (b"foo: bar\n", "unknown fields"),
        (b"foo\n", "unknown fields without a colon"),
        (b" data: x\n", "field names that begin with a space"),
        (b"data : x\n", "field names that end with a space"),
        (b"datax: x\n", "field names that begin with data"),
        (b"error: x\n", "fields named error"),
        (b"\xef\xbb\xbfdata: x\n", "byte order marks that are not at the start"),
    )
    for text, label in texts:
        # At byte 0 a byte order mark would be one, and be dropped.
        places = [at for at in data if at] if text.startswith(_BOM) else data
        yield from spliced("rewrite.unknown-field", label, _each(places, text))


def empty_blocks(view: View) -> Iterator[Plan]:
    """Blocks that dispatch nothing: "If the data buffer is an empty string, […] return"."""
    if not view.sse or not view.events:
        return
    kind = "rewrite.empty-block"
    starts = [event.start for event in view.events]
    yield from spliced(kind, "an extra blank line before each event", _each(starts, b"\n"))
    yield from spliced(
        kind, "events without data between events", _each(starts, b"event: ping\n\n")
    )
    yield from spliced(kind, "a blank line first", [(starts[0], 0, b"\n")])
    yield from spliced(kind, "many blank lines", [(starts[-1], 0, b"\n" * _MANY)])
    if view.records[-1].closed:
        yield from spliced(kind, "a blank line last", [(len(view.body), 0, b"\n")])
        yield from spliced(
            kind, "an event without data last", [(len(view.body), 0, b"event: x\n\n")]
        )


def colons(view: View) -> Iterator[Plan]:
    """One space is optional: "If value starts with a U+0020 SPACE character, remove it"."""
    if not view.sse:
        return
    kind = "rewrite.colon"
    every: dict[str, Changes] = {"data": [], "event": [], "": []}
    added: Changes = []
    for line in view.lines:
        if not line.name or line.value == line.end:
            continue
        if not view.body.startswith(b" ", line.value - 1):
            added.append((line.value, 0, b" "))
        elif not view.body.startswith(b" ", line.value):
            for name in {line.name, ""} & every.keys():
                every[name].append((line.value - 1, 1, b""))
    if every[""]:
        yield from spliced(kind, "no space after the colons", every[""])
    for name in ("data", "event"):
        if every[name] and every[name] != every[""]:
            yield from spliced(kind, f"no space after {name}:", every[name])
    if added:
        yield from spliced(kind, "a space after the colons", added)


def split_data(view: View) -> Iterator[Plan]:
    """Data over several lines: joined with LF, which is white space between JSON tokens."""
    if not view.sse or view.opaque:
        return
    kind = "rewrite.split-data"
    events = [event for event in view.events if event.node is not None]
    joints = [_joints(event.node) for event in events]
    inner = [places[len(places) // 2] for places in joints if places]
    yield from spliced(kind, "data split over two lines", _each(inner, b"\ndata: "))
    every = [place for places in joints for place in places]
    yield from spliced(kind, "data split over many lines", _each(every, b"\ndata:"))
    commented = _each(inner, b"\n: ping\ndata: ")
    yield from spliced(kind, "data split over two lines with a comment between", commented)
    yield from spliced(kind, "CRLF inside data split over two lines", _each(inner, b"\r\ndata: "))
    starts = [event.fields[0].start for event in events]
    yield from spliced(kind, "an empty data line first", _each(starts, b"data:\n"))
    yield from spliced(kind, "a data line without colon first", _each(starts, b"data\n"))
    ends = [event.fields[0].end for event in events]
    yield from spliced(kind, "an empty data line last", _each(ends, b"\ndata"))


def _joints(node: Node | None) -> list[int]:
    """Places before the names of members, in the order of the text."""
    if node is None:
        return []
    places = [place for item in node.items for place in _joints(item)]
    for member in node.members:
        places.extend((member.key_start, *_joints(member.value)))
    return places


def _each(places: Iterable[int], text: bytes) -> Changes:
    return [(at, 0, text) for at in places]


FAMILIES = (
    Family("rewrite.line-ends", "line ends of another kind, or mixed", "rewrite", True, line_ends),
    Family("rewrite.bom", "a byte order mark first", "rewrite", True, byte_order_mark),
    Family("rewrite.comment", "comments beside data", "rewrite", True, comments),
    Family("rewrite.keep-alive", "comments in blocks of their own", "rewrite", True, keep_alives),
    Family("rewrite.split-data", "data split over several lines", "rewrite", True, split_data),
    Family("rewrite.colon", "a space after the colon, or none", "rewrite", True, colons),
    Family(
        "rewrite.field", "id, retry and event lines that change nothing", "rewrite", True, fields
    ),
    Family("rewrite.unknown-field", "fields that are not known", "rewrite", True, unknown_fields),
    Family(
        "rewrite.empty-block", "blank lines and blocks without data", "rewrite", True, empty_blocks
    ),
)
