"""The dialects as a whole: found by name, held together, and the same however they are fed."""

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz import dialects, store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import DIALECTS, NAMES, Dialect, Ended, disorder, expected, find
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import LIMIT, Choice, Rulings, outcomes
from replayfuzz.dialects.story import message_of
from replayfuzz.errors import UsageError
from replayfuzz.formats.spans import events, walk
from replayfuzz.plan import Cut, End, Head, Plan, Slice, Splice
from replayfuzz.transcript import EVENT_FIELDS, Event, Expected, event
from tests.shared import SHARED, needs_shared

IDS = [dialect.name for dialect in DIALECTS]
SHIPPED = store.shipped()
ENDS = get_args(Ended.__annotations__["message_end"]) or ("complete", "incomplete", "open")


def told(outcome: Expected) -> list[tuple[Any, ...]]:
    return [(event.type, *event.values.values()) for event in outcome.events]


def test_dialects_are_found_by_name() -> None:
    """An unknown name is answered with the known ones."""

    assert [find(name) for name in NAMES] == list(DIALECTS)
    with pytest.raises(UsageError, match=r"'openai'.*openai\.chat"):
        find("openai")


@pytest.mark.parametrize("dialect", DIALECTS, ids=IDS)
def test_records_of_a_dialect_are_whole(dialect: Dialect) -> None:
    """Terminal and error records are single records of the format, as sent."""
    for record in (*dialect.errors.values(), *filter(None, [dialect.terminal])):
        (found,) = events(record, dialect.format)

        assert found.closed
        binary = dialect.format == "aws-event-stream"
        assert binary or found.node is not None or found.data == "[DONE]"


@pytest.mark.parametrize("dialect", DIALECTS, ids=IDS)
def test_order_tables_hold_together(dialect: Dialect) -> None:
    """Every state is reached from ``start``, every name is an event type."""
    reached = {"start"} | {after for state in dialect.order.values() for after in state.values()}

    assert reached == set(dialect.order)
    assert {name for state in dialect.order.values() for name in state} <= set(EVENT_FIELDS)


@pytest.mark.parametrize("name", [dialect.name for dialect in DIALECTS if dialect.sites])
def test_sites_are_found_in_shipped_streams(name: str) -> None:
    """Every site of a dialect occurs in some stream that ships, except where none can."""
    dialect = find(name)
    found = {
        site
        for exchange in SHIPPED
        if exchange.dialect == name
        for record in events(exchange.body, dialect.format)
        for site in dialect.sites
        for path in dialect.paths(site, record, exchange.body)
        if any(walk(record.node, path))
    }

    assert set(dialect.sites) - found <= {"tool_id", "tool_index", "tool_type"}


# -- expected --------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", SHIPPED, ids=lambda exchange: exchange.name)
def test_shipped_streams_leave_no_choice(exchange: Exchange) -> None:
    """Unbent, each has one outcome, in order, whatever the boundaries."""
    (outcome,) = expected(exchange, Plan())

    assert outcome.strict
    assert outcome.end == (
        "error" if exchange.name.endswith("error") and exchange.dialect != "sse" else "complete"
    )
    assert bool(outcome.message) == (outcome.end == "error")
    assert disorder(find(exchange.dialect).order, outcome.events) is None
    assert expected(exchange, Plan((Slice(0, 1), Cut(3)), keep_chunks=False)) == (outcome,)


@pytest.mark.parametrize("dialect", DIALECTS, ids=IDS)
@pytest.mark.parametrize("end", ENDS)
def test_byte_by_byte_is_the_same(dialect: Dialect, end: Any) -> None:
    """The oracle is fed whole and byte by byte, and agrees with itself."""
    for exchange in SHIPPED:
        if exchange.dialect == dialect.name:
            single = tuple(bytes([byte]) for byte in exchange.body)

            assert dialect.expect(single, Ended(200, end)) == dialect.expect(
                (exchange.body,), Ended(200, end)
            )


# Whole records are among the pieces on purpose, else nothing would ever be told.
PIECES = st.sampled_from(
    [
        *[b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n', b"data: [DONE]\n\n"],
        *[
            b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\r\n\r\n',
            b"data: [DONE]",
        ],
        *[
            b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
            b"event: error\ndata: x\n\n",
            b"data: {}\n\n",
        ],
        *[
            b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud800"}}\n\n'
        ],
        *[
            b'{"message":{"content":"x"},"done":false}\n',
            b'{"done":true}\n',
            b'{"error":"x"}\n',
            b'{"a":1,"a":2}\n',
        ],
        *[
            b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}\n\n',
            b'[{"candidates":[{"finishReason":"STOP"}]}',
            b',{"candidates":[{"content":{"parts":[{"functionCall":{"willContinue":true}}]}}]}',
            b"]",
        ],
        *[
            b'data: {"type":"message-end","delta":{"finish_reason":"ERROR"}}\n\n',
            b'data: {"type":"token","t":"a","i":0}\n\n',
            b'data: {"token":{"text":"a","special":true},"generated_text":"a"}\n\n',
            b'data: {"results":[{"generated_text":"a","stop_reason":"error"}]}\n\n',
            b'data: {"jsonrpc":"2.0","id":1,"result":{"n":1e999}}\n\n',
            b'{"event_type":"stream-end","finish_reason":"ERROR"}\n',
            b"event: done\ndata: {}\n\n",
            b"event: output\ndata: a\n\n",
        ],
        *[b"\n", b"\r", b"\xff", b"\xef\xbb\xbf", b"{", b"data: "],
    ]
)


