"""HTTP/2 framing: frames and boundaries as tables, and laws that h2 and hyperframe judge."""

import zlib
from dataclasses import replace
from itertools import pairwise

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import hpack
import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame
from hyperframe.frame import Frame as Coded

from replayfuzz import dialects, store
from replayfuzz.cassette import Exchange
from replayfuzz.errors import PlanError
from replayfuzz.plan import ENDINGS, Cut, End, Head, How, Pause, Plan, Slice, Splice
from replayfuzz.strategies import schedule
from replayfuzz.wire import Close, Frame, Send, Wait, bend, framing_of, message_end, over, render
from tests.streams import CHAT, RAW
from tests.test_wire_bend import some_plans

BODY = b"0123456789"
EXCHANGE = Exchange(
    "t",
    "sse",
    fields=(("Content-Type", "text/plain"), ("Connection", "x"), ("Keep-Alive", "5")),
    body=BODY,
    protocol="h2",
    framing=None,
)
HEAD = ((":status", "200"), ("content-type", "text/plain"))
FIRST = Frame("headers", fields=HEAD)


def data(payload, *cuts, last=False, **more):
    return Frame("data", payload, last=last, cuts=cuts, **more)


def plan(*edits, **head):
    return Plan(edits, Head(**head))


def shown(edits, **head):
    return list(render(EXCHANGE, plan(*edits, **head)).steps)


def whole(*steps):
    return [FIRST, *steps, Close("keep")]


@pytest.mark.parametrize(
    ("edits", "steps"),
    [
        pytest.param([], [data(BODY, last=True)], id="one-segment"),
        pytest.param([Cut(0)], [data(BODY, 0, last=True)], id="headers-on-their-own"),
        pytest.param([Cut(4)], [data(b"0123"), data(b"456789", 0, last=True)], id="write"),
        pytest.param([Cut(4, "http")], [data(b"0123"), data(b"456789", last=True)], id="http"),
        pytest.param([Cut(4, "tcp")], [data(BODY, 13, last=True)], id="tcp"),
        pytest.param([Cut(0, "tcp")], [data(BODY, 0, last=True)], id="tcp-before-the-first-byte"),
        pytest.param([Cut(4, "head")], [data(b"0123"), data(b"456789", 4, last=True)], id="head"),
        pytest.param([Cut(0, "head")], [data(BODY, 4, last=True)], id="first-header"),
        pytest.param(
            [Cut(4, "http"), Cut(6, "tcp")],
            [data(b"0123"), data(b"456789", 11, last=True)],
            id="layers-compose",
        ),
        pytest.param([Cut(10)], [data(BODY), data(b"", 0, last=True)], id="the-end-on-its-own"),
        pytest.param([Cut(10, "http")], [data(BODY), data(b"", last=True)], id="an-empty-end"),
        pytest.param([Cut(10, "head")], [data(BODY), data(b"", 4, last=True)], id="last-header"),
        pytest.param([Cut(10, "tcp")], [data(BODY, last=True)], id="nothing-behind-it"),
        pytest.param([Splice(0, 10, b"")], [data(b"", last=True)], id="no-content"),
        pytest.param(
            [Pause(4, 0.5)],
            [data(b"0123"), Wait(0.5), data(b"456789", 0, last=True)],
            id="a-pause-is-a-boundary",
        ),
        pytest.param(
            [Pause(4, 1), Cut(4, "head")],
            [data(b"0123"), Wait(1), data(b"456789", 0, 4, last=True)],
            id="a-pause-and-a-broken-header",
        ),
        pytest.param(
            [Pause(10, 2)], [data(BODY), Wait(2), data(b"", 0, last=True)], id="a-pause-at-the-end"
        ),
        pytest.param([End(4, "complete")], [data(b"0123", last=True)], id="clean-end"),
    ],
)
def test_frames_and_their_boundaries(edits, steps):
    assert shown(edits) == whole(*steps)


