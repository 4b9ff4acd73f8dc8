"""npm packages: the ``node_modules`` of the working directory, or a folder for a release.

Each folder has ``load.mjs``, a module that imports from where it lies, so that one worker
program reads with whichever release ``REPLAYFUZZ_MODULES`` names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import re
import sys
from pathlib import Path

from replayfuzz import programs
from replayfuzz.environments.cache import writable
from replayfuzz.environments.companions import companions, name_of, settled
from replayfuzz.environments.environment import Environment
from replayfuzz.environments.requirement import Requirement, stable
from replayfuzz.errors import MissingError
from replayfuzz.installer import run
from replayfuzz.target import Target

_OLDEST = 18  # Node: the first that has fetch
_LOAD = """\
import { createRequire } from 'node:module'

export const require = createRequire(import.meta.url)
export const load = (name) => import(name)
"""
# Scripts of packages are not ours to run. The newest packages declare a Node that is newer
# than many machines have, and work on it all the same: npm warns.
_INSTALL = (
    "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock",
    "--no-progress", "--loglevel=error", "--logs-max=0", "--engine-strict=false",
    "--install-links=false",
)  # fmt: skip


def installed(target: Target) -> Environment:
    """The nearest ``node_modules`` that has the library, upwards from the working directory.

    Raises:
        MissingError: There is no Node, or there is none.
    """
    _node()
    package = target.package["npm"]
    wanted = (package, *map(name_of, target.needs))
    here = Path.cwd()
    for folder in (here, *here.parents):
        modules = folder / "node_modules"
        found = _read_version(modules, package)
        if found is None:
            continue
        for name in wanted:
            if not (modules / name).is_dir():
                hint = f"npm install {name}, in {folder}"
                raise MissingError(
                    f"{package} {found} is in {modules}, but {name} is not", hint=hint
                )
        return environment(_linked(modules), found)
    hint = f"replayfuzz fuzz --target {target.name} builds it"
    raise MissingError(f"{package} is not installed here", hint=hint)


def recipe(target: Target) -> tuple[str, ...]:
    """What decides the content besides the requirements: the machine."""
    del target
    return (f"npm {sys.platform} {platform.machine()}",)


def requirements(target: Target, wanted: Requirement) -> tuple[str, ...]:
    """What is installed, in npm's words.

    Raises:
        TargetError: The declaration asks for two versions of one package.
    """
    package = f"{target.package['npm']}@{wanted.version or 'latest'}"
    return (package, *companions(target, wanted.version))


def tool() -> str:
    """Name of what installs.

    Raises:
        MissingError: It is not here, or too old.
    """
    _node()
    programs.need("npm")
    return "npm"


def install(folder: Path, target: Target, wanted: tuple[str, ...]) -> None:
    """Install *wanted* in *folder*.

    Raises:
        InstallFailedError: npm failed.
    """
    del target
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "replayfuzz-environment", "private": true}\n')
    run((*_INSTALL, *settled(wanted)), folder)
    (folder / "load.mjs").write_text(_LOAD)


def version(folder: Path, target: Target) -> str | None:
    """Version of the library in *folder*; None: it is damaged."""
    found = _read_version(folder / "node_modules", target.package["npm"])
    return found if (folder / "load.mjs").is_file() else None


def environment(folder: Path, version: str) -> Environment:
    """The modules in *folder*."""
    return Environment(sys.executable, version, {"REPLAYFUZZ_MODULES": str(folder)})


def releases(target: Target) -> tuple[str, ...]:
    """Every release.

    Raises:
        MissingError: npm is not here.
        InstallFailedError: npm failed.
    """
    tool()
    command = ("npm", "view", target.package["npm"], "versions", "--json", "--loglevel=error")
    found = json.loads(run((*command, "--logs-max=0")))
    return stable([found] if isinstance(found, str) else found)


def _node() -> None:
    programs.need("node")
    told = programs.told_version("node")
    number = re.match(r"v(\d+)", told)
    if number is None or int(number[1]) < _OLDEST:
        raise MissingError(f"node {told} is too old", hint=programs.HINTS["node"])


def _read_version(modules: Path, package: str) -> str | None:
    try:
        told = json.loads((modules / package / "package.json").read_text(encoding="utf-8"))
        return str(told["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _linked(modules: Path) -> Path:
    """A folder that holds a link to *modules*, and what loads from there."""
    with writable() as root:
        place = hashlib.sha256(str(modules).encode()).hexdigest()[:12]
        folder = root / "shims" / f"npm-{place}"
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (folder / "node_modules").symlink_to(modules)
        (folder / "load.mjs").write_text(_LOAD)
    return folder
