"""``replayfuzz doctor``: what this machine can do, and what to install for the rest."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from replayfuzz import declared, environments, handoff
from replayfuzz.cli.output import put
from replayfuzz.deliver.diag import Diag
from replayfuzz.errors import MissingError, ReplayfuzzError
from replayfuzz.installer import installer
from replayfuzz.programs import HINTS
from replayfuzz.target import Target

_TOOLCHAINS = {
    "node": f"targets in JavaScript: {HINTS['node']}",
    "npm": f"targets in JavaScript: {HINTS['npm']}",
    "go": f"targets in Go: {HINTS['go']}",
    "cargo": f"targets in Rust: {HINTS['cargo']}",
    "cc": "targets in C: install your system's package gcc",
    "php": "targets in PHP: install your system's package php-cli",
}
_UV = "uv builds the environments of --with faster: pip install 'replayfuzz[uv]'"


def doctor() -> None:
    """Say what this machine can do, and what to install for the rest."""
    lines = []
    for state, what, hint in _checks():
        lines += [f"{state:5} {what}", *([f"      {hint}"] if hint else [])]
    put("\n".join(lines), None)


def _checks() -> Iterator[tuple[str, str, str]]:
    yield "ok", f"Python {platform.python_version()} ({sys.executable})", ""
    yield _lock_step()
    tool = installer()
    yield (
        "ok",
        f"installer for --with: {tool.name} ({tool.program})",
        "" if tool.name == "uv" else _UV,
    )
    yield _cache()
    for name, use in _TOOLCHAINS.items():
        found = shutil.which(name)
        yield ("ok", f"{name} ({found})", "") if found else ("skip", f"{name} is not here", use)
    yield from _targets()


def _targets() -> Iterator[tuple[str, str, str]]:
    try:
        targets = declared.all_targets()
    except ReplayfuzzError as error:
        yield "bad", f"targets: {error}", ""
        return
    for target in targets:
        try:
            daemon = target.kind == "daemon"
            version = _daemon(target) if daemon else environments.installed(target).version
        except MissingError as error:
            yield "skip", f"target {target.name}: {str(error).partition('; ')[0]}", error.hint
        except ReplayfuzzError as error:
            yield "bad", f"target {target.name}: {error}", ""
        else:
            yield "ok", f"target {target.name} {version}".rstrip(), ""


def _daemon(target: Target) -> str:
    toolchain = handoff.toolchain(target)
    build = target.daemon.build if target.daemon else ()
    state = "built" if handoff.built(target) else "built on first use"
    words = ", ".join(filter(None, (toolchain, state if build else "")))
    return f"({words})" if words else ""


def _cache() -> tuple[str, str, str]:
    folder = environments.cache()
    # A file of the installer's own cache may be linked into several environments.
    size = sum({(each.st_dev, each.st_ino): each.st_size for each in _files(folder)}.values())
    built = sum(1 for _ in folder.glob("envs/*/replayfuzz.json"))
    daemons = sum(1 for _ in folder.glob("daemons/*/replayfuzz.json"))
    what = f"cache: {folder}: {built} environments, {daemons} daemons, {size / 1e6:.0f} MB"
    return (
        "ok",
        what,
        "" if not built + daemons else "it can be deleted at any time, and is built again",
    )


def _files(folder: Path) -> Iterator[os.stat_result]:
    """Every file below *folder*; another run may build or remove environments meanwhile."""
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                yield Path(place, name).lstat()


def _usable() -> bool:
    with Diag() as diag:
        return diag.usable


def _lock_step() -> tuple[str, str, str]:
    if _usable():
        return "ok", "lock-step delivery: the kernel tells what a peer has read", ""
    return (
        "warn",
        "lock-step delivery is not available (no NETLINK_SOCK_DIAG)",
        "boundaries are kept apart by pauses instead, and reported as not verified",
    )
