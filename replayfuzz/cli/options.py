"""The options of ``fuzz``: what each takes, and what ``--help`` says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Targets = Annotated[
    list[str] | None, typer.Option(help="Target by name, or its .toml file. Repeatable.")
]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="PKG==VER",
        help="Fuzz this release of a target's package, in an environment of its own. "
        "npm:, go: or crates: before it names the registry where several have such a package.",
    ),
]
All = Annotated[
    bool,
    typer.Option("--all", help="Every library there is a target for; build what is not here."),
]
Cassettes = Annotated[
    list[str] | None, typer.Option(help="Cassette file, folder or glob. Repeatable.")
]
Dialects = Annotated[
    list[str] | None, typer.Option(help="Only streams of this dialect. Repeatable.")
]
Variants = Annotated[
    list[str] | None, typer.Option(help="Only this path through a library. Repeatable.")
]
Time = Annotated[str | None, typer.Option(help="Budget: 30s, 5m, 1h.  [default: 60s]")]
Examples = Annotated[
    int | None, typer.Option(min=1, help="Budget for each target, in bent streams.")
]
Seed = Annotated[int | None, typer.Option(help="Decides everything chosen at random.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes.  [default: 1]")]
Profile = Annotated[str, typer.Option(help="ci (seed 0), dev, or nightly (30 minutes).")]
Findings = Annotated[
    Path | None,
    typer.Option(help="Folder that findings are written to.  [default: findings]"),
]
