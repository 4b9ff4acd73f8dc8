"""Recordings of other tools: what their own writers wrote, and every kind of bad input."""

import contextlib
import gzip
import json
import runpy
from pathlib import Path
from random import Random
from typing import Any

import pytest
import vcr

from replayfuzz import imports, store
from replayfuzz.cassette import dump, parse
from replayfuzz.dialects import expected
from replayfuzz.errors import CassetteError
from replayfuzz.imports import imported
from replayfuzz.plan import Plan

FILES = Path(__file__).parent / "data" / "imports"
SERVER = runpy.run_path(str(FILES / "make" / "server.py"))
SSE, NDJSON = "".join(SERVER["EVENTS"]).encode(), "".join(SERVER["LINES"]).encode()
FLUSHED = [len(event.encode()) for event in SERVER["EVENTS"]]

INTERACTION = b'data: {"interaction":{},"event_type":"interaction.created"}\n\n'
STARTED = b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n'

TOOLS = {
    "vcrpy.yaml": ("VCR.py", ["plain", "plain", "lines"]),  # requests took the coding away
    "vcrpy.json": ("VCR.py", ["plain", "lines"]),
    "rubyvcr.yml": ("Ruby VCR 5.0.0", ["plain", "gzip", "lines"]),
    "rubyvcr.json": ("Ruby VCR 5.0.0", ["plain", "gzip"]),
    "govcr3.yaml": ("go-vcr", ["plain", "gzip", "lines"]),
    "govcr4.yaml": ("go-vcr", ["plain", "gzip", "lines"]),
    "httprr.httprr": ("httprr", ["plain", "gzip", "lines"]),
    "mitmdump.har": ("HAR of mitmproxy 11.0.2", ["plain", "plain", "lines"]),
    "flows.mitm": ("mitmproxy", ["plain", "gzip", "lines"]),
}
each_tool = pytest.mark.parametrize("name", TOOLS)


def read(name, **options):
    return imported((FILES / name).read_bytes(), file=name, **options)


def of(text, name="file.json", **options):
    return imported(text if isinstance(text, bytes) else text.encode(), file=name, **options)


@each_tool
def test_files_of_each_tool_hold_what_the_server_sent(name):
    """The same streams through nine writers: the same exchanges."""
    tool, kinds = TOOLS[name]
    found = read(name)

    assert (found.tool, found.faults) == (tool, ())
    for exchange, kind in zip(found.cassette.exchanges, kinds, strict=True):
        asked = json.loads(exchange.request.body)
        told = dict(exchange.origin)
        lines = kind == "lines"

        assert (exchange.request.method, exchange.status, exchange.reason) == ("POST", 200, "OK")
        assert asked["messages"] == [{"role": "user", "content": "Hi"}]
        assert exchange.request.url.startswith("http://127.0.0.1:")
        assert exchange.body == (NDJSON if lines else SSE)
        assert exchange.dialect == ("ollama.chat" if lines else "openai.chat")
        assert [size for _, size in exchange.chunks] == (
            FLUSHED if kind == "gzip" else [len(exchange.body)]
        )
        assert exchange.framing == "chunked"
        assert told["boundaries"] == ("gzip" if kind == "gzip" else "unknown")
        assert (told["kind"], told["times"], told["ending"]) == ("imported", "unknown", "unknown")
        assert told["dialect"] == "told by path"
        assert "framing" not in told
        assert all(key.lower() != "content-encoding" for key, _ in exchange.fields)


@each_tool
def test_what_is_imported_is_a_cassette_that_the_oracle_and_vcr_read(name, tmp_path):
    cassette = read(name).cassette
    text = dump(cassette)
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")

    assert parse(text, file=f"{cassette.name}.yaml").exchanges == tuple(
        exchange for exchange in cassette.exchanges
    )
    _, answers = vcr.persisters.filesystem.FilesystemPersister.load_cassette(
        tmp_path / "c.yaml", vcr.serializers.yamlserializer
    )
    assert [one["body"]["string"] for one in answers] == [e.body for e in cassette.exchanges]
    for exchange in cassette.exchanges:
        (outcome,) = expected(exchange, Plan())
        said = "".join(e.values["text"] for e in outcome.events if e.type == "text")
        assert outcome.end == "complete"
        assert said == ("Grüße" if exchange.dialect == "ollama.chat" else "Grüße 👋🏽 done.\u2028")


