"""``replayfuzz fuzz`` as a user runs it: results in every form, settings, terminals."""

import json
import os
import pty
import re
from xml.etree import ElementTree as ET

import pytest

from tests.cli import environment, finished, own_target, start

pytestmark = pytest.mark.slow

# It reads nothing at all, so a rule breaks on every stream that has an event.
BLIND = """
for line in sys.stdin:
    answer(line)
"""
RIGHT = ("fuzz", "--target", "reference", "--dialect", "sse", "--examples", "8", "--seed", "1")
WRONG = ("fuzz", "--target", "own.toml", "--examples", "8", "--seed", "1")


def test_what_holds_is_told_in_words_and_exits_with_0(tmp_path):
    status, out, err = finished(tmp_path, *RIGHT)

    assert (status, err) == (0, "")
    assert "reference" in out
    assert out.endswith("0 findings, 0 failed; seed 1\n")
    assert "\x1b" not in out
    assert not list(tmp_path.glob("findings/*"))


def test_a_finding_is_told_with_all_that_a_reader_needs(tmp_path):
    own_target(tmp_path, BLIND)
    status, out, _ = finished(tmp_path, *WRONG)

    assert status == 1
    block = out.partition("\n\n")[0]
    labels = ["rule", "source", "expected", "observed", "bend", "bytes", "replay"]
    assert [label for label in labels if f"\n  {label} " not in block] == []
    assert "replayfuzz report findings -o findings.html" in out
    assert re.search(r"\d+ findings?, \d+ failed; seed 1\n$", out)


def test_json_has_the_keys_that_are_promised(tmp_path):
    own_target(tmp_path, BLIND)
    status, out, _ = finished(tmp_path, *WRONG, "--format", "json", "-o", "run.json")
    run = json.loads((tmp_path / "run.json").read_text())

    assert (status, out) == (1, "")
    assert (run["version"], run["seed"]) == (1, 1)
    assert run.keys() >= {"targets", "findings", "never_exercised"}
    [target] = run["targets"]
    assert target.keys() >= {"name", "version", "variants", "examples", "seconds", "deviations"}
    assert (target["name"], target["examples"]) == ("own", 8)
    promised = """id target version variant invariant class kinds edits events body_bytes
                  flaky folder"""
    assert all(finding.keys() >= set(promised.split()) for finding in run["findings"])
    assert all((tmp_path / finding["folder"]).is_dir() for finding in run["findings"])


@pytest.mark.parametrize("wrong", [False, True])
def test_tap_is_valid(tmp_path, wrong):
    own_target(tmp_path, BLIND)
    status, out, _ = finished(tmp_path, *(WRONG if wrong else RIGHT), "--format", "tap")
    lines = out.splitlines()

    assert status == wrong
    assert lines[0] == "TAP version 14"
    found = [each for line in lines if (each := re.match(r"(?:not )?ok (\d+) - ", line))]
    points = [each.string for each in found]
    assert lines[1] == f"1..{len(points)}"
    numbers = [int(each[1]) for each in found]
    assert numbers == list(range(1, len(points) + 1))
    assert any(line.startswith("not ok") for line in points) == wrong
    assert lines.count("  ---") == lines.count("  ...")


@pytest.mark.parametrize("wrong", [False, True])
def test_junit_is_xml_that_counts_right(tmp_path, wrong):
    own_target(tmp_path, BLIND)
    status, out, _ = finished(tmp_path, *(WRONG if wrong else RIGHT), "--format", "junit")
    root = ET.fromstring(out)

    assert status == wrong
    assert root.tag == "testsuites"
    assert int(root.attrib["tests"]) == len(list(root.iter("testcase")))
    assert int(root.attrib["failures"]) == len(list(root.iter("failure")))
    assert (int(root.attrib["failures"]) > 0) == wrong


def found(folder, *words):
    status, out, _ = finished(folder, *words, "--format", "json")
    findings = json.loads(out)["findings"]
    return status, [{key: each[key] for key in each if key != "calls"} for each in findings]


def test_the_seed_decides_everything(tmp_path):
    own_target(tmp_path, BLIND)

    assert found(tmp_path, *WRONG) == found(tmp_path, *WRONG)


def test_two_processes_find_what_one_finds(tmp_path):
    own_target(tmp_path, BLIND)
    status, findings = found(tmp_path, *WRONG, "--jobs", "2")

    assert status == 1
    assert "content-equal" in {each["invariant"] for each in findings}


