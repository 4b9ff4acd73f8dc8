"""Hands a socket to a daemon, as the web server's module does it: one message, then gone.

``AF_UNIX`` ``SOCK_SEQPACKET``, non-blocking, close-on-exec; one ``sendmsg`` whose only part is
the payload, without length or terminator, and one control message SCM_RIGHTS (unix(7)). No
reply is read: the daemon answers the client itself.
"""

from __future__ import annotations

import array
import errno
import math
import select
import socket
import stat
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from replayfuzz.errors import HandOffError

NOTHING = b"\0"
"""What travels where there is no payload: a message of no bytes would be the end of the stream."""

_AGAIN = (errno.ENOENT, errno.ECONNREFUSED)  # a daemon that is being started again
_TOLD = {
    errno.ENOENT: "there is no such file; does the daemon run, and does it listen there?",
    errno.EACCES: "permission denied; the daemon's socket mode must let this user write to it",
    errno.EPROTOTYPE: "the socket there is of another type; a daemon has to listen with "
    "SOCK_SEQPACKET",
    errno.EMSGSIZE: "the message is too long for the socket; see net.core.wmem_max, or send less",
    errno.EAGAIN: "the daemon's queue stayed full; it does not accept what it is given",
    errno.EPIPE: "the daemon closed the connection before it was given anything",
    errno.ECONNRESET: "the daemon closed the connection before it was given anything",
    errno.ETOOMANYREFS: "too many descriptors are on their way to processes that do not take "
    "them; see ulimit -n",
    errno.EMFILE: "this process has no descriptor left; see ulimit -n",
    errno.ENOTDIR: "a part of that path is not a folder",
    errno.EBADF: "a descriptor that was to be passed on is closed already",
}


@dataclass(frozen=True, slots=True)
class Retry:
    """How patient the sender is; the defaults are those of the web server's module.

    Attributes:
        connect: Seconds that one attempt to connect may take.
        send: Seconds that the message may take.
        retries: Further attempts where the file is missing or nobody listens, and only there.
        wait: Seconds before the first of them; it doubles each time.
    """

    connect: float = 0.1
    send: float = 0.2
    retries: int = 2
    wait: float = 0.01


APACHE = Retry()
"""What the module does where nothing is configured."""


def hand_off(path: str, payload: bytes, fds: Sequence[int], retry: Retry = APACHE) -> float:
    """Send *payload* and *fds* to the daemon at *path*; they stay open here.

    Args:
        path: Of the daemon's socket.
        payload: The message; b"" sends one NUL byte.
        fds: What SCM_RIGHTS carries; a web server passes exactly one.
        retry: How long to try.

    Returns:
        Seconds from the first attempt to connect until the kernel had the message.

    Raises:
        HandOffError: It could not be sent; says why.
    """
    began = time.perf_counter()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        sock = _connected(path, retry)
        try:
            _send(sock, payload or NOTHING, rights, retry.send)
        finally:
            sock.close()
    except OSError as error:
        raise _told(path, error) from error
    return time.perf_counter() - began


def _connected(path: str, retry: Retry) -> socket.socket:
    attempt = 0
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            _connect(sock, path, retry.connect)
        except BaseException as error:
            sock.close()
            again = isinstance(error, OSError) and error.errno in _AGAIN
            if not again or attempt == retry.retries:
                raise
            time.sleep(retry.wait * 2**attempt)
            attempt += 1
        else:
            return sock


def _connect(sock: socket.socket, path: str, seconds: float) -> None:
    sock.setblocking(False)
    try:
        sock.connect(path)
    except BlockingIOError:
        # The queue of the listener is full. Such a socket cannot be polled: unix(7) has it
        # that only a blocking connect waits, at most for the send timeout.
        whole = math.floor(seconds)
        limit = struct.pack("@ll", whole, round((seconds - whole) * 1e6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        sock.setblocking(True)
        sock.connect(path)
        sock.setblocking(False)


def _send(
    sock: socket.socket,
    message: bytes,
    rights: list[tuple[int, int, array.array[int]]],
    seconds: float,
) -> None:
    deadline = time.perf_counter() + seconds
    while True:
        try:
            sock.sendmsg((message,), rights, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            left = deadline - time.perf_counter()
            if left <= 0 or not _writable(sock, left):
                raise
        else:
            return


def _writable(sock: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))


def _told(path: str, error: OSError) -> HandOffError:
    number = error.errno
    if number == errno.ECONNREFUSED:
        what = _refused(path)
    elif number is None:  # Python's own: the path does not fit into a socket address
        what = f"{error}; a path has 107 bytes at most"
    else:
        what = _TOLD.get(number) or f"{error.strerror}"
    return HandOffError(what, path=path, number=number)


def _refused(path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return "connection refused; the daemon went away meanwhile"
    if not stat.S_ISSOCK(mode):
        return "it is a file, not a socket"
    return "nobody listens there; the file is what an ended daemon left (remove it, start again)"