def test_what_is_no_stream_is_left_out_and_told():
    (url,) = read("vcrpy.yaml").passed
    kept = read("vcrpy.yaml", every=True)

    assert url.endswith("/v1/models")
    assert kept.passed == ()
    assert kept.cassette.exchanges[-1].dialect == "unknown"


def test_a_dialect_that_is_given_is_not_guessed():
    for exchange in read("vcrpy.json", dialect="sse").cassette.exchanges:
        assert exchange.dialect == "sse"
        assert dict(exchange.origin)["dialect"] == "told by the command line"


@pytest.mark.parametrize(
    ("body", "name", "dialect", "by"),
    [
        (SSE, "a.sse", "openai.chat", "first event"),
        (SSE, "a.txt", "openai.chat", "first event"),
        (b"\xef\xbb\xbf" + SSE, "a.log", "openai.chat", "first event"),
        (NDJSON, "a.ndjson", "ollama.chat", "first event"),
        (NDJSON, "a.jsonl", "ollama.chat", "first event"),
        (NDJSON, "a.log", "ollama.chat", "first event"),
        (STARTED, "a.sse", "anthropic.messages", "first event"),
        (INTERACTION, "a.sse", "gemini.interactions", "first event"),
        (b'{"status":"pulling manifest"}\n', "a.ndjson", "ollama.pull", "first event"),
        (b'data: {"type":"started","job_id":"j"}\n\n', "a.sse", "worker.execute", "first event"),
        (b'data: {"model_id":"m","results":[]}\n\n', "a.sse", "watsonx.generation", "first event"),
        (b"data: hello\n\n", "a.sse", "sse", "content type"),
        (b'{"a":1}\n{"a":2}\n', "a.log", "ndjson", "content type"),
        (b'{"a":1}\n', "a.ndjson", "ndjson", "content type"),
    ],
)
def test_bare_bodies_are_known_by_name_or_beginning(body, name, dialect, by):
    (exchange,) = of(body, name).cassette.exchanges

    assert (exchange.body, exchange.dialect) == (body, dialect)
    assert exchange.chunks == ((0.0, len(body)),)
    assert dict(exchange.origin)["dialect"] == f"told by {by}"


@pytest.mark.parametrize(
    "name", ["bedrock.converse_stream/plain", "bedrock.invoke_with_response_stream/plain"]
)
def test_a_binary_body_is_known_by_its_first_message(name):
    (body,) = (one.body for one in store.shipped() if one.name == name)
    (exchange,) = of(body, "a.bin").cassette.exchanges

    assert (exchange.body, exchange.dialect) == (body, name.partition("/")[0])


def test_a_bare_body_in_gzip_keeps_its_flush_points():
    packed = read("flows.mitm")
    (plain,) = of(gzip.compress(SSE), "a.sse.gz").cassette.exchanges
    assert packed
    assert (plain.body, plain.name, dict(plain.origin)["coding"]) == (SSE, "a", "gzip")


def test_a_trace_in_gzip_is_a_trace():
    found = imported(gzip.compress((FILES / "httprr.httprr").read_bytes()), file="t.httprr.gz")

    assert (found.tool, len(found.cassette.exchanges)) == ("httprr", 3)
    assert found.cassette.name == "t"


def entry(**answer):
    asked = {"method": "POST", "url": "https://h/v1/chat/completions", "headers": []}
    type_ = {"name": "content-type", "value": "text/event-stream"}
    standard = {"status": 200, "statusText": "", "httpVersion": "h2", "headers": [type_]}
    content = {"content": {"size": 9, "text": SSE.decode()}}
    return {"request": asked, "response": standard | content | answer}


def archive(*entries, version="1.2"):
    return json.dumps({"log": {"version": version, "creator": {}, "entries": entries}})


