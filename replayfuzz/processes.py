"""A child process that talks in lines, cannot block us, and leaves nothing behind.

It leads a session and process group of its own: the terminal's Ctrl-C is not for it, and
what it forked goes with it. ``guard`` kills the group if we die first.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from replayfuzz.guard import guard

KEPT = 65536
"""Bytes of standard error that are kept: the last ones."""

_READ = 1 << 16  # what a pipe holds; a larger buffer costs a page fault a call
_LONGEST = 256 << 20  # bytes of one line; an answer of 10,000 events has about 1 MB
_TERM_SECONDS = 0.3  # what a worker may take to clean up
_EOF_SECONDS = 1.0
_KILL_SECONDS = 10.0  # the kernel needs no time for SIGKILL, unless the disk hangs
_GROUP_POLLS, _GROUP_POLL = 200, 0.001  # a zombie that nobody reaps must not hold us up
_SECRETS = ("_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_STEERING = ("OPENAI_", "ANTHROPIC_", "OLLAMA_", "AZURE_OPENAI_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


class Died(Exception):  # noqa: N818 - an outcome, told to ``drive`` only
    """The process ended; the text says how."""


class Silent(Exception):  # noqa: N818 - see Died
    """Nothing came before the deadline."""


class Flood(Exception):  # noqa: N818 - see Died
    """A line has no end."""


class Process:
    """The process and our ends of its pipes, which never block.

    Raises:
        OSError: The program cannot be started.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**inherited(os.environ), **variables},
            start_new_session=True,
        )
        guard.watch(self._child.pid)
        pipes = (self._child.stdin, self._child.stdout, self._child.stderr)
        self._in, self._out, self._err = (pipe.fileno() if pipe else -1 for pipe in pipes)
        for fd in (self._in, self._out, self._err):
            os.set_blocking(fd, False)
        self._line = bytearray()
        self._searched = 0
        self._tail = b""
        self._poll = select.epoll()  # cheaper than poll for fds that stay the same
        self._open = {self._out, self._err}
        for fd in self._open:
            self._poll.register(fd, select.EPOLLIN)
        # Readable when the process is dead, also while something it forked holds its pipes.
        self._death = os.pidfd_open(self._child.pid)
        self._poll.register(self._death, select.EPOLLIN)

    @property
    def pid(self) -> int:
        """Of the process, which is also the number of its group."""
        return self._child.pid

    @property
    def stderr(self) -> str:
        """The last of what it wrote there since ``forget_stderr``, 64 KiB at most."""
        return self._tail.decode("utf-8", "backslashreplace") if self._tail else ""

    def forget_stderr(self) -> None:
        """Begin a new call: what was written until now does not belong to it."""
        self._tail = b""

    def send(self, lines: bytes, deadline: float) -> None:
        """Write *lines*; what the process says meanwhile is kept for ``line``.

        Raises:
            Died, Silent: As ``line`` does, where the pipe is full until then.
        """
        try:
            sent = os.write(self._in, lines)
        except BlockingIOError:
            sent = 0
        except BrokenPipeError:
            return  # it died; what it last said is still to be read
        if sent < len(lines):
            self._write(lines[sent:], deadline)

    @property
    def heard(self) -> bool:
        """A whole line was read already: ``line`` will not wait."""
        return b"\n" in self._line

    def line(self, seconds: float) -> bytes:
        """Wait for one line, and return it without its end.

        Raises:
            Died: The process ended first.
            Silent: *seconds* went by.
            Flood: The line is longer than 256 MiB.
        """
        return self._line_by(time.monotonic() + seconds)

    def _line_by(self, deadline: float) -> bytes:
        while True:
            at = self._line.find(b"\n", self._searched)
            if at >= 0:
                line = bytes(self._line[:at])
                del self._line[: at + 1]
                self._searched = 0
                return line
            self._searched = len(self._line)
            if self._searched > _LONGEST:
                raise Flood(f"a line of more than {_LONGEST >> 20} MiB")
            self._read(deadline)

    def close(self) -> None:
        """Let it end by itself at the end of its input; then as ``kill``."""
        if self._child.stdin:
            self._child.stdin.close()
        self._drain(_EOF_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process and everything in its group, now; it is gone when this returns."""
        if self._child.returncode is not None:
            return
        if not self._drain(0.0):
            self._signal(signal.SIGTERM)
            self._drain(_TERM_SECONDS)
        # Also when the leader is dead: what it forked may live. Its number stays taken
        # until it is waited for, so the group is still the one we started.
        self._signal(signal.SIGKILL)
        self._drain(_KILL_SECONDS)
        guard.release(self.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(_KILL_SECONDS)
        self._await_group()
        self._poll.close()
        os.close(self._death)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _write(self, data: bytes, deadline: float) -> None:
        """Write what did not fit into the pipe, reading meanwhile: it may wait for us to."""
        self._poll.register(self._in, select.EPOLLOUT)
        try:
            while data:
                self._read(deadline)
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._in, data) :]
        except BrokenPipeError:
            pass  # it died; what it last said is still to be read
        finally:
            self._poll.unregister(self._in)

    def _read(self, deadline: float) -> None:
        """Wait until anything happens, and take it in; raises as ``line`` does."""
        left = deadline - time.monotonic()
        ready = self._poll.poll(max(0.0, left))
        if not ready:
            raise Silent
        heard = False
        for fd, _ in ready:
            if fd == self._out:
                heard = self._take(fd, self._line) or heard
            elif fd == self._err:
                heard = self._take_stderr() or heard
            elif fd == self._in:
                heard = True
        if not heard and any(fd == self._death for fd, _ in ready):
            raise Died(self._ending())
        if left < 0:
            raise Silent

    def _take(self, fd: int, into: bytearray) -> bool:
        """Read once; False at the end of the pipe, which is then no longer waited for."""
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return False
        if not data:
            self._poll.unregister(fd)
            self._open.discard(fd)
            return False
        into += data
        return True

    def _take_stderr(self) -> bool:
        data = bytearray()
        heard = self._take(self._err, data)
        self._tail = (self._tail + data)[-KEPT:]
        return heard

    def _drain(self, seconds: float) -> bool:
        """Keep standard error flowing until the process is dead; False: it lives still."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready = {fd for fd, _ in self._poll.poll(left)}
            if self._err in ready:
                self._take_stderr()
            if self._out in ready:
                self._take(self._out, bytearray())
            if self._death in ready:
                while self._err in self._open and self._take_stderr():
                    if time.monotonic() > deadline:
                        break
                return True
            if time.monotonic() >= deadline:
                return False

    def _await_group(self) -> None:
        """What it forked was killed too; it is gone a moment later, and is not ours to wait for."""
        for _ in range(_GROUP_POLLS):
            try:
                os.killpg(self.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(_GROUP_POLL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _ending(self) -> str:
        """How the process ended, without taking its number away (see ``kill``)."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        if found is None or found.si_code == os.CLD_EXITED:
            return f"it ended with exit status {found.si_status if found else '?'}"
        return f"it was killed by {signal.Signals(found.si_status).name}"


def inherited(variables: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what would steer a client elsewhere, and without secrets."""
    return {
        name: value
        for name, value in variables.items()
        if name.lower() not in _PROXIES
        and not name.startswith(_STEERING)
        and not name.upper().endswith(_SECRETS)
    }
