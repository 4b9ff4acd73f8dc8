"""A project's settings: ``[tool.replayfuzz]`` of pyproject.toml, or replayfuzz.toml.

Read from the working directory only, so that what a command does depends on where it is
run and on nothing above. A command-line option wins over a setting.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from replayfuzz.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults for the options of ``fuzz`` and ``test``; None and () mean: not set.

    Attributes:
        target: Names or files of the targets to fuzz.
        cassettes: Files, folders or globs.
        dialect: Only these dialects.
        time: Budget such as ``60s`` or ``5m``; *examples*: budget in examples.
        seed: Decides everything that is chosen at random.
        jobs: Processes.
        findings: Folder that findings are written to.
        scenarios: Files and folders of scenarios of the project's own.
        source: File that the settings came from; empty: none.
    """

    target: tuple[str, ...] = ()
    cassettes: tuple[str, ...] = ()
    dialect: tuple[str, ...] = ()
    time: str | None = None
    examples: int | None = None
    seed: int | None = None
    jobs: int | None = None
    findings: str | None = None
    scenarios: tuple[str, ...] = ()
    source: str = ""


_TYPES: dict[str, type] = {
    "target": list,
    "cassettes": list,
    "dialect": list,
    "time": str,
    "examples": int,
    "seed": int,
    "jobs": int,
    "findings": str,
    "scenarios": list,
}
# Declarations of targets stand in the same table; ``declared`` reads them.
_ELSEWHERE = {"targets"}


def load(folder: Path) -> Settings:
    """Read the settings of the project in *folder*; replayfuzz.toml wins over pyproject.toml.

    Raises:
        UsageError: The file is not TOML, or a setting is unknown or of the wrong type.
    """
    for name, path in (("replayfuzz.toml", ()), ("pyproject.toml", ("tool", "replayfuzz"))):
        file = folder / name
        if not file.is_file():
            continue
        table = _table(file, path)
        if table is not None:
            return _settings(table, name)
    return Settings()


def _table(file: Path, path: tuple[str, ...]) -> Mapping[str, Any] | None:
    try:
        table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file.name}: {error}; settings are TOML, see README") from error
    for step in path:
        table = table.get(step)
        if table is None:
            return None
    if not isinstance(table, Mapping):
        raise UsageError(f"{file.name}: {'.'.join(path)} is not a table; see README")
    return table


def _settings(table: Mapping[str, Any], source: str) -> Settings:
    known = {item.name for item in fields(Settings)} - {"source"}
    values: dict[str, Any] = {"source": source}
    for name, value in table.items():
        if name in _ELSEWHERE:
            continue
        if name not in known:
            raise UsageError(
                f"{source}: unknown setting {name!r}; known are {', '.join(sorted(known))}"
            )
        kind = _TYPES[name]
        if kind is list and isinstance(value, str):
            value = [value]  # noqa: PLW2901 - one name needs no list
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UsageError(f"{source}: setting {name!r} is {value!r}, not a {kind.__name__}")
        values[name] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)
