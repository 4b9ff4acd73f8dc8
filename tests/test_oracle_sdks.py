"""The oracle against the providers' own libraries: on unbent streams they have to agree.

The libraries are fed in memory, by a transport that answers with the recorded body. What
is compared is what a caller is after: texts, tool calls, finish reason, usage, errors.
"""

import importlib
import json
from typing import Any

import pytest

from replayfuzz import store
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import Ended, find
from replayfuzz.transcript import Expected, Transcript
from tests.oracle_streams import recorded

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")
ollama = pytest.importorskip("ollama")

# Recordings that the library cannot show whole, each with its reason.
BEYOND_THE_LIBRARY = {
    "ollama.chat/hurt-breaks": "ollama-python splits lines at U+0085 inside strings: a finding",
}


def transport(module: str, content_type: str, body: bytes) -> Any:
    """A transport that answers every request with *body*, and the HTTP package it is of."""
    httpx = importlib.import_module(module)
    answer = {"status_code": 200, "headers": {"content-type": content_type}}
    return httpx.MockTransport(lambda _: httpx.Response(content=body, **answer)), httpx


def http_of(package: Any) -> str:
    """openai 3 and anthropic 2 moved to httpx2; older ones use httpx."""
    return "httpx2" if "httpx2" in vars(package._base_client) else "httpx"


def streams(dialect: str) -> list[Any]:
    shipped = [e for e in store.shipped() if e.dialect == dialect]
    rows = [row(exchange.name, exchange.body) for exchange in shipped]
    rows += [row(stream.id, stream.body, pytest.mark.slow) for stream in recorded(dialect)]
    return [found for found in rows if len(found.values[0]) < 40_000]


def row(name: str, body: bytes, *marks: Any) -> Any:
    reasons = [why for start, why in BEYOND_THE_LIBRARY.items() if name.startswith(start)]
    return pytest.param(
        body, id=name, marks=[*marks, *(pytest.mark.skip(reason=r) for r in reasons)]
    )


def oracle(dialect: str, body: bytes) -> tuple[Expected, Transcript]:
    outcome = find(dialect).expect((body,), Ended())[0]
    return outcome, outcome.transcript


@pytest.mark.parametrize("body", streams("openai.chat"))
def test_openai_agrees(body: bytes) -> None:
    """Texts, tool calls, finish reasons and usage, folded from the library's chunks."""
    client = _openai(body)
    texts: dict[int, str] = {}
    refusals: dict[int, str] = {}
    calls: dict[tuple[int, int], list[str]] = {}
    finishes: dict[int, str] = {}
    usage = None
    failure = ""
    try:
        for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
            usage = chunk.usage or usage
            for choice in chunk.choices or []:
                _add(texts, choice.index, choice.delta.content)
                _add(refusals, choice.index, choice.delta.refusal)
                for call in choice.delta.tool_calls or []:
                    parts = calls.setdefault((choice.index, call.index), ["", "", ""])
                    parts[0] = parts[0] or call.id or ""
                    parts[1] = parts[1] or call.function.name or ""
                    parts[2] += call.function.arguments or ""
                if choice.finish_reason:
                    finishes[choice.index] = choice.finish_reason
    except openai.APIError as error:
        failure = str(error)
    outcome, want = oracle("openai.chat", body)

    assert outcome.message == failure
    assert texts == want.joined("text")
    assert refusals == want.joined("refusal")
    assert {key: tuple(parts) for key, parts in calls.items()} == {
        key: (call.id or "", call.name or "", call.arguments) for key, call in want.tools().items()
    }
    assert failure or finishes == want.last("finish", "reason")
    assert _within(want.last("usage", "usage").get(0), usage)


@pytest.mark.parametrize("body", streams("openai.completions"))
def test_openai_agrees_on_completions(body: bytes) -> None:
    """Texts, finish reasons and usage, folded from the library's chunks."""
    client = _openai(body)
    texts: dict[int, str] = {}
    finishes: dict[int, str] = {}
    usage = None
    failure = ""
    try:
        for chunk in client.completions.create(model="m", prompt="", stream=True):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                _add(texts, choice.index, choice.text)
                if choice.finish_reason:
                    finishes[choice.index] = choice.finish_reason
    except openai.APIError as error:
        failure = str(error)
    outcome, want = oracle("openai.completions", body)

    assert outcome.message == failure
    assert texts == want.joined("text")
    assert failure or finishes == want.last("finish", "reason")
    assert _within(want.last("usage", "usage").get(0), usage)


