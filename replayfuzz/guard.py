"""A tiny process that outlives ours just long enough to kill what we started.

However we end (an exception, SIGTERM, SIGKILL), the kernel closes our end of a pipe;
the guard sees the end of file, kills every process group that is still on its list, and
removes the folders that are.
There is one for each run. This file is also the guard's program, so it imports the
standard library alone and nothing of ours.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import IO


class Guard:
    """Our end of the pipe. It is started with the first group and ends with our process.

    Not thread-safe by itself; a line is written with one ``os.write``, which is atomic.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, group: int) -> None:
        """Have process group *group* killed when we die."""
        self._tell(f"+{group}\n")

    def release(self, group: int) -> None:
        """Forget *group*. Call it before its leader is reaped: then its number can be reused."""
        if self._process is not None:
            self._tell(f"-{group}\n")

    def keep(self, folder: str) -> None:
        """Have *folder*, a temporary one of ours, removed with what is in it when we die."""
        self._tell(f"/{folder}\n")

    def drop(self, folder: str) -> None:
        """Forget *folder*; call it when it is gone."""
        if self._process is not None:
            self._tell(f"!{folder}\n")

    def stop(self) -> None:
        """End the guard, which kills what is still on its list."""
        process, self._process = self._process, None
        if process is not None:
            _pipe(process).close()
            process.wait()

    def forget(self) -> None:
        """In a forked child: the guard is the parent's, and the child must not keep it waiting."""
        process, self._process = self._process, None
        if process is not None:
            _pipe(process).close()
            process.returncode = 0  # not ours to wait for

    def _tell(self, line: str) -> None:
        if self._process is None:
            self._process = _start()
        try:
            os.write(_pipe(self._process).fileno(), os.fsencode(line))
        except BrokenPipeError:
            # Somebody killed the guard. A new one cannot know the old list; it knows this line.
            self.stop()
            self._process = _start()
            os.write(_pipe(self._process).fileno(), os.fsencode(line))


def _start() -> subprocess.Popen[bytes]:
    # A session of its own: the terminal's Ctrl-C is for us, not for the guard.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None:
        raise AssertionError("the guard is started with a pipe")
    return process.stdin


def main() -> None:
    """The guard's side: keep the list until the pipe ends, then kill what is on it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    listed: dict[bytes, set[bytes]] = {b"+": set(), b"/": set()}
    for line in sys.stdin.buffer:
        sign, what = line[:1], line[1:].removesuffix(b"\n")
        if sign in listed:
            listed[sign].add(what)
        else:
            listed[b"+" if sign == b"-" else b"/"].discard(what)
    for group in listed[b"+"]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(int(group), signal.SIGKILL)
    for folder in listed[b"/"]:
        shutil.rmtree(folder, ignore_errors=True)


guard = Guard()
"""The guard of this process."""

if __name__ == "__main__":
    main()
else:
    atexit.register(guard.stop)
    os.register_at_fork(after_in_child=guard.forget)
