"""What adapters share: reading models of any age, and telling what an accumulator gained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from replayfuzz.worker import Shown


def look(model: Any, name: str) -> Any:
    """Attribute or member *name*, whichever *model* has; None without either."""
    if isinstance(model, Mapping):
        return model.get(name)
    return getattr(model, name, None)


def said(value: Any) -> str:
    """*value* if it is text; libraries hand on what a provider sent, of whatever type."""
    return value if isinstance(value, str) else ""


def number(model: Any, name: str, default: int) -> int:
    """An index that *model* has, or *default*; some SDKs make 1.0 of 1."""
    value = look(model, name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def fields(model: Any) -> dict[str, Any]:
    """The members of a model (pydantic 1 or 2) or mapping that were sent."""
    if isinstance(model, Mapping):
        return dict(model)
    for name in ("to_dict", "model_dump", "dict"):
        dump = getattr(model, name, None)
        if callable(dump):
            shown = dump() if name == "to_dict" else dump(exclude_unset=True)
            return shown if isinstance(shown, dict) else {}
    return {}


class Grown:
    """Turns an accumulated message, seen again and again, into the events of its growth.

    Text that does not continue what was there is shown whole, so that it is noticed.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], str] = {}

    def value(self, event: Shown) -> Iterator[Shown]:
        """*event*, unless it is just what was shown of its type and choice before."""
        key, shown = (event["type"], event.get("choice", 0)), repr(event)
        if self._known.get(key) != shown:
            self._known[key] = shown
            yield event

    def text(self, kind: str, text: str, choice: int, *place: Any) -> Iterator[Shown]:
        """An event with what *text* has gained; *place* tells texts of one kind apart."""
        gained = self._gained((kind, choice, *place), text)
        if gained:
            yield {"type": kind, "choice": choice, "text": gained}

    def tool(self, call: Shown) -> Iterator[Shown]:
        """An event with what a tool call has gained: its id and name at first."""
        key = ("tool", call["choice"], call["index"])
        first = key not in self._known
        known = "".join(str(call.get(name, "")) for name in ("id", "name"))
        renamed = self._known.get((*key, "is")) != known
        self._known[(*key, "is")] = known
        gained = self._gained(key, call.get("arguments", ""))
        if first or gained or renamed:
            yield {**call, "arguments": gained}

    def _gained(self, key: tuple[Any, ...], text: str) -> str:
        before = self._known.get(key, "")
        self._known[key] = text
        return text.removeprefix(before)
