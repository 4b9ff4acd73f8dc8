"""The mock provider without sockets: its bytes as tables, its choices, what it remembers."""

import base64
import json

import pytest

from replayfuzz import mock, store, wire
from replayfuzz.errors import PlanError, UsageError
from replayfuzz.mock import patterns
from replayfuzz.mock.captured import MOST, Captured
from replayfuzz.mock.joined import joined
from replayfuzz.mock.library import Library, bends, known
from replayfuzz.plan import End, Plan, to_json
from replayfuzz.wire import Close, Frame, Script, Send, Wait

CHAT = "/v1/chat/completions"
UNICODE = [
    *"😀💡❤🚀🎉👍✨🔥🌟🎯中文字符测试日本語韓𝐀𝐁𝐂𐍈😀💻🧑🌈",
    *("Hello 世界! 🌍", "Test 测试 🧪", "Code 代码 💻", "Math: 𝐀𝐁𝐂"),
    *("日本語テスト 🎌", "한국어 테스트 🇰🇷", "Emoji mix: 🚀✨🔥"),
]
ABORT = ["Hello", " world", "!", " This", " is", " a", " test", " response", " for", " validation"]
ABORT.append(".")
DEFAULT = [
    "Hello",
    " world",
    "!",
    " This",
    " is",
    " a",
    " mock",
    " LLM",
    " response",
    " for",
    " benchmarking",
    " streaming",
    " performance",
    ".",
    " The",
    " actual",
    " content",
    " doesn't",
    " matter",
    " -",
    " only",
    " the",
    " timing",
    " and",
    " format",
    ".",
]


def event(delta, reason="null", id="test"):
    return (
        f'data: {{"id":"chatcmpl-{id}","object":"chat.completion.chunk","created":0,'
        f'"model":"{id}-model","choices":[{{"index":0,"delta":{delta},'
        f'"finish_reason":{reason}}}]}}\n\n'
    ).encode()


def said(texts, id="test"):
    return b"".join(
        event(f'{{"content":{json.dumps(text, ensure_ascii=False)}}}', id=id) for text in texts
    )


def ended(reason="stop", id="test"):
    return event("{}", json.dumps(reason, ensure_ascii=False), id) + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("pattern", "body", "applied"),
    [
        pytest.param("", said(DEFAULT[:18], "mock") + ended(id="mock"), None, id="default"),
        pytest.param("what", said(DEFAULT[:18], "mock") + ended(id="mock"), None, id="unknown"),
        pytest.param("abort", said(DEFAULT[:18], "mock") + ended(id="mock"), None, id="no-number"),
        pytest.param("unicode", said(UNICODE) + ended(), "unicode", id="unicode"),
        pytest.param("  unicode\t", said(UNICODE) + ended(), "unicode", id="trimmed"),
        pytest.param(
            "short",
            said("Hello world! This is a test. Each chunk is small.") + ended(),
            "short",
            id="short",
        ),
        pytest.param("abort:3", said(ABORT[:3]), "abort", id="abort"),
        pytest.param("abort:0", b"", "abort", id="abort-before-anything"),
        pytest.param("abort:13", said([*ABORT, *ABORT[:2]]), "abort", id="abort-beyond-the-words"),
        pytest.param("abort:x", said(ABORT[:5]), "abort", id="abort-no-number"),
        pytest.param("abort:-1", said(ABORT[:5]), "abort", id="abort-negative"),
        pytest.param("abort:", said(ABORT[:5]), "abort", id="abort-empty"),
        pytest.param(
            "finish:length",
            said(["Test", " response", " with", " custom", " finish_reason", "."])
            + ended("length"),
            "finish",
            id="finish",
        ),
        pytest.param(
            'finish:a"b\\ü',
            said(["Test", " response", " with", " custom", " finish_reason", "."])
            + ended('a"b\\ü'),
            "finish",
            id="finish-escaped",
        ),
        pytest.param(
            "finish:",
            said(["Test", " response", " with", " custom", " finish_reason", "."]) + ended(),
            "finish",
            id="finish-empty-is-stop",
        ),
    ],
)
def test_a_pattern_has_its_bytes(pattern, body, applied):
    exchange = mock.exchange(pattern)

    assert exchange.body == body
    assert exchange.fields[:3] == (
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    )
    assert dict(exchange.fields).get("x-test-pattern-applied") == applied


