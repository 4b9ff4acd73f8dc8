"""A line over TLS: each segment is a record of its own, then lock-step as on bare TCP."""

from __future__ import annotations

import contextlib
import socket
import ssl

import trio

from replayfuzz.deliver.line import Ending, Line, PeerLeft, Room

_RECORD = 1 << 14  # bytes of the largest record (RFC 8446 section 5.1)
_MOST_EARLY = 1 << 20  # bytes of input that are kept while a script is played


class TlsLine(Line):
    """The server's side of a TLS connection on a socket on which nothing was sent yet.

    Only an end that is *whole* says goodbye: by the missing close_notify the peer can tell
    that a stream was cut off (RFC 8446 section 6.1).
    """

    def __init__(self, sock: socket.socket, room: Room, context: ssl.SSLContext) -> None:
        super().__init__(sock, room)
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        self._early = b""  # deciphered, and not received yet

    async def begin(self, data: bytes, patience: float) -> bool:
        """Shake hands; *data* has been read from the socket already. False: they would not.

        Raises:
            PeerLeft: The connection is gone.
        """
        self._arrived.write(data)
        with trio.move_on_after(patience):
            while True:
                try:
                    self._tls.do_handshake()
                except ssl.SSLWantReadError:
                    await self._pass_on(patience)
                    if not (data := await super().receive()):
                        return False
                    self._arrived.write(data)
                except ssl.SSLError:
                    await self._pass_on(patience)  # the alert that tells why
                    return False
                else:
                    return await self._pass_on(patience)
        return False

    async def _pass_on(self, patience: float) -> bool:
        return self._hand(self._leaving.read()) or await self.flush(patience)

    def put(self, data: bytes | memoryview) -> bool:
        """See ``Line``; *data* larger than a record (16 KiB) is several."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise PeerLeft from error
        return self._hand(self._leaving.read())

    async def receive(self) -> bytes:
        """See ``Line``; b"" for close_notify too."""
        early, self._early = self._early, b""
        return early or await self._decipher()

    async def _decipher(self) -> bytes:
        while True:
            try:
                return self._tls.read(_RECORD)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return b""
            finally:
                if self._leaving.pending:  # the answer to a KeyUpdate, or an alert
                    with contextlib.suppress(PeerLeft):
                        self._hand(self._leaving.read())
            if not (data := await super().receive()):
                return b""
            self._arrived.write(data)

    async def left(self) -> None:
        """See ``Line``; what the peer sends meanwhile is kept for ``receive``."""
        while len(self._early) < _MOST_EARLY:
            if not (data := await self._decipher()):
                return
            self._early += data
        await trio.sleep_forever()

    def end(self, how: Ending) -> None:
        """See ``Line``; *whole* sends close_notify."""
        if how == "whole" and self.sock.fileno() >= 0:
            with contextlib.suppress(ssl.SSLError):  # no wonder: the peer has not said it yet
                self._tls.unwrap()
            with contextlib.suppress(PeerLeft):
                self._hand(self._leaving.read())
        super().end(how)
