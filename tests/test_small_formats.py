"""What a correct reader reports of the smaller APIs, event by event, and how their streams end."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, find, relayed
from replayfuzz.transcript import Expected, Response

Rows = list[tuple[Any, ...]]


def data(value: Any = None, *, event: str = "", **members: Any) -> bytes:
    """One SSE event; members are a JSON object."""
    text = json.dumps(members) if value is None else value
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {text}\n\n".encode()


def line(**members: Any) -> bytes:
    return json.dumps(members).encode() + b"\n"


def expect(name: str, body: bytes, end: Any = "complete", status: int = 200) -> Any:
    return find(name).expect((body,), Ended(status, end))


def told(outcome: Expected) -> Rows:
    return [(event.type, *event.values.values()) for event in outcome.events]


def co(type: str, **more: Any) -> bytes:
    return data(event=type, type=type, **more)


def co_message(type: str, index: int | None = None, **message: Any) -> bytes:
    at = {} if index is None else {"index": index}
    return co(type, **at, delta={"message": message})


def completion(text: str, reason: str | None = None) -> bytes:
    more = {"completion": text, "stop_reason": reason, "model": "m"}
    return data(event="completion", type="completion", **more)


def token(text: str, all: str | None = None, special: bool = False, **details: Any) -> bytes:
    one = {"id": 1, "text": text, "logprob": -1, "special": special}
    return data(token=one, generated_text=all, details=details or None)


def results(text: str, reason: str, generated: int = 1, given: int = 0) -> bytes:
    counts = {"generated_token_count": generated, "input_token_count": given}
    return data(
        event="message",
        model_id="m",
        results=[{"generated_text": text, "stop_reason": reason, **counts}],
    )


def rpc(**members: Any) -> bytes:
    return data(event="message", jsonrpc="2.0", **members)


def ia(kind: str, **more: Any) -> bytes:
    return data(event=kind, event_type=kind, **more)


def ia_text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


CREATED = ia("interaction.created", interaction={"id": "i", "status": "in_progress", "model": "m"})
COMPLETED = ia(
    "interaction.completed",
    interaction={"id": "i", "status": "completed", "model": "m", "usage": {"total_tokens": 3}},
)
STARTED = data(event="started", type="started", job_id="j", model="m", started_at="0")
HI = data(event="token", type="token", t="Hi", i=0)
END = data(event="end", type="end", tokens_out=1, decode_time_ms=9, stop_reason="max_tokens")
NOTED = rpc(method="notifications/message", params={"level": "info"})
ANSWER = rpc(id=1, result={"content": []})

START_V2 = co_message("message-start", role="assistant")
END_V2 = co("message-end", delta={"finish_reason": "COMPLETE", "usage": {"tokens": {"n": 1}}})
CONTENT = co_message("content-delta", 0, content={"text": "Hi"})
END_V1 = line(is_finished=True, event_type="stream-end", finish_reason="COMPLETE", response={})
TEXT_V1 = line(is_finished=False, event_type="text-generation", text="Hi")

# One whole stream of each API: its content, its last record, and what they say.
WHOLE: dict[str, tuple[bytes, bytes, Rows, Rows]] = {
    "gemini.interactions": (
        CREATED
        + ia("interaction.status_update", interaction_id="i", status="in_progress")
        + ia("step.start", index=0, step={"type": "thought"})
        + ia("step.delta", index=0, delta={"type": "thought_summary", "content": ia_text("hm")})
        + ia("step.delta", index=0, delta={"type": "thought_signature", "signature": "s"})
        + ia("step.stop", index=0)
        + ia("step.start", index=1, step={"type": "function_call", "id": "c", "name": "f"})
        + ia("step.delta", index=1, delta={"type": "arguments_delta", "arguments": "{}"})
        + ia("step.stop", index=1)
        + ia("step.start", index=2, step={"type": "model_output", "content": [ia_text("H")]})
        + ia("step.delta", index=2, delta=ia_text("i"))
        + ia("step.stop", index=2),
        COMPLETED,
        [
            ("model", "m"),
            ("reasoning", 0, "hm"),
            ("tool", 0, 1, "c", "f"),
            ("tool", 0, 1, "{}"),
            ("text", 0, "H"),
            ("text", 0, "i"),
        ],
        [("finish", 0, "completed"), ("usage", {"total_tokens": 3}), ("done",)],
    ),
    "ollama.pull": (
        line(status="pulling manifest")
        + line(status="pulling 1", digest="d", total=9, completed=4),
        line(status="success"),
        [
            ("record", {"status": "pulling manifest"}),
            ("record", {"status": "pulling 1", "digest": "d", "total": 9, "completed": 4}),
        ],
        [("record", {"status": "success"}), ("done",)],
    ),
    "cohere.v2": (
        START_V2
        + co_message("content-start", 0, content={"type": "thinking", "thinking": "hm"})
        + CONTENT
        + co_message("tool-plan-delta", tool_plan="plan")
        + co_message(
            "tool-call-start",
            0,
            tool_calls={"id": "i", "type": "function", "function": {"name": "f", "arguments": ""}},
        )
        + co_message("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}})
        + co("citation-end", index=0),
        END_V2,
        [
            ("role", 0, "assistant"),
            ("reasoning", 0, "hm"),
            ("text", 0, "Hi"),
            ("reasoning", 0, "plan"),
            ("tool", 0, 0, "i", "f"),
            ("tool", 0, 0, "{}"),
        ],
        [("finish", 0, "COMPLETE"), ("usage", {"tokens": {"n": 1}}), ("done",)],
    ),
    "cohere.v1": (
        line(is_finished=False, event_type="stream-start")
        + line(event_type="tool-calls-chunk", text="plan")
        + line(event_type="tool-calls-chunk", tool_call_delta={"index": 0, "name": "f"})
        + line(
            event_type="tool-calls-generation",
            tool_calls=[{"name": "f", "parameters": {"b": 1, "a": 2}}],
        )
        + TEXT_V1,
        END_V1,
        [("reasoning", 0, "plan"), ("tool", 0, 0, "f", '{"a":2,"b":1}'), ("text", 0, "Hi")],
        [("finish", 0, "COMPLETE"), ("done",)],
    ),
    "ollama.generate": (
        line(model="m", response="", thinking="hm") + line(model="m", response="Hi", done=False),
        line(model="m", response="", done=True, done_reason="stop", eval_count=2),
        [("model", "m"), ("reasoning", 0, "hm"), ("text", 0, "Hi")],
        [("finish", 0, "stop"), ("usage", {"eval_count": 2}), ("done",)],
    ),
    "worker.execute": (
        STARTED + HI + data(event="metrics", type="metrics", tokens_per_sec=1.5),
        END,
        [("model", "m"), ("text", 0, "Hi")],
        [
            ("finish", 0, "max_tokens"),
            ("usage", {"tokens_out": 1, "decode_time_ms": 9}),
            ("done",),
        ],
    ),
    "worker.jobs": (
        data(type="started", job_id="j", model="m")
        + data(type="narration", actor="a")
        + data(type="token", t="Hi", i=0),
        data("[DONE]"),
        [("model", "m"), ("text", 0, "Hi")],
        [("done",)],
    ),
    "tgi.generate_stream": (
        b'data:{"token":{"id":1,"text":"H","special":false},"generated_text":null}\n\n'
        + token("i"),
        token("!", "Hi!", finish_reason="length", generated_tokens=3),
        [("text", 0, "H"), ("text", 0, "i")],
        [("text", 0, "!"), ("finish", 0, "length"), ("usage", {"generated_tokens": 3}), ("done",)],
    ),
    "replicate": (
        b": hi\n\nevent: output\nid: 1\ndata: a\ndata: \ndata: b\n\n"
        + data("loading", event="logs"),
        data("{}", event="done"),
        [("text", 0, "a\n\nb")],
        [("done",)],
    ),
    "watsonx.generation": (
        results("", "not_finished", 0, 5) + results("Hi", "NOT_FINISHED"),
        results("", "eos_token", 2),
        [
            ("model", "m"),
            ("usage", {"input_token_count": 5}),
            ("text", 0, "Hi"),
            ("usage", {"generated_token_count": 1}),
        ],
        [("finish", 0, "eos_token"), ("usage", {"generated_token_count": 2})],
    ),
    "mcp.streamable_http": (
        b": ping\n\n" + NOTED,
        ANSWER,
        [
            (
                "record",
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/message",
                    "params": {"level": "info"},
                },
            )
        ],
        [("record", {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}), ("done",)],
    ),
    "simplified": (
        data(content="Hi") + data(content=""),
        data("[DONE]"),
        [("text", 0, "Hi")],
        [("done",)],
    ),
    "anthropic.completions": (
        completion(" Hi") + data(event="ping", type="ping"),
        completion("", "stop_sequence"),
        [("model", "m"), ("text", 0, " Hi")],
        [("finish", 0, "stop_sequence"), ("done",)],
    ),
}
MARKED = {"worker.jobs", "simplified"}  # by [DONE]
NO_MARK = {"watsonx.generation"}  # only the end of the message says that there is no more

each = pytest.mark.parametrize("name", WHOLE)


@each
def test_a_whole_stream_leaves_no_choice(name: str) -> None:
    """All that its records say, in order; an error would be wrong."""
    content, last, first, rest = WHOLE[name]
    outcomes = expect(name, content + last)

    assert told(outcomes[0]) == [*first, *rest]
    assert [(one.end, one.strict) for one in outcomes] == [("complete", True)]
    assert outcomes[0].terminal is (name not in NO_MARK)


@each
def test_without_its_last_record_it_is_truncated(name: str) -> None:
    """Whatever HTTP says of the message."""
    content, last, first, _ = WHOLE[name]

    for end in ("complete", "incomplete", "open"):
        for body in (content, content + last[: len(last) // 2]):
            (outcome,) = expect(name, body, end)

            assert (told(outcome), outcome.end) == (first, "truncated")
            assert outcome.must_end is (end != "open")


@each
def test_a_message_that_breaks_off_after_it(name: str) -> None:
    """Where the last record is a marker, the stream may count as whole."""
    content, last, *_ = WHOLE[name]
    found = [one.end for one in expect(name, content + last, "incomplete")]

    assert found == (["truncated"] if name in NO_MARK else ["complete", "truncated"])


@each
def test_only_the_blank_line_after_it_is_missing(name: str) -> None:
    """Such an event may be discarded, and may be read; a line without its end is read."""
    content, last, *_ = WHOLE[name]
    found = {one.end for one in expect(name, content + last[:-1])}

    if name not in MARKED:  # the marker is no object
        assert found == {"complete", "truncated"}


@each
def test_records_after_it_leave_an_error_open(name: str) -> None:
    """No documentation has any."""
    content, last, *_ = WHOLE[name]

    if name not in NO_MARK | MARKED:  # readers stop at the marker
        assert not expect(name, content + last + last)[0].strict


@each
def test_a_record_that_is_not_json(name: str) -> None:
    """It is an error or skipped; Replicate's text is none on purpose."""
    content, last, *_ = WHOLE[name]
    broken = b"{no\n" if find(name).format == "ndjson" else b"data: {no\n\n"
    found = [one.end for one in expect(name, broken + content + last)]

    if name != "replicate":
        assert found[0] == "error"
        assert "complete" in found


