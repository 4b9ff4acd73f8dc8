"""Drives the httpx-sse package: ``connect_sse`` and ``aconnect_sse``, as its README has them."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.worker import Call, Result, Shown, serve


class HttpxSse:
    """The clients, built once."""

    def __init__(self, httpx_sse: Any) -> None:
        self._library = httpx_sse
        httpx = over_httpx.module_of(importlib.import_module("httpx_sse._api"))
        self._seat = over_httpx.Seat()
        self._sync = over_httpx.sync_client(httpx, self._seat)
        self._async = over_httpx.async_client(httpx, self._seat)

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``connect_sse``, iterated."""
        with self._library.connect_sse(self._sync, "POST", **_request(call)) as source:
            source.response.raise_for_status()
            for event in source.iter_sse():
                yield _shown(event)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``aconnect_sse``, iterated."""
        async with self._library.aconnect_sse(self._async, "POST", **_request(call)) as source:
            source.response.raise_for_status()
            async for event in source.aiter_sse():
                yield _shown(event)


def _shown(event: Any) -> Shown:
    shown: Shown = {"type": "sse", "event": event.event, "data": event.data, "id": event.id}
    return shown if event.retry is None else {**shown, "retry": event.retry}


def _request(call: Call) -> dict[str, Any]:
    url = f"{call.url or 'http://127.0.0.1'}/events"
    return {"url": url, "json": dict(call.request), "timeout": call.timeout}


def main() -> None:
    """Serve the installed httpx-sse package."""
    from importlib.metadata import version

    import httpx_sse

    serve(
        HttpxSse(httpx_sse),
        name="httpx-sse",
        version=version("httpx-sse"),
        dialects=("sse",),
        variants=("sync", "async"),
        library="httpx_sse",
        memory=True,
    )


if __name__ == "__main__":
    main()
