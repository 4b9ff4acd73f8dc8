"""``replayfuzz bisect``: the release that brought a finding, or mended it."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import declared, findings, search
from replayfuzz.cli.catalog import columns
from replayfuzz.cli.output import FileOption, check, put, say
from replayfuzz.errors import UsageError
from replayfuzz.report import title
from replayfuzz.search import Bisected, Span


class Form(StrEnum):
    """Forms of the answer."""

    HUMAN = "human"
    JSON = "json"


def bisect(
    finding: Annotated[Path, typer.Option(help="Folder of the finding.")],
    target: Annotated[
        str | None, typer.Option(help="Target whose releases are tried.  [default: the finding's]")
    ] = None,
    oldest: Annotated[
        str, typer.Option("--from", metavar="VERSION", help="[default: the oldest release]")
    ] = "",
    newest: Annotated[
        str, typer.Option("--to", metavar="VERSION", help="[default: the newest release]")
    ] = "",
    form: Annotated[Form, typer.Option("--format", help="Form of the answer.")] = Form.HUMAN,
    file: FileOption = None,
) -> None:
    """Find the release of a library that brought a finding, or mended it.

    It plays the finding at both ends of the range and then halves it, so it assumes one change
    in the range. Each release gets an environment of its own, as with --with; one that cannot be
    installed, or cannot tell, is stepped over. Exit status: 0 a release was found, 2 none was.
    """
    check(file)
    if not finding.exists():
        raise UsageError(f"{finding} is not there; name a folder such as findings/<target>/<id>")
    other = declared.find(target) if target else None
    found = search.bisect(
        finding, other, Span(oldest, newest), lambda text: say(f"replayfuzz: {text}")
    )
    written = _json(finding, found) if form is Form.JSON else _human(finding, found)
    put(written, file)
    raise typer.Exit(found.exit_status)


def _human(folder: Path, found: Bisected) -> str:
    rows = tuple(
        (f"  {each.release}", each.answer, each.why.partition("\n")[0]) for each in found.tried
    )
    finding = findings.load(folder)
    lines = [f"{folder}: {title(finding)}", *(columns(rows) if rows else ()), answer(found)]
    if found.change == "none" and found.tried[0].answer != "fails":
        version = finding.version
        lines.append(
            f"It was found with {version}: --from {version} looks for what mended it, "
            f"--to {version} for what broke it."
        )
    return "\n".join(lines)


def answer(found: Bisected) -> str:
    """What was found, as a sentence or two."""
    told = found.told
    count = f"{len(found.tried)} of {len(found.releases)} releases were tried"
    if found.interrupted:
        return f"Interrupted: no answer; {count}."
    if not told:
        return (
            f"No tried release from {found.releases[0]} to {found.releases[-1]} can tell; {count}."
        )
    ends = f"from {told[0].release} to {told[-1].release}"
    if found.change == "none":
        has = "has it" if told[0].answer == "fails" else "is without it"
        return f"Every tried release {ends} {has}; {count}."
    one_change = f"{count}. This assumes one change {ends}."
    was = "still has it" if found.change == "mends" else "does not have it"
    if len(found.first) == 1:
        return f"{found.first[0]} {found.change} it: {found.before} {was}. {one_change}"
    return (
        f"One of {', '.join(found.first)} {found.change} it: {found.before} {was}, and "
        f"those before {found.first[-1]} cannot tell. {one_change}"
    )


def _json(folder: Path, found: Bisected) -> str:
    document = {
        "version": 1,
        "finding": str(folder),
        "change": found.change,
        "first": list(found.first),
        "before": found.before,
        "from": found.releases[0],
        "to": found.releases[-1],
        "releases": len(found.releases),
        "tried": [
            {"release": each.release, "answer": each.answer, "why": each.why}
            for each in found.tried
        ],
        "interrupted": found.interrupted,
        "sentence": answer(found),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
