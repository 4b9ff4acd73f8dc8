"""Removes what was built and nobody uses: environments, daemons, and what cargo compiled."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from replayfuzz.environments.cache import MARK, cache, idle, last_used

_KINDS = {"envs": "environment", "daemons": "daemon"}
_CARGO = "build folder of cargo"
_BESIDE = (".lock", ".used", ".new")


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was removed, and what was not.

    Attributes:
        removed: How many of each kind.
        freed: Bytes; of files that are linked from elsewhere too, none.
        in_use: How many are in use.
        recent: How many were used too lately.
        failed: What could not be removed, and why.
    """

    removed: Mapping[str, int] = field(default_factory=dict)
    freed: int = 0
    in_use: int = 0
    recent: int = 0
    failed: tuple[str, ...] = ()


def clear(before: float) -> Cleared:
    """Remove what nobody has used since *before* (seconds of Unix time) and nobody uses now."""
    removed: Counter[str] = Counter()
    gone: list[os.stat_result] = []
    in_use = recent = 0
    failed = []
    for folder, kind in _built(cache()):
        if folder.exists() and last_used(folder) >= before:
            recent += 1
            continue
        try:
            with idle(folder) as ours:
                found = list(files(folder))
                if not ours:
                    in_use += 1
                elif _remove(folder):
                    removed[kind] += 1
                    gone += found
        except OSError as error:
            failed.append(f"{error.filename or folder}: {error.strerror}")
    return Cleared(dict(removed), _freed(gone), in_use, recent, tuple(failed))


def files(folder: Path) -> Iterator[os.stat_result]:
    """Every file below *folder*; another run may build or remove environments meanwhile."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(place, name).lstat()
            except OSError:
                continue


def size(found: Iterable[os.stat_result]) -> int:
    """Bytes of *found*: a file of the installer's cache may be linked into several places."""
    return sum({_place(each): each.st_size for each in found}.values())


def _built(root: Path) -> Iterator[tuple[Path, str]]:
    """Where something was built, or was to be, and what kind of thing it is."""
    for parent, kind in _KINDS.items():
        names = {entry.name for entry in (root / parent).glob("*")}
        for end in _BESIDE:
            names = {name.removesuffix(end) for name in names}
        for name in sorted(names):
            yield root / parent / name, kind
    if (root / "cargo").is_dir():
        yield root / "cargo", _CARGO


def _remove(folder: Path) -> bool:
    """Remove *folder* and all that is beside it; False: there were only locks."""
    unfinished = folder.with_name(f"{folder.name}.new")
    # First the mark: what is left of a removal that is interrupted was never finished.
    (folder / MARK).unlink(missing_ok=True)
    there = [each for each in (unfinished, folder) if each.exists()]
    for each in there:
        shutil.rmtree(each)
    for end in (".used", ".lock"):
        folder.with_name(f"{folder.name}{end}").unlink(missing_ok=True)
    return bool(there)


def _freed(gone: list[os.stat_result]) -> int:
    """Bytes of files all of whose links are among *gone*."""
    seen = Counter(_place(each) for each in gone)
    # Each removal takes a link away, so the first look knows best.
    links = {_place(each): each.st_nlink for each in reversed(gone)}
    return size(each for each in gone if seen[_place(each)] >= links[_place(each)])


def _place(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
