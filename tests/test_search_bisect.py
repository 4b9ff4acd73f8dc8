"""Halving a range of releases: how few are tried, and what is said where some cannot tell."""

import importlib
import json
import math
import random

import pytest
import typer

from replayfuzz.cli.bisect import answer
from replayfuzz.errors import UsageError
from replayfuzz.search.bisect import Bisected, Span, Tried, between, halve, judged
from replayfuzz.search.replay import Answer, Replayed
from replayfuzz.target import Target
from replayfuzz.verdict import Evidence, Verdict, Violation
from tests.findings import FINDING

LIBRARY = Target("left", "parser", ("sse",), ("v",), ("left",))


def run(answers):
    """Bisect releases "0", "1", …, the answers of which are b(ad), g(ood) and ? (cannot tell)."""
    names: dict[str, Answer] = {"b": "fails", "g": "fixed", "?": "unknown"}
    asked = []

    def oracle(release):
        asked.append(release)
        return Tried(release, names[answers[int(release)]])

    found = halve([str(number) for number in range(len(answers))], oracle)
    assert len(asked) == len(set(asked))
    assert [each.release for each in found.tried] == sorted(asked, key=int)
    return found


@pytest.mark.parametrize("count", [2, 3, 4, 7, 8, 9, 64, 65, 500])
@pytest.mark.parametrize("pair", ["gb", "bg"])
def test_every_place_is_found_with_few_probes(count, pair):
    for place in range(1, count):
        found = run(pair[0] * place + pair[1] * (count - place))

        assert (found.first, found.before) == ((str(place),), str(place - 1))
        assert found.change == ("breaks" if pair == "gb" else "mends")
        assert len(found.tried) <= math.ceil(math.log2(count)) + 2
        assert found.exit_status == 0


@pytest.mark.parametrize(("answers", "tried"), [("b", 1), ("ggggg", 2), ("bbbbbbbb", 2)])
def test_ends_that_agree_are_no_change(answers, tried):
    found = run(answers)

    assert (found.change, found.first, len(found.tried), found.exit_status) == (
        "none",
        (),
        tried,
        2,
    )


@pytest.mark.parametrize(
    ("answers", "first"),
    [
        pytest.param("ggg?bb", ("3", "4"), id="one-at-the-change"),
        pytest.param("gg??bb", ("2", "3", "4"), id="all-at-the-change"),
        pytest.param("g?gg?gbb?b", ("6",), id="elsewhere"),
        pytest.param("???gggbb??", ("6",), id="both-ends"),
        pytest.param("?gb?", ("2",), id="between-ends"),
    ],
)
def test_releases_that_cannot_tell_are_stepped_over(answers, first):
    assert run(answers).first == first


def test_whatever_is_silent_the_change_is_among_what_is_named():
    choice = random.Random(7)
    for _ in range(300):
        count = choice.randrange(2, 60)
        place = choice.randrange(1, count)
        whole = "g" * place + "b" * (count - place)
        answers = "".join(choice.choice([each, each, "?"]) for each in whole)
        found = run(answers)

        if found.first:
            assert place in range(int(found.before) + 1, int(found.first[-1]) + 1)
            assert all(answers[int(each)] == "?" for each in found.first[:-1])
        else:
            assert len({each.answer for each in found.told}) <= 1


def test_a_long_beginning_of_silent_releases_costs_few_probes():
    found = run("?" * 300 + "g" * 100 + "b" * 112)

    assert found.first == ("400",)
    assert len(found.tried) <= 2 * 9 + 2 + 9


def test_the_beginning_is_the_oldest_that_can_tell():
    found = run("?" * 61 + "g" + "b" * 30)

    assert (found.first, found.before) == (("62",), "61")


def test_nothing_that_tells_is_no_answer():
    found = run("????")

    assert (found.change, len(found.tried), found.exit_status) == ("unknown", 3, 2)
    assert answer(found) == "No tried release from 0 to 3 can tell; 3 of 4 releases were tried."


