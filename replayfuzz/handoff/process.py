"""A daemon that runs: started, watched, restarted and ended, with nothing left behind.

It leads a process group of its own, which ``guard`` kills if we die first; its socket is in a
private folder that goes with it. What it writes is read all the time, and the last kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from replayfuzz.errors import StartError
from replayfuzz.guard import guard
from replayfuzz.handoff import seen
from replayfuzz.handoff.build import Built
from replayfuzz.handoff.log import Log
from replayfuzz.handoff.toolchain import daemon_of
from replayfuzz.processes import inherited
from replayfuzz.target import Target

_LONGEST = 107  # bytes of a path that fit into a socket address (unix(7): sun_path)
_TERM_SECONDS = 1.0  # what a daemon may take to end when it is told to
_KILL_SECONDS = 10.0  # the kernel needs no time for SIGKILL, unless the disk hangs
_LOOK = 0.005  # seconds between two looks at a socket that is not there yet
_LAST = 15  # lines of the log that a message shows
_NAME = "daemon.sock"
_STATES = {
    "missing": "never appeared",
    "file": "is a file, not a socket",
    "type": "is a socket of another type; a daemon has to listen with SOCK_SEQPACKET",
    "refuses": "is a socket on which nobody listens",
    "denied": "cannot be written to by this user; see the daemon's socket mode",
}
_RUN = "REPLAYFUZZ_RUN"  # in the environment of all that a daemon starts, wherever it went

_WRONG = ("file", "type")


class Running:
    """A daemon and its socket, for the length of a ``with`` block.

    Attributes:
        socket: Path at which it listens.
        version: What its toolchain says of itself, or "".
        restarts: How often it was started again.
        stubborn: At the last stop it had to be killed, since SIGTERM did not end it in a second.

    Args:
        target: Of the kind ``daemon``.
        variant: Decides the upstream's protocol and the environment.
        upstream: Base URL of the upstream, without a path.
        built: See ``build``.
    """

    def __init__(self, target: Target, variant: str, upstream: str, built: Built) -> None:
        self.target = target
        self.variant = variant
        self.version = built.version
        self.restarts = 0
        self.stubborn = False
        self._daemon = daemon_of(target)
        self._built = built
        self._folder = _private_folder()
        self.socket = str(self._folder / _NAME)
        self._places = {"socket": self.socket, "upstream": upstream}
        self._log = Log()
        self._child: subprocess.Popen[bytes] | None = None
        self._death = -1
        self._mark = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def command(self) -> tuple[str, ...]:
        """Program and arguments, everything filled in."""
        return tuple(self._built.fill(word, **self._places) for word in self.target.command)

    @property
    def group(self) -> int:
        """Number of its process group, also of a daemon that died; 0: it was never started."""
        return self._child.pid if self._child else 0

    @property
    def alive(self) -> bool:
        """Whether the process that was started is still there."""
        return self._child is not None and not self.await_death(0.0)

    @property
    def log(self) -> str:
        """The last that it wrote since ``forget_log``, 64 KiB at most."""
        return self._log.text()

    @property
    def flood(self) -> int:
        """Bytes that it wrote and that were not kept, since ``forget_log``."""
        return self._log.dropped

    def forget_log(self) -> None:
        """Begin a new example: what was written until now does not belong to it."""
        self._log.forget()

    def start(self) -> None:
        """Start it, and wait until it can be handed a client.

        Raises:
            StartError: It could not be started, ended, or was not ready in time; nothing runs.
        """
        if self._child is not None:
            return
        if not self._folder.is_dir():  # it was closed
            self._folder.mkdir(mode=0o700)
            guard.keep(str(self._folder))
        self._log.forget()
        try:
            self._spawn()
            self._await_ready()
        except BaseException:
            self.close()
            raise

    def restart(self) -> None:
        """End it, if it still runs, and start it again at the same path; see ``start``."""
        self.stop()
        self.restarts += 1
        self.start()

    def await_death(self, seconds: float) -> bool:
        """Wait until the process has ended, *seconds* at most; whether it has."""
        if self._child is None:
            return True
        poll = select.poll()
        poll.register(self._death, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    @property
    def ending(self) -> str:
        """How the process ended, in words; "" while it runs."""
        if self._child is None or not self.await_death(0.0):
            return ""
        # Its number stays taken, and with it that of its group (see ``stop``).
        found = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
        if found is None or found.si_code == os.CLD_EXITED:
            return f"it ended with exit status {found.si_status if found else '?'}"
        return f"it was killed by {signal.Signals(found.si_status).name}"

    def stop(self) -> None:
        """End it and everything that it started; its socket file goes too.

        First SIGTERM; after a second, SIGKILL to the group and to what left the group.
        """
        child, self._child = self._child, None
        if child is None:
            return
        poll = select.poll()
        poll.register(self._death, select.POLLIN)
        if not poll.poll(0):
            self._signal(child.pid, signal.SIGTERM)
            self.stubborn = not poll.poll(_TERM_SECONDS * 1000)
        # Also when the leader is dead: what it forked may live. Its number stays taken
        # until it is waited for, so the group is still the one that was started.
        self._signal(child.pid, signal.SIGKILL)
        poll.poll(_KILL_SECONDS * 1000)
        guard.release(child.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_KILL_SECONDS)
        seen.kill_marked(_RUN, self._mark)
        os.close(self._death)
        self._log.detach()
        Path(self.socket).unlink(missing_ok=True)

    def close(self) -> None:
        """End it, and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        guard.drop(str(self._folder))

    def _spawn(self) -> None:
        way = self._daemon.way(self.variant)
        given = {**self._daemon.environment, **way.environment}
        filled = {name: self._built.fill(text, **self._places) for name, text in given.items()}
        self._mark = secrets.token_hex(8)
        try:
            child = subprocess.Popen(
                self.command,
                cwd=self._built.here,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                env={**inherited(os.environ), **filled, _RUN: self._mark},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # a NUL in the command or the environment
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise self._unfit(f"cannot start {self.command[0]}: {why}") from error
        guard.watch(child.pid)
        self._child = child
        self._death = os.pidfd_open(child.pid)
        if child.stdout is not None:
            self._log.attach(os.dup(child.stdout.fileno()))
            child.stdout.close()

    def _await_ready(self) -> None:
        ready, deadline = self._daemon.ready, time.monotonic() + self._daemon.ready_seconds
        line = None if ready == "socket" else re.compile(ready, re.MULTILINE)
        while not (line.search(self._lines()) if line else self._listens()):
            if self.await_death(_LOOK):
                raise self._unfit(f"{self.ending.removeprefix('it ')} before it was ready")
            if time.monotonic() >= deadline:
                raise self._unfit(self._late(line is not None))

    def _lines(self) -> str:
        """What it wrote, without an unfinished line: that may match where the whole does not."""
        lines = self.log.rpartition("\n")
        return lines[0] + lines[1]

    def _listens(self) -> bool:
        if seen.listens(self.socket):
            return True
        state = seen.state(self.socket)
        if state in _WRONG:  # the folder is ours: it made this itself, and means it
            raise self._unfit(f"made what cannot be used: {self.socket} {_STATES[state]}")
        return state == "listens"

    def _late(self, by_line: bool) -> str:
        waited = f"was not ready within {self._daemon.ready_seconds:g} s"
        if by_line:
            return f"{waited}: no line that it wrote has {self._daemon.ready!r}"
        state = seen.state(self.socket)
        others = [path for path in seen.listening(self.group) if path != self.socket]
        if others and state == "missing":
            return f"{waited}: it listens at {', '.join(others)}, and was told {self.socket}"
        return f"{waited}: {self.socket} {_STATES.get(state, state)}"

    def _unfit(self, what: str) -> StartError:
        lines = [line.rstrip() for line in self.log.splitlines() if line.strip()]
        wrote = "\n".join(["; the last that it wrote:", *lines[-_LAST:]]) if lines else ""
        return StartError(
            f"{self.target.name}: its daemon {what}; see 'command' in {self.target.source}: "
            f"{shlex.join(self.command)}{wrote}"
        )

    def _signal(self, group: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _private_folder() -> Path:
    """A folder that only we may enter, and whose path leaves room for the socket's name."""
    for place in (None, "/tmp"):  # noqa: S108 - mkdtemp makes a folder of mode 0700 there
        folder = Path(tempfile.mkdtemp(prefix="replayfuzz-", dir=place))
        if len(os.fsencode(folder / _NAME)) <= _LONGEST:
            guard.keep(str(folder))
            return folder
        folder.rmdir()
    raise StartError(
        f"the path of a socket has {_LONGEST} bytes at most, and {folder / _NAME} has more; "
        "set TMPDIR to a shorter path"
    )
