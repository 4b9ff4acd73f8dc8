"""The cassette format: what is written is read back, by us and by VCR.py, to the byte."""

import itertools
import re
from dataclasses import replace

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from vcr.serialize import deserialize
from vcr.serializers import yamlserializer

from replayfuzz.cassette import UNKNOWN, Cassette, Exchange, Request, dump, parse
from replayfuzz.errors import CassetteError
from replayfuzz.plan import ENDINGS, FRAMINGS
from tests.shared import SHARED, needs_shared

HURTING = "a \t\n\r\0\x0b\x1b\x7f\x85\xa0\u2028\u2029\u202e\ufeff\ufffe\U0001f600é\u0301\"'\\:#-|>!&*%@`{}[],~"
"""Each of these means something to YAML, or is lost by some reader of it."""

texts = st.text(st.one_of(st.sampled_from(HURTING), st.characters(codec="utf-8")), max_size=30)
bodies = st.one_of(texts.map(str.encode), st.binary(max_size=60))
fields = st.lists(st.tuples(texts, texts), max_size=4).map(tuple)


@st.composite
def exchanges(draw):
    body = draw(bodies)
    cuts = sorted({*draw(st.lists(st.integers(0, len(body)), max_size=3)), 0, len(body)})
    sizes = [end - start for start, end in itertools.pairwise(cuts)]
    seconds = sorted(draw(st.lists(st.floats(0, 1e6), min_size=len(sizes), max_size=len(sizes))))
    return Exchange(
        name="x",
        dialect=draw(st.sampled_from(["openai.chat", "null", "sse"])),
        request=Request(draw(texts), draw(texts), draw(fields), draw(bodies)),
        status=draw(st.integers(100, 599)),
        reason=draw(texts),
        fields=draw(fields),
        body=body,
        protocol=draw(st.sampled_from(["http/1.1", "h2", "grpc", "unix"])),
        framing=draw(st.sampled_from([*FRAMINGS, None])),
        chunks=tuple(zip(seconds, sizes, strict=True)),
        ending=draw(st.sampled_from([*ENDINGS, "timeout"])),
        trailers=draw(fields),
        origin=(("kind", "generated"), ("note", draw(texts))),
    )


def grouped(lines):
    """The lines of one name together, under its first spelling: all that the form can tell."""
    spelt: dict[str, str] = {}
    for name, _ in lines:
        spelt.setdefault(name.lower(), name)
    return tuple(
        (shown, value)
        for key, shown in spelt.items()
        for name, value in lines
        if name.lower() == key
    )


def one(**changes):
    return Cassette("x", (Exchange("x", "sse", **changes),))


def back(cassette):
    return parse(dump(cassette), file="some/folder/x.yaml")


@given(st.lists(exchanges(), min_size=1, max_size=2))
def test_what_is_written_is_read_back(recorded):
    cassette = Cassette("x", tuple(recorded))
    names = ["x"] if len(recorded) == 1 else ["x#0", "x#1"]

    assert back(cassette).exchanges == tuple(
        replace(
            exchange,
            name=name,
            request=replace(exchange.request, fields=grouped(exchange.request.fields)),
            fields=grouped(exchange.fields),
            trailers=grouped(exchange.trailers),
        )
        for exchange, name in zip(recorded, names, strict=True)
    )


@given(exchanges())
def test_writing_is_stable(exchange):
    text = dump(Cassette("x", (exchange,)))

    assert dump(parse(text, file="x")) == text


@given(exchanges())
@example(Exchange("x", "sse", body=b"\xff\r\n\x00", request=Request(body=b"\xff")))
def test_vcr_reads_the_same_bytes(exchange):
    (request,), (response,) = deserialize(dump(Cassette("x", (exchange,))), yamlserializer)

    assert response["body"]["string"] == exchange.body
    assert response["status"] == {"code": exchange.status, "message": exchange.reason}
    lists: dict[str, list[str]] = {}
    for name, value in grouped(exchange.fields):
        lists.setdefault(name, []).append(value)
    assert response["headers"] == lists
    assert (request.body or b"") == exchange.request.body
    assert (request.method, request.uri) == (exchange.request.method, exchange.request.url)