@pytest.mark.parametrize(
    ("edits", "head", "steps"),
    [
        pytest.param([], {"pad": 0}, [data(BODY, last=True, pad=0)], id="flag-alone"),
        pytest.param([Cut(4, "tcp")], {"pad": 3}, [data(BODY, 14, last=True, pad=3)], id="shift"),
        pytest.param([Cut(10, "tcp")], {"pad": 3}, [data(BODY, 20, last=True, pad=3)], id="inside"),
        pytest.param(
            [], {"empty_end": True}, [data(BODY), data(b"", last=True)], id="empty-frame-at-the-end"
        ),
        pytest.param(
            [],
            {"trailers": (("X-Sum", "1"),), "empty_end": True},
            [data(BODY), Frame("trailers", fields=(("x-sum", "1"),), last=True, cuts=())],
            id="trailers-carry-the-end",
        ),
        pytest.param(
            [Cut(10)],
            {"trailers": (("X-Sum", "1"),)},
            [data(BODY), Frame("trailers", fields=(("x-sum", "1"),), last=True)],
            id="trailers-on-their-own",
        ),
        pytest.param(
            [Cut(10, "tcp")],
            {"trailers": (("X-Sum", "1"),)},
            [data(BODY), Frame("trailers", fields=(("x-sum", "1"),), last=True)],
            id="a-boundary-behind-a-frame-is-before-the-next",
        ),
        pytest.param(
            [],
            {"framing": "close", "case": "upper", "extension": "a=b"},
            [data(BODY, last=True)],
            id="what-http1-spells-changes-nothing",
        ),
    ],
)
def test_what_the_head_asks_for(edits, head, steps):
    assert shown(edits, **head) == whole(*steps)


SHORT = Frame("headers", fields=(*HEAD, ("content-length", "10")))


@pytest.mark.parametrize(
    ("edit", "steps"),
    [
        pytest.param(End(4, "fin"), [FIRST, data(b"0123"), Close("fin")], id="fin"),
        pytest.param(End(0, "fin"), [FIRST, Close("fin")], id="fin-after-the-head"),
        pytest.param(End(4, "reset"), [FIRST, data(b"0123"), Close("reset")], id="reset"),
        pytest.param(
            End(4, "rst-stream"),
            [FIRST, data(b"0123"), Frame("rst-stream", code=2), Close("keep")],
            id="rst-stream",
        ),
        pytest.param(
            End(4, "goaway"),
            [FIRST, data(b"0123"), Frame("goaway", code=2), Close("fin")],
            id="goaway",
        ),
        pytest.param(
            End(4, "short"),
            [SHORT, data(b"0123"), data(b"", 0, last=True), Close("keep")],
            id="short",
        ),
        pytest.param(End(4, "stall"), [FIRST, data(b"0123"), Close("open")], id="stall"),
        pytest.param(End(10, "open"), [FIRST, data(BODY), Close("open")], id="open"),
        pytest.param(
            End(4, "fin", in_head=True),
            [FIRST, data(b"0123"), data(bytes(6), stop=4), Close("fin")],
            id="inside-a-frame-header",
        ),
        pytest.param(
            End(4, "reset", in_chunk=True),
            [FIRST, data(b"0123"), data(bytes(6), stop=9), Close("reset")],
            id="inside-a-frame",
        ),
        pytest.param(
            End(0, "fin", in_chunk=True),
            [FIRST, data(bytes(10), stop=9), Close("fin")],
            id="a-frame-of-which-nothing-came",
        ),
        pytest.param(
            End(4, "rst-stream", in_chunk=True),
            [FIRST, data(b"0123"), Frame("rst-stream", code=2), Close("keep")],
            id="frames-that-follow-need-whole-frames",
        ),
    ],
)
def test_endings(edit, steps):
    assert shown([edit]) == steps


@pytest.mark.parametrize(
    ("status", "last", "close", "end"),
    [
        (204, True, "keep", "complete"),
        (304, True, "keep", "complete"),
        (103, False, "open", "open"),
    ],
)
def test_a_status_without_content_is_headers_alone(status, last, close, end):
    asked = plan(Cut(4), End(6, "reset"), status=status, trailers=(("A", "1"),), pad=1)
    fields = ((":status", str(status)), HEAD[1])

    assert list(render(EXCHANGE, asked).steps) == [
        Frame("headers", fields=fields, last=last),
        Close(close),
    ]
    assert message_end(EXCHANGE, asked, bend(EXCHANGE, asked)) == end


@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("at", [0, 4, 10])
def test_only_end_stream_completes_a_message(how: How, at):
    """An exchange that was recorded with such an end says the same as a plan that makes it."""
    asked = plan(End(at, how))
    found = message_end(EXCHANGE, asked, bend(EXCHANGE, asked))
    recorded = replace(EXCHANGE, body=BODY[:at], ending=how)

    assert found == {"complete": "complete", "stall": "open", "open": "open"}.get(how, "incomplete")
    assert found == message_end(recorded, Plan(), bend(recorded, Plan()))
    assert framing_of(EXCHANGE, asked) == "h2-data"


