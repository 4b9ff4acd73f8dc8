"""openai.completions: what a correct reader reports of the older API, and of its followers'."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder, find
from replayfuzz.dialects.openai_completions import ERRORS, OPENAI_COMPLETIONS
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared

DONE = b"data: [DONE]\n\n"


def sse(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(text: Any, finish: Any = None, index: int = 0, **more: Any) -> bytes:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    return sse({"object": "text_completion", "choices": [choice], **more})


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return OPENAI_COMPLETIONS.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(chunk("Hi"), [("text", 0, "Hi")], id="text"),
        pytest.param(chunk(""), [], id="empty-text"),
        pytest.param(
            chunk("b", index=1) + chunk("", "length", 1),
            [("text", 1, "b"), ("finish", 1, "length")],
            id="second-choice",
        ),
        pytest.param(chunk("Hi", model="m"), [("model", "m"), ("text", 0, "Hi")], id="model"),
        pytest.param(chunk("Hi", usage=None), [("text", 0, "Hi")], id="null-usage"),
        pytest.param(
            sse({"object": "text_completion", "choices": [], "usage": {"total_tokens": 3}}),
            [("usage", {"total_tokens": 3})],
            id="usage",
        ),
    ],
)
def test_chunks(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each documented chunk says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(body + chunk("", "stop") + DONE)

    assert told(outcomes[0]) == [*events, ("finish", 0, "stop"), ("done",)]
    assert [(one.end, one.strict, one.terminal) for one in outcomes] == [("complete", True, True)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(chunk(None), id="null-text"),
        pytest.param(chunk(1), id="number-for-text"),
        pytest.param(sse({"choices": [{"text": "x", "index": 0}]}), id="no-object"),
        pytest.param(sse({"object": "text_completion"}), id="no-choices"),
        pytest.param(chunk("x", index=2) + chunk("", "stop", 2), id="a-choice-missing"),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes) -> None:
    """Outside of the schema an error is acceptable too."""

    assert not any(one.strict for one in expect(body + chunk("", "stop") + DONE))


@pytest.mark.parametrize(
    ("body", "end", "ends"),
    [
        pytest.param(chunk("a", "stop") + DONE, "complete", ["complete"], id="whole"),
        pytest.param(chunk("a", "stop"), "complete", ["complete", "truncated"], id="no-done"),
        pytest.param(chunk("a") + DONE, "complete", ["complete", "truncated"], id="no-finish"),
        pytest.param(chunk("a"), "complete", ["truncated"], id="cut"),
        pytest.param(chunk("a", "stop"), "incomplete", ["truncated"], id="connection-lost"),
        pytest.param(
            chunk("a", "stop") + DONE[:-1],
            "complete",
            ["complete", "truncated"],
            id="done-without-blank-line",
        ),
        pytest.param(b"", "complete", ["truncated"], id="nothing"),
    ],
)
def test_endings(body: bytes, end: str, ends: list[str]) -> None:
    """A stream is whole when each choice has its finish reason and [DONE] was read."""

    assert sorted({one.end for one in expect(body, end)}) == ends


@pytest.mark.parametrize("name", ERRORS)
def test_errors_in_mid_stream(name: str) -> None:
    """Each provider's shape ends the stream with its message; what came before stays."""
    outcomes = expect(chunk("Hi") + ERRORS[name] + DONE)

    assert told(outcomes[0]) == [("text", 0, "Hi")]
    assert {one.end for one in outcomes} == {"error"}
    assert all(one.message for one in outcomes)


STREAMS = recorded("openai.completions")


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Text, a finish reason, in order, and no choice is put to us."""
    (outcome,) = find("openai.completions").expect((stream.body,), Ended())

    assert outcome.transcript.joined("text")[0]
    assert outcome.transcript.last("finish", "reason")[0] in OPENAI_COMPLETIONS.finishes
    assert (outcome.end, outcome.strict) == ("complete", True)
    assert disorder(OPENAI_COMPLETIONS.order, outcome.events) is None


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about several streams."""

    assert len(STREAMS) >= 3
