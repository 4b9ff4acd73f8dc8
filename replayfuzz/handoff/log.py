"""What a daemon writes: read all the time by a thread, so that it is never held up by us."""

from __future__ import annotations

import os
import select
import threading

KEPT = 65536
"""Bytes that are kept: the last ones."""

_READ = 1 << 16
_AT_ONCE = 64  # reads in a row for one who asks; a daemon may write without end


class Log:
    """The end of a pipe, and the last that came through it.

    Attributes:
        dropped: Bytes that came and were not kept, since ``forget``.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._tail = b""
        self._fd = -1
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = -1

    def attach(self, fd: int) -> None:
        """Read *fd* from now on; it is closed by ``detach``."""
        os.set_blocking(fd, False)
        self._fd, self._wake = fd, os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._drain, name="daemon log", daemon=True)
        self._thread.start()

    def detach(self) -> None:
        """Take in what is left, and read no more; what was kept stays."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        os.eventfd_write(self._wake, 1)
        thread.join()
        with self._lock:
            self._take()
            os.close(self._fd)
            os.close(self._wake)
            self._fd = -1

    def text(self) -> str:
        """What was kept, with what is in the pipe at this moment."""
        with self._lock:
            self._take()
            return self._tail.decode("utf-8", "backslashreplace")

    def forget(self) -> None:
        """Drop what was kept, and what is in the pipe at this moment."""
        with self._lock:
            self._take()
            self._tail, self.dropped = b"", 0

    def _take(self) -> bool:
        """Read what there is; False at the end of the pipe."""
        for _ in range(_AT_ONCE if self._fd >= 0 else 0):
            try:
                data = os.read(self._fd, _READ)
            except BlockingIOError:
                return True
            if not data:
                return False
            tail = self._tail + data
            self._tail = tail[-KEPT:]
            self.dropped += len(tail) - len(self._tail)
        return True

    def _drain(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._wake in ready:
                return
            with self._lock:
                if not self._take():
                    poll.unregister(self._fd)
