"""Drives the aiohttp-sse-client package: one connection of its ``EventSource``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from replayfuzz.targets.event_source import EndedError, callbacks, message, serve_events
from replayfuzz.worker import Call, Shown


class AiohttpSseClient:
    """An event source for each call, with a session of its own."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __call__(self, call: Call) -> AsyncIterator[Shown]:
        try:
            async with self._source(call) as source:
                async for event in source:
                    # Its documentation has None for the type of an event without a name.
                    yield {**message(event), "event": event.type or "message"}
        except EndedError:
            return

    def _source(self, call: Call) -> Any:
        import aiohttp

        return self._client.EventSource(
            f"{call.url}/events",
            option={"method": "POST"},
            max_connect_retry=0,
            **callbacks(),
            json=dict(call.request),
            headers={},  # 0.1 fails where there are none
            timeout=aiohttp.ClientTimeout(sock_read=call.timeout, sock_connect=call.timeout),
        )


def main() -> None:
    """Serve the installed aiohttp-sse-client package."""
    from aiohttp_sse_client import client

    serve_events(AiohttpSseClient(client), "aiohttp-sse-client", library="aiohttp_sse_client")


if __name__ == "__main__":
    main()
