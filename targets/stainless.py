"""Drives the chat completions of SDKs that are made like openai's: groq, together."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.chat_chunks import Chunks
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"
_NOWHERE = "http://127.0.0.1"  # memory delivery never connects


class Clients:
    """An SDK's two clients, built once and pointed at the server of each call.

    Args:
        module: Import name of the SDK.
        names: Its classes: the synchronous client and the asynchronous one.
        path: What its base URL ends in.
    """

    def __init__(self, module: str, names: tuple[str, str], path: str) -> None:
        library = importlib.import_module(module)
        httpx = over_httpx.module_of(importlib.import_module(f"{module}._base_client"))
        self.seat, self._path, self._url = over_httpx.Seat(), path, ""
        keys = {"api_key": _KEY, "max_retries": 0, "base_url": _NOWHERE + path}
        sync, later = (getattr(library, name) for name in names)
        self.sync = sync(http_client=over_httpx.sync_client(httpx, self.seat), **keys)
        self.later = later(http_client=over_httpx.async_client(httpx, self.seat), **keys)

    def seats(self, call: Call) -> None:
        """Whatever is asked for next belongs to *call*."""
        self.seat.call = call
        if call.url != self._url:  # setting it parses it, which takes longer than a short stream
            self._url = call.url
            for client in (self.sync, self.later):
                client.base_url = (call.url or _NOWHERE) + self._path


class Chat:
    """``chat.completions.create(stream=True)``, iterated: sync and async."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def __call__(self, call: Call) -> Result:
        self._clients.seats(call)
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """With the synchronous client."""
        chunks, chat = Chunks(), self._clients.sync.chat
        for chunk in chat.completions.create(**request(call), stream=True):
            yield from chunks.shown(chunk)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """With the asynchronous client."""
        chunks, chat = Chunks(), self._clients.later.chat
        async for chunk in await chat.completions.create(**request(call), stream=True):
            for event in chunks.shown(chunk):
                yield event


def request(call: Call) -> dict[str, Any]:
    """Arguments of ``create``; members that an old release does not know go into the body."""
    rest = {name: value for name, value in call.request.items() if name != "stream"}
    return {
        "model": rest.pop("model", "gpt-4o"),
        "messages": rest.pop("messages", [{"role": "user", "content": "Hello"}]),
        "timeout": call.timeout,
        "extra_body": rest or None,
    }


def serve_chat(name: str, clients: Clients, library: str, version: str) -> None:
    """Serve an SDK as the target *name*; never returns."""
    serve(
        Chat(clients),
        name=name,
        version=version,
        dialects=("openai.chat",),
        variants=("sync", "async"),
        library=library,
        memory=True,
    )
