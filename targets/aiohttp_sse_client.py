"""Drives the aiohttp-sse-client package: one connection of its ``EventSource``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from replayfuzz.worker import Call, Shown, serve


class _EndedError(Exception):
    """Raised by the user's own ``on_error``, who wants one stream and no reconnection."""


class AiohttpSseClient:
    """An event source for each call, with a session of its own."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __call__(self, call: Call) -> AsyncIterator[Shown]:
        try:
            async with self._source(call) as source:
                async for event in source:
                    yield _shown(event)
        except _EndedError:
            return

    def _source(self, call: Call) -> Any:
        opened = False

        def began() -> None:
            nonlocal opened
            opened = True

        def ended() -> None:
            if opened:  # before that it is told by an exception
                raise _EndedError

        import aiohttp

        return self._client.EventSource(
            f"{call.url}/events",
            option={"method": "POST"},
            max_connect_retry=0,
            on_open=began,
            on_error=ended,
            json=dict(call.request),
            headers={},  # 0.1 fails where there are none
            timeout=aiohttp.ClientTimeout(sock_read=call.timeout, sock_connect=call.timeout),
        )


def _shown(event: Any) -> Shown:
    # The type of an event without a name is None, as its documentation has it.
    shown = {"event": event.type or "message", "data": event.data, "id": event.last_event_id}
    return {"type": "sse", **shown}


def main() -> None:
    """Serve the installed aiohttp-sse-client package."""
    from importlib.metadata import version

    from aiohttp_sse_client import client

    serve(
        AiohttpSseClient(client),
        name="aiohttp-sse-client",
        version=version("aiohttp-sse-client"),
        dialects=("sse",),
        library="aiohttp_sse_client",
    )


if __name__ == "__main__":
    main()
