"""What a client of a daemon may expect: the oracle's outcomes, in the daemon's own terms."""

from __future__ import annotations

from dataclasses import replace

from replayfuzz.daemon import Daemon
from replayfuzz.plan import HandOff
from replayfuzz.search.daemons import payload
from replayfuzz.transcript import Event, Expected, Relay


def relayed(
    wants: tuple[Expected, ...], daemon: Daemon, handoff: HandOff, mark: str
) -> tuple[Expected, ...]:
    """Every outcome that a client may see of a stream whose reader may see *wants*.

    Args:
        wants: Outcomes for whoever reads the upstream's stream.
        daemon: Its declaration.
        handoff: How the client's socket reached it.
        mark: Prompt of an ordinary hand-off, where its payload is the default one.
    """
    if handoff.leaves is not None:
        # Only of a stream that is not over can it be seen that it was given up.
        return (_left(daemon, silent=wants[0].message_end == "open"),)
    given = payload.default(mark) if handoff.payload is None else handoff.payload
    values = payload.asked(given)
    sound = values is not None
    relay = Relay(
        daemon.status,
        tuple(daemon.fields.items()),
        tuple(payload.members(values, daemon.payload).items()) if values is not None else (),
        tuple(payload.headers(values, daemon.payload).items()) if values is not None else (),
        lenient=not sound,
    )
    found = tuple(
        replace(want, events=_in_form(want.events, daemon), relay=relay) for want in wants
    )
    if sound:
        return found
    # Nobody has to serve it: an error will do, and so will a closed connection.
    refused = Expected((), "error", strict=False, relay=relay, why="the hand-off is not sound")
    return (*found, refused)


def _in_form(events: tuple[Event, ...], daemon: Daemon) -> tuple[Event, ...]:
    """What the daemon's form can carry: the simplified one has no place for other choices."""
    if daemon.output == "full":
        return events
    kept = {"text", "error", "done"}
    return tuple(event for event in events if event.type in kept and event.get("choice") == 0)


def _left(daemon: Daemon, *, silent: bool) -> Expected:
    relay = Relay(daemon.status, left=silent, lenient=True)
    return Expected((), "truncated", message_end="open", must_end=False, strict=False, relay=relay)
