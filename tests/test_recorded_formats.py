"""The corpus streams of the smaller APIs: each says what it is known to say, however it is cut."""

from typing import Any

import pytest

from replayfuzz.dialects import NAMES, Ended, disorder, find
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import SHARED, needs_shared

FINISHED = {
    "gemini.stream": "STOP",
    "gemini.stream_array": "STOP",
    "ollama.generate": "stop",
    "cohere.v1": "COMPLETE",
    "watsonx.generation": "eos_token",
    "anthropic.completions": "stop_sequence",
    "tgi.generate_stream": None,  # recorded without details
    "replicate": None,  # done has no reason when all went well
    "mcp.streamable_http": None,
    "gemini.interactions": "completed",
    "ollama.pull": None,  # its last status says so
}
"""Dialects, and the finish reason that their streams end with."""

# How a stream ends that is not a whole message, and how its error begins.
OTHERWISE: dict[str, tuple[str, str]] = {
    # The fixture has lost its blank lines, so it holds no event at all.
    "gemini.streamGenerateContent_sse/prism--stream-basic-text-1": ("truncated", ""),
    "tgi.generate_stream/huggingface.js--hf-tape-e9fc55386e8e": (
        "error",
        "Input validation error: `inputs` tokens",
    ),
}

# Streams that end with another reason than others of their dialect.
STOPPED = {
    "gemini.interactions/openinference--test-generate-interactions-multi-model-messages-true": (
        "incomplete"
    ),
}

STREAMS = [stream for name in FINISHED for stream in recorded(name)]
ROWS = [row(stream) for stream in STREAMS]


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Each is a whole message, in order; special tokens are the only choice put to us."""
    dialect = find(stream.dialect)
    outcome, *others = dialect.expect((stream.body,), Ended())
    seen = outcome.transcript

    assert outcome.strict
    end, message = OTHERWISE.get(stream.id, ("complete", ""))
    assert outcome.end == end
    assert outcome.message.startswith(message) if message else not outcome.message
    assert disorder(dialect.order, outcome.events) is None
    assert all("TGI flags special tokens" in other.why for other in others)
    if stream.id not in OTHERWISE:
        assert seen.joined("text") or seen.tools() or seen.of("record")
        reason = STOPPED.get(stream.id, FINISHED[stream.dialect])
        assert seen.last("finish", "reason") == ({} if reason is None else {0: reason})


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read (all cuts: benchmarks/oracle.py)."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
@pytest.mark.parametrize(
    ("id", "kind", "begins"),
    [
        ("tgi.generate_stream/huggingface.js--hf-tape-2cc5a8d9d908", "text", " How does the fish"),
        ("replicate.stream/openllmetry--test-replicate-llama", "text", "Sure, here's a joke"),
        ("watsonx.text_generation_stream/openllmetry", "text", "the sun is the most"),
        ("cohere.v1_chat/openllmetry", "text", "Arrrr, matey! Shiver me"),
        ("anthropic.completions/openinference", "text", " Light scatters blue."),
        ("ollama.generate/langchaingo", "text", "Okay, here we go!"),
        ("vertex.streamGenerateContent/ruby_llm", "reasoning", "**Exploring Mirror's Logic**"),
        ("gemini.interactions/openinference--test-generate", "text", "The image displays"),
        ("gemini.interactions/openinference--test-inter", "reasoning", "**Clarifying the Expl"),
    ],
)
def test_recorded_streams_say_what_they_say(id: str, kind: str, begins: str) -> None:
    """Read by eye in the recording."""
    (stream,) = (stream for stream in STREAMS if stream.id.startswith(id))
    (outcome, *_) = find(stream.dialect).expect((stream.body,), Ended())

    assert outcome.transcript.joined(kind)[0].startswith(begins)


@needs_shared
def test_the_recorded_results_of_mcp_are_told_whole() -> None:
    """A list of tools, and an answer after a notification."""
    values: list[Any] = [
        [event.get("value") for event in find(one.dialect).expect((one.body,), Ended())[0].events]
        for one in STREAMS
        if one.dialect == "mcp.streamable_http"
    ]

    assert values[0][0]["result"]["tools"][0]["name"] == "read_wiki_structure"
    assert [value["method"] for value in values[1][:1]] == ["notifications/message"]
    assert values[1][1]["result"]["content"][0]["text"].startswith("Pydantic AI is a Python")


@needs_shared
def test_the_recorded_download_is_told_line_by_line() -> None:
    """Five layers between the manifest and success."""
    (stream,) = recorded("ollama.pull")
    values: list[Any] = [
        event.get("value")
        for event in find("ollama.pull").expect((stream.body,), Ended())[0].events
        if event.type == "record"
    ]

    assert [value["status"] for value in values[:1] + values[-1:]] == [
        "pulling manifest",
        "success",
    ]
    assert sum("digest" in value for value in values) == 5
    assert values[1]["completed"] == values[1]["total"] == 815310432


@needs_shared
def test_every_stream_of_the_corpus_has_a_dialect() -> None:
    """None is left out of what these laws and benchmarks/oracle.py look at."""
    found = [stream.id for name in NAMES for stream in recorded(name)]

    assert len(found) == len(set(found)) == len(list((SHARED / "corpus").glob("*/*.body")))


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about streams of every API that the corpus has."""
    found = {stream.dialect for stream in STREAMS}

    assert found >= set(FINISHED)
    assert len(STREAMS) >= 20
