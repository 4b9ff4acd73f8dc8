"""Go modules: a worker that is compiled with a release."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from replayfuzz import programs
from replayfuzz.environments import compiled
from replayfuzz.environments.companions import companions, settled
from replayfuzz.environments.compiled import environment
from replayfuzz.environments.environment import Environment
from replayfuzz.environments.requirement import Requirement, stable
from replayfuzz.installer import run
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
_ALONE = {"GOWORK": "off", "GOFLAGS": "-buildvcs=false -mod=mod", "CGO_ENABLED": "0"}


def installed(target: Target) -> Environment:
    """A compiled worker is never part of a machine.

    Raises:
        MissingError: Always: Go is not here, or there is nothing but what was built.
    """
    tool()
    raise compiled.missing(target, target.package["go"])


def recipe(target: Target) -> tuple[str, ...]:
    """See ``compiled.recipe``."""
    return compiled.recipe(target, "go")


def requirements(target: Target, wanted: Requirement) -> tuple[str, ...]:
    """What the worker is compiled with, in the words of ``go get``.

    Raises:
        TargetError: The declaration asks for two versions of one module.
    """
    module = f"{target.package['go']}@{wanted.version or 'latest'}"
    return (module, *companions(target, wanted.version))


def tool() -> str:
    """Name of what installs.

    Raises:
        MissingError: It is not here.
    """
    programs.need("go")
    return "go"


def install(folder: Path, target: Target, wanted: tuple[str, ...]) -> None:
    """Compile the worker of *target* with *wanted*.

    Raises:
        InstallFailedError: A module cannot be had, or the worker does not compile with it.
    """
    place = compiled.copy(target, folder)
    run(("go", "get", *settled(wanted)), place, _ALONE)
    output = str(compiled.program(folder.absolute()))
    run(("go", "build", "-o", output, "."), place, _ALONE, compiled.SECONDS)


def version(folder: Path, target: Target) -> str | None:
    """Version of the module in the worker of *folder*; None: there is no worker."""
    if not compiled.program(folder).is_file():
        return None
    place = str(compiled.copied(folder, target))
    command = ("go", "list", "-C", place, "-m", "-f", "{{.Version}}", target.package["go"])
    return programs.asked(command).strip() or None


def releases(target: Target) -> tuple[str, ...]:
    """Every release that was not retracted.

    Raises:
        MissingError: Go is not here.
        InstallFailedError: Go failed.
    """
    tool()
    command = ("go", "list", "-m", "-versions", "-json", target.package["go"])
    with tempfile.TemporaryDirectory(prefix="replayfuzz-") as nowhere:
        found = json.loads(run(command, Path(nowhere), {"GOWORK": "off"}))
    return stable(found.get("Versions", []))
