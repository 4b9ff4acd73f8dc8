"""openai.responses: what a correct reader reports, and when a stream contradicts itself."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder, find
from replayfuzz.dialects.openai_responses import ERRORS, OPENAI_RESPONSES
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared

NAME = {"item_id": "i", "output_index": 0}
PART = {**NAME, "content_index": 0}
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
Said = tuple[str, dict[str, Any]]


def stream(*events: Said, named: bool = True, first: int = 0) -> bytes:
    """The events as they are sent, numbered from *first*."""
    blocks = []
    for number, (kind, more) in enumerate(events, first):
        data = json.dumps({"type": kind, "sequence_number": number} | more, ensure_ascii=False)
        blocks.append((f"event: {kind}\n" if named else "") + f"data: {data}\n\n")
    return "".join(blocks).encode()


def response(status: str = "in_progress", output: Any = (), **more: Any) -> dict[str, Any]:
    return {"response": {"status": status, "model": "m", "output": list(output)} | more}


def message(text: str = "Hi", kind: str = "output_text") -> dict[str, Any]:
    part = {"type": kind, "text" if kind == "output_text" else "refusal": text}
    return {"type": "message", "id": "i", "role": "assistant", "content": [part]}


def call(arguments: str = "", kind: str = "function_call") -> dict[str, Any]:
    member = "input" if kind == "custom_tool_call" else "arguments"
    return {"type": kind, "id": "i", "call_id": "c", "name": "f", member: arguments}


def added(item: dict[str, Any]) -> Said:
    return "response.output_item.added", {"output_index": 0, "item": item}


def done(item: dict[str, Any]) -> Said:
    return "response.output_item.done", {"output_index": 0, "item": item}


CREATED: Said = ("response.created", response())
WRITING: Said = ("response.in_progress", response())
OPEN = added(message("") | {"content": []})
DELTA: Said = ("response.output_text.delta", {**PART, "delta": "Hi", "logprobs": []})
TEXT: Said = ("response.output_text.done", {**PART, "text": "Hi", "logprobs": []})
CLOSED = done(message())
END: Said = ("response.completed", response("completed", [message()], usage=USAGE))
WHOLE = (CREATED, WRITING, OPEN, DELTA, TEXT, CLOSED, END)
TOLD = [("model", "m"), ("role", 0, "assistant"), ("text", 0, "Hi"), ("finish", 0, "completed")]


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return OPENAI_RESPONSES.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


def test_a_message() -> None:
    """Pieces are told once, however often the stream says them again."""
    (outcome,) = expect(stream(*WHOLE))

    assert told(outcome) == [*TOLD, ("usage", USAGE), ("done",)]
    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", True, True)
    assert not outcome.closes


def answer(item: dict[str, Any], *pieces: Said, opened: dict[str, Any]) -> bytes:
    end: Said = ("response.completed", response("completed", [item]))
    return stream(CREATED, added(opened), *pieces, done(item), end)


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(
            answer(
                message("No", "refusal"),
                ("response.refusal.delta", {**PART, "delta": "No"}),
                ("response.refusal.done", {**PART, "refusal": "No"}),
                opened=message("") | {"content": []},
            ),
            [("role", 0, "assistant"), ("refusal", 0, "No")],
            id="refusal",
        ),
        pytest.param(
            answer(
                {"type": "reasoning", "id": "r", "summary": [{"text": "a"}, {"text": "b"}]},
                (
                    "response.reasoning_summary_text.delta",
                    {**NAME, "summary_index": 0, "delta": "a"},
                ),
                ("response.reasoning_summary_text.done", {**NAME, "summary_index": 0, "text": "a"}),
                (
                    "response.reasoning_summary_text.delta",
                    {**NAME, "summary_index": 1, "delta": "b"},
                ),
                ("response.reasoning_summary_text.done", {**NAME, "summary_index": 1, "text": "b"}),
                opened={"type": "reasoning", "id": "r", "summary": []},
            ),
            [("reasoning", 0, "a"), ("reasoning", 0, "b")],
            id="summary-in-two-parts",
        ),
        pytest.param(
            answer(
                {"type": "reasoning", "id": "r", "summary": []},
                ("response.reasoning_text.delta", {**PART, "delta": "hm"}),
                ("response.reasoning_text.done", {**PART, "text": "hm"}),
                opened={"type": "reasoning", "id": "r", "summary": []},
            ),
            [("reasoning", 0, "hm")],
            id="raw-reasoning",
        ),
        pytest.param(
            answer(
                call('{"a":1}'),
                ("response.function_call_arguments.delta", {**NAME, "delta": '{"a"'}),
                ("response.function_call_arguments.delta", {**NAME, "delta": ":1}"}),
                ("response.function_call_arguments.done", {**NAME, "arguments": '{"a":1}'}),
                opened=call(),
            ),
            [("tool", 0, 0, "c", "f", ""), ("tool", 0, 0, '{"a"'), ("tool", 0, 0, ":1}")],
            id="function-call",
        ),
        pytest.param(
            answer(
                call("ls", "custom_tool_call"),
                ("response.custom_tool_call_input.delta", {**NAME, "delta": "ls"}),
                ("response.custom_tool_call_input.done", {**NAME, "input": "ls"}),
                opened=call("", "custom_tool_call"),
            ),
            [("tool", 0, 0, "c", "f", ""), ("tool", 0, 0, "ls")],
            id="custom-tool-call",
        ),
        pytest.param(
            answer(
                call("{}", "mcp_call"),
                ("response.mcp_call.in_progress", NAME),
                ("response.mcp_call_arguments.delta", {**NAME, "delta": "{}"}),
                ("response.mcp_call_arguments.done", {**NAME, "arguments": "{}"}),
                ("response.mcp_call.completed", NAME),
                opened=call("", "mcp_call"),
            ),
            [("tool", 0, 0, "i", "f", ""), ("tool", 0, 0, "{}")],
            id="mcp-call",
        ),
        pytest.param(
            answer(
                {"type": "web_search_call", "id": "w"},
                ("response.web_search_call.in_progress", NAME),
                ("response.web_search_call.searching", NAME),
                ("response.web_search_call.completed", NAME),
                opened={"type": "web_search_call", "id": "w"},
            ),
            [],
            id="hosted-tool",
        ),
    ],
)
def test_items(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each documented item says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(body)

    assert told(outcomes[0]) == [("model", "m"), *events, ("finish", 0, "completed"), ("done",)]
    assert [(one.end, one.strict) for one in outcomes] == [("complete", True)]


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(("keepalive", {}), id="keepalive"),
        pytest.param(("response.to_come", {"delta": "x"}), id="a-type-to-come"),
        pytest.param(("response.content_part.added", {**PART, "part": {}}), id="content-part"),
        pytest.param(
            ("response.output_text.annotation.added", {**PART, "annotation": {}}), id="annotation"
        ),
    ],
)
def test_events_that_say_nothing(extra: Said) -> None:
    """They count in the sequence, and nothing else."""
    (outcome,) = expect(stream(*WHOLE[:3], extra, *WHOLE[3:]))

    assert told(outcome)[:4] == TOLD
    assert outcome.strict


def test_unknown_events_need_no_number() -> None:
    """What we do not know need not follow the schema that we know."""
    unknown = b'event: x\ndata: {"type":"x"}\n\n: comment\n\n'
    body = stream(*WHOLE[:3]) + unknown + stream(*WHOLE[3:], first=3)
    (outcome,) = expect(body)

    assert (told(outcome)[:4], outcome.strict) == (TOLD, True)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(stream(*WHOLE[1:]), "Hi", id="created-lost"),
        pytest.param(stream(CREATED, CREATED, *WHOLE[2:]), "Hi", id="created-twice"),
        pytest.param(stream(*WHOLE[:3], *WHOLE[4:]), "Hi", id="delta-lost"),
        pytest.param(stream(*WHOLE[:4], DELTA, *WHOLE[4:]), "HiHi", id="delta-twice"),
        pytest.param(stream(*WHOLE[:2], *WHOLE[3:]), "Hi", id="item-never-added"),
        pytest.param(stream(*WHOLE[:5], END), "Hi", id="item-never-done"),
        pytest.param(stream(*WHOLE[:3], OPEN, *WHOLE[3:]), "Hi", id="item-added-twice"),
        pytest.param(stream(*WHOLE[:6], DELTA, END), "HiHi", id="delta-after-its-item"),
        pytest.param(stream(*WHOLE, first=1), "Hi", id="numbers-from-one"),
        pytest.param(stream(*WHOLE[:4]) + stream(*WHOLE[4:], first=5), "Hi", id="number-lost"),
        pytest.param(
            stream(*WHOLE[:3], ("response.output_text.delta", {**PART, "delta": 7})), "", id="x"
        ),
        pytest.param(
            stream(*WHOLE[:6], ("response.completed", response("failed"))), "Hi", id="status"
        ),
        pytest.param(
            stream(*WHOLE[:6], ("response.completed", response("completed", [message("Ho")]))),
            "Hi",
            id="end-says-otherwise",
        ),
        pytest.param(
            stream(CREATED, ("response.completed", response("completed", [message()]))),
            "Hi",
            id="only-the-end-says-it",
        ),
        pytest.param(stream(*WHOLE) + b"data: [DONE]\n\n", "Hi", id="done-marker"),
        pytest.param(stream(*WHOLE, DELTA), "Hi", id="event-after-the-end"),
        pytest.param(
            stream(*WHOLE).replace(b'"type": "response.completed", ', b""), "Hi", id="no-type"
        ),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes, text: str) -> None:
    """A stream that leaves the documented flow or contradicts itself may be refused."""
    outcomes = expect(body)

    assert outcomes[0].transcript.joined("text").get(0, "") == text
    assert not any(one.strict for one in outcomes)


def test_arguments_that_come_only_whole() -> None:
    """As LM Studio sends them: no pieces, so the whole is what was said."""
    whole: Said = ("response.function_call_arguments.done", {**NAME, "arguments": "{}"})
    (outcome,) = expect(answer(call("{}"), whole, opened=call()))

    assert outcome.transcript.tools()[0, 0].arguments == "{}"
    assert not outcome.strict


def test_data_only_streams_have_two_readings() -> None:
    """OpenRouter sends no event names; a reader may listen for names alone."""
    read, ignored = expect(stream(*WHOLE, named=False))

    assert (told(read)[:4], read.end) == (TOLD, "complete")
    assert (ignored.events, ignored.end) == ((), "truncated")


@pytest.mark.parametrize("reason", [*OPENAI_RESPONSES.finishes, "made_up"])
def test_incomplete(reason: str) -> None:
    """Why it is incomplete is its finish reason; its items need not be done."""
    more = response("incomplete", [], incomplete_details={"reason": reason}, usage=USAGE)
    (outcome,) = expect(stream(CREATED, ("response.incomplete", more)))

    assert told(outcome)[1:] == [("finish", 0, reason), ("usage", USAGE), ("done",)]
    assert (outcome.end, outcome.strict) == ("complete", True)


# -- errors ----------------------------------------------------------------------------

MESSAGES = {
    "error event": "The server had an error while processing your request",
    "error member": "Rate limit reached",
    "response.failed": "The model failed to generate a response",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_in_mid_stream(name: str) -> None:
    """Each documented shape ends the stream with its message; what came before stays."""
    outcomes = expect(stream(*WHOLE[:4]) + ERRORS[name] + stream(*WHOLE[4:]))

    stopped, went_on = outcomes
    assert told(stopped) == TOLD[:3]
    assert told(went_on)[:4] == TOLD  # no documentation says that a reader stops there
    for one in outcomes:
        assert (one.end, one.message, one.strict) == ("error", MESSAGES[name], True)


def test_an_error_is_usually_told_twice() -> None:
    """The response that failed says it again; that is no choice."""
    error: Said = ("error", {"message": "oops"})
    failed: Said = ("response.failed", response("failed", error={"message": "oops"}))
    (outcome,) = expect(stream(CREATED, error, failed))

    assert told(outcome) == TOLD[:1]
    assert (outcome.end, outcome.message, outcome.strict) == ("error", "oops", True)


def test_a_response_that_was_never_created_may_fail_in_any_way() -> None:
    """Its failure is told, but the stream is not a documented one."""
    failed: Said = ("response.failed", response("failed", error={"message": "oops"}))
    (outcome,) = expect(stream(failed))

    assert (told(outcome), outcome.message, outcome.strict) == (TOLD[:1], "oops", False)


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        pytest.param(
            b"event: error\ndata: oops\n\n", [("error", "oops"), ("error", "")], id="plain-text"
        ),
        pytest.param(
            b'data: {"error":{"message":"oops"}}\n\n', [("error", "oops")], id="no-type-no-name"
        ),
        pytest.param(
            b'event: response.failed\ndata: {"type":"response.failed"}\n\n',
            [("error", "")],
            id="failed-without-a-word",
        ),
        pytest.param(
            b"event: response.created\ndata: {nope\n\n",
            [("error", ""), ("truncated", "")],
            id="bad-json",
        ),
        pytest.param(
            b"event: x\ndata: hello\n\n",
            [("truncated", ""), ("error", "")],
            id="unknown-event-that-is-no-json",
        ),
    ],
)
def test_choices_about_errors(body: bytes, outcomes: list[tuple[str, str]]) -> None:
    """Where nothing says what is right, each acceptable outcome is there."""

    assert [(one.end, one.message) for one in expect(body)] == outcomes


@pytest.mark.parametrize(
    ("body", "end", "ends"),
    [
        pytest.param(stream(*WHOLE[:6]), "complete", ["truncated"], id="no-end"),
        pytest.param(stream(*WHOLE[:6]), "open", ["truncated"], id="stalled"),
        pytest.param(stream(*WHOLE), "open", ["complete"], id="kept-open"),
        pytest.param(stream(*WHOLE), "incomplete", ["complete", "truncated"], id="broken-off"),
        pytest.param(
            stream(*WHOLE)[:-1], "complete", ["complete", "truncated"], id="no-blank-line"
        ),
        pytest.param(
            stream(*WHOLE[:6]) + b"data: [DONE]\n\n", "complete", ["truncated"], id="early"
        ),
    ],
)
def test_endings(body: bytes, end: str, ends: list[str]) -> None:
    """Only response.completed or .incomplete says that the response is whole."""

    assert sorted({one.end for one in expect(body, end)}) == ends


# -- the corpus ------------------------------------------------------------------------

STREAMS = recorded("openai.responses")
# Written or re-framed by hand, or of followers that leave the documented flow.
OTHERWISE = ("lmstudio", "openrouter", "openai.responses/ai--openai-custom-tool")
RATE_LIMITED = "openai.responses/prism--stream-rate-limited"


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """A message, a tool call, a refusal or an error, in order, and never a contradiction."""
    outcome, *others = find("openai.responses").expect((stream.body,), Ended())
    seen = outcome.transcript
    failed = stream.id.startswith(RATE_LIMITED)

    assert outcome.end == ("error" if failed else "complete")
    assert bool(outcome.message) == failed
    assert outcome.strict == (not stream.id.startswith(OTHERWISE))
    assert disorder(OPENAI_RESPONSES.order, outcome.events) is None
    assert len(others) <= 1
    if failed:
        return
    pictures = "image-generation" in stream.id
    assert seen.joined("text") or seen.tools() or seen.joined("refusal") or pictures
    assert seen.last("finish", "reason") == {0: "completed"}
    assert seen.last("usage", "usage")[0]["output_tokens"]
    for tool in seen.tools().values():
        assert tool.name
        assert tool.id
        assert "custom-tool" in stream.id or isinstance(json.loads(tool.arguments), dict)


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about many streams."""

    assert len(STREAMS) >= 16
