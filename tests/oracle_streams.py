"""The corpus streams that the dialects can read, and the law that every cut is equal."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from replayfuzz import dialects
from replayfuzz.dialects.arrays import ArrayStream, array_stream
from replayfuzz.dialects.messages import MessageStream, message_stream
from replayfuzz.dialects.streams import LineStream, SseStream, line_stream, sse_stream
from replayfuzz.formats.spans import events
from tests.shared import SHARED

_FOLLOWERS = {
    "chat_completions": "openai.chat",
    "openai_compat": "openai.chat",
    "models_chat": "openai.chat",
    "responses": "openai.responses",
}
_OTHERS = {
    "anthropic.messages": "anthropic.messages",
    "vertex.anthropic_messages": "anthropic.messages",
    "ollama.chat": "ollama.chat",
    "ollama.generate": "ollama.generate",
    "ollama.pull": "ollama.pull",
    "gemini.interactions": "gemini.interactions",
    "gemini.streamGenerateContent_sse": "gemini.stream",
    "gemini.streamGenerateContent_json_array": "gemini.stream_array",
    "vertex.streamGenerateContent": "gemini.stream",
    "cohere.v1_chat": "cohere.v1",
    "tgi.generate_stream": "tgi.generate_stream",
    "replicate.stream": "replicate",
    "watsonx.text_generation_stream": "watsonx.generation",
    "mcp.streamable_http": "mcp.streamable_http",
    "anthropic.completions": "anthropic.completions",
    "bedrock.converse_stream": "bedrock.converse_stream",
    "bedrock.invoke_with_response_stream": "bedrock.invoke_with_response_stream",
    "mistral.chat_completions": "mistral.chat",
    "openai.completions": "openai.completions",
    "vllm.completions": "openai.completions",
    "writer.completions": "writer.completions",
    "openai.assistants_runs": "openai.assistants",
    "openai.audio_transcriptions": "openai.audio",
}


class Recorded(NamedTuple):
    """One stream of the corpus, with the dialect that reads it."""

    id: str
    dialect: str
    body: bytes

    def read(
        self, pieces: tuple[bytes, ...]
    ) -> SseStream | LineStream | ArrayStream | MessageStream:
        match dialects.find(self.dialect).format:
            case "ndjson":
                return line_stream(pieces)
            case "json-array":
                return array_stream(pieces)
            case "aws-event-stream":
                return message_stream(pieces)
            case _:
                return sse_stream(pieces)


def recorded(dialect: str) -> list[Recorded]:
    """The corpus streams of one dialect; none where the corpus is absent."""
    return [
        Recorded(f"{file.parent.name}/{file.stem}", dialect, file.read_bytes())
        for file in sorted((SHARED / "corpus").glob("*/*.body"))
        if _dialect(file) == dialect
    ]


def _dialect(file: Path) -> str | None:
    api = file.parent.name
    if api in _OTHERS:
        return _OTHERS[api]
    return next((name for end, name in _FOLLOWERS.items() if api.endswith(end)), None)


def mismatches(stream: Recorded, cuts: Iterator[int] | range) -> list[int]:
    """The cuts that change what is read of the whole body."""
    body, whole = stream.body, stream.read((stream.body,))
    return [at for at in cuts if stream.read((body[:at], body[at:])) != whole]


def some_cuts(stream: Recorded) -> range:
    """Every cut of a body up to 5,000 bytes; of longer ones fewer, as each costs more."""
    return range(0, len(stream.body) + 1, 1 + (len(stream.body) // 5_000) ** 2)


def row(stream: Recorded):
    """The stream as a row of a table; the longer ones take more than 0.1 s."""
    marks = [pytest.mark.slow] if len(stream.body) > 3_000 else []
    return pytest.param(stream, id=stream.id, marks=marks)


def windowed(stream: Recorded) -> list[int]:
    """As ``mismatches`` for every cut, in linear time, for long bodies.

    A reader that has read whole records is as a new one, but for what SSE keeps from event
    to event (id) and a byte order mark, and these streams have neither. So a cut inside a
    record is tried with that record and the one after it alone.
    """
    body = stream.body
    records = events(body, dialects.find(stream.dialect).format)
    assert not body.startswith(b"\xef\xbb\xbf")
    assert all(line.name != "id" for record in records for line in record.lines)
    assert stream.read(tuple(body[r.start : r.end] for r in records)) == stream.read((body,))
    wrong = []
    for record, after in zip(records, [*records[1:], records[-1]], strict=True):
        part = Recorded(stream.id, stream.dialect, body[record.start : after.end])
        cuts = range(record.end - record.start + 1)
        wrong += [record.start + at for at in mismatches(part, cuts)]
    return wrong
