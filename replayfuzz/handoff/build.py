"""Builds a daemon on first use: what it needs, the build step, and the cache of results.

Results are below ``$XDG_CACHE_HOME/replayfuzz/daemons`` (else ``~/.cache/…``), each in a folder
named by a hash of everything that decides what is in it. Two runs that want the same one build
it once. Results that nothing used for a week go when a new one of the same daemon is made.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from replayfuzz import environments
from replayfuzz.daemon import Daemon
from replayfuzz.environments.cache import MARK, locked, use
from replayfuzz.errors import InstallError, TargetError
from replayfuzz.guard import guard
from replayfuzz.handoff.toolchain import daemon_of, toolchain
from replayfuzz.target import Target

_LOG = "replayfuzz-build.log"
_SECONDS = 900.0  # cargo with a cold cache and hundreds of crates
_LAST = 15  # lines of a failed build that a message shows
_OLD = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Built:
    """A daemon that can be started.

    Attributes:
        folder: Its build results; a folder that may be missing where there is no build step.
        version: What the toolchain says of itself, or "".
    """

    target: Target
    folder: Path
    version: str = ""

    @property
    def here(self) -> Path:
        """The folder of the declaration."""
        return _here(self.target)

    def fill(self, text: str, **places: str) -> str:
        """*text* with ``{here}``, ``{build}``, ``{python}`` and the names of *places* filled in."""
        found = {
            "here": str(self.here),
            "build": str(self.folder),
            "python": sys.executable,
            **places,
        }
        for name, value in found.items():
            text = text.replace("{" + name + "}", value)
        return text


def build(target: Target, say: Callable[[str], None] | None = None) -> Built:
    """What starts *target*: built now, unless that was done before.

    A declaration that names no sources is built each time; its own tool knows what changed.

    Args:
        target: Of the kind ``daemon``.
        say: Told in words when something is built, since that takes a while.

    Raises:
        MissingError: A program or extension that it needs is not here; holds its hint.
        TargetError: Its sources are not where it says.
        InstallError: The build step failed; holds its last lines, and the command.
    """
    version = toolchain(target)
    result = _result(target, version)
    if not daemon_of(target).build:
        return result
    try:
        result.folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(result.folder):
            if not (daemon_of(target).sources and _finished(result.folder)):
                _build(result, say)
            (result.folder / MARK).touch()  # it was used now
            use(result.folder)
    except OSError as error:
        raise InstallError(
            f"{error.filename or result.folder}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    return result


def built(target: Target) -> bool:
    """Whether *target* can be started without a build.

    Raises:
        MissingError, TargetError: See ``build``.
    """
    needed = daemon_of(target).build
    return not needed or _finished(_result(target, toolchain(target)).folder)


def _here(target: Target) -> Path:
    return Path(target.source).resolve().parent


def _result(target: Target, version: str) -> Built:
    """Where the results of *target*, as it is now, have their place."""
    daemon, here = daemon_of(target), _here(target)
    known = hashlib.sha256()
    for text in (str(here), version, sys.executable, *daemon.build):
        known.update(text.encode() + b"\0")
    for file in _sources(daemon, here, target.source):
        content = file.read_bytes()
        known.update(b"%s\0%d\0%s" % (os.fsencode(file), len(content), content))
    folder = environments.cache() / "daemons" / f"{target.name}-{known.hexdigest()[:12]}"
    return Built(target, folder, version)


def _sources(daemon: Daemon, here: Path, source: str) -> Iterator[Path]:
    for pattern in daemon.sources:
        try:
            found = sorted(file for file in here.glob(pattern) if file.is_file())
        except (NotImplementedError, ValueError) as error:
            raise TargetError(f"{source}: daemon.sources: {pattern!r}: {error}") from error
        if not found:
            raise TargetError(f"{source}: daemon.sources: there is no file {pattern!r} in {here}")
        yield from found


def _finished(folder: Path) -> bool:
    return (folder / MARK).is_file()


def _build(result: Built, say: Callable[[str], None] | None) -> None:
    daemon, folder, name = daemon_of(result.target), result.folder, result.target.name
    _remove_old(folder, name)
    folder.mkdir(exist_ok=True)  # without a mark: what an interrupted build left is its own to use
    (folder / MARK).unlink(missing_ok=True)
    command = [result.fill(word) for word in daemon.build]
    if say is not None:
        say(f"building the daemon of target {name}: {' '.join(command)}")
    log = folder / _LOG
    with contextlib.ExitStack() as undone:
        if daemon.sources:
            undone.callback(shutil.rmtree, folder, ignore_errors=True)
        if fault := _run(command, result.here, log):
            raise InstallError(_failed(result, command, fault, log))
        undone.pop_all()
    told = {"target": name, "here": str(result.here), "version": result.version}
    (folder / MARK).write_text(json.dumps(told))


def _failed(result: Built, command: Sequence[str], fault: str, log: Path) -> str:
    lines = log.read_text(errors="backslashreplace").splitlines() if log.is_file() else []
    last = [line.rstrip() for line in lines if line.strip()][-_LAST:]
    head = (
        f"cannot build the daemon of target {result.target.name}: {fault}; "
        f"the command was `{' '.join(command)}` in {result.here}"
    )
    return "\n".join([head, *last])


def _run(command: Sequence[str], here: Path, log: Path) -> str:
    """Run the build step; "" or how it failed. What it writes goes to *log*."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=here,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"cannot start {command[0]}: {error.strerror}"
    guard.watch(process.pid)
    status: int | None = None
    try:
        ended = _await_end(process.pid, _SECONDS)
    finally:
        # Also when it ended well: a build server that it left would keep its results in use.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        guard.release(process.pid)
        status = process.wait()
    if not ended:
        return f"it took more than {_SECONDS / 60:g} minutes"
    return "" if status == 0 else f"it ended with exit status {status}"


def _await_end(pid: int, seconds: float) -> bool:
    """Wait until *pid* has ended, and leave its number taken; False: it did not in time."""
    death = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(death, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(death)


def _remove_old(folder: Path, name: str) -> None:
    """Remove results of this daemon that nothing used for a week."""
    limit = time.time() - _OLD
    for mark in folder.parent.glob(f"{glob.escape(name)}-*/{MARK}"):
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(mark.read_text())
            if mark.stat().st_mtime < limit and known.get("target") == name:
                shutil.rmtree(mark.parent, ignore_errors=True)
