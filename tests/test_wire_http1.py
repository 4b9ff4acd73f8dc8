"""HTTP/1.1 framing: exact bytes and boundaries as tables, and laws that h11 is the judge of."""

import zlib

import h11
import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, End, Head, Pause, Plan, Slice, Splice
from replayfuzz.wire import (
    Close,
    Send,
    Wait,
    bend,
    framing_of,
    message_end,
    pieces,
    render,
    response_fields,
)
from tests.test_wire_bend import some_plans

BODY = b"0123456789"
EXCHANGE = Exchange("t", "sse", fields=(("Content-Type", "text/plain"),), body=BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
LAST = b"0\r\n\r\n"


def sized(length):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    return head % length


def plan(*edits, **head):
    return Plan(edits, Head(**head))


def shown(edits, exchange=EXCHANGE, **head):
    """Sends as bytes, waits as seconds, the close as its name."""
    script = render(exchange, plan(*edits, **head))
    return [
        next(value for name in ("data", "seconds", "how") if (value := getattr(step, name, None)))
        for step in script.steps
    ]


@pytest.mark.parametrize(
    ("edits", "steps"),
    [
        pytest.param([], [CHUNKED + b"a\r\n0123456789\r\n" + LAST, "keep"], id="whole"),
        pytest.param(
            [Cut(0)], [CHUNKED, b"a\r\n0123456789\r\n" + LAST, "keep"], id="head-on-its-own"
        ),
        pytest.param(
            [Cut(4)],
            [CHUNKED + b"4\r\n0123\r\n", b"6\r\n456789\r\n" + LAST, "keep"],
            id="write-parts-chunks-and-sends",
        ),
        pytest.param(
            [Cut(4, "http")],
            [CHUNKED + b"4\r\n0123\r\n6\r\n456789\r\n" + LAST, "keep"],
            id="http-parts-chunks-only",
        ),
        pytest.param(
            [Cut(4, "tcp")],
            [CHUNKED + b"a\r\n0123", b"456789\r\n" + LAST, "keep"],
            id="tcp-parts-sends-only",
        ),
        pytest.param(
            [Cut(4, "head")],
            [CHUNKED + b"4\r\n0123\r\n6", b"\r\n456789\r\n" + LAST, "keep"],
            id="inside-a-size-line",
        ),
        pytest.param(
            [Cut(0, "head")],
            [CHUNKED + b"a", b"\r\n0123456789\r\n" + LAST, "keep"],
            id="inside-the-first-size-line",
        ),
        pytest.param(
            [Cut(10, "head")],
            [CHUNKED + b"a\r\n0123456789\r\n0", b"\r\n\r\n", "keep"],
            id="inside-the-last-size-line",
        ),
        pytest.param(
            [Cut(10)],
            [CHUNKED + b"a\r\n0123456789\r\n", LAST, "keep"],
            id="last-chunk-on-its-own",
        ),
        pytest.param(
            [Cut(10, "tcp")],
            [CHUNKED + b"a\r\n0123456789", b"\r\n" + LAST, "keep"],
            id="before-the-end-of-a-chunk",
        ),
        pytest.param(
            [Cut(4, "http"), Cut(6, "tcp")],
            [CHUNKED + b"4\r\n0123\r\n6\r\n45", b"6789\r\n" + LAST, "keep"],
            id="layers-compose",
        ),
        pytest.param(
            [Pause(4, 0.5)],
            [CHUNKED + b"4\r\n0123\r\n", 0.5, b"6\r\n456789\r\n" + LAST, "keep"],
            id="pause",
        ),
        pytest.param(
            [Pause(0, 1), Pause(10, 2), Pause(10, 3)],
            [CHUNKED, 1, b"a\r\n0123456789\r\n", 5, LAST, "keep"],
            id="pauses-at-the-edges-add-up",
        ),
        pytest.param(
            [Pause(4, 0)],
            [CHUNKED + b"4\r\n0123\r\n", b"6\r\n456789\r\n" + LAST, "keep"],
            id="no-pause-is-a-boundary",
        ),
        pytest.param([Splice(0, 10, b"")], [CHUNKED + LAST, "keep"], id="empty-body"),
        pytest.param([End(4, "fin")], [CHUNKED + b"4\r\n0123\r\n", "fin"], id="fin"),
        pytest.param([End(0, "fin")], [CHUNKED, "fin"], id="fin-after-the-head"),
        pytest.param([End(4, "reset")], [CHUNKED + b"4\r\n0123\r\n", "reset"], id="reset"),
        pytest.param([End(4, "stall")], [CHUNKED + b"4\r\n0123\r\n", "open"], id="stall"),
        pytest.param([End(10, "open")], [CHUNKED + b"a\r\n0123456789\r\n", "open"], id="open"),
        pytest.param(
            [End(4, "complete")], [CHUNKED + b"4\r\n0123\r\n" + LAST, "keep"], id="clean-end"
        ),
        pytest.param(
            [End(4, "fin", in_head=True)],
            [CHUNKED + b"4\r\n0123\r\n1", "fin"],
            id="ends-inside-a-size-line",
        ),
        pytest.param(
            [End(4, "complete", in_head=True)],
            [CHUNKED + b"4\r\n0123\r\n" + LAST, "keep"],
            id="a-complete-message-ends-nowhere-else",
        ),
        pytest.param(
            [End(4, "fin", in_chunk=True)],
            [CHUNKED + b"a\r\n0123", "fin"],
            id="ends-inside-a-chunk",
        ),
        pytest.param(
            [Cut(2), End(4, "reset", in_chunk=True)],
            [CHUNKED + b"2\r\n01\r\n", b"8\r\n23", "reset"],
            id="only-the-last-chunk-breaks-off",
        ),
        pytest.param(
            [Cut(2, "tcp"), End(4, "stall", in_chunk=True)],
            [CHUNKED + b"a\r\n01", b"23", "open"],
            id="stalls-inside-a-chunk",
        ),
        pytest.param(
            [End(10, "fin", in_chunk=True)],
            [CHUNKED + b"b\r\n0123456789", "fin"],
            id="all-is-sent-and-more-was-announced",
        ),
        pytest.param(
            [End(0, "fin", in_chunk=True)],
            [CHUNKED + b"a\r\n", "fin"],
            id="a-chunk-of-which-nothing-came",
        ),
        pytest.param(
            [End(4, "complete", in_chunk=True)],
            [CHUNKED + b"4\r\n0123\r\n" + LAST, "keep"],
            id="a-complete-message-has-whole-chunks",
        ),
        pytest.param(
            [End(4, "fin", in_head=True, in_chunk=True)],
            [CHUNKED + b"4\r\n0123\r\n1", "fin"],
            id="the-size-line-comes-before-its-chunk",
        ),
        pytest.param([End(4, "short")], [sized(10) + b"0123", "fin"], id="short"),
        pytest.param([End(10, "short")], [sized(11) + BODY, "fin"], id="short-by-one-at-least"),
        pytest.param(
            [End(8, "short"), End(4, "fin")],
            [CHUNKED + b"4\r\n0123\r\n", "fin"],
            id="an-end-that-never-comes-has-no-say",
        ),
    ],
)
def test_chunked(edits, steps):
    assert shown(edits) == steps


@pytest.mark.parametrize(
    ("edits", "steps"),
    [
        pytest.param([], [sized(10) + BODY, "keep"], id="whole"),
        pytest.param([Cut(4)], [sized(10) + b"0123", b"456789", "keep"], id="cut"),
        pytest.param(
            [Cut(4, "head")], [sized(10) + b"0123", b"456789", "keep"], id="no-chunk-head"
        ),
        pytest.param([Splice(0, 10, b"")], [sized(0), "keep"], id="empty"),
        pytest.param([Splice(10, 0, b"AB")], [sized(12) + BODY + b"AB", "keep"], id="longer"),
        pytest.param([End(4, "fin")], [sized(10) + b"0123", "fin"], id="fin"),
        pytest.param([End(4, "complete")], [sized(4) + b"0123", "keep"], id="clean-end"),
        pytest.param([End(10, "fin")], [sized(10) + BODY, "fin"], id="fin-after-everything"),
        pytest.param([End(4, "fin", in_head=True)], [sized(10) + b"0123", "fin"], id="no-head"),
        pytest.param([End(4, "fin", in_chunk=True)], [sized(10) + b"0123", "fin"], id="no-chunk"),
    ],
)
def test_content_length(edits, steps):
    assert shown(edits, framing="content-length") == steps


@pytest.mark.parametrize(
    ("edits", "steps"),
    [
        pytest.param([], [CLOSE + BODY, "fin"], id="whole"),
        pytest.param([Cut(10)], [CLOSE + BODY, "fin"], id="nothing-follows-the-last-byte"),
        pytest.param([End(4, "reset")], [CLOSE + b"0123", "reset"], id="reset"),
        pytest.param([End(4, "short")], [sized(10) + b"0123", "fin"], id="short-needs-a-length"),
        pytest.param([End(4, "stall")], [CLOSE + b"0123", "open"], id="stall"),
    ],
)
def test_close_delimited(edits, steps):
    assert shown(edits, framing="close") == steps


def test_a_recorded_short_end_has_a_length_too():
    exchange = Exchange("t", "sse", body=BODY, framing="close", ending="short")

    assert framing_of(exchange, Plan()) == "content-length"
    assert b"Content-Length: 11\r\n" in render(exchange, Plan()).sends[0]


@pytest.mark.parametrize(
    ("head", "steps"),
    [
        pytest.param(
            {"extension": 'a="b"'},
            [CHUNKED + b'4;a="b"\r\n0123\r\n', b'6;a="b"\r\n456789\r\n0;a="b"\r\n\r\n', "keep"],
            id="extension-on-every-chunk",
        ),
        pytest.param(
            {"trailers": (("X-Sum", "1"), ("X-B", "2"))},
            [
                CHUNKED[:-2] + b"Trailer: X-Sum, X-B\r\n\r\n4\r\n0123\r\n",
                b"6\r\n456789\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
                "keep",
            ],
            id="trailers",
        ),
        pytest.param(
            {"trailers": (("X-Sum", "1"),), "framing": "content-length"},
            [sized(10) + b"0123", b"456789", "keep"],
            id="trailers-need-chunks",
        ),
    ],
)
def test_around_the_chunks(head, steps):
    assert shown([Cut(4)], **head) == steps


@pytest.mark.parametrize("status", [204, 304, 100])
@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
def test_a_status_without_content_is_a_head_alone(status, framing):
    steps = shown([Cut(4), End(6, "reset")], status=status, framing=framing, trailers=(("A", "1"),))

    assert len(steps) == 2
    assert steps[0].startswith(b"HTTP/1.1 %d " % status)
    assert steps[0].endswith(b"\r\nContent-Type: text/plain\r\n\r\n")
    assert steps[1] == "keep"
    assert pieces(EXCHANGE, plan(status=status, coding="gzip")) == ()


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        pytest.param({}, ["A: 1", "b: 2"], id="as-recorded"),
        pytest.param({"fields": (("B", "9"),)}, ["A: 1", "B: 9"], id="replaced-by-name"),
        pytest.param({"fields": (("a", ""),)}, ["b: 2"], id="removed"),
        pytest.param(
            {"fields": (("C", "3"), ("C", "4"))}, ["A: 1", "b: 2", "C: 3", "C: 4"], id="2"
        ),
        pytest.param({"case": "upper"}, ["A: 1", "B: 2"], id="upper"),
        pytest.param({"case": "lower"}, ["a: 1", "b: 2"], id="lower"),
        pytest.param({"coding": "gzip"}, ["A: 1", "b: 2", "Content-Encoding: gzip"], id="gzip"),
    ],
)
def test_fields(head, fields):
    recorded = (
        *[("A", "1"), ("b", "2"), ("Content-Length", "5"), ("transfer-encoding", "chunked")],
        *[("Connection", "x"), ("Trailer", "y"), ("Content-Encoding", "br")],
    )
    lines = response_fields(Exchange("t", "sse", fields=recorded), Head(**head))

    assert [f"{name}: {value}" for name, value in lines] == fields


