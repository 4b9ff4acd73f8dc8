"""Removing what was built: never what is in use, and what was freed is told."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from replayfuzz import environments
from replayfuzz.environments.cache import MARK, idle, last_used, locked, marked, use

MODULE = sys.modules["replayfuzz.environments.cache"]
DAY = 24 * 3600.0
NOW = 1_800_000_000.0
HOLD = """
import sys
from pathlib import Path
from replayfuzz.environments.cache import use
print(use(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "replayfuzz"


def built(root, name="left-1.0", kind="envs", at=NOW, size=1000):
    """A finished environment that was used at a time."""
    folder = root / kind / name
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "code").write_bytes(b"x" * size)
    (folder / MARK).write_text("{}")
    for beside in ("lock", "used"):
        place = folder.with_name(f"{name}.{beside}")
        place.touch()
        os.utime(place, (at, at))
    return folder


@contextlib.contextmanager
def used_elsewhere(folder):
    """Another process uses it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        yield
        other.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_nobody_uses_is_removed_with_its_locks(root):
    built(root)
    built(root, "rust-1234", "daemons", size=500)
    (root / "cargo").mkdir()
    (root / "envs" / "failed-1.lock").touch()
    (root / "envs" / "broken-2.new" / "lib").mkdir(parents=True)
    done = environments.clear(NOW + 1)

    assert done.removed == {"environment": 2, "daemon": 1, "build folder of cargo": 1}
    assert done.freed == 1500 + 2 * len("{}")
    assert (done.in_use, done.recent, done.failed) == (0, 0, ())
    assert [*names(root / "envs"), *names(root / "daemons")] == []


def test_what_was_used_lately_stays(root):
    old, recent = (
        built(root, "old-1", at=NOW - 31 * DAY),
        built(root, "recent-1", at=NOW - 29 * DAY),
    )
    unmarked = built(root, "unknown-1", at=NOW)
    unmarked.with_name("unknown-1.used").unlink()
    os.utime(unmarked / MARK, (NOW - 31 * DAY, NOW - 31 * DAY))
    done = environments.clear(NOW - 30 * DAY)

    assert (done.removed, done.recent) == ({"environment": 2}, 1)
    assert (old.exists(), unmarked.exists(), recent.exists()) == (False, False, True)
    assert last_used(recent) == NOW - 29 * DAY


@pytest.mark.slow
def test_what_another_process_uses_stays_until_it_ends(root):
    folder = built(root)
    with used_elsewhere(folder):
        during = environments.clear(float("inf"))
        assert folder.exists()
        assert use(folder)  # so may others
    after = environments.clear(float("inf"))

    assert (during.removed, during.in_use) == ({}, 1)
    assert (after.removed, after.in_use) == ({}, 1)  # by this process


def test_what_is_being_built_stays(root):
    folder = built(root)
    with locked(folder):
        done = environments.clear(float("inf"))

    assert (done.in_use, folder.exists()) == (1, True)


def test_using_it_notes_the_time(root):
    folder = built(root, at=5.0)
    assert use(folder)

    assert last_used(folder) > NOW - 3650 * DAY


def test_what_is_being_removed_cannot_be_used(root):
    folder = built(root)
    with idle(folder) as ours:
        assert (ours, use(folder)) == (True, False)
        with idle(folder) as twice:
            assert not twice


def test_a_cache_that_was_deleted_by_hand_is_locked_anew(root):
    assert use(built(root))
    shutil.rmtree(root)
    assert use(built(root))

    assert environments.clear(float("inf")).in_use == 1


@pytest.mark.parametrize("lock", ["lock", "used"])
def test_a_lock_that_is_removed_while_it_is_taken_is_none(root, monkeypatch, lock):
    folder = built(root)
    place, taken = folder.with_name(f"{folder.name}.{lock}"), list[None]()

    def late(descriptor, how):
        if os.path.samestat(os.fstat(descriptor), place.stat()) and not taken:
            taken.append(place.unlink())
            place.touch()
        fcntl_flock(descriptor, how)

    fcntl_flock = fcntl.flock
    monkeypatch.setattr(MODULE.fcntl, "flock", late)
    if lock == "used":
        assert not use(folder)
    else:
        with idle(folder) as ours:
            assert not ours
        taken.clear()
        with locked(folder):
            monkeypatch.undo()
            with place.open() as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_files_that_are_linked_from_elsewhere_free_nothing(root, tmp_path):
    one, two = built(root, "one-1", size=10), built(root, "two-1", size=100)
    (tmp_path / "of-the-installer").write_bytes(b"x" * 1000)
    for folder in (one, two):
        (folder / "linked").hardlink_to(tmp_path / "of-the-installer")
        (folder / "between").hardlink_to(one / "lib" / "code") if folder is two else None
    done = environments.clear(float("inf"))

    assert done.freed == 10 + 100 + 2 * len("{}")


def test_what_cannot_be_removed_is_told_and_was_never_finished(root, monkeypatch):
    folder = built(root)

    def full(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", full)
    done = environments.clear(float("inf"))

    assert (done.removed, done.freed) == ({}, 0)
    assert done.failed == (f"{folder}: Permission denied",)
    assert marked(folder) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="no mode keeps root out")
def test_a_cache_of_somebody_else_is_told(root):
    built(root)
    (root / "envs" / "left-1.0.lock").chmod(0o400)

    assert "Permission denied" in environments.clear(float("inf")).failed[0]


def test_a_lock_that_cannot_be_opened_is_told(root):
    place = built(root).with_name("left-1.0.lock")
    place.unlink()
    place.mkdir()

    assert environments.clear(float("inf")).failed == (f"{place}: Is a directory",)


def test_a_cache_that_is_not_there_is_empty(root):
    assert environments.clear(float("inf")) == environments.Cleared()
    assert not Path(root).exists()
