"""The streaming form: bytes in, as many bytes without secrets out, a little later."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from replayfuzz.cassette import Request
from replayfuzz.redact.exchange import wanted_of_request
from replayfuzz.redact.spans import Wanted, find, redacted

_LINE = 1 << 16  # bytes of a line without an end that are held back at most, as a rule
_TAIL = 1 << 13  # of those, what stays held back: what gives a secret away stands close to it
_MOST = 1 << 20  # a secret that is not at its end is held back as a whole up to here
_SHOWN = 1 << 12  # bytes of an unended line of which something is shown
_OFTEN = 1 << 10  # the same, looked at whenever it grows
# What is known to be a secret by itself has none of these in it.
_APART = tuple(bytes([byte]) for byte in b' \t\r\n\v\f"\\')
# What may follow the beginning of one that is known by what stands before it.
_GOING_ON = b"0123456789" * 4
_BEGIN, _END = b"-----BEGIN ", b"-----END"
_KEY = 1 << 14  # bytes of a private key


class Redactor:
    """Redacts a body as it comes.

    What comes out is what went in, redacted, as long in all; the last line is held back
    until its end has come. It does not see what is compressed, or said in pieces by
    several events: when the exchange is whole, ``redact.exchange`` does.

    Args:
        request: Whose secrets are looked for too: they may be said again in the answer.
        keep: As for ``redact.exchange``.
    """

    def __init__(self, request: Request | None = None, keep: Collection[str] = ()) -> None:
        self._wanted: Wanted = wanted_of_request(request or Request(), keep)
        self._held = bytearray()
        self._shown = (b"", 0)  # of what is held: masked, and how much of it was looked at
        self._patience = _LINE  # bytes of an unended line at which it is looked at again

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return those that are ready, maybe none."""
        self._held += data
        if b"\n" not in data and len(self._held) <= self._patience:
            return b""
        cut = self._before_key(self._held.rfind(b"\n") + 1)
        if len(self._held) - cut <= self._patience:
            return self._release(cut)
        return self._release_long()

    def shown(self) -> bytes:
        """What is held back, as long as it is, masked where it is or may become a secret.

        A secret that only begins in it does not show: neither what is like the start of one,
        nor what stands where one may go on. Of a long line the rest is masked whole.
        """
        held, (before, looked) = bytes(self._held), self._shown
        size = len(held)
        if size < len(before) or size > _SHOWN or (size > _OFTEN and size < looked * 9 // 8):
            kept = before if size >= len(before) else b""
            self._shown = (kept + b"X" * (size - len(kept)), looked)
        elif size != len(before):
            self._shown = (self._masked(held), size)
        return self._shown[0]

    def _masked(self, held: bytes) -> bytes:
        size = len(held)
        done = bytearray(redacted(held + _GOING_ON, self._wanted)[:size])
        run = size - max(map(held.rfind, _APART)) - 1
        begun = max(run, *map(len, self._begun(held)), 0)
        done[size - begun :] = b"X" * begun
        return bytes(done)

    def _begun(self, held: bytes) -> Iterator[bytes]:
        """The beginnings of known secrets that *held* ends with."""
        for secret in self._wanted.known:
            for size in range(min(len(secret), len(held)), 0, -1):
                if held.endswith(secret[:size]):
                    yield secret[:size]
                    break

    def end(self) -> bytes:
        """The bytes that are left; nothing more will come."""
        return self._release(len(self._held))

    def _before_key(self, cut: int) -> int:
        """*cut*, or the start of a private key whose end has not come."""
        at = self._held.rfind(_BEGIN, max(0, cut - _KEY), cut)
        return cut if at < 0 or self._held.find(_END, at, cut) >= 0 else at

    def _release(self, cut: int) -> bytes:
        done = bytes(self._held[:cut])
        del self._held[:cut]
        if cut:
            self._shown = (b"", 0)
        return redacted(done, self._wanted)

    def _release_long(self) -> bytes:
        """Part of a very long line; what stays is redacted so far as it can be seen."""
        data = bytes(self._held)
        spans = find(data, self._wanted)
        cut = len(data) - _TAIL
        if len(data) < _MOST:
            open_ = (span.start for span in spans if span.end == len(data) and not span.inside)
            cut = min(chain((cut,), open_))
        done = redacted(data, self._wanted)
        self._held = bytearray(done[cut:])
        self._shown = (b"", 0)
        self._patience = max(_LINE, 2 * len(self._held))
        return done[:cut]
