"""Responses of daemons as transcripts: both forms, honest ends, and each fault told."""

import pytest

from replayfuzz.dialects import relayed
from replayfuzz.transcript import Response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def response(body, head=HEAD, **more):
    return Response(raw=head + body, total=1.0, **more)


def read(body, output="simplified", **more):
    return relayed.read(response(body), output=output, **more)


def events(found):
    return [(each.type, *each.values.values()) for each in found.transcript.events]


def kinds(found):
    return [problem.kind for problem in found.problems]


def test_the_simplified_form_is_read():
    found = read(
        'data: {"content": "né"}\n\ndata: {"content":"\\ud83d\\ude00"}\n\n'.encode() + DONE
    )

    assert events(found) == [("text", "né"), ("text", "\U0001f600"), ("done",)]
    assert (found.transcript.end, found.transcript.error, found.problems) == ("complete", None, ())


def test_the_full_form_is_read():
    body = (
        b'data: {"object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":'
        b'{"role":"assistant","content":"a","tool_calls":[{"index":0,"id":"c","function":'
        b'{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
        b'"usage":{"total_tokens":3}}\n\n'
    )
    found = read(body + DONE, "full")

    assert events(found) == [
        ("model", "m"),
        ("role", 0, "assistant"),
        ("text", 0, "a"),
        ("tool", 0, 0, "c", "f", "{}"),
        ("finish", 0, "stop"),
        ("usage", {"total_tokens": 3}),
        ("done",),
    ]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("body", "output"),
    [
        pytest.param(b'data: {"choices":[]}\n\n', "simplified", id="full"),
        pytest.param(b'data: {"content":"x"}\n\n', "full", id="simplified"),
    ],
)
def test_the_form_that_was_not_declared_is_read_and_told(body, output):
    assert kinds(read(body + DONE, output)) == ["other-form"]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        pytest.param(b"data: hello\n\n", "not-json", "'hello'", id="no JSON"),
        pytest.param(b"data: [1]\n\n", "not-json", "'[1]'", id="no object"),
        pytest.param(b'data: {"text":"x"}\n\n', "no-form", "'text'", id="another name"),
        pytest.param(b'data: {"content":3}\n\n', "no-form", "3", id="content of another type"),
        pytest.param(b'data: {"content":"[DONE]"}\n\n', "wrapped-done", "[DONE]", id="wrapped"),
        pytest.param(b"data: {\xff}\n\n", "not-json", "\ufffd", id="not UTF-8"),
    ],
)
def test_what_fits_no_form_is_told(body, kind, message):
    found = read(body + DONE)

    assert kinds(found)[0] == kind
    assert message in found.problems[0].what
    assert found.problems[0].at == len(body)
    assert found.transcript.end == "complete"


def test_a_wrapped_end_marker_does_not_end_the_stream():
    found = read(b'data: {"content":"[DONE]"}\n\n')

    assert (found.transcript.end, events(found)) == ("truncated", [("text", "[DONE]")])


def test_bytes_that_are_not_utf8_are_told_with_their_offset():
    found = read(b'data: {"content":"\xc3("}\n\n' + DONE)

    assert [(problem.kind, problem.at) for problem in found.problems] == [("utf8", 18)]


@pytest.mark.parametrize("rest", [b": late\n\n", b"data: x\n\n", DONE, b"x"])
def test_bytes_after_the_end_marker_are_told_and_not_read(rest):
    found = read(DONE + rest)

    assert (kinds(found), events(found)) == (["after-done"], [("done",)])


def test_blank_lines_after_the_end_marker_are_nothing():
    assert read(DONE + b"\n\r\n").problems == ()