def test_streams_and_paths_can_be_chosen(tmp_path):
    own_target(tmp_path, BLIND)
    line = "version: 1\n"
    (tmp_path / "mine.yaml").write_text("")
    assert finished(tmp_path, *RIGHT, "--variant", "nosuch")[0] == 2
    status, out, _ = finished(tmp_path, *RIGHT, "--cassettes", "mine.yaml")

    assert (status, out, line) == (2, "", line)


def test_settings_stand_in_the_project(tmp_path):
    own_target(tmp_path, BLIND)
    settings = '[tool.replayfuzz]\ntarget = "own.toml"\nexamples = 5\nseed = 9\nfindings = "f"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    _, out, _ = finished(tmp_path, "fuzz", "--format", "json")
    run = json.loads(out)

    assert (run["seed"], run["targets"][0]["examples"]) == (9, 5)
    assert (tmp_path / "f").is_dir()
    (tmp_path / "replayfuzz.toml").write_text('target = "own.toml"\nseed = 8\nexamples = 3\n')
    run = json.loads(finished(tmp_path, "fuzz", "--format", "json", "--examples", "4")[1])
    assert (run["seed"], run["targets"][0]["examples"]) == (8, 4)


def test_without_a_target_all_that_are_installed_are_fuzzed_and_others_skipped(tmp_path):
    own_target(tmp_path, BLIND)
    (tmp_path / "replayfuzz.toml").write_text(
        '[targets.mine]\ndialects = ["sse"]\ncommand = ["{python}", "own.py"]\n'
        'package = {pypi = "no-such-package-anywhere"}\n'
    )
    _, out, err = finished(tmp_path, "fuzz", "--examples", "1", "--format", "json")
    targets = {target["name"]: target for target in json.loads(out)["targets"]}

    assert targets["reference"]["examples"] == 1
    assert "pip install" in targets["mine"]["skipped"]
    assert "mine: skipped: no-such-package-anywhere is not installed here" in err


def test_a_finding_is_replayed_and_reported(tmp_path):
    own_target(tmp_path, BLIND)
    finished(tmp_path, *WRONG)
    folder = next((tmp_path / "findings" / "own").glob("content-equal-*"))

    status, out, err = finished(tmp_path, "replay", folder)  # it knows the declaration
    assert (status, err) == (1, "")
    assert "it still fails" in out
    status, out, err = finished(tmp_path, "replay", folder, "--target", "reference")
    assert (status, err) == (0, "")
    assert ": fixed" in out
    assert finished(tmp_path, "report", "-o", "page.html") == (0, "", "")
    assert "content-equal" in (tmp_path / "page.html").read_text()


def test_a_finding_that_was_edited_does_not_keep_others_from_being_replayed(tmp_path):
    own_target(tmp_path, BLIND)
    finished(tmp_path, *WRONG)
    good, *_ = (tmp_path / "findings" / "own").glob("content-equal-*")
    replay = ("replay", "findings/bad", good, "--target", "own.toml")
    bad = tmp_path / "findings" / "bad"
    bad.mkdir()
    for file in good.iterdir():
        (bad / file.name).write_bytes(file.read_bytes())

    (bad / "plan.json").write_text('{"version": 1, "edits": [{"edit": "cut", "at": 99999}]}')
    status, out, err = finished(tmp_path, *replay)
    assert (status, "still fails" in out) == (1, True)
    assert "was the cassette re-recorded" in err
    for text in ("[1]", "{", "null", '{"version": 1, "edits": [{"edit": "nosuch"}]}'):
        (bad / "plan.json").write_text(text)
        status, out, err = finished(tmp_path, "replay", bad, "--target", "own.toml")
        assert (status, out) == (2, "")
        assert err.startswith("replayfuzz: ")
        assert "Traceback" not in err


def test_a_terminal_shows_a_line_that_moves(tmp_path):
    own_target(tmp_path, BLIND)
    ours, theirs = pty.openpty()
    variables = environment(COLUMNS="40")
    words = ("fuzz", "--target", "own.toml", "--time", "2s", "--format", "json")
    process = start(tmp_path, *words, stderr=theirs, variables=variables)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 1 << 16)
        except OSError:  # EIO: the other end is closed
            break
    out, _ = process.communicate(timeout=30)
    os.close(ours)

    assert "\x1b" not in out
    assert json.loads(out)["version"] == 1
    lines = [line for line in shown.decode().split("\r\x1b[K") if line]
    assert any(re.match(r"\d s left, \d+ findings?, \d+ exa", line) for line in lines)
    assert max(map(len, lines)) < 40
    assert shown.endswith(b"\r\x1b[K")
