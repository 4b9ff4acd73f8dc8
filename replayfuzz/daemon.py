"""What a daemon's declaration says besides ``target.Target``: the ``[target.daemon]`` table.

A daemon receives a client's socket over a Unix socket (SCM_RIGHTS), calls its upstream, and
writes the response to the client. Values only; ``handoff`` builds, starts and drives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from replayfuzz.errors import TargetError

Upstream = Literal["http/1.1", "h2c", "h2", "https"]
"""How a variant calls its upstream: HTTP/1.1; HTTP/2 with prior knowledge; HTTP/2 over TLS
(ALPN h2); HTTP/1.1 over TLS."""

Output = Literal["simplified", "full"]
"""Form of its events: ``{"content": …}`` and ``{"error": …}``, or chunks of the provider's API."""

_UPSTREAMS: tuple[Upstream, ...] = get_args(Upstream)
_OUTPUTS: tuple[Output, ...] = get_args(Output)


@dataclass(frozen=True, slots=True)
class Way:
    """One variant: how it reaches its upstream.

    Attributes:
        upstream: Protocol that it speaks to the upstream.
        environment: Variables besides those of all variants.
    """

    upstream: Upstream = "http/1.1"
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Daemon:
    """How a daemon is built, started and read.

    In ``build``, the target's ``command`` and all environments, these are filled in:
    ``{here}`` folder of the declaration, ``{build}`` folder for build results, ``{python}``
    our interpreter, ``{socket}`` path of the Unix socket, ``{upstream}`` base URL of the
    upstream without a path (``http://127.0.0.1:PORT``).

    Attributes:
        build: Command of the build step, run in ``{here}``; () when there is none.
        sources: Files and globs below ``{here}`` that the build depends on.
        needs: Programs that must be on PATH; ``php:EXTENSION`` for a PHP extension,
            ``php-file:PATH`` for a file on PHP's include_path, ``pkg:LIBRARY`` for one that
            pkg-config knows, ``python:MODULE`` for a module.
        hint: What to install where one of them is missing.
        ready: ``socket``: it listens there; else a regular expression for a line that it writes.
        ready_seconds: How long that may take.
        output: Form of its events.
        status: Of a response to a hand-off that went well.
        fields: Header fields that every such response has.
        payload: Keys of the payload that reach the upstream.
        coding: Content codings that it decodes though it may not ask for them.
        environment: Variables of every variant; *ways*: what differs, by variant.
    """

    build: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    hint: str = ""
    ready: str = "socket"
    ready_seconds: float = 10.0
    output: Output = "simplified"
    status: int = 200
    fields: Mapping[str, str] = field(default_factory=dict)
    payload: tuple[str, ...] = ("prompt",)
    coding: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, Way] = field(default_factory=dict)

    def way(self, variant: str) -> Way:
        """How *variant* reaches its upstream; HTTP/1.1 where nothing is said."""
        return self.ways.get(variant, Way())

    def protocol(self, variant: str) -> Literal["http/1.1", "h2"]:
        """The version of HTTP that *variant* speaks to its upstream."""
        return "h2" if self.way(variant).upstream in {"h2", "h2c"} else "http/1.1"


_KEYS: dict[str, type | tuple[type, ...]] = {
    "build": list, "sources": list, "needs": list, "hint": str, "ready": str,
    "ready_seconds": (int, float), "output": str, "status": int, "fields": dict,
    "payload": list, "coding": list, "environment": dict, "variants": dict,
}  # fmt: skip


def parse_daemon(table: object, source: str) -> Daemon:
    """Read ``[target.daemon]``.

    Raises:
        TargetError: A key is unknown or of the wrong type; names *source*.
    """
    if not isinstance(table, Mapping):
        raise TargetError(f"{source}: 'daemon' must be a table; see README, 'Your own daemon'")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise TargetError(
                f"{source}: daemon has no key {key!r}; known are {', '.join(sorted(_KEYS))}"
            )
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise TargetError(f"{source}: daemon.{key} is {value!r}, which is of the wrong type")
        values[key] = value
    for key in ("build", "sources", "needs", "payload", "coding"):
        if key in values:
            values[key] = _words(values[key], f"daemon.{key}", source)
    for key in ("fields", "environment"):
        if key in values:
            values[key] = _texts(values[key], f"daemon.{key}", source)
    values["ways"] = {
        name: _way(item, f"daemon.variants.{name}", source)
        for name, item in values.pop("variants", {}).items()
    }
    if values.get("output", "simplified") not in _OUTPUTS:
        raise TargetError(f"{source}: daemon.output is not one of {', '.join(_OUTPUTS)}")
    return Daemon(**values)


def _way(item: object, where: str, source: str) -> Way:
    if not isinstance(item, Mapping) or set(item) - {"upstream", "environment"}:
        raise TargetError(f"{source}: {where} takes 'upstream' and 'environment', nothing else")
    upstream = item.get("upstream", "http/1.1")
    if upstream not in _UPSTREAMS:
        raise TargetError(
            f"{source}: {where}.upstream {upstream!r} is not one of {', '.join(_UPSTREAMS)}"
        )
    return Way(upstream, _texts(item.get("environment", {}), f"{where}.environment", source))


def _words(value: list[Any], where: str, source: str) -> tuple[str, ...]:
    if not all(isinstance(item, str) for item in value):
        raise TargetError(f"{source}: {where} must be a list of strings")
    return tuple(value)


def _texts(value: object, where: str, source: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise TargetError(f"{source}: {where} must be a table of strings")
    return dict(value)
