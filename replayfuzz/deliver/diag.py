"""What a peer on this host has not read yet, asked of the kernel: one question, no waiting.

TCP: NETLINK_SOCK_DIAG for the *peer's* socket (layouts: linux/netlink.h, linux/inet_diag.h,
linux/sock_diag.h, linux/tcp.h). It needs no privilege and no access to the peer's process.
AF_UNIX: SIOCOUTQ of our own socket (linux/sockios.h): there a byte counts until the peer has
*read* it; on TCP the same call counts until it is *acknowledged*, which is no use here.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import sys
import termios
from collections.abc import Callable
from types import TracebackType
from typing import Self

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
NLMSG_ERROR = 2
INET_DIAG_INFO = 2

_NLMSGHDR = struct.Struct("=IHHII")  # length, type, flags, sequence, port id
_REQ_V2 = struct.Struct("=BBBBI")  # family, protocol, extensions, padding, states
_ANY_SOCKET = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface, no cookie
# inet_diag_msg: family, state, timer, retrans; 48 bytes of socket id; expires; then the queue.
_RQUEUE = struct.Struct(f"={_NLMSGHDR.size + 4 + 48 + 4}xI")
_TYPE = slice(4, 6)
_ERROR = struct.pack("=H", NLMSG_ERROR)
_ATTRIBUTES_AT = _NLMSGHDR.size + 72
_ATTRIBUTE = struct.Struct("=HH")  # length with this head, type
# tcp_info: 8 single bytes, 24 counters of 4 bytes, 3 rates and sums of 8 bytes.
_BYTES_RECEIVED_AT = 8 + 24 * 4 + 3 * 8
_BYTES_RECEIVED = struct.Struct("=Q")

_V4_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 section 2.5.5.2

GONE = -1
"""Answer for a peer whose socket is not there (any more)."""

Unread = Callable[[int, bool], int]
"""``(sent, sure)``: of the *sent* bytes so far, how many the peer has not read. Not *sure*: the
answer may be 1 where the truth costs more to find out, and never 0 too early (but see
``UnixPeer.unread``)."""

_NOTHING = bytes(4)
_UNIX_QUESTIONS = 4  # about 1 µs each; with 1, one boundary in 3,000 was lost, with 2 in 10,000


class Diag:
    """A way to ask the kernel about peers; one for each thread.

    Attributes:
        usable: Whether this machine lets us ask about TCP sockets at all.
    """

    def __init__(self) -> None:
        self._netlink: socket.socket | None = None
        try:
            self._netlink = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_SOCK_DIAG
            )
            self._netlink.bind((0, 0))
        except (OSError, AttributeError):  # a sandbox without netlink; not Linux
            self.close()

    @property
    def usable(self) -> bool:
        return self._netlink is not None

    def close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, request: bytes) -> bytes | None:
        """The kernel's answer about one socket; None: there is no such socket here.

        The kernel answers while it handles the request, so there is nothing to wait for.
        """
        if self._netlink is None:
            return None
        try:
            self._netlink.send(request)
            answer = self._netlink.recv(2048)
        except OSError:
            return None
        return None if answer[_TYPE] == _ERROR else answer


def requests(sock: socket.socket) -> tuple[bytes, bytes]:
    """The questions about the peer of a TCP socket: its queue alone, and with its tcp_info.

    Raises:
        OSError: The socket is not connected (any more).
    """
    ours, peer = sock.getsockname(), sock.getpeername()
    pair = [_packed(sock.family, address[0]) for address in (peer, ours)]
    family = socket.AF_INET if len(pair[0]) == 4 else socket.AF_INET6
    sockid = struct.pack("!HH", peer[1], ours[1])
    sockid += b"".join(address.ljust(16, b"\0") for address in pair) + _ANY_SOCKET
    made = []
    for extensions in (0, 1 << (INET_DIAG_INFO - 1)):
        body = _REQ_V2.pack(family, socket.IPPROTO_TCP, extensions, 0, 0xFFFFFFFF) + sockid
        size = _NLMSGHDR.size + len(body)
        made.append(_NLMSGHDR.pack(size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + body)
    return made[0], made[1]


def _packed(family: int, address: str) -> bytes:
    packed = socket.inet_pton(family, address.partition("%")[0])
    mapped = len(packed) == 16 and packed.startswith(_V4_MAPPED)
    return packed[12:] if mapped else packed  # a client of ours may well be plain IPv4


def queue(answer: bytes | None) -> int:
    """Bytes that the peer has received and not read (``idiag_rqueue``); GONE without an answer."""
    return GONE if answer is None else int(_RQUEUE.unpack_from(answer)[0])


def received(answer: bytes | None) -> int:
    """Bytes that have arrived at the peer's socket, read or not; GONE without an answer."""
    at = _ATTRIBUTES_AT
    while answer is not None and at + _ATTRIBUTE.size <= len(answer):
        length, kind = _ATTRIBUTE.unpack_from(answer, at)
        if kind == INET_DIAG_INFO:
            return int(_BYTES_RECEIVED.unpack_from(answer, at + 4 + _BYTES_RECEIVED_AT)[0])
        at += max(4, (length + 3) & ~3)
    return GONE


