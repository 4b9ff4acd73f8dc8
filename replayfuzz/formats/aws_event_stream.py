"""The AWS event stream, ``application/vnd.amazon.eventstream``: bytes in, messages out, and back.

The encoding is that of https://smithy.io/2.0/aws/amazon-eventstream.html: a message is a prelude
(its length, that of its headers, a CRC of both), headers, a payload, and a CRC of all before it.
Numbers are big-endian, CRCs those of zlib.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import construct as c

PRELUDE = 12
"""Bytes of the prelude: two lengths and their CRC."""
AROUND = PRELUDE + 4
"""Bytes of a message besides headers and payload."""
MOST_HEADERS = 128 * 1024
MOST_PAYLOAD = 24 * 2**20
"""Largest headers and payload of one message, in bytes."""

Kind = Literal[
    "true", "false", "byte", "short", "integer", "long", "bytes", "string", "timestamp", "uuid"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Types of header values; the place is the number on the wire."""

_VALUES = {
    "true": c.Computed(True),
    "false": c.Computed(False),
    "byte": c.Int8sb,
    "short": c.Int16sb,
    "integer": c.Int32sb,
    "long": c.Int64sb,
    "bytes": c.Prefixed(c.Int16ub, c.GreedyBytes),
    "string": c.PascalString(c.Int16ub, "utf8"),
    "timestamp": c.Int64sb,
    "uuid": c.Bytes(16),
}
_HEADER = c.Struct(
    "name" / c.PascalString(c.Int8ub, "utf8"),
    "kind" / c.Mapping(c.Int8ub, {kind: number for number, kind in enumerate(KINDS)}),
    "value" / c.Switch(c.this.kind, _VALUES),
)
_HEADERS = c.Struct("all" / c.GreedyRange(_HEADER), "rest" / c.GreedyBytes)
_PRELUDE = c.Struct("total" / c.Int32ub, "headers" / c.Int32ub, "crc" / c.Int32ub)


class Header(NamedTuple):
    """One header.

    Attributes:
        name: Up to 255 bytes of UTF-8.
        value: A bool, a number, bytes (``uuid``: 16), or a text; ``timestamp`` is milliseconds.
    """

    name: str
    kind: Kind
    value: Any


class Message(NamedTuple):
    """One message."""

    headers: tuple[Header, ...]
    payload: bytes

    def header(self, name: str) -> str:
        """The text of a header; "" where it has none of that name, or it is no text."""
        found = (header.value for header in self.headers if header.name == name)
        return next((value for value in found if isinstance(value, str)), "")


class EventStreamReader:
    """Incremental reader.

    Invariant: what comes out depends on the joined input alone, never on where it was cut.
    Time is linear in the bytes. A damaged prelude is told as soon as it is there.

    Attributes:
        fault: What is wrong with the bytes; "" while nothing is. Nothing is read after it.
        at: Where the message begins that has not been told yet, in bytes of the input.
    """

    def __init__(self) -> None:
        self.fault = ""
        self.at = 0
        self._held = bytearray()
        self._needed = PRELUDE

    @property
    def pending(self) -> int:
        """Bytes of the message that is not whole."""
        return len(self._held)

    def receive(self, chunk: bytes) -> list[Message]:
        """Feed bytes; return the messages that they complete."""
        self._held += chunk
        out: list[Message] = []
        while len(self._held) >= self._needed and not self.fault:
            if self._needed == PRELUDE:
                self._needed = self._prelude()
            else:
                self._take(out)
        return out

    def _prelude(self) -> int:
        """The length of the message whose prelude is there."""
        try:
            return total_length(bytes(self._held[:PRELUDE]))
        except ValueError as error:
            self.fault = str(error)
            return PRELUDE

    def _take(self, out: list[Message]) -> None:
        data = bytes(self._held[: self._needed])
        try:
            out.append(parse(data))
        except ValueError as error:
            self.fault = str(error)
            return
        # The front of a bytearray is cut off without moving the rest.
        del self._held[: self._needed]
        self.at += self._needed
        self._needed = PRELUDE


def total_length(prelude: bytes) -> int:
    """The length that a prelude tells, which it has been checked to be able to have.

    Raises:
        ValueError: It is not whole, its CRC is wrong, or its lengths do not fit together.
    """
    if len(prelude) < PRELUDE:
        raise ValueError("the prelude is not whole")
    told = _PRELUDE.parse(prelude)
    if told.crc != zlib.crc32(prelude[:8]):
        raise ValueError("the CRC of the prelude is wrong")
    payload = told.total - told.headers - AROUND
    if payload < 0:
        raise ValueError("the headers are longer than the message")
    if told.headers > MOST_HEADERS or payload > MOST_PAYLOAD:
        raise ValueError("headers or payload are longer than the format allows")
    return int(told.total)


def parse(data: bytes) -> Message:
    """Read one whole message.

    Raises:
        ValueError: A CRC is wrong, lengths do not fit, or headers cannot be read.
    """
    if len(data) < AROUND or total_length(data[:PRELUDE]) != len(data):
        raise ValueError("it is no whole message")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:]):
        raise ValueError("the CRC of the message is wrong")
    edge = PRELUDE + int.from_bytes(data[4:8])
    return Message(_headers(data[PRELUDE:edge]), data[edge:-4])


@lru_cache(maxsize=1024)  # a stream has the same few headers in every message
def _headers(data: bytes) -> tuple[Header, ...]:
    try:
        told = _HEADERS.parse(data)
    except c.ConstructError as error:
        raise ValueError("the headers cannot be read") from error
    if told.rest:
        raise ValueError("a header cannot be read")
    found = [Header(each.name, each.kind, each.value) for each in told.all]
    if len({header.name for header in found}) < len(found):
        raise ValueError("a header comes twice")
    return tuple(found)


def build(message: Message) -> bytes:
    """Write one message, with its lengths and CRCs.

    Raises:
        ValueError: A header's value does not fit its type.
    """
    try:
        headers = b"".join(map(_header, message.headers))
    except c.ConstructError as error:
        raise ValueError(f"a header does not fit its type: {error}") from error
    total = len(headers) + len(message.payload) + AROUND
    lengths = total.to_bytes(4) + len(headers).to_bytes(4)
    begun = lengths + _crc(lengths) + headers + message.payload
    return begun + _crc(begun)


def event(kind: str, payload: bytes, *, name: str = "event") -> bytes:
    """Write a message as services do: an ``event``, or an ``exception``, with a JSON payload."""
    texts = {f":{name}-type": kind, ":content-type": "application/json", ":message-type": name}
    return build(
        Message(tuple(Header(key, "string", text) for key, text in texts.items()), payload)
    )


def spans(body: bytes) -> Iterator[tuple[int, int, Message | None]]:
    """Where the messages of *body* stand; what is not whole or damaged is one span without."""
    at = 0
    while at < len(body):
        try:
            end = at + total_length(body[at : at + PRELUDE])
            message = parse(body[at:end])
        except ValueError:
            yield at, len(body), None
            return
        yield at, end, message
        at = end


def joined(messages: Iterable[Message]) -> bytes:
    """Write several messages."""
    return b"".join(map(build, messages))


def _header(header: Header) -> bytes:
    return bytes(_HEADER.build({"name": header.name, "kind": header.kind, "value": header.value}))


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4)
