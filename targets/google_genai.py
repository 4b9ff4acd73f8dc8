"""Drives the google-genai package: ``generate_content_stream``, over httpx and over aiohttp.

Where aiohttp is installed the package's asynchronous client prefers it, and reads it with
code of its own: that is a target of its own, which needs real sockets.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.chat_chunks import spelt
from replayfuzz.targets.shown import look, number, said
from replayfuzz.worker import Call, Result, Shown, serve

_NOWHERE = "http://127.0.0.1"  # memory delivery never connects


class GoogleGenAI:
    """A client, built once; where it calls and for how long is told with each call."""

    def __init__(self, genai: Any, **options: Any) -> None:
        self._types = genai.types
        if "retry_options" in genai.types.HttpOptions.model_fields:
            options["retry_options"] = {"attempts": 1}
        self._client = genai.Client(api_key="replayfuzz", vertexai=False, http_options=options)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``client.models.generate_content_stream()``, iterated."""
        chunks = Chunks()
        for chunk in self._client.models.generate_content_stream(**self._request(call)):
            yield from chunks.shown(chunk)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``client.aio.models.generate_content_stream()``, iterated."""
        chunks, models = Chunks(), self._client.aio.models
        async for chunk in await models.generate_content_stream(**self._request(call)):
            for event in chunks.shown(chunk):
                yield event

    def _request(self, call: Call) -> dict[str, Any]:
        options = {"base_url": call.url or _NOWHERE, "timeout": int(call.timeout * 1000)}
        return {
            "model": "gemini-2.5-flash",
            "contents": call.request.get("contents", "Hello"),
            "config": self._types.GenerateContentConfig(http_options=options),
        }


class Chunks:
    """What one stream shows, chunk by chunk; a function call is whole in its chunk."""

    def __init__(self) -> None:
        self._model = ""
        self._begun: set[int] = set()  # candidates whose role was shown
        self._calls = 0

    def shown(self, chunk: Any) -> Iterator[Shown]:
        """The events of one ``GenerateContentResponse``."""
        model = said(look(chunk, "model_version"))
        if model and model != self._model:
            self._model = model
            yield {"type": "model", "model": model}
        for candidate in look(chunk, "candidates") or ():
            yield from self._candidate(candidate, number(candidate, "index", 0))
        if reason := _named(look(look(chunk, "prompt_feedback"), "block_reason")):
            yield {"type": "finish", "choice": 0, "reason": reason}
        if (usage := look(chunk, "usage_metadata")) is not None:
            counts = usage.model_dump(by_alias=True, exclude_none=True, mode="json")
            yield {"type": "usage", "usage": counts}

    def _candidate(self, candidate: Any, choice: int) -> Iterator[Shown]:
        content = look(candidate, "content")
        if (role := said(look(content, "role"))) and choice not in self._begun:
            self._begun.add(choice)
            yield {"type": "role", "choice": choice, "role": role}
        for part in look(content, "parts") or ():
            if text := said(look(part, "text")):
                kind = "reasoning" if look(part, "thought") is True else "text"
                yield {"type": kind, "choice": choice, "text": text}
            if (call := look(part, "function_call")) is not None:
                yield self._tool(call, choice)
        if reason := _named(look(candidate, "finish_reason")):
            yield {"type": "finish", "choice": choice, "reason": reason}

    def _tool(self, call: Any, choice: int) -> Shown:
        shown: Shown = {"type": "tool", "choice": choice, "index": self._calls}
        self._calls += 1
        parts = {name: said(look(call, name)) for name in ("id", "name")}
        named = {name: text for name, text in parts.items() if text}
        return {**shown, **named, "arguments": spelt(look(call, "args") or {})}


def _named(value: Any) -> str:
    """The provider's word for a member of an enumeration."""
    return said(look(value, "value"))


class OverHttpx:
    """The clients as they are without aiohttp: a transport of ours in both."""

    def __init__(self, genai: Any, api_client: Any) -> None:
        self._seat = over_httpx.Seat()
        httpx = over_httpx.module_of(api_client)
        sync = over_httpx.sync_transport(httpx, self._seat)
        later = over_httpx.async_transport(httpx, self._seat)
        driver = GoogleGenAI(
            genai,
            client_args={"transport": sync, "trust_env": False},
            async_client_args={"transport": later, "trust_env": False},
        )
        self.paths: dict[str, Callable[[Call], Result]] = {
            "sync": driver.sync,
            "async": driver.later,
        }

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.paths[call.variant](call)


def main() -> None:
    """Serve the installed google-genai package; ``aiohttp`` as argument: over that."""
    over_aiohttp = sys.argv[1:] == ["aiohttp"]
    if not over_aiohttp:
        sys.modules["aiohttp"] = None  # type: ignore[assignment]  # as if it were not installed
    from google import genai
    from google.genai import _api_client

    serve(
        GoogleGenAI(genai).later if over_aiohttp else OverHttpx(genai, _api_client),
        name="google-genai-aiohttp" if over_aiohttp else "google-genai",
        version=genai.__version__,
        dialects=("gemini.stream",),
        variants=("async",) if over_aiohttp else ("sync", "async"),
        library="google.genai",
        memory=not over_aiohttp,
    )


if __name__ == "__main__":
    main()
