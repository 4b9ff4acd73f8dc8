"""What ``list targets`` and ``doctor`` say of daemons."""

import sys

import pytest

from replayfuzz import declared, handoff
from replayfuzz.cli import run

DECLARED = """
[targets.mine]
kind = "daemon"
dialects = ["openai.chat"]
command = ["{build}/daemon", "{socket}"]
[targets.mine.daemon]
build = ["cp", "main.txt", "{build}/daemon"]
sources = ["main.txt"]
needs = ["sh"]

[targets.lacking]
kind = "daemon"
dialects = ["openai.chat"]
command = ["no-such-program"]
[targets.lacking.daemon]
hint = "apt install it"

[targets.lost]
kind = "daemon"
dialects = ["openai.chat"]
command = ["sh"]
[targets.lost.daemon]
build = ["sh"]
sources = ["nowhere.c"]
"""


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """What a command prints where three daemons are declared."""
    (tmp_path / "replayfuzz.toml").write_text(DECLARED)
    (tmp_path / "main.txt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["replayfuzz", *words])
        assert run() == 0
        return capsys.readouterr().out

    return call


def test_a_list_shows_daemons_and_what_to_install(said):
    rows = {line.split()[0]: line for line in said("list", "targets").splitlines()}

    assert rows["mine"].split()[1] == "daemon"
    assert rows["lacking"].split()[1:3] == ["daemon", "-"]
    assert rows["lacking"].endswith("  apt install it")


def test_doctor_tells_of_each_daemon_whether_it_can_be_built_and_was(said):
    before = said("doctor")
    handoff.build(declared.find("mine"))
    after = said("doctor")

    assert "built on first use)" in next(line for line in before.splitlines() if " mine " in line)
    assert next(line for line in after.splitlines() if " mine " in line).endswith("built)")
    assert "skip  target lacking: no-such-program is not here\n      apt install it" in after
    assert "bad   target lost: " in after
    assert "there is no file 'nowhere.c'" in after
