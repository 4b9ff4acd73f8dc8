"""The AWS event stream: what is written is read, in whatever pieces, and damage is told."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats.aws_event_stream import (
    AROUND,
    KINDS,
    MOST_HEADERS,
    MOST_PAYLOAD,
    EventStreamReader,
    Header,
    Message,
    build,
    event,
    joined,
    parse,
    spans,
)
from replayfuzz.formats.spans import events

VALUES = {
    "true": st.just(True),
    "false": st.just(False),
    "byte": st.integers(-(2**7), 2**7 - 1),
    "short": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "bytes": st.binary(max_size=40),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    "timestamp": st.integers(-(2**63), 2**63 - 1),
    "uuid": st.binary(min_size=16, max_size=16),
}
NAMES = st.text("abc:-é", min_size=1, max_size=9)
HEADERS = st.one_of(
    *(st.builds(Header, NAMES, st.just(kind), value) for kind, value in VALUES.items())
)
MESSAGES = st.builds(
    Message,
    st.lists(HEADERS, max_size=5, unique_by=lambda header: header.name).map(tuple),
    st.binary(max_size=60),
)
FEW = [
    Message((Header(":event-type", "string", "a"), Header("n", "short", 7)), b'{"a":1}'),
    Message((), b""),
    Message((), b"\x00" * 20),
]


def read(*pieces):
    reader = EventStreamReader()
    found = [message for piece in pieces for message in reader.receive(piece)]
    return found, reader.fault, reader.pending


def raw(block, payload=b"", **lengths):
    """A message of any headers, with right CRCs."""
    total = lengths.get("total", len(block) + len(payload) + AROUND)
    told = total.to_bytes(4) + lengths.get("headers", len(block)).to_bytes(4)
    begun = told + zlib.crc32(told).to_bytes(4) + block + payload
    return begun + zlib.crc32(begun).to_bytes(4)


def test_the_example_bytes_of_the_encoding():
    """An empty message, worked out by hand: 16 bytes of length, none of headers."""
    assert build(Message((), b"")).hex() == "0000001000000000" + "05c248eb" + "7d98c8ff"


@given(st.lists(MESSAGES, max_size=4), st.data())
def test_what_is_written_is_read_in_any_pieces(messages, data):
    body = joined(messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert read(*pieces) == (messages, "", 0)
    assert [parse(build(message)) for message in messages] == messages


def test_byte_by_byte_and_at_every_cut():
    body = joined(FEW)

    assert read(*(body[at : at + 1] for at in range(len(body)))) == (FEW, "", 0)
    for at in range(len(body) + 1):
        assert read(body[:at], body[at:]) == (FEW, "", 0)


def test_every_truncation_is_pending():
    body = joined(FEW)
    ends = [0, *(end for _, end, _ in spans(body))]
    for size in range(len(body)):
        found, fault, pending = read(body[:size])
        whole = max(end for end in ends if end <= size)

        assert (len(found), fault, pending) == (ends.index(whole), "", size - whole)


def test_every_changed_byte_is_told():
    """CRC-32 finds every burst of up to 32 bits."""
    body = build(FEW[0])
    for at in range(len(body)):
        bent = body[:at] + bytes([body[at] ^ 0x41]) + body[at + 1 :]
        found, fault, _ = read(bent)

        assert not found
        assert fault == ("the CRC of the prelude is wrong" if at < 12 else fault)
        assert fault


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (raw(b"", total=15), "longer than the message"),
        (raw(b"", headers=1), "longer than the message"),
        (raw(b"", total=AROUND + MOST_PAYLOAD + 1), "longer than the format allows"),
        (raw(b"", total=2**31, headers=MOST_HEADERS + 1), "longer than the format allows"),
        (raw(b"\x01a\x0a"), "a header cannot be read"),
        (raw(b"\x05a"), "a header cannot be read"),
        (raw(b"\x01a\x07\x00\x05ab"), "a header cannot be read"),
        (raw(b"\x01a\x07\x00\x01\xff"), "a header cannot be read"),
        (raw(b"\x01\xff\x00"), "a header cannot be read"),
        (raw(b"\x01a\x00\x01a\x01"), "a header comes twice"),
        (b"data: x\n\ndata: y\n\n", "the CRC of the prelude is wrong"),
    ],
)
def test_damage_is_told_and_nothing_read_after_it(data, fault):
    good = build(FEW[0])
    found, told, _ = read(good + data + good)

    assert found == FEW[:1]
    assert fault in told
    assert read(*(bytes([byte]) for byte in good + data + good))[:2] == (found, told)


def test_a_damaged_prelude_is_told_before_the_message_is_there():
    assert read(raw(b"", total=15)[:12])[1]
    assert not read(raw(b"", total=15)[:11])[1]


@pytest.mark.parametrize(
    "header",
    [
        Header("a", "byte", 128),
        Header("a", "string", "x" * 65536),
        Header("n" * 256, "true", True),
        Header("a", "uuid", b"short"),
    ],
)
def test_what_does_not_fit_is_not_written(header):
    with pytest.raises(ValueError, match="does not fit"):
        build(Message((header,), b""))


def test_the_types_have_their_numbers_on_the_wire():
    for number, kind in enumerate(KINDS):
        value = {"true": True, "false": False, "string": "", "bytes": b"", "uuid": bytes(16)}
        data = build(Message((Header("a", kind, value.get(kind, 0)),), b""))

        assert data[12:15] == b"\x01a" + bytes([number])


def test_records_are_messages_and_what_is_left():
    body = event("one", b"{}") + event("two", b"{}", name="exception") + b"rest"
    first, second, third = events(body, "aws-event-stream")

    assert (first.start, first.end, first.event, first.closed) == (0, second.start, "one", True)
    assert (second.event, second.end) == ("", third.start)
    assert (third.end, third.closed, third.data, third.lines) == (len(body), False, None, ())


@pytest.mark.slow
def test_time_is_linear_in_the_bytes():
    """One message of a megabyte in pieces of 100 bytes: no byte is looked at twice."""
    body = build(Message((), bytes(2**20)))

    assert read(*(body[at : at + 100] for at in range(0, len(body), 100)))[1:] == ("", 0)


# -- botocore's own reader ---------------------------------------------------------------


def botocore(body):
    stream = pytest.importorskip("botocore.eventstream")
    buffer = stream.EventStreamBuffer()
    found: list[tuple[dict[str, object], bytes]] = []
    try:
        buffer.add_data(body)
        # A type outside of the table is a KeyError there.
        found.extend((dict(message.headers), message.payload) for message in buffer)
    except (stream.ParserError, KeyError, UnicodeDecodeError, ValueError) as error:
        return found, error
    return found, None


@pytest.mark.slow
@given(st.lists(MESSAGES, max_size=3))
def test_botocore_reads_what_is_written(messages):
    pytest.importorskip("botocore")
    ours = [({h.name: h.value for h in m.headers}, m.payload) for m in messages]

    assert botocore(joined(messages)) == (ours, None)


@pytest.mark.slow
def test_botocore_and_we_refuse_the_same_bytes():
    pytest.importorskip("botocore")
    body = joined(FEW[:2])
    for at in range(len(body)):
        bent = body[:at] + bytes([body[at] ^ 0x41]) + body[at + 1 :]
        found, fault, _ = read(bent)
        theirs, error = botocore(bent)

        assert bool(fault) == bool(error)
        assert len(found) == len(theirs)
