"""Bodies without their content coding."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.redact.coding import Decoded, coding_of, decode


def coding(fields: Fields) -> str:
    """The value of Content-Encoding, or ""."""
    return next((value for name, value in fields if name.lower() == "content-encoding"), "")


def decoded(exchange: Exchange) -> Exchange | None:
    """*exchange* without the content coding of its body; None where we cannot decode it."""
    told = coding_of(exchange.body, coding(exchange.fields))
    if not told:
        return exchange
    inner = decode(pieces(exchange), told)
    if inner is None:
        return None
    lines = tuple(line for line in exchange.fields if line[0].lower() != "content-encoding")
    chunks = decoded_chunks(exchange, inner)
    return replace(exchange, fields=lines, body=inner.body, chunks=chunks)


def unseen(exchange: Exchange) -> list[tuple[str, str]]:
    """The bodies that cannot be looked into: place and content coding of each."""
    asked = exchange.request
    found = []
    if (told := coding_of(asked.body, coding(asked.fields))) and not decode([asked.body], told):
        found.append(("request body", told))
    if decoded(exchange) is None:
        found.append(("body", coding_of(exchange.body, coding(exchange.fields))))
    return found


def decoded_chunks(exchange: Exchange, inner: Decoded) -> tuple[tuple[float, int], ...]:
    """The chunks of a decoded body: what each of the recorded ones brought."""
    if len(inner.sizes) != len(exchange.chunks):  # they do not add up, so it was one piece
        return ((0.0, len(inner.body)),)
    timed = zip(exchange.chunks, inner.sizes, strict=True)
    return tuple((seconds, size) for (seconds, _), size in timed if size)


def pieces(exchange: Exchange) -> list[bytes]:
    """The body, parted where its chunks are; as one where they do not add up to it."""
    edges = [0, *accumulate(size for _, size in exchange.chunks)]
    if edges[-1] != len(exchange.body):
        return [exchange.body]
    return [exchange.body[start:end] for start, end in pairwise(edges)]
