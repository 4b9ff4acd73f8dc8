"""The response around the body: what HTTP lets a server spell and frame as it likes."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.plan import FRAMINGS, Head, Plan, Slice
from replayfuzz.strategies.family import Family, bent
from replayfuzz.strategies.view import View

_TYPES = ("{0}; charset=utf-8", "{0};charset=UTF-8", '{0}; charset="utf-8"', "{1}")


def framings(view: View) -> Iterator[Plan]:
    """RFC 9112 section 6.3: chunked coding, Content-Length, or the connection's end."""
    if view.framed or view.exchange.ending != "complete":
        return  # HTTP/2 has one framing; how a message breaks off depends on its framing
    for framing in FRAMINGS:
        if framing != (view.exchange.framing or "chunked"):
            head = Head(framing=framing, kind="head.framing", label=f"framing {framing}")
            yield bent(head=head)
            yield bent(_bytewise(), head=head)


def field_names(view: View) -> Iterator[Plan]:
    """Field names are case-insensitive (RFC 9110 section 5.1); in HTTP/2 they are lower-case."""
    if view.framed:
        return
    for case in ("lower", "upper", "title"):
        yield bent(head=Head(case=case, kind="head.case", label=f"field names in {case} case"))


def content_types(view: View) -> Iterator[Plan]:
    """Types and parameter names in any case, with parameters (RFC 9110 section 8.3.1)."""
    plain = view.dialect.content_type if view.dialect else "text/event-stream"
    for pattern in _TYPES:
        value = pattern.format(plain, plain.title())
        fields = (("Content-Type", value),)
        yield bent(head=Head(fields=fields, kind="head.content-type", label=f"type {value}"))


def chunks(view: View) -> Iterator[Plan]:
    """A recipient "MUST ignore unrecognized chunk extensions" (RFC 9112 section 7.1.1)."""
    if view.framed or view.exchange.ending != "complete":
        return
    trailers = (("X-Checksum", "abc"), ("Server-Timing", "total;dur=1"))
    for label, head in (
        ("chunk extensions", Head(framing="chunked", extension="name=value")),
        ("a quoted chunk extension", Head(framing="chunked", extension='x="1;2"')),
        ("trailers", Head(framing="chunked", trailers=trailers)),
    ):
        named = Head(
            framing="chunked",
            extension=head.extension,
            trailers=head.trailers,
            kind="head.chunks",
            label=label,
        )
        yield bent(Slice(0, 16, label="a boundary every 16 bytes"), head=named)


def gzip(view: View) -> Iterator[Plan]:
    """RFC 9110 section 8.4.1.3, flushed at every boundary."""
    if view.exchange.ending != "complete":
        return
    head = Head(coding="gzip", kind="head.gzip", label="gzip")
    for every in (0, 1, 7, 64):
        words = "a flush at every byte" if every == 1 else f"a flush every {every} bytes"
        yield bent(*([Slice(0, every, label=words)] if every else []), head=head)


def _bytewise() -> Slice:
    return Slice(0, 1, label="byte by byte")


FAMILIES = (
    Family("head.framing", "the end of the body told in another way", "head", True, framings),
    Family("head.case", "field names in another case", "head", True, field_names),
    Family("head.content-type", "the media type spelt otherwise", "head", True, content_types),
    Family("head.chunks", "chunk extensions and trailers", "head", True, chunks),
    Family("head.gzip", "gzip content coding", "head", True, gzip),
)
