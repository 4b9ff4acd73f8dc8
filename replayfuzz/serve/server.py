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

from replayfuzz.deliver import PATIENCE, Line, PeerLeft, Play, Room
from replayfuzz.serve.listener import listen
from replayfuzz.serve.offers import Offers, Ticket
from replayfuzz.wire import Script
from replayfuzz.wire.request import Incoming, RequestError, RequestReader

_SCARCE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_RETRY = 0.05  # seconds until accept is tried again when descriptors or memory ran out


async def serve(
    listener: socket.socket,
    offers: Offers,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests at *listener* until cancelled; then every connection is closed at once.

    Args:
        listener: See ``listen``; it is closed at the end, and its socket file removed.
        offers: Made for this listener; scripts may be added at any time.
        task_status: Told when requests are being answered.
    """
    path = listener.getsockname() if listener.family == socket.AF_UNIX else None
    listener.setblocking(False)
    offers.loop = trio.lowlevel.current_trio_token()
    try:
        with Room() as room:
            async with trio.open_nursery() as connections:
                task_status.started()
                while True:
                    sock = await _accept(listener)
                    connections.start_soon(serve_connection, sock, offers, room)
    finally:
        offers.loop = None
        trio.lowlevel.notify_closing(listener)
        listener.close()
        if path:
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


async def serve_connection(sock: socket.socket, offers: Offers, room: Room) -> None:
    """Answer the requests of one connection, until it closes or a script closes it."""
    try:
        line = Line(sock, room)
    except OSError:
        sock.close()
        return
    reader = RequestReader()
    try:
        while request := await _request(line, reader):
            ticket = offers.find(request.target)
            if ticket is None or request.method == "HEAD":
                kept = await line.send(_plain(ticket is not None, request), PATIENCE)
            else:
                play = Play(ticket.script, line, verify=ticket.verify)
                with ticket.playing(play, request.raw):
                    await play.run()
                kept = play.kept
            if not (kept and request.keep):
                return
    except RequestError as error:
        with contextlib.suppress(PeerLeft):
            await line.send(_answer("400 Bad Request", str(error), "Connection: close\r\n"), 1)
    except PeerLeft:
        pass
    finally:
        line.end("fin")


async def _request(line: Line, reader: RequestReader) -> Incoming | None:
    """The next request; None: the client has closed, or sends nothing that makes sense."""
    while (request := reader.next()) is None:
        if reader.take_continue():
            await line.send(b"HTTP/1.1 100 Continue\r\n\r\n", PATIENCE)
        try:
            data = line.sock.recv(65536)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(line.sock)
            continue
        except OSError:
            return None
        if not data:
            return None
        reader.receive(data)
    return request


def _plain(known: bool, request: Incoming) -> bytes:
    """The answer to a request that plays nothing; to HEAD it has no body (RFC 9110 9.3.2)."""
    text = f"nothing is offered at {request.target[:200]}; was it asked for too late?"
    whole = _answer("200 OK" if known else "404 Not Found", text)
    return whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else whole


def _answer(status: str, text: str, more: str = "") -> bytes:
    body = f"replayfuzz: {text}\n".encode()
    told = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n{more}"
    return f"HTTP/1.1 {status}\r\n{told}\r\n".encode() + body


class ReplayServer:
    """A replay server in a thread of its own, for the length of a ``with`` block.

    Attributes:
        url: Base URL of the server.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, path: str | None = None) -> None:
        self._address = (host, port, path)
        self._cancel = trio.CancelScope()
        self._ready = threading.Event()

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
        self._offers.post(self._cancel.cancel)
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

    def _run(self, listener: socket.socket) -> None:
        try:
            trio.run(self._serve, listener)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that can tell it
            self._offers.died = error
        finally:
            self._ready.set()

    async def _serve(self, listener: socket.socket) -> None:
        with self._cancel:
            async with trio.open_nursery() as nursery:
                await nursery.start(serve, listener, self._offers)
                self._ready.set()
