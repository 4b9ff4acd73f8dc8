"""Bedrock's two streams, both AWS event streams: ``ConverseStream`` and ``InvokeModel…Stream``.

Converse has events of its own, one kind of message each. Invoke has one kind, ``chunk``, whose
``bytes`` are base64 of what the model's own API streams: Anthropic's events, or Titan's objects.
Both pad payloads with a member ``p`` that means nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from replayfuzz.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from replayfuzz.dialects.anthropic_messages import fold as anthropic
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.messages import MessageStream, message_oracle, raised, stops_inside
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import Choice
from replayfuzz.dialects.story import ProviderError, Story
from replayfuzz.dialects.streams import SseStream
from replayfuzz.formats.aws_event_stream import Message, event
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected

NO_METADATA = Choice(
    "no metadata after messageStop",
    "complete",
    (("truncated", "the API reference lists metadata as the last event of the stream"),),
)

FLOW: dict[str, dict[str, str]] = {
    "start": {"messageStart": "message"},
    "message": {
        "contentBlockStart": "message",
        "contentBlockDelta": "message",
        "contentBlockStop": "message",
        "messageStop": "stopped",
    },
    "stopped": {"metadata": "ended"},
    "ended": {},
}
"""Documented flow of Converse: state -> event type -> next state. A ``contentBlockStart`` comes for
tool calls only. A stream that leaves this flow is not a documented one."""


# -- Converse ----------------------------------------------------------------------------


def _converse(stream: MessageStream, story: Story) -> Expected:
    state = "start"
    try:
        for message in stream.messages:
            raised(message, story)
            kind = message.header(":event-type")
            if not any(kind in events for events in FLOW.values()):
                continue  # new kinds are announced as no breaking change
            onward = FLOW[state].get(kind)
            story.strict = story.strict and onward is not None
            state = onward or state
            data = story.json(_text(message, story))
            if data is not None and (tell := _TELL.get(kind)):
                tell(data, story)
            story.terminal = story.terminal or kind == "messageStop"
    except ProviderError as error:
        return story.failed(error.message)
    return _converse_end(stream, story, state)


def _converse_end(stream: MessageStream, story: Story, state: str) -> Expected:
    if stream.fault:
        return story.failed("")
    if story.terminal and stops_inside(stream, story):
        return story.truncated()
    without = story.terminal and state != "ended" and not stream.pending
    if without and story.ended.message_end == "complete":
        story.strict = False
        if story.rulings.pick(NO_METADATA) == "truncated":
            return story.truncated()
    if story.terminal:
        story.emit("done")
    whole = story.whole(finished=any(event.type == "finish" for event in story.events))
    # The end of the stream is told by the end of the message: metadata may be what is missing.
    return replace(whole, must_end=story.ended.message_end != "open", closes=False)


def _text(message: Message, story: Story) -> str:
    try:
        return message.payload.decode()
    except UnicodeDecodeError:
        story.strict = False
        return message.payload.decode("utf-8", "replace")


def _message_start(data: dict[str, Any], story: Story) -> None:
    if role := story.text(story.needed(data.get("role"))):
        story.emit("role", choice=0, role=role)


def _block_start(data: dict[str, Any], story: Story) -> None:
    call = story.mapping(story.mapping(data.get("start")).get("toolUse"))
    if call:
        story.emit(
            "tool",
            choice=0,
            index=story.number(data.get("contentBlockIndex"), 0),
            id=story.text(story.needed(call.get("toolUseId"))),
            name=story.text(story.needed(call.get("name"))),
        )


def _block_delta(data: dict[str, Any], story: Story) -> None:
    delta = story.mapping(story.needed(data.get("delta")))
    story.speak("text", delta.get("text"))
    story.speak("reasoning", story.mapping(delta.get("reasoningContent")).get("text"))
    if piece := story.text(story.mapping(delta.get("toolUse")).get("input")):
        index = story.number(data.get("contentBlockIndex"), 0)
        story.emit("tool", choice=0, index=index, arguments=piece)


def _message_stop(data: dict[str, Any], story: Story) -> None:
    if reason := story.text(story.needed(data.get("stopReason"))):
        story.emit("finish", choice=0, reason=reason)


def _metadata(data: dict[str, Any], story: Story) -> None:
    if usage := story.mapping(story.needed(data.get("usage"))):
        story.emit("usage", usage=story.exact(usage))


_TELL: dict[str, Callable[[dict[str, Any], Story], None]] = {
    "messageStart": _message_start,
    "contentBlockStart": _block_start,
    "contentBlockDelta": _block_delta,
    "messageStop": _message_stop,
    "metadata": _metadata,
}


# -- Invoke ------------------------------------------------------------------------------


def _invoke(stream: MessageStream, story: Story) -> Expected:
    texts: list[str] = []
    failure: ProviderError | None = None
    try:
        for message in stream.messages:
            raised(message, story)
            if message.header(":event-type") == "chunk":
                texts.append(_inner(message, story))
    except ProviderError as error:
        failure = error
    if stream.fault and failure is None:
        failure = ProviderError("")
    first = story.value(texts[0])[1] if texts else None
    if isinstance(first, dict) and "outputText" in first:
        told = _titan(texts, failure, story)
    else:
        told = anthropic(_as_sse(texts, failure, stream.body), story)
    if told.end == "complete" and stops_inside(stream, story):
        told = replace(story.truncated(), events=told.events)
    return replace(told, must_end=story.ended.message_end != "open" or told.end == "error")


def _inner(message: Message, story: Story) -> str:
    """What a chunk wraps.

    Raises:
        ProviderError: It wraps nothing that can be read, and that is an error.
    """
    data = story.json(_text(message, story)) or {}
    coded = story.text(story.needed(data.get("bytes"))) or ""
    try:
        return base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, ValueError):
        story.strict = False
        raise ProviderError("") from None


def _as_sse(texts: list[str], failure: ProviderError | None, body: bytes) -> SseStream:
    """The events as Anthropic's own API would have sent them: named, and with an ``error``."""
    events = [ServerEvent(_kind(text), text, "", None) for text in texts]
    if failure is not None:
        told = json.dumps({"type": "error", "error": {"message": failure.message}})
        events.append(ServerEvent("error", told, "", None))
    return SseStream(tuple(events), (), body)


