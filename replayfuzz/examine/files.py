"""Finds and reads the files of scenarios, and chooses among scenarios."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import replayfuzz.scenarios
from replayfuzz.errors import ScenarioError, UsageError
from replayfuzz.scenarios import Scenario, parse

SHIPPED = Path(replayfuzz.scenarios.__file__).parent / "data"
"""Folder of the scenarios that come with replayfuzz."""

CATEGORIES = ("basic", "unicode", "chunks", "abort", "finish")
"""Those of the reference runner, in its order; others follow by name."""


def shipped() -> tuple[Scenario, ...]:
    """The scenarios that come with replayfuzz."""
    return tuple(item for file in sorted(SHIPPED.glob("*.toml")) for item in _read(file, ""))


def load(places: Iterable[str | Path]) -> tuple[Scenario, ...]:
    """The shipped scenarios and those of *places*, by category.

    A scenario of the user's takes the place of a shipped one with its name.

    Args:
        places: Files, and folders whose ``.toml`` files are read.

    Raises:
        UsageError: A place is not there, or is a folder without such a file.
        ScenarioError: A file is not valid, or two have a scenario of the same name.
    """
    own: dict[str, Scenario] = {}
    for file in dict.fromkeys(file.resolve() for place in places for file in _files(Path(place))):
        for item in _read(file, str(file)):
            if item.name in own:
                raise ScenarioError(
                    f"{file}: scenario {item.name!r} is there already, in "
                    f"{own[item.name].source}; give one of them another name"
                )
            own[item.name] = item
    every = {**{item.name: item for item in shipped()}, **own}
    return tuple(sorted(every.values(), key=_place))


def chosen(
    scenarios: Sequence[Scenario],
    *,
    categories: Sequence[str] = (),
    names: Sequence[str] = (),
    strict: bool = True,
) -> tuple[Scenario, ...]:
    """Those of the named categories (``all``: any) and names; a scenario that is named is taken
    though it is strict.

    Raises:
        UsageError: There is no such category or name, or nothing is left.
    """
    wanted = [name for name in categories if name != "all"]
    _check("category", wanted, [item.category for item in scenarios])
    _check("scenario", names, [item.name for item in scenarios])
    found = tuple(
        item
        for item in scenarios
        if (not wanted or item.category in wanted)
        and (item.name in names if names else strict or not item.strict)
    )
    if not found:
        raise UsageError("no scenario is of that category and name; see `replayfuzz test --list`")
    return found


def _check(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, set(known), n=3, cutoff=0.5)
            meant = " or ".join(near) or ", ".join(dict.fromkeys(known))
            raise UsageError(
                f"there is no {what} {name!r}; did you mean {meant}? "
                "See `replayfuzz list scenarios`; your own are read with --scenarios"
            )


def _place(item: Scenario) -> tuple[int, str, bool]:
    if item.category in CATEGORIES:
        return CATEGORIES.index(item.category), "", item.strict
    return len(CATEGORIES), item.category, item.strict


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        found = sorted(path for path in place.rglob("*.toml") if path.is_file())
        if found:
            return found
        raise UsageError(f"scenarios: '{place}' holds no .toml file")
    if not place.is_file():
        raise UsageError(f"scenarios: '{place}' is no file and no folder; check the path")
    return [place]


def _read(file: Path, source: str) -> tuple[Scenario, ...]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{file}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"{file}: {error}; scenarios are TOML") from error
    return tuple(replace(item, source=source) for item in parse(document, str(file)))
