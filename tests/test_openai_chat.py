"""openai.chat: what a correct reader reports of OpenAI's stream, and of its followers'."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder, find
from replayfuzz.dialects.openai_chat import ERRORS, OPENAI_CHAT
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared

DONE = b"data: [DONE]\n\n"


def sse(value: Any) -> bytes:
    if isinstance(value, dict) and "choices" in value:
        value = {"object": "chat.completion.chunk"} | value
    return (
        b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n\n"
    )


def chunk(delta: Any = None, finish: Any = None, index: int = 0, **more: Any) -> bytes:
    return sse({"choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more})


def call(index: Any = 0, id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    return {
        "tool_calls": [
            {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
        ]
    }


HELLO = chunk({"role": "assistant", "content": ""}) + chunk({"content": "Hi"})
STOP = chunk({}, "stop")


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return OPENAI_CHAT.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


def first(*parts: bytes) -> list[tuple[Any, ...]]:
    return told(expect(b"".join(parts) + STOP + DONE)[0])[:-2]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(HELLO, [("role", 0, "assistant"), ("text", 0, "Hi")], id="role-and-text"),
        pytest.param(chunk({"content": None}), [], id="null-content"),
        pytest.param(
            sse({"object": "", "choices": [{"index": 0, "finish_reason": None}]}),
            [],
            id="annotation-of-azure",
        ),
        pytest.param(sse({"choices": []}), [], id="no-choices"),
        pytest.param(chunk({"refusal": "No"}), [("refusal", 0, "No")], id="refusal"),
        pytest.param(chunk({"reasoning_content": "hm"}), [("reasoning", 0, "hm")], id="deepseek"),
        pytest.param(
            chunk({"reasoning": "hm", "content": "x"}),
            [("reasoning", 0, "hm"), ("text", 0, "x")],
            id="openrouter",
        ),
        pytest.param(
            chunk({"reasoning": "hm", "reasoning_content": "hm"}),
            [("reasoning", 0, "hm")],
            id="both-names",
        ),
        pytest.param(
            chunk({"content": "b"}, index=1) + chunk({}, "length", 1),
            [("text", 1, "b"), ("finish", 1, "length")],
            id="second-choice",
        ),
        pytest.param(sse({"model": "m", "choices": []}) * 2, [("model", "m")], id="model-once"),
        pytest.param(
            sse({"choices": [], "usage": {"total_tokens": 3}}),
            [("usage", {"total_tokens": 3})],
            id="usage",
        ),
        pytest.param(
            chunk(call(0, "c1", "f", ""))
            + chunk(call(0, None, None, '{"a":'))
            + chunk(call(0, arguments="1}")),
            [("tool", 0, 0, "c1", "f", ""), ("tool", 0, 0, '{"a":'), ("tool", 0, 0, "1}")],
            id="tool-call",
        ),
        pytest.param(
            chunk(call(arguments=None, name="f", id="c")),
            [("tool", 0, 0, "c", "f")],
            id="null-arguments",
        ),
        pytest.param(
            chunk(call(1, "b", "g", "x") | {"content": "t"}),
            [("text", 0, "t"), ("tool", 0, 1, "b", "g", "x")],
            id="text-and-tool",
        ),
        pytest.param(b": keep-alive\n\n" + HELLO[:0], [], id="comment"),
        pytest.param(b'data: {"choices":\ndata: []}\n\n', [], id="two-data-lines"),
        pytest.param(
            sse({"choices": [{"index": 0, "delta": {"content": "[DONE]"}}]}),
            [("text", 0, "[DONE]")],
            id="done-in-content",
        ),
        pytest.param(sse({"error": None, "choices": []}), [], id="null-error"),
        pytest.param(chunk({}, ""), [], id="empty-finish-reason-is-none"),
    ],
)
def test_chunks(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each documented chunk says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(body + STOP + DONE)

    assert told(outcomes[0]) == [*events, ("finish", 0, "stop"), ("done",)]
    assert [(one.end, one.strict, one.terminal) for one in outcomes] == [("complete", True, True)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(chunk({"content": 1}), id="number-for-content"),
        pytest.param(chunk([]), id="array-for-delta"),
        pytest.param(sse({"choices": {}}), id="object-for-choices"),
        pytest.param(sse({"choices": None, "usage": None}), id="null-choices"),
        pytest.param(sse({}), id="no-choices"),
        pytest.param(chunk(None), id="null-delta"),
        pytest.param(sse({"choices": [{"index": 0}]}), id="neither-delta-nor-finish"),
        pytest.param(
            sse({"choices": [{"index": 0, "finish_reason": None}]}), id="no-delta-and-no-annotation"
        ),
        pytest.param(chunk({"content": "b"}, object="x"), id="another-object"),
        pytest.param(
            sse({"choices": [{"index": 0, "finish_reason": "stop"}]}), id="finish-without-delta"
        ),
        pytest.param(
            chunk({"content": "b"}, index=2) + chunk({}, "stop", 2), id="a-choice-missing"
        ),
        pytest.param(sse({"choices": [{"delta": {"content": ""}}]}), id="choice-without-index"),
        pytest.param(chunk({"content": [{"type": "text", "text": ""}]}), id="content-in-parts"),
        pytest.param(chunk({"content": "x"}, 7), id="number-for-finish"),
        pytest.param(b"data: \xff{}\n\n", id="bad-utf8"),
        pytest.param(sse({"a": 1})[:-3] + b',"a":2}\n\n', id="name-twice"),
        pytest.param(
            b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
            id="lone-surrogate",
        ),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes) -> None:
    """Outside of schema and standard, an error is acceptable too."""

    assert not any(one.strict for one in expect(body + STOP + DONE))


def test_a_null_choice_says_nothing() -> None:
    """Nothing but an error could be made of it, or nothing at all."""

    assert first(sse({"choices": [None]})) == []


def test_mistral_parts() -> None:
    """Content in parts is thinking and text."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hi"},
    ]

    assert first(chunk({"content": parts})) == [("reasoning", 0, "hm"), ("text", 0, "Hi")]


