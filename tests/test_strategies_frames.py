"""Families that only HTTP/2 has, and those that it has not."""

import pytest

from replayfuzz import dialects, wire
from replayfuzz.plan import Cut, End, Plan, Slice
from replayfuzz.strategies import FAMILIES, describe, schedule, view
from tests.streams import ALL, CHAT

FRAMED = wire.over(CHAT, "h2")
ONLY_HTTP2 = {
    *("cut.frame", "head.padding", "head.empty-end", "head.trailers"),
    *("end.rst-stream", "end.goaway"),
}
ONLY_HTTP1 = {"head.framing", "head.case", "head.chunks", "end.unseen"}


def plans(name, exchange=FRAMED):
    return [plan for one in FAMILIES if one.id == name for plan in one.plans(view(exchange))]


@pytest.mark.parametrize("name", sorted(ONLY_HTTP2))
def test_http1_has_no_frames(name):
    assert plans(name)
    assert not any(plans(name, exchange) for exchange in ALL)


@pytest.mark.parametrize("name", sorted(ONLY_HTTP1))
def test_http2_has_no_chunks_and_no_framing_by_close(name):
    assert plans(name, CHAT)
    assert not plans(name)


def test_all_other_families_bend_a_stream_alike_over_either_protocol():
    for family in FAMILIES:
        if family.id not in ONLY_HTTP1 | ONLY_HTTP2:
            assert plans(family.id) == plans(family.id, CHAT)


def test_the_schedule_holds_what_only_http2_has():
    kinds = {kind for plan in schedule(FRAMED) for kind in plan.kinds}

    assert kinds >= ONLY_HTTP2
    assert not kinds & ONLY_HTTP1


def test_padding_is_that_of_every_frame_and_some_of_it_comes_on_its_own():
    frames = [wire.render(FRAMED, plan).frames for plan in plans("head.padding")]
    pads = {frame.pad for some in frames for frame in some if frame.kind == "data"}

    assert pads == {0, 1, 255}
    assert frames[-1][-1].cuts == (9 + 1 + len(CHAT.body),)


def test_frames_of_a_byte_come_in_one_segment_and_broken_in_their_headers():
    first, broken, crossed, *_ = (wire.render(FRAMED, plan) for plan in plans("cut.frame"))

    assert {len(frame.data) for frame in first.frames[1:]} == {1}
    assert sum(len(frame.cuts) for frame in first.frames) == 1
    assert {frame.cuts for frame in broken.frames[2:]} == {(4,)}
    # A segment every 2 bytes, a frame every 3: boundaries at a start and inside, in turns.
    assert [frame.cuts for frame in crossed.frames[1:5]] == [(11,), (10,), (0, 11), (10,)]


@pytest.mark.parametrize(
    ("name", "kind"), [("end.rst-stream", "rst-stream"), ("end.goaway", "goaway")]
)
def test_a_stream_that_is_given_up_is_a_truncation_wherever_it_stops(name, kind):
    for plan in plans(name):
        assert wire.render(FRAMED, plan).frames[-1].kind == kind
        assert dialects.expected(FRAMED, plan)[0].message_end == "incomplete"


def test_end_stream_is_on_trailers_or_an_empty_frame():
    lasts = {
        name: {wire.render(FRAMED, plan).frames[-1].kind for plan in plans(name)}
        for name in ("head.trailers", "head.empty-end")
    }

    assert lasts == {"head.trailers": {"trailers"}, "head.empty-end": {"data"}}
    assert not any(wire.render(FRAMED, plan).frames[-1].data for plan in plans("head.empty-end"))


def test_findings_speak_of_frames():
    plan = Plan((Cut(21, "head"), Slice(0, 1, "http", label="byte by byte (new chunk)")))
    ended = Plan((End(30, "fin", in_chunk=True),))

    assert describe(FRAMED, plan).labels[0].endswith("(inside the frame header)")
    assert describe(FRAMED, plan).labels[1] == "byte by byte (new DATA frame)"
    assert describe(FRAMED, ended).labels[0].endswith(", inside a DATA frame")
