"""gemini.stream_array: what a correct reader reports of Gemini's stream as one JSON array."""

import json
from typing import Any

import pytest

from replayfuzz.dialects import Ended
from replayfuzz.dialects.gemini_array import ERRORS, GEMINI_ARRAY
from replayfuzz.formats.spans import events
from replayfuzz.transcript import Expected


def chunk(text: str | None, reason: str | None = None) -> bytes:
    one: dict[str, Any] = {} if text is None else {"content": {"parts": [{"text": text}]}}
    return json.dumps(
        {"candidates": [{**one, **({"finishReason": reason} if reason else {})}]}
    ).encode()


HI, STOP = chunk("Hi"), chunk(None, "STOP")
WHOLE = b"[" + HI + b"\n,\r\n" + STOP + b"\n]"
TOLD: list[tuple[Any, ...]] = [("text", 0, "Hi"), ("finish", 0, "STOP"), ("done",)]


def expect(body: bytes, end: Any = "complete", status: int = 200) -> tuple[Expected, ...]:
    return GEMINI_ARRAY.expect((body,), Ended(status, end))


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WHOLE, id="as-it-is-sent"),
        pytest.param(b"[" + HI + b"," + STOP + b"]", id="without-white-space"),
        pytest.param(b"\r\n[ " + HI + b" ,\n\t" + STOP + b" ] \n", id="with-more-of-it"),
    ],
)
def test_a_whole_array_leaves_no_choice(body: bytes) -> None:
    (outcome,) = expect(body)

    assert told(outcome) == TOLD
    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", True, True)


@pytest.mark.parametrize(
    ("body", "end", "outcomes"),
    [
        pytest.param(WHOLE[:-1], "complete", [("truncated", True)], id="no-bracket"),
        pytest.param(WHOLE[:-9], "complete", [("truncated", True)], id="cut-in-an-element"),
        pytest.param(WHOLE[:-9], "open", [("truncated", False)], id="open"),
        pytest.param(WHOLE, "open", [("complete", True)], id="open-behind-the-bracket"),
        pytest.param(
            WHOLE, "incomplete", [("complete", True), ("truncated", True)], id="cut-behind-it"
        ),
        pytest.param(
            b"[" + HI + b"]",
            "complete",
            [("complete", True), ("truncated", True)],
            id="no-finish-reason",
        ),
        pytest.param(b"", "complete", [("truncated", True)], id="nothing"),
        pytest.param(b"[]", "complete", [("complete", True), ("truncated", True)], id="empty"),
    ],
)
def test_ends(body: bytes, end: str, outcomes: list[tuple[str, bool]]) -> None:
    """The closing bracket says that the array is whole."""
    assert [(one.end, one.must_end) for one in expect(body, end)] == outcomes


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        pytest.param(WHOLE.replace(b",\r\n", b"\r\n"), ["error", "complete"], id="no-comma"),
        pytest.param(WHOLE + b"x", ["error", "complete"], id="text-behind"),
        pytest.param(WHOLE[1:], ["error", "complete"], id="no-array"),
        pytest.param(b"[5," + WHOLE[1:], ["error", "complete"], id="a-number"),
        pytest.param(b"[{x}," + WHOLE[1:], ["error", "complete"], id="no-json"),
    ],
)
def test_what_is_no_array_of_objects(body: bytes, outcomes: list[str]) -> None:
    """It is an error, or a lenient reader goes on."""
    assert [one.end for one in expect(body)] == outcomes


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    """An element with an error ends the stream with its message."""
    message = json.loads(ERRORS[name].strip(b",\r\n"))["error"]["message"]
    for body in (b"[" + HI + ERRORS[name] + b"]", b"[" + HI + ERRORS[name]):
        (outcome,) = expect(body)

        assert (outcome.end, outcome.message, told(outcome)) == ("error", message, TOLD[:1])
    (refused,) = expect(b"[" + ERRORS[name][1:] + b"]", status=429)

    assert (refused.end, refused.message) == ("error", message)


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf" + WHOLE, WHOLE.replace(b"Hi", b"\xff")])
def test_what_json_does_not_allow_may_be_an_error(body: bytes) -> None:
    assert not any(one.strict for one in expect(body))


def test_records_tile_the_body() -> None:
    """The bracket belongs to the first, the comma to what it precedes."""
    first, last = events(WHOLE, "json-array")

    assert WHOLE[first.start : first.end] == b"[" + HI + b"\n"
    assert WHOLE[last.start : last.end] == b",\r\n" + STOP + b"\n]"
    assert first.closed
    assert last.node is not None
    assert WHOLE[last.node.start : last.node.end] == STOP


@pytest.mark.parametrize(
    ("body", "closed"),
    [
        (b"[1 2]", [True, True]),
        (b'[{"a', [False]),
        (b"[1,{", [True, False]),
        (b"[", [False]),
        (b"", []),
        (b"\xef\xbb\xbf[1", [False]),
    ],
)
def test_records_of_any_bytes(body: bytes, closed: list[bool]) -> None:
    found = events(body, "json-array")

    assert [record.closed for record in found] == closed
    assert b"".join(body[one.start : one.end] for one in found) == body.removeprefix(
        b"\xef\xbb\xbf"
    )
    assert all(
        b"".join(body[line.start : line.after] for line in one.lines) == body[one.start : one.end]
        for one in found
    )
