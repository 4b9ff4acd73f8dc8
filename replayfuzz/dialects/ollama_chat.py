"""Ollama's ``/api/chat``: one JSON object a line, the last one with ``"done": true``.

A tool call is whole in its line; its arguments are an object, told here as canonical JSON
text (``json_text.canonical``), to be compared as values. Its index is its place among
all calls of the stream.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.ollama_lines import COUNTS, ERRORS, FINISHES, oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import Story
from replayfuzz.formats.json_text import canonical


def _tell(record: dict[str, Any], story: Story) -> None:
    message = story.mapping(story.needed(record.get("message")))
    role = story.text(story.needed(message.get("role")))
    if role and not any(event.type == "role" for event in story.events):
        story.emit("role", choice=0, role=role)
    story.speak("reasoning", message.get("thinking"))
    story.speak("text", message.get("content"))
    for call in story.items(message.get("tool_calls")):
        _tool(story.mapping(call), story)


def _tool(call: dict[str, Any], story: Story) -> None:
    function = story.mapping(story.needed(call.get("function")))
    story.needed(function.get("name"))
    arguments = story.exact(story.mapping(story.needed(function.get("arguments"))))
    story.emit(
        "tool",
        choice=0,
        index=story.calls,
        id=story.text(call.get("id")) or None,
        name=story.text(function.get("name")) or None,
        arguments=canonical(arguments),
    )
    story.calls += 1


_CALL = ("message", "tool_calls", None)

OLLAMA_CHAT = Dialect(
    name="ollama.chat",
    format="ndjson",
    content_type="application/x-ndjson",
    path="/api/chat",
    expect=oracle(_tell),
    source="https://github.com/ollama/ollama/blob/main/docs/api.md",
    sites={
        "text": (("message", "content"),),
        "reasoning": (("message", "thinking"),),
        "arguments": ((*_CALL, "function", "arguments"),),
        "finish": (("done_reason",),),
        "role": (("message", "role"),),
        "usage": tuple((name,) for name in COUNTS),
        "model": (("model",),),
        "delta": (("message",),),
        "tool_id": ((*_CALL, "id"),),
        "tool_name": ((*_CALL, "function", "name"),),
        "tool_index": ((*_CALL, "function", "index"),),
    },
    finishes=FINISHES,
    errors=ERRORS,
    order=CHAT,
)
