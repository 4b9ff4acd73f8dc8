"""Drives the aiosseclient package: ``aiosseclient(url)``, iterated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from replayfuzz.worker import Call, Shown, serve


class AioSseClient:
    """A call of the library's one function; it makes its own session."""

    def __init__(self, library: Any) -> None:
        self._library = library

    async def __call__(self, call: Call) -> AsyncIterator[Shown]:
        events = self._library.aiosseclient(
            f"{call.url}/events", timeout_total=call.timeout, raise_for_status=True
        )
        async for event in events:
            yield _shown(event)


def _shown(event: Any) -> Shown:
    # What it tells of a reconnection time is only that there was one.
    shown: Shown = {"type": "sse", "event": event.event, "data": event.data}
    return shown if event.id is None else {**shown, "id": event.id}


def main() -> None:
    """Serve the installed aiosseclient package."""
    from importlib.metadata import version

    import aiosseclient

    serve(
        AioSseClient(aiosseclient),
        name="aiosseclient",
        version=version("aiosseclient"),
        dialects=("sse",),
        library="aiosseclient",
    )


if __name__ == "__main__":
    main()