def test_an_event_without_its_blank_line_is_told():
    found = read(b"data: [DONE]\n")

    assert (kinds(found), found.transcript.end) == (["unended"], "truncated")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'data: {"error":"no"}\n\n', "no", id="text"),
        pytest.param(b'data: {"error":{"message":"no"}}\n\n', "no", id="object"),
        pytest.param(b"event: error\ndata: no\n\n", "no", id="named, plain"),
        pytest.param(b'event: error\ndata: {"message":"no"}\n\n', "no", id="named, JSON"),
        pytest.param(b'data: {"choices":[],"error":{"message":"no"}}\n\n', "no", id="in a chunk"),
    ],
)
@pytest.mark.parametrize("after", [b"", DONE])
def test_an_error_event_fails_the_stream(body, message, after):
    found = read(body + after, "full")

    assert (found.transcript.end, found.transcript.error.message) == ("error", message)
    assert found.transcript.of("error")[0].get("message") == message


@pytest.mark.parametrize("empty", [b"null", b'""', b"{}"])
def test_an_empty_error_member_is_none(empty):
    assert read(b'data: {"content":"a","error":%s}\n\n' % empty + DONE).transcript.end == "complete"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"busy"}', "busy"),
        (b'{"error":{"message":"busy"}}', "busy"),
        (b"<h1>busy</h1>", "<h1>busy</h1>"),
    ],
)
def test_an_error_status_is_an_error_with_the_text_of_its_body(body, message):
    found = relayed.read(
        response(body, b"HTTP/1.1 502 Bad\r\nContent-Length: %d\r\n\r\n" % len(body))
    )

    told = found.transcript.error
    assert told is not None
    assert (found.transcript.end, told.type, told.message) == ("error", "HTTP 502", message)


@pytest.mark.parametrize(
    ("raw", "hung", "end"),
    [
        pytest.param(b"data: x\n\n", False, "garbage", id="no HTTP"),
        pytest.param(b"", False, "truncated", id="nothing"),
        pytest.param(b"", True, "hang", id="nothing in time"),
        pytest.param(HEAD[:20], False, "truncated", id="half a head"),
        pytest.param(HEAD, True, "hang", id="no end in time"),
        pytest.param(HEAD, False, "truncated", id="no end marker"),
        pytest.param(HEAD[:17] + b"no field\r\n\r\n", False, "garbage", id="no head"),
        pytest.param(HEAD + DONE, True, "complete", id="the end marker, and no end"),
    ],
)
def test_each_way_to_end_has_its_name(raw, hung, end):
    found = relayed.transcript(Response(raw=raw, whole=not hung), hung=hung)

    assert found.end == end
    assert (found.error is None) == (end == "complete")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        pytest.param(b"Content-Length: 99\r\n", DONE, id="short"),
        pytest.param(b"Content-Length: 14\r\n", DONE + b"x", id="long"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n", b"e\r\n" + DONE + b"\r\n", id="no last chunk"
        ),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n", b"e\r\n" + DONE + b"\r\nx\r\n", id="no chunk size"
        ),
    ],
)
def test_a_broken_message_is_told_although_its_stream_is_whole(head, body):
    found = relayed.read(response(body, b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"))

    assert (kinds(found), found.transcript.end) == (["framing"], "complete")


@pytest.mark.parametrize("chunked", [False, True])
def test_an_event_has_the_time_at_which_its_last_byte_came(chunked):
    one, two = b'data: {"content":"a"}\n\n', b'data: {"content":"b"}\n\n'
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        one, two = (b"%x\r\n%s\r\n" % (len(each), each) for each in (one, two))
    else:
        head = HEAD
    raw = head + one + two
    first, half = len(head), len(head + one) + 10
    found = relayed.read(
        Response(raw=raw, whole=not chunked),
        ((0.1, first), (0.2, half), (0.3, len(raw))),
    )

    assert [each.t for each in found.transcript.events] == [0.2, 0.3]


def test_comments_and_line_ends_of_any_kind_are_read():
    assert events(read(b': hi\r\ndata: {"content":"a"}\r\rdata: [DONE]\n\n')) == [
        ("text", "a"),
        ("done",),
    ]
