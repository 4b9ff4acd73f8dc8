"""The commands as a user runs them: in this process, or as one of its own."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

READY = """
import json, os, signal, subprocess, sys, time
print(json.dumps({"ready": 1, "name": "own", "version": "1.0", "dialects": ["sse"],
                  "variants": ["default"], "memory": True}), flush=True)
def answer(line):
    print(json.dumps({"id": json.loads(line)["id"], "events": [], "end": "complete"}), flush=True)
"""


def environment(**variables):
    """Ours, without what would make a run differ between machines."""
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    return {**kept, "PYTHONPATH": str(Path(__file__).parent.parent), **variables}


def start(folder, *words, **options):
    """``replayfuzz`` *words* as a process of its own session, in *folder*."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    variables = environment(**options.pop("variables", {}))
    return subprocess.Popen(
        [sys.executable, "-m", "replayfuzz", *map(str, words)],
        cwd=folder,
        env=variables,
        start_new_session=True,
        **options,
    )


def finished(folder, *words, seconds=60, **options):
    """Status, standard output and standard error of a command that ends by itself."""
    process = start(folder, *words, **options)
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, err


def own_target(folder, script, name="own"):
    """A user's own target: a declaration, and the program beside it."""
    (folder / f"{name}.py").write_text(READY + textwrap.dedent(script))
    file = folder / f"{name}.toml"
    file.write_text(
        f'[target]\nname = "{name}"\nkind = "parser"\ndialects = ["sse"]\n'
        f'command = ["{{python}}", "{{here}}/{name}.py"]\n'
    )
    return file


def processes(mark):
    """Command lines of the processes that have *mark* in their environment."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "environ").read_bytes():
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if line:  # a zombie has none
                    found[int(place.name)] = line
        except OSError:
            continue
    return found
