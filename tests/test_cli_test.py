"""``replayfuzz test`` as a user runs it, on small daemons of the user's own."""

import json
import os
import signal
import socket
import time
from xml.etree import ElementTree as ET

import pytest

from replayfuzz import cli
from tests.cli import finished, processes, start
from tests.daemons import own_daemon

TWELVE = 12


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Status, standard output and standard error of ``replayfuzz test`` in *tmp_path*."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOCK_API_PORT", raising=False)

    def run(*words):
        monkeypatch.setattr("sys.argv", ["replayfuzz", "test", *map(str, words)])
        status = cli.run()
        return (status, *capfd.readouterr())

    return run


def failed(out):
    return [line.split()[1] for line in out.splitlines() if line.startswith("  FAIL")]


# -- what holds, and what does not -----------------------------------------------------


def test_a_good_daemon_holds_all_that_applies_to_it(run, tmp_path):
    status, out, err = run("--target", own_daemon(tmp_path))

    assert failed(out) == []
    assert (status, err) == (0, "")
    assert out.startswith(("own, upstream http://127.0.0.1:", "own ("))
    assert "  SKIP headers_allowed        [handoff] the daemon does not declare" in out
    assert out.endswith("1 daemon: 1 held, 0 failed\n")


@pytest.mark.parametrize(
    ("flaw", "broken"),
    [
        (
            "hides",
            ["abort_honest", "abort_surfaced", "abort_at_once", "abort_reset", "abort_short"],
        ),
        ("forgets", ["handoff_pattern"]),
        (
            "latin-1",
            [
                *("unicode_content", "unicode_emoji", "unicode_cjk", "unicode_4byte"),
                "unicode_exact",
            ],
        ),
    ],
)
def test_a_flaw_is_found_by_the_scenarios_that_are_about_it(run, tmp_path, flaw, broken):
    status, out, _ = run("--target", own_daemon(tmp_path, flaw=flaw))

    assert (status, failed(out)) == (1, broken)


def test_the_reference_set_does_not_see_that_truncation_is_hidden(run, tmp_path):
    """What the strict set is there for."""
    file = own_daemon(tmp_path, flaw="hides")

    status, out, _ = run("--target", file, "--no-strict")

    assert (status, failed(out)) == (0, [])
    assert out.count("  PASS ") == TWELVE


def test_a_crash_fails_its_scenario_and_the_next_ones_run_on(run, tmp_path):
    file = own_daemon(tmp_path, flaw="crashes")
    status, out, _ = run(
        *("--target", file, "--scenario", "basic_response", "--scenario", "short_chunks"),
        *("--scenario", "long_chunks"),
    )

    assert (status, failed(out)) == (1, ["short_chunks"])
    assert "daemon_alive: the daemon lives on: it ended with exit status 3" in out
    assert "daemon's log: cannot go on" in out
    assert "2 passed, 1 failed in" in out
    assert "daemon started again once" in out


def test_a_hang_is_over_at_its_timeout(run, tmp_path):
    file = own_daemon(tmp_path, flaw="hangs")
    began = time.monotonic()
    status, out, _ = run(
        *("--target", file, "--timeout", "0.3s", "--scenario", "short_chunks"),
        *("--scenario", "long_chunks"),
    )

    assert (status, failed(out)) == (1, ["short_chunks"])
    assert "no_error: no error of any kind: no end of the response within 0.3 s" in out
    assert time.monotonic() - began < 10


# -- choosing --------------------------------------------------------------------------


def test_a_category_and_a_name_choose(run, tmp_path):
    file = own_daemon(tmp_path)
    _, out, _ = run("--target", file, "--category", "unicode", "--no-strict")
    assert out.count("[unicode]") == out.count("  PASS ") == 4

    _, out, _ = run("--target", file, "--scenario", "abort_honest", "--no-strict")
    assert out.count("  PASS ") == 1


def test_list_needs_no_daemon(run):
    status, out, _ = run("--list", "--category", "finish", "--no-strict")

    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        *("SCENARIO", "finish_stop", "finish_length"),
    ]


