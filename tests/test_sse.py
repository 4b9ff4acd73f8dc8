"""The SSE reader: WHATWG HTML 9.2.6 as rows, and that cuts do not matter as a law."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats.sse import ServerEvent, SseReader
from tests.shared import SHARED, needs_shared


def read(*chunks: bytes) -> list[ServerEvent]:
    reader = SseReader()
    return [event for chunk in chunks for event in reader.receive(chunk)]


def single(stream: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in stream]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b"data: a\n\n", ["a"], id="lf"),
        pytest.param(b"data: a\r\r", ["a"], id="lone-cr-does-not-wait-for-lf"),
        pytest.param(b"data: a\r\n\r\n", ["a"], id="crlf"),
        pytest.param(b"data: a\r\n\rdata: b\n\r\n", ["a", "b"], id="mixed"),
        pytest.param(b"data: a\n\rdata: b\r\n\n", ["a", "b"], id="lf-then-cr-is-two-line-ends"),
        pytest.param(b"data\n\n", [""], id="field-without-colon-is-empty"),
        pytest.param(b"data:\n\n", [""], id="empty-data-is-an-event"),
        pytest.param(b"data\ndata\n\n", ["\n"], id="two-empty-lines"),
        pytest.param(b"data: a\ndata:b\ndata:  c\n\n", ["a\nb\n c"], id="one-space-goes"),
        pytest.param(b"data:\ta\n\n", ["\ta"], id="tab-stays"),
        pytest.param(b"data: a \n\n", ["a "], id="trailing-space-stays"),
        pytest.param(b"data : a\n\n", [], id="space-before-colon-is-another-name"),
        pytest.param(b" data: a\n\n", [], id="leading-space-is-another-name"),
        pytest.param(b"Data: a\n\n", [], id="names-are-case-sensitive"),
        pytest.param(b"data: a:b: c\n\n", ["a:b: c"], id="first-colon-counts"),
        pytest.param(b": hi\ndata: a\n: hi\n\n", ["a"], id="comments-change-nothing"),
        pytest.param(b"foo: x\ndata: a\nbar\n\n", ["a"], id="unknown-fields"),
        pytest.param(b"id: 7\n\n\n", [], id="no-data-no-event"),
        pytest.param(b"\n\ndata: a\n\n\n\n", ["a"], id="superfluous-blank-lines"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", ["a"], id="one-bom-is-dropped"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [], id="two-boms-are-not"),
        pytest.param(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"], id="bom-only-at-the-start"),
        pytest.param(b"data: \xef\xbb\xbfa\n\n", ["\ufeffa"], id="bom-in-data-stays"),
        pytest.param(b"data: \xff\n\n", ["\ufffd"], id="bad-utf8-is-replaced"),
        pytest.param(b"data: \xf0\x9f\ndata: \x98\x80\n\n", ["\ufffd\n\ufffd\ufffd"], id="split"),
        pytest.param(b"data: a\0b\n\n", ["a\0b"], id="nul-in-data-stays"),
        pytest.param(b"data: a\n", [], id="unfinished-event-is-discarded"),
        pytest.param(b"data: a\n\ndata: b", ["a"], id="unfinished-line-is-discarded"),
        pytest.param(b"data: [DONE]\n\ndata: a\n\n", ["[DONE]", "a"], id="done-is-data"),
    ],
)
def test_grammar(stream: bytes, data: list[str]) -> None:
    """Each rule of the grammar, whole and byte by byte."""

    assert [event.data for event in read(stream)] == data
    assert read(*single(stream)) == read(stream)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\n", [("message", "", None)], id="defaults"),
        pytest.param(
            b"event: x\ndata\n\ndata\n\n", [("x", "", None), ("message", "", None)], id="type"
        ),
        pytest.param(b"event: x\nevent\ndata\n\n", [("message", "", None)], id="empty-type"),
        pytest.param(b"event: x\n\ndata\n\n", [("message", "", None)], id="type-without-data"),
        pytest.param(b"event:x\xff\ndata\n\n", [("x\ufffd", "", None)], id="type-is-decoded"),
        pytest.param(b"id: 1\ndata\n\ndata\n\n", [("message", "1", None)] * 2, id="id-stays"),
        pytest.param(
            b"id: 1\ndata\n\nid\ndata\n\n",
            [("message", "1", None), ("message", "", None)],
            id="empty-id",
        ),
        pytest.param(b"id: 1\nid: a\0b\ndata\n\n", [("message", "1", None)], id="id-with-nul"),
        pytest.param(b"id: \xc3\xa9\ndata\n\n", [("message", "é", None)], id="id-is-decoded"),
        pytest.param(
            b"retry: 10\ndata\n\ndata\n\n", [("message", "", 10), ("message", "", None)], id="retry"
        ),
        pytest.param(b"retry: 1\nretry: x\ndata\n\n", [("message", "", 1)], id="bad-retry"),
        pytest.param(b"retry\ndata\n\n", [("message", "", None)], id="empty-retry"),
        pytest.param(
            "retry: ١٢\ndata\n\n".encode(), [("message", "", None)], id="ascii-digits-only"
        ),
        pytest.param(b"retry: +1_0\ndata\n\n", [("message", "", None)], id="not-python-digits"),
        pytest.param(b"retry: 007\ndata\n\n", [("message", "", 7)], id="leading-zeros"),
        pytest.param(
            b"retry: " + b"9" * 5000 + b"\ndata\n\n", [("message", "", None)], id="huge-retry"
        ),
        pytest.param(b"retry: 5\n\ndata\n\n", [("message", "", None)], id="retry-of-another-block"),
    ],
)
def test_fields_beside_data(stream: bytes, events: list[tuple[str, str, int | None]]) -> None:
    """Type, last event ID and reconnection time."""

    assert [(event.event, event.id, event.retry) for event in read(stream)] == events
    assert read(*single(stream)) == read(stream)


def test_a_blank_line_commits_the_id_and_the_retry_stays() -> None:
    """The last event ID is set by a blank line only, the reconnection time at once."""
    reader = SseReader()
    reader.receive(b"id: 9\nretry: 3\n")
    before = (reader.last_id, reader.retry)
    reader.receive(b"\n")

    assert (before, reader.last_id, reader.retry) == (("", 3), "9", 3)


def test_a_lone_cr_ends_its_line_at_once() -> None:
    """An event is not held back until the byte after CR arrives."""
    reader = SseReader()

    assert [event.data for event in reader.receive(b"data: a\r\r")] == ["a"]
    assert reader.receive(b"\n") == []
    assert [event.data for event in reader.receive(b"data: b\r\n\r")] == ["b"]


@pytest.mark.parametrize(
    ("stream", "pending"),
    [
        (b"data: a\n\n", []),
        (b"data: a\ndata: b", [b"a", b"b"]),
        (b"data: a\n: x", [b"a"]),
        (b"\xef\xbb", []),
        (b"data: [DONE]\n", [b"[DONE]"]),
    ],
)
def test_what_would_be_discarded_is_told(stream: bytes, pending: list[bytes]) -> None:
    """``pending`` holds the data lines of the unfinished event."""
    reader = SseReader()
    reader.receive(stream)

    assert reader.pending == pending


# Whole events are among the pieces on purpose: with single characters only, one stream
# in a hundred holds an event and the law below is nearly empty.
PIECES = st.sampled_from(
    [
        *[b"data: a\n\n", b"data: \xc3\xa9\r\r", b"id: 1\r\n", b"event: x\ndata: y\r\n\r\n"],
        *[b"data:", b"data: b\n", b"retry: 5\r", b": c\n", b"\xef\xbb\xbf", b"x"],
        *[b"\r", b"\n", b"\xc3", b"\xa9", b"\xf0\x9f", b"\x98\x80", b" ", b":", b"\0"],
    ]
)


def by_the_book(stream: bytes) -> list[ServerEvent]:
    """The algorithm of the standard, sentence by sentence: decode, split, interpret."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _ = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    out: list[ServerEvent] = []
    data = kind = last_id = ""
    retry: int | None = None
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                out.append(ServerEvent(kind or "message", data.removesuffix("\n"), last_id, retry))
            data, kind, retry = "", "", None
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return out