def test_fields_are_those_that_http2_allows():
    head = Head(fields=(("Transfer-Encoding", "chunked"), ("UPGRADE", "x"), ("X-Ä", " y ")))
    fields = render(EXCHANGE, Plan(head=head)).frames[0].fields

    assert fields == (*HEAD, ("x-ä", "y"))


def test_more_padding_than_a_frame_can_tell_is_refused():
    with pytest.raises(PlanError, match="256 bytes of padding; a frame has 0 to 255"):
        render(EXCHANGE, plan(pad=256))


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_the_same_stream_is_played_over_either_protocol(protocol):
    played = over(over(EXCHANGE, "http/1.1"), protocol)

    assert (played.body, played.fields, played.protocol) == (BODY, EXCHANGE.fields, protocol)
    assert played.framing == ("chunked" if protocol == "http/1.1" else None)
    assert over(played, protocol) is played
    kinds = {type(step) for step in render(played, Plan()).steps}
    assert kinds == {Send if protocol == "http/1.1" else Frame, Close}


@pytest.mark.parametrize(("how", "near"), [("goaway", "fin"), ("rst-stream", "reset")])
def test_over_http1_an_end_of_http2_is_the_nearest_one_there(how: How, near: How):
    old = over(EXCHANGE, "http/1.1")
    for framing in ("chunked", "content-length", "close"):
        for at in (4, 10):
            one, other = plan(End(at, how), framing=framing), plan(End(at, near), framing=framing)
            ends = {message_end(old, asked, bend(old, asked)) for asked in (one, other)}

            assert render(old, one) == render(old, other)
            assert len(ends) == 1


def test_an_early_end_of_http2_is_a_truncation():
    hows: tuple[How, ...] = ("fin", "goaway", "rst-stream")
    outcomes = {how: dialects.expected(over(CHAT, "h2"), plan(End(40, how)))[0] for how in hows}

    assert {one.end for one in outcomes.values()} == {"truncated"}
    assert {how: one.how for how, one in outcomes.items()} == {how: how for how in outcomes}


# -- laws ------------------------------------------------------------------------------


def code(frame, encoder):
    """The bytes of one frame, by hyperframe, and how many of them are sent."""
    if frame.kind in ("headers", "trailers"):
        coded: Coded = HeadersFrame(1, data=encoder.encode(frame.fields))
        coded.flags.add("END_HEADERS")
    elif frame.kind == "data":
        coded = DataFrame(1, data=frame.data, pad_length=frame.pad or 0)
        if frame.pad is not None:
            coded.flags.add("PADDED")
    elif frame.kind == "rst-stream":
        coded = RstStreamFrame(1, error_code=frame.code)
    else:
        coded = GoAwayFrame(0, last_stream_id=1, error_code=frame.code)
    if frame.last:
        coded.flags.add("END_STREAM")
    return coded.serialize()[: frame.stop]


def segments(script):
    """What each segment of the script holds; boundaries are cut into the coded frames."""
    encoder = hpack.Encoder()
    found: list[bytes] = []
    for frame in script.frames:
        coded = code(frame, encoder)
        edges = [*frame.cuts, len(coded)]
        assert edges == sorted(set(edges)), "a boundary outside of its frame"
        if not found:
            found.append(b"")
        found[-1] += coded[: edges[0]]
        found += [coded[start:end] for start, end in pairwise(edges)]
    return [segment for segment in found if segment]


