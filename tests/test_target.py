"""Declarations as values: what is read, what is refused, what is accepted."""

import pytest

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
        ("truncation@helper", False),
        ("truncation/reset", False),
    ],
)
def test_an_expected_deviation_is_found_by_its_key(key, accepted):
    reason = target(expect={key: "why"}).accepts("truncation/clean-end", "raw")

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
