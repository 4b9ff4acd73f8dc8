import pytest

from replayfuzz import store
from replayfuzz.plan import Cut, End, Plan, Splice
from replayfuzz.strategies import FEATURES, UNBENT, features, never, schedule
from tests.streams import CHAT, LINES, NAMED, RAW, TOOLS


@pytest.mark.parametrize(
    ("exchange", "has", "lacks"),
    [
        (
            RAW,
            {"event", "several events", "text", "event name", "multi-byte character"},
            {"tool call"},
        ),
        (CHAT, {"text", "finish reason", "usage", "escape", "terminal marker"}, {"event name"}),
        (TOOLS, {"tool call", "parallel tool calls"}, {"text", "usage"}),
        (NAMED, {"event name", "finish reason", "text"}, {"multi-byte character"}),
        (LINES, {"tool call", "text"}, {"parallel tool calls", "CRLF"}),
    ],
    ids=["raw", "chat", "tools", "named", "lines"],
)
def test_a_stream_has_what_it_can_exercise(exchange, has, lacks):
    found = features(exchange)

    assert has <= found
    assert not lacks & found


@pytest.mark.parametrize(
    ("edits", "feature"),
    [
        ((Cut(16),), "split character"),
        ((Cut(3),), "boundary"),
        ((Splice(8, 0, b"\r"),), "CRLF"),
        ((Splice(8, 1, b"\r"),), "CR"),
        ((Splice(8, 0, b"\r"), Cut(8)), "split line end"),
        ((Splice(0, 0, b"\xef\xbb\xbf"),), "byte order mark"),
        ((Splice(0, 0, b": x\n"),), "comment"),
        ((Splice(21, 0, b"data: a\n"),), "data of several lines"),
        ((End(20, "complete"),), "early end"),
        ((Splice(19, 0, b"\xf0\x9f\x98\x80"),), "character beyond U+FFFF"),
        ((Splice(0, 0, b"event: error\ndata: x\n\n"),), "error"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_plan_can_add_a_feature(edits, feature):
    bent = Plan(edits, keep_chunks=False)

    assert feature in features(RAW, bent)
    assert feature not in features(RAW, UNBENT)


def test_what_no_stream_had_is_said():
    sentences = never([features(CHAT), features(TOOLS)])

    assert "no stream had reasoning" in sentences
    assert "no character was split" in sentences
    assert "no stream had a tool call" not in sentences


def test_nothing_seen_means_nothing_exercised():
    assert never([]) == tuple(FEATURES.values())


@pytest.mark.slow
def test_the_shipped_cassettes_with_their_schedule_leave_nothing_out():
    shipped = store.shipped()
    seen = [features(one) for one in shipped]
    few = [one for one in shipped if one.name in ("openai.chat/plain", "sse/plain")]
    seen += [features(one, plan) for one in few for plan in list(schedule(one))[:400:3]]

    assert never(seen) == ()
