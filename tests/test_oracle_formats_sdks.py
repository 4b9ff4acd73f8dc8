"""The oracle against the providers' own libraries, through a real server.

Every shipped cassette, unbent: what a caller is after has to agree. google-genai, cohere,
mistralai and boto3 are no dependencies of ours; where they are absent, their rows are skipped.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from replayfuzz import store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import Ended, find
from replayfuzz.plan import Plan
from replayfuzz.serve import ReplayServer
from replayfuzz.transcript import Expected, Transcript

pytestmark = pytest.mark.slow  # the libraries take a second to import

# Cassettes that the library cannot show whole, each with its reason.
BEYOND_THE_LIBRARY = {
    "cohere.v1/hurt-breaks": "cohere splits lines at U+2028 and U+0085 inside strings: a finding",
    "ollama.generate/hurt-breaks": "ollama-python splits lines at U+0085 inside strings: a finding",
}


def of(dialect: str) -> pytest.MarkDecorator:
    rows = [
        pytest.param(exchange, id=exchange.name, marks=_marks(exchange.name))
        for exchange in store.shipped()
        if exchange.dialect == dialect
    ]
    return pytest.mark.parametrize("exchange", rows)


def _marks(name: str) -> list[Any]:
    reason = BEYOND_THE_LIBRARY.get(name)
    return [pytest.mark.skip(reason=reason)] if reason else []


@contextmanager
def played(exchange: Exchange) -> Iterator[str]:
    """The base URL of a server that answers any request with *exchange*."""
    with ReplayServer() as server:
        server.offer(wire.render(exchange, Plan()), verify=False)
        yield server.base()


def oracle(exchange: Exchange) -> tuple[Expected, Transcript]:
    (outcome,) = find(exchange.dialect).expect((exchange.body,), Ended())
    return outcome, outcome.transcript


class Seen:
    """What a library showed, by the names of our events."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, int], str] = {}
        self.calls: list[tuple[str | None, str | None, Any]] = []
        self.finishes: dict[int, str] = {}
        self.usage: Any = None
        self.failure = ""

    def say(self, kind: str, text: str | None, choice: int = 0) -> None:
        if text:
            self.texts[kind, choice] = self.texts.get((kind, choice), "") + text

    def agrees(self, exchange: Exchange) -> None:
        outcome, want = oracle(exchange)

        assert bool(self.failure) == (outcome.end == "error")
        assert outcome.message in self.failure
        assert self.texts == {
            (kind, choice): text
            for kind in ("text", "reasoning")
            for choice, text in want.joined(kind).items()
        }
        assert self.calls == [
            (call.id, call.name, json.loads(call.arguments)) for call in want.tools().values()
        ]
        if outcome.end == "complete":
            assert self.finishes == want.last("finish", "reason")


def gemini(chunks: Any, seen: Seen) -> None:
    for chunk in chunks:
        for candidate in chunk.candidates or []:
            choice = candidate.index or 0
            for part in (candidate.content and candidate.content.parts) or []:
                seen.say("reasoning" if part.thought else "text", part.text, choice)
                if call := part.function_call:
                    seen.calls.append((call.id, call.name, call.args))
            if candidate.finish_reason:
                seen.finishes[choice] = candidate.finish_reason.value
        if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
            seen.finishes[0] = chunk.prompt_feedback.block_reason.value
        seen.usage = chunk.usage_metadata or seen.usage