def unread_by_tcp_peer(diag: Diag, sock: socket.socket) -> Unread | None:
    """Make the question for one connection; None where it cannot be asked.

    An empty queue alone would not do: while the peer is inside recv(), the kernel parks
    arriving segments in a backlog, where idiag_rqueue does not count them. One query in
    200 to 2,000 falls into that gap. So an empty queue is believed only after the bytes
    are known to have arrived: all acknowledged (SIOCOUTQ), or tcpi_bytes_received.

    Raises:
        OSError: The connection is gone.
    """
    plain, full = requests(sock)
    if diag.ask(plain) is None:
        return None
    descriptor, ask, arrived = sock.fileno(), diag.ask, 0

    def unread(sent: int, sure: bool) -> int:
        nonlocal arrived
        if arrived < sent:
            if fcntl.ioctl(descriptor, termios.TIOCOUTQ, _NOTHING) != _NOTHING:
                if not sure:
                    return 1
                answer = ask(full)
                waiting, seen = queue(answer), received(answer)
                if waiting == GONE or 0 <= seen < sent:
                    return GONE if waiting == GONE else max(waiting, sent - seen)
            arrived = sent
        return queue(ask(plain))

    return unread


class UnixPeer:
    """What the peer of an AF_UNIX socket has not read; one that has gone counts as having read.

    A segment is freed when it has been read, and that wakes who waits for room in the socket,
    even where there was room: so an edge-triggered EPOLLOUT tells of every segment that was
    read. Who is woken comes too late to be joined with it; who only finds the queue empty may
    not be: the peer may still be on its way out of recv(), where it would take more.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._descriptor = sock.fileno()
        self._reads: select.epoll | None = None  # when first needed: most are never waited for

    def unread(self, sent: int, sure: bool) -> int:  # noqa: ARG002 - an ``Unread``
        """See ``Unread``; not *sure*: the caller was woken by ``wait``, once is enough."""
        for _ in range(_UNIX_QUESTIONS if sure else 1):
            left = fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, _NOTHING)
            if left != _NOTHING:
                return int.from_bytes(left, sys.byteorder)
            if sure:
                os.sched_yield()
        return 0

    def wait(self, seconds: float) -> bool:
        """Wait until the peer has read a segment; False: not seen. Blocks the thread."""
        if self._reads is None:
            self._reads = select.epoll()
            self._reads.register(self._descriptor, select.EPOLLOUT | select.EPOLLET)
            self._reads.poll(0)  # tells that there is room, as it does once at first
            return False
        return bool(self._reads.poll(seconds))

    def close(self) -> None:
        if self._reads is not None:
            self._reads.close()
