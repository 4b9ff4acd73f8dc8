"""``replayfuzz report``: saved findings as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import findings as store
from replayfuzz.cli.output import FileOption, check, put
from replayfuzz.errors import UsageError
from replayfuzz.run import Run, TargetRun, key


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of findings.")] = Path("findings"),
    file: FileOption = None,
) -> None:
    """Write the findings in a folder as one self-contained HTML page."""
    check(file)
    from replayfuzz.report.html import html  # noqa: PLC0415 - a template engine, only here

    places = store.find(folder)
    if not places:
        raise UsageError(f"{folder} holds no findings; `replayfuzz fuzz` writes them")
    loaded = {place: store.load(place) for place in places}
    versions = {finding.target: finding.version for finding in loaded.values()}
    run = Run(
        targets=tuple(TargetRun(name, version) for name, version in versions.items()),
        findings=tuple(loaded.values()),
        folders={key(finding): str(place) for place, finding in loaded.items()},
    )
    put(html(run), file)
