"""Drives the langchain-openai package: ``ChatOpenAI``, ``stream`` and ``astream``."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import langchain_chunks, openai_responses, over_httpx
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"


class LangChainOpenAI:
    """A chat model for each API, over clients that are built once."""

    def __init__(self, library: Any) -> None:
        self._library = library
        httpx = over_httpx.module_of(importlib.import_module("openai._base_client"))
        self._seat = over_httpx.Seat()
        self._clients = {
            "http_client": over_httpx.sync_client(httpx, self._seat),
            "http_async_client": over_httpx.async_client(httpx, self._seat),
        }
        self._models = {
            "openai.chat": langchain_chunks.Models(self._chat, "/v1"),
            openai_responses.DIALECT: langchain_chunks.Models(self._responses, "/v1"),
        }

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``stream``."""
        for chunk in self._models[call.dialect].of(call).stream(langchain_chunks.prompt(call)):
            yield from langchain_chunks.shown(chunk)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``astream``."""
        model = self._models[call.dialect].of(call)
        async for chunk in model.astream(langchain_chunks.prompt(call)):
            for event in langchain_chunks.shown(chunk):
                yield event

    def _chat(self, base: str, timeout: float) -> Any:
        return self._built(base, timeout, "gpt-4o-mini", responses=False)

    def _responses(self, base: str, timeout: float) -> Any:
        return self._built(base, timeout, "gpt-4.1-mini", responses=True)

    def _built(self, base: str, timeout: float, model: str, *, responses: bool) -> Any:
        return self._library.ChatOpenAI(
            model=model,
            base_url=base,
            api_key=_KEY,
            timeout=timeout,
            max_retries=0,
            use_responses_api=responses,
            **self._clients,
        )


def main() -> None:
    """Serve the installed langchain-openai package."""
    from importlib.metadata import version

    import langchain_openai

    serve(
        LangChainOpenAI(langchain_openai),
        name="langchain-openai",
        version=version("langchain-openai"),
        dialects=("openai.chat", openai_responses.DIALECT),
        variants=("sync", "async"),
        library="langchain_openai",
        memory=True,
    )


if __name__ == "__main__":
    main()
