"""The cassettes that ship: whole, honest, complete by topic, and what the providers document."""

import json
from itertools import accumulate

import pytest
import vcr

from replayfuzz import store
from replayfuzz.cassette import dump, parse
from replayfuzz.dialects import find
from replayfuzz.formats.spans import events

TOPICS = {"plain", "hurt-breaks", "hurt-marks", "hurt-words", "error"}
CHAT = TOPICS | {
    "tool-call",
    "tools-parallel",
    "tools-interleaved",
    "reasoning",
    "refusal",
    "usage",
}
GEMINI = TOPICS | {
    *("tool-call", "tools-parallel", "reasoning", "refusal", "blocked", "choices", "usage"),
}
REQUIRED = {
    "openai.chat": CHAT | {"choices"},
    "openai.completions": TOPICS | {"choices", "usage", "filter"},
    "openai.responses": CHAT | {"incomplete", "keepalive"},
    "openai.assistants": (CHAT - {"reasoning", "tools-interleaved"}) | {"incomplete", "run-error"},
    "writer.completions": TOPICS - {"error"},
    # No error in mid-stream is documented, and no refusal.
    "mistral.chat": CHAT - {"error", "refusal", "tools-interleaved"},
    "openai.audio": TOPICS | {"usage", "speakers", "no-done"},
    "anthropic.messages": CHAT,
    "ollama.chat": CHAT,
    "gemini.stream": GEMINI | {"tools-separate"},
    "gemini.stream_array": GEMINI,
    "gemini.interactions": TOPICS
    | {"tool-call", "tools-parallel", "reasoning", "incomplete", "usage"},
    "ollama.generate": TOPICS | {"reasoning", "usage"},
    "ollama.pull": TOPICS | {"layers"},
    "cohere.v2": TOPICS | {"tool-call", "tools-parallel", "reasoning", "citations", "usage"},
    # No record for an error in mid-stream is documented, only finish reasons.
    "cohere.v1": (TOPICS - {"error"}) | {"tool-call", "tools-parallel", "usage"},
    "worker.execute": TOPICS | {"usage", "nothing"},
    "worker.jobs": TOPICS | {"narration"},
    "tgi.generate_stream": TOPICS | {"usage"},
    "replicate": TOPICS | {"logs", "canceled"},
    "watsonx.generation": TOPICS | {"usage"},
    "mcp.streamable_http": TOPICS | {"progress", "failed-tool"},
    "anthropic.completions": TOPICS | {"length"},
    "simplified": TOPICS,
    "bedrock.converse_stream": TOPICS
    | {"tool-call", "tools-parallel", "reasoning", "filter", "usage", "headers"},
    "bedrock.invoke_with_response_stream": TOPICS
    | {"tool-call", "tools-parallel", "reasoning", "refusal", "usage", "titan"},
    "ndjson": (TOPICS - {"error"}) | {"values"},  # an error has no form of its own there
    "sse": TOPICS | {"events", "ids", "comments", "multi-line", "fields"},
}
BINARY = {name for name in REQUIRED if name.startswith("bedrock.")}  # see test_bedrock
LARGER = {"openai.responses", *BINARY}
TEXTS = [name for name in REQUIRED if name not in BINARY]
ROOT = store.shipped_folder()