def test_a_browsers_archive_is_read():
    """HTTP/2, pseudo-fields, base64, times with no zone: as Chrome and Firefox write them."""
    lines = [{"name": ":status", "value": "200"}, {"name": "x", "value": "y"}]
    coded = {"size": 3, "encoding": "base64", "text": "ZGF0YTogYQoK"}
    found = of(archive(entry(), entry(headers=lines, content=coded)), "a.har")
    first, second = found.cassette.exchanges

    assert (first.protocol, first.framing, first.body) == ("h2", None, SSE)
    assert (second.body, second.fields) == (b"data: a\n\n", (("x", "y"),))
    assert found.faults == ()


@pytest.mark.parametrize(
    ("text", "name", "fault"),
    [
        ("", "a.yaml", "is empty"),
        ("\n \n", "a.har", "is empty"),
        ("interactions: []", "a.yaml", "has no 'version'"),
        ("interactions: []\nversion: 7\n", "a.yaml", "is 7; known are 1"),
        ("what: else\n", "a.yaml", "no recording that is known"),
        ("- 1\n", "a.yaml", "no recording that is known"),
        ("a: !!python/object:os.system x\n", "a.yaml", "tag"),
        ("{", "a.json", "not JSON"),
        ("{}", "a.json", "no recording that is known"),
        ("[" * 9999, "a.har", "not JSON"),
        (archive(version="9.0"), "a.har", "HAR version 9.0; known are"),
        ('{"log": {"version": "1.2"}}', "a.har", "has no 'entries'"),
        ("httprr trace v2\n", "a.httprr", "version '2'; only version 1"),
        ("anything else\n", "a.txt", "no recording that is known"),
        (b"\xff\xfe\0", "a.yaml", "not UTF-8"),
        (gzip.compress(b"data: x\n\n" * 50, mtime=0)[:20], "a.gz", "stops before its end"),
        (b"29:7:version;2:99#4:type;4:http;}", "a.mitm", "version 99; known are 4 to 21"),
    ],
)
def test_what_cannot_be_read_is_told(text, name, fault):
    with pytest.raises(CassetteError, match=fault) as told:
        of(text, name)

    assert str(told.value).startswith(f"{name}:")


def test_aliases_that_explode_are_refused():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{n}: &{n} [{','.join([f'*{before}'] * 10)}]\n"
        for before, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(CassetteError, match="expands to too much"):
        of(bomb, "a.yaml")


def test_a_cassette_of_ours_is_not_imported():
    with pytest.raises(CassetteError, match="already"):
        of(dump(read("vcrpy.json").cassette), "own.yaml")


def test_a_file_that_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr("replayfuzz.imports.importing.MOST", 1000)

    with pytest.raises(CassetteError, match=r"holds 1,001 bytes, more than the"):
        of(b"x" * 1001)
    assert imports.MOST == 64 * 2**20


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"status": 0}, "the request failed"),
        ({"content": {"size": 9}}, "has no 'text'"),
        ({"content": {"encoding": "base64", "text": "="}}, "not base64"),
        ({"status": "many"}, "not a whole number"),
        ({"content": {"text": "\ud800"}}, "surrogate"),
    ],
)
def test_one_bad_entry_does_not_end_the_others(answer, fault):
    found = of(archive(entry(), entry(**answer), entry()), "a.har")

    assert len(found.cassette.exchanges) == 2
    assert len(found.faults) == 1
    assert fault in found.faults[0]


def tape(body, *fields, **response):
    answer = {"status": {"code": 200, "message": "OK"}, "headers": dict(fields), "body": body}
    asked: dict[str, Any] = {
        "method": "post",
        "uri": "https://h/v1/chat/completions",
        "body": None,
        "headers": {},
    }
    return json.dumps(
        {"version": 1, "interactions": [{"request": asked, "response": answer | response}]}
    )


EVENTS = ("content-type", ["text/event-stream"])


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_body_that_its_tool_decoded_stays(coding):
    """The header field of the coding is still there; the body is text."""
    (found,) = of(
        tape({"string": SSE.decode()}, EVENTS, ("content-encoding", [coding]))
    ).cassette.exchanges

    assert found.body == SSE
    assert dict(found.fields) == {"content-type": "text/event-stream"}


@pytest.mark.parametrize("coding", ["br", "zstd", "compress"])
def test_a_coding_that_cannot_be_decoded_is_told(coding):
    body = {"base64_string": "KLUv/SQDGQAAYWJjo2XfBw=="}
    found = of(tape(body, EVENTS, ("content-encoding", [coding])))

    assert not found.cassette.exchanges
    assert f"content coding '{coding}'" in found.faults[0]


