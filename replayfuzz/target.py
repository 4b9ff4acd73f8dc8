"""What a target is: a declaration read from TOML (``targets/<name>.toml``). Values only.

Files are found and opened in ``store``; processes are started in ``drive``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from replayfuzz.daemon import Daemon, parse_daemon
from replayfuzz.errors import TargetError

Kind = Literal["parser", "daemon", "gateway", "worker", "server"]


@dataclass(frozen=True, slots=True)
class Pin:
    """Packages that releases of the target's package below *below* need beside them."""

    below: str
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads or forwards streams.

    Attributes:
        name: As on the command line.
        kind: How it is driven.
        dialects: Dialects that it reads; ``sse`` and ``ndjson`` for raw readers.
        variants: Paths through the library that a user takes; each is fuzzed.
        command: Program and arguments; ``{python}`` is the interpreter of its environment.
        package: Registry (``pypi``, ``npm``, …) to package name; ``--with`` replaces it.
        needs: Requirements that an isolated environment gets besides the package.
        pins: Extra requirements of old releases.
        reports: Event types that a variant shows to its caller; a rule about any other
            type does not apply. Keys are a variant, ``@<dialect>`` or ``<variant>@<dialect>``;
            "*" is for all that is not named.
        expect: Accepted deviations, ``<invariant>[/<case>]`` to the reason. A key may
            end in ``@<variant>`` or ``@<dialect>`` to hold for that one only.
        source: File that declares it, as shown to people.
        requires: Name of the import (Python) that tells whether it is installed.
        daemon: How it is built, started and read, for the kind ``daemon``; else None.
        build: Folder beside the declaration that holds the source of a compiled worker
            (a Go module or a Cargo package); "" where nothing is compiled.
        choices: How many choices (candidates) a call through it can ask for; 0: any number.
            Nobody is held to a stream with more: no caller of it ever gets one.
    """

    name: str
    kind: Kind
    dialects: tuple[str, ...]
    variants: tuple[str, ...]
    command: tuple[str, ...]
    package: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    reports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expect: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    requires: str = ""
    daemon: Daemon | None = None
    build: str = ""
    choices: int = 0

    def shown_by(self, variant: str, dialect: str = "") -> frozenset[str] | None:
        """Event types that *variant* reports of streams of *dialect*; None: every type."""
        keys = (f"{variant}@{dialect}", f"@{dialect}", variant, "*")
        listed = next((self.reports[key] for key in keys if key in self.reports), None)
        return None if listed is None else frozenset(listed)

    def accepts(self, name: str, variant: str, dialect: str = "") -> str | None:
        """The reason for which a deviation is accepted, or None.

        Args:
            name: ``<invariant>`` or ``<invariant>/<case>``.
            variant: The variant that deviated.
            dialect: Of the stream on which it did.
        """
        invariant = name.partition("/")[0]
        scopes = (f"@{variant}", f"@{dialect}", "")
        keys = (f"{rule}{scope}" for scope in scopes for rule in (name, invariant))
        return next((self.expect[key] for key in keys if key in self.expect), None)


_KEYS = {
    "name", "kind", "dialects", "variants", "command", "package", "needs", "pins",
    "reports", "expect", "requires", "daemon", "build", "choices",
}  # fmt: skip


def parse(document: Mapping[str, Any], source: str) -> Target:
    """Read a declaration: the ``[target]`` table of a TOML document.

    Raises:
        TargetError: A key is missing, unknown or of the wrong type; names *source*.
    """
    table = document.get("target")
    if not isinstance(table, Mapping):
        raise TargetError(f"{source}: there is no [target] table; see README, 'Your own target'")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise TargetError(
            f"{source}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}"
        )
    name, kind = table.get("name"), table.get("kind", "parser")
    if not isinstance(name, str) or not name:
        raise TargetError(f"{source}: 'name' must be a non-empty string")
    if kind not in get_args(Kind):
        raise TargetError(f"{source}: kind {kind!r} is not one of {', '.join(get_args(Kind))}")
    if ("daemon" in table) != (kind == "daemon"):
        raise TargetError(
            f"{source}: a target of kind 'daemon' has a [target.daemon] table, and no other has; "
            "see README, 'Your own daemon'"
        )
    return Target(
        name,
        kind,
        _words(table, "dialects", source, required=True),
        _words(table, "variants", source) or ("default",),
        _words(table, "command", source, required=True),
        package=_texts(table, "package", source),
        needs=_words(table, "needs", source),
        pins=tuple(_pin(item, source) for item in table.get("pins", [])),
        reports=_reports(table.get("reports", {}), source),
        expect=_texts(table, "expect", source),
        source=source,
        requires=str(table.get("requires", "")),
        daemon=parse_daemon(table["daemon"], source) if kind == "daemon" else None,
        build=str(table.get("build", "")),
        choices=_count(table, "choices", source),
    )


def _count(table: Mapping[str, Any], key: str, source: str) -> int:
    value = table.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TargetError(f"{source}: {key!r} must be a whole number, 0 or more")
    return value


def _words(
    table: Mapping[str, Any], key: str, source: str, *, required: bool = False
) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TargetError(f"{source}: {key!r} must be a list of strings")
    if required and not value:
        raise TargetError(f"{source}: {key!r} is missing or empty")
    return tuple(value)


def _texts(table: Mapping[str, Any], key: str, source: str) -> dict[str, str]:
    value = table.get(key, {})
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise TargetError(f"{source}: {key!r} must be a table of strings")
    return dict(value)


def _pin(item: object, source: str) -> Pin:
    if isinstance(item, Mapping) and isinstance(item.get("below"), str):
        return Pin(item["below"], _words(item, "also", source, required=True))
    raise TargetError(
        f"{source}: a pin is {{below = VERSION, also = [REQUIREMENT, …]}}, not {item!r}"
    )


def _reports(value: object, source: str) -> dict[str, tuple[str, ...]]:
    table = {"*": value} if isinstance(value, list) else value
    if not isinstance(table, Mapping):
        raise TargetError(f"{source}: 'reports' must be a list, or a table of lists by variant")
    return {variant: _words(table, variant, source) for variant in table}
