"""Drives the huggingface_hub package: ``chat_completion(stream=True)``, iterated."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.chat_chunks import Chunks
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"
_NOWHERE = "http://127.0.0.1"  # memory delivery never connects


class HuggingFace:
    """A client for each call, as the address is fixed when it is built."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._seat = over_httpx.Seat()
        known = inspect.signature(library.InferenceClient.chat_completion).parameters
        self._extra = "extra_body" in known
        # Since 1.0 the transport can be given; before, clients make their own.
        self.memory = hasattr(library, "set_client_factory")
        if self.memory:
            self._make_clients(importlib.import_module("huggingface_hub.utils._http"))

    def _make_clients(self, http: Any) -> None:
        """Clients as its own are, hooks and all, over a transport of ours."""
        httpx = over_httpx.module_of(http)
        # In a hook its own client reads the body of an error whose Content-Length is known.
        hooks = http.default_async_client_factory().event_hooks
        client = over_httpx.sync_client(httpx, self._seat)
        client.event_hooks = http.default_client_factory().event_hooks
        transport = over_httpx.async_transport(httpx, self._seat)
        self._library.set_client_factory(lambda: client)
        self._library.set_async_client_factory(
            lambda: httpx.AsyncClient(transport=transport, trust_env=False, event_hooks=hooks)
        )

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``InferenceClient``."""
        client, chunks = self._client("InferenceClient", call), Chunks()
        try:
            for chunk in client.chat_completion(**self._request(call), stream=True):
                yield from chunks.shown(_told(chunk))
        finally:
            if hasattr(client, "close"):
                client.close()

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``AsyncInferenceClient``."""
        client, chunks = self._client("AsyncInferenceClient", call), Chunks()
        try:
            async for chunk in await client.chat_completion(**self._request(call), stream=True):
                for shown in chunks.shown(_told(chunk)):
                    yield shown
        finally:
            if hasattr(client, "close"):
                await client.close()

    def _client(self, kind: str, call: Call) -> Any:
        # A connection for each call: what a stream leaves on its own meets no other example.
        keys = {"token": _KEY, "timeout": call.timeout, "headers": {"Connection": "close"}}
        base = f"{call.url or _NOWHERE}/v1"
        return getattr(self._library, kind)(base_url=base, **keys)

    def _request(self, call: Call) -> dict[str, Any]:
        """Arguments of ``chat_completion``; older ones take nothing that they do not know."""
        rest = {name: value for name, value in call.request.items() if name != "stream"}
        given = {
            "model": rest.pop("model", "meta-llama/Meta-Llama-3-8B-Instruct"),
            "messages": rest.pop("messages", [{"role": "user", "content": "Hello"}]),
        }
        return {**given, "extra_body": rest or None} if self._extra else given


def _told(value: Any) -> Any:
    """*value* as its attributes tell it, and what no field stands for as its members do.

    The models are mappings too; as such they lack that of the models in them.
    """
    if isinstance(value, list):
        return [_told(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        known = {**(value if isinstance(value, dict) else {}), **vars(value)}
        return {k: _told(item) for k, item in known.items() if item is not None}
    return value


def main() -> None:
    """Serve the installed huggingface_hub package."""
    import huggingface_hub

    adapter = HuggingFace(huggingface_hub)
    serve(
        adapter,
        name="huggingface-hub",
        version=huggingface_hub.__version__,
        dialects=("openai.chat",),
        variants=("sync", "async"),
        library="huggingface_hub",
        memory=adapter.memory,
    )


if __name__ == "__main__":
    main()
