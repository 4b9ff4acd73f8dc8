"""Drives the openai package: chat completions and responses, raw (sync, async) and accumulated."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from replayfuzz.targets import chat_chunks, openai_responses, over_httpx
from replayfuzz.targets.chat_chunks import Chunks
from replayfuzz.targets.shown import Grown, fields, number, said
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"
_NOWHERE = "http://127.0.0.1"  # memory delivery never connects


class OpenAI:
    """The clients, built once, and the paths that a user takes through them."""

    def __init__(self, openai: Any) -> None:
        self._httpx = over_httpx.module_of(importlib.import_module("openai._base_client"))
        self._seat, self._url = over_httpx.Seat(), ""
        keys = {"api_key": _KEY, "max_retries": 0, "base_url": f"{_NOWHERE}/v1"}
        client = over_httpx.sync_client(self._httpx, self._seat)
        self._sync = openai.OpenAI(http_client=client, **keys)
        later = over_httpx.async_client(self._httpx, self._seat)
        self._async = openai.AsyncOpenAI(http_client=later, **keys)
        self._stream = _helper(self._sync)
        named = ("LengthFinishReasonError", "ContentFilterFinishReasonError")
        self._told = tuple(getattr(openai, name) for name in named if hasattr(openai, name))
        self.paths: dict[str, Callable[[Call], Result]] = {"sync": self.sync, "async": self.later}
        if self._stream is not None:
            self.paths["helper"] = self.helper
        self.dialects: tuple[str, ...] = ("openai.chat",)
        if openai_responses.offered(self._sync):
            self.dialects += (openai_responses.DIALECT,)

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        if call.url != self._url:  # setting it parses it, which takes longer than a short stream
            self._url = call.url
            for client in (self._sync, self._async):
                client.base_url = f"{call.url or _NOWHERE}/v1"
        if call.dialect == openai_responses.DIALECT:
            return self._responses(call)
        return self.paths[call.variant](call)

    def _responses(self, call: Call) -> Result:
        if call.variant == "async":
            return openai_responses.later(self._async, call)
        path = openai_responses.helper if call.variant == "helper" else openai_responses.sync
        return path(self._sync, call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``client.chat.completions.create(stream=True)``, iterated."""
        chunks = Chunks()
        for chunk in self._sync.chat.completions.create(**_request(call), stream=True):
            yield from chunks.shown(chunk)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """The same with the asynchronous client."""
        chunks = Chunks()
        async for chunk in await self._async.chat.completions.create(**_request(call), stream=True):
            for event in chunks.shown(chunk):
                yield event

    def helper(self, call: Call) -> Iterator[Shown]:
        """``client.chat.completions.stream()``: what it has accumulated after each chunk."""
        if self._stream is None:
            raise AssertionError("the variant is not offered without it")
        grown = Grown()
        with self._stream(**_request(call)) as stream:
            for event in stream:
                if event.type == "chunk":
                    yield from _grown(event.snapshot, grown)
            yield from _finished(self._final(stream), grown)

    def _final(self, stream: Any) -> Any:
        """The final completion.

        The helper's own way to tell two documented finish reasons is to raise an exception
        named after each, when everything has been read; what it read is the same.
        """
        try:
            return stream.get_final_completion()
        except self._told:
            return stream.current_completion_snapshot


def _grown(snapshot: Any, grown: Grown) -> Iterator[Shown]:
    """What is new in the accumulated completion since the last chunk."""
    if model := said(getattr(snapshot, "model", None)):
        yield from grown.value({"type": "model", "model": model})
    for position, choice in enumerate(snapshot.choices):
        index, message = number(choice, "index", position), choice.message
        if role := said(getattr(message, "role", None)):
            yield from grown.value({"type": "role", "choice": index, "role": role})
        for kind, text in chat_chunks.texts(message):
            yield from grown.text(kind, text, index)
        for place, call in enumerate(getattr(message, "tool_calls", None) or ()):
            yield from grown.tool(chat_chunks.tool(call, place, index))
        if reason := said(getattr(choice, "finish_reason", None)):
            yield from grown.value({"type": "finish", "choice": index, "reason": reason})


def _finished(completion: Any, grown: Grown) -> Iterator[Shown]:
    """What the final completion holds besides what was shown already."""
    yield from _grown(completion, grown)
    usage = fields(getattr(completion, "usage", None))
    if usage:
        yield {"type": "usage", "usage": usage}


def _helper(client: Any) -> Any:
    """The accumulating helper, which moved out of ``beta`` in 1.92 and began in 1.40."""
    found = getattr(client.chat.completions, "stream", None)
    if found is None:
        beta = getattr(getattr(client.beta, "chat", None), "completions", None)
        found = getattr(beta, "stream", None)
    return found


def _request(call: Call) -> dict[str, Any]:
    """Arguments of ``create``; members that an old release does not know go into the body."""
    rest = {name: value for name, value in call.request.items() if name != "stream"}
    return {
        "model": rest.pop("model", "gpt-4o"),
        "messages": rest.pop("messages", [{"role": "user", "content": "Hello"}]),
        "timeout": call.timeout,
        "extra_body": rest or None,
    }


def main() -> None:
    """Serve the installed openai package."""
    import openai

    adapter = OpenAI(openai)
    serve(
        adapter,
        name="openai-python",
        version=openai.__version__,
        dialects=adapter.dialects,
        variants=tuple(adapter.paths),
        library="openai",
        memory=True,
    )


if __name__ == "__main__":
    main()
