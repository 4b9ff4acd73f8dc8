"""Opens files: reads cassettes, and writes files and folders whole or not at all."""

from __future__ import annotations

import errno
import functools
import glob
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from replayfuzz.cassette import Cassette, Exchange, dump, parse
from replayfuzz.cassette_yaml import MAX_TEXT
from replayfuzz.errors import CassetteError, StoreError, UsageError

SUFFIXES = (".yaml", ".yml")

_MAX_BYTES = 4 * MAX_TEXT  # UTF-8 takes at most four for a character
_SHIPPED = Path(__file__).parent / "cassettes"

_NEXT = {
    errno.ENOSPC: "free some space, then run again",
    errno.EDQUOT: "free some of your quota, then run again",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "name a folder that you may write, or change its permissions",
    errno.EPERM: "name a folder that you may write, or change its permissions",
    errno.ENOTDIR: "a part of the path is a file; name another folder",
    errno.EEXIST: "a part of the path is a file; name another folder",
    errno.EISDIR: "it is a folder; name a file in it",
}
_ELSE_NEXT = "check the path, then run again"


def shipped_folder() -> Path:
    """The folder of the cassettes that come with replayfuzz."""
    return _SHIPPED


@functools.cache
def shipped() -> tuple[Exchange, ...]:
    """The exchanges that come with replayfuzz, by name (``openai.chat/plain``)."""
    return _exchanges(_below(_SHIPPED))


def load(places: Iterable[str | Path]) -> tuple[Exchange, ...]:
    """Read the exchanges of files, of all cassettes below folders, and of globs.

    Each file counts once, however often it is named. An exchange is named after the
    file's folder and stem, with as much of the path before it as tells all files apart.

    Raises:
        UsageError: A place is not there, or holds no ``.yaml`` or ``.yml`` file.
        CassetteError: A file is not a cassette.
        StoreError: A file cannot be read.
    """
    return _exchanges(dict.fromkeys(map(_absolute, files(places))))


def files(places: Iterable[str | Path]) -> tuple[Path, ...]:
    """The cassettes that *places* (files, folders, globs) name; each once, none opened.

    Raises:
        UsageError: A place is not there, or holds no ``.yaml`` or ``.yml`` file.
    """
    found = dict.fromkeys(file for place in places for file in _files(place))
    if not found:
        raise UsageError("no cassettes were named; name a file, a folder or a glob")
    return tuple(found)


def read(path: Path, *, damaged: bool = False) -> Cassette:
    """Read one cassette; *damaged*: also where chunks do not add up to their body.

    Raises:
        CassetteError: It is not a cassette, or too large.
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read() if size <= _MAX_BYTES else b""
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}; {_next(error)}") from error
    if size > _MAX_BYTES:
        raise CassetteError(
            f"holds {size:,} bytes, more than any cassette; split it into one file for each "
            "interaction",
            file=str(path),
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise CassetteError(
            f"byte 0x{data[error.start]:02x} is not UTF-8 text; save it as UTF-8, with bodies "
            "that are not text as !!binary",
            file=str(path),
            line=data.count(b"\n", 0, error.start) + 1,
        ) from error
    return parse(text, file=str(path), damaged=damaged)


def save(cassette: Cassette, path: Path) -> None:
    """Write a cassette, whole or not at all; a file that was there is replaced.

    Raises:
        CassetteError: The cassette does not hold together (nothing is written).
        StoreError: It cannot be written; what was there before is untouched.
    """
    write(path, dump(cassette))


def write(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; text as UTF-8, line ends as they are.

    A reader, or a second run in the same folder, sees the old file or the new one. Missing
    folders are made.

    Raises:
        StoreError: It cannot be written; what was there before is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    # In the same folder, because only within one file system is a rename atomic.
    draft = _draft(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_new(draft, data)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritten(path, error) from error


def write_folder(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write a folder of files that appears at once, with everything in it.

    Where the folder is there already (the same finding again, or a second run), its files
    are replaced one by one, and others in it stay.

    Args:
        folder: Its parents are made when missing.
        contents: What each file holds, by name.

    Raises:
        StoreError: It cannot be written; no new folder is left behind.
    """
    draft = _draft(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            # One may be left by a run that was killed and had our process id.
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            for name, content in contents.items():
                data = content.encode() if isinstance(content, str) else content
                _write_new(draft / name, data)
            _move(draft, folder, contents)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise _unwritten(folder, error) from error


def clear_drafts(folder: Path) -> None:
    """Remove what runs that were killed while they wrote left below *folder*."""
    for draft in folder.glob("**/.*.tmp"):
        pid = draft.name.removesuffix(".tmp").rpartition(".")[2]
        if pid.isdecimal() and not alive(int(pid)):
            shutil.rmtree(draft, ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether there is a process of that number that has not ended (a zombie has)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is there, and is not ours
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True  # no Linux, or it ended just now
    return status.rpartition(b")")[2].split()[0] != b"Z"  # proc(5): the name may hold ")"


def _move(draft: Path, folder: Path, names: Iterable[str]) -> None:
    try:
        draft.rename(folder)
    except OSError as error:
        # Asking first would be no answer: another run may make it meanwhile.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    else:
        return
    for name in names:
        (draft / name).replace(folder / name)


def _draft(path: Path) -> Path:
    # Names must differ between processes only: each writes one thing at a time.
    return path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")


def _write_new(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        # Some file systems tell of a full disk only now, when the old file is still there.
        os.fsync(file.fileno())


def _unwritten(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be written: {error.strerror}; {_next(error)}")


def _next(error: OSError) -> str:
    return _NEXT.get(error.errno or 0, _ELSE_NEXT)


def _files(place: str | Path) -> list[Path]:
    path = Path(place)
    if path.is_dir():
        found = _below(path)
    elif path.is_file():
        return [path]
    else:
        # Path.glob takes no absolute pattern.
        matched = map(Path, sorted(glob.glob(str(place), recursive=True)))  # noqa: PTH207
        found = [file for file in matched if file.is_file()]
    if not found:
        what = "holds no .yaml file" if path.is_dir() else "is no file, folder or glob that matches"
        raise UsageError(
            f"cassettes: '{place}' {what}; 'replayfuzz list cassettes' shows those that ship"
        )
    return found


def _below(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps the name the user gave it


def _exchanges(files: Iterable[Path]) -> tuple[Exchange, ...]:
    paths = tuple(files)
    exchanges = []
    for path, name in zip(paths, _names(paths), strict=True):
        cassette = read(path)
        for exchange in cassette.exchanges:
            number = exchange.name.removeprefix(cassette.name)
            exchanges.append(replace(exchange, name=name + number))
    return tuple(exchanges)


def _names(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Folder and stem of each file, or more of its path where two are the same."""
    depth = 2
    while True:
        names = tuple("/".join(path.with_suffix("").parts[-depth:]) for path in paths)
        longest = max((len(path.parts) for path in paths), default=0)
        if len(set(names)) == len(names):
            return names
        if depth > longest:  # x.yaml beside x.yml
            return tuple(map(str, paths))
        depth += 1
