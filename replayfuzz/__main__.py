"""Where the command starts. ``--version`` answers before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line (exit status: see ``replayfuzz.cli``)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from replayfuzz import __version__  # noqa: PLC0415 - cheap, and only needed here

        print(f"replayfuzz {__version__}")  # noqa: T201 - the one line that was asked for
        return
    import signal  # noqa: PLC0415 - --version does without

    # Ctrl-C and SIGTERM mean the same at any moment, also while the rest is being imported.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from replayfuzz.cli import run  # noqa: PLC0415 - typer alone costs more than --version may

        status = run()
    except KeyboardInterrupt:
        sys.stderr.write("replayfuzz: interrupted\n")
        status = 2
        # CPython notes that Ctrl-C ended an exec() of a text, as dataclasses do while modules are
        # imported, and would end itself by SIGINT for it whatever we return; the next exec()
        # forgets that (run_eval_code_obj in Python/pythonrun.c).
        exec("", {})  # noqa: S102
    except Exception:  # noqa: BLE001 - Python's own status for it is 1: a target broke a rule
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        sys.stderr.write("replayfuzz: this is a bug of replayfuzz; what was found is saved\n")
        status = 2
    # Everything is told and saved: a late Ctrl-C must not end in a traceback of Python's own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(status)


if __name__ == "__main__":
    main()
