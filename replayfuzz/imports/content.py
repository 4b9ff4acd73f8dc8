"""Content codings of imported bodies, and the boundaries that are left in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from replayfuzz.errors import CassetteError
from replayfuzz.formats.gzip_spans import CODINGS, inflate
from replayfuzz.imports.found import Found

_GZIP = b"\x1f\x8b"
# RFC 8878 section 3.1.1: a zstd frame begins with this. Brotli has no mark of its own.
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Content:
    """A body without content coding.

    Attributes:
        sizes: Bytes of each chunk; they add up to the body.
        boundaries: ``gzip``: chunks end where the sender flushed; ``unknown``: it is one chunk.
        coding: The coding that was taken away; "" for none.
    """

    body: bytes
    sizes: tuple[int, ...]
    boundaries: Literal["gzip", "unknown"]
    coding: str = ""


def content(found: Found, *, file: str) -> Content:
    """Take the content coding away from *found*.

    Raises:
        CassetteError: The body is damaged, or of a coding that nothing here decodes.
    """
    named = found.field("content-encoding").strip().lower()
    body = found.body
    if not body or named in {"", "identity"} or found.content == "decoded":
        return _whole(body)
    if found.content == "either" and not _is_coded(body, named):
        return _whole(body)  # the tool decoded it, and left the field as it was
    coding = CODINGS.get(named)
    if coding is None:
        raise CassetteError(
            f"{found.where} has a body in content coding {named[:20]!r}, which cannot be decoded "
            "here; record it again with the request field 'Accept-Encoding: gzip'",
            file=file,
        )
    return unpacked(body, coding, found.where, file)


def unpacked(data: bytes, coding: Literal["gzip", "deflate"], where: str, file: str) -> Content:
    """Decode *data*.

    Raises:
        CassetteError: It is damaged.
    """
    held = inflate(data, coding)
    if held.fault:
        raise CassetteError(
            f"{where} has a body in {coding}, but {held.fault}; record it again", file=file
        )
    edges = (0, *held.flushes, len(held.body))
    sizes = tuple(after - before for before, after in pairwise(edges) if after > before)
    return Content(held.body, sizes, "gzip" if held.flushes else "unknown", coding)


def _is_coded(body: bytes, named: str) -> bool:
    match named:
        case "gzip" | "x-gzip":
            return body.startswith(_GZIP)
        case "zstd":
            return body.startswith(_ZSTD)
        case _:
            # Text that is valid UTF-8 and begins as a stream does is no compressed data.
            return not _is_text(body)


def _is_text(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return not any(char < " " and char not in "\t\r\n" for char in text[:1000])


def _whole(body: bytes) -> Content:
    return Content(body, (len(body),) if body else (), "unknown")
