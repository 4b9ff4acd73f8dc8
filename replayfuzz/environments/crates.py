"""Rust crates: a worker that is compiled with a release."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from replayfuzz import programs
from replayfuzz.environments import compiled
from replayfuzz.environments.cache import cache, locked, use
from replayfuzz.environments.companions import companions, settled
from replayfuzz.environments.compiled import environment
from replayfuzz.environments.environment import Environment
from replayfuzz.environments.requirement import Requirement, stable
from replayfuzz.installer import InstallFailedError, run
from replayfuzz.target import Target

__all__ = [
    "environment",
    "install",
    "installed",
    "recipe",
    "releases",
    "requirements",
    "tool",
    "version",
]
_BUILD = ("cargo", "build", "--release", "--quiet", "--message-format=json-render-diagnostics")


def installed(target: Target) -> Environment:
    """A compiled worker is never part of a machine.

    Raises:
        MissingError: Always: Rust is not here, or there is nothing but what was built.
    """
    tool()
    raise compiled.missing(target, target.package["crates"])


def recipe(target: Target) -> tuple[str, ...]:
    """See ``compiled.recipe``."""
    return compiled.recipe(target, "cargo")


def requirements(target: Target, wanted: Requirement) -> tuple[str, ...]:
    """What the worker is compiled with, in the words of ``cargo add``.

    Raises:
        InstallFailedError: The newest release is wanted, and cannot be told.
        TargetError: The declaration asks for two versions of one crate.
    """
    newest = wanted.version or (releases(target) or ("*",))[-1]
    crate = f"{target.package['crates']}@={newest}"
    return (crate, *companions(target, newest))


def tool() -> str:
    """Name of what installs.

    Raises:
        MissingError: It is not here.
    """
    programs.need("cargo")
    return "cargo"


def install(folder: Path, target: Target, wanted: tuple[str, ...]) -> None:
    """Compile the worker of *target* with *wanted*.

    Raises:
        InstallFailedError: A crate cannot be had, or the worker does not compile with it.
    """
    place = compiled.copy(target, folder)
    for each in settled(wanted):
        run(("cargo", "add", "--quiet", each), place)
    shared = cache() / "cargo"  # crates that several workers need are compiled once
    with locked(shared):
        use(shared)
        told = run(_BUILD, place, {"CARGO_TARGET_DIR": str(shared)}, compiled.SECONDS)
        built = [str(row["executable"]) for row in _rows(told) if row.get("executable")]
        if not built:
            raise InstallFailedError(f"{target.build} is no program: cargo built no executable")
        shutil.copy2(built[-1], compiled.program(folder))


def version(folder: Path, target: Target) -> str | None:
    """Version of the crate in the worker of *folder*; None: there is no worker."""
    if not compiled.program(folder).is_file():
        return None
    package = target.package["crates"]
    try:
        manifest = tomllib.loads((compiled.copied(folder, target) / "Cargo.toml").read_text())
        asked = manifest["dependencies"][package]
    except (OSError, ValueError, KeyError):
        return None
    return str(asked if isinstance(asked, str) else asked.get("version", "")).lstrip("=") or None


def releases(target: Target) -> tuple[str, ...]:
    """Every release that was not yanked.

    No command of cargo lists them, so this reads what it keeps of the registry's index.

    Raises:
        MissingError: Rust is not here.
        InstallFailedError: cargo failed, or keeps its index in another way.
    """
    tool()
    package = target.package["crates"]
    with tempfile.TemporaryDirectory(prefix="replayfuzz-") as nowhere:
        run(("cargo", "info", "--quiet", package), Path(nowhere))  # brings the index up to date
    kept = sorted(_index_files(package.lower()), key=lambda file: file.stat().st_mtime)
    if not kept:
        raise InstallFailedError(f"cargo keeps no index of {package} where it did up to now")
    rows = _rows(kept[-1].read_text(encoding="utf-8", errors="replace").replace("\0", "\n"))
    return stable([str(row["vers"]) for row in rows if "vers" in row and not row.get("yanked")])


def _index_files(package: str) -> Iterator[Path]:
    """Where the sparse index has *package*: cargo's book, "Registry Index"."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    short = {1: "1", 2: "2", 3: f"3/{package[:1]}"}
    place = short.get(len(package), f"{package[:2]}/{package[2:4]}")
    yield from home.glob(f"registry/index/*/.cache/{place}/{package}")


def _rows(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects of *text*, one a line."""
    for line in text.split("\n"):
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue
