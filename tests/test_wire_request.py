"""Requests are read whole and raw, however they arrive."""

import pytest

from replayfuzz.wire.request import MAX_BODY, MAX_HEAD, RequestError, RequestReader, accepts

PLAIN = b"POST /t/1/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
NO_BODY = b"GET /t/2 HTTP/1.1\r\nHost: x\r\n\r\n"
CODED = (
    b"POST /t/3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
)
EMPTY_LINE = b"\r\n" + NO_BODY


def read(*chunks):
    reader, found = RequestReader(), []
    for chunk in chunks:
        reader.receive(chunk)
        while request := reader.next():
            found.append(request)
    assert not reader.pending
    return found


@pytest.mark.parametrize("raw", [PLAIN, NO_BODY, CODED], ids=["length", "none", "chunked"])
def test_one_request(raw):
    (request,) = read(raw)

    assert request.raw == raw
    assert [request.method, request.target] == raw.decode().split()[:2]
    assert request.keep


def test_cuts_do_not_matter_and_pipelined_requests_are_told_apart():
    stream = PLAIN + CODED + EMPTY_LINE + CODED + PLAIN
    whole = read(stream)

    assert [request.raw for request in whole] == [PLAIN, CODED, NO_BODY, CODED, PLAIN]
    assert read(*(bytes([byte]) for byte in stream)) == whole
    for at in range(len(stream)):
        assert read(stream[:at], stream[at:]) == whole


@pytest.mark.parametrize(
    ("version", "field", "keep"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.1", "connection: x, Close\r\n", False),
        ("1.1", "Connection: keep-alive\r\n", True),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
    ],
)
def test_whether_the_client_keeps_the_connection(version, field, keep):
    (request,) = read(f"GET / HTTP/{version}\r\n{field}Host: x\r\n\r\n".encode())

    assert request.keep is keep


def test_a_client_that_waits_for_continue_is_told_once():
    reader = RequestReader()
    reader.receive(PLAIN[:-7].replace(b"Host", b"Expect: 100-continue\r\nHost") + b"\r\n\r\n")

    assert reader.next() is None
    assert (reader.take_continue(), reader.take_continue()) == (True, False)
    reader.receive(b"abc")
    assert reader.next() is not None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\r\n\r\n", id="tls"),
        pytest.param(b"GET /\r\n\r\n", id="http-0.9"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\n", id="h2"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD, id="endless-head"),
        pytest.param(
            b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), id="huge-body"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two-lengths"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            id="bad-chunk",
        ),
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(RequestError):
        read(data)


@pytest.mark.parametrize(
    ("fields", "gzip"),
    [
        ("", True),
        ("Accept-Encoding: gzip, deflate\r\n", True),
        ("accept-encoding:br\r\nACCEPT-ENCODING: x-gzip;q=0.5\r\n", True),
        ("Accept-Encoding: *\r\n", True),
        ("Accept-Encoding:\r\n", False),
        ("Accept-Encoding: identity\r\n", False),
        ("Accept-Encoding: gzip;q=0, *\r\n", False),
        ("Accept-Encoding: gzip ; q=0.000\r\n", False),
        ("Accept-Encoding: *;q=0\r\n", False),
        ("Accept-Encoding: gzip;q=0.001\r\n", True),
    ],
)
def test_a_request_says_which_codings_its_client_takes(fields, gzip):
    """RFC 9110 section 12.5.3; what stands in the body is no field."""
    request = f"GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\nAccept-Encoding: gzip\r\n".encode()

    assert accepts(request, "gzip") is gzip
    assert accepts(request, "X-GZIP") is gzip