def read_by_h2(script):
    """What a strict client makes of a script: (body, how its stream ended)."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    client.send_headers(
        1,
        [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "x")],
        end_stream=True,
    )
    client.receive_data(SettingsFrame(0).serialize())
    body: list[bytes] = []
    end = "open"
    for segment in segments(script):
        try:
            events = client.receive_data(segment)
        except h2.exceptions.ProtocolError:
            return b"".join(body), "malformed"
        for event in events:
            match event:
                case h2.events.DataReceived():
                    body.append(event.data)
                    if event.flow_controlled_length:
                        client.acknowledge_received_data(event.flow_controlled_length, 1)
                case h2.events.StreamEnded():
                    end = "complete"
                case h2.events.StreamReset():
                    end = "reset"
                case h2.events.ConnectionTerminated():
                    end = "given up"
    return b"".join(body), end


HEADS = [
    Head(),
    Head(pad=0),
    Head(pad=255),
    Head(pad=1, empty_end=True),
    Head(trailers=(("X-T", "1"),)),
    Head(coding="gzip"),
]
JUDGED = {
    "complete": "complete",
    "rst-stream": "reset",
    "goaway": "given up",
    "short": "malformed",
}


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_a_strict_client_reads_the_bent_body(head):
    ends = set()
    for drawn in some_plans(120, seed=HEADS.index(head)):
        asked = Plan(drawn.edits, head, keep_chunks=False)
        result = bend(EXCHANGE, asked)
        script = render(EXCHANGE, asked)
        body, end = read_by_h2(script)
        if head.coding:
            body = zlib.decompressobj(wbits=31).decompress(body)
        assert body == result.body
        assert end == JUDGED.get(result.how, "open")
        ends.add(result.how)
    assert {"complete", "fin", "reset", "stall"} <= ends


def test_the_payloads_join_to_the_body():
    for drawn in some_plans(100, seed=3):
        asked = Plan(drawn.edits, keep_chunks=False)
        sent = b"".join(frame.sent for frame in render(EXCHANGE, asked).frames)

        assert sent == bend(EXCHANGE, asked).body


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_no_segment_is_empty_and_every_boundary_is_where_it_was_told(head):
    for drawn in some_plans(60, seed=11):
        script = render(EXCHANGE, Plan(drawn.edits, head, keep_chunks=False))
        parts = segments(script)
        told = sum(len(frame.cuts) for frame in script.frames)

        assert len(parts) == told


def test_a_boundary_of_the_tcp_layer_parts_the_payload_there():
    for at in range(1, len(BODY)):
        for pad in (None, 0, 7):
            first, second = segments(render(EXCHANGE, plan(Cut(at, "tcp"), pad=pad)))
            assert first.endswith(BODY[:at])
            assert second.startswith(BODY[at:])


def test_end_stream_comes_exactly_once_or_never():
    for drawn in some_plans(60, seed=5):
        for head in HEADS:
            asked = Plan(drawn.edits, head)
            frames = render(EXCHANGE, asked).frames
            how = bend(EXCHANGE, asked).how
            lasts = [frame for frame in frames if frame.last]

            assert len(lasts) == (how in ("complete", "short"))
            assert not lasts or lasts[0] is frames[-1]


@pytest.mark.parametrize("pad", [None, 0, 255])
def test_no_frame_is_larger_than_every_peer_accepts(pad):
    large = replace(EXCHANGE, body=bytes(range(256)) * 200)
    for edits in (
        [],
        [Cut(16_384, "tcp")],
        [Slice(0, 20_000)],
        [End(40_000, "fin", in_chunk=True)],
    ):
        script = render(large, plan(*edits, pad=pad))
        encoder = hpack.Encoder()
        coded = [code(replace(frame, stop=None), encoder) for frame in script.frames]

        assert max(len(one) - 9 for one in coded) == 16_384
        assert b"".join(frame.sent for frame in script.frames) == bend(large, plan(*edits)).body
        assert len(segments(script)) == sum(len(frame.cuts) for frame in script.frames)


def test_a_boundary_where_a_long_body_is_parted_anyway_is_one_boundary():
    large = replace(EXCHANGE, body=bytes(40_000))
    for pad, room in ((None, 16_384), (255, 16_128)):
        frames = render(large, plan(Cut(room, "tcp"), pad=pad)).frames

        assert [frame.cuts for frame in frames] == [(0,), (), (0,), ()]


@pytest.mark.parametrize("exchange", [RAW, CHAT], ids=lambda one: one.name)
def test_every_plan_of_the_schedule_renders_as_frames(exchange):
    played = over(exchange, "h2")
    plans = list(schedule(played))
    for asked in plans:
        script = render(played, asked)
        if len(script.frames) < 500:
            assert len(segments(script)) == sum(len(frame.cuts) for frame in script.frames)
    assert len(plans) > 200


@pytest.mark.slow
def test_a_strict_client_reads_every_stream_that_ships():
    for exchange in store.shipped():
        played = over(exchange, "h2")
        body, end = read_by_h2(render(played, Plan(keep_times=False)))
        if exchange.status < 300 and exchange.ending == "complete":
            assert (body, end) == (exchange.body, "complete")