@given(exchanges())
def test_every_yaml_reader_agrees(exchange):
    """PyYAML's own parser and libyaml's differ in many corners; the text stays out of them."""
    text = dump(Cassette("x", (exchange,)))

    assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, yaml.CSafeLoader)


def test_a_stream_reads_well_in_a_diff():
    body = 'data: {"a":"é😀"}\n\ndata: [DONE]\n\n'
    text = dump(
        one(body=body.encode(), fields=(("Content-Type", "text/event-stream"), ("Age", "0")))
    )

    assert text.endswith(
        """\
    status: {code: 200, message: OK}
    headers:
      Content-Type: [text/event-stream]
      Age: ["0"]
    body:
      string: |+
        data: {"a":"é😀"}

        data: [DONE]

  stream:
    dialect: sse
    protocol: http/1.1
    framing: chunked
    chunks: [[0.0, 36]]
    ending: complete
    trailers: {}
    origin: {kind: generated}
version: 1
"""
    )


def test_text_with_line_ends_of_other_kinds_keeps_one_line_for_each_line():
    text = dump(one(body="data: é\u2028\r\n  b\n".encode()))

    assert '      string: "data: é\\L\\r\\n\\\n        \\  b\\n"\n' in text


@needs_shared
def test_recorded_streams_are_kept_and_readable():
    files = sorted((SHARED / "corpus").rglob("*.body"))
    recorded = tuple(Exchange(str(file), "sse", body=file.read_bytes()) for file in files)
    text = dump(Cassette("x", recorded))
    _, responses = deserialize(text, yamlserializer)

    kept = [exchange.body for exchange in parse(text, file="x").exchanges]
    assert kept == [exchange.body for exchange in recorded]
    assert kept == [response["body"]["string"] for response in responses]
    assert len(files) > 100
    assert text.count("string: |") > 0.8 * len(files)


def test_many_chunks_stay_within_the_width():
    text = dump(one(body=b"a" * 100, chunks=tuple((number / 1000, 1) for number in range(100))))
    lines = text[text.index("chunks:") : text.index("ending:")].splitlines()

    assert len(lines) > 5
    assert max(map(len, lines)) <= 102


def test_field_lines_of_one_name_are_kept_whatever_their_spelling():
    lines = (("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b"), ("Set-Cookie", "c"))

    assert back(one(fields=lines)).exchanges[0].fields == (
        *(("Set-Cookie", value) for value in "abc"),
        ("X", "1"),
    )


def test_a_field_name_longer_than_a_simple_key_is_kept():
    lines = (("x" * 5000, "1"),)

    assert back(one(fields=lines)).exchanges[0].fields == lines


