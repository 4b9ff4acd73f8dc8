"""Which dialect a recorded stream is: by its path and type, else by its first event."""

from __future__ import annotations

import json
import re
from typing import Any

from replayfuzz import dialects, redact
from replayfuzz.cassette import GUESSES, UNKNOWN, Exchange

_RAW = {"sse", "ndjson"}
_FIRST = 65536  # bytes that an event is looked for in

# A member of the first event with a text in it -> dialect. Tried in order.
_EVENTS: tuple[tuple[str, str, str], ...] = (
    ("object", r"chat\.completion\.chunk", "openai.chat"),
    ("object", r"text_completion", "openai.completions"),
    ("type", r"message_start", "anthropic.messages"),
    ("type", r"response\.\w+", "openai.responses"),
    ("type", r"transcript\.text\.\w+", "openai.audio"),
    ("candidates", r"", "gemini.stream"),
    ("message", r"", "ollama.chat"),
)


def dialect(exchange: Exchange) -> str:
    """Name of a dialect that is known; ``unknown`` where nothing tells, or nobody could read it."""
    path = re.split("[?#]", exchange.request.url)[0].rstrip("/")
    content = redact.decoded(exchange)
    if content is None:
        return UNKNOWN  # dialects read content, and this cannot be decoded
    fields = {name.lower(): value for name, value in content.fields}
    type_ = fields.get("content-type", "").partition(";")[0].strip().lower()
    found = UNKNOWN
    for name, ending, types in GUESSES:
        if type_ in types and name in dialects.NAMES and re.search(f"(?:{ending})$", path):
            found = name
            break
    if found not in _RAW:
        return found
    event = _first(content.body)
    for member, text, name in _EVENTS:
        told = event.get(member)
        shown = told if isinstance(told, str) else ""
        if told is not None and re.fullmatch(text or ".*", shown) and name in dialects.NAMES:
            return name
    return found


def _first(body: bytes) -> dict[str, Any]:
    """The first JSON object that is a line, or the data of one."""
    for line in re.split(rb"[\r\n]+", body[:_FIRST]):
        text = line.removeprefix(b"data:").strip()
        if text.startswith(b"{"):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                return found
    return {}
