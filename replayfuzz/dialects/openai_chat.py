"""OpenAI chat completions, as OpenAI and the many providers that follow it stream them.

The schema is OpenAI's API reference, "The chat completion chunk object". Beyond it this
reader takes what the followers send: reasoning in ``reasoning_content`` (DeepSeek, vLLM) or
``reasoning`` (OpenRouter, Groq), content in parts (Mistral), and errors in mid-stream in
the shapes that ERRORS lists. ``function_call``, deprecated since 2023, is not read.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import (
    EMPTY_ERROR,
    ERROR_FIELDS,
    FLAT_ERROR,
    MESSAGE_TEXT,
    OTHER_EVENT,
    UNFINISHED_TERMINAL,
)
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.json_text import canonical
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected, Transcript

_DONE = "[DONE]"
_SPOKEN = frozenset({"role", "text", "reasoning", "refusal", "tool"})


def _fold(stream: SseStream, story: Story) -> Expected:
    try:
        for item in stream.events:
            if _is_done(item.data, story):
                story.terminal = True
                break
            _event(item, story)
    except ProviderError as error:
        return story.failed(error.message)
    if not story.terminal and _ends_in_done(stream, story):
        story.terminal = True
    if story.terminal:
        story.emit("done")
    return story.whole(finished=_finished(story), marker_needed=False)


def _is_done(data: str, story: Story) -> bool:
    if data.strip() != _DONE:
        return False
    story.strict = story.strict and data == _DONE
    return True


def _ends_in_done(stream: SseStream, story: Story) -> bool:
    return (
        stream.pending == (_DONE.encode(),)
        and story.ended.message_end == "complete"
        and story.rulings.pick(UNFINISHED_TERMINAL) == "read"
    )


def _finished(story: Story) -> bool:
    calls = Transcript(tuple(story.events)).tools().values()
    if not all(call.id and call.name for call in calls):
        story.strict = False  # only later pieces of a call go without
    spoken = {event.get("choice") for event in story.events if event.type in _SPOKEN}
    finished = {event.get("choice") for event in story.events if event.type == "finish"}
    if spoken | finished != set(range(len(spoken | finished))):
        story.strict = False  # "The index of the choice in the list of choices": one is missing
    return bool(finished) and spoken <= finished


def _event(item: ServerEvent, story: Story) -> None:
    if item.event == "error":
        raise ProviderError(_named_error(item.data, story))
    if item.event != "message" and story.rulings.pick(OTHER_EVENT) == "ignored":
        return
    chunk = story.json(item.data)
    if chunk is None:
        return
    message = _error(chunk, story)
    if message is not None and (
        not chunk.get("choices") or story.rulings.pick(ERROR_FIELDS) == "dropped"
    ):
        raise ProviderError(message)
    tell_chunk(chunk, story)
    if message is not None:
        raise ProviderError(message)


def _named_error(data: str, story: Story) -> str:
    """The message of an ``event: error``: its data is an error object, a string, or plain text."""
    readable, value = story.value(data)
    if readable:
        return message_of(value)
    return data if story.rulings.pick(MESSAGE_TEXT) == "text" else ""


def _error(chunk: dict[str, Any], story: Story) -> str | None:
    """The message of a chunk that is an error; None: it is none."""
    error = chunk.get("error")
    if error:
        # TGI sends a string; OpenAI documents an object with a message, and nothing else.
        story.strict = story.strict and isinstance(error, dict)
        return message_of(chunk)
    if chunk.get("object") == "error":
        story.strict = False
        return message_of(chunk) if story.rulings.pick(FLAT_ERROR) == "error" else None
    if error is None or story.rulings.pick(EMPTY_ERROR) == "ignored":
        return None
    return ""


def tell_chunk(chunk: dict[str, Any], story: Story) -> None:
    """Report to *story* what one chunk object says; an error in it is not its concern."""
    story.model(chunk.get("model"))
    told = len(story.events)
    for position, choice in enumerate(story.items(story.needed(chunk.get("choices")))):
        _choice(_annotated(chunk, story.mapping(choice)), position, story)
    if len(story.events) > told and chunk.get("object") != "chat.completion.chunk":
        story.strict = False  # "always chat.completion.chunk"; Azure's annotations say nothing
    if usage := story.mapping(chunk.get("usage")):
        story.emit("usage", usage=story.exact(usage))


def _choice(choice: dict[str, Any], position: int, story: Story) -> None:
    if not choice:
        return
    index = story.number(choice.get("index"), position)
    delta = story.mapping(story.needed(choice.get("delta")))
    if role := story.text(delta.get("role")):
        story.emit("role", choice=index, role=role)
    # OpenRouter and others send the same text under both names.
    story.speak("reasoning", delta.get("reasoning_content") or delta.get("reasoning"), index)
    _content(delta.get("content"), index, story)
    story.speak("refusal", delta.get("refusal"), index)
    for place, call in enumerate(story.items(delta.get("tool_calls"))):
        _tool(story.mapping(call), place, index, story)
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
    # Mistral: [{"type": "thinking", "thinking": [{"type": "text", "text": "…"}]}, …]. OpenAI has
    # no such content, so a reader may refuse it.
    story.strict = False
    for part in map(story.mapping, content):
        if part.get("type") == "thinking":
            for inner in map(story.mapping, story.items(part.get("thinking"))):
                story.speak("reasoning", inner.get("text"), index)
        else:
            story.speak("text", part.get("text"), index)


def _tool(call: dict[str, Any], place: int, choice: int, story: Story) -> None:
    function = story.mapping(call.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        story.strict = False  # documented as a string
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
    "error object": b'data: {"error":{"message":"The server had an error while processing your '
    b'request","type":"server_error","param":null,"code":null}}\n\n',
    "event: error": b'event: error\ndata: {"error":{"message":"Tool choice is required",'
    b'"type":"invalid_request_error","code":"tool_use_failed","status_code":400}}\n\n',
    "error string": b'data: {"error":"Request failed during generation: out of memory",'
    b'"error_type":"generation"}\n\n',
    "vLLM error": b'data: {"error":{"object":"error","message":"This model\'s maximum context '
    b'length is 4096 tokens","type":"BadRequestError","param":null,"code":400}}\n\n',
    "error in a chunk": b'data: {"id":"gen-1","object":"chat.completion.chunk","created":1,'
    b'"model":"m","error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,'
    b'"delta":{"content":""},"finish_reason":"error"}]}\n\n',
}

OPENAI_CHAT = Dialect(
    name="openai.chat",
    format="sse",
    content_type="text/event-stream",
    path="/v1/chat/completions",
    expect=sse_oracle(_fold),
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
        "type": (("object",),),
    },
    finishes=("stop", "length", "tool_calls", "content_filter", "function_call"),
    errors=ERRORS,
    order=CHAT,
)
