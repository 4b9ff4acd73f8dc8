"""Finds and reads the declarations of targets: shipped, the project's own, or a file.

A project declares its own in the working directory, in ``[tool.replayfuzz.targets.NAME]``
of pyproject.toml or ``[targets.NAME]`` of replayfuzz.toml. Its names win over shipped ones.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import replayfuzz
from replayfuzz.errors import TargetError, UsageError
from replayfuzz.target import Target, parse

SHIPPED = Path(replayfuzz.__file__).parent / "targets"
"""Folder of the declarations that come with replayfuzz."""

_PROJECT = (("replayfuzz.toml", ()), ("pyproject.toml", ("tool", "replayfuzz")))


def all_targets(folder: Path | None = None) -> tuple[Target, ...]:
    """Every target that has a name here, sorted by it.

    Args:
        folder: The project's; None: the working directory.

    Raises:
        TargetError: A declaration is not valid.
    """
    found = {target.name: target for target in map(load, sorted(SHIPPED.glob("*.toml")))}
    found.update((target.name, target) for target in _own(folder or Path.cwd()))
    return tuple(found[name] for name in sorted(found))


def find(name: str, folder: Path | None = None) -> Target:
    """The target of that name, or the one that the file of that name declares.

    Raises:
        UsageError: There is none; lists the nearest names.
        TargetError: Its declaration is not valid.
    """
    if name.endswith(".toml") or "/" in name:
        return load(Path(name))
    known = {target.name: target for target in all_targets(folder)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)
    raise UsageError(
        f"there is no target {name!r}; did you mean {' or '.join(near)}? "
        "See `replayfuzz list targets`, or give the path of a declaration (.toml)"
    )


def named_by(target: Target) -> str:
    """What ``--target`` takes for *target*: "" where its name is enough, else its file."""
    file = Path(target.source)
    known = file.suffix != ".toml" or not file.is_file() or file.parent == SHIPPED
    return "" if known else target.source


def load(file: Path) -> Target:
    """Read one declaration file.

    Raises:
        UsageError: The file cannot be read.
        TargetError: It is not a declaration.
    """
    return parse(_document(file), str(file))


def _own(folder: Path) -> Iterator[Target]:
    for name, path in _PROJECT:
        file = folder / name
        if file.is_file():
            yield from _declared_in(_document(file), path, name)


def _declared_in(document: Any, path: tuple[str, ...], source: str) -> Iterator[Target]:
    table = document
    for step in (*path, "targets"):
        table = table.get(step, {}) if isinstance(table, Mapping) else {}
    if not isinstance(table, Mapping):
        raise TargetError(f"{source}: 'targets' must hold a table for each target, by its name")
    for name, values in table.items():
        where = f"{source}: targets.{name}"
        if not isinstance(values, Mapping):
            raise TargetError(f"{where} is not a table; see README, 'Your own target'")
        yield parse({"target": {"name": name, **values}}, where)


def _document(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{file}: {error.strerror}; a target is a name of `replayfuzz list targets` "
            "or the path of its declaration"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{file}: {error}; a declaration is TOML") from error