def test_a_coded_body_that_is_no_stream_is_no_fault():
    body = {"base64_string": "KLUv/SQDGQAAYWJjo2XfBw=="}
    page = tape(body, ("content-type", ["text/html"]), ("content-encoding", ["br"]))
    found = of(page.replace("/v1/chat/completions", "/index"))

    assert (found.faults, found.passed) == ((), ("https://h/index",))


def test_truncated_gzip_is_told():
    body = {"base64_string": "H4sIAAAAAAACAyyMQQrCMBBF9z2F/HUsdpsLeAgR"}
    found = of(tape(body, EVENTS, ("content-encoding", ["gzip"])))

    assert "stops before its end" in found.faults[0]


def test_old_forms_of_vcr_py_are_read():
    """What VCR.py 4 wrote for httpx, and a body that is a bare string."""
    httpx = {"status_code": 200, "content": "data: a\n\n", "http_version": "HTTP/1.1"}
    (first,) = of(tape(None, EVENTS, **httpx)).cassette.exchanges
    (second,) = of(tape("data: a\n\n", EVENTS)).cassette.exchanges

    assert (first.body, first.reason) == (second.body, second.reason) == (b"data: a\n\n", "OK")
    assert first.request.method == "POST"


def test_old_go_vcr_is_told_apart_from_vcr_py():
    with pytest.raises(CassetteError, match="go-vcr v1 or v2"):
        of("version: 1\ninteractions:\n- request: {url: x}\n", "a.yaml")


def test_a_flow_file_that_was_cut_gives_what_is_whole():
    whole = (FILES / "flows.mitm").read_bytes()
    for size in range(3000, len(whole), 501):
        found = imported(whole[:size], file="cut.mitm")

        assert 1 <= len(found.cassette.exchanges) < 3
        assert "the flows before it are kept" in found.faults[-1]


@pytest.mark.parametrize(
    "data",
    [
        b"9:2:aa;1:b;",
        b"8:2:aa;2:b;}",
        b"999999999999:x;",
        b"3:abc?",
        b"5:maybe!",
        b"1:x#",
        b"1:x~",
        b"2:\xff\xfe;",
        b"".join(b"%d:" % (4 * n) for n in range(40, 0, -1)) + b"]" * 40,
    ],
)
def test_typed_netstrings_that_are_damaged_are_told(data):
    with pytest.raises(imports.tnetstring.TnetError):
        list(imports.tnetstring.values(data))


def test_typed_netstrings_are_values():
    data = b"50:5:hello,1:x;1:1#3:2.5^4:true!0:~4:1:y,]8:1:k;1:v,}]"

    assert list(imports.tnetstring.values(data)) == [
        [b"hello", "x", 1, 2.5, True, None, [b"y"], {"k": b"v"}]
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ((b"237 828", b"237 9999999"), "do not fit"),
        ((b"237 828", b"what"), "do not fit"),
        ((b"288\r\n", b"287\r\n"), "chunk"),
        ((b"HTTP/1.1 200", b"HTTP/9.1 200"), "not HTTP/1.1"),
    ],
)
def test_a_trace_that_does_not_fit_is_told(change, fault):
    before, after = change
    text = (FILES / "httprr.httprr").read_bytes().replace(before, after, 1)
    found = imported(text, file="t.httprr")

    assert fault in found.faults[0]


def test_a_document_of_too_many_values_is_refused(monkeypatch):
    monkeypatch.setattr("replayfuzz.imports.items.MOST_VALUES", 1000)

    for text in ('{"log": [' + "1," * 2000 + "1]}", "[" + "[]," * 5000 + "[]]"):
        with pytest.raises(CassetteError, match="more than 1,000 values"):
            of(text, "a.har")


@pytest.mark.slow
@each_tool
def test_any_damage_to_a_file_is_an_error_of_ours_or_none(name):
    whole = (FILES / name).read_bytes()
    random = Random(4)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(data))
            data[at : at + random.randint(0, 9)] = random.choice([b"", b"\xff", b"}", b"9:", b"\n"])
        with contextlib.suppress(CassetteError):
            dump(imported(bytes(data), file=name).cassette)