def test_long_is_three_texts_of_4096_ascii_bytes():
    exchange = mock.exchange("long")
    *texts, final, done = exchange.body.decode().split("\n\n")[:-1]
    contents = [json.loads(text[6:])["choices"][0]["delta"]["content"] for text in texts]

    assert [len(text.encode("ascii")) for text in contents] == [4096] * 3
    assert f"{final}\n\n{done}\n\n".encode() == ended()


@pytest.mark.parametrize("pattern", ["", "unicode", "short", "long", "abort:7", "finish:x"])
def test_each_event_is_a_chunk_and_each_but_the_first_is_delayed(pattern):
    exchange = mock.exchange(pattern, delay_ms=20)
    events = [part + b"\n\n" for part in exchange.body.split(b"\n\n")[:-1]]

    assert [size for _, size in exchange.chunks] == [len(event) for event in events]
    assert [at for at, _ in exchange.chunks] == pytest.approx(
        [0.02 * number for number in range(len(events))]
    )


def test_the_default_text_begins_again_after_its_26_words():
    assert mock.exchange("", 28).body == said([*DEFAULT, *DEFAULT[:2]], "mock") + ended(id="mock")


def test_a_number_that_nobody_means_is_bounded(monkeypatch):
    monkeypatch.setattr(patterns, "MOST_CHUNKS", 50)

    assert len(mock.exchange("abort:" + "9" * 5000).chunks) == 50


@pytest.fixture
def provider():
    return mock.Provider(Library(store.shipped(), {}), mock.Options(delay_ms=0))


def ask(provider, method, target, body=b"", protocol="http/1.1", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    raw = f"{method} {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode() + body
    return provider.answer(mock.read(raw, protocol), 1.5)


def value(reply):
    assert isinstance(reply, mock.Reply)
    return json.loads(reply.body)


def content(stream):
    """What a stream of HTTP/1.1 sends, without its head and chunk heads."""
    assert isinstance(stream, mock.Stream)
    return b"".join(stream.script.sends)


def failed(reply, status):
    assert (reply.status, list(value(reply))) == (status, ["error"])
    return value(reply)["error"]["message"]


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        pytest.param("GET", "/health", b'{"status":"ok"}', id="health"),
        pytest.param("GET", "/stats", b'{"total_requests":0}', id="stats"),
        pytest.param("POST", "/stats/reset", b'{"reset":true,"total_requests":0}', id="reset"),
        pytest.param(
            "GET",
            "/v1/models",
            b'{"object":"list","data":[{"id":"mock-model","object":"model","created":0,'
            b'"owned_by":"replayfuzz"}]}',
            id="models",
        ),
    ],
)
def test_an_endpoint_has_its_bytes(provider, method, target, body):
    assert ask(provider, method, target) == mock.Reply(200, body)
    assert ask(provider, method, f"{target}/?x=1") == mock.Reply(200, body)


def test_streams_are_counted_until_the_reset(provider):
    ask(provider, "POST", CHAT)
    ask(provider, "POST", CHAT, X_Test_Pattern="short")
    ask(provider, "GET", "/health")

    assert value(ask(provider, "GET", "/stats")) == {"total_requests": 2}
    ask(provider, "POST", "/stats/reset")
    assert value(ask(provider, "GET", "/stats")) == {"total_requests": 0}


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [("GET", CHAT, "POST"), ("POST", "/health", "GET"), ("PUT", "/stats/reset", "POST")],
)
def test_a_wrong_method_is_told_which_is_right(provider, method, target, allowed):
    reply = ask(provider, method, target)

    assert allowed in failed(reply, 405)
    assert ("allow", allowed) in reply.fields


