"""How each provider is asked to stream an answer to one prompt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from replayfuzz.cassette import Fields
from replayfuzz.dialects.providers import PROVIDERS as FOLLOWERS
from replayfuzz.errors import UsageError

Body = Callable[[str, str], dict[str, Any]]
"""Model and prompt -> what is posted."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider API.

    Attributes:
        base: Base URL; *base_variable* of the environment replaces it. With braces in it, it
            is the caller's own, to be told.
        path: Below it; ``{model}`` is the model's name.
        key_variable: Of the environment; "" for none.
        key_field: Field that the key goes into, and what stands before it.
        fields: That go with every request.
        model: The one that is asked when none is named; "" for none.
        body: See there.
    """

    base: str
    base_variable: str
    path: str
    key_variable: str
    key_field: tuple[str, str]
    model: str
    body: Body
    fields: Fields = ()


def _messages(model: str, prompt: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
    }


_BEARER = ("Authorization", "Bearer ")
_OPENAI = ("https://api.openai.com/v1", "OPENAI_BASE_URL")
PROVIDERS: Mapping[str, Provider] = {
    "openai.chat": Provider(
        *_OPENAI, "/chat/completions", "OPENAI_API_KEY", _BEARER, "gpt-4o-mini",
        lambda model, prompt: {
            **_messages(model, prompt), "stream_options": {"include_usage": True}
        },
    ),
    "openai.responses": Provider(
        *_OPENAI, "/responses", "OPENAI_API_KEY", _BEARER, "gpt-4o-mini",
        lambda model, prompt: {"model": model, "input": prompt, "stream": True},
    ),
    "anthropic.messages": Provider(
        "https://api.anthropic.com", "ANTHROPIC_BASE_URL", "/v1/messages", "ANTHROPIC_API_KEY",
        ("x-api-key", ""), "claude-3-5-haiku-latest",
        lambda model, prompt: {**_messages(model, prompt), "max_tokens": 1024},
        (("anthropic-version", "2023-06-01"),),
    ),
    "gemini.stream": Provider(
        "https://generativelanguage.googleapis.com", "GOOGLE_GEMINI_BASE_URL",
        "/v1beta/models/{model}:streamGenerateContent?alt=sse", "GEMINI_API_KEY",
        ("x-goog-api-key", ""), "gemini-2.5-flash",
        lambda _, prompt: {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
    ),
    "cohere.v2": Provider(
        "https://api.cohere.com", "CO_API_URL", "/v2/chat", "CO_API_KEY", _BEARER,
        "command-r7b-12-2024", _messages,
    ),
    "ollama.chat": Provider(
        "http://127.0.0.1:11434", "OLLAMA_HOST", "/api/chat", "", ("", ""), "llama3.2", _messages
    ),
    **{
        follower.name: Provider(
            follower.base, "", follower.apis[chat], follower.key, follower.header, "", _messages
        )
        for follower in FOLLOWERS
        for chat in ("openai.chat", "mistral.chat")
        if chat in follower.apis and follower.name != "openai"
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent through the recorder.

    Attributes:
        base: Base URL of the upstream.
        path: Below it.
        fields: With the key in them.
    """

    base: str
    path: str
    fields: Fields
    body: bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a provider.

    Attributes:
        prompt: What the user says.
        model: In place of the usual one.
        base: Base URL, in place of the provider's; with one, no key is no fault.
        tools: Put into the request as they are, where there are any.
    """

    prompt: str
    model: str = ""
    base: str = ""
    tools: Any = None


def call(name: str, wish: Wish, environment: Mapping[str, str]) -> Call:
    """The request that asks provider *name*, with the key of *environment*.

    Raises:
        UsageError: There is no such provider, or its key, its model or its base URL is missing.
    """
    provider = PROVIDERS.get(name)
    if provider is None:
        raise UsageError(
            f"--provider {name}: cannot be called; known are {', '.join(PROVIDERS)}. Record any "
            "other with --upstream and a client of your own"
        )
    base = wish.base or environment.get(provider.base_variable, "") or provider.base
    if "://" not in base:
        base = f"http://{base}"  # as OLLAMA_HOST has it
    if "{" in base:
        raise UsageError(f"--provider {name}: its base URL is your own: name it with --base-url")
    model = wish.model or provider.model
    if not model:
        raise UsageError(f"--provider {name}: name a model with --model")
    body = provider.body(model, wish.prompt)
    if wish.tools is not None:
        body["tools"] = wish.tools
    return Call(
        base=base,
        path=provider.path.format(model=quote(model, safe="")),
        fields=(
            ("Content-Type", "application/json"),
            ("Accept-Encoding", "identity"),
            *provider.fields,
            *_key(name, provider, environment, optional=bool(wish.base)),
        ),
        body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
    )


def _key(
    name: str, provider: Provider, environment: Mapping[str, str], *, optional: bool
) -> Fields:
    variable = provider.key_variable
    key = environment.get(variable, "") if variable else ""
    if variable and not key and not optional:
        raise UsageError(
            f"--provider {name}: {variable} is not set; keys are read from the environment only"
        )
    if not (key.isprintable() and key.isascii()):
        raise UsageError(f"{variable} holds what no header field can: spaces, or no ASCII")
    field, before = provider.key_field
    return ((field, before + key),) if key else ()
