"""A response in parts: chunks keep their boundaries, however the bytes come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats.chunks import ChunkReader, Head, Over, Piece

CHUNKED = (
    b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
    b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n"
    b"3\r\nabc\r\n2;x=1\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"
)
BODY = CHUNKED[CHUNKED.index(b"3\r\nabc") :]


def parts(data, cuts=(), **options):
    """The parts with pieces of one chunk joined, and the bytes after the head."""
    reader, found, wire = ChunkReader(**options), [], b""
    edges = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        found += reader.parts(data[start:end])
        wire += reader.wire
    found += reader.close()
    joined: list[object] = []
    for part in found:
        last = joined[-1] if joined else None
        if isinstance(part, Piece) and isinstance(last, Piece) and not last.ends:
            joined[-1] = Piece(last.data + part.data, part.ends)
        else:
            joined.append(part)
    return joined, wire, reader


@given(st.sets(st.integers(0, len(CHUNKED))))
def test_the_parts_do_not_depend_on_the_reads(cuts):
    found, wire, _ = parts(CHUNKED, cuts)
    fields = (("Transfer-Encoding", "chunked"), ("X", "1"))
    assert found == [
        Head(200, "Fine", fields, "chunked"),
        Piece(b"abc"),
        Piece(b"de"),
        Over((("X-Sum", "5"),)),
    ]
    assert wire == BODY


@pytest.mark.parametrize(
    ("head", "framing", "whole"),
    [
        (b"Content-Length: 5\r\n", "content-length", True),
        (b"Content-Length: 6\r\n", "content-length", False),
        (b"", "close", True),
    ],
)
def test_a_body_without_chunks_has_one_piece_for_each_read(head, framing, whole):
    data = b"HTTP/1.1 200 OK\r\n" + head + b"\r\nabcde"
    found, wire, reader = parts(data, [len(data) - 2])
    assert isinstance(found[0], Head)
    assert found[0].framing == framing
    assert found[1:3] == [Piece(b"abc"), Piece(b"de")]
    assert (found[-1] == Over(), reader.length_told, wire) == (whole, not whole, b"abcde")


def test_bytes_beyond_the_message_are_not_of_it():
    found, wire, _ = parts(CHUNKED + b"HTTP/1.1 200", [len(CHUNKED) - 1])
    assert found[-1] == Over((("X-Sum", "5"),))
    assert wire == BODY


def test_the_answer_to_head_has_no_content():
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert parts(data, bodiless=True)[0][1:] == [Over()]


def test_a_fault_comes_after_the_parts_before_it():
    found, _, reader = parts(CHUNKED.replace(b"2;x=1", b"zz"))
    assert found[1:] == [Piece(b"abc")]
    assert "no size of a chunk" in reader.fault