@of("gemini.stream")
def test_google_genai_agrees(exchange: Exchange) -> None:
    """Candidates, thoughts, calls, finish reasons, counts and errors."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    seen = Seen()
    with (
        played(exchange) as url,
        closing(genai.Client(api_key="k", http_options={"base_url": url})) as client,
    ):
        try:
            gemini(client.models.generate_content_stream(model="m", contents="Hi"), seen)
        except genai.errors.APIError as error:
            seen.failure = error.message
    seen.agrees(exchange)
    if usage := oracle(exchange)[1].of("usage"):
        shown = seen.usage.model_dump(by_alias=True, exclude_none=True, mode="json")
        assert shown == usage[-1].get("usage")


@of("cohere.v2")
def test_cohere_agrees(exchange: Exchange) -> None:
    """Texts, plans, calls, finish reason, usage; a failure is told by the last event."""
    cohere = pytest.importorskip("cohere", reason="cohere is not installed")
    httpx = pytest.importorskip("httpx")
    seen = Seen()
    parts: list[list[str | None]] = []
    with played(exchange) as url, httpx.Client() as http:
        client = cohere.ClientV2(api_key="k", base_url=url, httpx_client=http)
        for event in client.chat_stream(model="m", messages=[]):
            message: Any = getattr(getattr(event, "delta", None), "message", None)
            match event.type:
                case "content-start" | "content-delta":
                    seen.say("text", message.content.text)
                    seen.say("reasoning", message.content.thinking)
                case "tool-plan-delta":
                    seen.say("reasoning", message.tool_plan)
                case "tool-call-start":
                    parts.append([message.tool_calls.id, message.tool_calls.function.name, ""])
                case "tool-call-delta":
                    parts[event.index][2] += message.tool_calls.function.arguments
                case "message-end":
                    seen.failure = event.delta.error or ""
                    seen.finishes[0] = event.delta.finish_reason
                    seen.usage = event.delta.usage
    seen.calls = [(call, name, json.loads(text or "")) for call, name, text in parts]
    seen.agrees(exchange)
    if usage := oracle(exchange)[1].of("usage"):
        tokens = seen.usage.tokens
        assert usage[-1].get("usage")["tokens"] == {
            "input_tokens": tokens.input_tokens,
            "output_tokens": tokens.output_tokens,
        }


@of("cohere.v1")
def test_cohere_agrees_on_its_first_api(exchange: Exchange) -> None:
    """Text, plans, calls, the finish reason and counts."""
    cohere = pytest.importorskip("cohere", reason="cohere is not installed")
    httpx = pytest.importorskip("httpx")
    seen = Seen()
    with played(exchange) as url, httpx.Client() as http:
        client = cohere.Client(api_key="k", base_url=url, httpx_client=http)
        for event in client.chat_stream(model="m", message="Hi"):
            match event.event_type:
                case "text-generation":
                    seen.say("text", event.text)
                case "tool-calls-chunk":
                    seen.say("reasoning", event.text)
                case "tool-calls-generation":
                    seen.calls += [(None, call.name, call.parameters) for call in event.tool_calls]
                case "stream-end":
                    seen.finishes[0] = event.finish_reason
                    seen.usage = event.response.meta
    seen.agrees(exchange)
    assert seen.usage.tokens.output_tokens == 7


@of("mistral.chat")
def test_mistralai_agrees(exchange: Exchange) -> None:
    """Content as text and in parts, thinking, whole calls, finish reasons and counts."""
    sdk = pytest.importorskip("mistralai.client", reason="mistralai 2 is not installed")
    seen = Seen()
    with played(exchange) as url, sdk.Mistral(api_key="k", server_url=url) as client:
        for event in client.chat.stream(model="m", messages=[{"role": "user", "content": "Hi"}]):
            seen.usage = event.data.usage or seen.usage
            for choice in event.data.choices:
                mistral(choice.delta.content or [], seen, choice.index)
                for call in choice.delta.tool_calls or []:
                    arguments = json.loads(call.function.arguments)
                    seen.calls.append((call.id, call.function.name, arguments))
                if choice.finish_reason:
                    seen.finishes[choice.index] = choice.finish_reason
    seen.agrees(exchange)
    if usage := oracle(exchange)[1].of("usage"):
        assert usage[-1].get("usage") == seen.usage.model_dump(exclude_unset=True)


def mistral(content: Any, seen: Seen, choice: int) -> None:
    for part in [content] if isinstance(content, str) else content:
        seen.say("text", part if isinstance(part, str) else getattr(part, "text", ""), choice)
        for thought in getattr(part, "thinking", None) or []:
            seen.say("reasoning", thought.text, choice)


@contextmanager
def bedrock(exchange: Exchange, seen: Seen) -> Iterator[Any]:
    """A client of Bedrock's runtime, whose errors are kept."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    exceptions = pytest.importorskip("botocore.exceptions")
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "k", "region_name": "us-east-1"}
    with (
        played(exchange) as url,
        closing(boto3.client("bedrock-runtime", endpoint_url=url, **keys)) as client,
    ):
        try:
            yield client
        except exceptions.EventStreamError as error:
            seen.failure = str(error)


