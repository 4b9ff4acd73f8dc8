"""The Unix socket on which hand-offs arrive: bind, accept, one message with one descriptor."""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import os
import socket
import stat
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

_MESSAGE = 1 << 20
_DESCRIPTORS = 253  # SCM_MAX_FD: with room for all of them, none can be lost to us unclosed
_ROOM = socket.CMSG_SPACE(_DESCRIPTORS * array.array("i").itemsize)


class ListenError(Exception):
    """The socket cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class HandOff:
    """A client's socket, and what is to be done for it.

    Attributes:
        sock: Connected stream socket, over TCP or a Unix socket pair.
        payload: Message that came with it.
        truncated: The message was longer than we take.
    """

    sock: socket.socket
    payload: bytes
    truncated: bool


def log(text: str) -> None:
    """One line for people; never what a payload or a provider says."""
    print(f"asyncio_daemon: {text}", file=sys.stderr, flush=True)


class Listener:
    """The listening socket and the file that names it."""

    def __init__(self, path: Path, mode: int) -> None:
        """Bind and listen.

        Raises:
            ListenError: The path is taken or cannot be used.
        """
        self._path = path
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sock.setblocking(False)
        self._buffer = bytearray(_MESSAGE)
        try:
            _make_room(path)
            before = os.umask(0o777 & ~mode)  # nobody else may connect at any time
            try:
                self._sock.bind(str(path))
            finally:
                os.umask(before)
            path.chmod(mode)
            self._sock.listen(1024)
            made = path.stat()
        except OSError as error:
            self._sock.close()
            raise ListenError(f"cannot listen on {path}: {error.strerror or error}") from None
        self._made = (made.st_dev, made.st_ino)

    def close(self) -> None:
        """Stop listening; remove the file if it is still ours."""
        self._sock.close()
        with contextlib.suppress(OSError):
            now = self._path.lstat()
            if (now.st_dev, now.st_ino) == self._made:
                self._path.unlink()

    async def run(self, serve: Callable[[HandOff], Awaitable[None]], seconds: float) -> None:
        """Accept for ever; a peer has *seconds* for its message."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    peer, _ = await loop.sock_accept(self._sock)
                except (
                    OSError
                ) as error:  # out of descriptors, most likely: others will close theirs
                    log(f"cannot accept: {error.strerror}")
                    await asyncio.sleep(0.1)
                    continue
                tasks.create_task(self._hand_off(peer, serve, seconds))

    async def _hand_off(
        self,
        peer: socket.socket,
        serve: Callable[[HandOff], Awaitable[None]],
        seconds: float,
    ) -> None:
        try:
            with peer:
                handed = await self._receive(peer, seconds)
            if handed is not None:
                await serve(handed)
        except Exception as error:  # one hand-off must not end the others
            log(f"a hand-off failed: {type(error).__name__}")

    async def _receive(self, peer: socket.socket, seconds: float) -> HandOff | None:
        try:
            async with asyncio.timeout(seconds):
                await _readable(peer)
            size, control, flags, _ = peer.recvmsg_into(
                [self._buffer], _ROOM, socket.MSG_CMSG_CLOEXEC
            )
        except (OSError, TimeoutError) as error:
            log(f"no hand-off came: {type(error).__name__}")
            return None
        descriptors = _descriptors(control)
        for extra in descriptors[1:]:
            os.close(extra)
        if not descriptors:
            if size:
                log("a hand-off without a descriptor")
            return None
        sock = _client_socket(descriptors[0])
        if sock is None:
            log("a hand-off with a descriptor that is no connected stream socket")
            return None
        return HandOff(sock, bytes(self._buffer[:size]), bool(flags & socket.MSG_TRUNC))


def _make_room(path: Path) -> None:
    """Remove a socket file that nobody listens on any more.

    Raises:
        ListenError: Something else is there, or somebody listens.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ListenError(f"{path} is there and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.setblocking(False)
        code = probe.connect_ex(str(path))
    if code == errno.ECONNREFUSED:
        path.unlink()
    elif code == errno.EACCES:
        raise ListenError(f"{path} is there and belongs to somebody else")
    else:
        raise ListenError(f"another process listens on {path}")


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(sock, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(sock)


def _descriptors(control: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)


def _client_socket(descriptor: int) -> socket.socket | None:
    """The socket of *descriptor*; None, and it is closed, where it is no client's."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        os.close(descriptor)
        return None
    try:
        families = {socket.AF_INET, socket.AF_INET6, socket.AF_UNIX}
        if sock.family in families and sock.type == socket.SOCK_STREAM:
            sock.getpeername()  # fails where it is not connected
            return sock
    except OSError:
        pass
    sock.close()
    return None