def test_ctrl_c_ends_with_what_was_tried():
    def oracle(release):
        if release == "1":
            raise KeyboardInterrupt
        return Tried(release, "fails" if release == "2" else "fixed")

    found = halve(["0", "1", "2"], oracle)

    assert (found.interrupted, [each.release for each in found.tried]) == (True, ["0", "2"])
    assert answer(found).startswith("Interrupted: no answer; 2 of 3")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ("ggbb", "2 breaks it: 1 does not have it. 4 of 4 releases were tried. This assumes one "),
        ("bbgg", "2 mends it: 1 still has it."),
        ("g?b", "One of 1, 2 breaks it: 0 does not have it, and those before 2 cannot tell."),
        ("bbb", "Every tried release from 0 to 2 has it; 2 of 3"),
        ("ggg", "Every tried release from 0 to 2 is without it; 2 of 3"),
    ],
)
def test_the_answer_is_a_sentence(answers, words):
    assert answer(run(answers)).startswith(words)


@pytest.mark.parametrize(
    ("span", "chosen"),
    [
        (Span(), ("v1.0.0", "v1.1.0", "v2.0.0")),
        (Span("1.1.0"), ("v1.1.0", "v2.0.0")),
        (Span("", "v1.1.0"), ("v1.0.0", "v1.1.0")),
        (Span("1.1.0", "1.1.0"), ("v1.1.0",)),
    ],
)
def test_a_span_is_cut_out(span, chosen):
    assert between(("v1.0.0", "v1.1.0", "v2.0.0"), span, LIBRARY) == chosen


@pytest.mark.parametrize(
    ("releases", "span", "words"),
    [
        (("1.0",), Span("3.0"), "3.0 is no release that can be tried; the newest are 1.0"),
        (("1.0", "2.0"), Span("2.0", "1.0"), "--from 2.0 is newer than --to 1.0"),
        ((), Span(), "no release of the library of target left is known"),
    ],
)
def test_a_span_that_is_none_is_told(releases, span, words):
    with pytest.raises(UsageError, match=words):
        between(releases, span, LIBRARY)


@pytest.mark.parametrize(
    ("seen", "invariant", "told"),
    [
        ("fails", "content-equal", "fails"),
        ("fixed", "", "fixed"),
        ("fixed", "role-equal", "fixed"),
        ("fixed", "no-error-on-valid-stream", "unknown"),
        ("fixed", "no-crash", "unknown"),
        ("unknown", "", "unknown"),
    ],
)
def test_a_release_that_reads_nothing_cannot_tell(seen, invariant, told):
    broken = Violation(invariant, Evidence("a", "b", "c"), "failed")
    verdict = Verdict((broken,) if invariant else ())

    assert judged("1.0", Replayed(FINDING, seen, "why", verdict=verdict)).answer == told


def test_an_empty_result_is_no_success():
    assert Bisected(("1.0",)).exit_status == 2


@pytest.mark.parametrize(("since", "status"), [("", 0), ("1.1.0", 2)])
def test_the_command_plays_each_release_in_an_environment_of_its_own(
    tmp_path, monkeypatch, since, status
):
    """All of it, but for the releases themselves, which need a registry."""
    command = importlib.import_module("replayfuzz.cli.bisect")
    search = importlib.import_module("replayfuzz.search.bisect")
    folder, file = tmp_path / "finding", tmp_path / "answer.json"
    folder.mkdir()
    asked = []

    def replay(folder, *, target, requirement, say):
        asked.append((target.name, requirement))
        fixed = requirement.endswith(("1.1.0", "1.2.0"))
        return Replayed(FINDING, "fixed" if fixed else "fails", "why")

    monkeypatch.setattr(search.findings, "load", lambda _: FINDING)
    monkeypatch.setattr(search.environments, "releases", lambda _: ("1.0.0", "1.1.0", "1.2.0"))
    monkeypatch.setattr(search, "replay", replay)
    with pytest.raises(typer.Exit) as ended:
        command.bisect(folder, "openai-python", since, "", command.Form.JSON, file)

    written = json.loads(file.read_text())
    assert ended.value.exit_code == status
    assert (written["first"], written["change"]) == (
        ([], "none") if since else (["1.1.0"], "mends")
    )
    assert ("openai-python", "pypi:openai==1.2.0") in asked
    assert [each["release"] for each in written["tried"]] == ["1.0.0", "1.1.0", "1.2.0"][
        1 if since else 0 :
    ]