@pytest.mark.parametrize("body", streams("openai.responses"))
def test_openai_agrees_on_responses(body: bytes) -> None:
    """Pieces as the library's raw events have them; texts, calls and usage as its helper's end."""
    outcome, want = oracle("openai.responses", body)
    pieces: dict[str, str] = {}
    failure = ""
    try:
        for event in _openai(body).responses.create(model="m", input="", stream=True):
            if event.type.endswith(".delta") and isinstance(event.delta, str):
                pieces[event.type] = pieces.get(event.type, "") + event.delta
    except openai.APIError as error:
        failure = str(error)

    assert failure == outcome.message
    assert pieces.get("response.output_text.delta", "") == want.joined("text").get(0, "")
    assert pieces.get("response.refusal.delta", "") == want.joined("refusal").get(0, "")
    if failure:
        return
    with _openai(body).responses.stream(model="m", input="") as stream:
        *_, last = list(stream)
    response = last.response
    calls = {
        (0, at): (item.call_id, item.name, getattr(item, "arguments", None) or item.input)
        for at, item in enumerate(response.output)
        if item.type in {"function_call", "custom_tool_call"}
    }
    reason = getattr(response.incomplete_details, "reason", None) or response.status
    assert response.output_text == want.joined("text").get(0, "")
    assert calls == {
        key: (call.id, call.name, call.arguments) for key, call in want.tools().items()
    }
    assert want.last("finish", "reason") == {0: reason}
    assert _within(want.last("usage", "usage").get(0), response.usage)
    assert response.model == want.of("model")[-1].get("model")


@pytest.mark.parametrize("body", streams("openai.audio"))
def test_openai_agrees_on_transcriptions(body: bytes) -> None:
    """Pieces joined, or all text where there are none; and usage."""
    text, whole, usage, failure = "", "", None, ""
    try:
        for event in _openai(body).audio.transcriptions.create(
            model="m", file=("a.wav", b"RIFF"), stream=True
        ):
            if event.type == "transcript.text.delta":
                text += event.delta
            elif event.type == "transcript.text.done":
                whole, usage = event.text, event.usage
    except openai.APIError as error:
        failure = str(error)
    outcome, want = oracle("openai.audio", body)

    assert failure == outcome.message
    assert (text or whole) == want.joined("text").get(0, "")
    assert failure or text in ("", whole)
    assert _within(want.last("usage", "usage").get(0), usage)


@pytest.mark.parametrize("body", streams("openai.assistants"))
@pytest.mark.filterwarnings("ignore:The Assistants API is deprecated")
def test_openai_agrees_on_runs(body: bytes) -> None:
    """What the library's events hold: texts, refusals, calls, the run's last status."""
    texts = {"text": "", "refusal": ""}
    calls: dict[int, list[str]] = {}
    run, failure = None, ""
    try:
        runs = _openai(body).beta.threads.create_and_run(assistant_id="a", stream=True)
        for event in runs:
            match event.event:
                case "thread.message.delta":
                    for part in event.data.delta.content:
                        said = part.text.value if part.type == "text" else part.refusal
                        texts[part.type] += said or ""
                case "thread.run.step.delta":
                    for call in event.data.delta.step_details.tool_calls:
                        if call.type == "function":
                            parts = calls.setdefault(call.index, ["", "", ""])
                            parts[0] = parts[0] or call.id or ""
                            parts[1] = parts[1] or call.function.name or ""
                            parts[2] += call.function.arguments or ""
                case str(name) if name.startswith("thread.run.") and ".step." not in name:
                    run = event.data
    except openai.APIError as error:
        failure = str(error)
    if run and run.status == "failed":
        failure = run.last_error.message
    outcome, want = oracle("openai.assistants", body)

    assert failure == outcome.message
    assert texts == {kind: want.joined(kind).get(0, "") for kind in texts}
    assert {(0, index): tuple(parts) for index, parts in calls.items()} == {
        key: (call.id, call.name, call.arguments) for key, call in want.tools().items()
    }
    if run and not failure:
        details = run.incomplete_details
        reason = details.reason if details else run.status
        assert want.last("finish", "reason") == {0: reason}
        assert _within(want.last("usage", "usage").get(0), run.usage)


