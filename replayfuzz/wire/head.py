"""The head of an HTTP/1.1 response (RFC 9112 sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from http import HTTPStatus

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.plan import Framing, Head
from replayfuzz.wire.bend import bodiless

# Fields that the framing decides; the recorded ones would contradict it.
_FRAMING_FIELDS = {"transfer-encoding", "content-length", "connection", "trailer"}
_CODED = "content-encoding"


def response_fields(exchange: Exchange, head: Head) -> Fields:
    """The header fields that *head* asks for, without those that tell the framing.

    A body is content, decoded, but for one that was kept as it came (``Exchange.coding``).
    """
    as_it_came = dict(exchange.origin).get("kind") == "recorded" or bool(exchange.coding)
    return _asked_for(exchange.fields, head, as_it_came)


@lru_cache(maxsize=256)
def _asked_for(fields: Fields, head: Head, as_it_came: bool) -> Fields:
    replaced = {name.lower() for name, _ in head.fields}
    if head.coding:
        replaced.add(_CODED)
    kept = [
        (name, value)
        for name, value in fields
        if name.lower() not in _FRAMING_FIELDS | replaced and (as_it_came or name.lower() != _CODED)
    ]
    added = [(name, value) for name, value in head.fields if value]
    coded = [("Content-Encoding", head.coding)] if head.coding else []
    return tuple(_spelt((*kept, *added, *coded), head))


def _spelt(lines: Fields, head: Head) -> Iterator[tuple[str, str]]:
    for name, value in lines:
        match head.case:
            case "lower":
                yield name.lower(), value
            case "upper":
                yield name.upper(), value
            case "title":
                yield name.title(), value
            case _:
                yield name, value


def head_bytes(exchange: Exchange, head: Head, framing: Framing, length: int) -> bytes:
    """Status line and field lines, up to the body; *length* is told where the framing asks."""
    status = head.status or exchange.status
    lines = list(response_fields(exchange, head))
    told = []
    if not bodiless(status):
        match framing:
            case "chunked":
                told.append(("Transfer-Encoding", "chunked"))
            case "content-length":
                told.append(("Content-Length", str(length)))
            case "close":
                told.append(("Connection", "close"))
    trailers = head.trailers or exchange.trailers
    if trailers and told and framing == "chunked":
        told.append(("Trailer", ", ".join(name for name, _ in trailers)))
    lines.extend(_spelt(tuple(told), head))
    reason = exchange.reason if status == exchange.status else _phrase(status)
    text = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"HTTP/1.1 {status} {reason}\r\n{text}\r\n".encode("latin-1", "replace")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
