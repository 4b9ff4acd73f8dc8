"""The coded body between its boundaries: what both protocols frame."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Head, Plan
from replayfuzz.wire.bend import Bent, bend, bodiless


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes of the coded body between two boundaries.

    Attributes:
        data: The bytes; may be none at either end of the body.
        new_chunk: A chunk or DATA frame begins with it.
        new_send: A send begins with it.
        in_head: That send begins inside the head of its chunk or frame.
        wait: Seconds of silence before it.
    """

    data: bytes
    new_chunk: bool
    new_send: bool
    in_head: bool
    wait: float


def segments_of(bent: Bent, head: Head) -> tuple[Segment, ...]:
    """The coded body in segments; the last begins where the body ends, and may be empty."""
    return tuple(_segments(bent, gzip=head.coding == "gzip"))


def chunked(segments: tuple[Segment, ...]) -> Iterator[list[Segment]]:
    """The segments of each chunk or DATA frame."""
    chunk: list[Segment] = []
    for segment in segments:
        if segment.new_chunk and chunk:
            yield chunk
            chunk = []
        chunk.append(segment)
    if chunk:
        yield chunk


def told_length(bent: Bent, segments: tuple[Segment, ...], head: Head) -> int:
    """What a Content-Length says: all that is sent, and what an end takes away."""
    sent = sum(len(segment.data) for segment in segments)
    if bent.how == "complete":
        return sent
    more = 1 if bent.how == "short" or head.coding else 0
    return sent + max(bent.full - len(bent.body), more)


def pieces(exchange: Exchange, plan: Plan, bent: Bent | None = None) -> tuple[bytes, ...]:
    """The coded body in pieces, for delivery without a socket; none is empty.

    *bent* is ``bend(exchange, plan)``, where the caller has it.
    """
    if bodiless(plan.head.status or exchange.status):
        return ()
    bent = bent or bend(exchange, plan)
    if plan.head.coding is None:
        return bent.pieces
    return tuple(segment.data for segment in segments_of(bent, plan.head) if segment.data)


def _segments(bent: Bent, *, gzip: bool) -> Iterator[Segment]:
    layers: dict[int, set[str]] = {}
    for at, layer in bent.cuts:
        layers.setdefault(at, set()).add(layer)
    waits: dict[int, float] = {}
    for at, seconds in bent.waits:
        waits[at] = waits.get(at, 0.0) + seconds
    edges = sorted({0, len(bent.body), *layers})
    squeeze = zlib.compressobj(wbits=31) if gzip else None
    for start, end in zip(edges, [*edges[1:], len(bent.body)], strict=True):
        data = bent.body[start:end]
        if squeeze and data:
            data = squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        if squeeze and start == len(bent.body) and bent.how == "complete":
            data += squeeze.flush(zlib.Z_FINISH)
        here = layers.get(start, set())
        yield Segment(
            data,
            new_chunk=bool(here & {"write", "http", "head"}),
            new_send=bool(here & {"write", "tcp", "head"}),
            in_head="head" in here,
            wait=waits.get(start, 0.0),
        )
