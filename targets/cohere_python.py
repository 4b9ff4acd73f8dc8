"""Drives the cohere package (5.0 and later): ``chat_stream`` of both APIs, with both clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.chat_chunks import spelt
from replayfuzz.targets.shown import fields, look, number, said
from replayfuzz.worker import Call, Result, Shown, serve

_NOWHERE = "http://127.0.0.1"  # memory delivery never connects
_FIRST = "cohere.v1"


class Cohere:
    """The clients of both APIs; new ones for each server, since a client keeps its address."""

    def __init__(self, cohere: Any) -> None:
        import httpx

        self._cohere, self._seat = cohere, over_httpx.Seat()
        self._sync = over_httpx.sync_client(httpx, self._seat)
        self._async = over_httpx.async_client(httpx, self._seat)
        self._built: dict[str, Any] = {}
        self._url: str | None = None

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        if call.url != self._url:
            self._url, self._built = call.url, {}
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``chat_stream()`` of ``Client`` or ``ClientV2``, iterated."""
        told = _first if call.dialect == _FIRST else _second
        name = "Client" if call.dialect == _FIRST else "ClientV2"
        for event in self._client(name, self._sync).chat_stream(**_request(call)):
            for shown in told(event):
                yield shown
                if shown["type"] == "error":
                    return  # told by the event that is the last of a stream

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """The same of ``AsyncClient`` or ``AsyncClientV2``."""
        told = _first if call.dialect == _FIRST else _second
        name = "AsyncClient" if call.dialect == _FIRST else "AsyncClientV2"
        async for event in self._client(name, self._async).chat_stream(**_request(call)):
            for shown in told(event):
                yield shown
                if shown["type"] == "error":
                    return

    def _client(self, name: str, http: Any) -> Any:
        if name not in self._built:
            url = self._url or _NOWHERE
            kind = getattr(self._cohere, name)
            self._built[name] = kind(api_key="replayfuzz", base_url=url, httpx_client=http)
        return self._built[name]


# -- the first API -----------------------------------------------------------------------


def _first(event: Any) -> Iterator[Shown]:
    """The events of one of the first API's; its calls come whole."""
    match look(event, "event_type"):
        case "text-generation" if text := said(look(event, "text")):
            yield {"type": "text", "choice": 0, "text": text}
        case "tool-calls-chunk" if text := said(look(event, "text")):
            yield {"type": "reasoning", "choice": 0, "text": text}
        case "tool-calls-generation":
            for index, call in enumerate(look(event, "tool_calls") or ()):
                yield _whole(call, index)
        case "stream-end":
            if reason := said(look(event, "finish_reason")):
                yield {"type": "finish", "choice": 0, "reason": reason}
            yield from _counted(look(look(event, "response"), "meta"))
            yield {"type": "done"}


def _whole(call: Any, index: int) -> Shown:
    shown: Shown = {"type": "tool", "choice": 0, "index": index}
    if name := said(look(call, "name")):
        shown["name"] = name
    return {**shown, "arguments": spelt(look(call, "parameters") or {})}


def _counted(meta: Any) -> Iterator[Shown]:
    counts = {name: fields(look(meta, name)) for name in ("billed_units", "tokens")}
    if usage := {name: count for name, count in counts.items() if count}:
        yield {"type": "usage", "usage": usage}


# -- the second API ----------------------------------------------------------------------


def _second(event: Any) -> Iterator[Shown]:
    """The events of one of the second API's."""
    delta = look(event, "delta")
    message = look(delta, "message")
    match look(event, "type"):
        case "message-start" if role := said(look(message, "role")):
            yield {"type": "role", "choice": 0, "role": role}
        case "content-start" | "content-delta":
            content = look(message, "content")
            for kind, name in (("reasoning", "thinking"), ("text", "text")):
                if text := said(look(content, name)):
                    yield {"type": kind, "choice": 0, "text": text}
        case "tool-plan-delta" if text := said(look(message, "tool_plan")):
            yield {"type": "reasoning", "choice": 0, "text": text}
        case "tool-call-start" | "tool-call-delta":
            yield _piece(look(message, "tool_calls"), number(event, "index", 0))
        case "message-end":
            yield from _end(delta)


def _piece(call: Any, index: int) -> Shown:
    function = look(call, "function")
    parts = {
        "id": said(look(call, "id")),
        "name": said(look(function, "name")),
        "arguments": said(look(function, "arguments")),
    }
    shown: Shown = {"type": "tool", "choice": 0, "index": index}
    return {**shown, **{name: text for name, text in parts.items() if text}}


def _end(delta: Any) -> Iterator[Shown]:
    if message := said(look(delta, "error")):
        yield {"type": "error", "message": message}
        return
    if reason := said(look(delta, "finish_reason")):
        yield {"type": "finish", "choice": 0, "reason": reason}
    if usage := fields(look(delta, "usage")):
        yield {"type": "usage", "usage": usage}
    yield {"type": "done"}


# ----------------------------------------------------------------------------------------


def _request(call: Call) -> dict[str, Any]:
    options = {"timeout_in_seconds": call.timeout, "max_retries": 0}
    model = call.request.get("model", "command-a-03-2025")
    if call.dialect == _FIRST:
        message = call.request.get("message", "Hello")
        return {"model": model, "message": message, "request_options": options}
    messages = call.request.get("messages", [{"role": "user", "content": "Hello"}])
    return {"model": model, "messages": messages, "request_options": options}


def main() -> None:
    """Serve the installed cohere package."""
    from importlib.metadata import version

    import cohere

    second = hasattr(cohere, "ClientV2")  # 5.9 and later
    serve(
        Cohere(cohere),
        name="cohere-python",
        version=version("cohere"),
        dialects=("cohere.v2", _FIRST) if second else (_FIRST,),
        variants=("sync", "async"),
        library="cohere",
        memory=True,
    )


if __name__ == "__main__":
    main()
