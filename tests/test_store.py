"""Files: found by every kind of name, written whole or not at all."""

import errno
import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from replayfuzz import store
from replayfuzz.cassette import Cassette, Exchange, dump
from replayfuzz.cassette_yaml import MAX_TEXT
from replayfuzz.errors import CassetteError, StoreError, UsageError


def cassette(count=1):
    return Cassette("c", tuple(Exchange("c", "sse", body=b"data: 1\n\n") for _ in range(count)))


@pytest.fixture
def tree(tmp_path):
    """Two folders with a file of the same name, and one file with two exchanges."""
    store.save(cassette(), tmp_path / "a" / "x.yaml")
    store.save(cassette(), tmp_path / "b" / "x.yaml")
    store.save(cassette(2), tmp_path / "b" / "deep" / "two.yml")
    (tmp_path / "b" / "notes.txt").write_text("no cassette")
    (tmp_path / "b" / ".x.yaml.1.tmp").write_text("left by a run that was killed")
    return tmp_path


def names(*places):
    return [exchange.name for exchange in store.load(places)]


def test_shipped_cassettes_are_named_after_dialect_and_topic():
    assert "openai.chat/plain" in {exchange.name for exchange in store.shipped()}
    assert store.shipped() is store.shipped()


def test_the_same_file_is_named_alike_by_shipped_and_load():
    (exchange,) = store.load([store.shipped_folder() / "sse" / "plain.yaml"])

    assert exchange in store.shipped()


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("a/x.yaml", ["a/x"]),
        ("a", ["a/x"]),
        ("b", ["deep/two#0", "deep/two#1", "b/x"]),
        (".", ["a/x", "deep/two#0", "deep/two#1", "b/x"]),
        ("*/x.yaml", ["a/x", "b/x"]),
        ("**/t*.yml", ["deep/two#0", "deep/two#1"]),
    ],
)
def test_places_are_files_folders_and_globs(tree, monkeypatch, place, found):
    monkeypatch.chdir(tree)

    assert names(place) == found
    assert names(str(tree / place)) == found
    assert names(tree / place) == found


def test_a_file_that_is_named_twice_counts_once(tree):
    assert names(tree / "a", tree / "a" / "x.yaml", f"{tree}/a/*.yaml") == ["a/x"]


def test_names_take_more_of_the_path_where_two_are_alike(tree):
    store.save(cassette(), tree / "c" / "a" / "x.yaml")

    assert names(tree / "a", tree / "c") == [f"{tree.name}/a/x", "c/a/x"]


def test_names_take_the_ending_where_nothing_else_differs(tree):
    store.save(cassette(), tree / "a" / "x.yml")

    assert names(tree / "a") == [str(tree / "a" / "x.yaml"), str(tree / "a" / "x.yml")]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "'nowhere' is no file, folder or glob that matches"),
        ("*.nothing", "'*.nothing' is no file, folder or glob that matches"),
        ("empty", "'empty' holds no .yaml file"),
        ("pipe", "'pipe' is no file"),
    ],
)
def test_a_place_without_cassettes_is_told(tmp_path, monkeypatch, place, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UsageError, match=re.escape(message)):
        store.load([place])


def test_no_places_are_told():
    with pytest.raises(UsageError, match="no cassettes were named"):
        store.load([])


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", None, "is empty"),
        (b"version: 1\n\xff", 2, "byte 0xff is not UTF-8 text"),
        (b"version: 1\ninteractions: []", 2, "is an empty list"),
    ],
)
def test_a_damaged_file_is_told_with_its_path(tmp_path, content, line, message):
    file = tmp_path / "x.yaml"
    file.write_bytes(content)

    with pytest.raises(CassetteError, match=re.escape(message)) as caught:
        store.load([tmp_path])
    assert (caught.value.file, caught.value.line) == (str(file), line)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(100 * MAX_TEXT)  # a hole: no block is written

    with pytest.raises(CassetteError, match="more than any cassette; split it"):
        store.load([tmp_path])


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"gone\.yaml: cannot be read: No such file"):
        store.read(tmp_path / "gone.yaml")


def test_saving_makes_folders_and_replaces(tmp_path):
    file = tmp_path / "new" / "folder" / "c.yaml"
    store.save(cassette(2), file)
    store.save(cassette(), file)

    assert file.read_text() == dump(cassette())
    assert [path.name for path in file.parent.iterdir()] == ["c.yaml"]


def test_line_ends_are_written_as_they_are(tmp_path):
    store.write(tmp_path / "x", "a\r\nb\rc\né")

    assert (tmp_path / "x").read_bytes() == "a\r\nb\rc\né".encode()


