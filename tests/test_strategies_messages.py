"""Bends of binary messages: those that mean nothing, and those that damage."""

import pytest

from replayfuzz import dialects, store, wire
from replayfuzz.formats.aws_event_stream import EventStreamReader
from replayfuzz.plan import Plan, Splice
from replayfuzz.strategies import FAMILIES, UNBENT, features, schedule, view
from replayfuzz.strategies.places import place
from tests.streams import ALL

SHIPPED = [one for one in store.shipped() if one.dialect.startswith("bedrock.")]
PLAIN = [one for one in SHIPPED if one.name.endswith(("/plain", "/tool-call"))]
OURS = [family for family in FAMILIES if ".message" in family.id]
BY_ID = {family.id: family for family in OURS}

each = pytest.mark.parametrize("exchange", PLAIN, ids=lambda one: one.name)


def read(exchange, plan):
    reader = EventStreamReader()
    return reader.receive(wire.bend(exchange, plan).body), reader


def test_only_binary_streams_have_messages():
    assert len(OURS) == 5
    for family in OURS:
        assert all(any(family.plans(view(exchange))) for exchange in PLAIN)
        assert not any(any(family.plans(view(exchange))) for exchange in ALL)


@each
def test_rewritten_messages_are_whole_and_mean_the_same(exchange):
    before = dialects.expected(exchange, UNBENT)
    plans = [plan for one in OURS if one.preserving for plan in one.plans(view(exchange))]
    for plan in plans:
        messages, reader = read(exchange, plan)

        assert (reader.fault, reader.pending) == ("", 0)
        assert messages != read(exchange, UNBENT)[0]
        assert dialects.expected(exchange, plan) == before
    assert len(plans) > 15


@each
def test_damaged_messages_are_no_success_and_accuse_nobody(exchange):
    for plan in BY_ID["meaning.message-damage"].plans(view(exchange)):
        _, reader = read(exchange, plan)
        outcomes = dialects.expected(exchange, plan)

        assert reader.pending or not outcomes[0].strict, plan.labels
        if plan.labels != ("no headers where there are some",):  # a message of no kind
            assert reader.fault or reader.pending
            assert outcomes[0].end != "complete"


@each
def test_damage_of_each_kind_is_there(exchange):
    labels = {plan.labels[0] for plan in BY_ID["meaning.message-damage"].plans(view(exchange))}

    assert len(labels) == 16


@each
def test_exceptions_end_the_stream_with_their_message(exchange):
    told = [
        dialects.expected(exchange, plan)[0]
        for plan in BY_ID["meaning.message"].plans(view(exchange))
        if plan.labels[0].endswith("no more")
    ]

    assert len(told) == 9
    assert {outcome.end for outcome in told} == {"error"}
    assert all(outcome.message for outcome in told)


def test_the_schedule_holds_them():
    kinds = {kind for plan in schedule(PLAIN[0]) for kind in plan.kinds}

    assert kinds >= set(BY_ID)


@each
def test_a_plan_replaces_messages_whole(exchange):
    records = view(exchange).records
    edges = {record.start for record in records} | {records[-1].end}
    for family in OURS:
        for plan in family.plans(view(exchange)):
            for edit in plan.edits:
                assert isinstance(edit, Splice)
                assert {edit.at, edit.at + edit.remove} <= edges


def test_what_binary_streams_can_exercise_is_told():
    had = frozenset().union(*map(features, SHIPPED))

    assert had >= {
        *("event", "several events", "text", "multi-byte character", "character beyond U+FFFF"),
        *("tool call", "parallel tool calls", "reasoning", "finish reason", "usage", "error"),
        *("terminal marker", "event name"),
    }
    assert "text" not in features(SHIPPED[0], Plan((Splice(0, len(SHIPPED[0].body), b""),)))


@each
def test_places_in_messages_have_their_own_names(exchange):
    body = exchange.body
    first, second, *_ = view(exchange).records
    headers = 12 + int.from_bytes(body[4:8])
    named = {
        second.start: "between messages",
        1: "inside the prelude of a message",
        11: "inside the prelude of a message",
        12: "inside the headers of a message",
        headers: "inside the payload of a message",
        first.end - 4: "before the CRC of a message",
        first.end - 1: "inside the CRC of a message",
        second.start + 12: "inside the headers of a message",
    }

    assert {at: place(body, at).words for at in named} == named
    assert place(body[: second.start] + b"trash" * 9, second.start + 7).kind == "message-damaged"
    assert place(body[: second.start + 9], second.start + 3).kind == "message-damaged"
    assert set(named) <= set(view(exchange).hot)


@each
def test_endings_stand_between_messages_and_in_each_part_of_one(exchange):
    words = {plan.labels[0] for plan in plans_of("end.clean", exchange)}

    for part in ("prelude", "headers", "payload", "CRC"):
        assert any(f"inside the {part} of a message" in label for label in words)
    assert any("between messages" in label for label in words)


def plans_of(name, exchange):
    return [plan for one in FAMILIES if one.id == name for plan in one.plans(view(exchange))]
