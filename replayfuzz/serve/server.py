"""Accept, read requests, play the script that each one asks for."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from types import TracebackType
from typing import Self

import trio

from replayfuzz.daemon import Upstream
from replayfuzz.deliver import Room
from replayfuzz.deliver.http2 import Http2
from replayfuzz.errors import UsageError
from replayfuzz.serve.certificate import Certificate
from replayfuzz.serve.connection import serve_connection
from replayfuzz.serve.listener import listen
from replayfuzz.serve.offers import Offers, Ticket
from replayfuzz.serve.shows import Shows
from replayfuzz.wire import Script

_SCARCE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_HTTP2 = Http2()
_RETRY = 0.05  # seconds until accept is tried again when descriptors or memory ran out


async def serve(
    listener: socket.socket,
    shows: Shows,
    certificate: Certificate | None = None,
    http2: Http2 = _HTTP2,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests at *listener* until cancelled; then every connection is closed at once.

    Args:
        listener: See ``listen``; it is closed at the end, and its socket file removed.
        shows: Knows the answers, such as ``Offers`` made for this listener.
        certificate: With one, TLS is spoken too, on the same port.
        http2: What HTTP/2 clients are told.
        task_status: Told when requests are being answered.
    """
    path = listener.getsockname() if listener.family == socket.AF_UNIX else None
    listener.setblocking(False)
    try:
        with Room() as room:
            async with trio.open_nursery() as connections:
                task_status.started()
                while True:
                    sock = await _accept(listener)
                    connections.start_soon(serve_connection, sock, shows, room, certificate, http2)
    finally:
        trio.lowlevel.notify_closing(listener)
        listener.close()
        if path:
            with contextlib.suppress(FileNotFoundError):  # somebody was faster
                os.unlink(path)  # noqa: PTH108 - one system call, no blocking to speak of


async def _accept(listener: socket.socket) -> socket.socket:
    while True:
        try:
            return listener.accept()[0]
        except BlockingIOError:
            await trio.lowlevel.wait_readable(listener)
        except OSError as error:
            # The others: a client that had left again before it was accepted.
            await trio.sleep(_RETRY if error.errno in _SCARCE else 0)


class ReplayServer:
    """A replay server in a thread of its own, for the length of a ``with`` block.

    Attributes:
        url: Base URL of the server.
        tls: What TLS clients are shown; None: TLS is not spoken.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        path: str | None = None,
        tls: Certificate | None = None,
        http2: Http2 = _HTTP2,
    ) -> None:
        self.tls = tls
        self._http2 = http2
        self._address = (host, port, path)
        self._cancel = trio.CancelScope()
        self._ready = threading.Event()
        self._loop: trio.lowlevel.TrioToken | None = None

    def __enter__(self) -> Self:
        host, port, path = self._address
        listener = listen(host, port, path=path)
        self._offers = Offers(listener)
        self.url = self._offers.base
        self._thread = threading.Thread(target=self._run, args=(listener,), name="replay server")
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            if self._loop is not None:
                self._loop.run_sync_soon(self._cancel.cancel)
        self._thread.join()
        if kind is None:
            self._offers.check()

    def offer(self, script: Script, *, verify: bool = True) -> Ticket:
        """Play *script* to whoever asks for the URL of the ticket, until it is finished.

        Args:
            script: What ``wire.render`` made.
            verify: False: send without asking what was read (``verified`` is then None).

        Raises:
            ReplayfuzzError: The server has died.
        """
        return self._offers.add(script, verify=verify)

    def base(self, upstream: Upstream = "http/1.1") -> str:
        """Base URL, without a slash at its end, for a client that calls us as *upstream* says.

        Raises:
            UsageError: That needs TLS, and the server has no certificate.
        """
        if upstream in ("http/1.1", "h2c"):
            return self.url
        if self.tls is None or not self.url.startswith("http://"):
            raise UsageError(
                f"upstream {upstream!r} needs TLS, which this server does not speak; "
                "start it on TCP with a certificate"
            )
        return "https" + self.url.removeprefix("http")

    def _run(self, listener: socket.socket) -> None:
        try:
            trio.run(self._serve, listener)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that can tell it
            self._offers.died = error
        finally:
            self._ready.set()

    async def _serve(self, listener: socket.socket) -> None:
        self._loop = trio.lowlevel.current_trio_token()
        with self._cancel:
            async with trio.open_nursery() as nursery:
                await nursery.start(serve, listener, self._offers, self.tls, self._http2)
                self._ready.set()
