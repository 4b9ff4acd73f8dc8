"""``replayfuzz doctor``: what this machine can do, and what to install for the rest."""

from __future__ import annotations

import math
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from replayfuzz import declared, environments, handoff
from replayfuzz.cli.fuzz import seconds
from replayfuzz.cli.output import put
from replayfuzz.deliver.diag import Diag
from replayfuzz.errors import MissingError, ReplayfuzzError, UsageError
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
_CLEAR = "replayfuzz doctor --clear-cache --older-than 30d removes what was not used for so long"
_UV = "uv builds the environments of --with faster: pip install 'replayfuzz[uv]'"


def doctor(
    clear_cache: Annotated[
        bool,
        typer.Option(
            "--clear-cache",
            help="Remove what was built (environments of releases, daemons) and is not in use; "
            "it is built again when it is wanted.",
        ),
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            help="With --clear-cache: only what was not used for so long, such as 30d or 12h."
        ),
    ] = None,
) -> None:
    """Say what this machine can do, and what to install for the rest."""
    if older_than and not clear_cache:
        raise UsageError("--older-than says what --clear-cache removes; give both")
    if clear_cache:
        age = seconds(older_than, "--older-than") if older_than else -math.inf
        put(_cleared(environments.clear(time.time() - age), older_than), None)
        return
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
    size = environments.size(environments.files(folder))
    built = sum(1 for _ in folder.glob("envs/*/replayfuzz.json"))
    daemons = sum(1 for _ in folder.glob("daemons/*/replayfuzz.json"))
    what = f"cache: {folder}: {built} environments, {daemons} daemons, {size / 1e6:.0f} MB"
    return (
        "ok",
        what,
        "" if not built + daemons else _CLEAR,
    )


def _cleared(done: environments.Cleared, older_than: str | None) -> str:
    """What was removed, and what stays."""
    what = ", ".join(f"{count} {kind}{'s' * (count != 1)}" for kind, count in done.removed.items())
    lines = [f"removed {what or 'nothing'} from {environments.cache()}: {done.freed / 1e6:.0f} MB"]
    if done.in_use:
        lines.append(f"kept, because in use: {done.in_use}")
    if done.recent:
        lines.append(f"kept, because used in the last {older_than}: {done.recent}")
    return "\n".join([*lines, *(f"cannot remove {each}" for each in done.failed)])


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
