"""Building daemons: what is needed, what is cached, and what a failed build says."""

import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from replayfuzz.daemon import Daemon
from replayfuzz.errors import InstallError, MissingError, TargetError
from replayfuzz.handoff import build, built, toolchain
from replayfuzz.target import Target

MODULE = sys.modules["replayfuzz.handoff.build"]  # its name there is the function's
COUNT = "echo built >> {here}/count; cp {here}/main.txt {build}/daemon"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "replayfuzz" / "daemons"


def target(folder, script=COUNT, **more):
    """A daemon whose build step is a shell script."""
    (folder / "main.txt").touch()
    given = {"sources": ("main.txt",), "build": ("sh", "-c", script), **more}
    return Target(
        "odd",
        "daemon",
        ("openai.chat",),
        ("h1",),
        ("{build}/daemon", "{socket}"),
        source=str(folder / "odd.toml"),
        daemon=Daemon(**given),
    )


def builds(folder):
    file = folder / "count"
    return len(file.read_text().splitlines()) if file.is_file() else 0


# -- what is needed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "message"),
    [
        ("no-such-program", "no-such-program is not here"),
        ("php:no-such-thing", "the PHP extension no-such-thing is not here"),
        ("python:no_such_thing", "the Python package no_such_thing is not here"),
        ("pkg:no-such-thing", "the library (pkg-config) no-such-thing is not here"),
    ],
)
@pytest.mark.parametrize("hint", ["apt install it", ""])
def test_what_is_missing_is_named_with_its_hint(tmp_path, need, message, hint):
    odd = target(tmp_path, needs=("sh", need), hint=hint)
    with pytest.raises(MissingError) as caught:
        build(odd)

    assert str(caught.value).startswith(f"{message}; ")
    assert caught.value.hint == hint or "change 'needs' in" in caught.value.hint
    assert builds(tmp_path) == 0


def test_the_program_itself_and_its_import_are_needed_too(tmp_path):
    for odd in (
        replace(target(tmp_path), command=("no-such-program",)),
        replace(target(tmp_path), requires="no_such_thing"),
    ):
        with pytest.raises(MissingError, match=r"no.such.*is not here"):
            toolchain(odd)


def test_a_need_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(
        TargetError, match=r"odd.toml: daemon.needs: 'ruby:x' is no program, nor php:NAME"
    ):
        toolchain(target(tmp_path, needs=("ruby:x",)))


