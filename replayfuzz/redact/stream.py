"""The streaming form: bytes in, as many bytes without secrets out, a little later."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from replayfuzz.cassette import Request
from replayfuzz.redact.exchange import wanted_of_request
from replayfuzz.redact.spans import Wanted, find, redacted

_LINE = 1 << 16  # bytes of a line without an end that are held back at most, as a rule
_TAIL = 1 << 13  # of those, what stays held back: what gives a secret away stands close to it
_MOST = 1 << 20  # a secret that is not at its end is held back as a whole up to here
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
        self._patience = max(_LINE, 2 * len(self._held))
        return done[:cut]
