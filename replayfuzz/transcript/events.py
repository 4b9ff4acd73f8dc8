"""What a caller sees: one vocabulary for targets and oracle.

Worker protocol v1 carries events as JSON objects with the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
