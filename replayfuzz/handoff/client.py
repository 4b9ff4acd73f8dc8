"""The client of a hand-off: a connection of its own, of which one end is given away.

Any number of clients are read at once, in one thread: a well-behaved one takes what comes;
others read little, late, or leave. Arrival times count from the moment of the hand-off.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from replayfuzz.formats.response import ResponseReader
from replayfuzz.plan.handoff import Pair, Reads
from replayfuzz.transcript import Response

Leave = Literal["fin", "reset"]
Close = Literal["end", "reset", "silent", "left"]
"""How reading ended: the daemon closed; the connection was reset; the deadline passed; the
client left, as it was told to."""

_PIECE = 1 << 16  # bytes of one read
_SLOW_PIECE, _SLOW_PAUSE, _SLOW_READS = 256, 0.005, 200  # then it is slow no more: 1 s at most
_LATE = 1.0  # seconds after which a late client reads although not everything was sent
_SMALL = 2304  # bytes of a small buffer; the kernel makes them no smaller
_LARGEST = 256 << 20  # bytes of a response that are read; a daemon may loop
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


@dataclass(frozen=True, slots=True)
class Received:
    """What one client got.

    Attributes:
        response: The response, as far as it came.
        arrivals: For each read: seconds since the hand-off, and raw bytes so far.
        close: How reading ended.
        fault: Why the bytes are no HTTP response; "" where they are, or where there are none.
    """

    response: Response
    arrivals: tuple[tuple[float, int], ...] = ()
    close: Close = "end"
    fault: str = ""


class Client:
    """A connection with both ends in our hands, until one is given away.

    Attributes:
        given: The end to pass on. It is closed here by ``gave``, else the end of the response
            would never be seen.
        own: The end that reads.

    Args:
        pair: TCP over loopback (what a web server has), or a pair of Unix stream sockets.
        reads: See ``plan.handoff``. A slow client has small buffers on both sides.
        leaves: Bytes of the response after which it closes; None: it stays.
        leave: How: in order, or by a reset (TCP only).
    """

    def __init__(
        self,
        pair: Pair = "tcp",
        *,
        reads: Reads = "all",
        leaves: int | None = None,
        leave: Leave = "fin",
    ) -> None:
        small = reads == "slow"
        self.own, self.given = _tcp_pair(small) if pair == "tcp" else _unix_pair(small)
        self.own.setblocking(False)
        self.reads = reads
        self.leaves = leaves
        self.leave = leave
        self.began = time.perf_counter()
        self._handoff: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def gave(self, seconds: float | None = None) -> None:
        """Note that the hand-off took place just now, and took *seconds*; close ``given``."""
        self.began = time.perf_counter()
        self._handoff = seconds
        self.given.close()

    def read(self, seconds: float) -> Received:
        """Read the response to its end, *seconds* at most; closes ``own``."""
        return read_all([self], seconds)[0]

    def go(self) -> None:
        """Leave now, in the way that this client leaves."""
        if self.leave == "reset":
            with contextlib.suppress(OSError):
                linger = struct.pack("@ii", 1, 0)
                self.own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.own.close()

    def close(self) -> None:
        """Close what is still open."""
        self.own.close()
        self.given.close()

    @property
    def handoff(self) -> float | None:
        """Seconds that the hand-off took, as ``gave`` was told."""
        return self._handoff


def read_all(clients: Sequence[Client], seconds: float) -> tuple[Received, ...]:
    """Read the responses of all *clients* at once, *seconds* at most; closes their ``own``."""
    readings = {client.own.fileno(): _Reading(client) for client in clients}
    every = tuple(readings.values())
    try:
        _read_until(readings, time.perf_counter() + seconds)
    finally:
        for client in clients:
            client.own.close()
    return tuple(reading.received() for reading in every)


def _read_until(readings: dict[int, _Reading], deadline: float) -> None:
    poll = select.poll()
    waiting = {fd for fd, reading in readings.items() if not reading.leave_now()}
    for fd in waiting:
        poll.register(fd, readings[fd].events)
    pausing = {fd for fd in waiting if readings[fd].wakes}
    while waiting:
        now = time.perf_counter()
        if now >= deadline:
            return
        until = min([deadline, *(readings[fd].wakes for fd in pausing)])
        # Half a millisecond more: poll counts whole ones, and must not return too early.
        ready = dict(poll.poll(max(0.0, until - now) * 1000 + 0.5))
        now = time.perf_counter()
        for fd in ready.keys() | {fd for fd in pausing if readings[fd].wakes <= now}:
            reading = readings[fd]
            pausing.discard(fd)
            if not reading.take(now, ready.get(fd, 0)):
                poll.unregister(fd)
                waiting.discard(fd)
                reading.leave_now()
                continue
            poll.modify(fd, reading.events)
            if reading.wakes:
                pausing.add(fd)


class _Reading:
    """One client being read.

    Attributes:
        events: What to poll for; 0 while it pauses.
        wakes: When it looks again although nothing happened, as ``perf_counter`` has it; 0: never.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._response = ResponseReader()
        self._raw: list[bytes] = []
        self._size = 0
        self._arrivals: list[tuple[float, int]] = []
        self._close: Close = "silent"
        self._pauses = _SLOW_READS if client.reads == "slow" else 0
        self.wakes = 0.0
        self.events = select.POLLIN
        if client.reads == "late":
            # Not a byte is taken before the daemon has closed its end: all was sent then.
            self.events = select.POLLRDHUP
            self.wakes = client.began + _LATE

    def take(self, now: float, seen: int) -> bool:
        """Something happened, or it is time: read once; False: reading is over."""
        if self.events == 0 and not seen & select.POLLERR:  # a pause is over
            self.events, self.wakes = select.POLLIN, 0.0
            if not seen:
                return True
        if self.events == select.POLLRDHUP:
            self.events, self.wakes = select.POLLIN, 0.0
            if not seen & _GONE:
                return True
        return self._read(now)

    def leave_now(self) -> bool:
        """Leave if it is time to; whether it has left."""
        leaves = self._client.leaves
        if leaves is None or self._size < leaves or self._close != "silent":
            return False
        self._close = "left"
        self._client.go()
        return True

    def _read(self, now: float) -> bool:
        size = _SLOW_PIECE if self._pauses else _PIECE
        if self._client.leaves is not None:
            size = min(size, self._client.leaves - self._size)
        try:
            data = self._client.own.recv(size)
        except BlockingIOError:
            return True
        except OSError:
            self._close = "reset"
            self._response.end()
            self._arrivals.append((now - self._client.began, self._size))
            return False
        if not data:
            self._close = "end"
            self._response.end()
            self._arrivals.append((now - self._client.began, self._size))
            return False
        self._raw.append(data)
        self._size += len(data)
        self._arrivals.append((now - self._client.began, self._size))
        self._response.receive(data)
        if self._pauses:
            self._pauses -= 1
            self.events, self.wakes = 0, now + _SLOW_PAUSE
        leaves = self._client.leaves
        return self._size < (_LARGEST if leaves is None else leaves)

    def received(self) -> Received:
        """What came until now."""
        read, times = self._response, self._arrivals
        over = self._close in {"end", "reset"}
        response = Response(
            status=read.status,
            fields=read.fields,
            body=read.body,
            raw=b"".join(self._raw),
            whole=read.whole and self._close == "end",
            reset=self._close == "reset",
            handoff=self._client.handoff,
            first=times[0][0] if self._size else None,
            total=times[-1][0] if over else None,
        )
        arrivals = tuple(times[:-1] if over else times)
        return Received(response, arrivals, self._close, read.fault)


def _tcp_pair(small: bool) -> tuple[socket.socket, socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        own = socket.socket()
        try:
            if small:  # before connect: the window is told with the first segment
                own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
            own.connect(listener.getsockname())
            given, peer = listener.accept()
            while peer != own.getsockname():  # somebody else's connection
                given.close()
                given, peer = listener.accept()
        except BaseException:
            own.close()
            raise
    if small:
        given.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL)
    return own, given


def _unix_pair(small: bool) -> tuple[socket.socket, socket.socket]:
    own, given = socket.socketpair()
    if small:
        given.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL)
    return own, given
