"""Readers that deviate: right without a deviation, and each tells itself from the others."""

from itertools import combinations
from random import Random

import pytest

from replayfuzz.formats.sse import SseReader
from replayfuzz.formats.sse_deviant import deviant
from replayfuzz.formats.sse_deviations import DEVIATIONS

TOKENS = (
    b"data", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"id", b"event", b"retry", b"9", b"a",
    "é".encode(), b"\xef\xbb\xbf", "\u2028".encode(), b"\0", b"\x0b", b"data: x\n", b"\xff",
)  # fmt: skip
BY_READS = {"decoded-apart", "crlf-parted"}


def right(pieces):
    reader = SseReader()
    return tuple(event for piece in pieces for event in reader.receive(piece))


def one(body, *names):
    return [tuple(event)[:3] for event in deviant([body], frozenset(names))]


def test_without_a_deviation_it_reads_as_our_reader_does():
    random = Random(1)
    for _ in range(5000):
        pieces = [
            b"".join(random.choice(TOKENS) for _ in range(random.randrange(8)))
            for _ in range(random.randrange(4))
        ]
        assert deviant(pieces, frozenset()) == right(pieces)


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_deviation_reads_each_stream_of_its_own_otherwise(name):
    assert DEVIATIONS[name].shows or name in BY_READS
    for body in DEVIATIONS[name].shows:
        assert deviant([body], frozenset({name})) != right([body])


def test_no_two_deviations_look_alike_on_their_streams():
    for pair in combinations(sorted(DEVIATIONS.keys() - BY_READS), 2):
        bodies = [body for name in pair for body in DEVIATIONS[name].shows]
        first, second = ([deviant([body], frozenset({one})) for body in bodies] for one in pair)
        assert first != second, pair


@pytest.mark.parametrize(
    ("name", "body", "events"),
    [
        ("bom-kept", b"\xef\xbb\xbfdata: a\n\n", []),
        ("no-cr", b"data: a\rdata: b\r\n\r\n", [("message", "a\rdata: b", "")]),
        ("unicode-ends", "data: a\u2028data: b\n\n".encode(), [("message", "a\nb", "")]),
        ("blank-alike", b"data: a\n\r\ndata: b\n\n", [("message", "a\nb", "")]),
        ("blank-by-lf", b"data: a\r\rdata: b\n\n", [("message", "a\nb", "")]),
        ("last-cr", b"data: a\n\ndata: b\r\r", [("message", "a", "")]),
        ("unfinished", b"data: a", [("message", "a", "")]),
        ("unended-line", b"data: a\n\ndata: b\n", [("message", "a", ""), ("message", "b", "")]),
        ("every-block", b"", [("message", "", "")]),
        ("space-needed", b"data:a\ndata: b\n\n", [("message", "b", "")]),
        ("spaces-left-js", "data: \ufeff\u2003a\n\n".encode(), [("message", "a", "")]),
        ("empty-id", b"id: 1\ndata: a\n\nid\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
        ("type-kept", b"event: e\ndata: a\n\ndata: b\n\n", [("e", "a", ""), ("e", "b", "")]),
        ("empty-first", b"data\ndata\ndata: a\ndata\n\n", [("message", "a\n", "")]),
        ("feeds-lost", b"data: a\ndata\ndata\n\n", [("message", "a", "")]),
        ("no-data", b"event\n\nid: 1\n\n", [("message", "", "1")]),
        ("no-data-lines", b":\n\nx\n\n", [("message", "", "")]),
        ("after-id", b"\nid: 1\n\n\n", [("message", "", "1")] * 2),
        ("blank", b"\n:\n\n", [("message", "", "")] * 2),
    ],
)  # fmt: skip
def test_what_readers_with_one_deviation_report(name, body, events):
    assert one(body, name) == events


def test_what_depends_on_reads():
    pieces = [b"data: \xc3", b"\xa9\r", b"\ndata: b\n\n"]

    assert [event.data for event in deviant(pieces, frozenset())] == ["é\nb"]
    assert [event.data for event in deviant(pieces, frozenset({"decoded-apart"}))] == [
        "\ufffd\ufffd\nb"
    ]
    assert [event.data for event in deviant(pieces, frozenset({"crlf-parted"}))] == ["é", "b"]


def test_deviations_come_together():
    assert one(b"\xef\xbb\xbfx\n\n", "bom-kept", "no-data-lines") == [("message", "", "")]
