"""Anthropic messages, as the streaming documentation has them.

"Each stream event includes a named event type and associated JSON data. Each event will use
an SSE event name (e.g. event: message_stop), and include the matching event type in its
data." A tool call's index is the index of its content block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import (
    MESSAGE_TEXT,
    OTHER_EVENT,
    UNFINISHED_TERMINAL,
    UNKNOWN_NOT_JSON,
)
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.json_text import JsonError, canonical, loads
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected

FLOW: dict[str, dict[str, str]] = {
    "start": {"message_start": "message"},
    "message": {
        "content_block_start": "message",
        "content_block_delta": "message",
        "content_block_stop": "message",
        "message_delta": "delta",
    },
    "delta": {"message_delta": "delta", "message_stop": "ended"},
    "ended": {},
}
"""Documented flow of the wire's events: state -> event type -> next state. ``ping`` and event
types that are not documented may come anywhere. A stream that leaves this flow (an event lost,
doubled, out of place) is not a documented one, so a reader may refuse it."""

_KNOWN = frozenset({"error", "ping", *(name for state in FLOW.values() for name in state)})


class _Flow:
    """The walk through FLOW and through the content blocks."""

    def __init__(self) -> None:
        self.state = "start"
        self.begun = 0
        self.open: set[str] = set()
        self.inputs: dict[str, str] = {}  # pieces of each tool call's input, joined

    def step(self, name: str, data: dict[str, Any]) -> bool:
        """Whether this event may come here."""
        onward = FLOW[self.state].get(name)
        self.state = onward or self.state
        index = data.get("index")
        match name:
            case "content_block_start":
                # "Each content block has an index that corresponds to its index in the final
                # Message content array."
                right = index == self.begun
                self.begun += 1
                self.open.add(str(index))
            case "content_block_delta":
                right = str(index) in self.open
                self._piece(str(index), data.get("delta"))
            case "content_block_stop":
                right = str(index) in self.open and _is_input(self.inputs.pop(str(index), ""))
                self.open.discard(str(index))
            case _:
                right = not self.open
        return right and onward is not None

    def _piece(self, index: str, delta: Any) -> None:
        piece = delta.get("partial_json") if isinstance(delta, dict) else None
        if isinstance(piece, str):
            self.inputs[index] = self.inputs.get(index, "") + piece


def _is_input(text: str) -> bool:
    """Whether the joined pieces are what is documented: "the final tool_use.input is always an
    object", and no text at all is the empty one.
    """
    try:
        return not text or isinstance(loads(text), dict)
    except JsonError:
        return False


def fold(stream: SseStream, story: Story) -> Expected:
    """Tell the story of a stream."""
    flow = _Flow()
    try:
        for item in stream.events:
            if story.terminal:
                # No documentation says what a reader makes of events after the last one.
                story.strict = False
                break
            story.terminal = _event(item, story, flow)
    except ProviderError as error:
        return story.failed(error.message)
    if story.terminal and stream.unended:
        story.strict = False  # nor of the beginning of another
    if not story.terminal and _ends_in_stop(stream, story):
        story.terminal = True
    if story.terminal:
        story.emit("done")
    whole = story.whole(finished=any(event.type == "finish" for event in story.events))
    # message_stop is documented as the final event, not as what ends the stream.
    return replace(whole, closes=False)


def _ends_in_stop(stream: SseStream, story: Story) -> bool:
    if len(stream.pending) != 1:
        return False
    _, value = story.value(stream.pending[0].decode("utf-8", "replace"))
    return (
        isinstance(value, dict)
        and value.get("type") == "message_stop"
        and story.rulings.pick(UNFINISHED_TERMINAL) == "read"
    )


def _event(item: ServerEvent, story: Story, flow: _Flow) -> bool:
    """Tell what one event says; True: it is the last one."""
    if item.event == "error":
        readable, value = story.value(item.data)
        if not readable:
            raise ProviderError(item.data if story.rulings.pick(MESSAGE_TEXT) == "text" else "")
        raise ProviderError(message_of(value))
    data = story.json(item.data) if item.event in (*_KNOWN, "message") else _unknown(item, story)
    if data is None:
        return False
    name = story.text(data.get("type")) or ""
    if not name and item.event in _KNOWN:
        name, story.strict = item.event, False  # the documented type is missing
    if name not in _KNOWN or name == "ping":
        # "we may add new event types, and your code should handle unknown event types gracefully"
        return False
    if name != item.event and story.rulings.pick(OTHER_EVENT) == "ignored":
        return False
    if name == "error":
        raise ProviderError(message_of(data))
    if not flow.step(name, data):
        story.strict = False
    if tell := _TELL.get(name):
        tell(data, story)
    return name == "message_stop"


def _unknown(item: ServerEvent, story: Story) -> dict[str, Any] | None:
    """The data of an event whose name is not documented."""
    readable, value = story.value(item.data)
    if readable and isinstance(value, dict):
        return value
    if story.rulings.pick(UNKNOWN_NOT_JSON) == "error":
        raise ProviderError("")
    return None


def _message_start(data: dict[str, Any], story: Story) -> None:
    message = story.mapping(story.needed(data.get("message")))
    for name in ("id", "type", "role", "content", "model", "usage"):
        story.needed(message.get(name))
    story.model(message.get("model"))
    if role := story.text(message.get("role")):
        story.emit("role", choice=0, role=role)
    if usage := story.mapping(message.get("usage")):
        report_usage(usage, story)


def _block_start(data: dict[str, Any], story: Story) -> None:
    block = story.mapping(story.needed(data.get("content_block")))
    kind = story.text(story.needed(block.get("type"))) or ""
    if kind == "text":
        story.speak("text", story.needed(block.get("text")))
    elif kind == "thinking":
        story.speak("reasoning", story.needed(block.get("thinking")))
    elif kind.endswith("tool_use"):  # tool_use, server_tool_use, mcp_tool_use
        given = story.mapping(story.needed(block.get("input")))
        story.emit(
            "tool",
            choice=0,
            index=story.number(data.get("index"), 0),
            id=story.text(story.needed(block.get("id"))),
            name=story.text(story.needed(block.get("name"))),
            arguments=canonical(story.exact(given)) if given else None,
        )


def _block_delta(data: dict[str, Any], story: Story) -> None:
    delta = story.mapping(story.needed(data.get("delta")))
    match story.text(story.needed(delta.get("type"))):
        case "text_delta":
            story.speak("text", story.needed(delta.get("text")))
        case "thinking_delta":
            story.speak("reasoning", story.needed(delta.get("thinking")))
        case "input_json_delta":
            if piece := story.text(story.needed(delta.get("partial_json"))):
                index = story.number(data.get("index"), 0)
                story.emit("tool", choice=0, index=index, arguments=piece)
        case _:
            pass  # signature_delta, citations_delta, and types to come


def _message_delta(data: dict[str, Any], story: Story) -> None:
    delta = story.mapping(story.needed(data.get("delta")))
    if reason := story.text(delta.get("stop_reason")):
        story.emit("finish", choice=0, reason=reason)
    if usage := story.mapping(story.needed(data.get("usage"))):
        report_usage(usage, story)


_TELL: dict[str, Callable[[dict[str, Any], Story], None]] = {
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "message_delta": _message_delta,
}

ERRORS = {
    "overloaded": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
    b'"message":"Overloaded"}}\n\n',
    "API error": b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":'
    b'"Internal server error"},"request_id":"req_1"}\n\n',
}

ANTHROPIC_MESSAGES = Dialect(
    name="anthropic.messages",
    format="sse",
    content_type="text/event-stream",
    path="/v1/messages",
    expect=sse_oracle(fold),
    source="https://docs.anthropic.com/en/docs/build-with-claude/streaming",
    terminal=b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    sites={
        "text": (("delta", "text"), ("content_block", "text")),
        "reasoning": (("delta", "thinking"), ("content_block", "thinking")),
        "arguments": (("delta", "partial_json"),),
        "finish": (("delta", "stop_reason"),),
        "role": (("message", "role"),),
        "usage": (("message", "usage"), ("usage",)),
        "model": (("message", "model"),),
        "delta": (("delta",),),
        "tool_id": (("content_block", "id"),),
        "tool_name": (("content_block", "name"),),
        "tool_index": (("index",),),
        "type": (("type",),),
    },
    finishes=(
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ),
    errors=ERRORS,
    order=CHAT,
)
