"""What a daemon needs before it can be built or started: programs, extensions, packages."""

from __future__ import annotations

import functools
import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Callable

from replayfuzz.daemon import Daemon
from replayfuzz.errors import MissingError, TargetError
from replayfuzz.programs import asked, told_version
from replayfuzz.target import Target


def daemon_of(target: Target) -> Daemon:
    """The daemon's part of the declaration.

    Raises:
        TargetError: It has none.
    """
    if target.daemon is None:
        raise TargetError(f"target {target.name} is no daemon, but of the kind {target.kind}")
    return target.daemon


def toolchain(target: Target) -> str:
    """Check what *target* needs; what its first program says of its version, or "".

    Raises:
        MissingError: Something is not here; the hint is the declaration's.
    """
    daemon = daemon_of(target)
    # A path of the command may be a result of the build step; a bare name has to be on PATH.
    program = target.command[0]
    bare = () if "/" in program or "{" in program else (program,)
    package = (f"python:{target.requires}",) if target.requires else ()
    for need in (*daemon.needs, *bare, *package):
        kind, colon, name = need.partition(":")
        if colon and kind not in _KINDS:
            known = ", ".join(f"{kind}:NAME" for kind in _KINDS)
            raise TargetError(f"{target.source}: daemon.needs: {need!r} is no program, nor {known}")
        if not (_KINDS[kind][1](name) if colon else shutil.which(need)):
            what = f"{_KINDS[kind][0]} {name}" if colon else need
            hint = daemon.hint or f"install it, or change 'needs' in {target.source}"
            raise MissingError(f"{what} is not here", hint=hint)
    programs = [need for need in (*daemon.needs, *bare) if ":" not in need]
    if programs:
        return told_version(programs[0])
    return f"Python {platform.python_version()}" if program == "{python}" else ""


@functools.cache
def _php_extensions() -> frozenset[str]:
    """Names of the modules that php loads, in lower case."""
    lines = asked(("php", "-m")).splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip()[:1] not in {"", "["})


def _has_package(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _has_php_file(name: str) -> bool:
    """Whether *name* is on PHP's include_path."""
    code = "echo stream_resolve_include_path($argv[1]) === false ? 'no' : 'yes';"
    return asked(("php", "-r", code, "--", name)) == "yes"


def _has_library(name: str) -> bool:
    try:
        return subprocess.run(("pkg-config", "--exists", name), check=False).returncode == 0
    except OSError:
        return False


_KINDS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "php": ("the PHP extension", lambda name: name.lower() in _php_extensions()),
    "php-file": ("the PHP library with", _has_php_file),
    "python": ("the Python package", _has_package),
    "pkg": ("the library (pkg-config)", _has_library),
}
"""What can be needed besides programs: words for it, and whether it is here."""
