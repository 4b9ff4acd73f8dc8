"""Drives the ollama package: chat, with the synchronous and the asynchronous client."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.shown import look, said
from replayfuzz.worker import Call, Result, Shown, serve

_COUNTS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)


class Ollama:
    """The clients; a new one for each host and timeout, since both are fixed when it is built."""

    def __init__(self, ollama: Any) -> None:
        self._ollama = ollama
        httpx = over_httpx.module_of(importlib.import_module("ollama._client"))
        self._seat = over_httpx.Seat()
        # One transport each, because making one is what takes long.
        self._sync = over_httpx.sync_transport(httpx, self._seat)
        self._async = over_httpx.async_transport(httpx, self._seat)
        self._built: dict[tuple[Any, ...], Any] = {}

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``Client.chat(stream=True)``, iterated."""
        parts = Parts()
        for part in self._client(self._ollama.Client, self._sync, call).chat(**_request(call)):
            yield from parts.shown(part)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``AsyncClient.chat(stream=True)``, iterated."""
        parts = Parts()
        client = self._client(self._ollama.AsyncClient, self._async, call)
        async for part in await client.chat(**_request(call)):
            for event in parts.shown(part):
                yield event

    def _client(self, kind: Any, transport: Any, call: Call) -> Any:
        key = (kind, call.timeout)
        options = {"timeout": call.timeout, "transport": transport, "trust_env": False}
        if call.url:
            return kind(host=call.url, **options)
        if key not in self._built:
            self._built[key] = kind(host="http://127.0.0.1", **options)
        return self._built[key]


class Parts:
    """What one stream shows, part by part; parts are mappings in old releases."""

    def __init__(self) -> None:
        self._model = self._role = ""
        self._calls = 0

    def shown(self, part: Any) -> Iterator[Shown]:
        """The events of one part."""
        model, message = said(look(part, "model")), look(part, "message")
        if model and model != self._model:
            self._model = model
            yield {"type": "model", "model": model}
        if (role := said(look(message, "role"))) and role != self._role:
            self._role = role
            yield {"type": "role", "choice": 0, "role": role}
        for kind, name in (("reasoning", "thinking"), ("text", "content")):
            if text := said(look(message, name)):
                yield {"type": kind, "choice": 0, "text": text}
        for call in look(message, "tool_calls") or ():
            yield self._tool(call)
        if look(part, "done") is True:
            yield from _done(part)

    def _tool(self, call: Any) -> Shown:
        function = look(call, "function")
        shown: Shown = {"type": "tool", "choice": 0, "index": self._calls}
        self._calls += 1
        parts = {"id": said(look(call, "id")), "name": said(look(function, "name"))}
        given = look(function, "arguments") or {}
        text = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return {**shown, **{k: v for k, v in parts.items() if v}, "arguments": text}


def _done(part: Any) -> Iterator[Shown]:
    if reason := said(look(part, "done_reason")):
        yield {"type": "finish", "choice": 0, "reason": reason}
    counts = {name: look(part, name) for name in _COUNTS}
    known = {name: count for name, count in counts.items() if count is not None}
    if known:
        yield {"type": "usage", "usage": known}
    yield {"type": "done"}


def _request(call: Call) -> dict[str, Any]:
    return {
        "model": call.request.get("model", "llama3.2"),
        "messages": call.request.get("messages", [{"role": "user", "content": "Hello"}]),
        "stream": True,
    }


def main() -> None:
    """Serve the installed ollama package."""
    from importlib.metadata import version

    import ollama

    serve(
        Ollama(ollama),
        name="ollama-python",
        version=version("ollama"),
        dialects=("ollama.chat",),
        variants=("sync", "async"),
        library="ollama",
        memory=True,
    )


if __name__ == "__main__":
    main()