each_file = pytest.mark.parametrize(
    "file", sorted(ROOT.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
each = pytest.mark.parametrize("exchange", store.shipped(), ids=lambda exchange: exchange.name)


def of(dialect):
    rows = [exchange for exchange in store.shipped() if exchange.dialect == dialect]
    return pytest.mark.parametrize("exchange", rows, ids=lambda exchange: exchange.name)


def shipped(name):
    (found,) = (exchange for exchange in store.shipped() if exchange.name == name)
    return found


def values(exchange):
    """The JSON values of a stream."""
    for record in events(exchange.body, find(exchange.dialect).format):
        if record.data and record.data != "[DONE]":
            yield json.loads(record.data)


def test_each_dialect_has_its_topics():
    found: dict[str, set[str]] = {}
    for exchange in store.shipped():
        dialect, topic = exchange.name.split("/")
        assert dialect == exchange.dialect
        found.setdefault(dialect, set()).add(topic)

    assert found == REQUIRED


def test_every_file_is_a_cassette():
    files = [path for path in ROOT.rglob("*") if path.is_file()]

    assert len(files) == len(store.shipped())


@each_file
def test_the_text_is_what_dump_writes(file):
    """So a cassette that is recorded again differs only where the stream does."""
    text = file.read_text(encoding="utf-8")

    assert dump(parse(text, file=file.name)) == text


@each
def test_each_event_is_one_chunk(exchange):
    ends = list(accumulate(length for _, length in exchange.chunks))
    records = events(exchange.body, find(exchange.dialect).format)

    assert ends == [record.end for record in records]
    assert all(record.closed for record in records)


@each
def test_it_is_small_honest_and_holds_no_secret(exchange):
    assert len(exchange.body) < (4000 if exchange.dialect in LARGER else 3000)
    assert dict(exchange.origin)["kind"] == "authored"
    assert dict(exchange.origin)["source"].startswith("https://")
    names = {name.lower() for name, _ in (*exchange.fields, *exchange.request.fields)}
    assert not names & {"authorization", "x-api-key", "api-key", "set-cookie", "cookie"}


@pytest.mark.parametrize("dialect", TEXTS)
def test_plain_text_has_characters_of_two_three_and_four_bytes(dialect):
    text = shipped(f"{dialect}/plain").body.decode()

    assert {len(char.encode()) for char in text} == {1, 2, 3, 4}


@pytest.mark.parametrize("dialect", TEXTS)
def test_line_breaks_of_other_alphabets_are_in_the_bytes(dialect):
    body = shipped(f"{dialect}/hurt-breaks").body
    raw = [char.encode() in body for char in "\u2028\u2029\x85\ufeff"]
    escaped = dialect.startswith("ollama.")  # as Go's encoder does, for two of them
    bom = dialect != "ndjson"  # which stands in hurt-marks there

    assert raw == [not escaped, not escaped, True, bom]


@pytest.mark.slow  # the first call imports the library
@of("openai.chat")
def test_openai_reads_every_chunk_strictly(exchange):
    chat = pytest.importorskip("openai.types.chat")

    for value in values(exchange):
        if "error" in value:
            assert set(value["error"]) == {"message", "type", "param", "code"}
        else:
            chat.ChatCompletionChunk.model_validate(value, strict=True)


@pytest.mark.slow  # the first call imports the library
@of("openai.completions")
def test_openai_reads_every_completion_strictly(exchange):
    types = pytest.importorskip("openai.types")

    for value in values(exchange):
        for choice in value.get("choices", ()):
            # The model is that of the whole answer; a stream says null until the last chunk.
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        if "error" not in value:
            types.Completion.model_validate(value, strict=True)


@pytest.mark.slow  # the first call imports the library
@of("openai.responses")
def test_openai_reads_every_response_event_strictly(exchange):
    types = pytest.importorskip("openai.types.responses")
    pydantic = pytest.importorskip("pydantic")
    event = pydantic.TypeAdapter(types.ResponseStreamEvent)

    for value in values(exchange):
        if value["type"] not in {"keepalive", "error"}:
            event.validate_python(value, strict=True)


@pytest.mark.slow  # the first call imports the library
@of("anthropic.messages")
def test_anthropic_reads_every_event_strictly(exchange):
    types = pytest.importorskip("anthropic.types")
    pydantic = pytest.importorskip("pydantic")
    event = pydantic.TypeAdapter(types.RawMessageStreamEvent)

    for value in values(exchange):
        if value["type"] not in {"ping", "error"}:
            event.validate_python(value, strict=True)


@pytest.mark.parametrize(
    "exchange",
    [one for one in store.shipped() if one.dialect in {"anthropic.messages", "openai.responses"}],
    ids=lambda exchange: exchange.name,
)
def test_each_event_has_the_name_that_its_data_has(exchange):
    for block in exchange.body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")

        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


@of("ollama.chat")
def test_ollama_reads_every_record_strictly(exchange):
    ollama = pytest.importorskip("ollama")

    for value in values(exchange):
        if "error" in value:
            assert isinstance(value["error"], str)
        else:
            ollama.ChatResponse.model_validate(value, strict=True)


def test_interleaved_calls_alternate():
    indexes = [
        call["index"]
        for value in values(shipped("openai.chat/tools-interleaved"))
        for call in value["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert indexes == [0, 1, 0, 1, 0, 1, 1, 0]

    blocks = [
        value["index"]
        for value in values(shipped("anthropic.messages/tools-interleaved"))
        if value["type"] == "content_block_delta"
    ]
    assert blocks == [0, 1, 1, 0]


@each
def test_vcr_plays_it_to_httpx(exchange, tmp_path, request):
    """A shipped file as it is, with a client that VCR.py patches: the same bytes arrive."""
    httpx = pytest.importorskip("httpx")
    file = ROOT / f"{exchange.name}.yaml"
    sent = exchange.request

    with (
        vcr.use_cassette(str(file), record_mode="none", match_on=["method", "uri", "body"]),
        httpx.Client(trust_env=False) as client,
    ):
        answer = client.request(
            sent.method, sent.url, content=sent.body or None, headers=list(sent.fields)
        )

    assert (answer.status_code, answer.content) == (exchange.status, exchange.body)
    assert answer.headers["content-type"] == dict(exchange.fields)["Content-Type"]
