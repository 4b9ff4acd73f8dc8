"""Which payloads a daemon has to serve, and what its upstream must see of them."""

import json

import pytest

from replayfuzz import strategies
from replayfuzz.search.daemons import payload
from tests.streams import CHAT

ALL = (
    *("prompt", "messages", "model", "max_tokens", "temperature", "system"),
    *("request_id", "test_pattern", "response_headers"),
)


def test_the_default_payload_is_sound_and_carries_its_mark():
    values = payload.asked(payload.default("replayfuzz-1"))
    assert values is not None
    assert "replayfuzz-1" in values["prompt"]


@pytest.mark.parametrize("data", [b"", b"\0", b"{}", b'{"prompt":null}'], ids=repr)
def test_a_payload_that_says_nothing_asks_for_the_defaults(data):
    assert payload.asked(data) == {}
    assert payload.members({}, ALL) == {"stream": True}


def of(family):
    """The payloads of one family."""
    found = next(each for each in strategies.HANDOFFS if each.id == family)
    plans = list(found.plans(strategies.view(CHAT)))
    assert plans
    return [(plan.handoff.label, plan.handoff.payload) for plan in plans]


@pytest.mark.parametrize(("label", "data"), of("handoff.payload"))
def test_payloads_that_must_be_served_are_sound(label, data):
    assert payload.asked(data) is not None, label


@pytest.mark.parametrize(("label", "data"), of("handoff.wrong"))
def test_payloads_that_are_wrong_need_not_be_served(label, data):
    assert payload.asked(data) is None, label


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"prompt": "a"}, {"messages": [{"role": "user", "content": "a"}]}),
        ({"prompt": ""}, {}),
        (
            {"prompt": "a", "messages": [{"role": "user", "content": "b"}]},
            {"messages": [{"role": "user", "content": "b"}]},
        ),
        (
            {"prompt": "a", "system": "s"},
            {
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": "a"},
                ]
            },
        ),
        (
            {"model": "m", "max_tokens": 3, "temperature": 0},
            {"model": "m", "max_tokens": 3, "temperature": 0},
        ),
    ],
    ids=["prompt", "empty prompt", "messages win", "system", "numbers"],
)
def test_what_was_asked_for_reaches_the_upstream(values, wanted):
    assert payload.members(values, ALL) == {"stream": True, **wanted}


def test_a_key_that_a_daemon_does_not_pass_on_is_not_asked_for():
    values = {"prompt": "a", "model": "m", "test_pattern": "short"}
    assert payload.members(values, ("prompt",)) == {
        "stream": True,
        "messages": [{"role": "user", "content": "a"}],
    }
    assert payload.headers(values, ("prompt",)) == {}
    assert payload.headers(values, ALL) == {"x-test-pattern": "short"}


def test_a_smuggled_header_is_never_asked_for():
    for label, data in of("handoff.injection"):
        values = payload.asked(data)
        text = json.dumps(payload.headers(values or {}, ALL))
        assert "Injected" not in text, label
