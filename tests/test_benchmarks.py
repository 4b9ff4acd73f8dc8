"""What the benchmarks are made of is well formed. Nothing is measured here."""

import importlib
import json
from dataclasses import replace

import pytest

from benchmarks import knownbugs
from benchmarks.__main__ import ALONE, FILES, main
from benchmarks.knownbugs import Bug, Mark, known
from benchmarks.table import Row, print_table, to_json
from replayfuzz import declared, environments, invariants
from replayfuzz.cassette import Exchange
from replayfuzz.errors import InstallError
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, Plan
from replayfuzz.search import Options
from tests.planted import BUGS
from tests.shared import SHARED, needs_shared

CUT = Cut(7, kind="cut.utf8", label="split inside U+00E9")


def finding(**changes) -> Finding:
    """A split character, told by a rule."""
    stream = Exchange("s", "sse", body="data: é\n\n".encode())
    given = {"invariant": "content-equal", "outcome": "failed", "expected": "", "observed": ""}
    rest = {"shape": "event data changed", "exchange": stream, "plan": Plan((CUT,))}
    return Finding("sseclient-py", **{**given, **rest, **changes})


def bug(*marks: Mark, patterns=("content-*",)) -> Bug:
    return Bug("b", "sseclient-py", "sseclient-py", "1", "2", "", "", patterns, marks)


# -- the table -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "held"),
    [
        (Row("P1", "w", 0.5, "x", 0.5), True),
        (Row("P1", "w", 0.49, "x", 0.5), False),
        (Row("P6", "w", 1.2, "x", 1.1, at_least=False), False),
        (Row("P6", "w", None, "x", 1.1), None),
        (Row("P6", "w", 3.0, "µs"), None),
    ],
)
def test_a_row_is_held_against_its_bar(row, held):
    assert row.held is held


def test_a_missed_bar_is_printed_as_missed(capsys):
    print_table([Row("P1", "sweep", 0.2, "x", 0.5), Row("P9", "later", None, "x", 1)])
    first, second = capsys.readouterr().out.splitlines()

    assert "MISSED" in first
    assert "not measured" in second
    assert "MISSED" not in second


def test_json_says_what_was_held():
    told = json.loads(to_json([Row("F2", "planted", 20, "", 20)]))

    assert (told[0]["id"], told[0]["held"]) == ("F2", True)


def test_each_row_is_in_one_file_that_can_be_imported():
    rows = [row for ids in FILES.values() for row in ids]

    assert len(rows) == len(set(rows))
    for name in FILES:
        assert callable(importlib.import_module(f"benchmarks.{name}").rows)
    assert set(ALONE) < set(FILES)


def test_an_unknown_row_is_named(capsys):
    assert main(["F99"]) == 2
    assert "F99" in capsys.readouterr().out


# -- known bugs ------------------------------------------------------------------------


def test_known_bugs_name_targets_and_invariants_that_exist():
    rules = {rule.id for rule in invariants.INVARIANTS}

    assert len({one.id for one in known()}) == len(known()) == 36
    for one in known():
        assert list(declared.find(one.target).package.values()) == [one.package]
        assert one.bad != one.fixed
        assert {name.partition("/")[0] for name in one.invariants} <= rules
        assert one.marks


@needs_shared
def test_known_bugs_are_those_of_the_list():
    bugs = json.loads((SHARED / "knownbugs.json").read_text())["bugs"]
    listed = {(one["id"], one["package"], one["bad"], one["fixed"]) for one in bugs}

    assert {(one.id, one.package, one.bad, one.fixed) for one in known()} == listed


@pytest.mark.parametrize(
    ("mark", "fits"),
    [
        (Mark(), True),
        (Mark(kinds=("cut.*",)), True),
        (Mark(kinds=("text.*",)), False),
        (Mark(kinds=()), False),
        (Mark(body="é"), True),
        (Mark(body="\u2028"), False),
        (Mark(shape="data changed"), True),
        (Mark(shape="raised"), False),
    ],
)
def test_a_mark_says_which_findings_are_the_bug(mark, fits):
    assert bug(mark).shown_by(finding()) is fits


def test_what_the_fixed_release_still_gets_wrong_for_another_reason_is_not_the_bug():
    one = bug(Mark())

    assert one.left_in(finding())
    assert not replace(one, still="é").left_in(finding())
    assert replace(one, still="é").shown_by(finding())


def test_a_finding_of_another_rule_or_that_is_accepted_is_not_the_bug():
    assert not bug(Mark(), patterns=("no-hang",)).shown_by(finding())
    assert not bug(Mark()).shown_by(finding(accepted="documented"))


def test_a_release_that_cannot_be_installed_does_not_end_the_table(monkeypatch):
    def build(target, wanted):
        del target, wanted
        raise InstallError("cannot install it\nmore")

    monkeypatch.setattr(environments, "build", build)
    result = knownbugs.tried(known()[0], Options(1.0))

    assert (result.error, result.held, result.seconds) == ("cannot install it", False, None)


def test_there_are_twenty_planted_bugs():
    assert len(set(BUGS)) == 20