@given(
    st.sampled_from(DIALECTS),
    st.lists(PIECES, max_size=8),
    st.sampled_from(ENDS),
    st.sampled_from([200, 200, 404, 204, 302]),
)
def test_oracles_are_total_and_blind_to_cuts(
    dialect: Dialect, pieces: list[bytes], end: Any, status: int
) -> None:
    """Any bytes, ending and status give outcomes, the same however they are cut."""
    ended = Ended(status, end)
    body = b"".join(pieces)
    found = dialect.expect(tuple(pieces), ended)

    assert found == dialect.expect((body,), ended)
    assert 1 <= len(found) <= LIMIT
    assert len({replace(one, why="").__repr__() for one in found}) == len(found)
    assert [bool(one.why) for one in found] == [False, *[True] * (len(found) - 1)]
    for one in found:
        assert one.must_end or end == "open"
        assert one.end == "error" or not one.message
        assert told(one).count(("done",)) <= 1
        whole = end != "incomplete" or one.terminal or status == 204
        assert whole or one.end != "complete"


def test_expected_follows_the_bytes_not_the_edits() -> None:
    """Two plans that lead to the same bytes have the same outcomes."""
    exchange = Exchange("x", "sse", body=b"data: a\n\n")
    one = Plan((Splice(6, 1, b"b"),))
    other = Plan((Splice(0, 9, b"data: b\n\n"),))

    assert expected(exchange, one) == expected(exchange, other) != expected(exchange, Plan())


@pytest.mark.parametrize(
    ("plan", "end", "must_end"),
    [
        (Plan(), "complete", True),
        (Plan((End(9, "reset"),)), "truncated", True),
        (Plan((End(9, "stall"),)), "truncated", False),
        (Plan(head=Head(status=500)), "error", True),
        (Plan(head=Head(coding="gzip")), "complete", True),
        (Plan(head=Head(framing="close")), "complete", True),
        (Plan((End(18, "fin"),), Head(framing="close")), "complete", True),
    ],
)
def test_endings_reach_the_oracle(plan: Plan, end: str, must_end: bool) -> None:
    """Status and message end are taken from the plan; content coding is transparent."""
    exchange = Exchange("x", "sse", body=b"data: a\n\ndata: b\n\n")
    outcome, *_ = expected(exchange, plan)

    assert (outcome.end, outcome.must_end, outcome.how) == (
        end,
        must_end,
        wire.bend(exchange, plan).how,
    )


# -- raw dialects ----------------------------------------------------------------------


def test_raw_events_are_told_with_their_fields() -> None:
    """Retry is left out where a block has none; an error status has two readings."""
    body = b"id: 1\nretry: 5\ndata: a\n\nevent: x\ndata: \xff\n\ndata: lost"
    outcome, unended = dialects.find("sse").expect((body,), Ended())

    assert told(outcome) == [("sse", "message", "a", "1", 5), ("sse", "x", "\ufffd", "1")]
    assert (unended.events, unended.end) == (outcome.events, "truncated")
    # "Event streams in this format must always be encoded as UTF-8": an error will do.
    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", False, False)
    assert [one.end for one in dialects.find("sse").expect((body,), Ended(500))] == [
        "error",
        "complete",
        "truncated",
    ]


@pytest.mark.parametrize(
    ("body", "ended", "found"),
    [
        pytest.param(b"1\nnull\n", Ended(), [("complete", [1, None])], id="values"),
        pytest.param(
            b"1\n2", Ended(), [("complete", [1, 2]), ("truncated", [1])], id="last-line-without-lf"
        ),
        pytest.param(b"1\n2", Ended(200, "open"), [("truncated", [1])], id="open"),
        pytest.param(b"1\n[2", Ended(), [("truncated", [1])], id="cut"),
        pytest.param(b"1\nx\n2\n", Ended(), [("error", [1]), ("error", [1, 2])], id="bad-line"),
        pytest.param(b"x\n[2", Ended(), [("error", [])], id="bad-line-and-cut"),
        pytest.param(
            b"9007199254740993\n",
            Ended(),
            [("complete", [2**53 + 1]), ("complete", [2**53])],
            id="big",
        ),
        pytest.param(b"[1e400]\n", Ended(), [("complete", [[float("inf")]])], id="overflow"),
        pytest.param(b"", Ended(), [("complete", [])], id="empty"),
    ],
)
def test_raw_records(body: bytes, ended: Ended, found: list[tuple[str, list[Any]]]) -> None:
    """Values in order; a line that is not JSON is always told."""
    seen = dialects.find("ndjson").expect((body,), ended)

    assert [(one.end, [event.get("value") for event in one.events]) for one in seen] == found


