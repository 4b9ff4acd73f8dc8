"""Holds back what may be a part of a secret, so that only what is redacted is written."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace

from replayfuzz import redact
from replayfuzz.cassette import Exchange

_EVENT_STREAM = "application/vnd.amazon.eventstream"
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib: with a gzip head; 47: either head
_GZIP = b"\x1f\x8b"
_PRELUDE = 12  # bytes of a message that tell lengths
_LONGEST = 1 << 20  # bytes of a message that is waited for
_BLOCK = 0xFFFF  # bytes of a stored block of deflate, at most


class Hold(ABC):
    """Between what arrives and what is written. Lengths never change.

    Attributes:
        held: What was taken and not given.
    """

    held = b""
    coded = False
    """``shown`` is the text that the held bytes hold, and as long as that."""

    def shown(self) -> bytes:
        """What of the bytes that are held back can be written meanwhile, masked; from their start.

        What ``take`` and ``rest`` give later takes its place.
        """
        return b""

    @abstractmethod
    def take(self, data: bytes) -> bytes:
        """Take in content; return what can be written now."""

    @abstractmethod
    def rest(self) -> bytes:
        """The end: what else can be written."""


def hold(heads: Exchange, begin: bytes, *, keep: Collection[str] = ()) -> Hold:
    """The one for a body that begins with *begin*, of an exchange with these heads.

    Args:
        heads: See there.
        begin: At least the first two bytes, where there are as many.
        keep: What is not redacted; see ``redact.exchange``.
    """
    fields, coding = _coding(heads, begin)
    if coding in _WINDOWS:
        return _Coded(heads, _WINDOWS[coding], keep)
    if coding != "identity":
        return _Opaque()
    if fields.get("content-type", "").startswith(_EVENT_STREAM):
        return _Messages(heads, keep)
    return _Lines(heads, keep)


class Inside:
    """Of a compressed body, what is known of the line that it was cut in.

    Attributes:
        text: What came after the last byte that was given, decoded and masked.
    """

    def __init__(self) -> None:
        self.text = bytearray()
        self._ends: list[tuple[float, int]] = []

    def end(self, seconds: float) -> None:
        """A chunk has ended here."""
        self._ends.append((seconds, len(self.text)))

    def chunks(self, exchange: Exchange) -> list[tuple[float, bytes]] | None:
        """The chunks that bring the text after the body; none: it cannot go on; None: no text."""
        if not self.text:
            return None
        times, texts, last = [], [], 0
        final = (self._ends[-1][0] if self._ends else 0.0, len(self.text))
        for seconds, at in (*self._ends, final):
            if at > last:
                times.append(seconds)
                texts.append(bytes(self.text[last:at]))
                last = at
        return list(zip(times, _stored(exchange, exchange.body, texts), strict=False))


def _stored(heads: Exchange, body: bytes, texts: list[bytes]) -> list[bytes]:
    """What goes on after the compressed *body* and holds *texts*, not compressed; for each, a part.

    These are stored blocks of deflate (RFC 1951 section 3.2.4). They can only stand where a block
    has ended at the end of a byte, as after a flush: the empty list where *body* ends elsewhere.
    """
    window = _WINDOWS.get(_coding(heads, body)[1])
    if window is None:
        return []
    parts = [b"".join(map(_block, _cut(text))) for text in texts]
    before, after = zlib.decompressobj(window), zlib.decompressobj(window)
    try:
        wanted = before.decompress(body) + b"".join(texts)
        return parts if after.decompress(body + b"".join(parts)) == wanted else []
    except zlib.error:
        return []


def _cut(text: bytes) -> list[bytes]:
    return [text[at : at + _BLOCK] for at in range(0, len(text), _BLOCK)]


def _block(text: bytes) -> bytes:
    size = len(text)
    return b"\0" + size.to_bytes(2, "little") + (size ^ _BLOCK).to_bytes(2, "little") + text


def _coding(heads: Exchange, begin: bytes) -> tuple[dict[str, str], str]:
    """The head fields by name, and the content coding of a body that begins so."""
    fields = {name.lower(): value.strip().lower() for name, value in heads.fields}
    coding = fields.get("content-encoding", "identity")
    return fields, "gzip" if coding == "identity" and begin.startswith(_GZIP) else coding


class _Lines(Hold):
    """Text is held until its line has ended, and shown masked."""

    def __init__(self, heads: Exchange, keep: Collection[str]) -> None:
        self._redactor = redact.Redactor(heads.request, keep)

    def shown(self) -> bytes:
        return self._redactor.shown()

    def take(self, data: bytes) -> bytes:
        return self._redactor.feed(data)

    def rest(self) -> bytes:
        return self._redactor.end()


class _Opaque(Hold):
    """A coding that we cannot look into; ``redact.exchange`` says so in the cassette."""

    def take(self, data: bytes) -> bytes:
        return data

    def rest(self) -> bytes:
        return b""


class _Messages(Hold):
    """A message of an AWS event stream is held until it is whole, and gets a checksum that fits."""

    def __init__(self, heads: Exchange, keep: Collection[str]) -> None:
        self._keep = keep
        self._heads = replace(heads, request=replace(heads.request, body=b""), chunks=())

    def shown(self) -> bytes:
        return self.held[:_PRELUDE] + b"X" * (len(self.held) - _PRELUDE)

    def take(self, data: bytes) -> bytes:
        self.held += data
        at = 0
        while at + 4 <= len(self.held):
            size = int.from_bytes(self.held[at : at + 4])
            if not 16 <= size <= _LONGEST:
                at = len(self.held)  # no event stream
            elif at + size > len(self.held):
                break
            at += size
        return self._give(at)

    def rest(self) -> bytes:
        return self._give(len(self.held))

    def _give(self, size: int) -> bytes:
        given, self.held = self.held[:size], self.held[size:]
        if not given:
            return b""
        return redact.exchange(replace(self._heads, body=given), self._keep).body


class _Coded(Hold):
    """A compressed body is given where what it holds so far ends a line and has no secret."""

    coded = True

    def __init__(self, heads: Exchange, window: int, keep: Collection[str]) -> None:
        self._redactor = redact.Redactor(heads.request, keep)
        self._decoder = zlib.decompressobj(window)
        self._seen = b""  # decoded, and not looked at yet: of the line that has not ended
        self._told = b""  # decoded and redacted, of the bytes that are held
        self._clean = True

    def shown(self) -> bytes:
        # After a secret nothing more is looked at: what is shown stays.
        return (self._told + self._redactor.shown())[:_LONGEST]

    def take(self, data: bytes) -> bytes:
        self.held += data
        if self._clean:
            try:
                self._look(self._decoder.decompress(data, _LONGEST))
            except zlib.error:
                self._clean = False
            self._clean &= not (self._decoder.unconsumed_tail or self._decoder.unused_data)
        return self._give() if self._clean and not self._seen else b""

    def rest(self) -> bytes:
        self._clean &= self._redactor.end() == self._seen
        return self._give() if self._clean else b""

    def _look(self, text: bytes) -> None:
        self._seen += text
        shown = self._redactor.feed(text)
        self._told = (self._told + shown)[:_LONGEST]
        self._clean = self._seen.startswith(shown)
        self._seen = self._seen[len(shown) :]

    def _give(self) -> bytes:
        given, self.held, self._told = self.held, b"", b""
        return given