def _kind(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "message"
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and kind else "message"


def _titan(texts: list[str], failure: ProviderError | None, story: Story) -> Expected:
    try:
        for text in texts:
            _titan_chunk(story.json(text) or {}, story)
    except ProviderError as error:
        return story.failed(error.message)
    if failure is not None:
        return story.failed(failure.message)
    if story.terminal:
        story.emit("done")
    return story.whole(finished=story.terminal)


def _titan_chunk(data: dict[str, Any], story: Story) -> None:
    story.speak("text", data.get("outputText"))
    if reason := story.text(data.get("completionReason")):
        story.emit("finish", choice=0, reason=reason)
        names = ("inputTextTokenCount", "totalOutputTextTokenCount")
        usage = {name: data[name] for name in names if data.get(name) is not None}
        if usage:
            story.emit("usage", usage=story.exact(usage))
        story.terminal = True
    elif data.get("amazon-bedrock-guardrailAction") == "INTERVENED":
        # A blocked prompt is answered by one object without a reason; no documentation says so.
        story.strict, story.terminal = False, True


# ----------------------------------------------------------------------------------------


def _exception(kind: str, message: str) -> bytes:
    return event(kind, json.dumps({"message": message}).encode(), name="exception")


ERRORS = {
    "throttled": _exception("throttlingException", "Too many tokens, please wait."),
    "model error": _exception("modelStreamErrorException", "The model stopped unexpectedly."),
    "unavailable": _exception("serviceUnavailableException", "Bedrock is unable to process it."),
}

BEDROCK_CONVERSE = Dialect(
    name="bedrock.converse_stream",
    format="aws-event-stream",
    content_type="application/vnd.amazon.eventstream",
    path="/model/m-1/converse-stream",
    expect=message_oracle(_converse),
    source="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html",
    finishes=(
        "end_turn",
        "tool_use",
        "max_tokens",
        "stop_sequence",
        "guardrail_intervened",
        "content_filtered",
        "malformed_model_output",
        "malformed_tool_use",
        "model_context_window_exceeded",
    ),
    errors=ERRORS,
    order=CHAT,
)

BEDROCK_INVOKE = Dialect(
    name="bedrock.invoke_with_response_stream",
    format="aws-event-stream",
    content_type="application/vnd.amazon.eventstream",
    path="/model/m-1/invoke-with-response-stream",
    expect=message_oracle(_invoke),
    source="https://docs.aws.amazon.com/bedrock/latest/APIReference/"
    "API_runtime_InvokeModelWithResponseStream.html",
    finishes=ANTHROPIC_MESSAGES.finishes,
    errors=ERRORS,
    order=CHAT,
)
