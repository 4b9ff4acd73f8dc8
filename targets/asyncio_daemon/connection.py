"""A connection to the provider: bytes as they come, with TLS where it is asked for.

asyncio's own streams and TLS are not used: what had arrived before a connection broke is
text for the client, and they drop some of it when they are told to wait at that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from typing import cast

_HELD = 65536  # bytes read and not yet asked for, beyond which the provider has to wait


class Connection(asyncio.Protocol):
    """Plain TCP, with a bound on what is held."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._came = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by type

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._size > _HELD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._came.set()

    def eof_received(self) -> None:
        self._ended = True
        self._came.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended, self._error = True, self._error or error
        self._came.set()

    def write(self, data: bytes) -> None:
        """Send *data*, unless the connection has ended."""
        if data and not self._transport.is_closing():
            self._transport.write(data)

    async def read(self) -> bytes:
        """What has come; b"" at the end.

        Raises:
            OSError: The connection broke; after all that had come before.
        """
        await self._came.wait()
        if not self._chunks:
            if self._error is not None:
                raise self._error
            return b""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if not self._ended:
            self._came.clear()
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
        return data

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


class TlsConnection:
    """TLS over a Connection."""

    def __init__(self, below: Connection, context: ssl.SSLContext, host: str) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def handshake(self) -> str | None:
        """Agree on keys; return the protocol agreed on (ALPN).

        Raises:
            OSError: That failed, or the certificate is not to be trusted.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send()
                if not await self._receive():
                    raise ConnectionResetError("closed in the TLS handshake") from None
            else:
                self._send()
                return self._tls.selected_alpn_protocol()

    def write(self, data: bytes) -> None:
        """As of a Connection; where TLS has failed, ``read`` tells."""
        with contextlib.suppress(ssl.SSLError):
            self._tls.write(data)
            self._send()

    async def read(self) -> bytes:
        """As of a Connection. An end without TLS's own is an end: [DONE] tells what is whole."""
        while True:
            try:
                return self._tls.read(_HELD)
            except ssl.SSLWantReadError:
                self._send()  # an answer to a change of keys
                if not await self._receive():
                    return b""

    def abort(self) -> None:
        """Close at once."""
        self._below.abort()

    def _send(self) -> None:
        self._below.write(self._outgoing.read())

    async def _receive(self) -> bool:
        data = await self._below.read()
        self._incoming.write(data)
        return bool(data)


async def connect(host: str, port: int) -> Connection:
    """Connect over TCP.

    Raises:
        OSError: Nobody can be reached there.
    """
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection
