"""OpenAI chat completions, as OpenAI and the many providers that follow it stream them.

The schema is OpenAI's API reference, "The chat completion chunk object". Beyond it this
reader takes what the followers send: reasoning in ``reasoning_content`` (DeepSeek, vLLM) or
``reasoning`` (OpenRouter, Groq), content in parts (Mistral), and errors in mid-stream in
the shapes that ERRORS lists. ``function_call``, deprecated since 2023, is not read.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.chunks import ERRORS as SHARED_ERRORS
from replayfuzz.dialects.chunks import chunk_oracle
from replayfuzz.dialects.counts import is_count, report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import Story
from replayfuzz.formats.json_text import canonical


def tell_chunk(chunk: dict[str, Any], story: Story, *, parts: bool = False) -> None:
    """Report to *story* what one chunk object says; an error in it is not its concern.

    Args:
        chunk: The object.
        story: Where it is told.
        parts: The provider documents content in parts, and arguments as an object.
    """
    story.model(chunk.get("model"))
    for name in ("id", "service_tier", "system_fingerprint"):
        story.text(chunk.get(name))
    story.strict = story.strict and is_count(chunk.get("created", 0))
    told = len(story.events)
    for position, choice in enumerate(story.items(story.needed(chunk.get("choices")))):
        _choice(_annotated(chunk, story.mapping(choice)), position, story, parts=parts)
    if len(story.events) > told and chunk.get("object") != "chat.completion.chunk":
        story.strict = False  # "always chat.completion.chunk"; Azure's annotations say nothing
    if usage := story.mapping(chunk.get("usage")):
        report_usage(usage, story)


def _choice(choice: dict[str, Any], position: int, story: Story, *, parts: bool) -> None:
    if not choice:
        return
    index = story.number(choice.get("index"), position)
    delta = story.mapping(story.needed(choice.get("delta")))
    if role := story.text(delta.get("role")):
        story.emit("role", choice=index, role=role)
    # OpenRouter and others send the same text under both names.
    thoughts = [story.text(delta.get(name)) for name in ("reasoning_content", "reasoning")]
    story.speak("reasoning", thoughts[0] or thoughts[1], index)
    # OpenAI has no content in parts and no arguments that are objects: a reader may refuse them.
    content, calls = delta.get("content"), story.items(delta.get("tool_calls"))
    story.strict = story.strict and (parts or not isinstance(content, list))
    _content(content, index, story)
    story.speak("refusal", delta.get("refusal"), index)
    for place, call in enumerate(calls):
        _tool(story.mapping(call), place, index, story, parts=parts)
    if reason := story.text(choice.get("finish_reason")):
        story.emit("finish", choice=index, reason=reason)


def _annotated(chunk: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    """*choice*; its delta is required by OpenAI's schema, and left out of Azure's annotations.

    https://learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming:
    ``"object":""``, ``"choices":[{"index":0,"finish_reason":null,"content_filter_results":{…}}]``
    """
    annotation = chunk.get("object") == "" and choice.get("finish_reason", "") is None
    return {"delta": {}, **choice} if annotation else choice


def _content(content: Any, index: int, story: Story) -> None:
    if not isinstance(content, list):
        story.speak("text", content, index)
        return
    # Mistral: [{"type": "thinking", "thinking": [{"type": "text", "text": "…"}]}, …].
    for part in map(story.mapping, content):
        if part.get("type") == "thinking":
            for inner in map(story.mapping, story.items(part.get("thinking"))):
                story.speak("reasoning", inner.get("text"), index)
        else:
            story.speak("text", part.get("text"), index)


def _tool(call: dict[str, Any], place: int, choice: int, story: Story, *, parts: bool) -> None:
    function = story.mapping(call.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        story.strict = story.strict and parts
        arguments = canonical(arguments)
    story.emit(
        "tool",
        choice=choice,
        index=story.number(call.get("index"), place),
        id=story.text(call.get("id")) or None,
        name=story.text(function.get("name")) or None,
        arguments=story.text(arguments),
    )


_DELTA = ("choices", None, "delta")
_CALL = (*_DELTA, "tool_calls", None)

ERRORS = {
    **SHARED_ERRORS,
    "error in a chunk": b'data: {"id":"gen-1","object":"chat.completion.chunk","created":1,'
    b'"model":"m","error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,'
    b'"delta":{"content":""},"finish_reason":"error"}]}\n\n',
}

OPENAI_CHAT = Dialect(
    name="openai.chat",
    format="sse",
    content_type="text/event-stream",
    path="/v1/chat/completions",
    expect=chunk_oracle(tell_chunk),
    source="https://platform.openai.com/docs/api-reference/chat-streaming",
    terminal=b"data: [DONE]\n\n",
    sites={
        "text": ((*_DELTA, "content"),),
        "reasoning": ((*_DELTA, "reasoning_content"), (*_DELTA, "reasoning")),
        "refusal": ((*_DELTA, "refusal"),),
        "arguments": ((*_CALL, "function", "arguments"),),
        "finish": (("choices", None, "finish_reason"),),
        "role": ((*_DELTA, "role"),),
        "usage": (("usage",),),
        "model": (("model",),),
        "choices": (("choices",),),
        "delta": (_DELTA,),
        "tool_id": ((*_CALL, "id"),),
        "tool_name": ((*_CALL, "function", "name"),),
        "tool_index": ((*_CALL, "index"),),
        "tool_type": ((*_CALL, "type"),),
        "type": (("object",),),
    },
    finishes=("stop", "length", "tool_calls", "content_filter", "function_call"),
    errors=ERRORS,
    order=CHAT,
)
