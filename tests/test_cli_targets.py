"""Which targets a command line of ``fuzz`` names, and which release each gets."""

import pytest

from replayfuzz import declared
from replayfuzz.cli import fuzz
from replayfuzz.errors import UsageError
from replayfuzz.target import Target


def one(name, **package):
    return Target(name, "parser", ("sse",), ("v",), ("x",), package=package, source=f"{name}.toml")


KNOWN = (
    one("ours"),
    one("py", pypi="openai"),
    one("py-responses", pypi="openai"),
    one("js", npm="openai"),
    one("both-js", npm="both"),
    one("both-rust", crates="both"),
    one("scoped", npm="@a/b"),
    one("go", go="github.com/x/y"),
)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(declared, "all_targets", lambda: KNOWN)
    monkeypatch.setattr(declared, "find", {each.name: each for each in KNOWN}.__getitem__)


@pytest.mark.parametrize(
    ("names", "requirements", "chosen"),
    [
        ([], ["openai==1"], {"py": "openai==1", "py-responses": "openai==1"}),
        ([], ["npm:openai==7"], {"js": "npm:openai==7"}),
        (["js"], ["openai==7"], {"js": "openai==7"}),
        (["js", "py"], ["openai==1"], {"py": "openai==1"}),
        (["js", "py"], ["openai==1", "npm:openai==7"], {"py": "openai==1", "js": "npm:openai==7"}),
        ([], ["crates:both"], {"both-rust": "crates:both"}),
        ([], ["@a/b==2"], {"scoped": "@a/b==2"}),
        ([], ["github.com/x/y==v1.0.0"], {"go": "github.com/x/y==v1.0.0"}),
    ],
)
def test_a_release_goes_to_the_targets_of_its_package(names, requirements, chosen):
    targets, wanted = fuzz._targets(names, requirements)

    assert wanted == chosen
    assert {target.name for target in targets} == {*names, *chosen}


@pytest.mark.parametrize(
    ("names", "requirement", "words"),
    [
        ([], "both==1", "several such packages; write npm:both==1 or crates:both==1"),
        ([], "left-pad==1", "no target tests the package 'left-pad'"),
        ([], "npm:@a/c@1", "no target tests the package '@a/c'"),
        (["py"], "npm:openai==7", "no target among py tests the package 'openai'"),
    ],
)
def test_a_release_of_nobody_is_told(names, requirement, words):
    with pytest.raises(UsageError, match=words):
        fuzz._targets(names, [requirement])


def test_all_takes_every_parser_and_no_name():
    assert fuzz._named(None, True, ["py"]) == []
    assert fuzz._named(None, False, ["py"]) == ["py"]
    assert len(fuzz._with_all(())) == len(KNOWN)
    with pytest.raises(UsageError, match="--all takes every library"):
        fuzz._named(["py"], True, [])
