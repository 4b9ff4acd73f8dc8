"""lint, show and diff as a user runs them."""

import json
import os
import pty
import re
import sys
from dataclasses import replace

import pytest

from replayfuzz import store
from replayfuzz.cassette import Cassette
from replayfuzz.cli import run
from tests.cli import start


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


def shipped(name):
    return next(exchange for exchange in store.shipped() if exchange.name == name)


def saved(folder, *exchanges, name="mine"):
    path = folder / f"{name}.yaml"
    store.save(Cassette(name, exchanges), path)
    return path


PLAIN = shipped("openai.chat/plain")
LEAKY = replace(
    PLAIN,
    request=replace(PLAIN.request, fields=(("authorization", "Bearer topsecret-1234567"),)),
    body=PLAIN.body.replace(b"chatcmpl-1", b"bob@ex.com"),
)


@pytest.mark.parametrize("name", ["lint", "show", "diff"])
def test_each_command_has_help(command, name):
    assert command(name, "--help")[::2] == (0, "")
    assert name in command("--help")[1]


def test_shipped_cassettes_lint_clean(command):
    status, out, err = command("lint", store.shipped_folder())

    assert (status, err) == (0, "")
    assert re.fullmatch(r"(\d+) exchanges in \1 files: 0 faults, 0 notes\n", out)


def test_secrets_are_found_and_not_told(command, tmp_path):
    path = saved(tmp_path, LEAKY, PLAIN)
    status, out, err = command("lint", path)

    assert (status, err) == (1, "")
    assert f"{path}#0: fault secret: token, request header authorization at byte 0" in out
    assert "next: run `replayfuzz lint --redact`" in out
    assert "topsecret" not in out
    assert "bob@" not in out
    assert out.endswith("2 exchanges in 1 file: 5 faults, 0 notes\n")


def test_what_is_kept_is_no_secret(command, tmp_path):
    path = saved(tmp_path, LEAKY)

    assert command("lint", path, "--keep", "e-mail", "--keep", "Authorization")[0] == 0


def test_a_file_is_written_anew_without_its_secrets(command, tmp_path):
    path, clean = saved(tmp_path, LEAKY, PLAIN), saved(tmp_path, PLAIN, name="clean")
    before = clean.stat()
    status, out, _ = command("lint", "--redact", tmp_path)

    assert (status, "0 faults" in out) == (0, True)
    assert b"topsecret" not in path.read_bytes()
    assert store.read(path).exchanges[0].chunks == LEAKY.chunks
    assert clean.stat().st_mtime_ns == before.st_mtime_ns  # nothing was in it


def test_json_has_every_thing_with_its_place(command, tmp_path):
    path = saved(tmp_path, LEAKY)
    status, out, _ = command("lint", path, "--format", "json")
    told = json.loads(out)

    assert (status, told["version"], told["files"], told["faults"]) == (1, 1, 1, 5)
    assert told["found"][1] == {
        "file": str(path),
        "exchange": 0,
        "level": "fault",
        "rule": "secret",
        "what": "e-mail",
        "place": "body",
        "at": LEAKY.body.index(b"bob@"),
        "size": 10,
        "next": told["found"][0]["next"],
    }


def test_one_bad_file_keeps_no_other_from_being_looked_at(command, tmp_path):
    saved(tmp_path, LEAKY)
    (tmp_path / "bad.yaml").write_text("nothing: here\n")
    status, out, _ = command("lint", tmp_path)

    assert status == 2
    assert "no VCR.py cassette" in out
    assert "fault secret" in out
    assert "1 file unreadable" in out
    assert command("lint", "nosuch")[0] == 2
    assert command("lint")[0] == 2


def test_chunks_that_do_not_add_up_are_found_and_not_refused(command, tmp_path):
    path = saved(tmp_path, LEAKY)
    path.write_text(path.read_text().replace("chunks: [[0.0, 205]", "chunks: [[0.0, 204]"))
    status, out, _ = command("lint", path)

    assert status == 1
    assert "fault chunks" in out
    before = path.read_bytes()
    assert command("lint", "--redact", path)[0] == 1
    assert path.read_bytes() == before


def test_show_tells_heads_chunks_text_and_meaning(command, tmp_path):
    status, out, err = command("show", "openai.chat/plain")

    assert (status, err) == (0, "")
    assert "\x1b" not in out
    assert "> POST https://api.openai.com/v1/chat/completions" in out
    assert '  text          "Café 5 € 😀"' in out
    assert "00000000  64 61 74 61" in command("show", "openai.chat/plain", "--hex")[1]


def test_one_exchange_of_a_file_is_shown(command, tmp_path):
    path = saved(tmp_path, PLAIN, shipped("openai.chat/usage"))

    assert command("show", f"{path}#1")[1].startswith("mine#1\n")
    assert command("show", path)[1].count("reads as") == 2
    assert command("show", f"{path}#2")[0] == 2
    assert "it has 2" in command("show", f"{path}#2")[2]
    assert "shipped cassette" in command("show", "nosuch")[2]


def test_nothing_secret_is_shown(command, tmp_path):
    path, other = saved(tmp_path, LEAKY), saved(tmp_path, PLAIN, name="other")

    for told in (command("show", path, "--hex"), command("diff", path, other)):
        assert "topsecret" not in told[1]
        assert "bob@" not in told[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_is_shown_colours_unless_it_wants_none(tmp_path, variables, coloured):
    ours, theirs = pty.openpty()
    usual = {"TERM": "xterm", "NO_COLOR": ""}
    try:
        process = start(
            *(tmp_path, "show", "openai.chat/plain"), stdout=theirs, variables=usual | variables
        )
        os.close(theirs)
        told = b""
        try:
            while part := os.read(ours, 65536):
                told += part
        except OSError:  # EIO: the other side is closed, on Linux
            pass
        _, err = process.communicate(timeout=30)
    finally:
        os.close(ours)

    assert (process.returncode, err) == (0, "")
    assert (b"\x1b[" in told) is coloured


def test_diff_tells_by_its_status_whether_two_are_equal(command, tmp_path):
    one, two = saved(tmp_path, PLAIN), saved(tmp_path, PLAIN, name="two")

    assert command("diff", one, two) == (0, "mine and two\n  equal\n", "")
    assert command("diff", one, "openai.chat/usage")[0] == 1
    assert command("diff", one, "nosuch")[0] == 2
    assert command("diff", one, "openai.chat/usage", "--only", "heads")[0] == 0


def test_diff_pairs_the_exchanges_of_two_files(command, tmp_path):
    one, two = saved(tmp_path, PLAIN, PLAIN), saved(tmp_path, PLAIN, name="two")
    status, out, _ = command("diff", one, two, "--format", "json")
    told = json.loads(out)

    assert (status, told["equal"]) == (1, False)
    assert [len(pair["differences"]) for pair in told["pairs"]] == [0, 1]
    assert told["pairs"][1]["differences"][0]["what"] == "exchange"


def test_results_can_go_to_a_file(command, tmp_path):
    assert command("show", "openai.chat/plain", "-o", tmp_path / "x") == (0, "", "")
    assert command("lint", store.shipped_folder() / "sse", "-o", tmp_path / "y") == (0, "", "")
    assert "reads as" in (tmp_path / "x").read_text()
