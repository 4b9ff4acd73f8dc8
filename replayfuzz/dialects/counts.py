"""Token counts: numbers, in places that providers document by the same kinds of names."""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.story import Story

_COUNTS = ("_tokens", "_units", "_requests")
_GROUPS = frozenset({"billed_units", "tokens", "cache_creation", "server_tool_use"})


def report_usage(usage: dict[str, Any], story: Story, *, whole: bool = True) -> None:
    """Report token counts; where one is no number, or a group no object, a reader may refuse it.

    Args:
        usage: As it was sent.
        story: Where it is told.
        whole: The provider documents integers (Cohere: numbers). 2.0 is one: JSON Schema
            Validation 6.1.1.
    """
    _check(usage, story, whole=whole)
    story.emit("usage", usage=story.exact(usage))


def _check(usage: dict[str, Any], story: Story, *, whole: bool) -> None:
    for name, value in usage.items():
        if name in _GROUPS or name.endswith("_details"):
            _check(story.mapping(value), story, whole=whole)
        elif name.endswith(_COUNTS) and value is not None:
            story.strict = story.strict and is_count(value, whole=whole)


def is_count(value: Any, *, whole: bool = True) -> bool:
    """Whether *value* is a number, and where *whole* is asked for, one without a fraction."""
    if isinstance(value, float):
        return not whole or value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)
