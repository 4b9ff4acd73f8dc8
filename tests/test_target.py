"""Declarations as values: what is read, what is refused, what is accepted."""

import pytest

from replayfuzz.daemon import Daemon, Way
from replayfuzz.errors import TargetError
from replayfuzz.target import Pin, parse

TABLE = {"name": "a", "dialects": ["sse"], "command": ["a"]}


def target(**more):
    return parse({"target": {**TABLE, **more}}, "a.toml")


def test_the_least_that_declares_a_target():
    found = target()

    assert (found.kind, found.variants, found.reports, found.source) == (
        "parser",
        ("default",),
        {},
        "a.toml",
    )


def test_a_target_without_reports_shows_everything():
    assert target().shown_by("default") is None


def test_reports_may_differ_by_variant():
    found = target(reports={"*": ["text"], "raw": ["sse"]})

    assert (found.shown_by("raw"), found.shown_by("x")) == (frozenset({"sse"}), frozenset({"text"}))


def test_reports_may_differ_by_dialect():
    found = target(reports={"*": ["text"], "@sse": ["sse"], "raw@sse": ["done"]})

    assert found.shown_by("x", "sse") == frozenset({"sse"})
    assert found.shown_by("raw", "sse") == frozenset({"done"})
    assert found.shown_by("raw", "ndjson") == frozenset({"text"})


@pytest.mark.parametrize("count", [-1, True, "1", 1.0])
def test_choices_are_counted(count):
    assert (target().choices, target(choices=1).choices) == (0, 1)
    with pytest.raises(TargetError, match="whole number"):
        target(choices=count)


def test_a_list_of_reports_is_for_every_variant():
    assert target(reports=["text"]).shown_by("any") == frozenset({"text"})


def test_pins_are_read():
    assert target(pins=[{"below": "1.2", "also": ["x<1"]}]).pins == (Pin("1.2", ("x<1",)),)


@pytest.mark.parametrize(
    ("key", "accepted"),
    [
        ("truncation/clean-end@raw", True),
        ("truncation@raw", True),
        ("truncation/clean-end", True),
        ("truncation", True),
        ("truncation@openai.chat", True),
        ("truncation/clean-end@sse", False),
        ("truncation@helper", False),
        ("truncation/reset", False),
    ],
)
def test_an_expected_deviation_is_found_by_its_key(key, accepted):
    reason = target(expect={key: "why"}).accepts("truncation/clean-end", "raw", "openai.chat")

    assert reason == ("why" if accepted else None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": ""}, "'name' must be a non-empty string"),
        ({"kind": "toaster"}, "kind 'toaster' is not one of parser"),
        ({"dialects": "sse"}, "'dialects' must be a list of strings"),
        ({"dialects": []}, "'dialects' is missing or empty"),
        ({"package": {"pypi": 3}}, "'package' must be a table of strings"),
        ({"pins": [{"below": 1}]}, "a pin is {below = VERSION"),
        ({"reports": 3}, "'reports' must be a list"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(more, message):
    with pytest.raises(TargetError, match=f"^a.toml: {message}"):
        target(**more)


# -- daemons -----------------------------------------------------------------------------


def daemon(**table):
    return target(kind="daemon", daemon=table).daemon


def test_the_least_that_declares_a_daemon():
    assert daemon() == Daemon()
    assert daemon().way("any") == Way("http/1.1", {})


def test_what_a_daemon_is_declared_with_is_read():
    found = daemon(
        build=["cc", "-o", "{build}/daemon"],
        sources=["*.c"],
        needs=["cc", "php:swoole"],
        hint="install it",
        ready="^listening",
        ready_seconds=3,
        output="full",
        status=201,
        fields={"Connection": "close"},
        payload=["prompt", "model"],
        coding=["gzip"],
        environment={"A": "{upstream}/v1"},
        variants={"h2": {"upstream": "h2", "environment": {"B": "1"}}, "plain": {}},
    )

    assert found == Daemon(
        ("cc", "-o", "{build}/daemon"),
        ("*.c",),
        ("cc", "php:swoole"),
        "install it",
        "^listening",
        3,
        "full",
        201,
        {"Connection": "close"},
        ("prompt", "model"),
        ("gzip",),
        {"A": "{upstream}/v1"},
        {"h2": Way("h2", {"B": "1"}), "plain": Way()},
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "daemon"}, "a target of kind 'daemon' has a [target.daemon] table"),
        ({"daemon": {}}, "a target of kind 'daemon' has a [target.daemon] table"),
        ({"kind": "daemon", "daemon": 3}, "'daemon' must be a table"),
        ({"kind": "daemon", "daemon": {"speed": 3}}, "daemon has no key 'speed'; known are build"),
        ({"kind": "daemon", "daemon": {"build": "make"}}, "daemon.build is 'make', which is of the"),
        ({"kind": "daemon", "daemon": {"build": [3]}}, "daemon.build must be a list of strings"),
        ({"kind": "daemon", "daemon": {"status": True}}, "daemon.status is True, which is of the"),
        ({"kind": "daemon", "daemon": {"ready": 3}}, "daemon.ready is 3, which is of the wrong type"),
        ({"kind": "daemon", "daemon": {"output": "raw"}}, "daemon.output is not one of simplified"),
        ({"kind": "daemon", "daemon": {"fields": {"A": 1}}}, "daemon.fields must be a table of str"),
        ({"kind": "daemon", "daemon": {"variants": {"x": 3}}}, "daemon.variants.x takes 'upstream'"),
        ({"kind": "daemon", "daemon": {"variants": {"x": {"port": 3}}}}, "daemon.variants.x takes"),
        ({"kind": "daemon", "daemon": {"variants": {"x": {"upstream": "h3"}}}},
         "daemon.variants.x.upstream 'h3' is not one of http/1.1, h2c, h2, https"),
        ({"kind": "daemon", "daemon": {"variants": {"x": {"environment": {"A": 1}}}}},
         "daemon.variants.x.environment must be a table of strings"),
    ],
)  # fmt: skip
def test_a_wrong_daemon_says_what_is_wrong(more, message):
    with pytest.raises(TargetError) as caught:
        target(**more)

    assert str(caught.value).startswith(f"a.toml: {message}")
