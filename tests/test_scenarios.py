"""Scenarios as data: how they are read, what they hand off, and what their assertions see."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import replayfuzz
from replayfuzz.cassette import Exchange
from replayfuzz.daemon import Daemon
from replayfuzz.errors import ScenarioError
from replayfuzz.plan import End
from replayfuzz.scenarios import (
    ASSERTIONS,
    Canned,
    Check,
    Requires,
    Scenario,
    canned_exchange,
    judge,
    parse,
    seen,
)
from replayfuzz.scenarios.read import KEYS
from replayfuzz.target import parse as declared_target
from replayfuzz.transcript import Response

SHIPPED = Path(replayfuzz.__file__).parent / "scenarios" / "data"
SSE = (("Content-Type", "text/event-stream"),)
HELLO = b'data: {"content":"Hello"}\n\ndata: {"content":" world"}\n\n'
DONE = b"data: [DONE]\n\n"
FULL = b'data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n'
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n'
ERROR = b'data: {"error":"upstream broke off"}\n\n'
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-test-pattern: short\r\n\r\n"
    b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
)


def given(body=HELLO + DONE, status=200, fields=SSE, **facts):
    return replace(seen(Response(status, fields, body)), **facts)


def scenarios(text):
    return parse(tomllib.loads(text), "my.toml")


def only(text):
    return scenarios(f'[[scenario]]\nname = "mine"\ncategory = "own"\n{text}')[0]


def shipped():
    files = sorted(SHIPPED.glob("*.toml"))
    return [item for file in files for item in parse(tomllib.loads(file.read_text()), file.name)]


# -- assertions ------------------------------------------------------------------------

TWELVE = {
    "basic": ["basic_response", "basic_content"],
    "unicode": ["unicode_content", "unicode_emoji", "unicode_cjk", "unicode_4byte"],
    "chunks": ["short_chunks", "long_chunks"],
    "abort": ["abort_stream", "abort_early"],
    "finish": ["finish_stop", "finish_length"],
}

HOLDS = [
    ("answered", None, given()),
    ("answered", None, given(HELLO + ERROR)),
    ("no_error", None, given()),
    ("error", None, given(HELLO + ERROR)),
    ("error", None, given(b"busy", 503)),
    ("error", None, given(HELLO, failure="the connection was reset")),
    ("error_contains", "broke off", given(HELLO + ERROR)),
    ("error_contains", "slow down", given(b'{"error":{"message":"slow down"}}', 429)),
    ("http_status", 200, given()),
    ("http_status_at_least", 400, given(b"", 502)),
    ("header", {"name": "content-TYPE", "value": "text/event-stream"}, given()),
    ("header_contains", {"name": "Content-Type", "value": "event"}, given()),
    ("no_header", "Content-Length", given()),
    ("declared_head", None, given(declared={"content-type": "text/event-stream"})),
    (
        "declared_head",
        None,
        given(
            fields=(("Content-Type", "Text/Event-Stream; charset=utf-8"),),
            declared={"Content-Type": "text/event-stream"},
        ),
    ),
    ("sse_format", None, given()),
    ("sse_format", None, given(b": hi\r\nevent: a\r\nid: 1\r\nretry: 5\r\n" + HELLO)),
    ("content", "Hello world", given()),
    ("content", "Hello", given(FULL + LAST + DONE)),
    ("content", "Hello world", given(FULL + HELLO[25:])),
    ("content_equal", None, given(sent=FULL + b": x\n" + HELLO[25:] + DONE)),
    ("content_contains", "lo wo", given()),
    ("utf8_valid", None, given('data: {"content":"é😀"}\n\n'.encode())),
    ("utf8_valid", None, given(rb'data: {"content":"\ud83d\ude00"}' + b"\n\n")),
    ("chunk_count", 2, given()),
    ("chunk_count", 3, given(FULL + HELLO + b'data: {"other":1}\n\n')),
    ("chunk_count_at_least", 1, given()),
    ("finish_reason", "length", given(FULL + LAST + DONE)),
    ("no_finish_reason", None, given(FULL + DONE)),
    ("done_marker", None, given()),
    ("no_done_marker", None, given(HELLO)),
    ("no_wrapped_done", None, given(b'data: {"content":"a [DONE] b"}\n\n')),
    ("body_bytes_equal", None, given(sent=HELLO + DONE)),
    ("upstream_header", {"name": "X-Test-Pattern", "value": "short"}, given(request=REQUEST)),
    ("upstream_json", {"model": "m"}, given(request=REQUEST)),
    ("upstream_json", {"a": 1}, given(request=b'POST / HTTP/1.1\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n')),
    ("upstream_not_asked", None, given()),
]

BREAKS = [
    ("answered", None, given(b"", 0), "no response"),
    ("answered", None, given(failure="no end within 1 s"), "no end within 1 s"),
    ("no_error", None, given(HELLO + ERROR), "upstream broke off"),
    ("no_error", None, given(b"busy", 503), "HTTP 503: busy"),
    ("no_error", None, given(failure="reset"), "reset"),
    ("error", None, given(), "200 without an error and says [DONE]"),
    ("error", None, given(failure="no end within 1 s", silent=True), "no end within 1 s"),
    ("error", None, given(b"", 0), "no response"),
    ("error_contains", "x", given(HELLO), "200 without an error"),
    ("error_contains", "x", given(HELLO + ERROR), "'upstream broke off'"),
    ("http_status", 200, given(b"busy", 503), "503 (HTTP 503: busy)"),
    ("http_status_at_least", 400, given(), "200"),
    ("header", {"name": "X-A", "value": "b"}, given(), "no such field"),
    ("header", {"name": "Content-Type", "value": "text"}, given(), "'text/event-stream'"),
    ("header_contains", {"name": "Content-Type", "value": "json"}, given(), "'text/event-stream'"),
    ("no_header", "content-type", given(), "'text/event-stream'"),
    ("declared_head", None, given(declared={"Connection": "close"}), "Connection is not there"),
    ("declared_head", None, given(declared={"Content-Type": "a/b"}), "instead of 'a/b'"),
    ("sse_format", None, given(fields=()), "no content type"),
    ("sse_format", None, given(fields=(("Content-Type", "text/html"),)), "'text/html'"),
    ("sse_format", None, given(b"<html>\n"), "'<html>'"),
    ("sse_format", None, given(DONE), "no chunk among 1 events"),
    ("content", "Hello moon", given(), "11 characters instead of 10; from character 6"),
    ("content", "Hello", given(), "from character 5 on it is ' world' instead of ''"),
    ("content_equal", None, given(sent=HELLO[25:] + DONE), "from character 0"),
    ("content_contains", "moon", given(), "'Hello world'"),
    ("utf8_valid", None, given(b'data: {"content":"\xf0\x9f\x98"}\n\n'), "byte 18 of the body"),
    ("utf8_valid", None, given(rb'data: {"content":"\ud83d"}' + b"\n\n"), "chunk 0 has half"),
    ("chunk_count", 3, given(), "there are 2"),
    ("chunk_count_at_least", 3, given(), "there are 2"),
    ("finish_reason", "stop", given(FULL + LAST), "'length'"),
    ("finish_reason", "stop", given(), "there is none"),
    ("no_finish_reason", None, given(FULL + LAST), "'length'"),
    ("done_marker", None, given(HELLO), "there is none"),
    ("done_marker", None, given(HELLO + b'data: {"content":"[DONE]"}\n\n'), "wrapped as content"),
    ("done_marker", None, given(HELLO + DONE + DONE), "2 times"),
    ("done_marker", None, given(DONE + HELLO), "2 events come after it"),
    ("no_done_marker", None, given(), "event 2"),
    ("no_done_marker", None, given(b'data: {"content":"[DONE]"}\n\n'), "1 times"),
    ("no_wrapped_done", None, given(b'data: {"content":"[DONE]"}\n\n'), "1 times"),
    ("body_bytes_equal", None, given(sent=HELLO), "69 bytes instead of 55; from byte 55"),
    ("upstream_header", {"name": "X-A", "value": "b"}, given(), "was not asked"),
    ("upstream_header", {"name": "X-A", "value": "b"}, given(request=REQUEST), "no such field"),
    ("upstream_json", {"model": "x"}, given(), "was not asked"),
    ("upstream_json", {"model": "x"}, given(request=REQUEST), 'model is "m"'),
    ("upstream_json", {"top": 1}, given(request=REQUEST), "no top"),
    ("upstream_not_asked", None, given(request=REQUEST), "was asked"),
]


@pytest.mark.parametrize(("name", "value", "facts"), HOLDS, ids=lambda item: str(item)[:30])
def test_an_assertion_holds(name, value, facts):
    (outcome,) = judge([Check(name, value)], facts)

    assert (outcome.passed, outcome.details) == (True, "")
    assert outcome.message


@pytest.mark.parametrize(
    ("name", "value", "facts", "evidence"), BREAKS, ids=lambda item: str(item)[:30]
)
def test_an_assertion_says_what_it_saw_instead(name, value, facts, evidence):
    (outcome,) = judge([Check(name, value)], facts)

    assert not outcome.passed
    assert evidence in outcome.details


def test_every_assertion_is_seen_to_hold_and_to_break():
    assert {row[0] for row in HOLDS} == {row[0] for row in BREAKS} == set(ASSERTIONS)


# -- files -----------------------------------------------------------------------------


def test_the_twelve_scenarios_of_the_reference_runner_ship():
    plain = [item for item in shipped() if not item.strict]
    assert {
        category: [item.name for item in plain if item.category == category] for category in TWELVE
    } == TWELVE
    assert len(plain) == 12


def test_shipped_scenarios_have_names_of_their_own_and_descriptions():
    names = [item.name for item in shipped()]

    assert len(set(names)) == len(names)
    assert all(item.description.endswith(".") for item in shipped())


def test_a_scenario_is_read_with_every_key():
    mine = only(
        """
        description = "Mine."
        strict = true
        pattern = "abort:5"
        plan = {edits = [{edit = "slice", at = 0, every = 1}]}
        stop = {after = 2, how = "reset"}
        handoff = {prompt = "p", user_id = 2}
        pair = "unix"
        fds = "two"
        requires = {payload = ["model"], output = "full"}
        assertions = ["no_error", {http_status = 200}, {header = {name = "A", value = "b"}}]
        """
    )

    assert (mine.name, mine.category, mine.description, mine.strict) == (
        *("mine", "own", "Mine."),
        True,
    )
    assert mine.checks == (
        Check("no_error"),
        Check("http_status", 200),
        Check("header", {"name": "A", "value": "b"}),
    )
    assert (mine.pair, mine.fds, mine.requires) == ("unix", "two", Requires(("model",), "full"))
    assert mine.plan.edits[0].every == 1
    assert not mine.plan.keep_times


def test_a_scenario_needs_little():
    assert only('assertions = ["no_error"]') == Scenario("mine", "own", (Check("no_error"),))


SOUND = 'assertions = ["no_error"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'assertions' is missing"),
        ("assertions = []", "must be a list such as"),
        ('assertions = ["no_eror"]', "unknown assertion 'no_eror'; did you mean 'no_error'"),
        ('assertions = ["http_status"]', "http_status takes a number"),
        ('assertions = [{http_status = "200"}]', "must be a whole number"),
        ("assertions = [{http_status = 200, no_error = 1}]", "neither a name nor"),
        ("assertions = [{no_error = true}]", "takes no value"),
        ('assertions = [{header = "A"}]', "must be a table"),
        ('assertions = [{header = {name = "A"}}]', "takes {name = …, value = …}"),
        ("assertions = [{content = 5}]", "must be a text"),
        (SOUND + "patern = 'x'", "unknown key 'patern'; did you mean 'pattern'"),
        (SOUND + "pattern = 5", "'pattern' must be a text"),
        (SOUND + "pattern = 'short'\ncassette = 'a/b'", "'pattern' and 'cassette' both say"),
        (SOUND + "payload = 'x'\nhandoff = {}", "both say the payload"),
        (SOUND + "strict = 1", "must be true or false"),
        (SOUND + "pair = 'udp'", "not one of tcp, unix"),
        (SOUND + "fds = 'none'", "not one of one, two"),
        (SOUND + "stop = {after = 1, how = 'bang'}", "stop'.how is 'bang', not one of fin"),
        (SOUND + "stop = {after = -1, how = 'fin'}", "whole number from 0"),
        (SOUND + "plan = {edits = [{edit = 'cut'}]}", "'plan': "),
        (SOUND + "requires = {payload = 'x'}", "must be a list of texts"),
        (SOUND + "requires = {output = 'odd'}", "not one of simplified, full"),
        (SOUND + "answer = {code = 429}", "unknown key 'code'"),
        (SOUND + "handoff = {at = 2020-01-01}", "cannot be written as JSON"),
        (SOUND + "handoff = {at = nan}", "cannot be written as JSON"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_told_with_its_place(text, told):
    with pytest.raises(ScenarioError) as error:
        only(text)

    assert str(error.value).startswith("my.toml: scenario 'mine'")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "my.toml: a file of scenarios holds [[scenario]] tables"),
        ("scenarios = []", "my.toml: unknown key 'scenarios'"),
        ("scenario = [1]", "my.toml: scenario 1 is not a table"),
        ("[[scenario]]", "my.toml: scenario 1: 'name' must be a text"),
        ('[[scenario]]\nname = "a b"', "'a b' is not made of letters"),
        ('[[scenario]]\nname = "a"\nassertions = ["no_error"]', "'category' is missing"),
    ],
)
def test_what_is_wrong_with_a_file_of_scenarios_is_told(text, told):
    with pytest.raises(ScenarioError) as error:
        scenarios(text)

    assert told in str(error.value)


# -- what is handed off, and what the upstream says ------------------------------------


def test_the_payload_has_the_defaults_the_overrides_and_the_pattern():
    mine = Scenario("a", "b", (), pattern="short", handoff={"prompt": "é", "user_id": None})

    assert json.loads(mine.message("http://x/v1")) == {
        "prompt": "é",
        "user_id": None,
        "backend_url": "http://x/v1",
        "test_pattern": "short",
    }
    assert "é".encode() in mine.message("http://x/v1")


def test_the_upstreams_url_is_filled_into_texts():
    mine = Scenario("a", "b", (), handoff={"x": {"y": ["{upstream}/z"]}})

    assert json.loads(mine.message("http://h:1/v1"))["x"] == {"y": ["http://h:1/z"]}


def test_a_payload_of_its_own_is_sent_as_it_is():
    assert Scenario("a", "b", (), payload="\0").message("http://x/v1") == b"\0"


@pytest.mark.parametrize(("after", "at"), [(0, 0), (1, 9), (2, 18), (9, 29)])
def test_a_stop_stands_behind_its_event(after, at):
    exchange = Exchange("a", "sse", body=b"data: a\n\ndata: b\r\rdata: c\r\n\r\n")
    mine = only(SOUND + f'stop = {{after = {after}, how = "reset"}}')

    assert mine.bent(exchange).edits == (End(at, "reset"),)


def test_a_canned_answer_has_the_content_type_of_its_status():
    assert canned_exchange(Canned(200, (), b"x"), "a").fields == (
        ("content-type", "text/event-stream"),
    )
    assert canned_exchange(Canned(429), "a").fields == (("content-type", "application/json"),)
    own = (("Content-Type", "text/plain"),)
    assert canned_exchange(Canned(429, own), "a").fields == own


@pytest.mark.parametrize(
    ("requires", "reason"),
    [
        (Requires(), ""),
        (Requires(("prompt",), "simplified"), ""),
        (Requires(("model", "prompt")), "does not declare the payload key model"),
        (Requires(output="full"), "needs full output"),
    ],
)
def test_a_daemon_is_asked_only_for_what_it_declares(requires, reason):
    assert reason in requires.unmet(Daemon())
    assert bool(requires.unmet(Daemon())) == bool(reason)


# -- docs/daemons.md -------------------------------------------------------------------

DOCS = Path(replayfuzz.__file__).parent.parent / "docs" / "daemons.md"


def documented(mark):
    return [
        tomllib.loads(block)
        for block in re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
        if mark in block
    ]


def test_the_documented_scenarios_and_daemon_are_valid():
    assert [item.name for text in documented("[[scenario]]") for item in parse(text, "docs")] == [
        *("quota", "lost_in_the_middle")
    ]
    (daemon,) = documented("[target.daemon]")
    assert declared_target(daemon, "docs").kind == "daemon"


def test_every_assertion_and_key_is_documented():
    rows = [line.split("|")[1] for line in DOCS.read_text().splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert set(ASSERTIONS) <= named
    assert set(KEYS) <= named