def test_a_cassette_that_does_not_hold_together_touches_nothing(tmp_path):
    file = tmp_path / "c.yaml"
    store.save(cassette(), file)

    with pytest.raises(CassetteError, match="add up to"):
        store.save(Cassette("c", (Exchange("c", "sse", body=b"a", chunks=((0.0, 2),)),)), file)
    assert file.read_text() == dump(cassette())


# Real file systems that are full, read-only or forbidding need privileges to make; each
# error number is what Linux gives there.
FAULTS = [
    (errno.ENOSPC, "No space left on device; free some space"),
    (errno.EDQUOT, "free some of your quota"),
    (errno.EROFS, "Read-only file system; name a folder that can be written"),
    (errno.EACCES, "Permission denied; name a folder that you may write"),
    (errno.EIO, "check the path"),
]


@pytest.fixture(params=FAULTS, ids=lambda fault: errno.errorcode[fault[0]])
def failing_disk(request, monkeypatch):
    def fsync(number):
        raise OSError(request.param[0], os.strerror(request.param[0]))

    monkeypatch.setattr(os, "fsync", fsync)
    return request.param[1]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, failing_disk, request):
    file = tmp_path / "x"
    file.write_text("before")

    with pytest.raises(StoreError, match=f"x: cannot be written: .*{failing_disk}"):
        store.write(file, "after")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert file.read_text() == "before"


def test_a_folder_that_fails_leaves_nothing(tmp_path, failing_disk):
    with pytest.raises(StoreError, match=failing_disk):
        store.write_folder(tmp_path / "new", {"a": "1"})
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def fsync(number):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        store.write(tmp_path / "x", "a")
    with pytest.raises(KeyboardInterrupt):
        store.write_folder(tmp_path / "y", {"a": "1"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("file/below", "a part of the path is a file"),
        ("folder", "it is a folder; name a file in it"),
        ("x" * 300, "File name too long"),
    ],
)
def test_paths_that_cannot_be_files_are_told(tmp_path, path, message):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()

    with pytest.raises(StoreError, match=message):
        store.write(tmp_path / path, "a")


def test_a_real_full_disk_is_told():
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is a thing of Linux")

    with pytest.raises(OSError, match="No space left") as caught:
        store._write_new(Path("/dev/full"), b"a")
    assert "free some space" in str(store._unwritten(Path("x"), caught.value))


def test_a_folder_appears_whole(tmp_path):
    folder = tmp_path / "findings" / "id"
    store.write_folder(folder, {"a.txt": "1", "b.bin": b"\xff"})

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a.txt": b"1",
        "b.bin": b"\xff",
    }
    assert [path.name for path in folder.parent.iterdir()] == ["id"]


def test_a_folder_that_is_there_keeps_its_other_files(tmp_path):
    store.write_folder(tmp_path / "id", {"a": "1", "b": "2"})
    store.write_folder(tmp_path / "id", {"a": "3"})

    assert {path.name: path.read_text() for path in (tmp_path / "id").iterdir()} == {
        "a": "3",
        "b": "2",
    }


def test_what_a_killed_run_left_is_not_carried_along(tmp_path):
    left = store._draft(tmp_path / "id")
    left.mkdir()
    (left / "half").write_text("half")
    store.write_folder(tmp_path / "id", {"a": "1"})

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["id", "id/a"]


def test_a_folder_cannot_replace_a_file(tmp_path):
    (tmp_path / "id").write_text("mine")

    with pytest.raises(StoreError, match="a part of the path is a file"):
        store.write_folder(tmp_path / "id", {"a": "1"})
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def write_often(folder, letter):
    for _ in range(20):
        store.write_folder(folder, {"a": letter * 1000, "b": letter * 1000})


def test_two_runs_may_write_the_same_folder(tmp_path):
    """Each file is always one of theirs, whole."""
    runs = [
        multiprocessing.get_context("fork").Process(target=write_often, args=(tmp_path / "id", x))
        for x in "xy"
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert [run.exitcode for run in runs] == [0, 0]
    for name in "ab":
        assert (tmp_path / "id" / name).read_text() in {"x" * 1000, "y" * 1000}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "id"]


def test_what_a_killed_run_left_half_written_goes_and_what_is_being_written_stays(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getpid()):
        (tmp_path / "target" / f".a-finding.{pid}.tmp").mkdir(parents=True)
    (tmp_path / "target" / ".x.tmp").mkdir()

    store.clear_drafts(tmp_path)

    names = sorted(path.name for path in (tmp_path / "target").iterdir())
    assert names == sorted([f".a-finding.{os.getpid()}.tmp", ".x.tmp"])
