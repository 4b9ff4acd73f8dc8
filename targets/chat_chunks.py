"""What SDKs of OpenAI's chat API, and of those like it, show of a stream, chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from replayfuzz.targets.shown import fields, look, number, said
from replayfuzz.worker import Shown


class Chunks:
    """What one raw stream shows, chunk by chunk."""

    def __init__(self) -> None:
        self._model: str | None = None

    def shown(self, chunk: Any) -> Iterator[Shown]:
        """The events of one chunk, a model or a mapping."""
        model = said(look(chunk, "model"))
        if model and model != self._model:
            self._model = model
            yield {"type": "model", "model": model}
        for position, choice in enumerate(look(chunk, "choices") or ()):
            yield from _choice(choice, number(choice, "index", position))
        usage = fields(look(chunk, "usage"))
        if usage:
            yield {"type": "usage", "usage": usage}


def _choice(choice: Any, index: int) -> Iterator[Shown]:
    delta = look(choice, "delta")
    role = said(look(delta, "role"))
    if role:
        yield {"type": "role", "choice": index, "role": role}
    for kind, text in texts(delta):
        if text:
            yield {"type": kind, "choice": index, "text": text}
    for place, call in enumerate(look(delta, "tool_calls") or ()):
        yield tool(call, place, index)
    reason = said(look(choice, "finish_reason"))
    if reason:
        yield {"type": "finish", "choice": index, "reason": reason}


def texts(message: Any) -> Iterator[tuple[str, str]]:
    """Kinds and texts of a message or delta; some may be empty.

    Reasoning is no field of OpenAI's own, but the models keep members that they do not know.
    """
    more = getattr(message, "model_extra", None) or {}
    for name in ("reasoning_content", "reasoning"):
        if text := said(more.get(name)) or said(look(message, name)):
            yield "reasoning", text
            break
    content = look(message, "content")
    if isinstance(content, list):
        for part in content:
            yield from _part(part)
    else:
        yield "text", said(content)
    yield "refusal", said(look(message, "refusal"))


def _part(part: Any) -> Iterator[tuple[str, str]]:
    """Mistral's content in parts: text, or thinking that is made of texts itself."""
    yield "text", said(look(part, "text"))
    for inner in look(part, "thinking") or ():
        yield "reasoning", said(look(inner, "text"))


def tool(call: Any, place: int, choice: int) -> Shown:
    """The event of one tool call or piece of it; *place* is its index where it has none."""
    function = look(call, "function")
    shown: Shown = {"type": "tool", "choice": choice, "index": number(call, "index", place)}
    given = look(function, "arguments")
    parts = {
        "id": said(look(call, "id")),
        "name": said(look(function, "name")),
        "arguments": spelt(given) if isinstance(given, Mapping) else said(given),
    }
    return {**shown, **{name: text for name, text in parts.items() if text}}


def spelt(arguments: Any) -> str:
    """Arguments that a library hands out as an object, as canonical JSON text."""
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
