"""The commands and their words; runs of ``fuzz`` are in test_cli_fuzz.py."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from replayfuzz import __version__, store
from replayfuzz.cli import run
from replayfuzz.environments.cache import locked
from replayfuzz.invariants import INVARIANTS
from replayfuzz.strategies import FAMILIES, HANDOFFS
from tests.cli import environment, finished, own_target


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs a command here; returns status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["replayfuzz", *map(str, words)])
        status = run()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return call


def test_the_version_is_told_fast_and_slow(command, tmp_path):
    assert command("--version") == (0, f"replayfuzz {__version__}\n", "")
    assert finished(tmp_path, "--version") == (0, f"replayfuzz {__version__}\n", "")


@pytest.mark.parametrize(
    "name",
    ["fuzz", "bisect", "record", "import", "test", "replay", "report", "serve", "list", "doctor"],
)
def test_each_command_has_help(command, name):
    status, out, err = command(name, "--help")

    assert (status, err) == (0, "")
    assert f"replayfuzz {name}" in out or "Usage" in out
    assert name in command("--help")[1]


def test_no_words_at_all_show_the_help_and_are_wrong_usage(command):
    status, out, err = command()

    assert status == 2
    assert "Commands" in out + err


def test_what_there_is_to_name_is_listed(command):
    def first_words(what):
        status, out, err = command("list", what)
        assert (status, err) == (0, "")
        return [line.split()[0] for line in out.splitlines()[1:]]

    assert "reference" in first_words("targets")
    assert first_words("cassettes") == [exchange.name for exchange in store.shipped()]
    assert first_words("invariants") == [row.id for row in INVARIANTS]
    assert first_words("edits") == [family.id for family in (*FAMILIES, *HANDOFFS)]


def test_a_list_can_go_to_a_file(command, tmp_path):
    assert command("list", "edits", "-o", tmp_path / "edits.txt") == (0, "", "")
    assert (tmp_path / "edits.txt").read_text().startswith("FAMILY")


def test_doctor_tells_what_this_machine_can_do(command):
    status, out, _ = command("doctor")

    assert status == 0
    assert "lock-step delivery" in out
    assert re.search(r"ok    installer for --with: (uv|pip) \(", out)
    assert re.search(r"cache: .*replayfuzz: \d+ environments, \d+ daemons, \d+ MB", out)
    assert "ok    target reference" in out


def test_doctor_clears_the_cache(command, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    envs = tmp_path / "replayfuzz" / "envs"
    for name in ("a-1", "b-2", "c-3"):
        (envs / name).mkdir(parents=True)
        (envs / name / "replayfuzz.json").write_text("{" + " " * 3_000_000 + "}")
    os.utime(envs / "a-1" / "replayfuzz.json", (0, 0))
    place = tmp_path / "replayfuzz"
    with locked(envs / "b-2"):
        first = command("doctor", "--clear-cache", "--older-than", "30d")
        second = command("doctor", "--clear-cache")

    assert first == (
        0,
        f"removed 1 environment from {place}: 3 MB\nkept, because used in the last 30d: 2\n",
        "",
    )
    assert second == (0, f"removed 1 environment from {place}: 3 MB\nkept, because in use: 1\n", "")
    assert command("doctor", "--clear-cache")[1].startswith("removed 1 environment")
    assert command("doctor", "--clear-cache") == (0, f"removed nothing from {place}: 0 MB\n", "")


def test_doctor_tells_what_a_target_lacks_and_how_to_get_it(command, tmp_path):
    (tmp_path / "replayfuzz.toml").write_text(
        '[targets.mine]\ndialects = ["sse"]\ncommand = ["{python}"]\n'
        'package = {pypi = "no-such-package-anywhere"}\n'
    )
    status, out, _ = command("doctor")

    assert status == 0
    assert "skip  target mine: no-such-package-anywhere is not installed here\n      pip in" in out


# -- wrong words -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nosuch"], "No such command"),
        (["list", "nosuch"], "cassettes"),
        (["doctor", "--older-than", "30d"], "give both"),
        (["doctor", "--clear-cache", "--older-than", "soon"], "is no duration"),
        (["fuzz", "--nosuch"], "No such option"),
        (["fuzz", "--target", "opneai-python"], "did you mean openai-python"),
        (["fuzz", "--target", "nosuch.toml"], "path of its declaration"),
        (["fuzz", "--dialect", "openai"], "known are sse, ndjson, openai.chat"),
        (["fuzz", "--variant", "zz"], "no target has a variant 'zz'"),
        (["fuzz", "--with", "nosuch==1"], "no target tests the package 'nosuch'"),
        (["fuzz", "--with", "openai==1", "--target", "reference"], "among reference"),
        (["fuzz", "--cassettes", "nosuch.yaml"], "list cassettes"),
        (["fuzz", "--cassettes", "."], "holds no .yaml file"),
        (["fuzz", "--time", "soon"], "write 30s, 5m or 1h"),
        (["fuzz", "--time", "0"], "write 30s, 5m or 1h"),
        (["fuzz", "--examples", "0"], "--examples"),
        (["fuzz", "--jobs", "0"], "--jobs"),
        (["fuzz", "--profile", "zz"], "ci, dev, nightly"),
        (["fuzz", "--format", "xml"], "junit"),
        (["fuzz", "-o", "."], "is a folder"),
        (["fuzz", "-o", "no/such/file"], "is no folder"),
        (["replay"], "FINDING"),
        (["replay", "nosuch"], "is not there"),
        (["report", "nosuch"], "holds no findings"),
    ],
)
def test_wrong_usage_says_what_to_do_and_exits_with_2(command, words, told):
    status, out, err = command(*words)

    assert status == 2
    # Boxes wrap words where the terminal is narrow.
    assert told in re.sub(r"[\s│|]+", " ", out + err)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is empty"),
        (b'{"a": [1,2', "is not YAML"),
        (b'!!python/object/apply:os.system ["echo pwned"]\n', "is refused"),
        (b"version: 1\ninteractions: []\n", "empty list"),
        (b"interactions:\n- request: {}\n", "version: 1"),
        (b"[" * 1000, "nests more than"),
        (b"\xff\xfe\x00", "is not UTF-8"),
    ],
    ids=["empty", "damaged", "tagged", "nothing", "cut off", "deep", "binary"],
)
def test_a_cassette_that_is_none_is_named_with_its_line(command, tmp_path, text, told):
    (tmp_path / "bad.yaml").write_bytes(text)
    status, out, err = command("fuzz", "--cassettes", "bad.yaml", "--target", "reference")

    assert (status, out) == (2, "")
    assert err.startswith("replayfuzz: ")
    assert "bad.yaml" in err.splitlines()[0]
    assert told in err
    assert not (tmp_path / "findings").exists()


def test_a_huge_cassette_is_refused_without_being_read(command, tmp_path):
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(1 << 40)
    status, _, err = command("fuzz", "--cassettes", "huge.yaml", "--target", "reference")

    assert status == 2
    assert "more than any cassette" in err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("replayfuzz.toml", "sed = 1", "unknown setting 'sed'"),
        ("replayfuzz.toml", "seed = [", "settings are TOML"),
        ("pyproject.toml", '[tool.replayfuzz]\njobs = "two"', "not a int"),
        ("own.toml", "[target]\nname = 3", "'name' must be"),
        ("own.toml", "[target", "a declaration is TOML"),
    ],
)
def test_settings_and_declarations_that_are_none(command, tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    words = ["--target", "own.toml"] if name == "own.toml" else []
    status, _, err = command("fuzz", *words)

    assert status == 2
    assert told in err
    assert name in err


# -- where output goes -----------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error(tmp_path):

    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as gone:
        status, _, err = finished(tmp_path, "list", "invariants", stdout=gone)

    assert (status, err) == (0, "")


def test_a_full_disk_under_standard_output_is_told(tmp_path):
    with Path("/dev/full").open("w") as full:
        status, _, err = finished(tmp_path, "list", "edits", stdout=full)

    assert status == 2
    assert err == f"replayfuzz: standard output cannot be written: {os_error(errno.ENOSPC)}\n"


def os_error(number):

    return os.strerror(number)


ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
@pytest.mark.parametrize("words", [["fuzz", "--help"], ["list", "nosuch"], ["list", "targets"]])
@pytest.mark.parametrize("variables", [ASCII, {"COLUMNS": "40"}, {"TERM": "dumb"}], ids=str)
def test_any_terminal_will_do(tmp_path, words, variables):
    status, out, err = finished(tmp_path, *words, variables=variables)

    assert status == (2 if "nosuch" in words else 0)
    assert "Traceback" not in err
    assert "\x1b" not in out + err


def test_closed_streams_will_do_too(tmp_path):

    line = f"exec {sys.executable} -m replayfuzz list targets <&- >&- 2>&-"

    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment(), check=False)

    assert done.returncode == 0


def test_a_late_word_of_a_target_of_the_project_is_listed(command, tmp_path):
    own_target(tmp_path, "")
    (tmp_path / "replayfuzz.toml").write_text(
        '[targets.mine]\ndialects = ["sse"]\ncommand = ["no-such-program"]\n'
    )
    status, out, _ = command("list", "targets")

    assert status == 0
    assert "install it, or set 'command'" in out
