"""openai.audio: what a correct reader reports of a transcription stream."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder, find
from replayfuzz.dialects.openai_audio import ERRORS, OPENAI_AUDIO
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared

USAGE = {"type": "tokens", "total_tokens": 3}
DONE = b"data: [DONE]\n\n"


def sse(kind: Any, **more: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind, **more}).encode() + b"\n\n"


def delta(text: Any) -> bytes:
    return sse("transcript.text.delta", delta=text)


def end(text: Any) -> bytes:
    return sse("transcript.text.done", text=text, usage=USAGE)


SEGMENT = sse("transcript.text.segment", text=" Hi", speaker="A", start=0.0, end=1.0, id="s")


def expect(body: bytes, message_end: Any = "complete") -> tuple[Expected, ...]:
    return OPENAI_AUDIO.expect((body,), Ended(200, message_end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


@pytest.mark.parametrize("marker", [DONE, b""])
@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param(delta("H") + delta("") + delta("i") + end("Hi"), ["H", "i"], id="pieces"),
        pytest.param(SEGMENT + end("Hi"), ["Hi"], id="segments"),
        pytest.param(end("Hi"), ["Hi"], id="only-the-end"),
        pytest.param(end(""), [], id="silence"),
        pytest.param(sse("to.come", x=1) + end("Hi"), ["Hi"], id="a-type-to-come"),
        pytest.param(b'event: x\ndata: {"x":1}\n\n' + end("Hi"), ["Hi"], id="a-name-to-come"),
    ],
)
def test_transcripts(body: bytes, texts: list[str], marker: bytes) -> None:
    """Text, usage, and the end, with [DONE] behind it (as OpenAI sends it) or without."""
    (outcome,) = expect(body + marker)

    assert told(outcome) == [*[("text", 0, text) for text in texts], ("usage", USAGE), ("done",)]
    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", True, True)
    assert outcome.closes == bool(marker)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(delta("Ho") + end("Hi"), id="end-says-otherwise"),
        pytest.param(delta("Hi") + end("Hi") + delta("Hi"), id="text-after-the-end"),
        pytest.param(delta(7) + end("Hi"), id="number-for-text"),
        pytest.param(sse(None) + end("Hi"), id="no-type"),
        pytest.param(end(None), id="no-text"),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes) -> None:
    """A stream that contradicts itself may be refused."""

    assert not any(one.strict for one in expect(body + DONE))


@pytest.mark.parametrize(
    ("body", "message_end", "ends"),
    [
        pytest.param(delta("Hi"), "complete", ["truncated"], id="cut"),
        pytest.param(delta("Hi") + DONE, "complete", ["complete", "truncated"], id="only-done"),
        pytest.param(delta("Hi") + end("Hi"), "open", ["complete"], id="kept-open"),
        pytest.param(
            delta("Hi") + end("Hi"), "incomplete", ["complete", "truncated"], id="broken-off"
        ),
        pytest.param(
            delta("Hi") + end("Hi")[:-1], "complete", ["complete", "truncated"], id="no-blank-line"
        ),
        pytest.param(
            delta("Hi") + b"event: x\n" + end("Hi"),
            "complete",
            ["complete", "truncated"],
            id="end-under-another-name",
        ),
    ],
)
def test_endings(body: bytes, message_end: str, ends: list[str]) -> None:
    """Only transcript.text.done says that the text is whole."""

    assert sorted({one.end for one in expect(body, message_end)}) == ends


@pytest.mark.parametrize("name", ERRORS)
def test_errors_in_mid_stream(name: str) -> None:
    """Each shape ends the stream with its message; what came before stays."""
    (outcome,) = expect(delta("Hi") + ERRORS[name] + end("Hi"))

    assert (told(outcome), outcome.end) == ([("text", 0, "Hi")], "error")
    assert outcome.message


STREAMS = recorded("openai.audio")


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Text and usage, and no choice is put to us."""
    (outcome,) = find("openai.audio").expect((stream.body,), Ended())

    assert outcome.transcript.joined("text")[0]
    assert outcome.transcript.last("usage", "usage")[0]["output_tokens"]
    assert (outcome.end, outcome.strict) == ("complete", True)
    assert disorder(OPENAI_AUDIO.order, outcome.events) is None


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about a stream at least."""

    assert STREAMS