def test_nothing_is_at_an_unknown_path(provider):
    assert "/nowhere" in failed(ask(provider, "GET", "/nowhere"), 404)
    assert "/nowhere" in failed(ask(provider, "POST", "/nowhere"), 404)
    assert "/messages" in failed(ask(provider, "POST", "/v1/threads/t/messages"), 404)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (CHAT, "mock/default"),
        ("/openai" + CHAT, "mock/default"),
        ("http://any.host" + CHAT + "?a=b", "mock/default"),
        ("/v1/responses", "openai.responses/plain"),
        ("/responses", "openai.responses/plain"),
        ("/backend-api/codex/responses", "openai.responses/plain"),
        ("/chat/completions", "mock/default"),
        ("/openai/deployments/d/chat/completions?api-version=1", "mock/default"),
        ("/completions", "openai.completions/plain"),
        ("/threads/runs", "openai.assistants/plain"),
        ("/v1/threads/t_1/runs", "openai.assistants/plain"),
        ("/audio/translations", "openai.audio/plain"),
        ("/v1/messages", "anthropic.messages/plain"),
        ("/anthropic/messages", "anthropic.messages/plain"),
        ("/p/publishers/anthropic/models/m:streamRawPredict", "anthropic.messages/plain"),
        ("/model/any.model-v1%3A0/converse-stream", "bedrock.converse_stream/plain"),
        ("/model/m/invoke-with-response-stream", "bedrock.invoke_with_response_stream/plain"),
        ("/v1beta/models/m:streamGenerateContent", "gemini.stream_array/plain"),
        ("/v1beta/models/m:streamGenerateContent?key=k", "gemini.stream_array/plain"),
        ("/v1/jobs/j/stream", "worker.jobs/plain"),
        ("/api/chat", "ollama.chat/plain"),
        ("/api/generate", "ollama.generate/plain"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", "gemini.stream/plain"),
        ("/v2/chat", "cohere.v2/plain"),
        ("/v1/chat", "cohere.v1/plain"),
        ("/execute", "worker.execute/plain"),
        ("/generate_stream", "tgi.generate_stream/plain"),
        ("/mcp", "mcp.streamable_http/plain"),
        ("/v1/complete", "anthropic.completions/plain"),
        ("/events", "sse/plain"),
    ],
)
def test_the_path_of_an_api_has_a_stream(provider, target, name):
    assert ask(provider, "POST", target).name == name


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X_Test_Pattern": "short"}, "mock/short"),
        ({"X_Test_Pattern": ""}, "mock/default"),
        ({"X_Replayfuzz_Cassette": "openai.chat/usage"}, "openai.chat/usage"),
        (
            {"X_Test_Pattern": "short", "X_Replayfuzz_Cassette": "openai.chat/usage"},
            "openai.chat/usage",
        ),
        ({"X_Test_Pattern": "short", "X_Replayfuzz_Plan": "none"}, "mock/short"),
        ({"x_replayfuzz_plan": "rewrite.line-ends"}, "mock/default, rewrite.line-ends"),
    ],
)
def test_a_request_chooses_by_header(provider, headers, name):
    assert ask(provider, "POST", CHAT, **headers).name == name


def test_any_path_does_when_a_cassette_is_named(provider):
    stream = ask(provider, "POST", "/my/own", X_Replayfuzz_Cassette="anthropic.messages/plain")

    assert b"event: message_stop" in content(stream)


