"""What adapters of event sources share: one stream, though the library would ask for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from replayfuzz.worker import Adapter, Shown, serve


class EndedError(Exception):
    """Raised where the library would connect again, by a user who wants one stream."""


def callbacks() -> dict[str, Callable[[], None]]:
    """The user's own ``on_open`` and ``on_error`` for one call."""
    opened = False

    def began() -> None:
        nonlocal opened
        opened = True

    def ended() -> None:
        if opened:  # before that it is told by an exception
            raise EndedError

    return {"on_open": began, "on_error": ended}


def message(event: Any) -> Shown:
    """What a ``MessageEvent`` shows."""
    shown = {"event": event.type, "data": event.data, "id": event.last_event_id}
    return {"type": "sse", **shown}


def serve_events(adapter: Adapter, name: str, *, library: str, memory: bool = False) -> None:
    """Serve the installed package *name*, imported as *library*; never returns."""
    from importlib.metadata import version

    serve(
        adapter,
        name=name,
        version=version(name),
        dialects=("sse",),
        library=library,
        memory=memory,
    )
