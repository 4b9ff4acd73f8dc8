"""ollama.chat: what a correct reader reports of Ollama's NDJSON stream."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended, disorder
from replayfuzz.dialects.ollama_chat import OLLAMA_CHAT
from replayfuzz.dialects.ollama_lines import ERRORS
from replayfuzz.transcript import Expected
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared


def line(done: bool = False, message: Any = None, **more: Any) -> bytes:
    record = {
        "model": "m",
        "message": {"role": "assistant", **(message or {})},
        "done": done,
        **more,
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


HELLO = line(message={"content": "Hi"})
DONE = line(True, {"content": ""}, done_reason="stop", eval_count=2, prompt_eval_count=1)
BEGUN: list[tuple[Any, ...]] = [("model", "m"), ("role", 0, "assistant")]
ENDED: list[tuple[Any, ...]] = [
    ("finish", 0, "stop"),
    ("usage", {"prompt_eval_count": 1, "eval_count": 2}),
    ("done",),
]


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return OLLAMA_CHAT.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


def tool(**function: Any) -> dict[str, Any]:
    return {"content": "", "tool_calls": [{"function": function}]}


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(HELLO, [("text", 0, "Hi")], id="text"),
        pytest.param(
            line(message={"content": "x", "thinking": "hm"}),
            [("reasoning", 0, "hm"), ("text", 0, "x")],
            id="thinking",
        ),
        pytest.param(line(message={"content": None, "tool_calls": None}), [], id="nulls"),
        pytest.param(
            line(message=tool(name="f", arguments={"b": 1, "a": [1, {"d": 1, "c": 2}]})),
            [("tool", 0, 0, "f", '{"a":[1,{"c":2,"d":1}],"b":1}')],
            id="tool-call-is-canonical",
        ),
        pytest.param(
            line(message=tool(name="f", arguments={}))
            + line(message=tool(index=0, name="g", arguments={})),
            [("tool", 0, 0, "f", "{}"), ("tool", 0, 1, "g", "{}")],
            id="calls-are-counted-over-the-stream",
        ),
        pytest.param(HELLO.replace(b"\n", b"\r\n"), [("text", 0, "Hi")], id="crlf"),
        pytest.param(
            line(message={"content": "a\u2028b\u0085"}),
            [("text", 0, "a\u2028b\u0085")],
            id="not-line-ends",
        ),
        pytest.param(b'{"model":"m","message":{"role":"assistant"}}\n', [], id="no-content"),
    ],
)
def test_documented_lines(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each line says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(body + DONE)

    assert told(outcomes[0]) == [*BEGUN, *events, *ENDED]
    assert [(one.end, one.strict, one.terminal) for one in outcomes] == [("complete", True, True)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xef\xbb\xbf" + HELLO + DONE, id="bom"),
        pytest.param(HELLO + b"\n" + DONE, id="blank-line"),
        pytest.param(HELLO + DONE + b"\r\n", id="blank-line-at-the-end"),
        pytest.param(HELLO.replace(b"Hi", b"\xff") + DONE, id="bad-utf8"),
        pytest.param(
            line(message=tool(name="f", arguments='{"a":1}')) + DONE, id="arguments-as-text"
        ),
        pytest.param(line(message=tool(name="f", arguments={"n": 2**60})) + DONE, id="big-number"),
    ],
)
def test_what_is_not_documented_may_be_an_error(body: bytes) -> None:
    """Outside of schema and standard, an error is acceptable too."""

    assert not any(one.strict for one in expect(body))


@pytest.mark.parametrize(
    ("body", "end", "outcomes"),
    [
        pytest.param(HELLO + DONE, "complete", [("complete", True, True)], id="whole"),
        pytest.param(
            # Ollama documents no reader that stops before the end of the message.
            HELLO + DONE,
            "open",
            [("complete", True, False)],
            id="open-after-done",
        ),
        pytest.param(
            HELLO + DONE,
            "incomplete",
            [("complete", True, True), ("truncated", True, True)],
            id="cut-after-done",
        ),
        pytest.param(
            HELLO + DONE[:-1],
            "complete",
            [("complete", True, True), ("truncated", False, True)],
            id="last-line-without-lf",
        ),
        pytest.param(
            HELLO + DONE[:-1], "open", [("truncated", False, False)], id="last-line-without-lf-open"
        ),
        pytest.param(
            HELLO + DONE[:-9], "complete", [("truncated", False, True)], id="cut-in-the-last-line"
        ),
        pytest.param(HELLO, "complete", [("truncated", False, True)], id="no-done"),
        pytest.param(HELLO, "open", [("truncated", False, False)], id="open-before-done"),
        pytest.param(
            HELLO + DONE + HELLO,
            "complete",
            [("complete", True, True), ("error", True, True), ("complete", True, True)],
            id="lines-after-done",
        ),
        pytest.param(
            HELLO + line(True), "complete", [("complete", True, True)], id="done-without-reason"
        ),
        pytest.param(b"", "complete", [("truncated", False, True)], id="nothing"),
    ],
)
def test_ends(body: bytes, end: str, outcomes: list[tuple[str, bool, bool]]) -> None:
    """``"done": true`` alone says that the message is whole."""

    assert [(one.end, one.terminal, one.must_end) for one in expect(body, end)] == outcomes


@pytest.mark.parametrize(
    ("body", "status", "outcomes"),
    [
        pytest.param(
            HELLO + ERRORS["error"] + DONE,
            200,
            [("error", "an error was encountered while running the model: CUDA error")],
            id="mid-stream",
        ),
        pytest.param(
            HELLO + ERRORS["error with status"],
            200,
            [("error", "upstream error")],
            id="with-status",
        ),
        pytest.param(
            HELLO + b"oops\n" + DONE, 200, [("error", ""), ("complete", "")], id="bad-json"
        ),
        pytest.param(
            HELLO + b"[]\n" + DONE, 200, [("error", ""), ("complete", "")], id="not-an-object"
        ),
        pytest.param(b'{"error":"model not found"}', 404, [("error", "model not found")], id="404"),
    ],
)
def test_errors(body: bytes, status: int, outcomes: list[tuple[str, str]]) -> None:
    """An error line or status ends the stream with its message."""

    assert [(one.end, one.message) for one in expect(body, status=status)] == outcomes


STREAMS = recorded("ollama.chat")
ROWS = [row(stream) for stream in STREAMS]


@needs_shared
@pytest.mark.parametrize("stream", ROWS)
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Each is a whole message, in order, with no choice put to us."""
    outcome, *others = OLLAMA_CHAT.expect((stream.body,), Ended())
    seen = outcome.transcript

    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", True, True)
    assert seen.joined("text") or seen.tools()
    assert seen.last("finish", "reason")
    assert seen.of("usage")
    assert disorder(OLLAMA_CHAT.order, outcome.events) is None
    assert len(others) == (not stream.body.endswith(b"\n"))


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

    assert len(STREAMS) >= 4


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"message":{"content":"x"}}\n', id="no-role"),
        pytest.param(b"{}\n", id="no-message"),
        pytest.param(b'{"message":{"role":"assistant","tool_calls":[{}]}}\n', id="empty-call"),
    ],
)
def test_an_undocumented_line_leaves_an_error_open(body: bytes) -> None:
    """The Go server always sends a message with a role, and whole calls."""
    assert not expect(body + DONE)[0].strict
