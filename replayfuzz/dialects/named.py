"""Events that have a name of their own (``event:``): errors, and those that nobody documents."""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.rulings import MESSAGE_TEXT, UNKNOWN_NOT_JSON
from replayfuzz.dialects.story import ProviderError, Story, message_of


def error_message(data: str, story: Story) -> str:
    """The message of an ``event: error``: its data is an error object, a string, or plain text."""
    readable, value = story.value(data)
    if readable:
        return message_of(value)
    return data if story.rulings.pick(MESSAGE_TEXT) == "text" else ""


def unknown(data: str, story: Story) -> dict[str, Any] | None:
    """The object that the data of an event of an undocumented name is; None: it is none.

    Raises:
        ProviderError: It is no JSON object, and that is an error.
    """
    readable, value = story.value(data)
    if readable and isinstance(value, dict):
        return value
    if story.rulings.pick(UNKNOWN_NOT_JSON) == "error":
        raise ProviderError("")
    return None
