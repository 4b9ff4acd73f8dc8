"""Every rule is shown by a reader that breaks only that rule; a right reader breaks none."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.errors import UsageError
from replayfuzz.invariants import INVARIANTS, compare, find, judge
from replayfuzz.invariants.calls import respelt
from replayfuzz.invariants.invariant import EXCEPTION
from replayfuzz.invariants.judge import _held
from replayfuzz.transcript import Delivery, Event, Expected, Failure, Transcript, event
from replayfuzz.verdict import CLASSES

TEXT = "caf\u00e9 and more"
CHAT = (
    event("role", role="assistant"),
    event("model", model="m-1"),
    event("text", text=TEXT[:4]),
    event("text", text=TEXT[4:]),
    event("reasoning", text="because"),
    event("refusal", text="I would rather not"),
    event("tool", index=0, id="call_1", name="look", arguments='{"at":'),
    event("tool", index=1, id="call_2", name="hear", arguments='{"to":'),
    event("tool", index=0, arguments=' "1"}'),
    event("tool", index=1, arguments=' "2"}'),
    event("finish", reason="stop"),
    event("usage", usage={"total_tokens": 3, "details": {"cached": 1}}),
    event("done"),
)
WHOLE = Expected(CHAT, "complete", terminal=True)
RIGHT = Transcript(CHAT)
CUT = Expected(CHAT[:4], "truncated", message_end="incomplete", how="reset")
CLOSED = replace(CUT, how="fin")
FAILED = Expected(CHAT[:4], "error", message="overloaded, try again")
RAW = (
    event("sse", event="message", data="one", id="7"),
    event("sse", event="delta", data="a\u2028b\nc", id="7"),
    event("sse", event="message", data="two", id="8"),
)
VALUES: list[Any] = [{"a": 1}, {"b": "\u00e9"}, {"c": []}]
RECORDS = tuple(event("record", value=value) for value in VALUES)


def put(kind: str, **changes) -> Transcript:
    """A reader of CHAT that shows events of one type differently; the others are right."""
    return Transcript(
        tuple(Event(e.type, {**e.values, **changes}) if e.type == kind else e for e in CHAT)
    )


def without(*kinds: str) -> Transcript:
    return Transcript(tuple(e for e in CHAT if e.type not in kinds))


def ended(end: Any, type: str = "", message: str = "", frame: str = "", events=CHAT) -> Transcript:
    return Transcript(events, end, Failure(type, message, frame))


# id: (what was sent, a reader that breaks that rule and no other)
BROKEN = {
    "content-equal": (WHOLE, without("text")),
    "content-prefix": (CLOSED, ended("error", "httpx.ReadError", "", "", CHAT[:3])),
    "valid-utf8": (
        WHOLE,
        Transcript((*CHAT[:2], event("text", text="caf\ufffd\ufffd and more"), *CHAT[4:])),
    ),
    "reasoning-equal": (WHOLE, put("reasoning", text="becaus")),
    "refusal-equal": (WHOLE, put("refusal", text="I would")),
    "role-equal": (WHOLE, without("role")),
    "tool-calls-equal": (WHOLE, Transcript(CHAT[:8] + CHAT[9:])),
    "finish-reason-equal": (WHOLE, put("finish", reason="length")),
    "usage-equal": (WHOLE, put("usage", usage={"total_tokens": 4})),
    "model-equal": (WHOLE, put("model", model="m-2")),
    "terminal-once": (WHOLE, Transcript((*CHAT, event("done")))),
    "event-order": (WHOLE, Transcript((CHAT[10], *CHAT[:10], *CHAT[11:]))),
    "nothing-after-end": (WHOLE, Transcript((*CHAT[:11], CHAT[12], CHAT[11]))),
    "truncation-surfaced": (CUT, Transcript(CHAT[:4])),
    "error-surfaced": (FAILED, Transcript(CHAT[:4])),
    "no-error-on-valid-stream": (WHOLE, ended("error", "lib.ParseError", "bad", "lib.sse:feed")),
    "foreign-exception": (CUT, ended("error", "builtins.KeyError", "'x'", events=CHAT[:4])),
    "no-crash": (WHOLE, ended("crash", "SIGSEGV", "signal 11")),
    "no-hang": (WHOLE, ended("hang")),
    "garbage": (WHOLE, ended("garbage", message="Hello")),
}


def names(verdict) -> list[str]:
    return [violation.invariant for violation in verdict.violations]


def test_every_rule_has_an_example():
    """A row that no reader is shown to break may be a rule that never fires."""
    alone = {"incremental-delivery", "linear-time", "chunking-independent", "request-fidelity"}
    alone |= {"resources-back"}

    relayed = {"http-response", "response-head", "output-form", "payload-forwarded"}
    relayed |= {"clients-apart", "upstream-cancelled"}  # those of test_invariants_relay

    assert {rule.id for rule in INVARIANTS if rule.broken} == BROKEN.keys() | relayed
    assert {rule.id for rule in INVARIANTS if not rule.broken} == alone


@pytest.mark.parametrize("id", BROKEN)
def test_a_broken_reader_breaks_one_rule(id):
    want, seen = BROKEN[id]

    verdict = judge((want,), seen)

    assert names(verdict) == [id]
    assert verdict.outcome == find(id).severity
    case = verdict.violations[0].evidence.case
    allowed = find(id).cases
    assert case == "" or case in allowed or (EXCEPTION in allowed and case.isidentifier())


@pytest.mark.parametrize("rule", INVARIANTS, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_asks_and_why(rule):
    assert rule.requirement.endswith(".")
    assert len(rule.source) > 20
    assert rule.severity in CLASSES


def merged_pieces() -> Transcript:
    """What an accumulating helper shows of CHAT: all text in one piece, objects for arguments."""
    return Transcript(
        (
            event("text", text=TEXT),
            event("reasoning", text="because"),
            event("refusal", text="I would rather not"),
            event("tool", index=0, id="call_1", name="look", arguments='{"at": "1"}'),
            event("tool", index=1, id="call_2", name="hear", arguments='{"to":"2"}'),
            event("role", role="assistant"),
            event("model", model="m-1"),
            event("model", model="m-1"),
            event("finish", reason="stop"),
            event(
                "usage", usage={"total_tokens": 3, "details": {"cached": 1, "x": None}, "y": None}
            ),
            event("done"),
        )
    )


KEPT_OPEN = Expected(CHAT, terminal=True, message_end="open")
UNENDED = Expected(CHAT[:4], "truncated", message_end="open", must_end=False)
INVALID = replace(WHOLE, strict=False)
RIGHT_READERS = {
    "the-same-events": (WHOLE, RIGHT),
    "an-accumulating-helper": (WHOLE, merged_pieces()),
    "truncation-told": (CUT, ended("error", "httpx.RemoteProtocolError", "closed", "", CHAT[:4])),
    "truncation-told-by-a-reader-that-says-so": (CUT, Transcript(CHAT[:4], "truncated")),
    "error-with-its-message": (
        FAILED,
        ended("error", "A", "Overloaded? overloaded, try again", "", CHAT[:4]),
    ),
    "error-shown-as-an-event": (
        FAILED,
        Transcript((*CHAT[:4], event("error", message="overloaded,  try again"))),
    ),
    "an-error-on-invalid-bytes": (INVALID, ended("error", "lib.DecodeError", "x", "", CHAT[:3])),
    "an-error-of-its-own-on-invalid-bytes-before-the-provider's": (
        replace(FAILED, strict=False),
        ended("error", "lib.DecodeError", "bad byte", "", CHAT[:3]),
    ),
    "a-role-that-is-repeated": (WHOLE, Transcript((*CHAT[:3], CHAT[0], *CHAT[3:]))),
    "a-helper-that-stops-early-with-its-arguments-respelt": (
        replace(CUT, events=(event("tool", name="f", arguments='{"a": "\\u00e9"}'),)),
        ended("error", "E", events=(event("tool", name="f", arguments='{"a":"\u00e9"}'),)),
    ),
    "a-reader-that-stops-early-and-does-not-keep-ids": (
        replace(CUT, events=RAW),
        ended(
            "error", "E", events=(RAW[0], event("sse", event="delta", data="a\u2028b\nc"), RAW[2])
        ),
    ),
    "waiting-when-nobody-said-it-ended": (UNENDED, ended("hang")),
    "done-and-connection-kept-open": (KEPT_OPEN, RIGHT),
    "raw-events": (Expected(RAW), Transcript(RAW)),
    "raw-events-without-ids": (
        Expected(RAW),
        Transcript(tuple(Event("sse", {n: e.values[n] for n in ("event", "data")}) for e in RAW)),
    ),
    "records": (Expected(RECORDS), Transcript(RECORDS)),
    "one-of-two-models": (
        Expected((event("model", model="a"), event("model", model="b"))),
        Transcript((event("model", model="a"),)),
    ),
    "no-arguments-as-an-empty-object": (
        Expected((event("tool", id="c", name="f"),)),
        Transcript((event("tool", id="c", name="f", arguments="{}"),)),
    ),
}


@pytest.mark.parametrize("id", RIGHT_READERS)
def test_a_right_reader_breaks_none(id):
    want, seen = RIGHT_READERS[id]

    assert names(judge((want,), seen)) == []


# -- sub-cases and shapes --------------------------------------------------------------

CLEAN = replace(CUT, message_end="complete", how="")
REDIRECT = Expected((), "error", status=307)
BROKEN_OFF = Expected((), "error", message="too many", status=429, message_end="incomplete")


@pytest.mark.parametrize(
    ("want", "seen", "name", "outcome"),
    [
        pytest.param(CUT, Transcript(CHAT[:4]), "truncation-surfaced/reset", "failed", id="reset"),
        pytest.param(replace(CUT, how="short"), Transcript(CHAT[:4]), "truncation-surfaced/short", "failed", id="short"),
        pytest.param(replace(CUT, how=""), Transcript(CHAT[:4]), "truncation-surfaced/fin", "failed", id="unknown-is-fin"),
        pytest.param(UNENDED, Transcript(CHAT[:4]), "truncation-surfaced/stall", "failed", id="stall"),
        pytest.param(CLEAN, Transcript(CHAT[:4]), "truncation-surfaced/clean-end", "non-strict", id="raw-iterator"),
        pytest.param(
            CLEAN, Transcript((*CHAT[:4], CHAT[10])), "truncation-surfaced/clean-end", "failed", id="made-up-finish"
        ),
        pytest.param(
            CLEAN, Transcript((*CHAT[:4], CHAT[12])), "truncation-surfaced/clean-end", "failed", id="made-up-done"
        ),
        pytest.param(FAILED, Transcript(CHAT[:4]), "error-surfaced/swallowed", "failed", id="swallowed"),
        pytest.param(FAILED, ended("error", "A", "it broke", "", CHAT[:4]), "error-surfaced/message-lost", "failed", id="message-lost"),
        pytest.param(REDIRECT, Transcript(), "error-surfaced/swallowed", "non-strict", id="redirect-without-a-place"),
        pytest.param(BROKEN_OFF, ended("error", "httpx.ReadError", "", "", ()), "error-surfaced/message-lost", "non-strict", id="error-that-came-in-part"),
        pytest.param(replace(WHOLE, events=CHAT[1:]), Transcript(CHAT), "role-equal", "non-strict", id="role-where-none-was-sent"),
        pytest.param(KEPT_OPEN, ended("hang"), "no-hang/open", "failed", id="kept-open"),
        pytest.param(replace(KEPT_OPEN, closes=False), ended("hang"), "no-hang/open", "non-strict", id="kept-open-behind-the-last-event"),
        pytest.param(WHOLE, ended("error", "lib.sub.ParseError", "bad"), "no-error-on-valid-stream/ParseError", "failed", id="by-exception"),
        pytest.param(WHOLE, ended("truncated"), "no-error-on-valid-stream/truncated", "failed", id="told-as-truncated"),
        pytest.param(CUT, ended("error", "builtins.KeyError", "'x'", events=CHAT[:4]), "foreign-exception/KeyError", "informational", id="foreign-by-name"),
        pytest.param(KEPT_OPEN, ended("error", "httpx.ReadTimeout", "timed out"), "no-hang/open", "failed", id="timed-out"),
        pytest.param(
            CLOSED, ended("error", "httpx.ReadError", events=()), "content-prefix/text", "failed", id="prefix-lost"
        ),
    ],
)  # fmt: skip
def test_cases_and_their_classes(want, seen, name, outcome):
    (violation,) = judge((want,), seen).violations

    assert (violation.name, violation.outcome) == (name, outcome)


@pytest.mark.parametrize(
    "told",
    ["caf\\u00e9 \\uD83D\\ude00 a\\/b", 'E: {"message":"caf\\u00E9 \U0001f600 a\\u002fb"}'],
)
def test_a_message_that_a_library_quotes_as_it_came_is_not_lost(told):
    want = Expected((), "error", message="café \U0001f600 a/b")

    assert judge((want,), ended("error", "A", told, "", ())).violations == ()


def test_a_mark_that_was_sent_behind_the_end_is_no_broken_decoding():
    seen = Transcript((*CHAT, event("text", text="\ufffd")))

    assert "valid-utf8" not in {each.invariant for each in judge((WHOLE,), seen).violations}


def test_a_loss_by_a_reset_is_not_blamed_on_the_target():
    """RFC 9293 section 3.10.7.4: "All segment queues should be flushed"."""
    seen = ended("error", "httpx.ReadError", events=())
    for verified, outcome in [(None, "unknown"), (2, "unknown"), (3, "non-strict")]:
        delivered = replace(seen, delivery=Delivery("tcp", 3, verified))

        assert judge((CUT,), delivered).outcome == outcome


def raw(*events: tuple[str, str, str]) -> Transcript:
    return Transcript(tuple(event("sse", event=n, data=d, id=i) for n, d, i in events))


ONE, TWO, THREE = ("message", "one", "7"), ("delta", "a\u2028b\nc", "7"), ("message", "two", "8")


@pytest.mark.parametrize(
    ("seen", "shape"),
    [
        pytest.param(raw(ONE, THREE), "event lost", id="lost"),
        pytest.param(raw(ONE, ONE, TWO, THREE), "event doubled", id="doubled"),
        pytest.param(raw(ONE, TWO, THREE, ("message", "more", "8")), "event added", id="added"),
        pytest.param(raw(ONE, ("delta", "a", "7"), ("message", "b\nc", "7"), THREE), "event split", id="split"),
        pytest.param(raw(("message", "one\na\u2028b\nc", "7"), THREE), "events joined", id="joined"),
        pytest.param(raw(ONE, ("message", *TWO[1:]), THREE), "event name changed", id="name"),
        pytest.param(raw(ONE, ("delta", "a\u2028b", "7"), THREE), "event data lost", id="data"),
        pytest.param(raw(ONE, TWO, ("message", "two", "7")), "event id changed", id="id"),
        pytest.param(raw(ONE, TWO, THREE, ("x\ufffd", "", "8")), "event added", id="added-with-marks"),
    ],
)  # fmt: skip
def test_shapes_of_raw_events(seen, shape):
    (violation,) = judge((Expected(RAW),), seen).violations

    assert (violation.name, violation.evidence.shape) == ("content-equal", shape)
    assert violation.outcome == "failed"


def test_a_raw_event_without_its_id_is_non_strict():
    """The id may have come in a block of its own: the API may show what the event itself says."""
    verdict = judge((Expected(RAW),), raw(ONE, TWO, ("message", "two", "")))

    assert verdict.outcome == "non-strict"
    assert verdict.violations[0].evidence.shape == "event id lost"


def test_a_raw_event_that_does_not_keep_the_last_id_is_non_strict():
    verdict = judge((Expected(RAW),), raw(ONE, ("delta", "a\u2028b\nc", ""), THREE))

    assert verdict.outcome == "non-strict"
    assert verdict.violations[0].evidence.shape == "event id not kept"


def calls(*pieces: tuple[Any, ...]) -> Transcript:
    return Transcript(
        tuple(event("tool", index=i, id=d, name=n, arguments=a) for i, d, n, a in pieces)
    )


@pytest.mark.parametrize(
    ("seen", "shape"),
    [
        pytest.param(calls((0, "c0", "f", '{"a": 1}')), "tool call lost", id="lost"),
        pytest.param(calls((0, "c0", "f", '{"a": 1}'), (1, "c1", "g", '{"b":2}'), (2, "c0", "f", '{"a": 1}')), "tool call doubled", id="doubled"),
        pytest.param(calls((0, "c0", "f", '{"b":2}'), (1, "c1", "g", '{"a": 1}')), "tool arguments mixed", id="mixed"),
        pytest.param(calls((0, "c9", "f", '{"a": 1}'), (1, "c1", "g", '{"b":2}')), "tool id changed", id="id"),
        pytest.param(calls((0, "c0", None, '{"a": 1}'), (1, "c1", "g", '{"b":2}')), "tool name lost", id="name"),
        pytest.param(calls((0, "c0", "f", '{"a": '), (1, "c1", "g", '{"b":2}')), "tool arguments lost", id="arguments"),
    ],
)  # fmt: skip
def test_shapes_of_tool_calls(seen, shape):
    want = Expected(calls((0, "c0", "f", '{"a": 1}'), (1, "c1", "g", '{"b":2}')).events)
    (violation,) = judge((want,), seen).violations

    assert violation.evidence.shape == shape


def test_text_arguments_with_other_spaces_are_non_strict():
    want = Expected(calls((0, "c", "f", '{"a":  1}')).events)

    assert judge((want,), calls((0, "c", "f", '{"a"  :1}'))).outcome == "non-strict"


LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\ufffd"), min_size=2, max_size=8)


@pytest.mark.parametrize(
    ("wrong", "shapes"),
    [
        pytest.param(lambda text: text[1:], {"text lost"}, id="lost"),
        pytest.param(lambda text: text * 2, {"text doubled"}, id="doubled"),
        pytest.param(lambda text: text + text[-1], {"text doubled"}, id="last-doubled"),
        pytest.param(lambda _: "\0" * 9, {"text changed", "text added", "text doubled"}, id="other"),
    ],
)  # fmt: skip
@given(text=LETTERS)
def test_a_shape_tells_the_breakage_and_not_the_data(wrong, shapes, text):
    verdict = judge(
        (Expected((event("text", text=text),)),), Transcript((event("text", text=wrong(text)),))
    )

    assert {violation.evidence.shape for violation in verdict.violations} <= shapes
    assert verdict.violations


@given(text=LETTERS, more=LETTERS)
def test_the_shape_of_an_exception_leaves_its_message_out(text, more):
    shapes = {
        judge((WHOLE,), ended("error", "lib.E", message, "lib:f")).violations[0].evidence.shape
        for message in (text, more)
    }

    assert shapes == {"raised lib.E in lib:f"}


# -- judging ---------------------------------------------------------------------------


def test_the_outcome_that_is_broken_least_decides():
    flushed = Expected(
        (event("text", text="a"), event("text", text="b")), why="WHATWG leaves it open"
    )
    dropped = Expected((event("text", text="a"),))

    assert judge((dropped, flushed), Transcript(flushed.events)).outcome == "ok"
    assert names(judge((dropped, flushed), Transcript())) == ["content-equal"]


def test_a_mild_breakage_is_preferred_to_a_grave_one():
    seen = Transcript(CHAT[:4])

    assert judge((CUT, CLEAN), seen).outcome == "non-strict"


def test_what_a_target_does_not_show_is_not_held_against_it():
    reports = frozenset({"text", "finish"})

    assert judge((WHOLE,), Transcript((*CHAT[2:4], CHAT[10])), reports).outcome == "ok"
    assert names(judge((WHOLE,), Transcript(CHAT[2:4]), reports)) == ["finish-reason-equal"]


def test_quotes_are_short_plain_and_around_the_difference():
    text = "a" * 5000 + "\x1b[31m\u2028" + "b" * 5000
    evidence = judge(
        (Expected((event("text", text=text),)),), Transcript((event("text", text=text.replace("\u2028", "")),))
    ).violations[0].evidence  # fmt: skip

    for quoted in (evidence.expected, evidence.observed):
        assert len(quoted) < 260
        assert quoted.isprintable()
    assert "\\u2028" in evidence.expected


@pytest.mark.parametrize("id", BROKEN)
def test_evidence_can_be_written_anywhere(id):
    """No control code, and no lone surrogate that UTF-8 could not hold."""
    want, seen = BROKEN[id]
    nasty = put("model", model="\ud800\x1b")

    for verdict in (judge((want,), seen), judge((WHOLE,), nasty)):
        for violation in verdict.violations:
            evidence = violation.evidence
            assert (evidence.expected + evidence.observed + evidence.shape).isprintable()


PIECES = st.lists(
    st.sampled_from(
        [*CHAT, *RAW, event("text", choice=1, text="x"), event("finish", choice=1, reason="stop")]
    )
)


@given(sent=PIECES, seen=PIECES, show=st.booleans())
def test_the_fast_path_agrees_with_the_rules(sent, seen, show):
    want, answer = Expected(tuple(sent)), Transcript(tuple(seen))
    reports = frozenset({"text", "sse", "finish"}) if show else None
    kept = Transcript(tuple(e for e in seen if reports is None or e.type in reports))

    assert judge((want,), answer, reports) == _held(want, kept, reports)
    assert judge((want,), Transcript(want.events), reports).outcome == "ok"


@pytest.mark.parametrize(
    ("seen", "shape"),
    [
        pytest.param(merged_pieces(), None, id="other-pieces"),
        pytest.param(without("text"), "text lost", id="text"),
        pytest.param(
            ended("error", "E", "1", "m:f"), "end changed: error, raised E in m:f", id="end"
        ),
    ],
)
def test_the_same_bytes_cut_elsewhere_give_the_same_answer(seen, shape):
    found = compare(RIGHT, seen)

    assert (found.shape if found else None) == shape


def test_the_same_error_twice_is_the_same_answer():
    assert compare(ended("error", "E", "at byte 1"), ended("error", "E", "at byte 2")) is None


def test_an_unknown_rule_names_those_there_are():
    assert find("truncation-surfaced/clean-end").id == "truncation-surfaced"
    with pytest.raises(UsageError, match=r"'no-such'.*content-equal"):
        find("no-such")


@pytest.mark.parametrize(
    ("message_end", "outcome"),
    [
        pytest.param("complete", "non-strict", id="only-the-stream-says-so"),
        pytest.param("incomplete", "failed", id="http-says-so"),
    ],
)
def test_truncation_of_a_stream_that_is_not_valid(message_end, outcome):
    """Where HTTP tells that the message broke off, no validity of the stream is needed."""
    want = Expected((), "truncated", message_end=message_end, strict=False, how="fin")
    seen = Transcript((event("finish", reason="stop"), event("done")))
    found = {each.invariant: each.outcome for each in judge((want,), seen).violations}

    assert found["truncation-surfaced"] == outcome


@pytest.mark.parametrize(
    ("want", "seen", "told"),
    [
        ('{"x": 1e3}', '{"x":1000}', "ok"),
        ('{"x": 1.0}', '{"x":1}', "ok"),
        ('{"x": 1}', '{"x":1.0}', "ok"),
        ('{"x":[1e0,{"y":2E1}]}', '{"x":[1,{"y":20}]}', "ok"),
        ('{"x":12345678901234567890}', '{"x":12345678901234567000}', "respelt"),
        ('{"x":1}', '{"x":true}', None),
        ('{"x":1.5}', '{"x":1}', None),
        ('{"x":1e999}', '{"x":1}', None),
        ("", "{}", "ok"),
    ],
)
def test_a_number_is_its_value_and_not_its_spelling(want, seen, told):
    """RFC 8259 section 6 has one grammar for numbers, and lets readers have doubles."""
    assert respelt(want, seen) == told


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (Delivery("tcp", 9, finished=False), "unknown"),
        (Delivery("tcp", 9, finished=False, stuck=True), "failed"),
        (Delivery("tcp", 9, finished=True), "failed"),
        (Delivery("tcp", 0, finished=False), "failed"),  # it never asked
        (Delivery("memory", 9, finished=False), "failed"),
    ],
)
@pytest.mark.parametrize("seen", [ended("hang"), ended("error", "x.ReadTimeout", "timed out")])
def test_nobody_is_accused_of_waiting_while_the_stream_is_still_being_sent(seen, sent, outcome):
    verdict = judge((WHOLE,), replace(seen, delivery=sent), None)

    assert verdict.outcome == outcome
