"""Responses read as RFC 9112 has them: framing, what a recipient may forgive, and what it may not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats.response import ResponseReader

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*pieces, ended=True):
    reader = ResponseReader()
    content = b"".join(reader.receive(piece) for piece in pieces)
    if ended:
        reader.end()
    assert content == reader.body
    return reader


def told(reader):
    return (reader.status, reader.fields, reader.body, reader.whole, reader.fault, reader.beyond)


WHOLE = {
    "close-delimited": (HEAD + b"\r\nabc", b"abc"),
    "no content at all": (HEAD + b"\r\n", b""),
    "length": (HEAD + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    "length of nothing": (HEAD + b"Content-Length: 0\r\n\r\n", b""),
    "the same length twice": (HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "the same length in a list": (HEAD + b"Content-Length: 3, 3\r\n\r\nabc", b"abc"),
    "chunked": (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "chunk extensions and trailers": (
        CHUNKED + b"0003;a=b\r\nabc\r\nA ; x\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
        b"abc0123456789",
    ),
    "chunked wins over a length": (
        HEAD + b"Content-Length: 9\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"a",
    ),
    "another coding ends by close": (HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc", b"abc"),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 1\n\na", b"a"),
    "bare line feeds in chunks": (
        b"HTTP/1.1 200\nTransfer-Encoding: chunked\n\n1\na\n0\n\n",
        b"a",
    ),
    "no reason phrase": (b"HTTP/1.0 200 \r\n\r\nabc", b"abc"),
    "informational ones before it": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + HEAD
        + b"\r\na",
        b"a",
    ),
}


@pytest.mark.parametrize(("raw", "body"), WHOLE.values(), ids=WHOLE)
def test_a_whole_response_is_read(raw, body):
    reader = read(raw)

    assert (reader.status, reader.body, reader.whole, reader.fault) == (200, body, True, "")


@pytest.mark.parametrize("raw", [raw for raw, _ in WHOLE.values()], ids=WHOLE)
def test_where_the_bytes_are_cut_does_not_matter(raw):
    bytewise = read(*(raw[at : at + 1] for at in range(len(raw))))

    assert told(bytewise) == told(read(raw))
    for at in range(len(raw)):
        assert told(read(raw[:at], raw[at:])) == told(read(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 2",
        HEAD + b"A: b\r\n",
        HEAD + b"Content-Length: 3\r\n\r\nab",
        CHUNKED + b"3\r\nab",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"3\r\nabc\r\n0\r\n",
    ],
)
def test_a_response_that_stops_early_is_not_whole(raw):
    reader = read(raw)

    assert (reader.whole, reader.fault) == (False, "")


FAULTS = {
    "no HTTP": (b"event: x\r\n\r\n", "no status line of HTTP/1.1: 'event: "),
    "HTTP/2": (b"HTTP/2 200\r\n\r\n", "no status line"),
    "an odd status": (b"HTTP/1.1 20 OK\r\n\r\n", "no status line"),
    "no colon": (HEAD + b"Content-Type\r\n\r\n", "no header field: 'Content-Type'"),
    "no name": (HEAD + b": x\r\n\r\n", "no header field"),
    "a name that is no token": (HEAD + b"a b: x\r\n\r\n", "no header field"),
    "folding of nothing": (HEAD + b" x\r\n\r\n", "no header field"),
    "two lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "no single number"),
    "no length": (HEAD + b"Content-Length: +3\r\n\r\n", "no single number"),
    "no chunk size": (CHUNKED + b"x\r\n", "no size of a chunk: 'x'"),
    "a chunk that is too long": (CHUNKED + b"1\r\nab\r\n", "longer than its size says: 'b'"),
    "a head without end": (HEAD + b"A: " + b"x" * (1 << 20), "a head of more than 1 MiB"),
    "a line without end": (CHUNKED + b"0" * (2 << 20), "a head of more than 1 MiB"),
}


@pytest.mark.parametrize(("raw", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_no_response_is_a_fault(raw, message):
    assert message in read(raw).fault


def test_what_is_no_http_is_told_before_its_line_ends():
    assert read(b"data: x", ended=False).fault


def test_names_and_values_are_kept_as_they_came():
    raw = HEAD + b"X-A:  b c \t\r\nx-a : d\r\n  e\r\nE:\r\nL: \xe9\r\n\r\n"

    fields = (("X-A", "b c"), ("x-a", "d e"), ("E", ""), ("L", "\xe9"))
    assert read(raw).fields == fields


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_some_statuses_have_no_content(status):
    reader = read(b"HTTP/1.1 %s x\r\nContent-Length: 3\r\n\r\nabc" % status)

    assert (reader.body, reader.whole, reader.beyond) == (b"", True, 3)


def test_bytes_after_the_end_are_counted():
    assert read(CHUNKED + b"0\r\n\r\nab", b"c").beyond == 3


def test_fields_of_an_informational_response_are_dropped():
    assert read(b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n" + HEAD + b"A: b\r\n\r\n").fields == (
        ("A", "b"),
    )


@given(st.binary(max_size=60), st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_any_content_survives_any_chunking(content, sizes):
    body, at = b"", 0
    while at < len(content):
        piece = content[at : at + sizes[at % len(sizes)]]
        body += b"%x\r\n%s\r\n" % (len(piece), piece)
        at += len(piece)

    assert read(CHUNKED + body + b"0\r\n\r\n").body == content


@pytest.mark.parametrize("head", [b"", HEAD + b"\r\n", CHUNKED, HEAD + b"A: "])
@given(st.lists(st.binary(max_size=12), max_size=8))
def test_anything_can_be_fed_in_any_pieces(head, pieces):
    piecewise, whole = read(head, *pieces), read(b"".join([head, *pieces]))

    assert (piecewise.body, piecewise.whole) == (whole.body, whole.whole)
    assert bool(piecewise.fault) is bool(whole.fault)


def test_time_is_linear_in_the_bytes():
    """Byte by byte, ten times as much takes about ten times as long: far from a hundred."""

    def seconds(count):
        reader = ResponseReader()
        reader.receive(HEAD + b"A: ")
        began = time.process_time()
        for _ in range(count):
            reader.receive(b"x")
        return time.process_time() - began

    seconds(1000)
    assert seconds(20_000) < 40 * max(seconds(2000), 0.0005)
