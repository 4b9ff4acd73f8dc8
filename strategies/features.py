"""What a stream can exercise in a reader: so that silence is not taken for health."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import Ended
from replayfuzz.formats.spans import Record
from replayfuzz.plan import Plan
from replayfuzz.strategies.view import SPOKEN, View, view

FEATURES: dict[str, str] = {
    "event": "no stream had an event",
    "several events": "no stream had more than one event",
    "text": "no stream had text",
    "multi-byte character": "no stream had a character of several bytes",
    "character beyond U+FFFF": "no stream had a character beyond U+FFFF",
    "escape": "no stream had an escape in a JSON string",
    "tool call": "no stream had a tool call",
    "parallel tool calls": "no stream had two tool calls",
    "reasoning": "no stream had reasoning",
    "refusal": "no stream had a refusal",
    "finish reason": "no stream had a finish reason",
    "usage": "no stream had usage",
    "error": "no stream had an error in mid-stream",
    "terminal marker": "no stream had its terminal marker",
    "event name": "no stream had named events",
    "comment": "no stream had a comment",
    "CRLF": "no stream had CRLF line ends",
    "CR": "no stream had CR line ends",
    "byte order mark": "no stream had a byte order mark",
    "data of several lines": "no event had data of several lines",
    "boundary": "no stream came in more than one piece",
    "split character": "no character was split",
    "split line end": "no CRLF was split",
    "early end": "no stream ended early",
}
"""Every feature, and what is to be said when no stream of a run had it."""


def features(exchange: Exchange, plan: Plan | None = None) -> frozenset[str]:
    """What *exchange*, bent by *plan*, can exercise: some keys of FEATURES.

    Raises:
        PlanError: The plan does not fit the body.
    """
    if plan is None:
        return frozenset(_holds(view(exchange)))
    bent = wire.bend(exchange, plan)
    sent = replace(exchange, body=bent.body, chunks=())
    return frozenset((*_holds(view.__wrapped__(sent)), *_delivery(bent)))


def never(seen: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """Sentences for the features that none of the streams had."""
    had = frozenset().union(*seen)
    return tuple(sentence for name, sentence in FEATURES.items() if name not in had)


def _holds(here: View) -> Iterator[str]:
    return _told(here) if here.format == "aws-event-stream" else _structure(here)


def _told(here: View) -> Iterator[str]:
    """What binary messages hold, which have no places of their own: as their reader tells it."""
    if here.dialect is None:
        return
    told = here.dialect.expect((here.body,), Ended())[0]
    kinds = [event.type for event in told.events]
    said = "".join(event.get("text") for event in told.events if event.type in SPOKEN)
    tools = [event for event in told.events if event.type == "tool" and event.get("name")]
    tests = {
        "event": bool(here.records),
        "several events": len(here.records) > 1,
        "text": "text" in kinds,
        "multi-byte character": not said.isascii(),
        "character beyond U+FFFF": any(char > "\uffff" for char in said),
        "tool call": bool(tools),
        "parallel tool calls": len(tools) > 1,
        "reasoning": "reasoning" in kinds,
        "finish reason": "finish" in kinds,
        "usage": "usage" in kinds,
        "error": told.end == "error",
        "terminal marker": told.terminal,
        "event name": any(record.event for record in here.records),
    }
    yield from (name for name, has in tests.items() if has)


def _structure(here: View) -> Iterator[str]:
    body = here.body
    tools = {site.start for site in here.sites("tool_name")}
    tests = {
        "event": bool(here.events),
        "several events": len(here.events) > 1,
        "text": any(site.kind == "text" and site.start < site.end for site in here.texts),
        "multi-byte character": bool(here.characters),
        "character beyond U+FFFF": any(char.size == 4 for char in here.characters),
        "escape": bool(here.escapes),
        "tool call": bool(tools),
        "parallel tool calls": len(tools) > 1,
        "reasoning": any(site.kind == "reasoning" and site.start < site.end for site in here.texts),
        "refusal": any(site.kind == "refusal" and site.start < site.end for site in here.texts),
        "finish reason": _any_of(here, "finish", "string"),
        "usage": _any_of(here, "usage", "object"),
        "error": any(map(_is_error, here.events)),
        "terminal marker": here.terminal is not None,
        "event name": here.named,
        "comment": any(body.startswith(b":", line.start) for line in here.lines),
        "CRLF": b"\r\n" in body,
        "CR": b"\r" in body.replace(b"\r\n", b""),
        "byte order mark": body.startswith(b"\xef\xbb\xbf"),
        "data of several lines": any(len(event.fields) > 1 for event in here.events),
    }
    return (name for name, has in tests.items() if has)


def _any_of(here: View, kind: str, shape: str) -> bool:
    return any(site.node is not None and site.node.kind == shape for site in here.sites(kind))


def _is_error(event: Record) -> bool:
    error = event.node.get("error") if event.node else None
    return event.event == "error" or (error is not None and error.kind != "null")


def _delivery(bent: wire.Bent) -> Iterator[str]:
    body = bent.body
    places = [at for at, _ in bent.cuts if 0 < at < len(body)]
    if places:
        yield "boundary"
    # A byte 10xxxxxx goes on with a character (RFC 3629 section 3).
    if any(body[at] & 0xC0 == 0x80 for at in places):
        yield "split character"
    if any(body[at - 1 : at + 1] == b"\r\n" for at in places):
        yield "split line end"
    if bent.how != "complete" or len(bent.body) < bent.full:
        yield "early end"
