"""Rules about what a daemon does besides reading, each broken and kept."""

from typing import Any

import pytest

from replayfuzz import invariants
from replayfuzz.transcript import Beside, Delivery, Expected, Relay, Response, Transcript, event

FIELDS = (("Content-Type", "text/event-stream"), ("Connection", "close"))
RELAY = Relay(200, FIELDS, told=(("model", "m"), ("stream", True)), headers=(("x-test", "1"),))
HEAD = (("content-type", "Text/Event-Stream; charset=utf-8"), ("CONNECTION", "close"))
REQUEST = (
    b'POST /v1/chat/completions HTTP/1.1\r\nX-Test: 1\r\n\r\n{"model":"m","stream":true,"n":1}'
)


def whole(**changes):
    """A transcript of a client that was served well, with *changes*."""
    parts: dict[str, Any] = {
        "events": (event("text", text="hi"), event("done")),
        "delivery": Delivery("tcp", request=changes.pop("request", REQUEST)),
        "response": Response(changes.pop("status", 200), changes.pop("fields", HEAD), raw=b"x"),
    }
    return Transcript(**(parts | changes))


def want(relay=RELAY, **changes):
    events = (event("text", text="hi"), event("done"))
    return Expected(events, terminal=True, relay=relay, **changes)


def broken(seen, wanted=None):
    """Names of the rules that *seen* breaks."""
    verdict = invariants.judge((wanted or want(),), seen, frozenset({"text", "error", "done"}))
    return {violation.name for violation in verdict.violations}


def test_a_client_that_is_served_well_breaks_no_rule():
    """Field names and media types are case-insensitive, and a type may have parameters."""
    assert broken(whole()) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"fields": HEAD[:1]}, "response-head/field", id="a field is missing"),
        pytest.param(
            {"fields": (*HEAD[1:], ("Content-Type", "text/plain"))},
            "response-head/field",
            id="a field has another value",
        ),
        pytest.param({"status": 201}, "response-head/status", id="another status of success"),
        pytest.param({"problems": ("no-form: {}",)}, "output-form", id="an event of no form"),
        pytest.param(
            {"request": REQUEST.replace(b'"m"', b'"n"')}, "payload-forwarded/member", id="model"
        ),
        pytest.param(
            {"request": REQUEST.replace(b"X-Test: 1", b"X-Test: 2")},
            "payload-forwarded/field",
            id="a header has another value",
        ),
        pytest.param(
            {"request": REQUEST.replace(b"X-Test: 1", b"X-Other: 1")},
            "payload-forwarded/field",
            id="a header is missing",
        ),
        pytest.param(
            {"request": REQUEST.replace(b"\r\n\r\n", b"\r\nX-Replayfuzz-Injected: 1\r\n\r\n")},
            "payload-forwarded/injection",
            id="a header was smuggled into the request",
        ),
        pytest.param(
            {"fields": (*HEAD, ("x-replayfuzz-injected", "1"))},
            "payload-forwarded/injection",
            id="a header was smuggled into the response",
        ),
        pytest.param(
            {"beside": (Beside("abc", Transcript((event("text", text="axc"),))),)},
            "clients-apart/mixed",
            id="another client got other content",
        ),
        pytest.param(
            {"beside": (Beside("abc", Transcript((event("text", text="a"),), "hang")),)},
            "clients-apart/unserved",
            id="another client was not served",
        ),
        pytest.param(
            {"end": "garbage", "events": (), "response": Response()},
            "http-response/none",
            id="closed without a byte",
        ),
        pytest.param(
            {"end": "garbage", "events": (), "response": Response(raw=b"data: x\n\n")},
            "http-response/malformed",
            id="not HTTP",
        ),
    ],
)
def test_each_rule_names_what_is_wrong(changes, rule):
    assert rule in broken(whole(**changes))


def test_a_chunked_request_is_read_as_what_it_holds():
    body = REQUEST.partition(b"\r\n\r\n")[2]
    coded = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    head = REQUEST.partition(b"\r\n\r\n")[0] + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert broken(whole(request=head + coded)) == set()
    assert "payload-forwarded/member" in broken(whole(request=head + coded.replace(b'"m"', b'"n"')))


def test_an_error_response_has_no_declared_head():
    seen = whole(status=502, fields=(), events=(), end="error")
    wanted = Expected((), "error", strict=False, relay=RELAY)
    assert broken(seen, wanted) == set()


@pytest.mark.parametrize(
    ("delivery", "kept"),
    [
        pytest.param(Delivery("tcp", request=b"x", left=0.1), False, id="given up"),
        pytest.param(Delivery("tcp", request=b"x"), True, id="kept open"),
        pytest.param(Delivery("tcp", finished=False), False, id="never asked"),
    ],
)
def test_the_upstream_is_given_up_when_the_client_has_left(delivery, kept):
    relay = Relay(left=True, lenient=True)
    wanted = Expected(
        (), "truncated", message_end="open", must_end=False, strict=False, relay=relay
    )
    seen = Transcript((), "truncated", delivery=delivery, response=Response())
    assert broken(seen, wanted) == ({"upstream-cancelled"} if kept else set())


def test_other_kinds_of_targets_know_none_of_these_rules():
    seen = whole(fields=(), problems=("no-form: x",))
    assert broken(seen, want(relay=None)) == set()
