"""anthropic.messages: what a correct reader reports of Anthropic's documented stream."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder
from replayfuzz.dialects.anthropic_messages import ANTHROPIC_MESSAGES, ERRORS
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared


def sse(type: str, **more: Any) -> bytes:
    data = json.dumps({"type": type, **more}, ensure_ascii=False)
    return f"event: {type}\ndata: {data}\n\n".encode()


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    parts = [sse("content_block_delta", index=index, delta=delta) for delta in deltas]
    head = sse("content_block_start", index=index, content_block=start)
    return b"".join([head, *parts, sse("content_block_stop", index=index)])


def text(index: int, *pieces: str) -> bytes:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
START = sse("message_start", message={**MESSAGE, "model": "m", "usage": {"input_tokens": 3}})
FINISH = sse("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
STOP = sse("message_stop")
BEGUN: list[tuple[Any, ...]] = [
    ("model", "m"),
    ("role", 0, "assistant"),
    ("usage", {"input_tokens": 3}),
]
ENDED: list[tuple[Any, ...]] = [
    ("finish", 0, "end_turn"),
    ("usage", {"output_tokens": 5}),
    ("done",),
]
TOOL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return ANTHROPIC_MESSAGES.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(b"", [], id="no-content"),
        pytest.param(text(0, "Hi", "", "!"), [("text", 0, "Hi"), ("text", 0, "!")], id="text"),
        pytest.param(
            block(0, {"type": "text", "text": "Hi"}), [("text", 0, "Hi")], id="text-at-start"
        ),
        pytest.param(
            block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": "s"},
            ),
            [("reasoning", 0, "hm")],
            id="thinking-and-signature",
        ),
        pytest.param(
            block(0, {"type": "redacted_thinking", "data": "x"}), [], id="redacted-thinking"
        ),
        pytest.param(
            text(0, "a")
            + block(
                1,
                TOOL,
                {"type": "input_json_delta", "partial_json": ""},
                {"type": "input_json_delta", "partial_json": '{"a":'},
                {"type": "input_json_delta", "partial_json": "1}"},
            ),
            [
                ("text", 0, "a"),
                ("tool", 0, 1, "t1", "f"),
                ("tool", 0, 1, '{"a":'),
                ("tool", 0, 1, "1}"),
            ],
            id="tool-use",
        ),
        pytest.param(
            block(0, {**TOOL, "input": {"b": 1, "a": "é"}}),
            [("tool", 0, 0, "t1", "f", '{"a":"é","b":1}')],
            id="input-at-start",
        ),
        pytest.param(
            block(0, {**TOOL, "type": "server_tool_use"}),
            [("tool", 0, 0, "t1", "f")],
            id="server-tool",
        ),
        pytest.param(
            block(0, {"type": "text", "text": ""}, {"type": "citations_delta", "citation": {}}),
            [],
            id="citations",
        ),
        pytest.param(
            block(0, {"type": "text", "text": ""}, {"type": "new_delta", "x": 1}),
            [],
            id="unknown-delta",
        ),
        pytest.param(
            block(0, {"type": "web_search_tool_result", "content": []}), [], id="other-block"
        ),
        pytest.param(
            sse("content_block_start", index=0, content_block=TOOL)
            + sse("content_block_start", index=1, content_block={**TOOL, "id": "t2"})
            + sse(
                "content_block_delta",
                index=1,
                delta={"type": "input_json_delta", "partial_json": '{"a":1}'},
            )
            + sse(
                "content_block_delta",
                index=0,
                delta={"type": "input_json_delta", "partial_json": "{}"},
            )
            + sse("content_block_stop", index=0)
            + sse("content_block_stop", index=1),
            [
                ("tool", 0, 0, "t1", "f"),
                ("tool", 0, 1, "t2", "f"),
                ("tool", 0, 1, '{"a":1}'),
                ("tool", 0, 0, "{}"),
            ],
            id="interleaved",
        ),
        pytest.param(sse("ping"), [], id="ping"),
        pytest.param(sse("new_event", x=1), [], id="unknown-event"),
        pytest.param(sse("message_delta", delta={}, usage={}), [], id="empty-delta"),
    ],
)
def test_documented_events(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each event says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(START + body + FINISH + STOP)

    assert told(outcomes[0]) == [*BEGUN, *events, *ENDED]
    assert [(one.end, one.strict, one.terminal) for one in outcomes] == [("complete", True, True)]


def test_an_unknown_event_without_json_may_be_an_error() -> None:
    """New event names are promised, and to be ignored; data that is not JSON is not."""
    outcomes = expect(START + b"event: new_event\ndata: not json\n\n" + FINISH + STOP)

    assert [one.end for one in outcomes] == ["complete", "error"]
    assert told(outcomes[0]) == [*BEGUN, *ENDED]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(START + START + FINISH + STOP, id="doubled-start"),
        pytest.param(FINISH + STOP, id="start-lost"),
        pytest.param(
            START
            + sse("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"})
            + FINISH
            + STOP,
            id="delta-without-block",
        ),
        pytest.param(START + text(0, "x")[:-60] + b"\n\n" + FINISH + STOP, id="block-stop-lost"),
        pytest.param(
            START
            + sse("content_block_start", index=0, content_block={"type": "text"})
            + sse("content_block_stop", index=1)
            + FINISH
            + STOP,
            id="another-block-stopped",
        ),
        pytest.param(START + text(1, "x") + FINISH + STOP, id="first-block-lost"),
        pytest.param(START + FINISH + text(0, "x") + STOP, id="content-after-the-stop-reason"),
        pytest.param(
            START + text(0, "x").replace(b'"text": "x"', b'"text": 5') + FINISH + STOP,
            id="number-for-text",
        ),
        pytest.param(
            START + text(0, "x").replace(b'"text": "x"', b'"text": null') + FINISH + STOP,
            id="null-for-text",
        ),
        pytest.param(sse("message_start", message=None) + FINISH + STOP, id="null-for-message"),
        pytest.param(
            sse("message_start", message={"role": "assistant", "model": "m", "usage": {}})
            + FINISH
            + STOP,
            id="message-without-content",
        ),
        pytest.param(START + block(0, {"type": "text"}) + FINISH + STOP, id="block-without-text"),
        pytest.param(START + FINISH + STOP + START, id="events-after-the-last-one"),
        pytest.param(
            START + sse("message_delta", delta={"stop_reason": "end_turn"}) + STOP,
            id="last-usage-missing",
        ),
        pytest.param(b"event: message_start\ndata: {}\n\n" + FINISH + STOP, id="type-missing"),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes) -> None:
    """Events lost, doubled or out of place, and wrong types: an error is acceptable too."""

    assert not any(one.strict for one in expect(body))


@pytest.mark.parametrize(
    ("body", "end", "outcomes"),
    [
        pytest.param(START + FINISH + STOP, "complete", [("complete", True, True)], id="whole"),
        pytest.param(
            START + FINISH + STOP + START + b"junk",
            "complete",
            [("complete", True, True)],
            id="bytes-after",
        ),
        pytest.param(
            START + FINISH + STOP, "open", [("complete", True, True)], id="open-after-stop"
        ),
        pytest.param(
            START + FINISH + STOP,
            "incomplete",
            [("complete", True, True), ("truncated", True, True)],
            id="cut-after-stop",
        ),
        pytest.param(START + FINISH, "complete", [("truncated", False, True)], id="no-stop"),
        pytest.param(START + FINISH, "open", [("truncated", False, False)], id="open-before-stop"),
        pytest.param(
            START + FINISH, "incomplete", [("truncated", False, True)], id="cut-before-stop"
        ),
        pytest.param(
            START + STOP,
            "complete",
            [("complete", True, True), ("truncated", True, True)],
            id="no-stop-reason",
        ),
        pytest.param(
            START + FINISH + STOP[:-1],
            "complete",
            [("truncated", False, True), ("complete", True, True)],
            id="stop-without-blank-line",
        ),
        pytest.param(
            START + FINISH + STOP[:-1],
            "incomplete",
            [
                ("truncated", False, True),
                ("complete", True, True),
                ("truncated", True, True),
            ],
            id="stop-without-blank-line-cut",
        ),
        pytest.param(
            START + FINISH + b"data: [DO",
            "complete",
            [("truncated", False, True)],
            id="other-unfinished-event",
        ),
        pytest.param(b"", "complete", [("truncated", False, True)], id="nothing"),
    ],
)
def test_ends(body: bytes, end: str, outcomes: list[tuple[str, bool, bool]]) -> None:
    """message_stop alone says that the message is whole."""

    assert [(one.end, one.terminal, one.must_end) for one in expect(body, end)] == outcomes


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        pytest.param(
            START + ERRORS["overloaded"] + FINISH + STOP, [("error", "Overloaded")], id="overloaded"
        ),
        pytest.param(
            START + ERRORS["API error"], [("error", "Internal server error")], id="api-error"
        ),
        pytest.param(
            START + b"event: error\ndata: oops\n\n",
            [("error", "oops"), ("error", "")],
            id="plain-text",
        ),
        pytest.param(
            START + ERRORS["overloaded"].removeprefix(b"event: error\n") + FINISH + STOP,
            [("error", "Overloaded"), ("complete", "")],
            id="no-event-name",
        ),
        pytest.param(
            START + b"event: ping\ndata: {\n\n" + FINISH + STOP,
            [("error", ""), ("complete", "")],
            id="bad-json",
        ),
        pytest.param(
            START + FINISH.replace(b"event: message_delta", b"event: x") + STOP,
            [("complete", ""), ("complete", ""), ("truncated", "")],
            id="other-event-name",
        ),
    ],
)
def test_errors_and_choices(body: bytes, outcomes: list[tuple[str, str]]) -> None:
    """An error event ends the stream with its message; choices carry their clause."""
    found = expect(body)

    assert [(one.end, one.message) for one in found] == outcomes
    assert told(found[0])[:3] == BEGUN
    assert [bool(one.why) for one in found] == [False, *[True] * (len(found) - 1)]


def test_an_http_error_carries_its_message() -> None:
    """The error object is the same as in mid-stream."""
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'

    assert [(one.end, one.message) for one in expect(body, status=429)] == [("error", "slow down")]


@pytest.mark.parametrize("reason", [*ANTHROPIC_MESSAGES.finishes, "made_up"])
def test_stop_reasons_pass_verbatim(reason: str) -> None:
    """Documented or not."""
    (outcome,) = expect(START + FINISH.replace(b"end_turn", reason.encode()) + STOP)

    assert outcome.transcript.last("finish", "reason") == {0: reason}


STREAMS = recorded("anthropic.messages")
ROWS = [row(stream) for stream in STREAMS]


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Each is a whole message, in order, with no choice put to us."""
    (outcome,) = ANTHROPIC_MESSAGES.expect((stream.body,), Ended())
    seen = outcome.transcript

    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", True, True)
    assert seen.joined("text") or seen.tools() or "refusal" in stream.id
    assert seen.last("finish", "reason")
    assert seen.of("usage")
    assert disorder(ANTHROPIC_MESSAGES.order, outcome.events) is None
    for tool in seen.tools().values():
        assert tool.id
        assert tool.arguments == "" or isinstance(json.loads(tool.arguments), dict)


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read (all cuts: benchmarks/oracle.py)."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about several streams."""

    assert len(STREAMS) >= 7


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(START.replace(b'"role"', b'"rule"'), id="no-role"),
        pytest.param(sse("message_start", message={}), id="empty-message"),
        pytest.param(START + sse("content_block_start", index=0, content_block={}), id="no-type"),
    ],
)
def test_required_members_that_are_missing_leave_an_error_open(body: bytes) -> None:
    assert not expect(body + FINISH + STOP)[0].strict


def test_the_last_event_is_not_said_to_end_the_stream() -> None:
    assert not expect(START + FINISH + STOP)[0].closes