@of("bedrock.converse_stream")
def test_boto3_agrees(exchange: Exchange) -> None:
    """Texts, reasoning, calls in pieces, the stop reason, the documented counts, exceptions."""
    seen = Seen()
    parts: dict[int, list[str]] = {}
    with bedrock(exchange, seen) as client:
        answer = client.converse_stream(modelId="m-1", messages=[])
        with closing(answer["stream"]) as events:
            for event in events:
                for kind, value in event.items():
                    converse(kind, value, seen, parts)
    seen.calls = [(call, name, json.loads(text)) for call, name, text in parts.values()]
    seen.agrees(exchange)
    if usage := oracle(exchange)[1].of("usage"):
        assert seen.usage.items() <= usage[-1].get("usage").items()


def converse(kind: str, event: Any, seen: Seen, parts: dict[int, list[str]]) -> None:
    delta = event.get("delta", {})
    match kind:
        case "contentBlockStart" if call := event["start"].get("toolUse"):
            parts[event["contentBlockIndex"]] = [call["toolUseId"], call["name"], ""]
        case "contentBlockDelta":
            seen.say("text", delta.get("text"))
            seen.say("reasoning", delta.get("reasoningContent", {}).get("text"))
            if piece := delta.get("toolUse"):
                parts[event["contentBlockIndex"]][2] += piece["input"]
        case "messageStop":
            seen.finishes[0] = event["stopReason"]
        case "metadata":
            seen.usage = event["usage"]


@of("bedrock.invoke_with_response_stream")
def test_boto3_agrees_on_invoke(exchange: Exchange) -> None:
    """The chunks are the model's own: what they hold, put together, is what the oracle tells."""
    seen = Seen()
    chunks: list[Any] = []
    with bedrock(exchange, seen) as client:
        answer = client.invoke_model_with_response_stream(modelId="m-1", body=b"{}")
        with closing(answer["body"]) as events:
            chunks.extend(json.loads(event["chunk"]["bytes"]) for event in events)
    parts: dict[int, list[str]] = {}
    for chunk in chunks:
        invoked(chunk, seen, parts)
    seen.calls = [(call, name, json.loads(text)) for call, name, text in parts.values()]
    seen.agrees(exchange)


def invoked(chunk: Any, seen: Seen, parts: dict[int, list[str]]) -> None:
    delta, block = chunk.get("delta", {}), chunk.get("content_block", {})
    seen.say("text", chunk.get("outputText") or delta.get("text"))
    seen.say("reasoning", delta.get("thinking"))
    if block.get("type") == "tool_use":
        parts[chunk["index"]] = [block["id"], block["name"], ""]
    if piece := delta.get("partial_json"):
        parts[chunk["index"]][2] += piece
    if reason := chunk.get("completionReason") or delta.get("stop_reason"):
        seen.finishes[0] = reason


@of("ollama.generate")
def test_ollama_agrees(exchange: Exchange) -> None:
    """Response, thinking, the last line."""
    ollama = pytest.importorskip("ollama")
    seen = Seen()
    with played(exchange) as url, closing(ollama.Client(host=url)) as client:
        try:
            for part in client.generate(model="m", prompt="Hi", stream=True):
                seen.say("text", part.response)
                seen.say("reasoning", part.thinking)
                if part.done:
                    seen.finishes[0] = part.done_reason
                    seen.usage = part.eval_count
        except ollama.ResponseError as error:
            seen.failure = error.error
    seen.agrees(exchange)
    if usage := oracle(exchange)[1].of("usage"):
        assert usage[-1].get("usage")["eval_count"] == seen.usage