def test_arguments_as_an_object_are_told_as_canonical_text() -> None:
    """Some followers send the object instead of its text."""

    assert first(chunk(call(0, "c", "f", {"b": 1, "a": 2}))) == [
        ("tool", 0, 0, "c", "f", '{"a":2,"b":1}')
    ]


# -- ends ------------------------------------------------------------------------------


def ends(body: bytes, end: Any = "complete", status: int = 200) -> list[tuple[str, bool, bool]]:
    return [(one.end, one.terminal, one.must_end) for one in expect(body, end, status)]


@pytest.mark.parametrize(
    ("body", "end", "outcomes"),
    [
        pytest.param(HELLO + STOP + DONE, "complete", [("complete", True, True)], id="whole"),
        pytest.param(HELLO + STOP + DONE, "open", [("complete", True, True)], id="open-after-done"),
        pytest.param(
            HELLO + STOP + DONE,
            "incomplete",
            [("complete", True, True), ("truncated", True, True)],
            id="cut-after-done",
        ),
        pytest.param(
            HELLO + STOP,
            "complete",
            [("complete", False, True), ("truncated", False, True)],
            id="no-done",
        ),
        pytest.param(
            HELLO + STOP, "incomplete", [("truncated", False, True)], id="cut-before-done"
        ),
        pytest.param(HELLO + STOP, "open", [("truncated", False, False)], id="open-before-done"),
        pytest.param(HELLO, "complete", [("truncated", False, True)], id="no-finish"),
        pytest.param(
            HELLO + chunk({"content": "b"}, index=1) + STOP,
            "complete",
            [("truncated", False, True)],
            id="one-choice-unfinished",
        ),
        pytest.param(
            HELLO + DONE,
            "complete",
            [("complete", True, True), ("truncated", True, True)],
            id="done-without-finish",
        ),
        pytest.param(b"", "complete", [("truncated", False, True)], id="nothing"),
        pytest.param(
            HELLO + STOP + DONE + DONE + HELLO + b"junk",
            "complete",
            [("complete", True, True)],
            id="bytes-after-done",
        ),
        pytest.param(
            HELLO + STOP + DONE[:-1],
            "complete",
            [("complete", False, True), ("complete", True, True), ("truncated", False, True)],
            id="done-without-blank-line",
        ),
        pytest.param(
            HELLO + STOP[:-1],
            "complete",
            [("truncated", False, True)],
            id="last-event-without-blank-line",
        ),
        pytest.param(
            HELLO + STOP + b"data:[DONE]\r\n\r\n",
            "complete",
            [("complete", True, True)],
            id="crlf-no-space",
        ),
        pytest.param(
            HELLO + STOP + b"event: done\n" + DONE,
            "complete",
            [("complete", True, True)],
            id="named-done",
        ),
    ],
)
def test_ends(body: bytes, end: str, outcomes: list[tuple[str, bool, bool]]) -> None:
    """Terminal marker, finish reason and message end decide together."""

    assert ends(body, end) == outcomes


