"""Event-order tables: in which order a dialect's events may come, choice by choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from replayfuzz.transcript import Event

Order = Mapping[str, Mapping[str, str]]

_SHARED = frozenset({"model", "usage", "error", "done"})  # these belong to no single choice


def disorder(order: Order, events: Iterable[Event]) -> int | None:
    """Find the first event that its table does not allow where it stands.

    Every choice walks the table on its own; events that belong to no choice (model, usage,
    error, done) move all of them.

    Returns:
        Its index, or None: the events are in order. Tables without states allow anything.
    """
    if not order:
        return None
    base = "start"
    choices: dict[int, str] = {}
    for number, event in enumerate(events):
        if event.type in _SHARED:
            moved = {choice: order[state].get(event.type) for choice, state in choices.items()}
            onward = order[base].get(event.type)
        else:
            choice = event.get("choice")
            onward = base
            moved = {choice: order[choices.get(choice, base)].get(event.type)}
        known = {choice: state for choice, state in moved.items() if state is not None}
        if onward is None or len(known) < len(moved):
            return number
        base = onward
        choices.update(known)
    return None


CHAT: Order = {
    "start": {
        "model": "start",
        "usage": "start",
        "role": "open",
        "reasoning": "open",
        "text": "open",
        "refusal": "open",
        "tool": "open",
        "finish": "finished",
        "error": "ended",
        "done": "ended",
    },
    "open": {
        "model": "open",
        "usage": "open",
        "role": "open",
        "reasoning": "open",
        "text": "open",
        "refusal": "open",
        "tool": "open",
        "finish": "finished",
        "error": "ended",
        "done": "ended",
    },
    # Providers repeat role and finish reason in a last chunk that holds the usage.
    "finished": {
        "model": "finished",
        "usage": "finished",
        "role": "finished",
        "finish": "finished",
        "error": "ended",
        "done": "ended",
    },
    "ended": {},
}
"""One message for each choice: content, then its finish reason, then nothing but usage; after
``done`` or ``error`` nothing at all."""

RECORDS: Order = {
    "start": {"record": "start", "error": "ended", "done": "ended"},
    "ended": {},
}
"""Values that a stream brings one by one; after ``done`` or ``error`` nothing at all."""
