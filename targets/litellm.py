"""Drives the litellm package: completions of four providers, and responses; sync and async."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import openai_responses, over_httpx
from replayfuzz.targets.chat_chunks import Chunks
from replayfuzz.worker import Call, Result, Shown, serve

_KEY = "replayfuzz"
_NOWHERE = "http://127.0.0.1"  # memory delivery never connects
# Its name for the provider, a model, and what follows the address in ``api_base``.
_PROVIDERS = {
    "openai.chat": ("openai", "gpt-4o", "/v1"),
    "openai.responses": ("openai", "gpt-4.1", "/v1"),
    "anthropic.messages": ("anthropic", "claude-haiku-4-5", ""),
    "gemini.stream": ("gemini", "gemini-2.5-flash", "/v1beta"),
    "ollama.chat": ("ollama_chat", "llama3.2", ""),
}
_OWN = ("role", "usage", "model")  # what is its own, and not what the provider sent
_MAPPED = (*_OWN, "finish")  # what it tells in OpenAI's terms, besides
_LEFT_OUT = {"openai.chat": _OWN}
# Tool calls of Gemini and Ollama may have no id, where OpenAI's always have one: it makes one up.
# A signature of Gemini's is carried behind the id.
_MADE_UP = re.compile(r"call_[0-9a-f]{28}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNATURE = re.compile(r"__thought__.*", re.DOTALL)


class LiteLLM:
    """The clients, built once; ``completion`` takes one for each call."""

    def __init__(self, litellm: Any) -> None:
        self._library = litellm
        self._seat = over_httpx.Seat()
        handlers = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        sdk = importlib.import_module("openai")
        self._openai = (sdk.OpenAI, sdk.AsyncOpenAI)
        httpx = over_httpx.module_of(handlers)
        self._sync = over_httpx.sync_client(httpx, self._seat)
        self._async = over_httpx.async_client(httpx, self._seat)
        # Some of its providers take no client and make handlers of their own.
        handlers.AsyncHTTPHandler.create_client = lambda *_, **__: self._async
        self._handlers = (handlers.HTTPHandler(client=self._sync), handlers.AsyncHTTPHandler())
        self._built: dict[str, tuple[Any, Any]] = {}

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``completion(stream=True)`` or ``responses(stream=True)``, iterated."""
        shown = _Shows(call.dialect)
        name = "responses" if shown.responses else "completion"
        for chunk in getattr(self._library, name)(**self._request(call, 0)):
            yield from shown(chunk)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """The same with ``acompletion`` or ``aresponses``."""
        shown = _Shows(call.dialect)
        name = "aresponses" if shown.responses else "acompletion"
        async for chunk in await getattr(self._library, name)(**self._request(call, 1)):
            for event in shown(chunk):
                yield event

    def _request(self, call: Call, which: int) -> dict[str, Any]:
        provider, model, path = _PROVIDERS[call.dialect]
        base = (call.url or _NOWHERE) + path
        given = {
            "model": f"{provider}/{self._known(call.request.get('model')) or model}",
            "api_base": base,
            "api_key": _KEY,
            "timeout": call.timeout,
            "max_retries": 0,
            "num_retries": 0,
            "stream": True,
            "client": self._client(call, base)[which],
        }
        if call.dialect == openai_responses.DIALECT:
            return {**given, "input": call.request.get("input", "Hello")}
        messages = call.request.get("messages", [{"role": "user", "content": "Hello"}])
        return {**given, "messages": messages}

    def _known(self, model: Any) -> str:
        """*model* if it stands in litellm's list: of others it asks Ollama what they are.

        Responses of others it does not stream.
        """
        return model if isinstance(model, str) and model in self._library.model_cost else ""

    def _client(self, call: Call, base: str) -> tuple[Any, Any]:
        """OpenAI's chat goes through its own SDK, everything else through handlers of litellm."""
        if call.dialect != "openai.chat":
            return self._handlers
        keys = {"api_key": _KEY, "base_url": base, "max_retries": 0}
        if base not in self._built:
            self._built.clear()
            self._built[base] = (
                self._openai[0](http_client=self._sync, **keys),
                self._openai[1](http_client=self._async, **keys),
            )
        return self._built[base]


class _Shows:
    """What one stream shows, whatever its provider."""

    def __init__(self, dialect: str) -> None:
        self.responses = dialect == openai_responses.DIALECT
        self._left_out = () if self.responses else _LEFT_OUT.get(dialect, _MAPPED)
        self._shown = openai_responses.Events().shown if self.responses else Chunks().shown

    def __call__(self, chunk: Any) -> Iterator[Shown]:
        for event in self._shown(chunk):
            if event["type"] in self._left_out:
                continue
            if event["type"] == "usage":
                yield {**event, "usage": _as_counted(event["usage"])}
            else:
                yield _with_id_as_sent(event) if "id" in event else event


def _as_counted(usage: Shown) -> Shown:
    """Without the price, which it works out itself and puts among the provider's counts."""
    return {name: value for name, value in usage.items() if name != "cost"}


def _with_id_as_sent(event: Shown) -> Shown:
    named = _SIGNATURE.sub("", event["id"])
    rest = {name: value for name, value in event.items() if name != "id"}
    return rest if _MADE_UP.fullmatch(named) else {**rest, "id": named}


def main() -> None:
    """Serve the installed litellm package."""
    # The prices of models are in the package; nothing is fetched.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    from importlib.metadata import version

    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    serve(
        LiteLLM(litellm),
        name="litellm",
        version=version("litellm"),
        dialects=tuple(_PROVIDERS),
        variants=("sync", "async"),
        library="litellm",
        memory=True,
    )


if __name__ == "__main__":
    main()
