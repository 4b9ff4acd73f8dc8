"""Streams of chunk objects that ``[DONE]`` ends, as OpenAI and its many followers send them.

What a chunk says is the dialect's own; shared are the end marker, the finish reason of each
choice, and errors in mid-stream in all the shapes that followers give them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from replayfuzz.dialects.named import error_message
from replayfuzz.dialects.rulings import (
    EMPTY_ERROR,
    ERROR_FIELDS,
    FLAT_ERROR,
    OTHER_EVENT,
    UNFINISHED_TERMINAL,
)
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import Expect, SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected, Transcript

_DONE = "[DONE]"
_SPOKEN = frozenset({"role", "text", "reasoning", "refusal", "tool"})

Tell = Callable[[dict[str, Any], Story], None]
"""Reports to a story what one chunk object says; an error in it is not its concern."""


def chunk_oracle(tell: Tell) -> Expect:
    """Make an oracle of a function that tells what one chunk object says."""

    def fold(stream: SseStream, story: Story) -> Expected:
        return _fold(stream, story, tell)

    return sse_oracle(fold, error=body_error)


def body_error(value: Any) -> str:
    """The text for people in the body of an HTTP error: OpenAI has it in an ``error`` object.

    Followers send it bare (vLLM) or as a string (TGI): a reader need not know of it there.
    """
    if isinstance(value, list):
        value = value[0] if value else None  # Google's, by the OpenAI API
    error = value.get("error") if isinstance(value, dict) else None
    return message_of(error) if isinstance(error, dict) else ""


def _fold(stream: SseStream, story: Story, tell: Tell) -> Expected:
    try:
        for item in stream.events:
            if _is_done(item.data, story):
                story.terminal = True
                break
            _event(item, story, tell)
    except ProviderError as error:
        return story.failed(error.message)
    if not story.terminal and ends_in_done(stream, story):
        story.terminal = True
    if story.terminal:
        story.emit("done")
    return story.whole(finished=_finished(story), marker_needed=False)


def _is_done(data: str, story: Story) -> bool:
    if data.strip() != _DONE:
        return False
    story.strict = story.strict and data == _DONE
    return True


def ends_in_done(stream: SseStream, story: Story) -> bool:
    return stream.pending == (_DONE.encode(),) and story.rulings.pick(UNFINISHED_TERMINAL) == "read"


def _finished(story: Story) -> bool:
    calls = Transcript(tuple(story.events)).tools().values()
    if not all(call.id and call.name for call in calls):
        story.strict = False  # only later pieces of a call go without
    spoken = {event.get("choice") for event in story.events if event.type in _SPOKEN}
    finished = {event.get("choice") for event in story.events if event.type == "finish"}
    if spoken | finished != set(range(len(spoken | finished))):
        story.strict = False  # "The index of the choice in the list of choices": one is missing
    return bool(finished) and spoken <= finished


def _event(item: ServerEvent, story: Story, tell: Tell) -> None:
    if item.event == "error":
        raise ProviderError(error_message(item.data, story))
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
    tell(chunk, story)
    if message is not None:
        raise ProviderError(message)


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


ERRORS = {
    "error object": b'data: {"error":{"message":"The server had an error while processing your '
    b'request","type":"server_error","param":null,"code":null}}\n\n',
    "event: error": b'event: error\ndata: {"error":{"message":"Tool choice is required",'
    b'"type":"invalid_request_error","code":"tool_use_failed","status_code":400}}\n\n',
    "error string": b'data: {"error":"Request failed during generation: out of memory",'
    b'"error_type":"generation"}\n\n',
    "vLLM error": b'data: {"error":{"object":"error","message":"This model\'s maximum context '
    b'length is 4096 tokens","type":"BadRequestError","param":null,"code":400}}\n\n',
}
"""Errors in mid-stream, whole records: each from a provider that sends it so."""
