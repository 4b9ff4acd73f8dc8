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
_BLOCKED = 0.001  # seconds of waiting for an AF_UNIX peer before letting others go on
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.001, 0.01
_INPUT = 65536  # bytes that one read takes at most
_MOST_DRAINED = 64  # reads of input that nobody asked for
_LINGER_RESET = struct.pack("ii", 1, 0)


Ending = Literal["whole", "fin", "reset"]
"""How we close a connection: after a whole message, which over TLS has a goodbye of its own;
with FIN after what was sent; with RST (AF_UNIX has none)."""


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
        self._rest: bytes | memoryview = b""  # what the kernel had no room for
        self._spin = _SPIN
        self._unread: diag.Unread | None = None
        self._unix: diag.UnixPeer | None = None
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
            if self.over == "unix":
                self._unix = diag.UnixPeer(self.sock)
                self._unread = self._unix.unread
                return True
            try:
                self._unread = diag.unread_by_tcp_peer(self.room.diag, self.sock)
            except OSError as error:
                raise PeerLeft from error
        return self._unread is not None

    def put(self, data: bytes | memoryview) -> bool:
        """Hand bytes to the kernel; False: it had no room for some, which ``flush`` sends.

        Raises:
            PeerLeft: The peer has closed the connection.
        """
        return self._hand(data)

    def _hand(self, data: bytes | memoryview) -> bool:
        if self._rest:
            self._rest = b"".join((self._rest, data))
            return False
        try:
            taken = self.sock.send(data)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            raise PeerLeft from error
        self.sent += taken
        if taken == len(data):
            return True
        self._rest = memoryview(data)[taken:]
        return False

    async def flush(self, patience: float) -> bool:
        """Send what ``put`` could not; False: the kernel took nothing for *patience* seconds.

        Raises:
            PeerLeft: The peer has closed the connection.
        """
        while self._rest:
            with trio.move_on_after(patience) as bound:
                try:
                    await trio.lowlevel.wait_writable(self.sock)
                except (OSError, trio.ClosedResourceError) as error:
                    raise PeerLeft from error
            if bound.cancelled_caught:
                return False
            rest, self._rest = self._rest, b""
            self._hand(rest)
        return True

    async def send(self, data: bytes, patience: float) -> bool:
        """``put``, and ``flush`` where that is needed."""
        return self.put(data) or await self.flush(patience)

    async def receive(self) -> bytes:
        """What the peer sent next; b"" when it, or we, have closed the connection."""
        while True:
            try:
                return self.sock.recv(_INPUT)
            except BlockingIOError:
                pass
            except OSError:
                return b""
            try:
                await trio.lowlevel.wait_readable(self.sock)
            except (OSError, trio.ClosedResourceError):
                return b""

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
        if self._unix and not crowd:
            left = self._ask(sure=not self._unix.wait(_BLOCKED))
            return not left or await self._read_slowly(left, patience)
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

    def end(self, how: Ending) -> None:
        """Close the connection, once; what is left to be sent is lost."""
        if self.sock.fileno() < 0:
            return
        if self._unix:
            self._unix.close()
        self._asked, self._unread = True, _closed  # the descriptor may be another's soon
        trio.lowlevel.notify_closing(self.sock)
        with contextlib.suppress(OSError):
            if how == "reset" and self.over == "tcp":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            else:
                # Closing with unread input would make the kernel send RST and throw away
                # what the peer has not read (RFC 9112 section 9.6).
                self.sock.shutdown(socket.SHUT_WR)
                for _ in range(_MOST_DRAINED):
                    if not self.sock.recv(_INPUT):
                        break
        self.sock.close()


def _closed(sent: int, sure: bool) -> int:  # noqa: ARG001 - a ``diag.Unread``
    return diag.GONE