def test_list_scenarios_names_those_of_the_project_too(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(MINE)
    (tmp_path / "replayfuzz.toml").write_text('scenarios = ["mine.toml"]\n')
    monkeypatch.setattr("sys.argv", ["replayfuzz", "list", "scenarios"])

    assert cli.run() == 0
    out = capfd.readouterr().out
    assert "\nmine" in out
    assert "\nbasic_response" in out


def test_variants_are_chosen_by_name(run, tmp_path):
    file = own_daemon(tmp_path, top='variants = ["one", "two"]')
    base = ("--target", file, "--scenario", "basic_response")

    _, out, _ = run(*base)
    assert "own [one]" in out
    assert out.endswith("2 daemons and variants: 2 held, 0 failed\n")
    _, out, _ = run(*base, "--variant", "two")
    assert "own [one]" not in out
    status, _, err = run(*base, "--variant", "three")
    assert (status, err) == (2, "replayfuzz: no daemon has a variant 'three'; there are one, two\n")


# -- scenarios of one's own ------------------------------------------------------------

MINE = """
[[scenario]]
name = "mine"
category = "mine"
description = "My provider's refusal is shown."
answer = {status = 418, body = '{"error":{"message":"short and stout"}}'}
assertions = [{http_status = 418}, {error_contains = "stout"}]
"""


def test_scenarios_of_ones_own_run_beside_the_shipped_ones(run, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mine.toml").write_text(MINE)
    file = own_daemon(tmp_path)

    status, out, _ = run("--target", file, "--scenarios", "more", "--category", "mine")
    assert (status, out.count("  PASS ")) == (0, 1)

    (tmp_path / "replayfuzz.toml").write_text('scenarios = ["more"]\n')
    status, out, _ = run("--target", file, "--scenario", "mine")
    assert (status, out.count("  PASS ")) == (0, 1)


def test_a_scenario_plays_a_recorded_stream_from_beside_its_file(run, tmp_path):
    text = '[[scenario]]\nname = "plain"\ncategory = "mine"\nassertions = ["content_equal"]\n'
    (tmp_path / "a.toml").write_text(text + 'cassette = "openai.chat/plain"\n')
    (tmp_path / "b.toml").write_text(text.replace("plain", "none") + 'cassette = "none.yaml"\n')
    base = ("--target", own_daemon(tmp_path), "--category", "mine")

    status, out, _ = run(*base, "--scenarios", "a.toml")
    assert (status, out.count("  PASS ")) == (0, 1)
    status, out, err = run(*base, "--scenarios", "b.toml")
    assert (status, out) == (2, "")
    assert "b.toml: scenario 'none': there is no cassette 'none.yaml', neither shipped" in err


def test_a_scenario_of_ones_own_takes_the_place_of_a_shipped_one(run, tmp_path):
    (tmp_path / "a.toml").write_text(MINE.replace('name = "mine"', 'name = "basic_response"'))
    _, out, _ = run("--scenarios", "a.toml", "--list")

    assert out.count("basic_response ") == 1
    assert "My provider's refusal" in out


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--target", "reference"], "reference is of the kind parser, and scenarios are for"),
        (["--target", "nobody"], "there is no target 'nobody'"),
        (["--category", "unicod"], "there is no category 'unicod'; did you mean unicode?"),
        (["--scenario", "basic"], "there is no scenario 'basic'; did you mean basic_"),
        (["--category", "basic", "--scenario", "abort_early"], "no scenario is of that category"),
        (["--timeout", "0"], "--timeout '0' is no duration"),
        (["--scenarios", "nowhere"], "scenarios: 'nowhere' is no file and no folder"),
        (["--scenarios", "."], "scenarios: '.' holds no .toml file"),
        (["-o", "nowhere/x"], "nowhere is no folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exits_with_2(run, words, told):
    status, out, err = run(*words)

    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_bad_file_of_scenarios_is_named(run, tmp_path):
    (tmp_path / "a.toml").write_text("[[scenario]\n")
    status, _, err = run("--scenarios", "a.toml", "--list")
    assert status == 2
    assert "a.toml: " in err

    (tmp_path / "a.toml").write_text(MINE + MINE.replace("stout", "short"))
    status, _, err = run("--scenarios", "a.toml", "--list")
    assert status == 2
    assert "scenario 'mine' is there already" in err


def test_a_daemon_that_ends_at_start_cannot_be_told(run, tmp_path):
    status, out, _ = run("--target", own_daemon(tmp_path, flaw="exits"))

    assert status == 2
    assert "could not tell: own: its daemon ended with exit status 1 before it was ready" in out
    assert "no configuration" in out


def test_a_daemon_for_which_something_is_missing_is_skipped(run, tmp_path):
    more = 'needs = ["no-such-program"]\nhint = "install it from example.org"\n'
    file = own_daemon(tmp_path, more=more)
    other = own_daemon(tmp_path, name="other")
    base = ("--scenario", "basic_response", "--target", file)

    status, out, err = run(*base)
    assert status == 2
    assert "  skipped: no-such-program is not here; install it from example.org" in out
    assert "nothing was run: own: no-such-program is not here" in err
    status, out, _ = run(*base, "--target", other)
    assert status == 0
    assert out.endswith("2 daemons and variants: 1 held, 0 failed, 1 skipped\n")


def test_a_daemon_to_which_no_scenario_applies_was_not_tested(run, tmp_path):
    status, _, err = run("--target", own_daemon(tmp_path), "--scenario", "image_outside")

    assert status == 2
    assert "nothing was run: own: the daemon does not declare the payload key image_path" in err


def test_a_failed_build_shows_its_last_lines(run, tmp_path):
    file = own_daemon(tmp_path, more='build = ["sh", "-c", "echo no such header >&2; exit 1"]\n')
    status, out, _ = run("--target", file, "--scenario", "basic_response")

    assert status == 2
    assert "no such header" in out


def test_a_port_that_is_taken_is_told(run, tmp_path, monkeypatch):
    file = own_daemon(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("MOCK_API_PORT", port)
        status, _, err = run("--target", file, "--scenario", "basic_response")

    assert status == 2
    assert f"cannot listen on 127.0.0.1:{port}" in err
    # Free again.
    status, out, _ = run("--target", file, "--scenario", "basic_response")
    assert (status, f"upstream http://127.0.0.1:{port}/v1" in out) == (0, True)


# -- forms, and the command as a process -----------------------------------------------


def test_each_form_goes_to_a_file(run, tmp_path):
    base = ("--target", own_daemon(tmp_path, flaw="hides"), "--category", "abort")

    assert run(*base, "--format", "json", "-o", "a.json")[:2] == (1, "")
    value = json.loads((tmp_path / "a.json").read_text())
    assert (value["daemon"], value["failed"], value["success"]) == ("own", 5, False)
    measured = value["results"][0]["measured"]
    assert 0 < measured["handoff"] < measured["total"] + measured["handoff"] < 5
    assert run(*base, "--format", "tap", "-o", "a.tap")[:2] == (1, "")
    assert (tmp_path / "a.tap").read_text().startswith("TAP version 14\n1..7\nok 1 - abort_stream")
    assert run(*base, "--format", "junit", "-o", "a.xml")[:2] == (1, "")
    assert ET.parse(tmp_path / "a.xml").getroot().get("failures") == "5"
    assert run(*base, "-o", "a.txt")[:2] == (1, "")
    assert "2 passed, 5 failed" in (tmp_path / "a.txt").read_text()


@pytest.mark.slow
def test_the_command_leaves_nothing_behind(tmp_path):
    file = own_daemon(tmp_path)
    places = tmp_path / "tmp"
    places.mkdir()
    mark = {"TMPDIR": str(places)}
    status, out, err = finished(
        tmp_path, "test", "--target", file, "--format", "tap", variables=mark
    )

    assert (status, err) == (0, "")
    assert out.startswith("TAP version 14\n")
    assert list(places.iterdir()) == []
    assert processes(str(places)) == {}


@pytest.mark.slow
def test_ctrl_c_ends_with_what_is_known(tmp_path):
    file = own_daemon(tmp_path, flaw="hangs")
    places = tmp_path / "tmp"
    places.mkdir()
    process = start(
        *(tmp_path, "test", "--target", file, "--category", "chunks", "--category", "basic"),
        variables={"TMPDIR": str(places), "PYTHONUNBUFFERED": "1"},
    )
    lines = iter(process.stdout.readline, "")
    assert any("basic_exact" in line for line in lines)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "could not tell: interrupted" in out
    assert "4 passed, 0 failed" in out
    assert "Traceback" not in err
    assert list(places.iterdir()) == []
    assert processes(str(places)) == {}
