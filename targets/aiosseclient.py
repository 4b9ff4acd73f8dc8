"""Drives the aiosseclient package: ``aiosseclient(url)``, iterated."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

from replayfuzz.targets.event_source import serve_events
from replayfuzz.worker import Call, Shown


class AioSseClient:
    """A call of the library's one function, with the options that this release has."""

    def __init__(self, library: Any) -> None:
        self._stream = library.aiosseclient
        self._known = inspect.signature(library.aiosseclient).parameters

    async def __call__(self, call: Call) -> AsyncIterator[Shown]:
        wanted = {"timeout_total": call.timeout, "raise_for_status": True}
        options = {name: value for name, value in wanted.items() if name in self._known}
        async for event in self._stream(f"{call.url}/events", **options):
            yield _shown(event)


def _shown(event: Any) -> Shown:
    # What it tells of a reconnection time is only that there was one.
    shown: Shown = {"type": "sse", "event": event.event, "data": event.data}
    return shown if event.id is None else {**shown, "id": event.id}


def main() -> None:
    """Serve the installed aiosseclient package."""
    import aiosseclient

    serve_events(AioSseClient(aiosseclient), "aiosseclient", library="aiosseclient")


if __name__ == "__main__":
    main()
