"""OpenAI responses, as OpenAI and those that follow it (xAI, DeepSeek, OpenRouter, …) stream them.

Every event is named, and names itself again in its data's ``type``; ``sequence_number`` counts
them. A tool call's index is its ``output_index``; the finish reason is the response's status,
or why it is incomplete.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from replayfuzz.dialects.answers import FAILED, KNOWN, OPENING, PIECES, TERMINALS, Answer
from replayfuzz.dialects.chunks import body_error
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.named import error_message, unknown
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import AFTER_ERROR, OTHER_EVENT, UNFINISHED_TERMINAL
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected

_DONE = "[DONE]"

_Tell = Callable[[Answer, str, dict[str, Any]], None]
_TELL: dict[str, _Tell] = {
    **dict.fromkeys(OPENING, Answer.opening),
    **dict.fromkeys(TERMINALS, Answer.terminal),
    **{f"{name}.delta": Answer.piece for name in PIECES},
    **{f"{name}.done": Answer.pieces_done for name in PIECES},
    "response.output_item.added": Answer.added,
    "response.output_item.done": Answer.done,
}


def _fold(stream: SseStream, story: Story) -> Expected:
    answer = Answer(story)
    for number, item in enumerate(stream.events):
        if story.terminal or item.data.strip() == _DONE:
            # No documentation says what a reader makes of events after the last one; some
            # followers (OpenRouter) send [DONE], which is no JSON.
            story.strict = False
            break
        try:
            _event(item, answer)
        except ProviderError as error:
            _beyond(stream.events[number + 1 :], answer)
            return story.failed(error.message)
    answer.doubt(story.terminal and stream.unended)
    try:
        if not story.terminal:
            _pending(stream, answer)
    except ProviderError as error:
        return story.failed(error.message)
    if story.terminal:
        story.emit("done")
    # It is documented as the last event, not as what ends the stream.
    return replace(story.whole(finished=True), closes=False)


def _beyond(events: tuple[ServerEvent, ...], answer: Answer) -> None:
    """What comes after an error: usually that the response failed, and no more."""
    if not events or answer.story.rulings.pick(AFTER_ERROR) == "ignored":
        return
    strict = answer.story.strict
    for item in events:
        if item.data.strip() == _DONE:
            break
        with suppress(ProviderError):
            _event(item, answer)
    answer.story.strict = strict  # the error is to be told all the same


def _pending(stream: SseStream, answer: Answer) -> None:
    """The last event without its blank line."""
    if len(stream.pending) != 1:
        return
    _, value = answer.story.value(stream.pending[0].decode("utf-8", "replace"))
    if not isinstance(value, dict) or value.get("type") not in (FAILED, *TERMINALS):
        return
    if answer.story.rulings.pick(UNFINISHED_TERMINAL) == "read":
        _tell(str(value["type"]), value, answer)


def _event(item: ServerEvent, answer: Answer) -> None:
    """Tell what one event says."""
    story = answer.story
    if item.event == "error":
        raise ProviderError(error_message(item.data, story))
    known = item.event in KNOWN
    data = story.json(item.data) if known or item.event == "message" else unknown(item.data, story)
    if data is None:
        return
    name = story.text(data.get("type")) or ""
    if not name and known:
        name, story.strict = item.event, False  # the documented type is missing
    answer.doubt(known and name not in KNOWN)
    if name == "error" or (not name and data.get("error")):
        raise ProviderError(message_of(data))
    if name != item.event and name in KNOWN and story.rulings.pick(OTHER_EVENT) == "ignored":
        return
    _tell(name, data, answer)


def _tell(name: str, data: dict[str, Any], answer: Answer) -> None:
    if name == FAILED:
        answer.doubt(not answer.began)  # else, wherever it stands
        response = answer.story.mapping(data.get("response"))
        answer.story.model(response.get("model"))
        raise ProviderError(message_of(response.get("error")))
    answer.doubt(not name)
    answer.count(data.get("sequence_number"), known=name in KNOWN)
    # "Adding new event types" is among the changes that OpenAI calls backwards compatible; so
    # came ``keepalive``, and the steps of hosted tools, which say nothing that is told here.
    tell = _TELL.get(name)
    # The documentation begins every stream with response.created: nothing stands before it.
    answer.doubt(not answer.began and tell is not Answer.opening)
    if tell:
        tell(answer, name, data)


_RESPONSE = (
    b'"response":{"id":"resp_1","object":"response","created_at":1,"status":"failed","error":'
    b'{"code":"server_error","message":"The model failed to generate a response"},'
    b'"incomplete_details":null,"model":"m","output":[],"parallel_tool_calls":true,'
    b'"tool_choice":"auto","tools":[],"usage":null}'
)

ERRORS = {
    "error event": b'event: error\ndata: {"type":"error","code":"server_error","message":'
    b'"The server had an error while processing your request","param":null,'
    b'"sequence_number":2}\n\n',
    "error member": b'event: error\ndata: {"type":"error","sequence_number":2,"error":{"type":'
    b'"tokens","code":"rate_limit_exceeded","message":"Rate limit reached","param":null}}\n\n',
    "response.failed": b'event: response.failed\ndata: {"type":"response.failed",'
    b'"sequence_number":2,' + _RESPONSE + b"}\n\n",
}

_ADDED = "response.output_item.added"
_ARGUMENTS = (
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.mcp_call_arguments.delta",
)

OPENAI_RESPONSES = Dialect(
    name="openai.responses",
    format="sse",
    content_type="text/event-stream",
    path="/v1/responses",
    expect=sse_oracle(_fold, error=body_error),
    source="https://platform.openai.com/docs/api-reference/responses-streaming",
    sites={
        "text": (("delta",),),
        "reasoning": (("delta",),),
        "refusal": (("delta",),),
        "arguments": (("delta",),),
        "finish": (("response", "incomplete_details", "reason"),),
        "role": (("item", "role"),),
        "usage": (("response", "usage"),),
        "model": (("response", "model"),),
        "tool_id": (("item", "call_id"),),
        "tool_name": (("item", "name"),),
        "tool_index": (("output_index",),),
        "type": (("type",),),
    },
    only={
        "text": ("response.output_text.delta",),
        "reasoning": ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"),
        "refusal": ("response.refusal.delta",),
        "arguments": _ARGUMENTS,
        "finish": ("response.incomplete",),
        "role": (_ADDED,),
        "tool_id": (_ADDED,),
        "tool_name": (_ADDED,),
        "tool_index": (_ADDED, *_ARGUMENTS),
    },
    finishes=("max_output_tokens", "content_filter"),
    errors=ERRORS,
    order=CHAT,
)
