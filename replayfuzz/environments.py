"""Where a target's library is: this interpreter, or an isolated one built for a release.

Built environments are cached below ``$XDG_CACHE_HOME/replayfuzz/envs`` (else
``~/.cache/…``), each under a hash of everything that decides what is in it. Two runs
that want the same one at once build it once. Our own package is not installed there: a
folder that holds nothing but a link to it is put on ``PYTHONPATH``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import replayfuzz
from replayfuzz.errors import InstallError, MissingError, UsageError
from replayfuzz.installer import Installer, InstallFailedError, installer, probe
from replayfuzz.target import Target

_MARK = "replayfuzz.json"  # written last: an environment without it was never finished
_REQUIREMENT = re.compile(
    r"^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*([=<>!~].*)?$"
)
_EXTRAS = "pip install 'replayfuzz[clients]'"


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter that has a target's library.

    Attributes:
        python: Path of the interpreter.
        version: Version of the library; "" where it has none.
        variables: Environment variables that its processes need.
        requirement: What was asked for with ``--with``; "" for this interpreter.
    """

    python: str
    version: str
    variables: Mapping[str, str] = field(default_factory=dict)
    requirement: str = ""

    def command(self, target: Target) -> tuple[str, ...]:
        """The command of *target* with ``{python}`` and ``{here}`` filled in.

        ``{here}`` is the folder of its declaration.
        """
        here = str(Path(target.source).resolve().parent)
        return tuple(
            word.replace("{python}", self.python).replace("{here}", here) for word in target.command
        )


@dataclass(frozen=True, slots=True)
class Requirement:
    """What ``--with`` names: a package, normalised, and the version it asks for.

    Attributes:
        version: The exact one (``==``), or "".
        text: As the installer gets it.
    """

    package: str
    version: str
    text: str


def requirement(text: str) -> Requirement:
    """Read ``openai==1.16.1``.

    Raises:
        UsageError: It is not a package name, with or without versions.
    """
    found = _REQUIREMENT.match(text)
    if not found:
        raise UsageError(f"--with {text!r} is no requirement; write NAME==VERSION")
    name, extras, versions = (part or "" for part in found.groups())
    exact = re.fullmatch(r"==\s*([^\s,*;]+)\s*", versions)
    # PyPI's normal form: names that differ in case, dots and dashes are one package.
    plain = re.sub(r"[-_.]+", "-", name).lower()
    spelt = plain + extras.replace(" ", "") + versions.replace(" ", "")
    return Requirement(plain, exact[1] if exact else "", spelt)


def installed(target: Target) -> Environment:
    """The environment of this interpreter.

    Raises:
        MissingError: It does not have the target's library; the hint says how to get it.
    """
    package = target.package.get("pypi")
    if package is None:
        return _plain(target)
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise MissingError(f"{package} is not installed here", hint=_EXTRAS) from None
    for name in (target.requires, *map(_import_name, target.needs)):
        if name and not _importable(name):
            raise MissingError(f"{package} {version} is here, but {name} is not", hint=_EXTRAS)
    return Environment(sys.executable, version)


def build(target: Target, text: str, say: Callable[[str], None] | None = None) -> Environment:
    """An isolated environment for the release that *text* names, built unless cached.

    Args:
        target: Its package must be the one that *text* names.
        text: A requirement such as ``openai==1.16.1``.
        say: Told in words when something is built, since that takes a while.

    Raises:
        UsageError: *text* is no requirement, or names another package.
        InstallError: The installer failed; holds its last lines and what to do.
    """
    wanted = requirement(text)
    package = target.package.get("pypi")
    if package is None or requirement(package).package != wanted.package:
        raise UsageError(
            f"--with {text} does not fit target {target.name}, whose library is "
            f"{package or 'not from PyPI'}"
        )
    requirements = (wanted.text, *target.needs, *pins(target, wanted.version))
    with _cache_folder() as root:
        folder = root / "envs" / _key(wanted, requirements)
        with _locked(folder):
            version = _version(folder, wanted.package)
            if version is None:
                version = _build(folder, requirements, wanted, say)
        variables = {"PYTHONPATH": str(_shim(root))}
    return Environment(str(_python(folder)), version, variables, wanted.text)