@each
def test_an_error_in_mid_stream_carries_its_message(name: str) -> None:
    """Every documented error record."""
    content, last, first, _ = WHOLE[name]

    for record in find(name).errors.values():
        (outcome,) = expect(name, content + record + last)

        assert (outcome.end, told(outcome)) == ("error", first)
        assert outcome.message
        assert outcome.message in record.decode()


@pytest.mark.parametrize(
    ("name", "body", "outcomes"),
    [
        pytest.param(
            "cohere.v2", START_V2 + END_V2 + data("[DONE]"), [("complete", True)], id="done-after"
        ),
        pytest.param(
            "cohere.v2",
            START_V2 + CONTENT + data("[DONE]"),
            [("complete", True), ("truncated", True)],
            id="done-without-message-end",
        ),
        pytest.param("cohere.v2", CONTENT + END_V2, [("complete", False)], id="no-message-start"),
        pytest.param(
            "cohere.v2",
            START_V2 + co("message-end", delta={"finish_reason": "ERROR"}),
            [("complete", True), ("error", True)],
            id="failed-without-a-text",
        ),
        pytest.param(
            "cohere.v1",
            TEXT_V1 + line(event_type="stream-end", finish_reason="ERROR_TOXIC"),
            [("complete", True), ("error", True)],
            id="failed",
        ),
        *(
            pytest.param(
                "cohere.v1",
                TEXT_V1 + line(**record) + END_V1,
                [("complete", False), ("error", False)],
                id=name,
            )
            for name, record in (
                ("no-type", {"message": "internal server error"}),
                ("nothing", {}),
                ("no-name", {"": ""}),
                ("null-type", {"event_type": None}),
            )
        ),
        pytest.param("worker.execute", HI + END, [("complete", False)], id="no-started"),
        pytest.param(
            "worker.execute", STARTED + STARTED + END, [("complete", False)], id="started-twice"
        ),
        pytest.param(
            "worker.execute", STARTED + HI + HI + END, [("complete", False)], id="token-twice"
        ),
        pytest.param(
            "worker.jobs",
            data(type="error", code="X", message="no") + data("[DONE]"),
            [("error", True)],
            id="error-alone",
        ),
        pytest.param(
            "worker.jobs", STARTED + HI + data("[DONE]"), [("complete", True)], id="named-events"
        ),
        pytest.param(
            "tgi.generate_stream",
            token("a") + token("</s>", "a", special=True),
            [("complete", True), ("complete", True)],
            id="special-token",
        ),
        pytest.param(
            "replicate",
            data('{"reason":"canceled"}', event="done"),
            [("complete", True)],
            id="canceled",
        ),
        pytest.param(
            "replicate", data('{"reason":"error"}', event="done"), [("error", True)], id="failed"
        ),
        pytest.param(
            "replicate", data("x", event="done"), [("complete", False)], id="done-no-json"
        ),
        pytest.param(
            "replicate",
            data("out of memory", event="error"),
            [("error", True), ("error", True)],
            id="error-that-is-text",
        ),
        pytest.param(
            "replicate", data("x") + data("{}", event="done"), [("complete", False)], id="x"
        ),
        pytest.param(
            "watsonx.generation",
            results("a", "error"),
            [("complete", True), ("error", True)],
            id="failed",
        ),
        pytest.param(
            "mcp.streamable_http", rpc(id=None, result={}), [("complete", False)], id="no-id"
        ),
        pytest.param(
            "mcp.streamable_http",
            data(event="message", id=1, result={}),
            [("complete", False)],
            id="no-version",
        ),
        pytest.param(
            "mcp.streamable_http",
            rpc(id=9, method="ping") + ANSWER,
            [("complete", True)],
            id="request-of-the-server",
        ),
        pytest.param(
            "gemini.interactions",
            CREATED + COMPLETED + data("[DONE]", event="done"),
            [("complete", True)],
            id="done-after",
        ),
        pytest.param(
            "gemini.interactions",
            CREATED
            + ia(
                "interaction.completed", interaction={"id": "i", "status": "failed", "model": "m"}
            ),
            [("complete", True), ("error", True)],
            id="failed-status",
        ),
        pytest.param(
            "gemini.interactions",
            CREATED + ia("step.delta", index=0, delta=ia_text("a")) + COMPLETED,
            [("complete", False)],
            id="delta-without-its-step",
        ),
        pytest.param(
            "gemini.interactions",
            CREATED + data(event="error", event_type="error", error={"message": "no"}) + COMPLETED,
            [("error", True)],
            id="error-event",
        ),
        pytest.param(
            "ollama.pull",
            line(status="pulling manifest") + line(error="pull model manifest: no such file"),
            [("error", True)],
            id="error-line",
        ),
        pytest.param(
            "anthropic.completions",
            data(completion="a", stop_reason="max_tokens", model="m"),
            [("complete", False)],
            id="no-type",
        ),
        pytest.param(
            "anthropic.completions",
            data(event="other", type="completion", completion="a", stop_reason="x", model="m"),
            [("complete", True), ("truncated", True)],
            id="another-event-name",
        ),
    ],
)
def test_what_is_particular(name: str, body: bytes, outcomes: list[tuple[str, bool]]) -> None:
    """Each API's own rules."""
    assert [(one.end, one.strict) for one in expect(name, body)] == outcomes


def test_an_error_status_has_its_message() -> None:
    """Workers list every problem; the first one is told."""
    body = b'{"errors":[{"field":"prompt","constraint":"non_empty","message":"must not be empty"}]}'
    (outcome,) = expect("worker.execute", body, status=400)

    assert (outcome.end, outcome.message) == ("error", "must not be empty")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(data(content="Hé") + data(content=" 😀") + data("[DONE]"), id="whole"),
        pytest.param(data(content="Hé"), id="truncated"),
        pytest.param(data(content="Hé") + data(error="no") + data("[DONE]"), id="error"),
    ],
)
def test_daemons_are_read_alike(body: bytes) -> None:
    """``relayed`` reads what daemons write in this form, and tells the same of it."""
    (outcome,) = expect("simplified", body)
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body
    seen = relayed.transcript(Response(raw=raw))

    assert seen.joined("text") == outcome.transcript.joined("text")
    assert seen.end == outcome.end
    assert outcome.message in seen.message
