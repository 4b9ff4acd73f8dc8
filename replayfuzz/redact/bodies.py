"""Secrets of whole bodies: as they are, in base64, over several events, compressed."""

from __future__ import annotations

from typing import NamedTuple

from replayfuzz.redact.coding import Decoded, coding_of, decode
from replayfuzz.redact.spans import Span, Wanted, find, settled
from replayfuzz.redact.split import find_split


class Looked(NamedTuple):
    """A body that was searched.

    Attributes:
        body: What was searched: the body as it is, or decoded.
        spans: Secrets in it.
        coding: That it was decoded from, or could not be; "" for none.
        decoded: What a compressed body holds; None: not compressed, or not to be decoded.
    """

    body: bytes
    spans: list[Span]
    coding: str = ""
    decoded: Decoded | None = None


def look(pieces: list[bytes], coding: str, wanted: Wanted) -> Looked:
    """Search a body that came in *pieces*; *coding* is its Content-Encoding, if any."""
    body = b"".join(pieces)
    told = coding_of(body, coding)
    if not told:
        return Looked(body, _spans(body, wanted))
    decoded = decode(pieces, told)
    if decoded is None:  # still what nobody encoded would be found
        return Looked(body, _spans(body, wanted), told)
    return Looked(decoded.body, _spans(decoded.body, wanted), told, decoded)


def cleaned(looked: Looked, wanted: Wanted) -> bytes:
    """What was searched, without its secrets."""
    if not looked.spans:
        return looked.body
    return settled(looked.body, lambda left: _spans(left, wanted), wanted)


def _spans(body: bytes, wanted: Wanted) -> list[Span]:
    return [*find(body, wanted), *find_split(body, wanted)]
