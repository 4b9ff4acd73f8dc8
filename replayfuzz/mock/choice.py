"""What a request, or a word of the control API, chooses to be answered with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from replayfuzz.errors import UsageError
from replayfuzz.mock.asked import Asked

_MOST_TIMES = 1_000_000
_HEADERS = {
    "pattern": "x-test-pattern",
    "cassette": "x-replayfuzz-cassette",
    "plan": "x-replayfuzz-plan",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A stream and its bend; None: somebody else may choose.

    Attributes:
        pattern: Text of ``X-Test-Pattern``.
        cassette: Name of a cassette; it counts more than a pattern.
        plan: Name of a plan, or a plan as JSON text.
    """

    pattern: str | None = None
    cassette: str | None = None
    plan: str | None = None

    def over(self, other: Choice) -> Choice:
        """This choice, and of *other* what this leaves open."""
        plan = other.plan if self.plan is None else self.plan
        if self.pattern is None and self.cassette is None:
            return replace(other, plan=plan)
        return replace(self, plan=plan)

    def told(self) -> dict[str, str]:
        """What it holds, as JSON values."""
        parts = {"pattern": self.pattern, "cassette": self.cassette, "plan": self.plan}
        return {name: value for name, value in parts.items() if value is not None}


def of_request(asked: Asked) -> Choice:
    """What the fields of a request choose; an empty one chooses nothing."""
    found = {part: (asked.value(name) or "").strip() or None for part, name in _HEADERS.items()}
    return Choice(**found)


def of_json(body: bytes) -> list[tuple[Choice, int]]:
    """Read ``{"cassette"?, "pattern"?, "plan"?, "times"?}``, or a list of such.

    Returns:
        The choices, each with how many requests it is for.

    Raises:
        UsageError: It is something else.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the body is no JSON: {error}") from error
    return [_entry(item) for item in (value if isinstance(value, list) else [value])]


def _entry(value: object) -> tuple[Choice, int]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{str(value)[:80]!r} is no object of pattern, cassette, plan and times")
    if unknown := sorted(set(value) - {*_HEADERS, "times"}):
        raise UsageError(f"there is no {unknown[0]!r}; there are cassette, pattern, plan and times")
    if {"cassette", "pattern"} <= set(value):
        raise UsageError("a request is answered with a cassette or a pattern; give one of them")
    times = value.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= _MOST_TIMES:
        raise UsageError(f"times is {times!r}, not a number from 1 to {_MOST_TIMES}")
    return Choice(**{part: _text(part, value[part]) for part in _HEADERS if part in value}), times


def _text(part: str, value: Any) -> str:
    if part == "plan" and isinstance(value, Mapping):
        return json.dumps(value)
    if not isinstance(value, str):
        raise UsageError(f"{part} is {str(value)[:80]!r}, not a text")
    return value.strip()