def program(folder, name, script):
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_extensions_of_php_are_asked_of_php(tmp_path, monkeypatch):
    from replayfuzz.handoff.toolchain import _php_extensions

    program(tmp_path, "php", "printf '[PHP Modules]\\ncurl\\nOpenSwoole\\n\\n[Zend Modules]\\n'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    _php_extensions.cache_clear()
    try:
        assert toolchain(target(tmp_path, needs=("php", "php:openswoole"))) != "never"
        with pytest.raises(MissingError, match="PHP extension swow"):
            toolchain(target(tmp_path, needs=("php:swow",)))
    finally:
        _php_extensions.cache_clear()


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ('echo "tool (Debian 1-2) 3.4 (x86)"; echo more', "tool 3.4"),
        ('test "$1" = version && echo tool 5', "tool 5"),
        ("exit 3", ""),
    ],
)
def test_the_toolchain_tells_its_version(tmp_path, monkeypatch, script, version):
    name = f"tool{abs(hash(script))}"
    program(tmp_path, name, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert toolchain(target(tmp_path, needs=(name,))) == version


def test_a_program_of_ours_has_the_version_of_our_interpreter(tmp_path):
    odd = replace(target(tmp_path), command=("{python}", "x"))

    assert toolchain(odd) == f"Python {sys.version.split()[0]}"


def test_only_a_daemon_is_built():
    with pytest.raises(TargetError, match="target a is no daemon, but of the kind parser"):
        build(Target("a", "parser", ("sse",), ("v",), ("x",)))


# -- the cache ---------------------------------------------------------------------------


def test_a_daemon_without_a_build_step_is_ready(tmp_path):
    odd = target(tmp_path, build=())

    assert built(odd)
    assert build(odd).fill("{here} {build} {python} {x}", x="1").split()[::2] == [
        str(tmp_path),
        sys.executable,
    ]


def test_a_daemon_is_built_once(tmp_path):
    odd = target(tmp_path)
    said: list[str] = []
    assert not built(odd)
    first, again = build(odd, said.append), build(odd, said.append)

    assert first == again
    assert (first.folder / "daemon").is_file()
    assert (builds(tmp_path), built(odd)) == (1, True)
    assert len(said) == 1
    assert said[0].startswith("building the daemon of target odd: sh -c echo built")


def test_other_sources_or_another_command_are_another_build(tmp_path):
    odd = target(tmp_path, sources=("*.txt",))
    build(odd)
    (tmp_path / "main.txt").write_text("changed")
    build(odd)
    (tmp_path / "new.txt").write_text("x")
    build(odd)
    build(target(tmp_path, COUNT + "; true", sources=("*.txt",)))

    assert builds(tmp_path) == 4


def test_without_sources_its_own_tool_knows_what_changed(tmp_path):
    odd = target(tmp_path, sources=())
    first, again = build(odd), build(odd)

    assert builds(tmp_path) == 2
    assert first.folder == again.folder


@pytest.mark.parametrize("pattern", ["nowhere/*.c", "/etc/passwd"])
def test_sources_that_are_not_there_are_named(tmp_path, pattern):
    with pytest.raises(
        TargetError, match="daemon.sources: .*" + pattern.split("/")[1].replace("*", ".")
    ):
        build(target(tmp_path, sources=(pattern,)))


def test_an_unfinished_build_is_made_again(tmp_path):
    odd = target(tmp_path)
    (build(odd).folder / "replayfuzz.json").unlink()
    build(odd)

    assert builds(tmp_path) == 2


def test_old_results_go_when_new_ones_are_made(tmp_path):
    odd = target(tmp_path)
    old = build(odd).folder
    (tmp_path / "main.txt").write_text("1")
    recent = build(odd).folder
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(old / "replayfuzz.json", (long_ago, long_ago))
    (tmp_path / "main.txt").write_text("2")
    build(odd)

    assert (old.exists(), recent.exists()) == (False, True)


def build_beside(folder):
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    build(target(folder, "sleep 0.1; " + COUNT))


def test_two_runs_at_once_build_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=build_beside, args=(tmp_path,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)

    assert [run.exitcode for run in runs] == [0, 0]
    assert builds(tmp_path) == 1


# -- what goes wrong ---------------------------------------------------------------------


def test_a_failed_build_shows_its_last_lines_and_its_command(tmp_path, cache):
    script = "for n in $(seq 100); do echo line $n; done; echo no such crate >&2; exit 101"
    with pytest.raises(InstallError) as caught:
        build(target(tmp_path, script))

    first, *lines = str(caught.value).splitlines()
    assert first.startswith(
        "cannot build the daemon of target odd: it ended with exit status 101; "
    )
    assert f"`sh -c {script}` in {tmp_path}" in first
    assert lines[-2:] == ["line 100", "no such crate"]
    assert len(lines) == 15
    assert [each for each in cache.iterdir() if each.is_dir()] == []


def test_a_builder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InstallError, match="cannot start /nowhere/make: No such file"):
        build(target(tmp_path, build=("/nowhere/make",)))


def test_a_build_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "_SECONDS", 1.0)
    with pytest.raises(InstallError, match="took more than"):
        build(target(tmp_path, "echo $$ > {here}/pid; sleep 60"))

    found = subprocess.run(
        ["ps", "-o", "stat=", "-g", (tmp_path / "pid").read_text().strip()],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert all(line.startswith("Z") for line in found.stdout.split())


def test_what_a_build_left_running_is_ended(tmp_path):
    began = time.monotonic()
    build(target(tmp_path, "sleep 60 & " + COUNT))

    assert time.monotonic() - began < 10


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    with pytest.raises(InstallError, match="set XDG_CACHE_HOME to a folder that can be written"):
        build(target(tmp_path))


def test_an_interrupted_build_leaves_nothing(tmp_path, cache, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(MODULE, "_await_end", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(target(tmp_path, "sleep 60"))

    assert [each for each in Path(cache).iterdir() if each.is_dir()] == []
