"""Examined daemons in each form; TAP is read back by a strict reader of TAP 14."""

import json
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from replayfuzz.report.scenarios import FORMATS, human
from replayfuzz.scenarios import Examined, Measured, Outcome, Result, Scenario


def result(name, *broken, category="basic", **values):
    outcomes = (
        Outcome("no_error", passed=True, message="no error of any kind"),
        *(
            Outcome(name, passed=False, message=f"{name} asked", details=why)
            for name, why in broken
        ),
    )
    scenario = Scenario(name, category, (), description="What it is for.")
    return Result(scenario, outcomes, 0.25, **values)


HELD = result("basic_response", measured=Measured(0.0005, 0.002, 0.01, 345))
SKIPPED = Result(Scenario("image_outside", "handoff", ()), skipped="no key image_path # there")
BROKEN = result(
    "abort_honest",
    ("no_done_marker", "it is event 5 # not \\ ok\n..."),
    ("content", "\x07 instead of '<&>'"),
    error="reset",
    log="line one\n\x1b[31mline two",
    category="abort",
)
GOOD = Examined("rust", "h1", "1.2", "http://127.0.0.1:1/v1", (HELD, SKIPPED), 1.5)
BAD = Examined("go", "h2c", "", "http://127.0.0.1:2/v1", (HELD, BROKEN), 0.5, restarts=1)
MISSING = Examined("swoole", skipped="the PHP extension swoole is not here; install it # soon")
DEAD = Examined("own", "default", error="own: its daemon ended\nline # one\nok 1 - line two")
EVERY = [(GOOD,), (BAD,), (MISSING,), (DEAD,), (GOOD, BAD, MISSING, DEAD), ()]


def each():
    return pytest.mark.parametrize(
        "every", EVERY, ids=lambda every: "+".join(e.name for e in every)
    )


# -- TAP -------------------------------------------------------------------------------

POINT = re.compile(
    r"(?P<ok>not ok|ok) (?P<number>\d+)(?: - (?P<told>(?:[^#\\]|\\[\\#])*?))?"
    r"(?: # (?P<directive>SKIP|TODO)(?: (?P<why>.*))?)?"
)


