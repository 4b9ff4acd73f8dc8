"""Where a result goes: a form, and a file or standard output."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from replayfuzz.errors import StoreError, UsageError


class Form(StrEnum):
    """Forms of a result."""

    HUMAN = "human"
    JSON = "json"
    TAP = "tap"
    JUNIT = "junit"


FormOption = Annotated[Form, typer.Option("--format", help="Form of the result.")]
FileOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write the result here, not to the terminal.")
]


class GoneError(Exception):
    """Whoever read our standard output has gone, as in ``replayfuzz … | head``."""


def say(text: str) -> None:
    """Write a line to standard error, where somebody still reads it."""
    with contextlib.suppress(OSError):
        typer.echo(text, err=True)


def show(text: str) -> None:
    """Write *text* and a line end to standard output.

    Raises:
        GoneError: Nobody reads it any more; what is written from now on goes nowhere.
        StoreError: It cannot be written (a file on a full disk); as with GoneError.
    """
    try:
        typer.echo(text)
    except OSError as error:
        # What is still buffered must not make Python complain again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise GoneError from error
        raise StoreError(f"standard output cannot be written: {error.strerror}") from error


def gone() -> bool:
    """Whether nobody reads our standard output any more (a pipe whose other end is closed)."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # closed, or no file at all
        return False


def put(text: str, file: Path | None) -> None:
    """Write *text* to *file*, or to standard output where somebody still reads it.

    Raises:
        StoreError: It cannot be written.
    """
    if file is None:
        with contextlib.suppress(GoneError):
            show(text.rstrip("\n"))
        return
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be written: {error.strerror}; choose another file with -o"
        ) from error


def check(file: Path | None) -> None:
    """Tell before a long run, not after it, that its result could not be written.

    Raises:
        UsageError: *file* is a folder, or is in none.
    """
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        why = "is a folder" if file.is_dir() else f"{file.parent} is no folder"
        raise UsageError(f"-o {file}: {why}; choose another file with -o")
