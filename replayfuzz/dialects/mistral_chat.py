"""Mistral's chat completions: OpenAI's stream, where content may come in parts.

Documented besides OpenAI's schema: ``content`` as an array of parts (text, thinking, reference),
the arguments of a call as text or as an object, calls that come whole, and more finish reasons.
It says too which members are required (CompletionChunk, CompletionResponseStreamChoice,
FunctionCall): where one of them is missing or null, a reader may refuse the chunk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replayfuzz.dialects.chunks import chunk_oracle
from replayfuzz.dialects.openai_chat import OPENAI_CHAT, tell_chunk
from replayfuzz.dialects.story import Story


def _tell(chunk: dict[str, Any], story: Story) -> None:
    """Report what one chunk object says."""
    for name in ("id", "model"):
        story.text(story.needed(chunk.get(name)))
    for choice in map(story.mapping, story.items(chunk.get("choices"))):
        _required(choice, story)
    tell_chunk(chunk, story, parts=True)


def _required(choice: dict[str, Any], story: Story) -> None:
    story.strict = story.strict and "finish_reason" in choice  # which may be null
    delta = story.mapping(choice.get("delta"))
    for call in map(story.mapping, story.items(delta.get("tool_calls"))):
        function = story.mapping(story.needed(call.get("function")))
        story.text(story.needed(function.get("name")))
        story.needed(function.get("arguments"))


_CONTENT = ("choices", None, "delta", "content")

MISTRAL_CHAT = replace(
    OPENAI_CHAT,
    name="mistral.chat",
    expect=chunk_oracle(_tell),
    source="https://docs.mistral.ai/api/endpoint/chat",
    sites={
        **{name: OPENAI_CHAT.sites[name] for name in OPENAI_CHAT.sites if name != "refusal"},
        "text": (_CONTENT, (*_CONTENT, None, "text")),
        "reasoning": ((*_CONTENT, None, "thinking", None, "text"),),
    },
    finishes=("stop", "length", "error", "tool_calls"),
    errors={},  # none is documented or was seen in mid-stream; a finish reason says "error"
)
