"""repro.py: a program that serves one finding's stream, and says what to run against it.

The program lives in ``_PROGRAM``; what is particular to a finding is put on top of it as
Python literals.
"""

from __future__ import annotations

from replayfuzz.finding import Finding
from replayfuzz.report.marks import plain, spell
from replayfuzz.report.snippets import requirements, snippet
from replayfuzz.wire import Close, Send, Wait, render

_PROGRAM = '''

def unread(connection):
    """Bytes that the peer has not read yet, from /proc/net/tcp; None where it does not tell."""
    ends = (connection.getpeername(), connection.getsockname())
    pair = [f":{port:04X}" for _, port in ends]
    try:
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in table:
                words = line.split()
                if words[1].endswith(pair[0]) and words[2].endswith(pair[1]):
                    return int(words[4].partition(":")[2], 16)
    except OSError:
        pass
    return None


def until_read(connection):
    """Wait until the peer has read everything, so that the next bytes are a read of their own."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        waiting = unread(connection)
        if waiting is None:
            time.sleep(0.05)
            return
        if waiting == 0:
            time.sleep(0.002)
            return
        time.sleep(0.0005)


def read_request(connection):
    """Read one request; True when there was one."""
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return False
        data += piece
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    fields = head.lower()
    length = re.search(rb"\\ncontent-length:\\s*(\\d+)", fields)
    chunked = re.search(rb"\\ntransfer-encoding:[^\\n]*chunked", fields)
    while len(body) < int(length[1] if length else 0) or (
        chunked and not body.endswith(b"0\\r\\n\\r\\n")
    ):
        piece = connection.recv(65536)
        if not piece:
            return False
        body += piece
    return True


def play(connection):
    """Answer requests on one connection with STEPS."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while read_request(connection):
        for step, value in STEPS:
            if step == "send":
                until_read(connection)
                connection.sendall(value)
            elif step == "wait":
                time.sleep(value)
            elif value == "fin":
                until_read(connection)
                return
            elif value == "reset":
                until_read(connection)
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            elif value == "open":
                while connection.recv(65536):
                    pass
                return


def answer(connection):
    with connection:
        try:
            play(connection)
        except OSError:
            pass  # the peer left: its right


def listen(port):
    """Serve in a thread; returns the port."""
    listener = socket.create_server(("127.0.0.1", port))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def main():
    options = argparse.ArgumentParser(description="Serve the stream of a replayfuzz finding.")
    options.add_argument("port", nargs="?", type=int, default=0, help="default: any free port")
    options.add_argument(
        "--run",
        nargs="?",
        const=sys.executable,
        metavar="PYTHON",
        help="run the program below with this interpreter (default: this one), then stop",
    )
    given = options.parse_args()
    port = listen(given.port)
    url = f"http://127.0.0.1:{port}"
    print(ABOUT, flush=True)
    if given.run:
        print("-- what happens:", flush=True)
        sys.exit(subprocess.run([given.run, "-c", SNIPPET, url]).returncode)
    print(f"Serving on {url} until Ctrl-C.", flush=True)
    if REQUIRES:
        print(f"Run: pip install {REQUIRES}; python3 repro.py --run")
    print(f"By hand, with {url} as the argument of this program:\\n\\n{SNIPPET}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
'''


def repro(finding: Finding) -> str:
    """The text of repro.py; it runs with any Python from 3.9 on, and needs nothing else.

    ``python3 repro.py [PORT]`` serves the finding's sends, each to be read on its own.
    ``python3 repro.py --run [PYTHON]`` also runs the library under test against them.
    """
    variant = finding.variants[0] if finding.variants else ""
    requires = requirements(finding.target, finding.version)
    code = snippet(finding.target, variant).code
    steps = "".join(f"    {step!r},\n" for step in _steps(finding))
    return (
        f'"""{_docstring(finding)}\n"""\n\n'
        "import argparse\nimport re\nimport socket\nimport struct\nimport subprocess\n"
        "import sys\nimport threading\nimport time\n\n"
        f"ABOUT = {_about(finding)!a}\n"
        f"REQUIRES = {requires!a}\n"
        f"SNIPPET = {code!a}\n"
        f"STEPS = [\n{steps}]\n" + _PROGRAM
    )


def _steps(finding: Finding) -> list[tuple[str, bytes | float | str]]:
    steps: list[tuple[str, bytes | float | str]] = []
    for step in render(finding.exchange, finding.plan).steps:
        match step:
            case Send(data=data):
                steps.append(("send", data))
            case Wait(seconds=seconds):
                steps.append(("wait", seconds))
            case Close(how=how):
                steps.append(("close", how))
    return steps


def _about(finding: Finding) -> str:
    who = f"{finding.target} {finding.version}".strip()
    paths = f" ({', '.join(finding.variants)})" if finding.variants else ""
    rows = [
        f"{who}{paths} breaks {finding.invariant}: {finding.requirement}",
        f"source:   {finding.source}",
        f"bend:     {'; '.join(finding.words) or 'none'}",
        *([f"because:  {'; '.join(finding.clauses)}"] if finding.clauses else []),
        f"expected: {finding.expected}",
        f"observed: {finding.observed}",
    ]
    return "\n".join(plain(row) for row in rows)


def _docstring(finding: Finding) -> str:
    """ASCII only, no backslash and no quotes that could end it."""
    text = spell(_about(finding).splitlines()[0].encode()).replace("\\", "/").replace('"', "'")
    return f"{text}\n\nWritten by replayfuzz ({finding.id}). Standard library only."
