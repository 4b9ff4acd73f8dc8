"""What has a target's library and can run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import replayfuzz
from replayfuzz.target import Target

_JS = Path(replayfuzz.__file__).resolve().parent / "targets" / "js"


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a target's library is, and what starts a program that reads with it.

    Attributes:
        python: Path of the interpreter.
        version: Version of the library; "" where it has none.
        variables: Environment variables that its processes need.
        requirement: What was asked for with ``--with``; "" for what was here already.
        worker: Path of the program that was compiled; "" where nothing is.
    """

    python: str
    version: str
    variables: Mapping[str, str] = field(default_factory=dict)
    requirement: str = ""
    worker: str = ""

    def command(self, target: Target) -> tuple[str, ...]:
        """The command of *target*, with the places in it filled in.

        ``{python}`` is the interpreter, ``{here}`` the folder of the declaration, ``{js}``
        that of the worker for JavaScript, ``{worker}`` the compiled program.
        """
        places = {
            "{python}": self.python,
            "{here}": str(here(target)),
            "{js}": str(_JS.resolve()),
            "{worker}": self.worker,
        }
        return tuple(_filled(word, places) for word in target.command)


def here(target: Target) -> Path:
    """The folder of the declaration of *target*."""
    return Path(target.source).resolve().parent


def _filled(word: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        word = word.replace(place, value)
    return word
