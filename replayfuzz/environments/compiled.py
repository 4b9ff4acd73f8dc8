"""Workers that are compiled: their source beside the declaration, and what was built of it."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from replayfuzz import programs
from replayfuzz.environments.environment import Environment, here
from replayfuzz.errors import MissingError, TargetError
from replayfuzz.target import Target

SECONDS = 1800.0  # cargo with a cold cache on a busy machine

_SHARED = "worker"  # beside the source: what all workers of that language have in common
_RESULTS = ("target", ".git", "node_modules")


def source(target: Target) -> Path:
    """The folder of the worker's source.

    Raises:
        TargetError: There is none.
    """
    folder = here(target) / target.build
    if not target.build or not folder.is_dir():
        raise TargetError(
            f"{target.source}: 'build' must name the folder beside it with the source of its worker"
        )
    return folder


def copy(target: Target, folder: Path) -> Path:
    """Copy the source to *folder*, with the shared part beside it; returns where it is."""
    for each in _folders(target):
        shutil.copytree(
            each, folder / "source" / each.name, ignore=shutil.ignore_patterns(*_RESULTS)
        )
    return copied(folder, target)


def copied(folder: Path, target: Target) -> Path:
    """Where ``copy`` puts the source of *target*."""
    return folder / "source" / source(target).name


def digest(target: Target) -> str:
    """Changes with every byte of the source."""
    known = hashlib.sha256()
    for folder in _folders(target):
        for file in _files(folder):
            content = file.read_bytes()
            name = os.fsencode(file.relative_to(folder.parent))
            known.update(b"%s\0%d\0%s" % (name, len(content), content))
    return known.hexdigest()


def program(folder: Path) -> Path:
    """The compiled worker in *folder*."""
    return folder / "worker"


def environment(folder: Path, version: str) -> Environment:
    """The worker that was compiled in *folder*."""
    return Environment(sys.executable, version, worker=str(program(folder)))


def recipe(target: Target, tool: str) -> tuple[str, ...]:
    """What decides the content besides the requirements: the source, and the compiler *tool*."""
    told = programs.told_version(tool)
    return (f"{told} {sys.platform} {platform.machine()}", digest(target))


def missing(target: Target, package: str) -> MissingError:
    """The error where no release was built yet."""
    hint = f"replayfuzz fuzz --target {target.name} builds it"
    return MissingError(f"no worker with {package} was built yet", hint=hint)


def _folders(target: Target) -> Iterator[Path]:
    own = source(target)
    yield own
    shared = own.parent / _SHARED
    if shared.is_dir() and shared != own:
        yield shared


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not set(path.relative_to(folder).parts) & set(_RESULTS):
            yield path
