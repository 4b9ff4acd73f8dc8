"""What can be seen of a daemon from outside: its socket, where it listens, what it left."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

State = Literal["listens", "missing", "file", "type", "refuses", "denied"]
"""Of a path: a SOCK_SEQPACKET listener is there; nothing is; no socket; a socket of another type;
a socket on which nobody listens; we may not write to it."""

_STATES: dict[int | None, State] = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EPROTOTYPE: "type",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EAGAIN: "listens",  # its queue is full
}
_LISTENS = 0x10000  # __SO_ACCEPTCON of /proc/net/unix
_SEQPACKET = "0005"
_PROC = Path("/proc")


def listens(path: str) -> bool:
    """Whether a SOCK_SEQPACKET socket listens at *path*; it is not disturbed where /proc tells."""
    with contextlib.suppress(OSError):
        table = (_PROC / "net" / "unix").read_text(errors="replace")
        for line in table.splitlines()[1:]:
            words = line.split(maxsplit=7)
            if len(words) == 8 and words[7] == path and int(words[3], 16) & _LISTENS:
                return words[4] == _SEQPACKET
        return False
    return state(path) == "listens"


def state(path: str) -> State:
    """What is at *path*; a listener there sees one connection that says nothing."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.setblocking(False)
            sock.connect(path)
    except OSError as error:
        if error.errno in _STATES:
            return _STATES[error.errno]
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(Path(path).stat().st_mode):
                return "file"
        return "refuses"
    return "listens"


def listening(group: int) -> tuple[str, ...]:
    """Paths of Unix sockets on which the processes of *group* listen, sorted."""
    held = {link for folder in _members(group) for link in _links(folder)}
    found = set()
    with contextlib.suppress(OSError):
        for line in (_PROC / "net" / "unix").read_text(errors="replace").splitlines()[1:]:
            words = line.split(maxsplit=7)
            if len(words) == 8 and int(words[3], 16) & _LISTENS and f"socket:[{words[6]}]" in held:
                found.add(words[7])
    return tuple(sorted(found))


def kill_marked(name: str, value: str) -> None:
    """Kill every process whose environment has *name* with *value*: what left its group."""
    wanted = f"{name}={value}".encode()
    killed = 1
    while killed:  # what was killed may have forked just before
        killed = sum(_kill(folder, wanted) for folder in _PROC.glob("[0-9]*"))


def _kill(folder: Path, wanted: bytes) -> bool:
    # A process may end at any moment, and the files of another user's are closed to us.
    with contextlib.suppress(OSError):
        if wanted not in (folder / "environ").read_bytes().split(b"\0"):
            return False
        handle = os.pidfd_open(int(folder.name))
        try:  # the number may be another's by now; the handle is not
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False


def _members(group: int) -> Iterator[Path]:
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group:
                yield folder


def _links(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for fd in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(fd.readlink())