@given(st.lists(PIECES, max_size=30))
def test_cuts_do_not_matter(chunks: list[bytes]) -> None:
    """Fed whole, in pieces or byte by byte, a stream means what the standard says."""
    stream = b"".join(chunks)

    assert read(stream) == by_the_book(stream)
    assert read(*chunks) == read(stream)
    assert read(*single(stream)) == read(stream)


@given(st.binary(max_size=60), st.data())
def test_any_bytes_at_any_cut(stream: bytes, data: st.DataObject) -> None:
    """The reader is total, and one cut anywhere changes nothing."""
    at = data.draw(st.integers(0, len(stream)))

    assert read(stream[:at], b"", stream[at:]) == by_the_book(stream)


def test_the_law_is_not_empty() -> None:
    """At least every third stream of the law holds an event."""
    held: list[bool] = []

    @given(st.lists(PIECES, max_size=30))
    def count(chunks: list[bytes]) -> None:
        held.append(bool(read(*chunks)))

    count()

    assert sum(held) >= len(held) / 3


@needs_shared
def test_vectors_at_every_cut() -> None:
    """Every vector, whole and at every single cut, to the last event ID."""
    vectors = json.loads((SHARED / "vectors" / "vectors.json").read_text())["sse"]
    for vector in vectors:
        stream = b"".join(map(bytes.fromhex, vector["chunks"]))
        for at in range(len(stream) + 1):
            reader = SseReader()
            events = [*reader.receive(stream[:at]), *reader.receive(stream[at:])]

            seen = [{"type": e.event, "data": e.data, "id": e.id} for e in events]
            assert seen == vector["events"], vector["id"]
            assert reader.last_id == vector.get("last_event_id", reader.last_id)
    assert len(vectors) >= 20


@pytest.mark.slow
def test_time_is_linear_in_a_huge_line() -> None:
    """A line in pieces of one byte: four times the bytes take at most nine times the time."""

    def seconds(size: int) -> float:
        chunks = single(b"data: " + b"x" * size + b"\n\n")
        start = time.process_time()
        read(*chunks)
        return time.process_time() - start

    seconds(1000)
    small = min(seconds(100_000) for _ in range(3))

    assert min(seconds(400_000) for _ in range(3)) <= 9 * small


@pytest.mark.parametrize(
    ("stream", "unended"),
    [
        (b"", False),
        (b"\xef\xbb\xbf", False),
        (b"\n", False),
        (b": a\n\n", False),
        (b"data: a\r\n\r\n", False),
        (b"data: a\r\r", False),
        (b"data: a\n\n\n", False),
        (b"d", True),
        (b"\xef\xbb\xbfd", True),
        (b"data: a\n", True),
        (b"data: a\r\n", True),
        (b"data: a\n\n: b\n", True),
        (b"data: a\n\nid", True),
    ],
)
def test_a_stream_is_whole_events(stream: bytes, unended: bool) -> None:
    """WHATWG HTML 9.2.5: ``stream = [ bom ] *event``, each event with its end-of-line."""
    for chunks in ([stream], single(stream)):
        reader = SseReader()
        for chunk in chunks:
            reader.receive(chunk)

        assert reader.unended is unended