def test_done_is_told_once_and_last() -> None:
    """Whatever follows the terminal marker is not read."""
    events = told(expect(HELLO + STOP + DONE + DONE + HELLO)[0])

    assert [event for event in events if event[0] == "done"] == events[-1:]


@pytest.mark.parametrize("finish", [*OPENAI_CHAT.finishes, "made_up", "STOP"])
def test_finish_reasons_pass_verbatim(finish: str) -> None:
    """Documented or not."""
    (outcome,) = expect(HELLO + chunk({}, finish) + DONE)

    assert outcome.transcript.last("finish", "reason") == {0: finish}


# -- errors ----------------------------------------------------------------------------

MESSAGES = {
    "error object": "The server had an error while processing your request",
    "event: error": "Tool choice is required",
    "error string": "Request failed during generation: out of memory",
    "vLLM error": "This model's maximum context length is 4096 tokens",
    "error in a chunk": "Provider disconnected",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_in_mid_stream(name: str) -> None:
    """Each provider's shape ends the stream with its message; what came before stays."""
    outcomes = expect(HELLO + ERRORS[name] + HELLO + DONE)

    assert told(outcomes[0]) == [("role", 0, "assistant"), ("text", 0, "Hi")]
    assert {(one.end, one.message) for one in outcomes} == {("error", MESSAGES[name])}


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        pytest.param(
            b"event: error\ndata: oops\n\n", [("error", "oops"), ("error", "")], id="plain-text"
        ),
        pytest.param(b'event: error\ndata: "oops"\n\n', [("error", "oops")], id="json-string"),
        pytest.param(
            b'event: error\ndata: {"message":"oops"}\n\n', [("error", "oops")], id="bare-object"
        ),
        pytest.param(sse({"error": {"code": 1}}), [("error", "")], id="no-message"),
        pytest.param(
            sse({"error": {"message": {"x": 1}}}), [("error", "")], id="message-not-a-string"
        ),
        pytest.param(
            sse({"error": {}}) + STOP + DONE, [("complete", ""), ("error", "")], id="empty-error"
        ),
        pytest.param(
            b"data: {nope\n\n" + STOP + DONE, [("error", ""), ("complete", "")], id="bad-json"
        ),
        pytest.param(
            b"data: 7\n\n" + STOP + DONE, [("error", ""), ("complete", "")], id="not-an-object"
        ),
        pytest.param(
            b"data:\n\n" + STOP + DONE, [("error", ""), ("complete", "")], id="empty-data"
        ),
        pytest.param(
            b"event: x\n" + STOP + DONE, [("complete", ""), ("truncated", "")], id="named-event"
        ),
    ],
)
def test_choices_about_errors(body: bytes, outcomes: list[tuple[str, str]]) -> None:
    """Where nothing says what is right, each acceptable outcome is there; the others carry a clause."""
    found = expect(body)
    seen = [(one.end, one.message) for one in found]

    assert list(dict.fromkeys(seen))[: len(outcomes)] == outcomes
    assert [bool(one.why) for one in found] == [False, *[True] * (len(found) - 1)]


