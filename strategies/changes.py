"""Changes to a body as ``(at, remove, insert)``: the pieces that families of bends are made of."""

from __future__ import annotations

from replayfuzz.formats.spans import Node, Record
from replayfuzz.strategies.view import Site, View

Change = tuple[int, int, bytes]
"""Offset in the recorded body, bytes taken away there, bytes put in their place."""


def dropped(event: Record) -> Change:
    """The event is gone."""
    return event.start, event.end - event.start, b""


def doubled(view: View, event: Record) -> Change:
    """The event comes twice."""
    return event.end, 0, view.body[event.start : event.end]


def put(site: Site, text: bytes) -> Change:
    """JSON *text* stands where the whole value stood."""
    start, end = (site.node.start, site.node.end) if site.node else (site.start, site.end)
    return start, end - start, text


def copied(view: View, site: Site, text: bytes) -> Change:
    """Behind the event comes a copy of it, with JSON *text* as that value."""
    return site.event.end, 0, copy_of(view, site, text)


def copy_of(view: View, site: Site, text: bytes) -> bytes:
    """The event's bytes, with JSON *text* as that value."""
    at, size, _ = put(site, text)
    return view.body[site.event.start : at] + text + view.body[at + size : site.event.end]


def removed(event: Record, node: Node) -> Change:
    """The member with that value is gone, and one comma; an item of an array becomes null."""
    found = _member(event.node, node)
    if found is None:
        return node.start, node.end - node.start, b"null"
    return found[0], found[1] - found[0], b""


def gone(site: Site) -> Change:
    """The member whose value stands at *site* is gone; content of raw data becomes empty."""
    if site.node is None:
        return site.start, site.end - site.start, b""
    return removed(site.event, site.node)


def _member(top: Node | None, value: Node) -> tuple[int, int] | None:
    """Where the member with that *value* stands, with one of its commas."""
    if top is None:
        return None
    for number, member in enumerate(top.members):
        if member.value is not value:
            continue
        if number + 1 < len(top.members):
            return member.key_start, top.members[number + 1].key_start
        start = top.members[number - 1].value.end if number else member.key_start
        return start, value.end
    for node in (*(member.value for member in top.members), *top.items):
        if node.start <= value.start and value.end <= node.end:
            return _member(node, value)
    return None