def test_no_chunks_are_one_chunk():
    assert back(one(body=b"ab")).exchanges[0].chunks == ((0.0, 2),)
    assert back(one()).exchanges[0].chunks == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"body": b"abc", "chunks": ((0.0, 2),)}, "add up to 2 bytes, but the body has 3"),
        ({"body": b"ab", "chunks": ((0.2, 1), (0.1, 1))}, "go back in time"),
        ({"fields": (("x", "\ud800"),)}, "lone surrogate U+D800"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(changes, message):
    with pytest.raises(CassetteError, match=re.escape(message)):
        dump(one(**changes))


# -- plain VCR.py files --------------------------------------------------------------------

PLAIN = """\
interactions:
- request:
    body: '{"stream": true}'
    headers:
      accept: ['*/*']
      user-agent: single
    method: POST
    uri: {uri}
  response:
    body:
      string: "data: 1\\n\\n"
    headers:
      Content-Type: &type
      - {type}
      Content-Length: ["9"]
    status:
      code: {status}
      message: null
version: 1
"""


def plain(uri="https://h/", type="text/event-stream", status=200):
    text = (
        PLAIN.replace("{uri}", uri).replace("{type}", type or "''").replace("{status}", str(status))
    )
    (exchange,) = parse(text, file="a/rec.yaml").exchanges
    return exchange


@pytest.mark.parametrize(
    ("uri", "type", "status", "dialect"),
    [
        ("https://api.openai.com/v1/chat/completions", "text/event-stream", 200, "openai.chat"),
        ("https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", "text/event-stream", 200, "openai.chat"),
        ("http://h/v1/chat/completions", "Text/Event-Stream;charset=utf-8", 200, "openai.chat"),
        ("http://h/v1/chat/completions", "", 200, "openai.chat"),
        ("http://h/v1/chat/completions", "application/json", 401, "openai.chat"),
        ("http://h/v1/chat/completions", "application/json", 200, UNKNOWN),
        ("https://api.anthropic.com/v1/messages?beta=true", "text/event-stream", 200, "anthropic.messages"),
        ("https://h/models/claude:streamRawPredict", "text/event-stream", 200, "anthropic.messages"),
        ("http://127.0.0.1:11434/api/chat", "application/x-ndjson", 200, "ollama.chat"),
        ("http://127.0.0.1:11434/api/generate", "application/x-ndjson", 200, "ollama.generate"),
        ("https://h/v1beta/models/m:streamGenerateContent?alt=sse", "text/event-stream", 200, "gemini.stream"),
        ("https://h/v1beta/models/m:streamGenerateContent", "application/json; charset=UTF-8", 200, "gemini.stream_array"),
        ("https://api.cohere.com/v2/chat", "text/event-stream", 200, "cohere.v2"),
        ("https://api.cohere.com/v1/chat", "application/stream+json", 200, "cohere.v1"),
        ("http://127.0.0.1:3000/generate_stream", "text/event-stream", 200, "tgi.generate_stream"),
        ("https://h/ml/v1/text/generation_stream?version=1", "text/event-stream", 200, "watsonx.generation"),
        ("https://stream.replicate.com/v1/files/a", "text/event-stream", 200, "replicate"),
        ("https://h/mcp", "text/event-stream", 200, "mcp.streamable_http"),
        ("https://api.anthropic.com/v1/complete", "text/event-stream", 200, "anthropic.completions"),
        ("http://h/v1/other", "application/x-ndjson", 200, "ndjson"),
        ("https://api.openai.com/v1/responses", "text/event-stream", 200, "openai.responses"),
        ("https://api.openai.com/v1/completions", "text/event-stream", 200, "openai.completions"),
        ("https://h/v1/threads/t/runs", "text/event-stream", 200, "openai.assistants"),
        ("https://h/v1/audio/transcriptions", "text/event-stream", 200, "openai.audio"),
        ("https://api.mistral.ai/v1/chat/completions", "text/event-stream", 200, "mistral.chat"),
        ("https://api.writer.com/v1/completions", "text/event-stream", 200, "writer.completions"),
        ("https://h/v1beta/interactions", "text/event-stream", 200, "gemini.interactions"),
        ("http://127.0.0.1:11434/api/pull", "application/x-ndjson", 200, "ollama.pull"),
        ("http://h/execute", "text/event-stream", 200, "worker.execute"),
        ("http://h/v1/jobs/j1/stream", "text/event-stream", 200, "worker.jobs"),
        ("http://h/v1/other", "text/event-stream", 200, "sse"),
        ("https://api.openai.com/v1/models", "application/json", 200, UNKNOWN),
        ("https://api.openai.com/v1/models", "application/json", 500, UNKNOWN),
        ("https://api.openai.com/v1/models", "", 200, UNKNOWN),
    ],
)  # fmt: skip
def test_the_dialect_of_a_plain_file_is_guessed(uri, type, status, dialect):
    assert plain(uri, type, status).dialect == dialect


def test_a_plain_vcr_file_loads():
    assert plain() == Exchange(
        "rec",
        "sse",
        Request("POST", "https://h/", (("accept", "*/*"), ("user-agent", "single")), b'{"stream": true}'),
        reason="",
        fields=(("Content-Type", "text/event-stream"), ("Content-Length", "9")),
        body=b"data: 1\n\n",
        framing="content-length",
        chunks=((0.0, 9),),
        origin=(("kind", "imported"),),
    )  # fmt: skip


def test_bodies_may_be_a_text_or_hold_one():
    text = PLAIN.replace("{uri}", "http://h/").replace("{type}", "x").replace("{status}", "200")
    text = text.replace("'{\"stream\": true}'", "{string: abc}")
    text = text.replace('\n      string: "data: 1\\n\\n"', " def")
    (exchange,) = parse(text, file="x").exchanges

    assert (exchange.request.body, exchange.body) == (b"abc", b"def")


def test_what_vcr_wrote_with_aliases_loads():
    """PyYAML writes an alias where two interactions share a list."""
    shared = ["a", "b"]
    whole = {
        "request": {"method": "GET", "uri": "http://h/", "body": None, "headers": {"x": shared}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"y": shared},
            "body": {"string": b"\xff"},
        },
    }
    text = yamlserializer.serialize({"version": 1, "interactions": [whole, whole]})
    assert "*id001" in text

    for exchange in parse(text, file="x").exchanges:
        assert exchange.request.fields == (("x", "a"), ("x", "b"))
        assert (exchange.fields, exchange.body) == ((("y", "a"), ("y", "b")), b"\xff")


