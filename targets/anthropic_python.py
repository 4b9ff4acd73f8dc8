"""Drives the anthropic package: messages, raw (sync, async) and accumulated (helper)."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.shown import Grown, fields, look, number, said
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"
_NOWHERE = "http://127.0.0.1"  # memory delivery never connects


class Anthropic:
    """The clients, built once, and the paths that a user takes through them."""

    def __init__(self, anthropic: Any) -> None:
        httpx = over_httpx.module_of(importlib.import_module("anthropic._base_client"))
        self._seat, self._url = over_httpx.Seat(), ""
        keys = {"api_key": _KEY, "max_retries": 0, "base_url": _NOWHERE}
        client = over_httpx.sync_client(httpx, self._seat)
        self._sync = anthropic.Anthropic(http_client=client, **keys)
        later = over_httpx.async_client(httpx, self._seat)
        self._async = anthropic.AsyncAnthropic(http_client=later, **keys)
        self.paths: dict[str, Callable[[Call], Result]] = {
            "raw": self.raw,
            "helper": self.helper,
            "async": self.later,
        }

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        if call.url != self._url:  # setting it parses it, which takes longer than a short stream
            self._url = call.url
            for client in (self._sync, self._async):
                client.base_url = call.url or _NOWHERE
        return self.paths[call.variant](call)

    def raw(self, call: Call) -> Iterator[Shown]:
        """``client.messages.create(stream=True)``, iterated."""
        for event in self._sync.messages.create(**_request(call), stream=True):
            yield from shown(event)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """The same with the asynchronous client."""
        async for event in await self._async.messages.create(**_request(call), stream=True):
            for told in shown(event):
                yield told

    def helper(self, call: Call) -> Iterator[Shown]:
        """``client.messages.stream()``: what it has accumulated after each event."""
        story = Accumulated()
        with self._sync.messages.stream(**_request(call)) as stream:
            try:
                for event in stream:
                    yield from story.after(event, stream)
            except Exception:
                yield from story.unfinished()
                raise
            yield from story.unfinished()
            stream.get_final_message()


def shown(event: Any) -> Iterator[Shown]:
    """The events of one raw stream event, a model or a mapping."""
    match look(event, "type"):
        case "message_start":
            yield from _message(look(event, "message"))
        case "content_block_start":
            yield from _block(look(event, "content_block"), number(event, "index", 0))
        case "content_block_delta":
            yield from _delta(look(event, "delta"), number(event, "index", 0))
        case "message_delta":
            yield from _stop(look(event, "delta"))
            yield from _usage(event)
        case "message_stop":
            yield {"type": "done"}


def _message(message: Any) -> Iterator[Shown]:
    if model := said(look(message, "model")):
        yield {"type": "model", "model": model}
    if role := said(look(message, "role")):
        yield {"type": "role", "choice": 0, "role": role}
    yield from _usage(message)


def _usage(owner: Any) -> Iterator[Shown]:
    usage = fields(look(owner, "usage"))
    if usage:
        yield {"type": "usage", "usage": usage}


def _stop(owner: Any) -> Iterator[Shown]:
    if reason := said(look(owner, "stop_reason")):
        yield {"type": "finish", "choice": 0, "reason": reason}


def _block(block: Any, index: int) -> Iterator[Shown]:
    """The start of a content block, which may already hold something."""
    kind = said(look(block, "type"))
    if kind == "text" and (text := said(look(block, "text"))):
        yield {"type": "text", "choice": 0, "text": text}
    elif kind == "thinking" and (text := said(look(block, "thinking"))):
        yield {"type": "reasoning", "choice": 0, "text": text}
    elif kind.endswith("tool_use"):
        yield _tool(block, index, _spelt(look(block, "input")))


def _tool(block: Any, index: int, arguments: str) -> Shown:
    named = {name: said(look(block, name)) for name in ("id", "name")}
    shown: Shown = {"type": "tool", "choice": 0, "index": index}
    return {**shown, **{k: v for k, v in named.items() if v}, "arguments": arguments}


def _spelt(given: Any) -> str:
    """Arguments that are an object already; the empty one stands for none so far."""
    if not given:
        return ""
    return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _delta(delta: Any, index: int) -> Iterator[Shown]:
    match look(delta, "type"):
        case "text_delta" if text := said(look(delta, "text")):
            yield {"type": "text", "choice": 0, "text": text}
        case "thinking_delta" if text := said(look(delta, "thinking")):
            yield {"type": "reasoning", "choice": 0, "text": text}
        case "input_json_delta" if piece := said(look(delta, "partial_json")):
            yield {"type": "tool", "choice": 0, "index": index, "arguments": piece}


class Accumulated:
    """What ``MessageStream`` shows of the message that it puts together.

    Texts are shown as they grow. A tool's input is an object that is guessed from its pieces
    while they come; it counts when its block is finished.
    """

    def __init__(self) -> None:
        self._grown = Grown()
        self._pieces: dict[int, list[str]] = {}

    def after(self, event: Any, stream: Any) -> Iterator[Shown]:
        """What one event added to the message."""
        match event.type:
            case "message_start":
                yield from _message(stream.current_message_snapshot)
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                yield from self._content(event, stream.current_message_snapshot.content)
            case "message_delta":
                yield from _stop(stream.current_message_snapshot)
                yield from _usage(stream.current_message_snapshot)
            case "message_stop":
                yield {"type": "done"}

    def _content(self, event: Any, content: Any) -> Iterator[Shown]:
        index = number(event, "index", 0)
        block = content[index] if index < len(content) else None
        kind = said(look(block, "type"))
        if kind == "text":
            yield from self._grown.text("text", said(look(block, "text")), 0, index)
        elif kind == "thinking":
            yield from self._grown.text("reasoning", said(look(block, "thinking")), 0, index)
        elif kind.endswith("tool_use"):
            yield from self._tool(event, block, index)

    def _tool(self, event: Any, block: Any, index: int) -> Iterator[Shown]:
        if event.type == "content_block_start":
            self._pieces[index] = []
            yield _tool(block, index, "")
        elif event.type == "content_block_delta":
            piece = said(look(look(event, "delta"), "partial_json"))
            self._pieces.setdefault(index, []).append(piece)
        elif self._pieces.pop(index, None) is not None:
            yield from self._grown.tool(_tool(block, index, _spelt(look(block, "input"))))

    def unfinished(self) -> Iterator[Shown]:
        """The pieces of inputs whose blocks were not finished."""
        for index, pieces in self._pieces.items():
            yield {"type": "tool", "choice": 0, "index": index, "arguments": "".join(pieces)}


def _request(call: Call) -> dict[str, Any]:
    """Arguments of ``create``; members that an old release does not know go into the body."""
    rest = {name: value for name, value in call.request.items() if name != "stream"}
    return {
        "model": rest.pop("model", "claude-haiku-4-5"),
        "max_tokens": rest.pop("max_tokens", 1024),
        "messages": rest.pop("messages", [{"role": "user", "content": "Hello"}]),
        "timeout": call.timeout,
        "extra_body": rest or None,
    }


def main() -> None:
    """Serve the installed anthropic package."""
    import anthropic

    adapter = Anthropic(anthropic)
    serve(
        adapter,
        name="anthropic-python",
        version=anthropic.__version__,
        dialects=("anthropic.messages",),
        variants=tuple(adapter.paths),
        library="anthropic",
        memory=True,
    )


if __name__ == "__main__":
    main()
