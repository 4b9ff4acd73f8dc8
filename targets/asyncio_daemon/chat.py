"""What one event of a chat completion is to the client: a piece of text, an error, the end.

The schema is OpenAI's API reference, "The chat completion chunk object"; errors come in
the shapes that its followers send.
"""

from __future__ import annotations

import json
import re
from typing import Any

from replayfuzz.targets.asyncio_daemon import strict_json
from replayfuzz.targets.asyncio_daemon.sse import Event

DONE = b"data: [DONE]\n\n"

_SURROGATE = re.compile("[\ud800-\udfff]")


class ProviderError(Exception):
    """The stream says that it failed, or cannot be read; the message is for the client."""


def is_done(event: Event) -> bool:
    """Whether *event* is the marker of a whole stream."""
    return event.data.strip() == "[DONE]"


def content(event: Event) -> bytes:
    """The client's events for the text that *event* holds; b"" for none.

    Raises:
        ProviderError: It tells an error, or is no chunk of a chat completion.
    """
    try:
        chunk = strict_json.loads(event.data)
    except ValueError:
        chunk = None
    if event.type == "error":
        told = message_of(chunk)
        raise ProviderError(told or ("upstream error" if chunk is not None else event.data))
    if not isinstance(chunk, dict):
        raise ProviderError("upstream sent an event that is not a JSON object")
    if chunk.get("error") or (chunk.get("object") == "error" and message_of(chunk)):
        raise ProviderError(message_of(chunk) or "upstream error")
    choices = _typed(chunk.get("choices"), list, "choices")
    return b"".join(_piece(choice, place) for place, choice in enumerate(choices or ()))


def _piece(choice: Any, place: int) -> bytes:
    choice = _typed(choice, dict, "a choice") or {}
    index = choice.get("index")
    if (place if index is None else index) != 0:
        return b""
    delta = _typed(choice.get("delta"), dict, "delta") or {}
    text = _typed(delta.get("content"), str, "content")
    return _event("content", text) if text else b""


def _typed(value: Any, kind: type, name: str) -> Any:
    # To drop what cannot be read would be to show a client less than there was.
    if value is None or isinstance(value, kind):
        return value
    raise ProviderError(f"upstream sent {name} of a wrong type")


def message_of(value: Any) -> str:
    """The text for people in an error as providers write it; "" where there is none."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if value.get("error"):
        return message_of(value["error"])
    told = (value.get(name) for name in ("message", "detail"))
    return next((text for text in told if text and isinstance(text, str)), "")


def error(message: str) -> bytes:
    """The client's event for an error."""
    return _event("error", message)


def error_object(message: str) -> bytes:
    """The body of a response that is an error."""
    return _object("error", message)


def _event(name: str, text: str) -> bytes:
    return b"data: " + _object(name, text) + b"\n\n"


def _object(name: str, text: str) -> bytes:
    # Half a character cannot be written in UTF-8 (RFC 8259 section 8.2).
    whole = _SURROGATE.sub("\ufffd", text)
    return json.dumps({name: whole}, ensure_ascii=False, separators=(",", ":")).encode()
