"""Which provider's API an imported exchange speaks, and by what that was told."""

from __future__ import annotations

from typing import Any

from replayfuzz.cassette import UNKNOWN, Exchange, guess
from replayfuzz.dialects import NAMES
from replayfuzz.formats.aws_event_stream import EventStreamReader, Message
from replayfuzz.formats.json_text import JsonError, loads
from replayfuzz.formats.ndjson import LineReader
from replayfuzz.formats.sse import SseReader

_HEAD = 64 * 1024  # bytes of a body in which its first event is looked for
_GENERIC = {UNKNOWN, "sse", "ndjson"}

_SIGNS: tuple[tuple[str, dict[str, str]], ...] = (
    # dialect, members of its first event: "" is any value, "…*" a text that begins so.
    ("openai.chat", {"object": "chat.completion.chunk"}),
    ("openai.completions", {"object": "text_completion"}),
    ("openai.responses", {"type": "response.*"}),
    ("openai.assistants", {"object": "thread.run*"}),
    ("openai.audio", {"type": "transcript.text.*"}),
    ("anthropic.messages", {"type": "message_start", "message": ""}),
    ("anthropic.completions", {"type": "completion", "completion": ""}),
    ("gemini.interactions", {"event_type": "interaction.created", "interaction": ""}),
    ("gemini.stream", {"candidates": ""}),
    ("ollama.chat", {"message": "", "done": ""}),
    ("ollama.generate", {"response": "", "done": ""}),
    ("ollama.pull", {"status": "pulling manifest"}),
    ("cohere.v2", {"type": "message-start"}),
    ("cohere.v1", {"event_type": "stream-start"}),
    ("tgi.generate_stream", {"token": "", "index": ""}),
    ("worker.execute", {"type": "started", "job_id": ""}),
    ("watsonx.generation", {"model_id": "", "results": ""}),
    ("mcp.streamable_http", {"jsonrpc": "2.0"}),
    ("bedrock.converse_stream", {":event-type": "messageStart"}),
    ("bedrock.invoke_with_response_stream", {":event-type": "chunk"}),
)


def dialect_of(exchange: Exchange) -> tuple[str, str]:
    """The dialect of *exchange*, and what told it: ``path``, ``first event``, ``content type``.

    Only dialects that replayfuzz reads are given; else it is ``unknown``, told by nothing.
    """
    by_path = guess(exchange)
    if by_path in NAMES and by_path not in _GENERIC:
        return by_path, "path"
    event = _first(exchange.body[:_HEAD])
    for dialect, members in _SIGNS:
        if dialect in NAMES and isinstance(event, dict) and _fits(event, members):
            return dialect, "first event"
    if by_path in NAMES:
        return by_path, "content type"
    return UNKNOWN, ""


def shape(body: bytes) -> str:
    """The form of a bare body, as ``Dialect.format`` has it; "" where it begins as none."""
    if _messages(body[:_HEAD]):
        return "aws-event-stream"
    begin = body[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if begin.startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return "sse"
    first = begin.partition(b"\n")[0].strip()
    return "ndjson" if first[:1] == b"{" and _value(first) is not None else ""


def _first(begin: bytes) -> Any:
    """The JSON value of the first event that has one; None where there is none."""
    if messages := _messages(begin):
        return {":event-type": messages[0].header(":event-type")}
    if shape(begin) == "sse":
        texts = [event.data.encode() for event in SseReader().receive(begin)]
    else:
        texts = [line.data for line in LineReader().receive(begin)]
    return next((value for text in texts[:10] if (value := _value(text)) is not None), None)


def _messages(begin: bytes) -> list[Message]:
    """The first messages of an AWS event stream; none where it is no such thing."""
    return EventStreamReader().receive(begin)


def _value(text: bytes) -> Any:
    try:
        return loads(text.decode("utf-8", "replace"))
    except JsonError:
        return None


def _fits(event: dict[str, Any], members: dict[str, str]) -> bool:
    for name, wanted in members.items():
        told = event.get(name)
        if name not in event or (wanted and not isinstance(told, str)):
            return False
        if wanted.endswith("*"):
            if not str(told).startswith(wanted[:-1]):
                return False
        elif wanted and told != wanted:
            return False
    return True
