"""Ollama's ``/api/chat``: one JSON object a line, the last one with ``"done": true``.

A tool call is whole in its line; its arguments are an object, told here as canonical JSON
text (``json_text.canonical``), to be compared as values. Its index is its place among
all calls of the stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import BEYOND_TERMINAL, UNENDED_LINE
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import LineStream, line_oracle
from replayfuzz.formats.json_text import canonical
from replayfuzz.formats.ndjson import RawLine
from replayfuzz.transcript import Expected

COUNTS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
"""Members of the last line that are its usage: tokens, and times in nanoseconds."""


def _fold(stream: LineStream, story: Story) -> Expected:
    try:
        for line in stream.lines:
            if story.terminal and (told := _beyond(story)):
                return told
            if line.ended or _whole_line(line, story):
                _line(line.data.decode("utf-8", "replace"), story)
    except ProviderError as error:
        return story.failed(error.message)
    return _end(story)


def _end(story: Story) -> Expected:
    # Servers before 0.1.38 gave no reason: the last line alone is the finish.
    # No documentation says that a reader stops at it: it may wait for the end of the message.
    return replace(story.whole(finished=True), must_end=story.ended.message_end != "open")


def _beyond(story: Story) -> Expected | None:
    story.strict = False
    match story.rulings.pick(BEYOND_TERMINAL):
        case "error":
            return story.failed("")
        case "read":
            return None
        case _:
            return _end(story)


def _whole_line(line: RawLine, story: Story) -> bool:
    """Whether a last line without LF counts: it does where it can be known to be all there."""
    readable, _ = story.value(line.data.decode("utf-8", "replace"))
    return (
        readable
        and story.ended.message_end != "open"
        and story.rulings.pick(UNENDED_LINE) == "read"
    )


def _line(text: str, story: Story) -> None:
    record = story.json(text)
    if record is None:
        return
    if record.get("error"):
        raise ProviderError(message_of(record))
    story.model(record.get("model"))
    message = story.mapping(story.needed(record.get("message")))
    role = story.text(story.needed(message.get("role")))
    if role and not any(event.type == "role" for event in story.events):
        story.emit("role", choice=0, role=role)
    story.speak("reasoning", message.get("thinking"))
    story.speak("text", message.get("content"))
    for call in story.items(message.get("tool_calls")):
        _tool(story.mapping(call), story)
    if record.get("done") is True:
        _done(record, story)


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


def _done(record: dict[str, Any], story: Story) -> None:
    if reason := story.text(record.get("done_reason")):
        story.emit("finish", choice=0, reason=reason)
    counts = {name: record[name] for name in COUNTS if record.get(name) is not None}
    if counts:
        story.emit("usage", usage=story.exact(counts))
    story.emit("done")
    story.terminal = True


ERRORS = {
    "error": b'{"error":"an error was encountered while running the model: CUDA error"}\n',
    "error with status": b'{"StatusCode":502,"Status":"502 Bad Gateway",'
    b'"error":"upstream error"}\n',
}

_CALL = ("message", "tool_calls", None)

OLLAMA_CHAT = Dialect(
    name="ollama.chat",
    format="ndjson",
    content_type="application/x-ndjson",
    path="/api/chat",
    expect=line_oracle(_fold),
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
    finishes=("stop", "length", "load", "unload"),
    errors=ERRORS,
    order=CHAT,
)
