"""mistral.chat: content in parts is documented there, and OpenAI's reading of all else holds."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder, find
from replayfuzz.dialects.mistral_chat import MISTRAL_CHAT
from replayfuzz.dialects.openai_chat import OPENAI_CHAT
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared

PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
    {"type": "text", "text": "Hi"},
    {"type": "reference", "reference_ids": [1]},
]
CHUNK = {"id": "c1", "object": "chat.completion.chunk", "model": "m"}
CALL = {"index": 0, "id": "c", "function": {"name": "f", "arguments": {"b": 1, "a": 2}}}


def body(delta: Any, finish: str) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sent({**CHUNK, "choices": [choice]})


def sent(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n"


@pytest.mark.parametrize("finish", MISTRAL_CHAT.finishes)
@pytest.mark.parametrize(
    ("delta", "events"),
    [
        pytest.param({"content": "Hi"}, [("text", 0, "Hi")], id="string"),
        pytest.param({"content": PARTS}, [("reasoning", 0, "hm"), ("text", 0, "Hi")], id="parts"),
        pytest.param({"content": []}, [], id="no-parts"),
        pytest.param(
            {"tool_calls": [CALL]}, [("tool", 0, 0, "c", "f", '{"a":2,"b":1}')], id="object"
        ),
    ],
)
def test_what_only_mistral_documents(
    delta: dict[str, Any], finish: str, events: list[tuple[Any, ...]]
) -> None:
    """It is read as OpenAI's dialect reads it, but here an error would be wrong."""
    (outcome,) = MISTRAL_CHAT.expect((body(delta, finish),), Ended())
    told = [(event.type, *event.values.values()) for event in outcome.events]
    (openai,) = OPENAI_CHAT.expect((body(delta, finish),), Ended())

    assert told == [("model", "m"), *events, ("finish", 0, finish), ("done",)]
    assert (outcome.end, outcome.strict) == ("complete", True)
    assert openai.events == outcome.events
    assert openai.strict == (delta == {"content": "Hi"})


@pytest.mark.parametrize("content", [7, {}, ["Hi"]])
def test_other_content_may_be_an_error(content: Any) -> None:
    """Neither a string nor an array of parts."""
    (outcome,) = MISTRAL_CHAT.expect((body({"content": content}, "stop"),), Ended())

    assert not outcome.strict


@pytest.mark.parametrize("value", [None, "missing"])
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path.split("."), id=path)
        for path in (
            *("id", "model", "choices", "choices.0.delta", "choices.0.finish_reason"),
            *("choices.0.delta.tool_calls.0.function", "choices.0.index"),
            "choices.0.delta.tool_calls.0.function.name",
            "choices.0.delta.tool_calls.0.function.arguments",
        )
    ],
)
def test_without_a_required_member_an_error_will_do(path: list[str], value: str | None) -> None:
    """Mistral's API reference says which: a finish reason has to be there, but may be null."""
    choice = {"index": 0, "delta": {"tool_calls": [CALL]}, "finish_reason": "tool_calls"}
    chunk = json.loads(json.dumps({**CHUNK, "choices": [choice]}))
    place = chunk
    for step in path[:-1]:
        place = place[int(step)] if isinstance(place, list) else place[step]
    whole = MISTRAL_CHAT.expect((sent(chunk),), Ended())
    place[path[-1]] = None
    if value:
        del place[path[-1]]

    assert all(one.strict for one in whole)
    last = sent({**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    stream = sent(chunk).removesuffix(b"data: [DONE]\n\n") + last
    may_be_null = path[-1] == "finish_reason" and not value
    assert [one.strict for one in MISTRAL_CHAT.expect((stream,), Ended())] == [may_be_null]


STREAMS = recorded("mistral.chat")


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Text, a finish reason and usage, in order, and no choice is put to us."""
    (outcome,) = find("mistral.chat").expect((stream.body,), Ended())

    assert outcome.transcript.joined("text")[0]
    assert outcome.transcript.last("finish", "reason")[0] in MISTRAL_CHAT.finishes
    assert outcome.transcript.last("usage", "usage")[0]["completion_tokens"]
    assert (outcome.end, outcome.strict) == ("complete", True)
    assert disorder(MISTRAL_CHAT.order, outcome.events) is None
    assert bool(outcome.transcript.joined("reasoning")) == ("reasoning" in stream.id)


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
