"""What ``--with`` asks for, in each registry's terms. Values only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from replayfuzz.errors import UsageError
from replayfuzz.target import Target

_PYPI = re.compile(
    r"^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*([=<>!~].*)?$"
)
_EXACT = r"\s*(?:(?:==|@)\s*([A-Za-z0-9][A-Za-z0-9.+_-]*))?\s*$"
_OTHERS: Mapping[str, re.Pattern[str]] = {
    "npm": re.compile(r"^\s*((?:@[a-z0-9~_-][a-z0-9._~-]*/)?[a-zA-Z0-9~_-][\w.~-]*)" + _EXACT),
    "go": re.compile(r"^\s*([a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[\w.~-]+)*)" + _EXACT),
    "crates": re.compile(r"^\s*([A-Za-z][A-Za-z0-9_-]*)" + _EXACT),
}
REGISTRIES = ("pypi", "npm", "go", "crates")
"""Registries that an environment can be built from."""

_PREFIX = re.compile(rf"^\s*({'|'.join(REGISTRIES)}):(.*)$", re.DOTALL)
_STABLE = re.compile(r"v?\d+(?:\.\d+)*(?:\+.*)?$")


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


def prefixed(text: str) -> tuple[str, str]:
    """``npm:openai==7.5.0`` as ``("npm", "openai==7.5.0")``; "" first where nothing is named."""
    found = _PREFIX.match(text)
    return (found[1], found[2]) if found else ("", text)


def requirement(text: str, registry: str = "pypi") -> Requirement:
    """Read ``openai==1.16.1``, in the terms of *registry*.

    Raises:
        UsageError: It is not a package name, with or without a version.
    """
    if registry == "pypi":
        return _of_pypi(text)
    found = _OTHERS[registry].match(text)
    if not found:
        raise UsageError(f"--with {text!r} is no requirement; write NAME==VERSION")
    name, version = found[1], found[2] or ""
    if registry == "go" and version[:1].isdigit():
        version = f"v{version}"
    if registry == "crates":
        name = name.replace("_", "-")
    return Requirement(name, version, f"{name}=={version}" if version else name)


def registry_of(target: Target) -> str:
    """The registry of the target's library; "" where it is from none that is known."""
    return next((name for name in REGISTRIES if name in target.package), "")


def fits(text: str, target: Target) -> bool:
    """Whether *text*, as given to ``--with``, names the package of *target*."""
    named, rest = prefixed(text)
    registry = registry_of(target)
    if not registry or named not in {"", registry}:
        return False
    try:
        asked = requirement(rest, registry)
        return asked.package == requirement(target.package[registry], registry).package
    except UsageError:
        return False


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version; pre-releases count as the release, which pins can bear."""
    found = re.match(r"[vV]?(\d+(?:\.\d+)*)", version)
    parts = [int(part) for part in found[1].split(".")] if found else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def stable(versions: list[str]) -> tuple[str, ...]:
    """Those of *versions* that are no pre-releases, oldest first."""
    return tuple(sorted(filter(_STABLE.match, versions), key=numbers))


def _of_pypi(text: str) -> Requirement:
    found = _PYPI.match(text)
    if not found:
        raise UsageError(f"--with {text!r} is no requirement; write NAME==VERSION")
    name, extras, versions = (part or "" for part in found.groups())
    exact = re.fullmatch(r"==\s*([^\s,*;]+)\s*", versions)
    # PyPI's normal form: names that differ in case, dots and dashes are one package.
    plain = re.sub(r"[-_.]+", "-", name).lower()
    spelt = plain + extras.replace(" ", "") + versions.replace(" ", "")
    return Requirement(plain, exact[1] if exact else "", spelt)
