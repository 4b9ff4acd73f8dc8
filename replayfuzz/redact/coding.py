"""Bodies that are not what they say byte by byte: compressed ones, and AWS event streams."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

MOST = 64 << 20
"""Bytes that a compressed body is decoded to; one that holds more is not looked into."""

_GZIP = b"\x1f\x8b"
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib.decompressobj: 47 takes zlib and gzip
_PRELUDE, _CRC = 12, 4


class Decoded(NamedTuple):
    """What a compressed body holds; *sizes* has one entry for each piece that was given."""

    body: bytes
    sizes: tuple[int, ...]


def coding_of(body: bytes, named: str) -> str:
    """The content coding of *body*: as its head names it, or gzip where it begins as that does.

    Returns:
        "" for none; for several, all of them.
    """
    told = named.strip().lower()
    if told in {"", "identity"}:
        return "gzip" if body.startswith(_GZIP) else ""
    if told in _WINDOWS and not body:
        return ""
    return told


def decode(pieces: list[bytes], coding: str) -> Decoded | None:
    """Decode a body that came in *pieces*; one that is cut off, as far as it goes.

    Returns:
        None where the coding is not gzip or deflate, the data is damaged from the first
        byte, or it holds more than MOST bytes.
    """
    if coding not in _WINDOWS:
        return None
    out, left = [], MOST
    reader = zlib.decompressobj(_WINDOWS[coding])
    try:
        for piece in pieces:
            out.append(reader.decompress(piece, left + 1))
            left -= len(out[-1])
            if left < 0:
                return None
            while reader.eof and reader.unused_data.startswith(_GZIP):  # RFC 1952: members
                rest, reader = reader.unused_data, zlib.decompressobj(31)
                more = reader.decompress(rest, left + 1)
                out[-1] += more
                left -= len(more)
    except zlib.error:
        if not any(out):
            return None
        out += [b""] * (len(pieces) - len(out))
    return Decoded(b"".join(out), tuple(map(len, out)))


def resealed(old: bytes, new: bytes) -> bytes:
    """*new*, an AWS event stream of the same layout as *old*, with checksums that are right.

    A message whose checksum was wrong before keeps it.
    """
    out, at = bytearray(new), 0
    while at + _PRELUDE + _CRC <= len(old):
        (size,) = struct.unpack_from(">I", old, at)
        end = at + size
        if size < _PRELUDE + _CRC or end > len(old):
            break
        (told,) = struct.unpack_from(">I", old, end - _CRC)
        if told == zlib.crc32(old[at : end - _CRC]):
            struct.pack_into(">I", out, end - _CRC, zlib.crc32(out[at : end - _CRC]))
        at = end
    return bytes(out)