@pytest.mark.parametrize(
    ("status", "body", "end", "outcomes"),
    [
        pytest.param(
            429,
            b'{"error":{"message":"slow down"}}',
            "complete",
            [("error", "slow down")],
            id="429",
        ),
        pytest.param(500, b"<html>", "complete", [("error", "")], id="html"),
        pytest.param(500, HELLO, "complete", [("error", "")], id="a-stream"),
        pytest.param(503, b'{"detail":"down"}', "complete", [("error", "")], id="detail"),
        pytest.param(400, b'{"message":"bad"}', "complete", [("error", "")], id="bare"),
        pytest.param(400, b'{"error":"bad"}', "complete", [("error", "")], id="string"),
        pytest.param(
            400, b'[{"error":{"message":"bad"}}]', "complete", [("error", "bad")], id="array"
        ),
        pytest.param(400, b'{"error":{"message":"bad"}}', "incomplete", [("error", "")], id="cut"),
        pytest.param(307, b"", "complete", [("error", "")], id="redirect-to-nowhere"),
        pytest.param(204, b"", "complete", [("complete", ""), ("truncated", "")], id="no-content"),
        pytest.param(
            204, HELLO, "open", [("complete", ""), ("truncated", "")], id="no-content-open"
        ),
        pytest.param(201, HELLO + STOP + DONE, "complete", [("complete", "")], id="other-success"),
    ],
)
def test_statuses(status: int, body: bytes, end: str, outcomes: list[tuple[str, str]]) -> None:
    """An HTTP error is an error, with the provider's message where it can be read."""

    assert [(one.end, one.message) for one in expect(body, end, status)] == outcomes


def test_lone_surrogates_are_kept_or_replaced() -> None:
    """Escapes that pair are one character; those that do not have two readings."""
    body = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d\\ude00\\ud83d"}}]}\n\n'

    assert [one.transcript.joined("text") for one in expect(body + STOP + DONE)] == [
        {0: "😀\ud83d"},
        {0: "😀\ufffd"},
    ]


def test_names_twice_have_two_readings() -> None:
    """The last value usually, the first acceptably."""
    body = b'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}\n\n'

    assert [one.transcript.joined("text") for one in expect(body + STOP + DONE)] == [
        {0: "b"},
        {0: "a"},
    ]


def test_big_numbers_are_exact_or_rounded() -> None:
    """A double cannot hold every count."""
    usage = expect(sse({"usage": {"n": 2**53 + 1}}) + STOP + DONE)

    assert [one.transcript.last("usage", "usage")[0]["n"] for one in usage] == [2**53 + 1, 2**53]


# -- the corpus ------------------------------------------------------------------------

# Recordings that break off before their finish reason, or join several messages in one body.
BROKEN_OFF = (
    "cerebras.chat_completions/huggingface.js--hf-tape-b3cad22ff43c",
    "gpustack.chat_completions/ruby_llm--tended-thinking-gpustack-qwen3-streams-t",
)
JOINED = ("cerebras.chat_completions/ai--cererebras-structured-outp",)
STREAMS = recorded("openai.chat")


ROWS = [row(stream) for stream in STREAMS]


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Each provider's stream is a message or an error, in order, and no choice is put to us."""
    outcome, *others = find("openai.chat").expect((stream.body,), Ended())
    seen = outcome.transcript

    assert seen.joined("text") or seen.tools() or seen.joined("reasoning")
    assert (
        seen.last("finish", "reason")
        or outcome.end == "error"
        or stream.id.startswith((*BROKEN_OFF, "snowflake"))
    )
    assert (outcome.end == "truncated") == stream.id.startswith(BROKEN_OFF)
    assert not outcome.message or outcome.end == "error"
    assert disorder(OPENAI_CHAT.order, outcome.events) is None or stream.id.startswith(JOINED)
    assert len(others) <= 2
    for tool in seen.tools().values():
        assert tool.name
        assert (
            tool.arguments == ""
            or stream.id.startswith(JOINED)
            or isinstance(json.loads(tool.arguments), dict)
        )


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read (all cuts: benchmarks/oracle.py)."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about many streams."""

    assert len(STREAMS) >= 52
