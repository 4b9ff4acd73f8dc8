"""Cohere's second chat API: typed SSE events from ``message-start`` to ``message-end``.

The server sends ``[DONE]`` after that, which the documentation does not mention; a stream is
whole without it. The plan for tool calls is told as reasoning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from replayfuzz.dialects.cohere_v1 import FAILED
from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import FAILED_FINISH
from replayfuzz.dialects.story import ProviderError, Story, message_of


def _tell(data: dict[str, Any], story: Story) -> None:
    kind = story.text(story.needed(data.get("type"))) or ""
    if kind in _BEGINS:
        story.strict = story.strict and (kind == "message-start") is not bool(story.events)
    elif not kind and (text := message_of(data)):
        raise ProviderError(text)
    if tell := _TELL.get(kind):
        tell(data, story)


def _message(data: dict[str, Any], story: Story) -> dict[str, Any]:
    delta = story.mapping(story.needed(data.get("delta")))
    return story.mapping(story.needed(delta.get("message")))


def _start(data: dict[str, Any], story: Story) -> None:
    if role := story.text(story.needed(_message(data, story).get("role"))):
        story.emit("role", choice=0, role=role)


def _content(data: dict[str, Any], story: Story) -> None:
    content = story.mapping(story.needed(_message(data, story).get("content")))
    story.speak("reasoning", content.get("thinking"))
    story.speak("text", content.get("text"))


def _plan(data: dict[str, Any], story: Story) -> None:
    story.speak("reasoning", story.needed(_message(data, story).get("tool_plan")))


def _call(data: dict[str, Any], story: Story) -> None:
    call = story.mapping(story.needed(_message(data, story).get("tool_calls")))
    function = story.mapping(story.needed(call.get("function")))
    if data["type"] == "tool-call-start":
        story.needed(call.get("id"))
        story.needed(function.get("name"))
    story.emit(
        "tool",
        choice=0,
        index=story.number(data.get("index"), 0),
        id=story.text(call.get("id")) or None,
        name=story.text(function.get("name")) or None,
        arguments=story.text(function.get("arguments")) or None,
    )


def _end(data: dict[str, Any], story: Story) -> None:
    delta = story.mapping(story.needed(data.get("delta")))
    if message := story.text(delta.get("error")):
        # "An error message if an error occurred during the generation."
        raise ProviderError(message)
    reason = story.text(delta.get("finish_reason"))
    if reason in FAILED and story.rulings.pick(FAILED_FINISH) == "error":
        raise ProviderError("")
    if reason:
        story.emit("finish", choice=0, reason=reason)
    if usage := story.mapping(delta.get("usage")):
        report_usage(usage, story, whole=False)
    story.terminal = True


_TELL: dict[str, Callable[[dict[str, Any], Story], None]] = {
    "message-start": _start,
    "content-start": _content,
    "content-delta": _content,
    "tool-plan-delta": _plan,
    "tool-call-start": _call,
    "tool-call-delta": _call,
    "message-end": _end,
}
_BEGINS = frozenset(_TELL) - {"message-end"}
_SILENT = {"content-end", "tool-call-end", "citation-start", "citation-end", "debug"}
_API = Objects(
    tell=_tell,
    last=lambda data: data.get("type") == "message-end",
    names=frozenset({"message", *_TELL, *_SILENT}),
    marker="[DONE]",
    finish=True,
    closes=False,  # [DONE] may follow
)

_CONTENT = ("delta", "message", "content")
_CALL = ("delta", "message", "tool_calls")

COHERE_V2 = Dialect(
    name="cohere.v2",
    format="sse",
    content_type="text/event-stream",
    path="/v2/chat",
    expect=object_oracle(_API),
    source="https://docs.cohere.com/v2/docs/streaming",
    terminal=b"data: [DONE]\n\n",
    sites={
        "text": ((*_CONTENT, "text"),),
        "reasoning": ((*_CONTENT, "thinking"), ("delta", "message", "tool_plan")),
        "arguments": ((*_CALL, "function", "arguments"),),
        "finish": (("delta", "finish_reason"),),
        "role": (("delta", "message", "role"),),
        "usage": (("delta", "usage"),),
        "delta": (("delta",),),
        "tool_id": ((*_CALL, "id"),),
        "tool_name": ((*_CALL, "function", "name"),),
        "tool_index": (("index",),),
        "type": (("type",),),
    },
    finishes=("COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL", "ERROR", "TIMEOUT"),
    errors={
        "failed generation": b'event: message-end\ndata: {"type":"message-end","delta":{'
        b'"error":"the generation failed","finish_reason":"ERROR"}}\n\n',
    },
    order=CHAT,
)
