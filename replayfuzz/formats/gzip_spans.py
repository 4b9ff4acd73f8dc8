"""Where the sender of a compressed body flushed: bytes in, content and flush points out.

A server that compresses a stream ends each event with a sync flush, so that its reader can
decode all that was sent; RFC 7692 section 7.2.1 tells the bytes: an empty stored block, which
ends in 00 00 FF FF. These are boundaries of the stream that survive in the compressed bytes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Literal

CODINGS: dict[str, Literal["gzip", "deflate"]] = {
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
}
"""Content codings, as a head names them, that are decoded here (RFC 9110 section 8.4.1)."""
MOST = 64 * 2**20
"""Longest content that is decoded, in bytes; a body can expand to a thousand times its size."""
MOST_FLUSHES = 100_000
"""Most flush points that are told of; each costs a look at the decoder's state."""

_MARK = b"\x00\x00\xff\xff"
_LAST = (
    b"\x01\x00\x00\xff\xff"  # RFC 1951 section 3.2.4: an empty stored block that is the last one
)
_MAGIC = b"\x1f\x8b\x08"
_RAW = -15


@dataclass(frozen=True, slots=True)
class Inflated:
    """What a compressed body holds.

    Attributes:
        body: The content, up to the fault.
        flushes: Where the sender flushed: offsets into *body*, rising, each inside of it.
        fault: What is wrong with the bytes; "" for nothing.
        cut: Nothing is wrong but that they stop too early.
        flushed: Bytes of *body* that came before a flush or the end of the coding: a reader
            can give them out, whatever comes after.
    """

    body: bytes
    flushes: tuple[int, ...]
    fault: str = ""
    cut: bool = False
    flushed: int = 0


def inflate(data: bytes, coding: Literal["gzip", "deflate"] = "gzip") -> Inflated:
    """Decode *data*, whole.

    Args:
        data: All members of a gzip body (RFC 1952), or a zlib (RFC 1950) or bare deflate
            stream, both of which servers send as ``deflate``.
        coding: Which.
    """
    reading = _Reading(data)
    if coding == "gzip":
        reading.members()
    else:
        reading.stream(2 if _is_zlib(data) else 0)
        if not reading.fault and len(data) - reading.at > 4:
            reading.fault = "bytes follow after its end"
    size = reading.size
    inside = tuple(at for at in reading.flushes if 0 < at < size)
    flushed = max(reading.flushes, default=0) if reading.fault else size
    cut = bool(reading.fault) and reading.cut
    return Inflated(b"".join(reading.out), inside, reading.fault, cut, flushed)


def _is_zlib(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0


class _Reading:
    """The decoding so far; *at* is the next byte of the input."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.out: list[bytes] = []
        self.size = 0
        self.flushes: list[int] = []
        self.fault = ""
        self.cut = False

    def members(self) -> None:
        """Read every gzip member."""
        while not self.fault:
            start = self._header()
            if self.fault:
                return
            first = len(self.out)
            self.stream(start)
            if self.fault:
                return
            self._trailer(b"".join(self.out[first:]))
            if self.at == len(self.data):
                return
            if self._is_new():
                self._flushed()

    def stream(self, at: int) -> None:
        """Read one deflate stream that starts at *at*."""
        decoder = zlib.decompressobj(_RAW)
        while not decoder.eof:
            mark = self.data.find(_MARK, at)
            stop = len(self.data) if mark < 0 else mark + len(_MARK)
            if at == stop:
                self._stopped()
                return
            try:
                piece = decoder.decompress(self.data[at:stop], MOST - self.size + 1)
            except zlib.error as error:
                self.fault = f"it is damaged ({error})"
                return
            self.out.append(piece)
            self.size += len(piece)
            if self.size > MOST:
                self.fault = f"it expands to more than {MOST >> 20} MiB"
                return
            at = stop
            if mark >= 0 and self._is_new() and _between_blocks(decoder):
                self._flushed()
        self.at = at - len(decoder.unused_data)

    def _stopped(self) -> None:
        self.fault, self.cut = "it stops before its end; the recording was cut off", True

    def _is_new(self) -> bool:
        return self.flushes[-1:] != [self.size] and len(self.flushes) < MOST_FLUSHES

    def _flushed(self) -> None:
        self.flushes.append(self.size)

    def _header(self) -> int:
        """Where the deflate stream of the member at *at* starts (RFC 1952 section 2.3)."""
        data, at = self.data, self.at + 10
        if data[self.at : self.at + 3] != _MAGIC or len(data) < at:
            self.fault = "it is no gzip, or stops in its header"
            self.cut = _MAGIC.startswith(data[self.at : self.at + 3])
            return at
        flags = data[self.at + 3]
        if flags & 4:
            at += 2 + int.from_bytes(data[at : at + 2], "little")
        for flag in (8, 16):  # name and comment, each up to a zero byte
            if flags & flag:
                at = data.find(b"\0", at) + 1 or len(data)
        return at + (2 if flags & 2 else 0)

    def _trailer(self, content: bytes) -> None:
        told = self.data[self.at : self.at + 8]
        self.at += 8
        if len(told) < 8:
            self._stopped()
        elif told != struct.pack("<II", zlib.crc32(content), len(content) % 2**32):
            self.fault = "its check sum is not that of its content"


def _between_blocks(decoder: zlib._Decompress) -> bool:
    """Whether a block may begin here: those four bytes can also be a part of one."""
    try:
        probe = decoder.copy()
        out = probe.decompress(_LAST)
    except zlib.error:
        return False
    return probe.eof and not out and not probe.unused_data
