"""Where a target's library is: on this machine, or in an environment built for a release.

Built environments are cached, each under a hash of everything that decides what is in it.
Two runs that want the same one at once build it once. There is a module for each registry.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import replayfuzz
from replayfuzz.environments import crates, go, npm, pypi
from replayfuzz.environments.cache import MARK, cache, finished, locked, marked, use, writable
from replayfuzz.environments.clear import Cleared, clear, files, size
from replayfuzz.environments.companions import pins
from replayfuzz.environments.environment import Environment
from replayfuzz.environments.requirement import (
    Requirement,
    fits,
    numbers,
    prefixed,
    registry_of,
    requirement,
)
from replayfuzz.errors import InstallError, MissingError, UsageError
from replayfuzz.installer import InstallFailedError
from replayfuzz.target import Target

__all__ = [
    "Cleared",
    "Environment",
    "Requirement",
    "build",
    "cache",
    "clear",
    "files",
    "fits",
    "installed",
    "newest",
    "pins",
    "prefixed",
    "registry_of",
    "releases",
    "requirement",
    "size",
]
Say = Callable[[str], None]


class Registry(Protocol):
    """What each registry's module has."""

    def installed(self, target: Target) -> Environment: ...
    def recipe(self, target: Target) -> tuple[str, ...]: ...
    def requirements(self, target: Target, wanted: Requirement) -> tuple[str, ...]: ...
    def tool(self) -> str: ...
    def install(self, folder: Path, target: Target, wanted: tuple[str, ...]) -> None: ...
    def version(self, folder: Path, target: Target) -> str | None: ...
    def environment(self, folder: Path, version: str) -> Environment: ...
    def releases(self, target: Target) -> tuple[str, ...]: ...


_REGISTRIES: Mapping[str, Registry] = {"pypi": pypi, "npm": npm, "go": go, "crates": crates}


def installed(target: Target, *, built: bool = True) -> Environment:
    """What of the target's library is here: nothing is built.

    For a Python package that is this interpreter; for an npm package the nearest
    ``node_modules``; for it and for compiled workers, else, the newest release that was
    built before.

    Args:
        target: Whose library it is.
        built: Whether one counts that we built; else only what the user installed.

    Raises:
        MissingError: The library is not here; the hint says how to get it.
    """
    name = registry_of(target)
    if not name:
        return _plain(target)
    try:
        return _REGISTRIES[name].installed(target)
    except MissingError:
        found = _built(target, name) if built and name != "pypi" else None
        if found is None:
            raise
        return found


def build(target: Target, text: str, say: Say | None = None) -> Environment:
    """An isolated environment for the release that *text* names, built unless cached.

    Args:
        target: Its package must be the one that *text* names.
        text: A requirement such as ``openai==1.16.1`` or ``npm:openai==7.5.0``.
        say: Told in words when something is built, since that takes a while.

    Raises:
        UsageError: *text* is no requirement, or names another package.
        MissingError: A program that builds it is not here.
        InstallError: The installer failed; holds its last lines and what to do.
    """
    name = registry_of(target)
    prefix, rest = prefixed(text)
    wanted = requirement(rest, prefix or name or "pypi")
    if not fits(text, target):
        raise UsageError(
            f"--with {text} does not fit target {target.name}, whose library is "
            + (f"{target.package[name]} ({name})" if name else "from no registry")
        )
    registry = _REGISTRIES[name]
    with writable() as root:
        tool = registry.tool()
        try:
            requirements = registry.requirements(target, wanted)
        except InstallFailedError as failed:
            raise InstallError(
                f"cannot tell the releases of {wanted.package}: {failed}"
            ) from failed
        folder = root / "envs" / _key(name, wanted, (*requirements, *registry.recipe(target)))
        with locked(folder):
            found = registry.version(folder, target) if marked(folder) else None
            if found is None:
                if say is not None:
                    say(f"building an environment for {', '.join(requirements)} with {tool}")
                found = _build(folder, target, requirements)
            use(folder)
    made = registry.environment(folder, found)
    return Environment(made.python, found, made.variables, wanted.text, made.worker)


def newest(target: Target, say: Say | None = None) -> Environment:
    """An isolated environment for the newest release, built unless that was done today.

    Raises:
        As ``build``.
    """
    name = registry_of(target)
    if not name:
        return _plain(target)
    return build(target, f"{name}:{target.package[name]}", say)


def releases(target: Target) -> tuple[str, ...]:
    """Every release of the target's library, oldest first, as its registry's own tool tells.

    Pre-releases are left out, and what was yanked or retracted where the tool knows of it.

    Raises:
        UsageError: It is from no registry.
        MissingError: The tool is not here.
        InstallError: The tool failed.
    """
    name = registry_of(target)
    if not name:
        raise UsageError(f"target {target.name} is from no registry, so it has no releases")
    try:
        return _REGISTRIES[name].releases(target)
    except InstallFailedError as failed:
        raise InstallError(
            f"cannot tell the releases of {target.package[name]}: {failed}"
        ) from failed


def _plain(target: Target) -> Environment:
    """For a target that no package stands for: a program, or our own reader."""
    program = target.command[0]
    if "{" not in program and shutil.which(program) is None:
        raise MissingError(
            f"{program} of target {target.name} is not on this machine",
            hint=f"install it, or set 'command' in {target.source}",
        )
    version = replayfuzz.__version__ if target.name == "reference" else ""
    return Environment(sys.executable, version)


def _built(target: Target, name: str) -> Environment | None:
    """The newest release that was built for a worker as it is now."""
    registry = _REGISTRIES[name]
    same = _same(target, name)
    found = [(told["version"], folder) for folder, told in finished() if told.get("same") == same]
    for version, folder in sorted(found, key=lambda each: numbers(each[0]), reverse=True):
        if use(folder) and registry.version(folder, target) == version:
            return registry.environment(folder, version)
    return None


def _same(target: Target, name: str) -> str:
    """Environments that differ in the release alone have this in common."""
    words = (name, target.package[name], *target.needs, *_REGISTRIES[name].recipe(target))
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _key(name: str, wanted: Requirement, content: tuple[str, ...]) -> str:
    """Folder name: readable, and different for everything that can differ inside."""
    # "The newest" is another release tomorrow; an exact one never is.
    day = "" if wanted.version else dt.datetime.now(dt.UTC).date().isoformat()
    digest = hashlib.sha256("\n".join([*content, day]).encode()).hexdigest()
    package = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted.package).strip("-")
    shown = package if name == "pypi" else f"{name}-{package}"
    return f"{shown}-{wanted.version or 'newest'}-{digest[:12]}"


def _build(folder: Path, target: Target, requirements: tuple[str, ...]) -> str:
    """Build beside the place and move it there; under the lock, so leftovers are nobody's."""
    name = registry_of(target)
    registry = _REGISTRIES[name]
    fresh = folder.with_name(f"{folder.name}.new")
    for old in (fresh, folder):
        shutil.rmtree(old, ignore_errors=True)
    try:
        registry.install(fresh, target, requirements)
    except InstallFailedError as failed:
        shutil.rmtree(fresh, ignore_errors=True)
        raise InstallError(f"cannot install {requirements[0]} for --with: {failed}") from failed
    version = registry.version(fresh, target)
    if version is None:
        raise InstallError(
            f"{requirements[0]} was installed, but it cannot be run; look at {fresh}"
        )
    told = {"requirements": requirements, "version": version, "same": _same(target, name)}
    (fresh / MARK).write_text(json.dumps(told))
    fresh.rename(folder)
    return version
