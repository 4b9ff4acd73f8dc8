"""Python packages: this interpreter, or a virtual environment for a release.

Our own package is not installed there: a folder that holds nothing but a link to it is put
on ``PYTHONPATH``.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import sys
from pathlib import Path

import replayfuzz
from replayfuzz.environments.cache import locked, use, writable
from replayfuzz.environments.companions import pins
from replayfuzz.environments.environment import Environment
from replayfuzz.environments.requirement import Requirement, requirement, stable
from replayfuzz.errors import InstallError, MissingError
from replayfuzz.installer import installer, probe, run
from replayfuzz.target import Target

_INDEX = ("-m", "pip", "index", "versions", "--json")


def installed(target: Target) -> Environment:
    """The environment of this interpreter; see ``environments.installed``."""
    package = target.package["pypi"]
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise MissingError(f"{package} is not installed here", hint=_hint(target)) from None
    for name in (target.requires, *map(_import_name, target.needs)):
        if name and not _importable(name):
            raise MissingError(
                f"{package} {version} is here, but {name} is not", hint=_hint(target)
            )
    return Environment(sys.executable, version)


def recipe(target: Target) -> tuple[str, ...]:
    """What decides the content besides the requirements: the interpreter."""
    del target
    return (f"{sys.implementation.cache_tag} {platform.machine()} {sys.base_prefix}",)


def requirements(target: Target, wanted: Requirement) -> tuple[str, ...]:
    """What is installed, as the installer gets it."""
    return (wanted.text, *target.needs, *pins(target, wanted.version))


def tool() -> str:
    """Name of what installs."""
    return installer().name


def install(folder: Path, target: Target, wanted: tuple[str, ...]) -> None:
    """Make a virtual environment in *folder* that has *wanted*.

    Raises:
        InstallFailedError: The installer failed.
    """
    del target
    tool = installer()
    tool.create(folder)
    tool.install(_python(folder), wanted)


def version(folder: Path, target: Target) -> str | None:
    """Version of the library in *folder*; None: its interpreter does not run."""
    return probe(_python(folder), requirement(target.package["pypi"]).package)


def environment(folder: Path, version: str) -> Environment:
    """The virtual environment in *folder*."""
    with writable() as root:
        return Environment(str(_python(folder)), version, {"PYTHONPATH": str(_shim(root))})


def releases(target: Target) -> tuple[str, ...]:
    """Every release that pip would install; it leaves out what was yanked.

    Raises:
        InstallFailedError: pip failed.
        InstallError: There is no pip, nor can it be had.
    """
    output = run((_with_pip(), *_INDEX, target.package["pypi"]))
    return stable(json.loads(output)["versions"])


def _hint(target: Target) -> str:
    """How to get the library of *target*."""
    also = "".join(f" '{need}'" for need in target.needs)
    package = target.package["pypi"]
    return f"pip install {package}{also}, or replayfuzz fuzz --target {target.name} builds it"


def _with_pip() -> str:
    """An interpreter that has pip: ours, or one in an environment of its own."""
    if importlib.util.find_spec("pip"):
        return sys.executable
    with writable() as root:
        folder = root / "envs" / f"pip-{hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]}"
        with locked(folder):
            if probe(_python(folder), "pip") is None:
                tool = installer()
                tool.create(folder)
                tool.install(_python(folder), ("pip>=25",))
            use(folder)
    if probe(_python(folder), "pip") is None:
        raise InstallError(f"there is no pip to list releases with; look at {folder}")
    return str(_python(folder))


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _import_name(need: str) -> str:
    return requirement(need).package.replace("-", "_")


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _shim(root: Path) -> Path:
    """A folder that holds a link ``replayfuzz`` to this package, and nothing else."""
    package = Path(replayfuzz.__file__).resolve().parent
    shim = root / "shims" / hashlib.sha256(str(package).encode()).hexdigest()[:12]
    shim.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (shim / "replayfuzz").symlink_to(package)
    return shim
