"""Runs installers. Environments of Python are made with uv where it is, else with venv and pip."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from replayfuzz.guard import guard

_SECONDS = 600.0  # a large library over a slow line, without a cache
_LAST = 6  # lines of the installer that a message shows
_OFFLINE = (
    "resolve host", "name resolution", "dns error", "name or service not known",
    "failed to connect", "connection refused", "network is unreachable", "error sending request",
    "newconnectionerror", "failed to establish", "timed out", "connection error",
    "no route to host", "(from versions: none)",  # the packages of declarations do exist
    "eai_again", "econnrefused", "enotfound", "etimedout", "dial tcp", "spurious network error",
)  # fmt: skip
_UNKNOWN = (
    "no solution found",
    "no matching distribution",
    "was not found in the package registry",
)
_NONE = (  # npm, go, cargo
    "code etarget", "code e404", "unknown revision", "invalid version", "not found: module",
    "no matching versions", "could not be found in registry", "candidate versions found which",
    "failed to select a version",
)  # fmt: skip


class InstallFailedError(Exception):
    """The installer failed; the text has its last lines and what to do next."""


@dataclass(frozen=True, slots=True)
class Installer:
    """A tool that makes environments.

    Attributes:
        name: For people.
        program: The command itself, or how it is run as a module.
        venv: Command that creates an environment in the folder put after it.
        pip: Command that installs requirements into the interpreter put for ``{python}``.
    """

    name: str
    program: str
    venv: tuple[str, ...]
    pip: tuple[str, ...]

    def create(self, folder: Path) -> None:
        """Make an empty environment in *folder*."""
        run((*self.venv, str(folder)))

    def install(self, python: Path, requirements: Sequence[str]) -> None:
        """Install *requirements* for the interpreter *python*."""
        command = [word.replace("{python}", str(python)) for word in self.pip]
        run((*command, *requirements))


def installer() -> Installer:
    """The tool to use: uv when it is found, else the interpreter's own venv and pip."""
    uv = _uv()
    return pip() if uv is None else with_uv(uv)


def with_uv(uv: Sequence[str]) -> Installer:
    """The installer that *uv*, the command, makes."""
    return Installer(
        "uv",
        " ".join(uv),
        (*uv, "venv", "--quiet", "--no-project", "--python", sys.executable),
        (*uv, "pip", "install", "--quiet", "--python", "{python}"),
    )


def pip() -> Installer:
    """The installer that every interpreter has."""
    return Installer(
        "pip",
        f"{sys.executable} -m venv",
        (sys.executable, "-m", "venv"),
        ("{python}", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
    )


def _uv() -> tuple[str, ...] | None:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found:
        return (found,)
    return (sys.executable, "-m", "uv") if importlib.util.find_spec("uv") else None


def probe(python: Path, package: str) -> str | None:
    """Version of *package* for the interpreter *python*; None: one of them does not work."""
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    try:
        done = subprocess.run(
            [python, "-I", "-c", code, package],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def run(
    command: Sequence[str],
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float = 0.0,
) -> str:
    """Run a step of an installation; whatever it started has ended when this returns.

    Args:
        command: Program and arguments.
        folder: Where it runs; None: the working directory.
        variables: What it gets besides our own environment variables.
        seconds: It may take so long; 0: as long as an installer may.

    Returns:
        What it wrote to its standard output.

    Raises:
        InstallFailedError: It cannot be started, failed, or took too long.
    """
    # An installer that is killed leaves its temporary folders: they are ours to remove.
    with tempfile.TemporaryDirectory(prefix="replayfuzz-", ignore_cleanup_errors=True) as scratch:
        known = {**os.environ, **(variables or {}), "TMPDIR": scratch}
        return _run_in(folder, command, known, seconds or _SECONDS)


def _run_in(
    folder: Path | None, command: Sequence[str], variables: Mapping[str, str], seconds: float
) -> str:
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
            env=variables,
        )
    except OSError as error:
        raise InstallFailedError(f"cannot start {command[0]}: {error.strerror}") from error
    with process:
        guard.watch(process.pid)
        try:
            output, complaints = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as slow:
            raise InstallFailedError(f"it took more than {seconds:g} s; try again") from slow
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            guard.release(process.pid)
    if process.returncode != 0:
        raise InstallFailedError(_told(f"{output}\n{complaints}"))
    return output


def _told(output: str) -> str:
    """The last lines of an installer, after what they mean for the user."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    plain = output.lower()
    if any(word in plain for word in _OFFLINE):
        advice = "is there a network? Environments that were built once work without one"
    elif "from versions: none" in plain:  # all that pip says for either
        advice = "is there a network, and such a package?"
    elif any(word in plain for word in _UNKNOWN):
        advice = "is there such a package and version, for this Python?"
    elif any(word in plain for word in _NONE):
        advice = "is there such a package and version?"
    else:
        advice = "the installer failed"
    return "\n".join([advice, *lines[-_LAST:]])