def cache() -> Path:
    """The folder of built environments; it can be deleted at any time."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "replayfuzz"


def pins(target: Target, version: str) -> tuple[str, ...]:
    """What release *version* needs beside it; nothing where no exact release is named."""
    if not version:
        return ()
    matching = [pin for pin in target.pins if _release(version) < _release(pin.below)]
    return tuple(also for pin in matching for also in pin.also)


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version; pre-releases count as the release, which pins can bear."""
    numbers = re.match(r"[vV]?(\d+(?:\.\d+)*)", version)
    parts = [int(part) for part in numbers[1].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _plain(target: Target) -> Environment:
    """For a target that no Python package stands for: a program, or our own reader."""
    program = target.command[0]
    if "{" not in program and shutil.which(program) is None:
        raise MissingError(
            f"{program} of target {target.name} is not on this machine",
            hint=f"install it, or set 'command' in {target.source}",
        )
    version = replayfuzz.__version__ if target.name == "reference" else ""
    return Environment(sys.executable, version)


def _import_name(need: str) -> str:
    return requirement(need).package.replace("-", "_")


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


@contextlib.contextmanager
def _cache_folder() -> Iterator[Path]:
    folder = cache()
    try:
        (folder / "envs").mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as error:
        raise InstallError(
            f"{error.filename or folder}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error


def _key(wanted: Requirement, requirements: tuple[str, ...]) -> str:
    """Folder name: readable, and different for everything that can differ inside."""
    python = f"{sys.implementation.cache_tag} {platform.machine()} {sys.base_prefix}"
    # "The newest" is another release tomorrow; an exact one never is.
    day = "" if wanted.version else dt.datetime.now(dt.UTC).date().isoformat()
    digest = hashlib.sha256("\n".join([*requirements, python, day]).encode()).hexdigest()
    return f"{wanted.package}-{wanted.version or 'newest'}-{digest[:12]}"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one process at a time looks at *folder* and builds it; the kernel ends the lock."""
    with (folder.parent / f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _version(folder: Path, package: str) -> str | None:
    """Version of *package* in a finished and working environment, else None."""
    if not (folder / _MARK).is_file():
        return None
    return probe(_python(folder), package)


def _build(
    folder: Path,
    requirements: tuple[str, ...],
    wanted: Requirement,
    say: Callable[[str], None] | None,
) -> str:
    """Build beside the place and move it there; under the lock, so leftovers are nobody's."""
    fresh = folder.with_name(f"{folder.name}.new")
    for old in (fresh, folder):
        shutil.rmtree(old, ignore_errors=True)
    tool = installer()
    if say is not None:
        say(f"building an environment for {', '.join(requirements)} with {tool.name}")
    try:
        _install(tool, fresh, requirements)
    except InstallFailedError as failed:
        shutil.rmtree(fresh, ignore_errors=True)
        raise InstallError(f"cannot install {wanted.text} for --with: {failed}") from failed
    version = probe(_python(fresh), wanted.package)
    if version is None:
        raise InstallError(
            f"{wanted.text} was installed, but its interpreter does not run; look at {fresh}"
        )
    (fresh / _MARK).write_text(json.dumps({"requirements": requirements, "version": version}))
    fresh.rename(folder)
    return version


def _install(tool: Installer, folder: Path, requirements: tuple[str, ...]) -> None:
    tool.create(folder)
    tool.install(_python(folder), requirements)


def _shim(root: Path) -> Path:
    """A folder that holds a link ``replayfuzz`` to this package, and nothing else."""
    package = Path(replayfuzz.__file__).resolve().parent
    shim = root / "shims" / hashlib.sha256(str(package).encode()).hexdigest()[:12]
    shim.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (shim / "replayfuzz").symlink_to(package)
    return shim