@pytest.mark.parametrize(
    ("status", "line"),
    [
        pytest.param(None, b"HTTP/1.1 200 Fine\r\n", id="recorded-reason"),
        pytest.param(200, b"HTTP/1.1 200 Fine\r\n", id="same-status"),
        pytest.param(429, b"HTTP/1.1 429 Too Many Requests\r\n", id="known"),
        pytest.param(599, b"HTTP/1.1 599 Unknown\r\n", id="unknown"),
    ],
)
def test_status_line(status, line):
    exchange = Exchange("t", "sse", reason="Fine")

    assert render(exchange, plan(status=status)).sends[0].startswith(line)


@pytest.mark.parametrize(
    ("edits", "head", "end"),
    [
        *[([], {"framing": framing}, "complete") for framing in ("chunked", "content-length")],
        ([], {"framing": "close"}, "complete"),
        ([End(4, "complete")], {}, "complete"),
        ([End(10, "fin")], {}, "incomplete"),
        ([End(10, "fin")], {"framing": "content-length"}, "complete"),
        ([End(10, "reset")], {"framing": "content-length"}, "complete"),
        ([End(10, "open")], {"framing": "content-length"}, "complete"),
        ([End(10, "stall")], {"framing": "content-length", "coding": "gzip"}, "open"),
        ([End(9, "open")], {"framing": "content-length"}, "open"),
        ([End(9, "fin")], {"framing": "content-length"}, "incomplete"),
        ([End(4, "fin")], {"framing": "close"}, "complete"),
        ([End(4, "reset")], {"framing": "close"}, "incomplete"),
        ([End(4, "short")], {"framing": "close"}, "incomplete"),
        ([End(10, "short")], {}, "incomplete"),
        ([End(10, "open")], {}, "open"),
        ([End(4, "reset")], {"status": 204}, "complete"),
        ([], {"status": 103}, "open"),
    ],
)
def test_what_a_recipient_knows_of_the_end(edits, head, end):
    asked = plan(*edits, **head)

    assert message_end(EXCHANGE, asked, bend(EXCHANGE, asked)) == end


