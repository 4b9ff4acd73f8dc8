"""Listening sockets, and what to do when there can be none."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from replayfuzz.errors import ListenError

_BACKLOG = 1024


def listen(host: str = "127.0.0.1", port: int = 0, *, path: str | None = None) -> socket.socket:
    """Open a listening socket: TCP, or AF_UNIX when a *path* is given.

    A socket file that a dead server left behind is replaced.

    Raises:
        ListenError: The address is in use, not ours, or not an address.
    """
    if path is not None:
        return _listen_unix(path)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    usual = "give an address of this machine and a port from 0 (any free one) to 65535"
    if not 0 <= port <= 65535:
        raise ListenError(f"cannot listen on {host}:{port}: there is no such port; {usual}")
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        taken = "another process has it; stop that, or give port 0 to get a free one"
        hint = taken if error.errno == errno.EADDRINUSE else usual
        raise ListenError(f"cannot listen on {host}:{port}: {error}; {hint}") from error


def _listen_unix(path: str) -> socket.socket:
    _clear_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(path)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        hint = "give a path of at most 107 bytes in a folder that exists and that you can write"
        raise ListenError(f"cannot listen on {path}: {error}; {hint}") from error
    return sock


def _clear_stale(path: str) -> None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the path may be too long or odd for anything else
    except (OSError, ValueError):
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"{path} exists and is no socket; remove it or give another path")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)  # nobody listens there any more
        except OSError as error:
            raise ListenError(f"cannot tell who uses {path}: {error}; remove it") from error
        else:
            raise ListenError(f"{path} is in use by a running server; stop it or give another path")
