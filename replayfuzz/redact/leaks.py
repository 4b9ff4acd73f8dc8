"""What secrets are left in bytes or in an exchange; the secrets themselves are not told."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.redact import heads
from replayfuzz.redact.bodies import look
from replayfuzz.redact.decoded import coding, pieces
from replayfuzz.redact.exchange import wanted_of
from replayfuzz.redact.names import Kind, same
from replayfuzz.redact.spans import EVERYTHING, Span, Wanted, find


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that is not redacted; the secret itself is not in it.

    Attributes:
        kind: What it is.
        at, size: Its bytes, counted in what was searched (of a field, in its value).
        inside: How it is coded there: with ``base64`` these are the bytes of the whole run;
            a compressed body has them counted in what it decodes to.
        place: Where in an exchange: ``url``, ``request header NAME``, ``request body``,
            ``reason``, ``header NAME``, ``body``, ``trailer NAME``, ``origin KEY``.
    """

    kind: Kind
    at: int
    size: int
    inside: str = ""
    place: str = ""


def found(data: bytes) -> list[Leak]:
    """What secrets *data* holds, in base64 and gzip too."""
    return list(_in_body([data], "", "", EVERYTHING))


def leaks(exchange: Exchange, keep: Collection[str] = ()) -> list[Leak]:
    """What secrets an exchange holds; none in what ``redact.exchange`` gave."""
    wanted, asked = wanted_of(exchange, keep), exchange.request
    return [
        *_in_text(asked.url, "url", wanted),
        *_in_fields(asked.fields, "request header", wanted),
        *_in_body([asked.body], coding(asked.fields), "request body", wanted),
        *_in_text(exchange.reason, "reason", wanted),
        *_in_fields(exchange.fields, "header", wanted),
        *_in_body(pieces(exchange), coding(exchange.fields), "body", wanted),
        *_in_fields(exchange.trailers, "trailer", wanted),
        *(
            leak
            for key, value in exchange.origin
            for leak in _in_text(value, f"origin {key}", wanted)
        ),
    ]


def _in_text(text: str, place: str, wanted: Wanted) -> Iterator[Leak]:
    return _told(find(text.encode("utf-8", "surrogatepass"), wanted), place)


def _in_fields(fields: Fields, place: str, wanted: Wanted) -> Iterator[Leak]:
    for name, value in fields:
        kind = heads.hidden(name, wanted)
        if kind is None and same(name) not in wanted.keep:
            yield from _in_text(value, f"{place} {name}", wanted)
        elif kind and heads.value(name, value, wanted) != value:
            yield Leak(kind, 0, len(value), place=f"{place} {name}")


def _in_body(parts: list[bytes], coded: str, place: str, wanted: Wanted) -> Iterator[Leak]:
    looked = look(parts, coded, wanted)
    for leak in _told(looked.spans, place):
        inside = " in ".join(filter(None, (leak.inside, looked.coding)))
        yield replace(leak, inside=inside)


def _told(spans: list[Span], place: str) -> Iterator[Leak]:
    """One leak for what several patterns found at one place."""
    end = -1
    for span in sorted(spans):
        if span.start >= end:
            yield Leak(span.kind, span.start, span.end - span.start, span.inside, place)
        end = max(end, span.end)
