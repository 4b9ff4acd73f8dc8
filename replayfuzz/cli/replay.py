"""``replayfuzz replay``: does a finding still fail?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import declared, search
from replayfuzz.cli.output import put, say
from replayfuzz.errors import ReplayfuzzError, UsageError
from replayfuzz.report import title
from replayfuzz.search import Replayed
from replayfuzz.target import Target


def replay(
    folders: Annotated[list[Path], typer.Argument(metavar="FINDING...", help="Folders.")],
    target: Annotated[
        str | None, typer.Option(help="Play it at this target, not at the one that it names.")
    ] = None,
    with_: Annotated[
        str | None, typer.Option("--with", metavar="PKG==VER", help="Play it at this release.")
    ] = None,
) -> None:
    """Play findings again.

    Exit status: 1 while one still fails, 0 when all are fixed, 2 where it cannot be told.
    """
    other = declared.find(target) if target else None
    answers = [_replay(folder, other, with_) for folder in folders]
    raise typer.Exit(1 if 1 in answers else max(answers))


def _replay(folder: Path, target: Target | None, requirement: str | None) -> int:
    """Play one; what is wrong with it must not keep the others from being played."""
    try:
        if not folder.exists():
            raise UsageError(f"{folder} is not there; name folders such as findings/<target>/<id>")
        replayed = search.replay(
            folder,
            target=target,
            requirement=requirement,
            say=lambda text: say(f"replayfuzz: {text}"),
        )
    except ReplayfuzzError as error:
        say(f"replayfuzz: {error}")
        return 2
    put(_told(folder, replayed), None)
    return replayed.exit_status


def _told(folder: Path, replayed: Replayed) -> str:
    lines = [f"{folder}: {replayed.answer}", f"  {title(replayed.finding)}", f"  {replayed.why}"]
    lines += [
        f"  over {over}: {failed} of {tries} tries failed" for over, failed, tries in replayed.tries
    ]
    return "\n".join(lines)
