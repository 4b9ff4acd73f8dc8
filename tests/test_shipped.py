"""The cassettes that ship: whole, honest, complete by topic, and what the providers document."""

import json
from itertools import accumulate, pairwise

import pytest
import vcr

from replayfuzz import store
from replayfuzz.cassette import dump, parse

TOPICS = {"plain", "hurt-breaks", "hurt-marks", "hurt-words", "error"}
CHAT = TOPICS | {
    "tool-call",
    "tools-parallel",
    "tools-interleaved",
    "reasoning",
    "refusal",
    "usage",
}
REQUIRED = {
    "openai.chat": CHAT | {"choices"},
    "anthropic.messages": CHAT,
    "ollama.chat": CHAT,
    "sse": TOPICS | {"events", "ids", "comments", "multi-line", "fields"},
}
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
    """The JSON values of a stream, read as simply as an authored file allows."""
    for record in exchange.body.decode().split("\n"):
        text = record if exchange.dialect == "ollama.chat" else record.partition("data: ")[2]
        if text and text != "[DONE]":
            yield json.loads(text)


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
    separator = b"\n" if exchange.dialect == "ollama.chat" else b"\n\n"

    assert ends[-1] == len(exchange.body)
    for start, end in pairwise([0, *ends]):
        assert exchange.body[start:end].endswith(separator)
        assert separator not in exchange.body[start : end - len(separator)]


@each
def test_it_is_small_honest_and_holds_no_secret(exchange):
    assert len(exchange.body) < 3000
    assert dict(exchange.origin)["kind"] == "authored"
    assert dict(exchange.origin)["source"].startswith("https://")
    names = {name.lower() for name, _ in (*exchange.fields, *exchange.request.fields)}
    assert not names & {"authorization", "x-api-key", "api-key", "set-cookie", "cookie"}


@pytest.mark.parametrize("dialect", REQUIRED)
def test_plain_text_has_characters_of_two_three_and_four_bytes(dialect):
    text = shipped(f"{dialect}/plain").body.decode()

    assert {len(char.encode()) for char in text} == {1, 2, 3, 4}


@pytest.mark.parametrize("dialect", REQUIRED)
def test_line_breaks_of_other_alphabets_are_in_the_bytes(dialect):
    body = shipped(f"{dialect}/hurt-breaks").body
    raw = [char.encode() in body for char in "\u2028\u2029\x85\ufeff"]
    escaped = dialect == "ollama.chat"  # as Go's encoder does, for two of them

    assert raw == [not escaped, not escaped, True, True]


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
@of("anthropic.messages")
def test_anthropic_reads_every_event_strictly(exchange):
    types = pytest.importorskip("anthropic.types")
    pydantic = pytest.importorskip("pydantic")
    event = pydantic.TypeAdapter(types.RawMessageStreamEvent)

    for value in values(exchange):
        if value["type"] not in {"ping", "error"}:
            event.validate_python(value, strict=True)


@of("anthropic.messages")
def test_anthropic_names_each_event_as_its_data_does(exchange):
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
