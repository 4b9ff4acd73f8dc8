"""``replayfuzz doctor``: what this machine can do, and what to install for the rest."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator

import typer

from replayfuzz import declared, environments
from replayfuzz.deliver.diag import Diag
from replayfuzz.errors import MissingError

_TOOLCHAINS = {
    "uv": "builds isolated environments for --with faster (pip install uv); venv + pip serve too",
    "node": "targets in JavaScript (nodejs.org, or your system's package nodejs)",
    "go": "targets in Go (go.dev, or your system's package golang)",
    "cargo": "targets in Rust (rustup.rs, or your system's package cargo)",
}


def doctor() -> None:
    """Say what this machine can do, and what to install for the rest."""
    for state, what, hint in _checks():
        typer.echo(f"{state:5} {what}" + (f"\n      {hint}" if hint else ""))


def _checks() -> Iterator[tuple[str, str, str]]:
    yield "ok", f"Python {platform.python_version()} ({sys.executable})", ""
    yield _lock_step()
    for name, use in _TOOLCHAINS.items():
        found = shutil.which(name)
        yield ("ok", f"{name} ({found})", "") if found else ("skip", f"{name} is not here", use)
    for target in declared.all_targets():
        try:
            environment = environments.installed(target)
        except MissingError as error:
            yield "skip", f"target {target.name}: {error}", ""
        else:
            yield "ok", f"target {target.name} {environment.version}", ""


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
