"""Where a result goes: a form, and a file or standard output."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from replayfuzz.errors import StoreError


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


def put(text: str, file: Path | None) -> None:
    """Write *text* to *file*, or to standard output.

    Raises:
        StoreError: The file cannot be written.
    """
    if file is None:
        typer.echo(text.rstrip("\n"))
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be written ({error.strerror}); choose another file with -o"
        ) from error
