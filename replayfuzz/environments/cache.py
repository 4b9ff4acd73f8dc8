"""The folder of built environments: where each has its place, and one builder at a time.

It is ``$XDG_CACHE_HOME/replayfuzz/envs`` (else ``~/.cache/…``). A folder in it is named by a
hash of everything that decides what is in it, and has a mark, written last, that tells.
Beside it are two locks: of who builds it, and of all who use it.
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

_USED: dict[Path, int] = {}  # descriptors that hold a shared lock until the process ends


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
    while True:
        place = _beside(folder, "lock")
        with place.open("a") as file:
            if _got(file.fileno(), fcntl.LOCK_EX, place):
                yield
                return


def use(folder: Path) -> bool:
    """Keep *folder* from being removed while this process lives, and note that it was used now.

    Returns:
        False: it is being removed.
    """
    place = _beside(folder, "used")
    held = _USED.get(place)
    if held is None or not _is_at(held, place):  # somebody deletes the cache by hand
        try:
            held = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return True  # we cannot write there, so it is not ours to be removed
        if not _got(held, fcntl.LOCK_SH | fcntl.LOCK_NB, place):
            os.close(held)
            return False
        _USED[place] = held
    with contextlib.suppress(OSError):
        os.utime(place)
    return True


@contextlib.contextmanager
def idle(folder: Path) -> Iterator[bool]:
    """Have *folder* to oneself without waiting for that; False: somebody builds or uses it."""
    with contextlib.ExitStack() as opened:
        for kind in ("lock", "used"):  # in the order in which ``build`` takes them
            place = _beside(folder, kind)
            file = opened.enter_context(place.open("a"))
            if not _got(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB, place):
                yield False
                return
        yield True


def last_used(folder: Path) -> float:
    """When *folder* was last used, or else finished, or else changed; seconds of Unix time."""
    for place in (_beside(folder, "used"), folder / MARK, folder):
        with contextlib.suppress(OSError):
            return place.stat().st_mtime
    return 0.0


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


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f"{folder.name}.{kind}")


def _got(descriptor: int, how: int, place: Path) -> bool:
    """Whether the open file could be locked, and still is the one at *place*."""
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    return _is_at(descriptor, place)


def _is_at(descriptor: int, place: Path) -> bool:
    """Whether the file was not removed meanwhile, nor replaced."""
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except OSError:
        return False
