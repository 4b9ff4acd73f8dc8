"""Programs of other languages: whether they are here, what they say of their version."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Sequence

from replayfuzz.errors import MissingError

HINTS = {
    "node": "install Node 18 or newer: nodejs.org, or your system's package nodejs",
    "npm": "install npm: it comes with Node, or is your system's package npm",
    "go": "install Go: go.dev/dl, or your system's package golang",
    "cargo": "install Rust: rustup.rs, or your system's package cargo",
}
"""How to get a program that targets need."""

_ASIDE = re.compile(r"\s*\([^()]*\)")
_ASKED = 20.0  # seconds for a program to tell its version


def need(*programs: str) -> None:
    """Check that *programs*, keys of ``HINTS``, are on PATH.

    Raises:
        MissingError: One is not; the hint tells how to get it.
    """
    for program in programs:
        if shutil.which(program) is None:
            raise MissingError(f"{program} is not here", hint=HINTS[program])


def told_version(program: str) -> str:
    """The first line of what *program* says of its version, without remarks in parentheses."""
    path = shutil.which(program)
    return _told_version(path) if path else ""


@functools.cache
def _told_version(program: str) -> str:
    for option in ("--version", "version"):  # go takes the second alone
        if lines := asked((program, option)).strip().splitlines():
            return _ASIDE.sub("", lines[0]).strip()
    return ""


def asked(command: Sequence[str]) -> str:
    """What a quick *command* writes to its standard output; "" where it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ASKED,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
