"""Compressed recordings: kept and replayed as they came, and the oracle reads their content."""

import dataclasses
import gzip
import socket
import zlib

import httpx
import pytest

from replayfuzz import lint, store, wire
from replayfuzz.cassette import Cassette, Exchange, Request, dump, parse
from replayfuzz.dialects import expected
from replayfuzz.errors import UsageError
from replayfuzz.formats.spans import events
from replayfuzz.plan import Cut, End, Head, Plan, Slice, Splice
from replayfuzz.report.meaning import meaning
from replayfuzz.report.show import show
from replayfuzz.serve import ReplayServer
from replayfuzz.strategies import schedule
from tests.recorders import asking, post, read_http1, request_of, upstream

(PLAIN,) = (one for one in store.shipped() if one.name == "openai.chat/plain")
RECORDS = [PLAIN.body[one.start : one.end] for one in events(PLAIN.body, "sse")]


def squeezed(records: list[bytes], mode: int = zlib.Z_SYNC_FLUSH) -> list[bytes]:
    """The pieces of a gzip body: each record flushed, and the end."""
    press = zlib.compressobj(wbits=31)
    return [*(press.compress(one) + press.flush(mode) for one in records), press.flush()]


PLAN = Plan()
PIECES = squeezed(RECORDS)
CODED = dataclasses.replace(
    PLAIN,
    fields=(*PLAIN.fields, ("Content-Encoding", "gzip")),
    body=b"".join(PIECES),
    chunks=tuple((0.0, len(piece)) for piece in PIECES),
    origin=(("kind", "recorded"),),
)


def outcomes(plan: Plan = PLAN, exchange: Exchange = CODED):
    return expected(exchange, plan)


def test_its_content_is_read_as_if_it_were_plain() -> None:
    (told,) = outcomes()
    (plain,) = expected(PLAIN, Plan())

    assert told.events == plain.events
    assert (told.end, told.strict) == ("complete", True)


def test_cuts_of_the_compressed_bytes_do_not_matter() -> None:
    assert outcomes(Plan((Slice(0, 1),))) == outcomes()
    assert all(outcomes(Plan((Cut(at),))) == outcomes() for at in range(0, len(CODED.body), 9))


@pytest.mark.parametrize("at", range(0, len(CODED.body), 13))
def test_where_the_bytes_stop_a_reader_has_what_was_flushed(at: int) -> None:
    """More of it may have been decoded; never is it the whole stream."""
    found = outcomes(Plan((End(at, "reset"),)))
    certain = [size for size in _ends() if size <= at]
    records = RECORDS[: len(certain)]
    least = expected(dataclasses.replace(PLAIN, body=b"".join(records)), Plan())[0]

    assert least.events in [one.events for one in found] or found[0].terminal
    assert all(one.strict for one in found)
    assert "complete" not in {one.end for one in found if not one.terminal}


def _ends() -> list[int]:
    sizes = list(map(len, PIECES[:-1]))
    return [sum(sizes[: number + 1]) for number in range(len(sizes))]


def test_a_coding_that_stops_early_in_a_whole_message_is_either() -> None:
    """The message is complete, its data is damaged: a reader may go by either."""
    short = dataclasses.replace(CODED, body=b"".join(PIECES[:-1]), chunks=())
    found = outcomes(exchange=short)

    assert [one.end for one in found] == ["complete", "complete", "truncated"]
    assert [one.message_end for one in found] == ["complete", "incomplete", "incomplete"]


def test_of_damaged_data_nobody_is_accused() -> None:
    broken = Plan((Splice(len(PIECES[0]) + 2, 3, b"\xff\xff\xff"),))

    assert not any(one.strict for one in outcomes(broken))


def test_a_coding_that_we_cannot_decode_is_told() -> None:
    brotli = dataclasses.replace(CODED, fields=(("Content-Encoding", "br"),))

    with pytest.raises(UsageError, match="'br', which cannot be decoded"):
        outcomes(exchange=brotli)


def test_plans_leave_its_bytes_as_they_came() -> None:
    plans = list(schedule(CODED))

    assert len(plans) > 100
    assert not any(plan.head.coding for plan in plans)
    assert not any(isinstance(edit, Splice) for plan in plans for edit in plan.edits)
    assert any(isinstance(edit, End) for plan in plans for edit in plan.edits)


def test_it_is_shown_and_linted_by_its_content() -> None:
    text = show(CODED)

    assert meaning(CODED)["text"] == meaning(PLAIN)["text"]
    assert f"gzip, {len(PLAIN.body):,} bytes of content" in text
    assert "[DONE]" in text
    assert not [one for one in lint.lint(CODED, lint.keys([PLAIN])) if one.level == "fault"]


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("recorded", b"\x1f\x8b\x08", "gzip"),
        ("imported", gzip.compress(b"", mtime=0), "gzip"),
        ("imported", b"data: {}", ""),  # the tool decoded it, and left the field as it was
        ("recorded", b"", ""),
    ],
)
def test_what_coding_a_body_is_in(kind: str, body: bytes, told: str) -> None:
    exchange = Exchange(
        "x", "sse", fields=(("content-encoding", "GZip"),), body=body, origin=(("kind", kind),)
    )

    assert exchange.coding == told
    assert (("content-encoding", "GZip") in wire.response_fields(exchange, Head())) is (
        kind == "recorded" or bool(told)
    )


def test_a_plain_vcr_file_keeps_its_gzip() -> None:
    """VCR.py stores bodies as they came unless it is told to decode them."""
    plain = dataclasses.replace(
        CODED, request=Request("POST", "https://api.openai.com/v1/chat/completions"), origin=()
    )
    text = dump(Cassette("x", (dataclasses.replace(plain, origin=(("kind", "imported"),)),)))
    bare = text.partition("  stream:")[0] + "version: 1\n"
    (read,) = parse(bare, file="x.yaml").exchanges

    assert (read.coding, read.dialect) == ("gzip", "openai.chat")
    assert outcomes(exchange=read)[0].events == outcomes()[0].events


def test_from_the_wire_to_the_wire(tmp_path) -> None:
    """Recorded through the proxy, replayed byte for byte, and read by a client that decodes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"

    def talk(sock):
        request_of(sock)
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES)
        sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n")

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        post(sock)
        assert read_http1(sock)[1] == PIECES
    (kept,) = running.kept()
    assert (kept.dialect, kept.coding, kept.body) == ("openai.chat", "gzip", CODED.body)
    with ReplayServer() as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=20) as sock:
            server.offer(wire.render(kept, Plan()))
            post(sock)
            assert read_http1(sock)[1] == PIECES
        ticket = server.offer(wire.render(kept, Plan()))
        text = httpx.post(ticket.url, json={}, timeout=20, trust_env=False).content
    assert text == PLAIN.body
    assert outcomes(exchange=kept)[0].events == outcomes()[0].events
