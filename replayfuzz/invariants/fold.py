"""What a transcript amounts to, however its events were parted.

Libraries hand on the same content in other pieces than the provider sent it: helpers
accumulate, raw iterators do not. So transcripts are compared by what their events add up
to: text joined for each choice, tool calls by (choice, index), the last finish reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from replayfuzz.transcript import Event

CONTENT = frozenset({"text", "reasoning", "refusal"})
SpokenEvent = tuple[str, str, str, int | None]
"""Name, data, last event ID and reconnection time of a raw event, defaults filled in."""


def fold(events: Iterable[Event], reports: frozenset[str] | None = None) -> dict[Any, Any]:
    """Add events up; equal folds mean equal to a caller. One pass, since every example runs it.

    Args:
        events: Of a transcript or of an outcome.
        reports: Event types to look at; None: all.

    Returns:
        Parts by key. Besides the contents there are ``"late"`` (choices with content after
        their finish reason) and ``"after"`` (types of events after ``done``).
    """
    parts: dict[Any, list[Any]] = {}
    marks: dict[Any, Any] = {}
    for event in events:
        kind, values = event.type, event.values
        if reports is not None and kind not in reports:
            continue
        if "done" in marks and kind != "done":
            marks.setdefault("after", []).append(kind)
        if kind in CONTENT:
            choice, text = values.get("choice") or 0, values.get("text")
            if text:
                parts.setdefault((kind, choice), []).append(text)
                if ("finish", choice) in marks:
                    marks[("late", choice)] = True
        else:
            _fold_other(parts, marks, event)
    for key, texts in parts.items():
        marks[key] = "".join(texts) if key[0] in CONTENT or key[0] == "tool" else texts
    return marks


def _fold_other(parts: dict[Any, list[Any]], marks: dict[Any, Any], event: Event) -> None:
    kind, values = event.type, event.values
    match kind:
        case "sse":
            parts.setdefault(("sse", 0), []).append(spoken(event))
        case "record":
            parts.setdefault(("record", 0), []).append(values.get("value"))
        case "tool":
            choice, index = values.get("choice") or 0, values.get("index") or 0
            parts.setdefault(("tool", choice, index), []).append(values.get("arguments") or "")
            for name in ("id", "name"):
                if values.get(name):
                    marks.setdefault((name, choice, index), values[name])
            if ("finish", choice) in marks:
                marks[("late", choice)] = True
        case "done":
            marks["done"] = marks.get("done", 0) + 1
        case _:
            _fold_value(marks, event)


def _fold_value(marks: dict[Any, Any], event: Event) -> None:
    kind, values = event.type, event.values
    match kind:
        case "finish" if values.get("reason") is not None:
            marks[("finish", values.get("choice") or 0)] = values["reason"]
        case "role" if values.get("role") is not None:
            # Some providers repeat it in every event; the first one is the message's.
            marks.setdefault(("role", values.get("choice") or 0), values["role"])
        case "usage":
            marks["usage"] = merged(marks.get("usage", {}), values.get("usage"))
        case "model" if values.get("model"):
            marks.setdefault("model", set()).add(values["model"])
        case "error":
            marks["error"] = True


def spoken(event: Event) -> SpokenEvent:
    """An ``sse`` event with its defaults (WHATWG HTML 9.2.6: the default name is message)."""
    get = event.values.get
    return get("event") or "message", get("data") or "", get("id") or "", get("retry")


def merged(first: Mapping[str, Any], second: object) -> dict[str, Any]:
    """Token counts of two usage events: later numbers win, null says nothing."""
    if not isinstance(second, Mapping):
        return dict(first)
    known = {name: value for name, value in second.items() if value is not None}
    for name, value in known.items():
        if isinstance(value, Mapping):
            earlier = first.get(name)
            known[name] = merged(earlier if isinstance(earlier, Mapping) else {}, value)
    return {**first, **{name: value for name, value in known.items() if value != {}}}
