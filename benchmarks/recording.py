"""R1 to R4: the recorder beside VCR.py and aimock on one stream; what relaying costs; memory.

The stream has 9 chunks: a character cut in two, two events in one chunk, a comment, CRLF, a
trailer. Each tool records it from the same server and plays it back to the same raw client.
Latency is that of one chunk from the upstream's send to the client's read, direct and through
the recorder, in turns; both ends are threads of this process.
"""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.streams import AIMOCK, installed
from benchmarks.table import Row, main
from replayfuzz import store, wire
from replayfuzz.plan import Plan
from replayfuzz.serve import ReplayServer
from tests.recorders import CHUNKS, post, read_http1, request_of, upstream

QUICK = "--quick" in sys.argv
BODY = b"".join(CHUNKS)
CODED = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in CHUNKS)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ASKED = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}]}'
TURNS, PACE, ROUNDS = (200, 0.002, 3) if QUICK else (500, 0.002, 5)
LONG = (100 if QUICK else 1024) << 20
AIMOCK_MODULE = """
import { LLMock } from "@copilotkit/aimock";
const mock = new LLMock({ port: 0, logLevel: "silent" });
mock.enableRecording({ providers: { openai: process.argv[2] }, fixturePath: process.argv[3] });
await mock.start();
console.log(mock.url);
"""


@contextlib.contextmanager
def recorder(folder: Path, port: int) -> Iterator[tuple[int, int]]:
    """``replayfuzz record`` for an upstream at *port*: its process and port."""
    words = ("record", "--upstream", f"http://127.0.0.1:{port}", "-o", str(folder))
    command = (sys.executable, "-m", "replayfuzz", *words)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline()
            yield process.pid, int(re.findall(r" at http://127.0.0.1:(\d+)", ready)[0])
        finally:
            process.terminate()
            process.communicate()


def talk(sock: socket.socket) -> None:
    request_of(sock)
    for chunk in CHUNKS:  # each on its own, as a provider sends it
        sock.sendall(HEAD if chunk is CHUNKS[0] else b"")
        sock.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        time.sleep(0.01)
    sock.sendall(b"0\r\nx-sum: abc\r\n\r\n")


