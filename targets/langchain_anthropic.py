"""Drives the langchain-anthropic package: ``ChatAnthropic``, ``stream`` and ``astream``."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import langchain_chunks, over_httpx
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"


class LangChainAnthropic:
    """A chat model over clients that are built once."""

    def __init__(self, library: Any, sdk: Any) -> None:
        self._library, self._sdk = library, sdk
        httpx = over_httpx.module_of(importlib.import_module("anthropic._base_client"))
        self._seat = over_httpx.Seat()
        self._sync = over_httpx.sync_client(httpx, self._seat)
        self._async = over_httpx.async_client(httpx, self._seat)
        self._models = langchain_chunks.Models(self._built, "")

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``stream``."""
        for chunk in self._models.of(call).stream(langchain_chunks.prompt(call)):
            yield from langchain_chunks.shown(chunk)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``astream``."""
        async for chunk in self._models.of(call).astream(langchain_chunks.prompt(call)):
            for event in langchain_chunks.shown(chunk):
                yield event

    def _built(self, base: str, timeout: float) -> Any:
        keys = {"api_key": _KEY, "base_url": base, "timeout": timeout, "max_retries": 0}
        model = self._library.ChatAnthropic(model="claude-sonnet-4-5", **keys)
        # It has no option for a transport. These are the clients that it would make, over ours.
        model.__dict__["_client"] = self._sdk.Anthropic(http_client=self._sync, **keys)
        model.__dict__["_async_client"] = self._sdk.AsyncAnthropic(http_client=self._async, **keys)
        return model


def main() -> None:
    """Serve the installed langchain-anthropic package."""
    from importlib.metadata import version

    import anthropic
    import langchain_anthropic

    serve(
        LangChainAnthropic(langchain_anthropic, anthropic),
        name="langchain-anthropic",
        version=version("langchain-anthropic"),
        dialects=("anthropic.messages",),
        variants=("sync", "async"),
        library="langchain_anthropic",
        memory=True,
    )


if __name__ == "__main__":
    main()
