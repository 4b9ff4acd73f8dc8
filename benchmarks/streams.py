"""P9 and P12: the mock provider beside aimock, and beside what asyncio makes of slow streams.

Servers and clients are processes of their own. P9 counts whole streams in a time, P12 the CPU
of the server while all streams are open; the ways take turns, and rows are medians of ratios.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.frames import cpu
from benchmarks.table import Row, main
from replayfuzz import environments

ROOT = Path(__file__).resolve().parents[1]
QUICK = "--quick" in sys.argv[1:]
AIMOCK = "@copilotkit/aimock"
ROUNDS = 5
EVENTS, AT_ONCE, SECONDS = 21, 32, 1 if QUICK else 3
STREAMS, RATE, HELD = (1000, 1000, 2) if QUICK else (10_000, 3000, 4)
"""Open streams, how many are opened in a second, and seconds in which all are open."""

OURS = (sys.executable, "-m", "replayfuzz", "serve", "--port", "0", "--quiet")
PLAIN = (sys.executable, "benchmarks/plain_server.py")
CROWD = (sys.executable, "benchmarks/crowd.py")
MODULE = """
import { LLMock } from "@copilotkit/aimock";
const mock = new LLMock({ port: 0, chunkSize: 5, logLevel: "silent" });
mock.onMessage("hello", { content: "abcde".repeat(18) });
await mock.start();
console.log(mock.url);
"""


@dataclass(frozen=True)
class Server:
    """A server that runs: its process and port."""

    pid: int
    port: str

    @property
    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10


@contextlib.contextmanager
def running(command: tuple[str, ...], folder: Path = ROOT) -> Iterator[Server]:
    """Start a server that prints its URL when it is ready, and stop it."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process.pid, re.search(r":(\d+)", process.stdout.readline())[1])
        finally:
            process.terminate()


def rows() -> list[Row]:
    named = [word for word in sys.argv[1:] if word in {"P9", "P12"}]
    found = []
    if not named or "P9" in named:
        found += throughput()
    if not named or "P12" in named:
        found += held_open()
    return found


# -- P9: streams a second --------------------------------------------------------------


def throughput() -> list[Row]:
    bars = {"streams/s against aimock": 1.5, "the same, boundaries verified": 1.0}
    try:
        folder = installed()
    except (OSError, subprocess.SubprocessError) as error:
        why = f"{AIMOCK} cannot be installed: {error}"
        return [Row("P9", what, None, "x", bar, note=why) for what, bar in bars.items()]
    ours = (*OURS, "-d", "0", "-c", str(EVENTS - 2))
    with (
        running(("node", "aimock.mjs"), folder) as aimock,
        running((*ours, "--no-verify")) as bare,
        running((*ours, "--verify")) as verified,
    ):
        servers = (aimock, bare, verified)
        seen = [[fetched(server) for server in servers] for _ in range(ROUNDS + 1)][1:]
    found = []
    for number, (what, bar) in enumerate(bars.items(), 1):
        ratio = statistics.median(ways[number].rate / ways[0].rate for ways in seen)
        each = [
            f"{statistics.median(ways[way].rate for ways in seen):,.0f}/s at "
            f"{statistics.median(ways[way].cpu for ways in seen) * 1e6:.0f} µs CPU"
            for way in (number, 0)
        ]
        note = f"{each[0]} against {each[1]}; aimock sends all {EVENTS} events in one write"
        found.append(Row("P9", what, ratio, "x", bar, note=note))
    return found


@dataclass(frozen=True)
class Fetched:
    """Whole streams a second, and CPU seconds of the server for each."""

    rate: float
    cpu: float


def fetched(server: Server) -> Fetched:
    words = ("fetch", server.port, str(SECONDS), str(AT_ONCE), str(EVENTS))
    spent = cpu(server.pid)
    done = subprocess.run([*CROWD, *words], cwd=ROOT, capture_output=True, check=True)
    spent = cpu(server.pid) - spent
    told = json.loads(done.stdout)
    if told["others"] or not told["whole"]:
        raise RuntimeError(f"port {server.port}: {told}")
    return Fetched(told["whole"] / SECONDS, spent / told["whole"])


def installed() -> Path:
    """The folder in the cache where aimock is installed, and a program that starts it."""
    folder = environments.cache() / "benchmarks" / "aimock"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / AIMOCK / "package.json").is_file():
        npm = shutil.which("npm") or "npm"
        command = (npm, "install", "--no-audit", "--no-fund", "--prefix", ".", AIMOCK)
        subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=300)
    (folder / "aimock.mjs").write_text(MODULE)
    return folder


# -- P12: streams that are open --------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """One server with all streams open: CPU seconds an event, bytes a stream, what came."""

    cpu: float
    memory: float
    whole: int
    p50: float
    p99: float


def held_open() -> list[Row]:
    events = HELD + STREAMS // RATE + 5
    ours = (*OURS, "--no-verify", "-d", "1000", "-c", str(events - 2))
    seen = [(hold(ours, events), hold((*PLAIN, str(events), "1"), events)) for _ in range(ROUNDS)]
    mine = [pair[0] for pair in seen]
    ratio = statistics.median(one.cpu / other.cpu for one, other in seen)
    each = [statistics.median(pair[way].cpu for pair in seen) * 1e6 for way in (0, 1)]
    late = [statistics.median(pair[way].p50 for pair in seen) * 1e3 for way in (0, 1)]
    worst = statistics.median(one.p99 for one in mine) * 1e3
    memory = [statistics.median(pair[way].memory for pair in seen) / 1024 for way in (0, 1)]
    whole = min(one.whole for one in mine)
    what = f"{STREAMS:,} open streams: {{}}".format
    beside = f"p99 {worst:.0f} ms; asyncio {late[1]:.1f} ms"
    spent = f"{each[0]:.1f} µs against {each[1]:.1f} µs"
    return [
        Row("P12", what("those whole"), whole, "", STREAMS, note=f"{events} events each, 1/s"),
        Row("P12", what("p50 late"), late[0], "ms", 10, False, beside),
        Row("P12", what("CPU/event against asyncio"), ratio, "x", 0.75, False, spent),
        Row("P12", what("memory each"), memory[0], "KB", 4, False, f"asyncio {memory[1]:.1f} KB"),
    ]


def hold(command: tuple[str, ...], events: int) -> Held:
    """Open all streams at one server, wait, and read them to their end."""
    with running(command) as server:
        warm(server)
        before = server.memory
        words = ("hold", server.port, str(STREAMS), str(events), str(RATE))
        with subprocess.Popen(
            [*CROWD, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as crowd:
            assert crowd.stdout.readline() == "open\n"
            began, spent = time.monotonic(), cpu(server.pid)
            time.sleep(HELD)
            took, spent = time.monotonic() - began, cpu(server.pid) - spent
            memory = server.memory - before
            told = json.loads(crowd.communicate()[0])
    each = spent / (STREAMS * took)
    return Held(each, memory / STREAMS, told["whole"], told["p50"], told["p99"])


def warm(server: Server) -> None:
    """Let it import what it needs for a first answer."""
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health", timeout=5).close()


if __name__ == "__main__":
    main(rows)
