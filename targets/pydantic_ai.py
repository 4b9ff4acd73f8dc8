"""Drives the pydantic-ai package: ``model_request_stream`` over OpenAI's and Anthropic's models."""

from __future__ import annotations

import importlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from replayfuzz.targets import openai_responses
from replayfuzz.targets.chat_chunks import spelt
from replayfuzz.targets.shown import look, said
from replayfuzz.targets.stainless import Clients
from replayfuzz.worker import Call, Shown, serve

# An id that it makes up where none came.
_MADE_UP = re.compile(r"pyd_ai_.*")
_TEXTS = {"text": "text", "thinking": "reasoning"}
_TOOLS = ("tool-call", "tool_call")
# Of an event: what it is about, and of that the kind, the text, the name and the arguments.
_MEMBERS = {
    "part_start": ("part", "part_kind", "content", "tool_name", "args"),
    "part_delta": (
        "delta", "part_delta_kind", "content_delta", "tool_name_delta", "args_delta",
    ),
}  # fmt: skip


class PydanticAI:
    """The clients, built once, and a model for each call."""

    def __init__(self) -> None:
        self._direct = importlib.import_module("pydantic_ai.direct")
        self._messages = importlib.import_module("pydantic_ai.messages")
        self._openai = Clients("openai", ("OpenAI", "AsyncOpenAI"), "/v1")
        self._anthropic = Clients("anthropic", ("Anthropic", "AsyncAnthropic"), "")
        models = importlib.import_module("pydantic_ai.models.openai")
        self._models: dict[str, Callable[[str], Any]] = {
            "openai.chat": self._over_openai(models.OpenAIChatModel),
            openai_responses.DIALECT: self._over_openai(models.OpenAIResponsesModel),
            "anthropic.messages": self._over_anthropic(),
        }
        self.dialects = tuple(self._models)

    async def __call__(self, call: Call) -> AsyncIterator[Shown]:
        for clients in (self._openai, self._anthropic):
            clients.seats(call)
        model = self._models[call.dialect](call.request.get("model", "gpt-4.1-mini"))
        asked = [self._messages.ModelRequest.user_text_prompt(_prompt(call))]
        settings = {"timeout": call.timeout}
        stream = self._direct.model_request_stream(model, asked, model_settings=settings)
        parts = _Parts()
        async with stream as events:
            async for event in events:
                for shown in parts.shown(event):
                    yield shown

    def _over_openai(self, kind: Any) -> Callable[[str], Any]:
        provider = importlib.import_module("pydantic_ai.providers.openai").OpenAIProvider
        made = provider(openai_client=self._openai.later)
        return lambda name: kind(name, provider=made)

    def _over_anthropic(self) -> Callable[[str], Any]:
        kind = importlib.import_module("pydantic_ai.models.anthropic").AnthropicModel
        provider = importlib.import_module("pydantic_ai.providers.anthropic").AnthropicProvider
        made = provider(anthropic_client=self._anthropic.later)
        return lambda name: kind(name, provider=made)


def _prompt(call: Call) -> str:
    """The text of the last message of the request, of any of the APIs."""
    given = call.request.get("messages") or call.request.get("input")
    last = given[-1] if isinstance(given, list) and given else given
    content = look(last, "content") if isinstance(last, dict) else last
    return said(content) or "Hello"


class _Parts:
    """What one stream shows: the start of each part, and what is added to it."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}

    def shown(self, event: Any) -> Iterator[Shown]:
        """The events of one event of the stream."""
        kind = look(event, "event_kind")
        if kind in _MEMBERS:
            member, *names = _MEMBERS[kind]
            yield from self._part(look(event, member), event.index, names)

    def _part(self, part: Any, index: int, names: list[str]) -> Iterator[Shown]:
        kind, content, name, args = (look(part, each) for each in names)
        if kind in _TEXTS and (text := said(content)):
            yield {"type": _TEXTS[kind], "choice": 0, "text": text}
        elif kind in _TOOLS:
            parts = {
                "id": self._fresh_id(said(look(part, "tool_call_id")), index),
                "name": said(name),
                "arguments": spelt(args) if isinstance(args, dict) and args else said(args),
            }
            named = {key: text for key, text in parts.items() if text}
            yield {"type": "tool", "choice": 0, "index": index, **named}

    def _fresh_id(self, told: str, index: int) -> str:
        """An id that is not just what was told of this call before, nor made up."""
        before, self._ids[index] = self._ids.get(index, ""), told or self._ids.get(index, "")
        return "" if told == before or _MADE_UP.fullmatch(told) else told


def main() -> None:
    """Serve the installed pydantic-ai-slim package."""
    from importlib.metadata import version

    adapter = PydanticAI()
    serve(
        adapter,
        name="pydantic-ai",
        version=version("pydantic-ai-slim"),
        dialects=adapter.dialects,
        variants=("async",),
        library="pydantic_ai",
        memory=True,
    )


if __name__ == "__main__":
    main()
