"""openai.assistants: what a correct reader reports of a run."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder, find
from replayfuzz.dialects.openai_assistants import ERRORS, OPENAI_ASSISTANTS
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, recorded, row, windowed
from tests.shared import needs_shared

USAGE = {"total_tokens": 3}


def sse(name: str, value: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()


def run(name: str, **more: Any) -> bytes:
    return sse(f"thread.run.{name}", {"id": "r", "model": "m", "status": name, **more})


def message(status: str, *parts: Any, **more: Any) -> bytes:
    return sse(f"thread.message.{status}", {"id": "m", "content": list(parts), **more})


def said(part: Any) -> bytes:
    return sse("thread.message.delta", {"id": "m", "delta": {"content": [part]}})


def text(value: Any) -> dict[str, Any]:
    return {"index": 0, "type": "text", "text": {"value": value}}


def call(arguments: str, index: Any = 0, **more: Any) -> dict[str, Any]:
    return {
        "index": index,
        "type": "function",
        "id": more.get("id"),
        "function": {"name": more.get("name"), "arguments": arguments},
    }


def step(status: str, *calls: Any) -> bytes:
    more = {"delta": {"step_details": {"tool_calls": list(calls)}}} if status == "delta" else {}
    return sse(f"thread.run.step.{status}", {"id": "s", **more})


BEGUN = run("created", status="queued")
OPEN = message("created", role="assistant")
CLOSED = message("completed", text("Hi"))
END = run("completed", usage=USAGE)
DONE = b"event: done\ndata: [DONE]\n\n"
TOLD = [("model", "m"), ("role", 0, "assistant"), ("text", 0, "Hi")]


def asked(*calls: tuple[str, str, str]) -> bytes:
    tools = [{"id": id_, "function": {"name": n, "arguments": a}} for id_, n, a in calls]
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": tools}}
    return run("requires_action", required_action=action)


def expect(body: bytes, message_end: Any = "complete") -> tuple[Expected, ...]:
    return OPENAI_ASSISTANTS.expect((body,), Ended(200, message_end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(
            BEGUN + OPEN + said(text("Hi")) + CLOSED + END,
            [*TOLD, ("finish", 0, "completed"), ("usage", USAGE)],
            id="message",
        ),
        pytest.param(
            sse("thread.created", {"id": "t"}) + BEGUN + run("in_progress") + END,
            [("model", "m"), ("finish", 0, "completed"), ("usage", USAGE)],
            id="nothing-said",
        ),
        pytest.param(
            BEGUN
            + OPEN
            + said({"index": 0, "type": "refusal", "refusal": "No"})
            + message("completed", {"type": "refusal", "refusal": "No"})
            + run("expired"),
            [*TOLD[:2], ("refusal", 0, "No"), ("finish", 0, "expired")],
            id="refusal",
        ),
        pytest.param(
            BEGUN
            + step("created")
            + step("delta", call("", id="c", name="f"))
            + step("delta", call("{}"))
            + asked(("c", "f", "{}")),
            [
                ("model", "m"),
                ("tool", 0, 0, "c", "f", ""),
                ("tool", 0, 0, "{}"),
                ("finish", 0, "requires_action"),
            ],
            id="function-call",
        ),
        pytest.param(
            BEGUN
            + step("created")
            + step("delta", {"index": 0, "type": "code_interpreter", "code_interpreter": {}})
            + step("completed")
            + END,
            [("model", "m"), ("finish", 0, "completed"), ("usage", USAGE)],
            id="tool-of-the-run",
        ),
        pytest.param(
            BEGUN + run("incomplete", incomplete_details={"reason": "max_prompt_tokens"}),
            [("model", "m"), ("finish", 0, "max_prompt_tokens")],
            id="incomplete",
        ),
        pytest.param(
            BEGUN + b'event: thread.to_come\ndata: {"x":1}\n\n' + run("cancelled"),
            [("model", "m"), ("finish", 0, "cancelled")],
            id="an-event-to-come",
        ),
    ],
)
def test_runs(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each documented event says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(body + DONE)

    assert told(outcomes[0]) == [*events, ("done",)]
    assert [(one.end, one.strict) for one in outcomes] == [("complete", True)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(OPEN + said(text("Hi")) + CLOSED + END, id="run-never-created"),
        pytest.param(BEGUN + BEGUN + END, id="run-created-twice"),
        pytest.param(BEGUN + said(text("Hi")) + END, id="message-never-created"),
        pytest.param(BEGUN + OPEN + CLOSED + END, id="delta-lost"),
        pytest.param(BEGUN + OPEN + said(text("Hi")) + END, id="message-never-completed"),
        pytest.param(BEGUN + END + OPEN, id="message-after-the-run"),
        pytest.param(BEGUN + END + END, id="run-ends-twice"),
        pytest.param(BEGUN + run("completed", status="queued"), id="status-otherwise"),
        pytest.param(BEGUN + asked(("c", "f", "{}")), id="calls-only-asked-for"),
        pytest.param(BEGUN + b'data: {"object":"thread.run"}\n\n' + END, id="event-without-name"),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes) -> None:
    """A stream that leaves the documented flow or contradicts itself may be refused."""

    assert not any(one.strict for one in expect(body + DONE))


@pytest.mark.parametrize(
    ("body", "message_end", "ends"),
    [
        pytest.param(BEGUN + END + DONE, "complete", ["complete"], id="whole"),
        pytest.param(BEGUN + END + DONE, "open", ["complete"], id="kept-open"),
        pytest.param(BEGUN + END, "complete", ["complete", "truncated"], id="no-done"),
        pytest.param(BEGUN + DONE, "complete", ["complete", "truncated"], id="no-status"),
        pytest.param(BEGUN, "complete", ["truncated"], id="cut"),
        pytest.param(
            BEGUN + END + DONE[:-1], "complete", ["complete", "truncated"], id="no-blank-line"
        ),
        pytest.param(
            BEGUN + END + b"data: [DONE]\n\n",
            "complete",
            ["complete", "error", "truncated"],
            id="unnamed",
        ),
        pytest.param(
            BEGUN + b"event: x\ndata: y\n\n", "complete", ["error", "truncated"], id="text"
        ),
    ],
)
def test_endings(body: bytes, message_end: str, ends: list[str]) -> None:
    """A run has its last status, then comes the event done."""

    assert sorted({one.end for one in expect(body, message_end)}) == ends


@pytest.mark.parametrize("name", ERRORS)
def test_errors_in_mid_stream(name: str) -> None:
    """Each documented shape ends the stream with its message; what came before stays."""
    (outcome,) = expect(BEGUN + OPEN + said(text("Hi")) + ERRORS[name] + DONE)

    assert (told(outcome), outcome.end, outcome.strict) == (TOLD, "error", True)
    assert outcome.message


def test_an_error_without_a_name() -> None:
    """As other APIs of OpenAI send it."""
    (outcome,) = expect(BEGUN + b'data: {"error":{"message":"oops"}}\n\n')

    assert (outcome.end, outcome.message) == ("error", "oops")


STREAMS = recorded("openai.assistants")


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Text, a finish reason and usage, in order, and no choice is put to us."""
    (outcome,) = find("openai.assistants").expect((stream.body,), Ended())

    assert outcome.transcript.joined("text")[0]
    assert outcome.transcript.last("finish", "reason") == {0: "completed"}
    assert outcome.transcript.last("usage", "usage")[0]["total_tokens"]
    assert (outcome.end, outcome.strict) == ("complete", True)
    assert disorder(OPENAI_ASSISTANTS.order, outcome.events) is None


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_at_every_cut(stream: Recorded) -> None:
    """Byte by byte and cut anywhere, the same is read."""
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert stream.read(bytewise) == stream.read((stream.body,))
    assert windowed(stream) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about a stream at least."""

    assert STREAMS
