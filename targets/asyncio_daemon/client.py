"""The client's end of a hand-off: writes with back-pressure, notices that the client left."""

from __future__ import annotations

import asyncio
import socket
from typing import cast


class ClientGoneError(Exception):
    """The client left, or did not read for too long."""


class Client(asyncio.Protocol):
    """A client's socket. What the client sends was for the web server, and is dropped.

    Attributes:
        left: Done as soon as the client is seen to have left.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._writable = asyncio.Event()
        self._writable.set()
        self.left = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport

    @classmethod
    async def adopt(cls, sock: socket.socket, seconds: float) -> Client:
        """Take over *sock*; a write without progress for *seconds* is an error."""
        loop = asyncio.get_running_loop()
        unix = sock.family == socket.AF_UNIX
        connect = loop.create_unix_connection if unix else loop.create_connection
        try:
            sock.setblocking(False)
            _, client = await connect(lambda: cls(seconds), sock=sock)
        except BaseException:
            sock.close()  # from here on it would be the transport's
            raise
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by type
        # A write is done when the kernel has all of it: what piles up here could be any size.
        self._transport.set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def eof_received(self) -> None:
        self._leave()

    def connection_lost(self, error: Exception | None) -> None:
        del error  # how it left makes no difference
        self._leave()

    def _leave(self) -> None:
        self._writable.set()
        if not self.left.done():
            self.left.set_result(None)

    async def send(self, data: bytes) -> None:
        """Write *data*; return when the kernel has it.

        Raises:
            ClientGoneError: The client left, or reads nothing.
        """
        if self.left.done():
            raise ClientGoneError("the client left")
        self._transport.write(data)
        before = len(data) + 1
        while not self._writable.is_set():
            now = self._transport.get_write_buffer_size()
            if now >= before:
                raise ClientGoneError("the client did not read for too long")
            before = now
            try:
                async with asyncio.timeout(self._seconds):
                    await self._writable.wait()
            except TimeoutError:
                continue
        if self.left.done():
            raise ClientGoneError("the client left")

    def finish(self) -> None:
        """End the response. The FIN is sent even where somebody else holds the socket too."""
        if not self._transport.is_closing():
            self._transport.write_eof()
            self._transport.close()

    def drop(self) -> None:
        """Close at once; does nothing after ``finish``."""
        if not self._transport.is_closing():
            self._transport.abort()