def _openai(body: bytes) -> Any:
    handler, httpx = transport(http_of(openai), "text/event-stream", body)
    client = httpx.Client(transport=handler)
    return openai.OpenAI(api_key="k", http_client=client, max_retries=0)


@pytest.mark.parametrize("body", streams("anthropic.messages"))
def test_anthropic_agrees(body: bytes) -> None:
    """The helper's final message holds what the oracle tells."""
    handler, httpx = transport(http_of(anthropic), "text/event-stream", body)
    client = anthropic.Anthropic(
        api_key="k", http_client=httpx.Client(transport=handler), max_retries=0
    )
    outcome, want = oracle("anthropic.messages", body)
    failure = ""
    try:
        with client.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
            message = stream.get_final_message()
    except anthropic.APIError as error:
        failure = str(error)
    assert outcome.message in failure
    assert bool(outcome.message) == bool(failure)
    if failure:
        return

    def joined(kind: str) -> str:
        return "".join(getattr(block, kind) for block in message.content if block.type == kind)

    tools = {
        (0, at): block
        for at, block in enumerate(message.content)
        if block.type.endswith("tool_use")
    }
    assert joined("text") == want.joined("text").get(0, "")
    assert joined("thinking") == want.joined("reasoning").get(0, "")
    assert {key: (block.id, block.name, block.input) for key, block in tools.items()} == {
        key: (call.id, call.name, json.loads(call.arguments or "{}"))
        for key, call in want.tools().items()
    }
    assert message.stop_reason == want.last("finish", "reason")[0]
    assert message.usage.output_tokens == want.last("usage", "usage")[0]["output_tokens"]
    assert message.model == want.of("model")[0].get("model")


@pytest.mark.parametrize("body", streams("ollama.chat"))
def test_ollama_agrees(body: bytes) -> None:
    """Texts, tool calls and the last part."""
    handler, _ = transport("httpx", "application/x-ndjson", body)
    outcome, want = oracle("ollama.chat", body)
    parts: list[Any] = []
    failure = ""
    try:
        parts.extend(ollama.Client(transport=handler).chat(model="m", messages=[], stream=True))
    except ollama.ResponseError as error:
        failure = error.error
    calls = [call for part in parts for call in part.message.tool_calls or []]

    assert failure == outcome.message
    assert "".join(part.message.content or "" for part in parts) == want.joined("text").get(0, "")
    assert "".join(part.message.thinking or "" for part in parts) == want.joined("reasoning").get(
        0, ""
    )
    assert [(call.function.name, dict(call.function.arguments)) for call in calls] == [
        (call.name, json.loads(call.arguments)) for call in want.tools().values()
    ]
    if not failure:
        assert {0: parts[-1].done_reason} == want.last("finish", "reason")
        assert parts[-1].eval_count == want.last("usage", "usage")[0]["eval_count"]


def _add(texts: dict[int, str], choice: int, piece: str | None) -> None:
    if piece:
        texts[choice] = texts.get(choice, "") + piece


def _within(want: dict[str, Any] | None, seen: Any) -> bool:
    """Every count that the oracle tells is what the library shows under that name."""
    if want is None:
        return not seen
    shown = seen.model_dump()
    return all(shown[name] == value for name, value in want.items() if isinstance(value, int))


def test_exchanges_are_there() -> None:
    """The laws above are about the shipped streams at least."""
    shipped: tuple[Exchange, ...] = store.shipped()

    assert {exchange.dialect for exchange in shipped} >= {
        "openai.chat",
        "openai.completions",
        "openai.responses",
        "anthropic.messages",
        "ollama.chat",
    }
