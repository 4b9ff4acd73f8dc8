"""Drives the mistralai package (1.0 and later): ``chat.stream`` and ``chat.stream_async``."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.chat_chunks import Chunks
from replayfuzz.targets.shown import look
from replayfuzz.worker import Call, Result, Shown, serve

_NOWHERE = "http://127.0.0.1"  # memory delivery never connects
_UNNAMED = "null"  # what the model of a tool call shows where no id was sent


class Mistral:
    """The client, built once; where it calls and for how long is told with each call."""

    def __init__(self, package: str) -> None:
        sdk = importlib.import_module(f"{package}.sdk")
        httpx = over_httpx.module_of(sdk)
        self._seat = over_httpx.Seat()
        self._client = sdk.Mistral(
            api_key="replayfuzz",
            client=over_httpx.sync_client(httpx, self._seat),
            async_client=over_httpx.async_client(httpx, self._seat),
        )

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``chat.stream()``, iterated."""
        chunks = Chunks()
        with self._client.chat.stream(**_request(call)) as stream:
            for event in stream:
                yield from _named(chunks.shown(event.data))

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``chat.stream_async()``, iterated."""
        chunks = Chunks()
        async with await self._client.chat.stream_async(**_request(call)) as stream:
            async for event in stream:
                for shown in _named(chunks.shown(event.data)):
                    yield shown


def _named(events: Iterator[Shown]) -> Iterator[Shown]:
    """*events* without the id that stands for none."""
    for event in events:
        if event.get("id") == _UNNAMED:
            del event["id"]
        yield event


def _request(call: Call) -> dict[str, Any]:
    return {
        "model": call.request.get("model", "mistral-small-latest"),
        "messages": call.request.get("messages", [{"role": "user", "content": "Hello"}]),
        "server_url": call.url or _NOWHERE,
        "timeout_ms": int(call.timeout * 1000),
    }


def _package() -> str:
    """Where the client is: in ``mistralai`` itself before 2.0, in ``mistralai.client`` since."""
    import mistralai

    return "mistralai" if look(mistralai, "Mistral") else "mistralai.client"


def main() -> None:
    """Serve the installed mistralai package."""
    from importlib.metadata import version

    serve(
        Mistral(_package()),
        name="mistralai-python",
        version=version("mistralai"),
        dialects=("mistral.chat",),
        variants=("sync", "async"),
        library="mistralai",
        memory=True,
    )


if __name__ == "__main__":
    main()
