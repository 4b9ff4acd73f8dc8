"""Where the command starts. ``--version`` answers before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line (exit status: see ``replayfuzz.cli``)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from replayfuzz import __version__  # noqa: PLC0415 - cheap, and only needed here

        print(f"replayfuzz {__version__}")  # noqa: T201 - the one line that was asked for
        return
    from replayfuzz.cli import run  # noqa: PLC0415 - typer alone costs more than --version may

    run()


if __name__ == "__main__":
    main()