@pytest.mark.parametrize(
    ("header", "given", "told"),
    [
        ("X_Replayfuzz_Cassette", "openai.chat/plian", "openai.chat/plain"),
        ("X_Replayfuzz_Plan", "rewrite.line-end", "rewrite.line-ends"),
        ("X_Replayfuzz_Plan", "end.rst", "end.reset"),
        ("X_Replayfuzz_Plan", "rewrite.line-ends#99", "has 7 plans"),
        ("X_Replayfuzz_Plan", "rewrite.line-ends#0", "has 7 plans"),
        ("X_Replayfuzz_Plan", "meaning.sse-id", "has 0 plans"),
        ("X_Replayfuzz_Plan", "{", "no JSON"),
        ("X_Replayfuzz_Plan", '{"a":' * 20_000, "no JSON"),
        ("X_Replayfuzz_Plan", '{"edits": [{"edit": "cut", "at": 99999}]}', "99999"),
        ("X_Replayfuzz_Plan", '{"edits": [{"edit": "cut", "at": "x"}]}', "edit 1"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(provider, header, given, told):
    assert told in failed(ask(provider, "POST", CHAT, **{header: given}), 400)


def test_a_plan_can_be_given_whole(provider):
    plan = Plan((End(len(mock.exchange().chunks), "reset"),))
    stream = ask(provider, "POST", CHAT, X_Replayfuzz_Plan=json.dumps(to_json(plan)))

    assert stream.script == wire.render(mock.exchange(delay_ms=0), plan)


def test_a_plan_file_is_known_by_its_name():
    plan = Plan((End(0, "fin"),))
    provider = mock.Provider(
        Library(store.shipped(), {"mine": plan}), mock.Options(choice=mock.Choice(plan="mine"))
    )

    assert ask(provider, "POST", CHAT).script == wire.render(mock.exchange(), plan)
    assert ask(provider, "POST", CHAT, X_Replayfuzz_Plan="none").name == "mock/default"


def test_options_choose_where_a_request_does_not():
    choice = mock.Choice(cassette="anthropic.messages/plain")
    provider = mock.Provider(Library(store.shipped(), {}), mock.Options(choice=choice))

    assert ask(provider, "POST", "/anywhere").name == "anthropic.messages/plain"
    assert ask(provider, "POST", CHAT, X_Test_Pattern="long").name == "mock/long"


def test_options_that_cannot_be_played_are_told_at_once(provider):
    with pytest.raises(UsageError, match=r"openai\.chat/plain"):
        provider.check(mock.Choice(cassette="openai.chat/plan"))
    with pytest.raises(PlanError):
        provider.check(mock.Choice(plan='{"edits": [{"edit": "cut", "at": 99999}]}'))


@pytest.mark.parametrize("kind", known())
def test_every_bend_that_is_named_can_be_played_on_some_stream(kind):
    library = Library(store.shipped(), {})
    exchanges = (
        wire.over(exchange, protocol)
        for exchange in store.shipped()
        if exchange.name.split("/")[1] in {"plain", "tools-parallel", "hurt-breaks"}
        for protocol in ("http/1.1", "h2")
    )
    found = next(exchange for exchange in exchanges if bends(exchange, kind))

    wire.render(found, library.plan(kind, found))


def test_a_kind_of_end_begins_in_the_middle_of_the_stream():
    exchange = mock.exchange()
    first = Library((), {}).plan("end.reset", exchange)

    assert first.edits[0].at == pytest.approx(len(exchange.body) / 2, rel=0.2)
    assert first.keep_times


def test_over_http2_a_stream_has_frames(provider):
    stream = ask(provider, "POST", CHAT, protocol="h2", X_Test_Pattern="unicode")

    assert b"".join(frame.data for frame in stream.script.frames) == mock.exchange("unicode").body


def test_without_lock_step_only_waits_part_a_stream_that_is_not_bent():
    provider = mock.Provider(Library(store.shipped(), {}), mock.Options(joined=True))
    whole = wire.render(mock.exchange("abort:3"), Plan()).sends
    parts = ask(provider, "POST", CHAT, X_Test_Pattern="abort:3").script.sends
    bent = ask(provider, "POST", CHAT, X_Replayfuzz_Plan="cut.slice").script.sends

    assert (b"".join(parts), len(whole), len(parts)) == (b"".join(whole), 5, 3)
    assert len(bent) > 100


@pytest.mark.parametrize(
    ("steps", "fewer"),
    [
        pytest.param(
            (Send(b"a"), Send(b"b"), Wait(1), Send(b"c"), Close("keep")),
            (Send(b"ab"), Wait(1), Send(b"c"), Close("keep")),
            id="sends",
        ),
        pytest.param(
            (Frame("headers"), Frame("data", b"a", cuts=(0, 3)), Wait(1), Frame("data", b"b")),
            (Frame("headers"), Frame("data", b"a", cuts=()), Wait(1), Frame("data", b"b")),
            id="frames",
        ),
        pytest.param((Close("open"),), (Close("open"),), id="nothing-to-send"),
    ],
)
def test_what_no_wait_parts_is_one_segment(steps, fewer):
    assert joined(Script(steps)) == Script(fewer)


def test_what_comes_next_can_be_decided(provider):
    first, second = {"pattern": "short", "times": 2}, {"cassette": "sse/plain", "plan": "end.fin"}
    put = ask(provider, "PUT", "/_replayfuzz/next", json.dumps([first, second]).encode())

    assert value(put)["next"] == [first, {**second, "times": 1}]
    assert [ask(provider, "POST", CHAT).name for _ in range(4)] == [
        "mock/short",
        "mock/short",
        "sse/plain, end.fin",
        "mock/default",
    ]


def test_what_comes_next_leaves_the_request_its_own_choice(provider):
    ask(provider, "PUT", "/_replayfuzz/next", b'{"plan": "end.stall"}')

    assert ask(provider, "POST", CHAT, X_Test_Pattern="short").name == "mock/short, end.stall"


def test_what_comes_next_can_be_taken_back(provider):
    ask(provider, "PUT", "/_replayfuzz/next", b'{"plan": "end.stall", "times": 5}')

    assert value(ask(provider, "DELETE", "/_replayfuzz/next")) == {"next": []}
    assert ask(provider, "POST", CHAT).name == "mock/default"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 20_000,
        b"3",
        b'{"times": 0}',
        b'{"times": true}',
        b'{"pattern": 3}',
        b'{"plans": "x"}',
        b'{"pattern": "short", "cassette": "sse/plain"}',
        b'{"cassette": "nope"}',
        b'{"plan": {"version": 2}}',
        b'[{"pattern": "short"}, null]',
    ],
)
def test_what_makes_no_sense_changes_nothing(provider, body):
    ask(provider, "PUT", "/_replayfuzz/next", b'{"pattern": "short"}')
    failed(ask(provider, "PUT", "/_replayfuzz/next", body), 400)

    assert value(ask(provider, "GET", "/_replayfuzz/next"))["next"] == [
        {"pattern": "short", "times": 1}
    ]


def test_requests_are_kept_without_their_secrets(provider):
    headers = {"Authorization": "Bearer sk-123456", "X_Api_Key": "key-7890", "Cookie": "a=b"}
    headers["X_Request_Id"] = "test-17"
    body = b'{"k":"sk-123456","user":"a@example.org"}'
    ask(provider, "POST", f"{CHAT}?key=sk-000&b=1&api-key=q1w2e3r4", body, **headers)
    ask(provider, "GET", "/health")
    told = ask(provider, "GET", "/_replayfuzz/requests")
    first, second = value(told)["requests"]

    assert first == {
        "number": 1,
        "when": 1.5,
        "method": "POST",
        "path": f"{CHAT}?key=XXXXXX&b=1&api-key=XXXXXXXX",
        "protocol": "http/1.1",
        "headers": [
            ["host", "x"],
            ["authorization", "Bearer XXXXXXXXX"],
            ["x-api-key", "XXXXXXXX"],
            ["cookie", "a=X"],
            ["x-request-id", "test-17"],
        ],
        "body": '{"k":"XXXXXXXXX","user":"a@example.org"}',
        "size": 40,
        "answer": "mock/default",
    }
    assert (second["path"], second["answer"]) == ("/health", "200")
    for secret in (b"sk-123456", b"key-7890", b"sk-000"):
        assert secret not in told.body


def test_requests_can_be_forgotten(provider):
    ask(provider, "GET", "/health")

    assert value(ask(provider, "DELETE", "/_replayfuzz/requests")) == {"total": 0, "requests": []}


def test_a_body_that_is_no_text_is_kept_as_base64(provider):
    ask(provider, "POST", CHAT, b"\xff\x00")
    kept = value(ask(provider, "GET", "/_replayfuzz/requests"))["requests"][0]

    assert base64.b64decode(kept["body_base64"]) == b"\xff\x00"


def test_only_the_last_thousand_requests_are_kept():
    captured = Captured()
    asked = mock.read(b"GET /health HTTP/1.1\r\n\r\n")
    for _ in range(MOST + 5):
        captured.add(asked, 0, "200")
    told = captured.told()

    assert told["total"] == MOST + 5
    assert [told["requests"][at]["number"] for at in (0, -1)] == [6, MOST + 5]


def test_bodies_have_a_bound_alone_and_together():
    captured = Captured()
    asked = mock.read(b"POST / HTTP/1.1\r\n\r\n" + b"x" * (3 << 20))
    for _ in range(70):
        captured.add(asked, 0, "200")
    requests = captured.told()["requests"]

    assert {(len(each["body"]), each["size"]) for each in requests} == {(1 << 20, 3 << 20)}
    assert len(requests) == 64


def test_a_chunked_body_is_kept_as_its_content():
    raw = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"

    assert mock.read(raw).body == b"abc0123456789"


def test_what_there_is_can_be_listed(provider):
    told = value(ask(provider, "GET", "/_replayfuzz/"))

    assert "openai.chat/plain" in told["cassettes"]
    assert {"end.reset", "rewrite.line-ends", "none"} <= set(told["plans"])


def test_the_plans_of_a_bend_can_be_listed_in_words(provider):
    target = "/_replayfuzz/plans?name=rewrite.line%2Dends&cassette=sse%2Fplain"
    told = value(ask(provider, "GET", target))

    assert told["stream"] == "sse/plain"
    assert told["plans"][0]["name"] == "rewrite.line-ends#1"
    assert told["plans"][0]["words"][0].startswith("CRLF")
    failed(ask(provider, "GET", "/_replayfuzz/plans?name=nope"), 400)