def test_parts_of_stream_may_be_left_out():
    text = dump(one(body=b"ab", chunks=((0.0, 1), (0.5, 1)), framing="close"))
    text = re.sub(r"    (chunks|framing|ending|trailers|origin|protocol):.*\n", "", text)

    (exchange,) = parse(text, file="x").exchanges
    assert exchange == Exchange(
        "x", "sse", body=b"ab", chunks=((0.0, 2),), origin=(("kind", "imported"),)
    )


# -- bad input -----------------------------------------------------------------------------

GOOD = dump(one(body=b"data: 1\n\n", fields=(("a", "b"),), chunks=((0.0, 4), (0.1, 5))))


def test_the_good_text_of_the_tables_below_is_good():
    assert parse(GOOD, file="x").exchanges


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("version: 1", "version: 2", 23, "'version' does not say 'version: 1'"),
        ("version: 1\n", "", 1, "the file does not say 'version: 1'"),
        ("interactions:", "http_interactions:", 1, "has no 'interactions' list"),
        ("- request:", "- requests:", 2, "'interactions' has no 'request'"),
        ("method: POST", "methods: POST", 3, "'request' has no 'method'"),
        ("  response:", "  answer:", 2, "'interactions' has no 'response'"),
        ("code: 200", "code: two", 8, "'code' is 'two', not a whole number"),
        ("code: 200", "code: 1000", 8, "'code' is '1000', not a whole number from 100 to 999"),
        ("message: OK", "massage: OK", 8, "'status' has no 'message'"),
        ("code: 200", "code: 20", 8, "'code' is '20', not a whole number from 100 to 999"),
        ("code: 200", f"code: {'9' * 20}", 8, "not a whole number"),
        ("status: {code: 200, message: OK}", "status: 200", 8, "'status' is a text, not a mapping"),
        ("string: |+", "text: |+", 12, "'body' has no 'string'"),
        ("a: [b]", "a: [[b]]", 10, "'a' is a list, not a text"),
        ("a: [b]", "a: [b]\n      a: [c]", 11, "'headers' has the key 'a' twice"),
        ("a: [b]", "? [a]\n      : b", 10, "'headers' is a list, not a text"),
        ("string: |+", "string: !!binary |+", 12, "'string' is !!binary, but not base64"),
        ("[0.1, 5]", "[0.1, 6]", 19, "'chunks' add up to 10 bytes, but the body has 9"),
        ("[0.1, 5]", "[0.1]", 19, "holds something that is not [seconds, bytes]"),
        ("[0.1, 5]", "5", 19, "'chunks' is a text, not a list"),
        ("[0.1, 5]", "[0.1, 5], [0.2, 0]", 19, "'chunks' is '0', not a whole number from 1 to"),
        ("[0.1, 5]", "[-0.1, 5]", 19, "'chunks' is '-0.1', not a number of seconds"),
        ("[0.1, 5]", "[.nan, 5]", 19, "'chunks' is '.nan', not a number of seconds"),
        ("[0.1, 5]", "[1e999, 5]", 19, "'chunks' is '1e999', not a number of seconds"),
        ("[0.1, 5]", "[1e99999, 5]", 19, "not a number of seconds"),
        ("[0.0, 4]", "[0.9, 4]", 19, "'chunks' go back in time"),
        ("chunks:", "chunk:", 19, "'chunk' is no key of 'stream'; known are dialect,"),
        ("protocol: http/1.1", "protocol: spdy", 17, "'spdy', not one of http/1.1, h2, grpc, unix"),
        ("framing: chunked", "framing: eof", 18, "not one of chunked, content-length, close, h2-data"),
        ("ending: complete", "ending: boom", 20, "'ending' is 'boom', not one of complete, fin"),
        ("kind: generated", "kind: seen", 22, "'kind' is 'seen', not one of recorded, imported"),
        ("kind: generated", "by: me", 22, "'origin' has no 'kind'"),
        ("message: OK", "message: !foo OK", 8, "tag '!foo' is refused"),
        ("message: OK", "message: !!python/object/apply:os.system [ls]", 8, "tag '!!python/object/apply:os.system"),
        ("message: OK", "message: *gone", 8, "alias '*gone' stands for nothing"),
        ("message: OK", "message: OK, x: &self [*self]", 8, "alias '*self' stands for nothing"),
        ("message: OK", "message: OK}}", 8, "is not YAML: "),
        ("message: OK", 'message: "\\ud800"', 8, "is not YAML: "),
        ("data: 1", "data: \0", 13, "character U+0000 cannot stand in YAML text"),
        ("method: POST", "method: !!binary UE9TVA==", 3, "'method' is !!binary, not a text"),
    ],
)  # fmt: skip
def test_damage_is_told_with_its_line(old, new, line, message):
    assert GOOD.count(old) >= 1

    with pytest.raises(CassetteError, match=re.escape(message)) as caught:
        parse(GOOD.replace(old, new, 1), file="a/b.yaml")
    assert str(caught.value).startswith("a/b.yaml:")
    if line:
        assert (caught.value.file, caught.value.line) == ("a/b.yaml", line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; record it again or delete it"),
        ("\ufeff \r\n\n", "is empty"),
        ("# only a comment", "has no 'interactions' list"),
        ("null", "has no 'interactions' list"),
        ("just text", "has no 'interactions' list"),
        ("- 1", "has no 'interactions' list"),
        ("version: 1\ninteractions: []", "'interactions' is an empty list"),
        ("version: 1\ninteractions:", "'interactions' is a text, not a list"),
        (GOOD + "---\n" + GOOD, "a second document"),
        ("[" * 100_000, "nests more than 32 levels"),
        ("- " * 100_000, "nests more than 32 levels"),
        ("a" * (64 * 2**20 + 1), "more than the 67,108,864 that are read"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_cassette_at_all(text, message):
    with pytest.raises(CassetteError, match=re.escape(message)):
        parse(text, file="x.yaml")


def test_a_file_that_was_cut_off_anywhere_is_refused():
    """Never silently a shorter stream, or none."""
    for end in range(len(GOOD.rstrip())):
        with pytest.raises(CassetteError):
            parse(GOOD[:end], file="x.yaml")


def test_aliases_cannot_explode():
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *levels]

    with pytest.raises(CassetteError, match=re.escape("expands to too much through its aliases")):
        parse("\n".join(bomb), file="x.yaml")


@given(st.data())
def test_no_damage_raises_anything_but_a_cassette_error(data):
    """Cut, doubled and overwritten pieces: an answer or our own error, never another."""
    at = data.draw(st.integers(0, len(GOOD)))
    until = data.draw(st.integers(at, min(len(GOOD), at + 30)))
    text = GOOD[:at] + data.draw(texts) + GOOD[until:]

    try:
        cassette = parse(text, file="x.yaml")
    except CassetteError:
        pass
    else:
        for exchange in cassette.exchanges:
            assert sum(size for _, size in exchange.chunks) == len(exchange.body)
