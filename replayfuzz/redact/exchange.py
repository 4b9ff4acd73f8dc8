"""Exchanges without their secrets: heads, URLs, bodies, trailers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from replayfuzz.cassette import Exchange, Fields, Request
from replayfuzz.redact import heads
from replayfuzz.redact.bodies import Looked, cleaned, look
from replayfuzz.redact.coding import resealed
from replayfuzz.redact.decoded import coding, decoded_chunks, pieces
from replayfuzz.redact.known import known
from replayfuzz.redact.names import same
from replayfuzz.redact.spans import Wanted

NOTE = "redaction"
"""Key of ``origin`` that tells what redaction changed besides secrets, or could not look into."""

_EVENT_STREAM = "application/vnd.amazon.eventstream"


def exchange(exchange: Exchange, keep: Collection[str] = ()) -> Exchange:
    """*exchange* without its secrets, everywhere in it.

    Bodies keep their lengths, so chunks stay as they are. A compressed body that holds a
    secret is decoded, and ``origin`` says so. The same secret becomes the same text, and
    what is redacted already stays.

    Args:
        exchange: As it was recorded or imported.
        keep: Names of fields, members and parameters, and kinds (``e-mail``), that stay.
    """
    wanted = wanted_of(exchange, keep)
    asked, told = _asked(exchange.request, wanted)
    answer, noted = _answered(exchange, wanted)
    origin = tuple((key, heads.text(value, wanted)) for key, value in exchange.origin)
    notes = "; ".join(filter(None, (told, noted)))
    if notes and NOTE not in dict(origin):
        origin += ((NOTE, notes),)
    return replace(
        answer,
        request=asked,
        reason=heads.text(exchange.reason, wanted),
        trailers=heads.fields(exchange.trailers, wanted),
        origin=origin,
    )


def request(request: Request, keep: Collection[str] = ()) -> Request:
    """*request* without its secrets."""
    return exchange(Exchange("", "", request), keep).request


def fields(fields: Fields, keep: Collection[str] = ()) -> Fields:
    """Header or trailer fields without their secrets."""
    return heads.fields(fields, _wanted(keep))


def text(text: str, keep: Collection[str] = ()) -> str:
    """A text for a log, an error or a report, without its secrets."""
    return heads.text(text, _wanted(keep))


def wanted_of(exchange: Exchange, keep: Collection[str] = ()) -> Wanted:
    """What to look for in *exchange*: every shape, and what its own heads tell."""
    asked, kept = exchange.request, _wanted(keep).keep
    every = (asked.fields, exchange.fields, exchange.trailers)
    return Wanted(known(every, asked.url, kept), kept)


def wanted_of_request(request: Request, keep: Collection[str] = ()) -> Wanted:
    """What to look for in what answers *request*."""
    return wanted_of(Exchange("", "", request), keep)


def _wanted(keep: Collection[str]) -> Wanted:
    return Wanted(keep=frozenset(map(same, keep)))


def _asked(request: Request, wanted: Wanted) -> tuple[Request, str]:
    looked = look([request.body], coding(request.fields), wanted)
    lines, body, note = _body(request.fields, request.body, looked, wanted)
    return Request(
        request.method, heads.text(request.url, wanted), heads.fields(lines, wanted), body
    ), note and f"request: {note}"


def _answered(exchange: Exchange, wanted: Wanted) -> tuple[Exchange, str]:
    looked = look(pieces(exchange), coding(exchange.fields), wanted)
    lines, body, note = _body(exchange.fields, exchange.body, looked, wanted)
    chunks = exchange.chunks
    if looked.decoded and looked.spans:
        chunks = decoded_chunks(exchange, looked.decoded)
    elif any(
        name.lower() == "content-type" and value.lower().startswith(_EVENT_STREAM)
        for name, value in exchange.fields
    ):
        body = resealed(exchange.body, body)
    return replace(
        exchange, fields=heads.fields(lines, wanted), body=body, chunks=chunks
    ), note and f"response: {note}"


def _body(lines: Fields, body: bytes, looked: Looked, wanted: Wanted) -> tuple[Fields, bytes, str]:
    """Field lines that fit the redacted body, the body, and what there is to say of it."""
    if looked.coding and looked.decoded is None:
        clean = cleaned(looked, wanted)
        return lines, clean, f"not looked into, because its coding is {looked.coding}"
    if not looked.spans:
        return lines, body, ""
    clean = cleaned(looked, wanted)
    if looked.decoded is None:
        return lines, clean, ""
    fitting = tuple(
        (name, str(len(clean)) if name.lower() == "content-length" else value)
        for name, value in lines
        if name.lower() != "content-encoding"
    )
    return fitting, clean, f"{looked.coding} body decoded, because it held a secret"