@needs_shared
def test_ndjson_vectors() -> None:
    """The raw dialect holds every NDJSON vector: values, and an error where one is due."""
    vectors = json.loads((SHARED / "vectors" / "vectors.json").read_text())["ndjson"]
    for vector in vectors:
        body = (
            bytes.fromhex(vector["bytes"])
            if "bytes" in vector
            else b"[" * 100_000 + b"]" * 100_000 + b"\n"
        )
        found = dialects.find("ndjson").expect((body,), Ended())
        told = [[event.get("value") for event in one.events] for one in found]

        if "values" in vector:
            assert any(values[: len(vector["values"])] == vector["values"] for values in told)
        if "error_line" in vector:
            assert all(one.end != "complete" or not one.strict for one in found), vector["id"]


# -- shared parts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "at"),
    [
        ([("role", 0), ("text", 0), ("finish", 0), ("usage", None), ("done", None)], None),
        ([("text", 0), ("finish", 0), ("text", 0)], 2),
        ([("text", 0), ("finish", 0), ("text", 1), ("finish", 1)], None),
        ([("done", None), ("done", None)], 1),
        ([("error", None), ("text", 0)], 1),
        ([("text", 0), ("done", None), ("text", 1)], 2),
        ([("finish", 0), ("finish", 0), ("role", 0)], None),
        ([], None),
    ],
)
def test_disorder(kinds: list[tuple[str, int | None]], at: int | None) -> None:
    """The first event out of place, choice by choice."""
    found: list[Event] = [event(kind, choice=choice) for kind, choice in kinds]

    assert disorder(CHAT, found) == at
    assert disorder({}, found) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"message": "m"}, "m"),
        ({"detail": "m"}, "m"),
        ({"error": [{"message": "m"}]}, "m"),
        ("m", "m"),
        ([], ""),
        (7, ""),
        ({"error": {"message": None}}, ""),
    ],
)
def test_messages_of_errors(value: Any, message: str) -> None:
    """The text for people, in every shape that providers write."""

    assert message_of(value) == message


def test_rulings_try_every_combination_once() -> None:
    """Questions may depend on answers; the usual answers come first, clauses are joined."""
    one = Choice("one", "a", (("b", "clause b"),))
    two = Choice("two", "x", (("y", "clause y"), ("z", "clause z")))

    def read(rulings: Rulings) -> Expected:
        answers = rulings.pick(one) + (rulings.pick(two) if rulings.pick(one) == "a" else "")
        return Expected(message=answers)

    assert [(found.message, found.why) for found in outcomes(read)] == [
        ("ax", ""),
        ("b", "clause b"),
        ("ay", "clause y"),
        ("az", "clause z"),
    ]


def test_rulings_are_bounded() -> None:
    """Many questions at once do not explode."""
    choices = [Choice(str(number), "a", (("b", "b"),)) for number in range(12)]

    def read(rulings: Rulings) -> Expected:
        return Expected(message="".join(map(rulings.pick, choices)))

    assert len(outcomes(read)) == LIMIT


def test_a_coding_without_its_end_may_be_told() -> None:
    """Close-delimited, so HTTP calls the message complete; the gzip data is damaged."""
    exchange = Exchange("one", "sse", body=b"data: a\n\n")
    plan = Plan((End(9, "fin"),), Head(framing="close", coding="gzip"), keep_chunks=False)

    assert [outcome.end for outcome in expected(exchange, plan)] == ["complete", "truncated"]


def test_many_tiny_frames_may_be_taken_for_an_attack():
    """RFC 9113 section 10.5; one frame for each event may not."""
    plain = next(each for each in SHIPPED if each.name == "openai.chat/plain")
    exchange = wire.over(plain, "h2")
    whole, tiny = Plan(keep_chunks=False), Plan((Slice(0, 1, "http"),), keep_chunks=False)
    assert all(outcome.strict for outcome in dialects.expected(exchange, whole))
    *_, given_up = dialects.expected(exchange, tiny)
    assert (given_up.end, given_up.strict) == ("truncated", False)
    assert "10.5" in given_up.why
    assert dialects.expected(plain, tiny) == dialects.expected(plain, whole)
