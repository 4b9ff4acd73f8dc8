"""The folder of built environments: where each has its place, and one builder at a time.

It is ``$XDG_CACHE_HOME/replayfuzz/envs`` (else ``~/.cache/…``). A folder in it is named by a
hash of everything that decides what is in it, and has a mark, written last, that tells.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from replayfuzz.errors import InstallError

MARK = "replayfuzz.json"
"""Written last: an environment without it was never finished."""


def cache() -> Path:
    """The folder of everything that was built; it can be deleted at any time."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "replayfuzz"


@contextlib.contextmanager
def writable() -> Iterator[Path]:
    """The cache folder, created; what cannot be written below it is told in words.

    Raises:
        InstallError: It cannot be created, or something in it cannot be written.
    """
    folder = cache()
    try:
        (folder / "envs").mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as error:
        raise InstallError(
            f"{error.filename or folder}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process at a time looks at *folder* and builds it; the kernel ends the lock."""
    with (folder.parent / f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def marked(folder: Path) -> dict[str, Any] | None:
    """What the mark of *folder* tells; None: there is none, it was never finished."""
    try:
        told = json.loads((folder / MARK).read_text())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def finished() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every finished environment, and what its mark tells."""
    for mark in sorted(cache().glob(f"envs/*/{MARK}")):
        told = marked(mark.parent)
        if told is not None:
            yield mark.parent, told
