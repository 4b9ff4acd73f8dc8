"""What LangChain's chat models show of a stream, message chunk by message chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from replayfuzz.targets.shown import look, number, said
from replayfuzz.worker import Call, Shown

_REASONS = ("finish_reason", "stop_reason")  # of OpenAI's chat, of Anthropic


class Models:
    """A chat model for the address and the time limit of a call; the last one is kept.

    Args:
        build: Makes one, given a base URL and seconds.
        path: What its base URL ends in.
    """

    def __init__(self, build: Callable[[str, float], Any], path: str) -> None:
        self._build, self._path = build, path
        self._key: tuple[str, float] | None = None
        self._model: Any = None

    def of(self, call: Call) -> Any:
        """The model that reads *call*."""
        if self._key != (call.url, call.timeout):
            base = (call.url or "http://127.0.0.1") + self._path
            self._model = self._build(base, call.timeout)
            self._key = (call.url, call.timeout)
        return self._model


def prompt(call: Call) -> Any:
    """What is asked: the messages of the request, of either API of OpenAI's."""
    return call.request.get("messages") or call.request.get("input") or "Hello"


def shown(chunk: Any) -> Iterator[Shown]:
    """The events of one ``AIMessageChunk``."""
    content = look(chunk, "content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or ()
    for block in blocks:
        for kind, text in _texts(block):
            if text:
                yield {"type": kind, "choice": 0, "text": text}
    for call in look(chunk, "tool_call_chunks") or ():
        yield _tool(call)
    for name in _REASONS:
        if reason := said(look(look(chunk, "response_metadata"), name)):
            yield {"type": "finish", "choice": 0, "reason": reason}


def _texts(block: Any) -> Iterator[tuple[str, str]]:
    """Kinds and texts of a content block."""
    if isinstance(block, str):
        yield "text", block
        return
    match look(block, "type"):
        case "text":
            yield "text", said(look(block, "text"))
        case "thinking":
            yield "reasoning", said(look(block, "thinking"))
        case "reasoning":
            yield "reasoning", said(look(block, "reasoning"))
            for part in (*(look(block, "summary") or ()), *(look(block, "content") or ())):
                yield "reasoning", said(look(part, "text"))
        case "refusal":
            yield "refusal", said(look(block, "refusal"))


def _tool(call: Any) -> Shown:
    parts = {
        "id": said(look(call, "id")),
        "name": said(look(call, "name")),
        "arguments": said(look(call, "args")),
    }
    named = {name: text for name, text in parts.items() if text}
    return {"type": "tool", "choice": 0, "index": number(call, "index", 0), **named}
