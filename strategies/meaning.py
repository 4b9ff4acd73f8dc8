"""What a stream says: finish reasons, errors, the terminal marker, the order of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

from replayfuzz.formats.spans import Record, events
from replayfuzz.plan import Head, Plan, Splice
from replayfuzz.strategies.changes import doubled, dropped, gone, put
from replayfuzz.strategies.endings import stop
from replayfuzz.strategies.family import Family, bent, ends_and_middle, spliced, spread
from replayfuzz.strategies.view import View

_EVENTS = 12  # events that a family drops, doubles or swaps, one at a time
_STATUSES = (400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529)
_UNKNOWN = "a_reason_to_come"


def finishes(view: View) -> Iterator[Plan]:
    """Each documented finish reason, one to come, none, and no word of it."""
    if view.dialect is None:
        return
    sites = view.sites("finish")
    spoken = [site for site in sites if site.node and site.node.kind == "string"]
    if not spoken:
        return
    site = spoken[-1]
    kind = "meaning.finish"
    name = view.dialect.sites["finish"][0][-1]
    words = [json.dumps(word).encode() for word in (*view.dialect.finishes, _UNKNOWN, "")]
    for text in (*words, b"null", b"0", b"{}"):
        if text != view.body[site.start - 1 : site.end + 1]:
            label = f"{name} -> {text.decode().replace(chr(34), chr(39))}"
            yield from spliced(kind, label, [put(site, text)])
    yield from spliced(kind, f"no {name}", [gone(site)])
    yield from spliced(kind, f"the event with {name} twice", [doubled(view, site.event)])
    nulls = [one for one in sites if one.node and one.node.kind == "null"]
    for one in ends_and_middle(nulls)[:2]:
        yield from spliced(kind, f"{name} too early", [put(one, words[0])])
        yield from spliced(kind, f"a null {name} left out", [gone(one)])


def errors(view: View) -> Iterator[Plan]:
    """The provider's error in mid-stream: first, between events, before the end, and last."""
    if view.dialect is None or not view.events:
        return
    starts = [event.start for event in view.events]
    last = view.terminal.start if view.terminal else len(view.body)
    places = {
        starts[len(starts) // 2]: "in mid-stream",
        starts[0]: "at the start",
        last: "before the end",
        len(view.body): "at the end",
    }
    for name, record in view.dialect.errors.items():
        for at, where in places.items():
            added = Splice(at, 0, record, "meaning.error", f"{name} {where}")
            yield bent(added)
            if at < len(view.body):
                yield bent(added, stop(view.body, at, "complete"))
            yield bent(added, stop(view.body, at, "fin"))


def statuses(view: View) -> Iterator[Plan]:
    """An HTTP status instead of a stream, with the provider's error, other bodies, or none."""
    body = b'{"error":{"message":"The model is overloaded","type":"server_error"}}'
    if view.dialect is not None and view.dialect.errors:
        record = next(iter(view.dialect.errors.values()))
        body = (events(record, view.format)[0].data or "").encode()
    rows = [(status, "application/json", body) for status in _STATUSES]
    rows += [
        (429, "application/json", b""),
        (500, "text/html", b"<html><body>Internal Server Error</body></html>"),
        (503, "text/plain", b"upstream connect error"),
        (502, "application/json", b'{"error":'),
        (204, "", b""),
        (307, "text/plain", b""),
        (500, view.dialect.content_type if view.dialect else "text/event-stream", view.body),
    ]
    for status, type_, text in rows:
        words = f"HTTP {status} with {len(text)} bytes of {type_ or 'nothing'}"
        head = Head(
            status=status,
            framing="content-length",
            fields=(("Content-Type", type_),),
            kind="meaning.status",
            label=words,
        )
        label = f"the body of an HTTP {status}"
        change = Splice(0, len(view.body), text, "meaning.status", label)
        yield bent(*([] if text == view.body else [change]), head=head)


def terminals(view: View) -> Iterator[Plan]:
    """The terminal marker missing, doubled, first, too early, or named otherwise."""
    last = view.terminal
    if last is None:
        return
    kind = "meaning.terminal"
    marker = view.body[last.start : last.end]
    name = "[DONE]" if last.data == "[DONE]" else "the terminal event"
    yield from spliced(kind, f"drop {name}", [(last.start, last.end - last.start, b"")])
    yield from spliced(kind, f"{name} twice", [(last.end, 0, marker)])
    spoken = view.spoken
    if spoken:
        yield from spliced(kind, f"{name} first", [(spoken[0].start, 0, marker)])
        middle = spoken[len(spoken) // 2]
        yield from spliced(kind, f"{name} in mid-stream", [(middle.start, 0, marker)])
        yield from spliced(
            kind,
            f"{name} before the event before it",
            [dropped(last), (spoken[-1].start, 0, marker)],
        )
        yield from spliced(
            kind,
            f"no {name} and no event before it",
            [(spoken[-1].start, len(view.body) - spoken[-1].start, b"")],
        )
    if last.data == "[DONE]" and last.fields:
        line = last.fields[-1]
        size = line.end - line.value
        for text in (b"[done]", b" [DONE]", b"[DONE] ", b'"[DONE]"', b"DONE", b"{}"):
            yield from spliced(kind, f"[DONE] -> {text.decode()!r}", [(line.value, size, text)])


def drops(view: View) -> Iterator[Plan]:
    """One event lost."""
    for event in spread(view.spoken, _EVENTS):
        label = f"drop event {_number(view, event)}"
        yield from spliced("meaning.drop", label, [dropped(event)])


def doubles(view: View) -> Iterator[Plan]:
    """One event twice."""
    for event in spread(view.spoken, _EVENTS):
        label = f"event {_number(view, event)} twice"
        yield from spliced("meaning.double", label, [doubled(view, event)])


def swaps(view: View) -> Iterator[Plan]:
    """Two neighbours in the other order."""
    for first, second in spread(list(pairwise(view.events)), _EVENTS):
        label = f"events {_number(view, first)} and {_number(view, second)} swapped"
        moved = view.body[second.start : second.end]
        yield from spliced("meaning.swap", label, [(first.start, 0, moved), dropped(second)])


def unknown_events(view: View) -> Iterator[Plan]:
    """Events that the dialect does not document, between those that it does."""
    if not view.events:
        return
    records: tuple[tuple[str, bytes], ...] = (
        ("an unknown record", b'{"type":"x_unknown","x":1}\n'),
    )
    if view.sse:
        records = (
            ("event: keepalive with data", b"event: keepalive\ndata: {}\n\n"),
            ("event: ping", b'event: ping\ndata: {"type": "ping"}\n\n'),
            (
                "an event of an unknown type",
                b'event: x_unknown\ndata: {"type":"x_unknown","x":1}\n\n',
            ),
            ("an unknown event that is no JSON", b"event: x_unknown\ndata: hello\n\n"),
            ("an unknown object", b'data: {"object":"x_unknown","type":"x_unknown"}\n\n'),
        )
    starts = [event.start for event in view.events]
    for label, record in records:
        for at in ends_and_middle(starts):
            yield from spliced(
                "meaning.unknown-event", f"{label} between events", [(at, 0, record)]
            )


def _number(view: View, event: Record) -> int:
    """Its number among the events, from 1."""
    return view.events.index(event) + 1


FAMILIES = (
    Family(
        "meaning.terminal",
        "the terminal marker missing, doubled, early",
        "meaning",
        False,
        terminals,
    ),
    Family("meaning.error", "the provider's errors in mid-stream", "meaning", False, errors),
    Family(
        "meaning.finish",
        "finish reasons: each, unknown, null, missing, twice",
        "meaning",
        False,
        finishes,
    ),
    Family("meaning.drop", "one event lost", "meaning", False, drops),
    Family("meaning.double", "one event twice", "meaning", False, doubles),
    Family("meaning.swap", "two events in the other order", "meaning", False, swaps),
    Family(
        "meaning.unknown-event", "events that are not documented", "meaning", False, unknown_events
    ),
    Family("meaning.status", "an HTTP status instead of a stream", "meaning", False, statuses),
)
