"""gemini.stream: what a correct reader reports of ``:streamGenerateContent?alt=sse``."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended
from replayfuzz.dialects.gemini_stream import ERRORS, GEMINI_STREAM
from replayfuzz.transcript import Expected


def event(*candidates: Any, **more: Any) -> bytes:
    return f"data: {json.dumps({'candidates': candidates, **more})}\r\n\r\n".encode()


def said(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, **more}


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return GEMINI_STREAM.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


HELLO = event(said({"text": "Hi"}))
STOP = event({"finishReason": "STOP"})
ROLE = ("role", 0, "model")
CALL = {"name": "f", "args": {"b": 1, "a": [2]}}


@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(HELLO, [ROLE, ("text", 0, "Hi")], id="text"),
        pytest.param(
            HELLO + HELLO, [ROLE, ("text", 0, "Hi"), ("text", 0, "Hi")], id="role-is-told-once"
        ),
        pytest.param(
            event(said({"text": "hm", "thought": True}, {"text": "x", "thought": False})),
            [ROLE, ("reasoning", 0, "hm"), ("text", 0, "x")],
            id="thought",
        ),
        pytest.param(
            event(said({"functionCall": CALL}, {"functionCall": {"id": "i", "name": "g"}})),
            [ROLE, ("tool", 0, 0, "f", '{"a":[2],"b":1}'), ("tool", 0, 1, "i", "g", "{}")],
            id="calls-are-whole-and-counted",
        ),
        pytest.param(
            event(said({"executableCode": {"code": "1"}}, {"inlineData": {"data": ""}})),
            [ROLE],
            id="parts-that-are-not-told",
        ),
        pytest.param(
            event(usageMetadata={"promptTokenCount": 4}, modelVersion="m"),
            [("model", "m"), ("usage", {"promptTokenCount": 4})],
            id="usage",
        ),
        pytest.param(HELLO.replace(b"\r\n", b"\n"), [ROLE, ("text", 0, "Hi")], id="lf"),
    ],
)
def test_documented_chunks(body: bytes, events: list[tuple[Any, ...]]) -> None:
    """What each chunk says; it leaves no choice, and an error would be wrong."""
    outcomes = expect(body + STOP)

    assert told(outcomes[0]) == [*events, ("finish", 0, "STOP")]
    assert [(one.end, one.strict) for one in outcomes] == [("complete", True)]


def test_a_call_in_pieces_is_told_when_it_is_whole() -> None:
    """Vertex AI: paths into the arguments; strings grow until ``willContinue`` is gone."""
    pieces: list[dict[str, Any]] = [
        {"name": "f", "willContinue": True},
        {
            "partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "x", "willContinue": True}],
            "willContinue": True,
        },
        {"partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "y"}], "willContinue": True},
        {
            "partialArgs": [
                {"jsonPath": "$.a[1]", "numberValue": 2},
                {"jsonPath": "$['c d']", "boolValue": False},
                {"jsonPath": "$.e", "nullValue": "NULL_VALUE"},
            ],
            "willContinue": True,
        },
    ]
    body = b"".join(event(said({"functionCall": piece})) for piece in pieces)
    (whole,) = expect(body + event(said({"functionCall": {}}, finishReason="STOP")))
    (half,) = expect(body + STOP)

    arguments = '{"a":[{"b":"xy"},2],"c d":false,"e":null}'
    assert told(whole) == [ROLE, ("tool", 0, 0, "f", arguments), ("finish", 0, "STOP")]
    assert (whole.end, whole.strict, half.end) == ("complete", True, "truncated")


@pytest.mark.parametrize("path", ["", "$", "$.a[5]", "$.a.b", "$[0]"])
def test_a_path_that_fits_nothing_leaves_an_error_open(path: str) -> None:
    """Nothing is put where the arguments before have no such place."""
    pieces = [{"jsonPath": "$.a", "stringValue": "x"}, {"jsonPath": path, "stringValue": "y"}]
    call = {"name": "f", "partialArgs": pieces, "willContinue": True}
    body = event(said({"functionCall": call})) + event(said({"functionCall": {}}))

    (outcome,) = expect(body + STOP)

    assert not outcome.strict
    assert outcome.events[1].get("arguments") == '{"a":"x"}'


@pytest.mark.parametrize(
    ("body", "end", "outcomes"),
    [
        pytest.param(HELLO + STOP, "complete", [("complete", True)], id="whole"),
        pytest.param(HELLO + STOP, "incomplete", [("truncated", True)], id="cut-off"),
        pytest.param(HELLO + STOP, "open", [("truncated", False)], id="open"),
        pytest.param(HELLO, "complete", [("truncated", True)], id="no-finish-reason"),
        pytest.param(
            event(said({"text": "a"}), said({"text": "b"}, index=1)) + STOP,
            "complete",
            [("truncated", True)],
            id="one-candidate-goes-on",
        ),
        pytest.param(
            event(promptFeedback={"blockReason": "SAFETY"}),
            "complete",
            [("complete", True)],
            id="blocked-prompt",
        ),
        pytest.param(
            HELLO + STOP[:-2],
            "complete",
            [("truncated", True), ("complete", True), ("truncated", True)],
            id="last-event-without-blank-line",
        ),
        pytest.param(HELLO + STOP[:-9], "complete", [("truncated", True)], id="cut-in-it"),
        pytest.param(b"", "complete", [("truncated", True)], id="nothing"),
    ],
)
def test_ends(body: bytes, end: str, outcomes: list[tuple[str, bool]]) -> None:
    """A finish reason for every candidate, then the end of the message: no marker."""
    assert [(one.end, one.must_end) for one in expect(body, end)] == outcomes


@pytest.mark.parametrize(
    ("body", "status", "outcomes"),
    [
        *(
            pytest.param(
                HELLO + record,
                200,
                [("error", json.loads(record[6:])["error"]["message"])],
                id=name,
            )
            for name, record in ERRORS.items()
        ),
        pytest.param(HELLO + b"data: x\n\n" + STOP, 200, [("error", ""), ("complete", "")], id="x"),
        pytest.param(b'{"error":{"message":"no"}}', 400, [("error", "no")], id="status"),
        pytest.param(b'[{"error":{"message":"no"}}]', 400, [("error", "no")], id="array"),
    ],
)
def test_errors(body: bytes, status: int, outcomes: list[tuple[str, str]]) -> None:
    """An error chunk or status ends the stream with its message."""
    assert [(one.end, one.message) for one in expect(body, status=status)] == outcomes


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"data: {}\n\n", id="says-nothing"),
        pytest.param(event(said({"text": 5})), id="text-that-is-a-number"),
        pytest.param(event(said({"functionCall": {"args": {}}})), id="call-without-a-name"),
        pytest.param(event(said({"text": "a"}, index="0")), id="index-that-is-text"),
    ],
)
def test_an_undocumented_chunk_leaves_an_error_open(body: bytes) -> None:
    """Outside of the schema an error is acceptable too."""
    assert not expect(body + STOP)[0].strict
