"""The table of providers that speak OpenAI's APIs: whole, and what their recordings show."""

import json
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from replayfuzz import dialects, record
from replayfuzz.dialects.providers import PROVIDERS, QUIRKS, Provider, Quirk
from replayfuzz.errors import UsageError
from replayfuzz.formats.spans import events
from tests.oracle_streams import Recorded, recorded
from tests.shared import SHARED, needs_shared

CHAT = ("openai.chat", "mistral.chat")
# Gateways of no provider, with nothing of their own.
NOBODY = {"openai_compat_gateway"}
each = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)


def of(provider: Provider, *names: str) -> list[Recorded]:
    return [
        stream
        for name in names
        for stream in recorded(name)
        if stream.id.startswith(f"{provider.name}.")
    ]


def shown(stream: Recorded) -> Iterator[Quirk]:
    """The quirks that one recording of chat completions shows."""
    records = events(stream.body, "sse")
    datas = [record.data for record in records if record.data is not None]
    lines = [line for record in records for line in record.lines]
    chunks = [chunk for chunk in map(_chunk, datas) if chunk]
    failed = any(chunk.get("error") for chunk in chunks)
    usages = [chunk["usage"] for chunk in chunks if "usage" in chunk]
    empty = [number for number, chunk in enumerate(chunks) if chunk.get("choices") == []]
    choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
    deltas = [choice.get("delta") or {} for choice in choices]
    calls = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    tests: dict[Quirk, bool] = {
        "comments": any(stream.body.startswith(b":", line.start) for line in lines),
        "content-parts": any(isinstance(delta.get("content"), list) for delta in deltas),
        "content-filter": any("content_filter_results" in choice for choice in choices),
        "empty-choices-first": 0 in empty,
        "empty-choices-last": any(empty[-1:]),
        "error": failed,
        "event-names": any(record.event for record in records),
        "no-done": "[DONE]" not in datas and not failed,
        "no-space": any(line.value == line.start + 5 for line in lines if line.name == "data"),
        "obfuscation": any("obfuscation" in chunk or "p" in chunk for chunk in chunks),
        "other-object": any(
            chunk.get("object") != "chat.completion.chunk"
            for chunk in chunks
            if not chunk.get("error")
        ),
        "reasoning": any(delta.get("reasoning") for delta in deltas),
        "reasoning_content": any(delta.get("reasoning_content") for delta in deltas),
        "reasoning_details": any(delta.get("reasoning_details") for delta in deltas),
        "role-often": sum(bool(delta.get("role")) for delta in deltas) > 2,
        "usage-null": None in usages,
        "usage-often": sum(map(bool, usages)) > 1,
        "whole-calls": any(map(_is_whole, calls)),
        "x_groq": any(chunk.get("x_groq") for chunk in chunks),
    }
    assert set(tests) == set(QUIRKS)
    return (quirk for quirk, has in tests.items() if has)


def _chunk(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:  # the end marker; messages that a recorder joined
        return {}
    return value if isinstance(value, dict) else {}


def _is_whole(call: dict[str, Any]) -> bool:
    function = call.get("function") or {}
    if not (call.get("id") and function.get("name") and function.get("arguments")):
        return False
    try:
        return isinstance(json.loads(function["arguments"]), dict)
    except ValueError:
        return False


def test_each_quirk_has_its_words() -> None:
    """The table and the type name the same ones, and each is of use."""
    used = {quirk for provider in PROVIDERS for quirk in provider.quirks}

    assert set(QUIRKS) == set(get_args(Quirk)) == used


@each
def test_rows_are_whole(provider: Provider) -> None:
    """A base URL below which each dialect has its path; a key for what is not on this host."""
    url = urlsplit(provider.base)
    local = url.hostname == "127.0.0.1"

    assert url.scheme == ("http" if local else "https") or provider.base == "{base}"
    assert not provider.base.endswith("/")
    assert bool(provider.key) != local
    assert provider.apis
    for name, path in provider.apis.items():
        assert dialects.find(name).path.endswith(path)


def test_names_are_unique() -> None:
    """A provider is found by its name."""

    assert len({provider.name for provider in PROVIDERS}) == len(PROVIDERS)


def test_the_recorder_asks_them() -> None:
    """``record --provider`` takes each row that has chat completions."""
    for provider in PROVIDERS:
        paths = [path for name, path in provider.apis.items() if name in CHAT]
        if not paths or provider.name == "openai":
            continue
        base = "" if "{" not in provider.base else "https://example.test"
        wish = record.Wish("Hi", "m", base)
        call = record.call(provider.name, wish, {provider.key: "k3y"} if provider.key else {})
        field, before = provider.header

        assert (call.base, [call.path]) == (base or provider.base, paths)
        assert dict(call.fields).get(field) == (f"{before}k3y" if provider.key else None)
        assert json.loads(call.body)["model"] == "m"


@pytest.mark.parametrize(
    ("name", "wish", "needed"),
    [
        pytest.param("groq", record.Wish("Hi"), "--model", id="model"),
        pytest.param("azure_openai", record.Wish("Hi", "m"), "--base-url", id="base-url"),
        pytest.param("groq", record.Wish("Hi", "m"), "GROQ_API_KEY is not set", id="key"),
        pytest.param("grok", record.Wish("Hi", "m"), "known are .*groq", id="name"),
    ],
)
def test_what_the_recorder_needs_is_told(name: str, wish: record.Wish, needed: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match=needed):
        record.call(name, wish, {})


@needs_shared
@each
def test_quirks_are_those_that_recordings_show(provider: Provider) -> None:
    """No more and no less; without a recording nothing is said."""
    found = {quirk for stream in of(provider, *CHAT) for quirk in shown(stream)}

    assert found == set(provider.quirks)


@needs_shared
@pytest.mark.parametrize("name", ["openai.chat", "openai.completions", "openai.responses"])
def test_each_recording_has_its_row(name: str) -> None:
    """Where it was recorded is the provider's base URL and path."""
    rows = {provider.name: provider for provider in PROVIDERS}
    for stream in recorded(name):
        provider = stream.id.partition(".")[0]
        if provider in NOBODY:
            continue
        told = json.loads((SHARED / "corpus" / f"{stream.id}.json").read_text())
        url = urlsplit(told["request"]["url"])

        assert url.path.endswith(rows[provider].apis[name])
        if "." in (url.hostname or ""):
            host = (urlsplit(rows[provider].base).hostname or "").rpartition("}")[2]
            assert host == "127.0.0.1" or (url.hostname or "").endswith(host)
