"""What a target reported, and what the oracle expects: one vocabulary for both.

An event is what a caller of the library sees; nothing is read from a library's
internals. Worker protocol v1 carries events as JSON objects with the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EVENT_FIELDS: dict[str, tuple[str, ...]] = {
    "role": ("choice", "role"),
    "text": ("choice", "text"),
    "reasoning": ("choice", "text"),
    "refusal": ("choice", "text"),
    "tool": ("choice", "index", "id", "name", "arguments"),
    "finish": ("choice", "reason"),
    "usage": ("usage",),
    "model": ("model",),
    "error": ("message",),
    "done": (),
    "sse": ("event", "data", "id", "retry"),
    "record": ("value",),
}
"""Event types and the fields that each may have besides ``t`` (seconds since the call
began). A field that a library does not show is left out."""

DEFAULTS: dict[str, Any] = {"choice": 0, "index": 0}

OutcomeEnd = Literal["complete", "error", "truncated"]
End = Literal["complete", "error", "truncated", "crash", "hang", "garbage"]
"""How a call ended. ``complete``: the library said nothing is missing. ``error``: it
raised. ``truncated`` (oracle, and readers that say so): the stream stopped early.
``crash``: the process died. ``hang``: no answer in time. ``garbage``: the answer was
not the worker protocol."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a caller saw.

    Attributes:
        type: A key of EVENT_FIELDS.
        values: The fields of that type that were shown.
        t: Seconds since the call began; None where nobody measured.
    """

    type: str
    values: Mapping[str, Any] = field(default_factory=dict)
    t: float | None = field(default=None, compare=False)

    def get(self, name: str) -> Any:
        """The value of field *name*, or its default (0 for choice and index, else None)."""
        value = self.values.get(name)
        return DEFAULTS.get(name) if value is None else value


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a call.

    Attributes:
        type: Name of the exception's class, qualified by its module where known.
        message: Its text, as a caller would print it.
        frame: ``module:function`` of the innermost frame inside the library, or "".
    """

    type: str = ""
    message: str = ""
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the stream reached the target.

    Attributes:
        over: ``memory``, ``tcp`` or ``unix``.
        segments: Sends that the script asked for and that were begun.
        verified: Of those, how many the peer was seen to have read before the next one
            was sent; None where it could not be asked (memory, or a peer elsewhere).
        finished: The script was played to its end; False: the peer left before.
        stuck: The peer stopped reading; a wait for it ran into its bound.
        request: Raw request head and body that the target sent; empty for memory.
        waits: When each Wait of the script began and ended, in seconds since the request
            had been read.
    """

    over: Literal["memory", "tcp", "unix"]
    segments: int = 0
    verified: int | None = None
    finished: bool = True
    stuck: bool = False
    request: bytes = b""
    waits: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One call, as seen from outside.

    Attributes:
        events: In the order in which the caller saw them.
        end: How the call ended.
        error: Set when *end* is not ``complete``.
        delivery: How the bytes were delivered; None where nothing was sent.
        seconds: Wall time of the call; *cpu*: the process's CPU time, where it says so.
        stderr: The last of what the process wrote there during the call.
    """

    events: tuple[Event, ...] = ()
    end: End = "complete"
    error: Failure | None = None
    delivery: Delivery | None = field(default=None, compare=False)
    seconds: float | None = field(default=None, compare=False)
    cpu: float | None = field(default=None, compare=False)
    stderr: str = field(default="", compare=False)

    def of(self, kind: str) -> tuple[Event, ...]:
        """The events of one type."""
        return tuple(event for event in self.events if event.type == kind)

    def joined(self, kind: str) -> dict[int, str]:
        """Texts of one type, joined for each choice; choices without any are left out."""
        parts: dict[int, list[str]] = {}
        for event in self.events:
            if event.type == kind and event.get("text"):
                parts.setdefault(event.get("choice"), []).append(event.get("text"))
        return {choice: "".join(texts) for choice, texts in parts.items()}

    def tools(self) -> dict[tuple[int, int], ToolCall]:
        """Tool calls by (choice, index): first id and name shown, all argument pieces joined."""
        calls: dict[tuple[int, int], ToolCall] = {}
        for event in self.of("tool"):
            key = (event.get("choice"), event.get("index"))
            calls[key] = calls.get(key, ToolCall()).joined(event)
        return calls

    def last(self, kind: str, name: str) -> dict[int, Any]:
        """The last non-null value of a field (role, reason), for each choice."""
        return {
            event.get("choice"): event.get(name)
            for event in self.of(kind)
            if event.get(name) is not None
        }

    @property
    def message(self) -> str:
        """Text of the error that the caller was given: the exception's, or an error event's."""
        texts = [str(event.get("message") or "") for event in self.of("error")]
        return "\n".join([*texts, *([self.error.message] if self.error else [])])


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call put together from its pieces; *arguments* is the exact JSON text."""

    id: str | None = None
    name: str | None = None
    arguments: str = ""

    def joined(self, event: Event) -> ToolCall:
        """This call with one more ``tool`` event."""
        return ToolCall(
            self.id or event.get("id"),
            self.name or event.get("name"),
            self.arguments + (event.get("arguments") or ""),
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """One acceptable outcome; where the standard leaves a choice, there are several.

    Attributes:
        events, end, message: What a correct reader reports; *message* is the provider's
            text that an error must carry (empty: any).
        why: Clause that makes this outcome acceptable, for reports; empty for the
            ordinary one.
        status: HTTP status that was sent.
        message_end: ``complete``, ``incomplete`` or ``open`` (``wire.message_end``).
        terminal: The stream held its dialect's terminal marker.
        must_end: The reader has to return without waiting for more bytes.
        closes: The terminal marker is documented to end the stream by itself, not only to
            be its last event; with an open connection behind it, *must_end* is an order then.
        strict: False: an error of any kind is acceptable too (the bytes are not valid).
        how: How the stream ended (``plan.How``), where known; names the case of a truncation.
    """

    events: tuple[Event, ...] = ()
    end: OutcomeEnd = "complete"
    message: str = ""
    why: str = ""
    status: int = 200
    message_end: Literal["complete", "incomplete", "open"] = "complete"
    terminal: bool = False
    must_end: bool = True
    closes: bool = True
    strict: bool = True
    how: str = ""

    @property
    def transcript(self) -> Transcript:
        """This outcome as a transcript, to fold it as one."""
        error = Failure(message=self.message) if self.end != "complete" else None
        return Transcript(self.events, self.end, error)


def event(type: str, **values: Any) -> Event:
    """Build an event; fields that are None are left out."""
    return Event(type, {name: value for name, value in values.items() if value is not None})


def events_from_json(items: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
    """Read the ``events`` of a worker's answer.

    Raises:
        ValueError: An event has no known type, or a field that its type does not have.
    """
    return tuple(_event_from_json(item) for item in items)


def _event_from_json(item: Mapping[str, Any]) -> Event:
    values = dict(item)
    kind, t = values.pop("type", None), values.pop("t", None)
    if kind not in _NAMES:
        raise ValueError(f"event type {kind!r} is not one of {', '.join(EVENT_FIELDS)}")
    if None in values.values():
        values = {name: value for name, value in values.items() if value is not None}
    if not _NAMES[kind].issuperset(values):
        name = next(name for name in values if name not in _NAMES[kind])
        raise ValueError(f"a {kind!r} event has no field {name!r}")
    return Event(kind, values, t)


_NAMES = {kind: frozenset(names) for kind, names in EVENT_FIELDS.items()}


def event_to_json(event: Event) -> dict[str, Any]:
    """One event as worker protocol v1 has it."""
    shown = {"type": event.type, **event.values}
    return shown if event.t is None else {"t": event.t, **shown}