class Tap:
    """A document of TAP 14, strict: every line has to be one that the grammar knows."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.lines = text.split("\n")[:-1]
        assert self.lines.pop(0) == "TAP version 14"
        self.points, self.comments, self.plan = self.document("")
        assert not self.lines, f"left over: {self.lines[0]!r}"

    def document(self, indent):
        plan, skip = self.read_plan(indent)
        points: list[dict[str, Any]] = []
        comments, children = [], None
        while self.lines and self.lines[0].startswith(indent):
            line = self.lines.pop(0)[len(indent) :]
            if line.startswith("# Subtest: "):
                assert children is None
                children = (line.removeprefix("# Subtest: "), self.document(indent + "    "))
            elif line.startswith("#"):
                comments.append(line)
            else:
                points.append(self.point(line, indent, children, len(points) + 1))
                children = None
        assert children is None, "a subtest ends with its parent's test point"
        assert len(points) == plan
        assert not (skip and points)
        return points, comments, plan

    def read_plan(self, indent):
        found = re.fullmatch(indent + r"1\.\.(\d+)( # SKIP .+)?", self.lines.pop(0))
        assert found, "the plan comes first"
        assert not found[2] or found[1] == "0"
        return int(found[1]), found[2]

    def point(self, line, indent, children, number):
        found = POINT.fullmatch(line)
        assert found, f"no test point: {line!r}"
        assert int(found["number"]) == number
        point = {**found.groupdict(), "yaml": self.yaml(indent), "children": None}
        if children is not None:
            name, (inner, _, _) = children
            assert name == point["told"]
            assert (point["ok"] == "ok") == all(each["ok"] == "ok" for each in inner)
            point["children"] = inner
        return point

    def yaml(self, indent):
        if not self.lines or self.lines[0] != f"{indent}  ---":
            return None
        yaml = pytest.importorskip("yaml")
        end = self.lines.index(f"{indent}  ...")
        block = "\n".join(line.removeprefix(f"{indent}  ") for line in self.lines[1:end])
        del self.lines[: end + 1]
        return yaml.safe_load(block)


@each()
def test_tap_is_valid(every):
    Tap(FORMATS["tap"](every))


@pytest.mark.parametrize(
    "text",
    [
        "1..1\nok 1\n",
        "TAP version 14\n1..2\nok 1\n",
        "TAP version 14\n1..1\nok 2\n",
        "TAP version 14\n1..1\nok 1 - a # b\n",
        "TAP version 14\n1..1\nok 1\nnonsense\n",
        "TAP version 14\n1..1\n# Subtest: a\n    1..1\n    not ok 1\nok 1 - a\n",
        "TAP version 14\n1..1\n# Subtest: a\n    1..1\n    ok 1\nok 1 - b\n",
    ],
)
def test_the_reader_of_tap_refuses_what_is_not_valid(text):
    with pytest.raises(AssertionError):
        Tap(text)


def test_one_daemon_is_a_plain_document_of_its_scenarios():
    tap = Tap(FORMATS["tap"]([BAD]))

    assert [(point["ok"], point["told"]) for point in tap.points] == [
        ("ok", "basic_response [basic]"),
        ("not ok", "abort_honest [abort]"),
    ]
    assert tap.comments[0].startswith("# FAIL: no_done_marker: no_done_marker asked: it is event 5")
    assert tap.comments[1].startswith("# FAIL: content: ")
    assert tap.comments[2:] == ["# go [h2c]: 1 passed, 1 failed", "# time 0.500 s"]
    yaml = tap.points[1]["yaml"]
    assert yaml["error"] == "reset"
    assert yaml["failed"][0]["observed"] == "it is event 5 # not \\ ok\n..."
    assert yaml["log"] == ["line one", "\x1b[31mline two"]


def test_several_daemons_are_subtests():
    tap = Tap(FORMATS["tap"]([GOOD, BAD, MISSING, DEAD]))

    assert [(point["ok"], point["told"], point["directive"]) for point in tap.points] == [
        ("ok", "rust [h1]", None),
        ("not ok", "go [h2c]", None),
        ("ok", "swoole", "SKIP"),
        ("not ok", "own", None),
    ]
    assert tap.points[0]["children"][1]["directive"] == "SKIP"
    assert len(tap.comments) == 2


def test_a_daemon_that_is_missing_is_a_skipped_plan():
    lines = FORMATS["tap"]([MISSING]).splitlines()

    assert lines[1].startswith("1..0 # SKIP the PHP extension swoole is not here; install it \\# ")


# -- JSON ------------------------------------------------------------------------------

KEYS = {
    *("version", "daemon", "backend_url", "total_tests", "passed", "failed", "total_time"),
    *("success", "results"),
}


def test_json_has_the_keys_of_the_reference_runner():
    value = json.loads(FORMATS["json"]([BAD]))

    assert set(value) >= KEYS
    assert value | {"results": []} == value | {
        "version": "1.0",
        "daemon": "go",
        "backend_url": "http://127.0.0.1:2/v1",
        "total_tests": 2,
        "passed": 1,
        "failed": 1,
        "total_time": 0.5,
        "success": False,
        "results": [],
    }
    broken = value["results"][1]
    assert set(broken) >= {"scenario", "category", "passed", "duration", "assertions", "error"}
    assert (broken["scenario"], broken["category"], broken["passed"]) == (
        *("abort_honest", "abort"),
        False,
    )
    assert broken["assertions"][2] == {
        "Passed": False,
        "Name": "content",
        "Message": "content asked",
        "Details": "\x07 instead of '<&>'",
    }


def test_json_of_one_daemon_tells_what_was_skipped_and_measured():
    value = json.loads(FORMATS["json"]([GOOD]))

    assert value["total_tests"] == len(value["results"]) == 1
    assert value["skipped"][0]["scenario"] == "image_outside"
    assert value["results"][0]["measured"] == {
        "handoff": 0.0005,
        "ttfb": 0.002,
        "total": 0.01,
        "bytes": 345,
    }


def test_json_of_several_daemons_holds_a_document_of_each():
    value = json.loads(FORMATS["json"]([GOOD, BAD, MISSING, DEAD]))

    assert [each["daemon"] for each in value["daemons"]] == ["rust", "go", "swoole", "own"]
    assert all(set(each) >= KEYS for each in value["daemons"])
    assert (value["total_tests"], value["failed"], value["success"]) == (3, 1, False)
    assert [each["success"] for each in value["daemons"]] == [True, False, True, False]


# -- JUnit -----------------------------------------------------------------------------


@each()
def test_junit_is_xml_whose_counts_are_right(every):
    root: Any = ET.fromstring(FORMATS["junit"](every))

    for element in (root, *root.iter("testsuite")):
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
            assert int(element.get(name)) == len(list(element.iter(tag)))
    assert len(root) == len(every)


def test_junit_has_a_case_for_each_scenario():
    root: Any = ET.fromstring(FORMATS["junit"]([GOOD, BAD, MISSING, DEAD]))

    assert [suite.get("name") for suite in root] == ["rust [h1]", "go [h2c]", "swoole", "own"]
    broken = root.find(".//testcase[@name='abort_honest']")
    assert broken.get("classname") == "go [h2c].abort"
    assert broken.find("failure").get("type") == "no_done_marker"
    assert "line one" in broken.find("failure").text
    assert root.find(".//testcase[@name='image_outside']/skipped") is not None
    assert root.find("testsuite[@name='swoole']/testcase/skipped") is not None
    assert root.find("testsuite[@name='own']/testcase/error") is not None


# -- human -----------------------------------------------------------------------------


@each()
def test_no_form_holds_a_control_code(every):
    for form in FORMATS.values():
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", form(every))


def test_people_see_a_line_for_each_scenario_and_what_failed_below_it():
    assert human([BAD]) == (
        "go [h2c], upstream http://127.0.0.1:2/v1\n"
        "  PASS basic_response         [basic] 250 ms\n"
        "  FAIL abort_honest           [abort] 250 ms\n"
        "       no_done_marker: no_done_marker asked: it is event 5 # not \\ ok\\n...\n"
        "       content: content asked: \\x07 instead of '<&>'\n"
        "       daemon's log: line one\n"
        "       daemon's log: \\x1b[31mline two\n"
        "  1 passed, 1 failed in 0.5 s, daemon started again once\n"
        "1 daemon: 0 held, 1 failed\n"
    )


def test_people_see_what_held_and_the_times_when_they_ask():
    text = human([GOOD], verbose=True)

    assert "       What it is for.\n       no_error: no error of any kind: holds\n" in text
    assert "       hand-off 0.50 ms, first byte 2.00 ms, end 10.00 ms, 345 bytes\n" in text
    assert "  SKIP image_outside          [handoff] no key image_path # there\n" in text


def test_people_see_why_nothing_was_run():
    text = human([MISSING, DEAD])

    assert "swoole\n  skipped: the PHP extension swoole is not here; install it # soon\n" in text
    assert "own\n  could not tell: own: its daemon ended\n    line # one\n" in text
    assert text.endswith(
        "2 daemons and variants: 0 held, 0 failed, 1 skipped, 1 could not be told\n"
    )


def test_what_was_skipped_neither_passed_nor_failed():
    assert (SKIPPED.passed, SKIPPED.failed) == (False, False)
    assert GOOD.success
    assert not replace(GOOD, error="x").success
