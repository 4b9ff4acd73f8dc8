"""Compressed bodies: what the sender flushed is found again, and damage is told."""

import gzip
import zlib
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats import gzip_spans
from replayfuzz.formats.gzip_spans import inflate

EVENTS = [
    b'data: {"text":"Gr\xc3\xbc\xc3\x9fe"}\n\n',
    b"data: \xf0\x9f\x91\x8b\n\n",
    b"data: [DONE]\n\n",
]


def flushed(pieces, wbits=31, mode=zlib.Z_SYNC_FLUSH, level=6):
    press = zlib.compressobj(level, zlib.DEFLATED, wbits)
    return b"".join([*(press.compress(one) + press.flush(mode) for one in pieces), press.flush()])


def edges(pieces):
    *inside, _ = accumulate(map(len, pieces))
    return tuple(inside)


@pytest.mark.parametrize("wbits", [31, 15, -15])
@pytest.mark.parametrize("mode", [zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_each_flush_is_a_boundary(wbits, mode, level):
    found = inflate(flushed(EVENTS, wbits, mode, level), "gzip" if wbits == 31 else "deflate")

    body = b"".join(EVENTS)
    assert found == gzip_spans.Inflated(body, edges(EVENTS), flushed=len(body))


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_flushes_of_any_pieces_are_found(pieces):
    found = inflate(flushed(pieces))
    inside = {at for at in accumulate(map(len, pieces)) if 0 < at < len(found.body)}

    assert (found.body, set(found.flushes), found.fault) == (b"".join(pieces), inside, "")


@given(st.binary(max_size=400), st.integers(0, 9))
def test_what_is_not_flushed_has_no_boundary(data, level):
    """Also where the four bytes stand in the data itself, which level 0 stores as it is."""
    data = data[:200] + b"\0\0\xff\xff" + data[200:] + b"\x01\0\0\xff\xff" + data
    assert inflate(gzip.compress(data, level, mtime=0)) == gzip_spans.Inflated(
        data, (), flushed=len(data)
    )


def test_members_one_after_the_other_are_one_body_with_boundaries():
    body = b"".join(EVENTS)
    assert inflate(b"".join(map(gzip.compress, EVENTS))) == gzip_spans.Inflated(
        body, edges(EVENTS), flushed=len(body)
    )


def test_names_and_comments_in_the_header_are_passed_over():
    whole = gzip.compress(b"data", mtime=0)
    header = whole[:3] + bytes([4 | 8 | 16]) + whole[4:10] + b"\x03\0abcname\0comment\0"

    assert inflate(header + whole[10:]).body == b"data"


def test_every_truncation_is_told():
    whole = flushed(EVENTS)
    for size in range(len(whole)):
        found = inflate(whole[:size])

        assert found.fault
        assert b"".join(EVENTS).startswith(found.body)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"no gzip at all", "no gzip"),
        (gzip.compress(b"x" * 99, mtime=0)[:-8] + b"\0" * 8, "check sum"),
        (b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff\xff", "damaged"),
        (gzip.compress(b"x", mtime=0) + b"trash that is no member", "no gzip"),
    ],
)
def test_damage_is_told(data, fault):
    assert fault in inflate(data).fault


def test_trash_after_deflate_is_told():
    assert inflate(zlib.compress(b"x") + b"more", "deflate").fault


def test_a_bomb_stops_at_the_limit(monkeypatch):
    monkeypatch.setattr(gzip_spans, "MOST", 10_000)

    found = inflate(gzip.compress(b"\0" * 5_000_000, mtime=0))

    assert "more than" in found.fault
    assert len(found.body) <= 10_001


def test_flushes_beyond_the_limit_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(gzip_spans, "MOST_FLUSHES", 5)

    found = inflate(flushed([b"a"] * 50))

    assert (found.body, found.flushes) == (b"a" * 50, (1, 2, 3, 4, 5))


@pytest.mark.parametrize("size", range(0, len(flushed(EVENTS)), 7))
def test_a_body_that_was_cut_holds_what_was_flushed(size):
    """So much a reader can give out, whatever comes after; more of it may be there."""
    whole = b"".join(EVENTS)
    found = inflate(flushed(EVENTS)[:size])
    came = [n for n in range(len(EVENTS) + 1) if n and len(flushed(EVENTS[:n])) - 10 <= size]

    assert found.cut
    assert found.flushed == len(b"".join(EVENTS[: max(came, default=0)]))
    assert whole.startswith(found.body)
    assert len(found.body) >= found.flushed
