"""One connection: bytes go out when the peer has read those before.

Whether it has is asked of the kernel (``diag``); every wait is bounded.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self

import trio

from replayfuzz.deliver import diag

# Seconds of asking again and again before sleeping. A reader that is only being woken is
# back well within the first; the last is left to one that was slow before.
_SPIN, _SHORT_SPIN = 200e-6, 20e-6
_GUESSES = 12  # cheap questions while spinning, before one that disturbs the peer
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.001, 0.01
_MOST_DRAINED = 64  # reads of input that nobody asked for
_LINGER_RESET = struct.pack("ii", 1, 0)


class PeerLeft(Exception):  # noqa: N818 - an event of the experiment, not an error; stays in here
    """The connection is gone while the script is being played."""


class Room:
    """What all streams of one event loop share: the way to ask, and how many they are."""

    def __init__(self) -> None:
        self.diag = diag.Diag()
        self.streams = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.diag.close()

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1


class Line:
    """A connected, non-blocking stream socket, and what is known about its peer.

    Nothing may have been sent on the socket before: bytes are counted from its start.

    Attributes:
        over: ``tcp`` or ``unix``.
        sent: Bytes handed to the kernel so far.
        read_by_peer: How many of them the peer was seen to have read.
    """

    def __init__(self, sock: socket.socket, room: Room) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.room = room
        self.over: Literal["tcp", "unix"] = "tcp"
        self.sent = 0
        self.read_by_peer = 0
        self._spin = _SPIN
        self._unread: diag.Unread | None = None
        self._asked = False
        if sock.family == getattr(socket, "AF_UNIX", None):
            self.over = "unix"
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def askable(self) -> bool:
        """Whether the kernel knows what the peer has read; looked up when first needed.

        Raises:
            PeerLeft: The connection is gone.
        """
        if not self._asked:
            self._asked = True
            try:
                self._unread = (
                    diag.unread_by_unix_peer(self.sock)
                    if self.over == "unix"
                    else diag.unread_by_tcp_peer(self.room.diag, self.sock)
                )
            except OSError as error:
                raise PeerLeft from error
        return self._unread is not None

    def put(self, data: bytes | memoryview) -> int:
        """Hand bytes to the kernel; returns how many it took, 0 when it has no room now.

        Raises:
            PeerLeft: The peer has closed the connection.
        """
        try:
            taken = self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise PeerLeft from error
        self.sent += taken
        return taken

    async def send(self, data: bytes, patience: float) -> bool:
        """Hand *data* to the kernel; False: it took none for *patience* seconds.

        Raises:
            PeerLeft: The peer has closed the connection.
        """
        rest = memoryview(data)
        while rest := rest[self.put(rest) :]:
            with trio.move_on_after(patience) as bound:
                await trio.lowlevel.wait_writable(self.sock)
            if bound.cancelled_caught:
                return False
        return True

    def has_read(self) -> bool:
        """Whether the peer is known to have read everything, without waiting.

        Raises:
            PeerLeft: The peer's socket is gone.
        """
        if self.read_by_peer == self.sent:
            return True
        return self.askable and not self._ask(sure=True)

    async def read(self, patience: float) -> bool:
        """Wait until the peer has read everything; False: no progress for *patience* seconds.

        First a short spin, in which others get the processor; then sleeps that grow with
        the time waited, so that a slow reader costs little and is not kept waiting for
        more than half as long again as it takes.

        Raises:
            PeerLeft: The peer's socket is gone.
        """
        if self.read_by_peer == self.sent:
            return True
        crowd = self.room.streams > 1
        if crowd and not self._ask(sure=True):
            return True
        start = time.perf_counter()
        guesses = 0 if crowd else _GUESSES
        while True:
            os.sched_yield()
            guesses -= 1
            left = self._ask(sure=guesses < 0)
            if not left:
                self._spin = _SPIN
                return True
            if time.perf_counter() - start > self._spin:
                self._spin = max(self._spin / 2, _SHORT_SPIN)
                return await self._read_slowly(left, patience)
            if crowd:
                await trio.lowlevel.checkpoint()

    async def _read_slowly(self, left: int, patience: float) -> bool:
        progress = start = trio.current_time()
        while True:
            now = trio.current_time()
            if now - progress >= patience:
                return False
            await trio.sleep(min(max((now - start) / 2, _SHORTEST_SLEEP), _LONGEST_SLEEP))
            before, left = left, self._ask(sure=True)
            if not left:
                return True
            if left != before:
                progress = trio.current_time()

    def _ask(self, *, sure: bool) -> int:
        left = self._unread(self.sent, sure) if self._unread else 0
        if left == diag.GONE:
            raise PeerLeft
        if not left:
            self.read_by_peer = self.sent
        return left

    async def left(self) -> None:
        """Return when the peer has closed its side; bytes that it sends meanwhile stay unread."""
        await trio.lowlevel.wait_readable(self.sock)
        try:
            more = self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            more = b""
        except OSError:
            return
        if more:
            await trio.sleep_forever()

    def end(self, how: Literal["fin", "reset"]) -> None:
        """Close the connection: with FIN after what was sent, or with RST (AF_UNIX has none)."""
        if self.sock.fileno() < 0:
            return
        trio.lowlevel.notify_closing(self.sock)
        with contextlib.suppress(OSError):
            if how == "reset" and self.over == "tcp":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            else:
                # Closing with unread input would make the kernel send RST and throw away
                # what the peer has not read (RFC 9112 section 9.6).
                self.sock.shutdown(socket.SHUT_WR)
                for _ in range(_MOST_DRAINED):
                    if not self.sock.recv(65536):
                        break
        self.sock.close()