def asked(port: int) -> tuple[int, int, int]:
    """Chunks, bytes that are right, and trailers that a client gets."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        post(sock, body=ASKED, fields=(("Content-Type", "application/json"),))
        _, chunks, trailers, *_ = read_http1(sock)
    same = sum(len(chunk) for chunk in chunks) if b"".join(chunks) == BODY else 0
    return len(chunks), same, len(trailers)


def ours(folder: Path) -> tuple[int, int, int]:
    with upstream(talk) as port, recorder(folder, port) as (_, via):
        asked(via)
    with ReplayServer() as server:
        server.offer(wire.render(store.load([folder])[0], Plan()))
        return asked(int(server.url.rpartition(":")[2]))


def vcr(folder: Path) -> tuple[int, int, int]:
    """What VCR.py gives back to a client in the same process: chunks are what it reads."""
    import requests
    from vcr import VCR

    file = str(folder / "vcr.yaml")
    tape = VCR(record_mode="once")
    with upstream(talk) as port:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        with tape.use_cassette(file):
            requests.post(url, data=ASKED, stream=True, timeout=20).raw.read()
    with tape.use_cassette(file):
        answer = requests.post(url, data=ASKED, stream=True, timeout=20)
        chunks = [chunk for chunk in answer.iter_content(None) if chunk]
    return len(chunks), len(BODY) if b"".join(chunks) == BODY else 0, 0


def aimock(folder: Path) -> tuple[int, int, int]:
    place = installed()
    module = place / "record.mjs"
    module.write_text(AIMOCK_MODULE)
    with upstream(talk) as port:
        url = f"http://127.0.0.1:{port}"
        command = ("node", module.name, url, str(folder))
        with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True) as process:
            try:
                via = int(process.stdout.readline().rpartition(":")[2])
                asked(via)
                return asked(via)  # the same question again: from its fixture
            finally:
                process.kill()


def kept() -> list[Row]:
    tools: dict[str, Callable[[Path], tuple[int, int, int]]] = {
        "replayfuzz": ours, "VCR.py": vcr, AIMOCK: aimock
    }  # fmt: skip
    rows = []
    for name, tool in tools.items():
        bar = (9, len(BODY)) if name == "replayfuzz" else (None, None)
        try:
            with tempfile.TemporaryDirectory() as folder:
                chunks, same, trailers = tool(Path(folder))
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:100]
            rows.append(Row("R1", f"{name}: chunks of 9", None, "", note=why))
            continue
        note = f"trailers {trailers} of 1"
        rows.append(
            Row("R1", f"{name}: chunks of 9, recorded and replayed", chunks, "", bar[0], note=note)
        )
        what = f"{name}: bytes of {len(BODY)} in an equal body"
        rows.append(Row("R1", what, same, "", bar[1]))
    return rows


def latencies(port: int, sent: list[float]) -> list[float]:
    """Seconds from the send of each chunk to its being read."""
    got: list[float] = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        post(sock)
        data = b""
        while b"0\r\n\r\n" not in data[-16:]:
            data = data[-200:] + sock.recv(65536)
            got.append(time.perf_counter())
    return [end - begin for begin, end in zip(sent, got, strict=False)]


def paced(sent: list[float]) -> Callable[[socket.socket], None]:
    chunk = b"%x\r\n%b\r\n" % (len(CHUNKS[0]), CHUNKS[0])

    def talk(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request_of(sock)
        for number in range(TURNS):
            time.sleep(PACE)
            sent.append(time.perf_counter())
            sock.sendall(chunk if number else HEAD + chunk)
        time.sleep(PACE)
        sent.append(time.perf_counter())
        sock.sendall(b"0\r\n\r\n")

    return talk


def latency() -> list[Row]:
    direct, through = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            one: list[float] = []
            two: list[float] = []
            with upstream(paced(one), paced(two)) as port:
                direct += latencies(port, one)
                with recorder(Path(folder), port) as (_, via):
                    through += latencies(via, two)
    medians = [statistics.median(each) * 1e6 for each in (direct, through)]
    late = [statistics.quantiles(each, n=100)[98] * 1e6 for each in (direct, through)]
    note = f"direct {medians[0]:.0f} µs, through {medians[1]:.0f} µs; {len(through)} chunks"
    return [
        Row("R2", "added to each chunk, median", medians[1] - medians[0], "µs", 1000, False, note),
        Row("R2", "added to each chunk, p99", late[1] - late[0], "µs"),
    ]


def held_back() -> list[Row]:
    """When the client of each tool has the first chunk of a stream that takes 90 ms."""
    import requests
    from vcr import VCR

    def first(url: str) -> float:
        began = time.perf_counter()
        answer = requests.post(url, data=ASKED, stream=True, timeout=20)
        answer.raw.read1(10)
        return (time.perf_counter() - began) * 1e3

    with tempfile.TemporaryDirectory() as folder, upstream(talk, talk) as port:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        with VCR().use_cassette(f"{folder}/vcr.yaml"):
            theirs = first(url)
        with recorder(Path(folder), port) as (_, via):
            mine = first(f"http://127.0.0.1:{via}/v1/chat/completions")
    note = f"VCR.py {theirs:.0f} ms: it holds the whole stream back"
    return [Row("R3", "first chunk of a stream of 90 ms", mine, "ms", 45, False, note)]


def memory() -> list[Row]:
    event = CHUNKS[0] * 500

    def long(sock: socket.socket) -> None:
        request_of(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for _ in range(LONG // len(event)):
            sock.sendall(event)

    with (
        tempfile.TemporaryDirectory() as folder,
        upstream(long) as port,
        recorder(Path(folder), port) as (pid, via),
    ):
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", via), timeout=60) as sock:
            post(sock)
            while sock.recv(1 << 20):
                pass
        seconds = time.perf_counter() - began
        while not list(Path(folder).glob("*.yaml")):
            time.sleep(0.1)
        text = Path(f"/proc/{pid}/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) >> 10
    note = f"{LONG >> 20} MiB in {seconds:.1f} s; 12 MiB are recorded"
    return [Row("R4", f"peak memory, a stream of {LONG >> 20} MiB", peak, "MiB", 200, False, note)]


def rows() -> list[Row]:
    wanted = {word for word in sys.argv[1:] if re.fullmatch(r"R\d", word)}
    parts = {"R1": kept, "R2": latency, "R3": held_back, "R4": memory}
    return [row for name, part in parts.items() if name in (wanted or parts) for row in part()]


if __name__ == "__main__":
    main(rows)
