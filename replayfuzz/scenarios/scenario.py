"""What a scenario is. Values only, and the plan and payload that follow from them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from replayfuzz.cassette import Exchange
from replayfuzz.daemon import Daemon, Output
from replayfuzz.plan import End, How, Plan

DEFAULTS: Mapping[str, Any] = {"prompt": "test prompt", "user_id": 1}
"""Members of every payload; ``backend_url`` and, with a pattern, ``test_pattern`` join them."""

FAST = Plan(keep_times=False)
"""A scenario is no recording: it takes no longer than it must."""

Fds = Literal["one", "two"]
"""What travels with the payload: the client's socket, or a second descriptor behind it."""

# WHATWG HTML 9.2.5: an event ends at a blank line; lines end in CRLF, LF or CR.
_EVENT_END = re.compile(rb"(?>\r\n|\r|\n){2,}")


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion of a scenario.

    Attributes:
        name: A key of ASSERTIONS.
        value: What it wants; None for an assertion that takes nothing.
    """

    name: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer of the upstream that stands in the scenario itself."""

    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and how the upstream stops: after so many events."""

    after: int
    how: How


@dataclass(frozen=True, slots=True)
class Requires:
    """What a daemon must declare for a scenario to mean anything for it.

    Attributes:
        payload: Keys of ``daemon.payload``.
        output: The form of its events; "": any.
    """

    payload: tuple[str, ...] = ()
    output: Output | Literal[""] = ""

    def unmet(self, daemon: Daemon) -> str:
        """Why the scenario says nothing about *daemon*; empty: it applies."""
        missing = [key for key in self.payload if key not in daemon.payload]
        if missing:
            return f"the daemon does not declare the payload key {', '.join(missing)}"
        if self.output not in ("", daemon.output):
            return f"needs {self.output} output, and the daemon's is {daemon.output}"
        return ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One hand-off, one answer of the upstream, and what the client must have then.

    The upstream says *pattern*, *cassette* or *canned*, one of them; else the mock
    provider's default text. *plan* and *stop* bend it.

    Attributes:
        name, category, description: For people and for choosing.
        checks: The assertions, in order.
        strict: It asks for more than the reference runner of such daemons does.
        pattern: As in the header X-Test-Pattern: ``abort:5``.
        cassette: Name of a shipped cassette (``openai.chat/plain``), or a file.
        handoff: Members of the payload, over the default ones; ``{upstream}`` in a text of
            theirs is the upstream's base URL.
        payload: The payload as it is sent, in place of JSON; None: JSON.
        pair: The client's connection: TCP over loopback, or a Unix socket pair.
        source: File that it came from; "" for shipped ones.
    """

    name: str
    category: str
    checks: tuple[Check, ...]
    description: str = ""
    strict: bool = False
    pattern: str = ""
    cassette: str = ""
    canned: Canned | None = None
    plan: Plan = FAST
    stop: Stop | None = None
    handoff: Mapping[str, Any] = field(default_factory=dict)
    payload: str | None = None
    pair: Literal["tcp", "unix"] = "tcp"
    fds: Fds = "one"
    requires: Requires = Requires()
    source: str = ""

    def message(self, backend_url: str) -> bytes:
        """The payload of the hand-off."""
        if self.payload is not None:
            return self.payload.encode()
        given = {**DEFAULTS, "backend_url": backend_url}
        if self.pattern:
            given["test_pattern"] = self.pattern
        given.update(_filled(self.handoff, backend_url.removesuffix("/v1")))
        text = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        # As a web server's script would: half a surrogate pair has no UTF-8.
        return text.encode("utf-8", "replace")

    def bent(self, exchange: Exchange) -> Plan:
        """The plan for *exchange*, with the stop in it."""
        if self.stop is None:
            return self.plan
        ends = [found.end() for found in _EVENT_END.finditer(exchange.body)]
        at = [0, *ends][min(self.stop.after, len(ends))]
        return replace(self.plan, edits=(*self.plan.edits, End(at, self.stop.how)))


def _filled(value: Any, upstream: str) -> Any:
    """*value* with the upstream's base URL filled in."""
    if isinstance(value, str):
        return value.replace("{upstream}", upstream)
    if isinstance(value, Mapping):
        return {name: _filled(item, upstream) for name, item in value.items()}
    return [_filled(item, upstream) for item in value] if isinstance(value, list) else value


def canned_exchange(canned: Canned, name: str) -> Exchange:
    """The exchange of an answer that stands in a scenario."""
    named = {key.lower() for key, _ in canned.fields}
    kind = "text/event-stream" if canned.status == 200 else "application/json"
    fields = () if "content-type" in named else (("content-type", kind),)
    return Exchange(
        name=name,
        dialect="openai.chat",
        status=canned.status,
        fields=(*fields, *canned.fields),
        body=canned.body,
        chunks=((0.0, len(canned.body)),) if canned.body else (),
    )
