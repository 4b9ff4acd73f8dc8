"""The record that describes a provider API. A dialect is data and one reading function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from replayfuzz.formats.spans import Format, Record
from replayfuzz.transcript import Expected

Path = tuple[str | int | None, ...]
"""Steps into a JSON value: member names and indexes; None stands for every index."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What surrounds a body: what the reader knows besides its bytes.

    Attributes:
        status: HTTP status code.
        message_end: See ``wire.message_end``.
    """

    status: int = 200
    message_end: Literal["complete", "incomplete", "open"] = "complete"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider API.

    Attributes:
        name: Such as ``openai.chat``.
        format: How events are told apart: ``sse`` (data only or event + data), ``ndjson``,
            ``json-array`` (each event is an element) or ``aws-event-stream``.
        content_type: Of the response.
        path: Request path below the base URL.
        expect: The oracle. Called with the body's pieces (joined, they are the body as
            sent) and how the message ended, it gives every acceptable outcome, the
            ordinary one first. The result depends on the joined bytes alone.
        source: Where the provider documents the stream.
        terminal: The exact record that ends a stream (``data: [DONE]``), or b""
            where the last event is told by its content.
        sites: Where values of a kind stand in an event's JSON: ``text``, ``reasoning``,
            ``refusal``, ``arguments``, ``finish``, ``role``, ``usage``, ``model``, ``choices``,
            ``delta``, ``tool_id``, ``tool_name``, ``tool_index``, ``tool_type``, ``type``.
        only: Kinds of site that count in some events only, where one member means different
            things in different events: the names of those (``event:``, else ``type`` in the
            data).
        finishes: Documented finish reasons.
        errors: Records (whole, as sent) that the provider sends for an error in
            mid-stream, by a name for people.
        order: Event-order table: state -> event name -> next state; ``start`` first.
    """

    name: str
    format: Format
    content_type: str
    path: str
    expect: Callable[[tuple[bytes, ...], Ended], tuple[Expected, ...]]
    source: str
    terminal: bytes = b""
    sites: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    finishes: tuple[str, ...] = ()
    errors: Mapping[str, bytes] = field(default_factory=dict)
    order: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def paths(self, kind: str, event: Record, body: bytes) -> tuple[Path, ...]:
        """Where values of *kind* stand in *event*, a record of *body*."""
        names = self.only.get(kind)
        if names is not None and _name(event, body) not in names:
            return ()
        return self.sites.get(kind, ())


def _name(event: Record, body: bytes) -> str:
    if event.event or event.node is None:
        return event.event
    kind = event.node.get("type")
    if kind is None or kind.kind != "string":
        return ""
    return body[kind.start + 1 : kind.end - 1].decode("utf-8", "replace")