def test_gzip_is_flushed_at_every_boundary():
    asked = plan(Slice(0, 3), coding="gzip")
    reader = zlib.decompressobj(wbits=31)
    read = [reader.decompress(piece) for piece in pieces(EXCHANGE, asked)]

    assert read == [b"012", b"345", b"678", b"9", b""]
    assert reader.eof


def test_gzip_that_stops_early_has_no_end():
    asked = plan(Cut(3), End(6, "fin"), coding="gzip", framing="content-length")
    reader = zlib.decompressobj(wbits=31)

    assert [reader.decompress(piece) for piece in pieces(EXCHANGE, asked)] == [b"012", b"345"]
    assert not reader.eof


# -- laws ------------------------------------------------------------------------------


def read_by_h11(script, *, step=None):
    """What a strict client makes of a script: (body, whole), fed as sent or in steps."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    parts = script.sends
    if step:
        joined = b"".join(parts)
        parts = [joined[at : at + step] for at in range(0, len(joined), step)]
    body = []
    for part in (*parts, *([b""] if script.steps[-1].how == "fin" else [])):
        client.receive_data(part)
        try:
            while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Data):
                    body.append(bytes(event.data))
                if isinstance(event, h11.EndOfMessage):
                    return b"".join(body), True
        except h11.RemoteProtocolError:
            break
    return b"".join(body), False


HEADS = [
    Head(),
    Head(framing="content-length"),
    Head(framing="close"),
    Head(extension="x=1", trailers=(("X-T", "1"),), case="upper"),
    Head(coding="gzip"),
    Head(coding="gzip", framing="content-length"),
    Head(coding="gzip", framing="close"),
]


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
@pytest.mark.parametrize("step", [None, 1], ids=["as-sent", "byte-by-byte"])
def test_a_strict_client_reads_the_bent_body(head, step):
    ends = set()
    for edits in some_plans(40, seed=HEADS.index(head)):
        asked = Plan(edits.edits, head, keep_chunks=False)
        result = bend(EXCHANGE, asked)
        body, whole = read_by_h11(render(EXCHANGE, asked), step=step)
        if head.coding:
            body = zlib.decompressobj(wbits=31).decompress(body)
        end = message_end(EXCHANGE, asked, result)
        ends.add(end)

        assert body == result.body
        assert whole == (end == "complete")
    assert ends == {"complete", "incomplete", "open"}


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_boundaries_of_the_tcp_layer_change_no_byte(head):
    """Only what parts chunks changes bytes; a gzip coder also flushes, which does."""
    parted = 0
    for drawn in some_plans(60, seed=7):
        tcp = [edit for edit in drawn.edits if getattr(edit, "layer", "") == "tcp"]
        rest = [edit for edit in drawn.edits if edit not in tcp and not isinstance(edit, Pause)]
        with_cuts = render(EXCHANGE, Plan((*rest, *tcp), head, keep_chunks=False))
        without = render(EXCHANGE, Plan(tuple(rest), head, keep_chunks=False))
        parted += len(with_cuts.sends) > len(without.sends)

        if head.coding is None:
            assert b"".join(with_cuts.sends) == b"".join(without.sends)
        assert with_cuts.steps[-1] == without.steps[-1]
    assert parted >= 10


def test_no_send_is_empty_and_the_last_step_is_the_only_close():
    for drawn in some_plans(100, seed=8):
        for head in HEADS:
            steps = render(EXCHANGE, Plan(drawn.edits, head)).steps

            assert all(step.data for step in steps if isinstance(step, Send))
            assert all(step.seconds > 0 for step in steps if isinstance(step, Wait))
            assert [isinstance(step, Close) for step in steps].index(True) == len(steps) - 1


def test_pieces_are_what_the_sends_hold():
    """Memory delivery and delivery over a socket show the same coded bytes."""
    for drawn in some_plans(60, seed=9):
        for coding in (None, "gzip"):
            asked = Plan(drawn.edits, Head(framing="close", coding=coding), keep_chunks=False)
            sent = b"".join(render(EXCHANGE, asked).sends).partition(b"\r\n\r\n")[2]

            assert b"".join(pieces(EXCHANGE, asked)) == sent
