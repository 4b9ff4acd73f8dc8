"""What lint finds: secrets wherever they are, damage, members that are new."""

import gzip
import re
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest

from replayfuzz import lint as linting
from replayfuzz import redact, store
from replayfuzz.cassette import Exchange, parse
from replayfuzz.lint import RULES, keys, lint
from tests.secrets_planted import planted

KNOWN = keys(store.shipped())


def shipped(name):
    return next(exchange for exchange in store.shipped() if exchange.name == name)


def faults(exchange, keep=()):
    return [(fault.rule, fault.place, fault.at) for fault in lint(exchange, KNOWN, keep)]


def with_body(exchange, body):
    return replace(exchange, body=body, chunks=((0.0, len(body)),) if body else ())


def cut(exchange, chunks):
    """Without the last *chunks* chunks."""
    kept = exchange.chunks[: len(exchange.chunks) - chunks]
    size = list(accumulate(size for _, size in kept))[-1]
    return replace(exchange, body=exchange.body[:size], chunks=kept)


@pytest.mark.parametrize("exchange", store.shipped(), ids=lambda exchange: exchange.name)
def test_shipped_cassettes_lint_clean(exchange):
    assert faults(exchange) == []


@pytest.mark.parametrize("seed", range(40))
def test_planted_secrets_are_found_and_then_gone(seed):
    exchange = planted(seed).exchange

    assert "secret" in {rule for rule, *_ in faults(exchange)}
    assert "secret" not in {rule for rule, *_ in faults(redact.exchange(exchange))}


def test_a_fault_tells_where_and_not_what():
    plain = shipped("openai.chat/plain")
    at = plain.body.index(b"caf") if b"caf" in plain.body else plain.body.index(b"chatcmpl")
    body = plain.body[:at] + b"bob@example.com " + plain.body[at:]
    (found,) = (fault for fault in lint(with_body(plain, body), KNOWN) if fault.rule == "secret")

    assert (found.place, found.at, found.size, found.level) == ("body", at, 15, "fault")
    assert "bob" not in found.what + found.next
    assert faults(with_body(plain, body), keep=("e-mail",)) == []


def test_a_secret_in_a_compressed_body_is_found():
    plain = shipped("openai.chat/plain")
    body = gzip.compress(plain.body.replace(b"chatcmpl-1", b"bob@example.com"))
    packed = replace(with_body(plain, body), fields=(("Content-Encoding", "gzip"),))
    (found, *_) = lint(packed, KNOWN)

    assert found.what == "e-mail in gzip"


def test_a_body_that_cannot_be_decoded_is_a_note():
    plain = shipped("openai.chat/plain")
    (found,) = lint(replace(plain, fields=(("Content-Encoding", "br"),)), KNOWN)

    assert (found.rule, found.level) == ("coding", "note")


def test_chunks_that_do_not_add_up_are_told():
    plain = shipped("openai.chat/plain")

    assert faults(replace(plain, chunks=plain.chunks[:-1])) == [
        ("chunks", "body", sum(size for _, size in plain.chunks[:-1]))
    ]


@pytest.mark.parametrize(("length", "wrong"), [(0, True), (5, False)])
def test_a_content_length_that_is_not_the_bodys_is_told(length, wrong):
    exchange = Exchange(
        *("x", "sse"),
        fields=(("content-length", str(length)),),
        body=b": hi\n",
        framing="content-length",
        chunks=((0.0, 5),),
    )
    found = {rule for rule, *_ in faults(exchange)}

    assert ("length" in found) is wrong


@pytest.mark.parametrize("name", ["openai.chat/plain", "ollama.chat/plain"])
def test_a_body_that_its_dialect_cannot_read_is_told(name):
    plain = shipped(name)
    second = plain.chunks[0][1]
    broken = plain.body[:second] + plain.body[second:].replace(b'":', b'"', 1)

    assert ("unreadable", "body", second) in faults(with_body(plain, broken))


def test_a_body_in_another_dialect_is_told():
    wrong = replace(shipped("openai.chat/plain"), dialect="anthropic.messages")

    assert {"unreadable", "unfinished"} & {rule for rule, *_ in faults(wrong)}


@pytest.mark.parametrize("name", ["anthropic.messages/plain", "ollama.chat/plain"])
def test_a_stream_that_ended_complete_without_its_last_event_is_told(name):
    short = cut(shipped(name), 1)

    assert faults(short) == [("unfinished", "body", len(short.body))]
    assert faults(replace(short, ending="reset")) == []


def test_a_missing_marker_that_many_providers_leave_out_is_a_note():
    (found,) = lint(cut(shipped("openai.chat/plain"), 1), KNOWN)

    assert (found.rule, found.level) == ("marker", "note")


def test_an_unknown_dialect_is_told():
    assert faults(Exchange("x", "openai.chta")) == [("dialect", "stream", None)]
    assert faults(Exchange("x", "unknown")) == [("dialect", "stream", None)]


def test_members_that_no_shipped_cassette_has_are_a_note():
    plain = shipped("openai.chat/plain")
    body = plain.body.replace(b'"choices":', b'"brand_new":{"a":{"b":1}},"choices":', 1)
    (found,) = lint(with_body(plain, body), KNOWN)

    assert (found.rule, found.level, found.at) == ("drift", "note", body.index(b'"brand_new"'))
    assert found.what.endswith(": brand_new")  # what is below it is not told too


def test_members_in_a_json_array_are_looked_at_too():
    """Gemini's array form spreads one element over many lines, and a record over a message."""
    plain = shipped("gemini.stream_array/plain")
    body = plain.body.replace(b'"content":', b'"brand_new": 1, "content":', 1)
    (found,) = lint(with_body(plain, body), KNOWN)

    assert (found.rule, found.at) == ("drift", body.index(b'"brand_new"'))
    assert found.what.endswith(": candidates[].brand_new")


def test_what_a_user_names_is_no_drift():
    call = shipped("ollama.chat/tool-call")
    body = call.body.replace(b'"arguments":{', b'"arguments":{"brand_new":1,', 1)

    assert faults(with_body(call, body)) == []


def test_an_error_status_is_not_read_as_a_stream():
    answer = Exchange("x", "openai.chat", status=500, body=b"oops", chunks=((0.0, 4),))

    assert faults(answer) == []


def test_each_rule_is_documented():
    page = (Path(__file__).parent.parent / "docs" / "cassettes.md").read_text(encoding="utf-8")

    assert re.findall(r"(?m)^\| `(\w+)` \| (?:fault|note)", page) == list(RULES)


def test_the_cassette_of_the_documentation_lints_clean():
    page = (Path(__file__).parent.parent / "docs" / "cassettes.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    (exchange,) = parse(text, file="page.yaml").exchanges

    assert [fault.level for fault in lint(exchange, KNOWN)] in ([], ["note"])
    assert dict(exchange.origin)["kind"] == "recorded"


def test_each_rule_is_used():
    source = Path(linting.__file__).read_text(encoding="utf-8")

    assert all(re.search(rf'Fault\(\s*"{rule}"', source) for rule in RULES)
