"""How a finding's client reached a daemon: in words, and as the last part of repro.py.

The program text is for Python from 3.9 on, standard library only, ASCII. ``STEPS``, ``ABOUT``,
``PAYLOAD``, ``START`` and ``HANDED`` stand above it, and one of the servers of ``programs``.
"""

from __future__ import annotations

from replayfuzz.finding import Finding

ORDINARY = b'{"user_id": 1, "prompt": "say hello"}'
"""Stands for the payload that a run makes for each case."""

NOTHING = b"\0"
"""What travels where the payload is empty."""

_PAIRS = {"tcp": "TCP socket", "unix": "Unix stream socket"}


def handed(finding: Finding) -> str:
    """How its socket was handed over, in words; "" where the target is no daemon."""
    if not finding.start:
        return ""
    handoff = finding.plan.handoff
    payload = "an ordinary payload" if handoff.payload is None else "a payload of its own"
    return f"the client's {_PAIRS[handoff.pair]} by SCM_RIGHTS, with {payload}"


def values(finding: Finding) -> str:
    """What is particular to the hand-off, as lines of Python."""
    handoff = finding.plan.handoff
    given = {
        "pair": handoff.pair,
        "leaves": handoff.leaves,
        "before": handoff.before,
        "beside": handoff.beside,
    }
    payload = ORDINARY if handoff.payload is None else handoff.payload or NOTHING
    return f"PAYLOAD = {payload!r}\nSTART = {finding.start!a}\nHANDED = {given!a}\n"


IMPORTS = "import shutil\nimport signal\nimport tempfile\n"

MAIN = '''

PORT = 8099  # where nothing is said: the daemon has to know it when it starts
OWN = "/tmp/replayfuzz-repro.sock"


def pair(kind):
    """Both ends of a client's connection: its own, and the one that is given away."""
    if kind == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = socket.create_connection(listener.getsockname())
        given, _ = listener.accept()
    return own, given


def hand_off(path, payload, descriptors):
    """One message to the daemon: the payload, and descriptors by SCM_RIGHTS."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
        if descriptors:
            socket.send_fds(sock, [payload], descriptors)
        else:
            sock.send(payload)


def client(path, payload, kind="tcp"):
    """A client whose socket was handed over."""
    own, given = pair(kind)
    with given:
        hand_off(path, payload, [given.fileno()])
    own.settimeout(5)
    return own


def read(own, leaves=None):
    """What the client gets: to the end, for five seconds, or until it leaves."""
    data = b""
    try:
        while leaves is None or len(data) < leaves:
            piece = own.recv(65536)
            if not piece:
                return data, "closed by the daemon"
            data += piece
        return data, "the client left"
    except socket.timeout:
        return data, "silence for 5 seconds"
    except OSError as error:
        return data, str(error)


def other(path, name):
    """Descriptors that are no client's socket."""
    if name == "pipe":
        files = [os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"))]
        numbers = [files[1].fileno()]
    elif name == "file":
        files = [open(os.devnull, "rb")]
        numbers = [files[0].fileno()]
    elif name == "listener":
        files = [socket.create_server(("127.0.0.1", 0))]
        numbers = [files[0].fileno()]
    elif name == "datagram":
        files = [socket.socket(type=socket.SOCK_DGRAM)]
        numbers = [files[0].fileno()]
    else:
        number = 2 if name == "two-fds" else 16
        files = [end for _ in range(number) for end in socket.socketpair()]
        numbers = [file.fileno() for file in files[::2]]
    hand_off(path, PAYLOAD, numbers)
    for file in files:
        file.close()


def abuse(path, name, kept):
    """What comes before the hand-off."""
    print(f"-- before it: {name}", flush=True)
    if name in ("idle", "hang-up"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(path)
        kept.append(sock)
        if name == "hang-up":
            sock.close()
    elif name == "no-fd":
        hand_off(path, b'{"prompt":"x"}', [])
    elif name == "nul-no-fd":
        hand_off(path, b"\\0", [])
    elif name in ("not-json", "wrong-types"):
        payload = b"hello" if name == "not-json" else b'{"prompt":5,"messages":"x","model":[]}'
        own = client(path, payload)
        own.settimeout(0.4)
        read(own)
        own.close()
    elif name in ("gone", "reset", "half-closed", "leaves", "never-reads"):
        own = client(path, PAYLOAD)
        own.settimeout(0.4)
        if name == "reset":
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif name == "half-closed":
            own.shutdown(socket.SHUT_WR)
            read(own)
        elif name == "leaves":
            read(own, 1)
        elif name == "never-reads":
            time.sleep(0.4)
        own.close()
    elif name in ("dead-upstream", "silent-upstream"):
        print("-- (that needs a second upstream: see replayfuzz replay)", flush=True)
    else:
        other(path, name)


def say(data):
    """Bytes as they are, where a terminal can show them."""
    print(data.decode("latin-1").encode("ascii", "backslashreplace").decode(), flush=True)


def show(path):
    """Hand a client over as the finding says, and print what it gets."""
    kept = []
    for name in HANDED["before"]:
        abuse(path, name, kept)
    clients = [client(path, PAYLOAD, HANDED["pair"])]
    if HANDED["beside"]:
        time.sleep(0.05)  # where the stream pauses, the others come then
    clients += [client(path, PAYLOAD) for _ in range(HANDED["beside"])]
    for number, own in enumerate(clients):
        data, ending = read(own, HANDED["leaves"] if number == 0 else None)
        own.close()
        print(f"-- client {number + 1} gets {len(data)} bytes, then: {ending}", flush=True)
        say(data)
        if number == 0 and HANDED["leaves"] is not None:
            told = "is" if open_requests(2) else "is not"
            print(f"-- 2 seconds after the client left, its upstream request {told} still open")
    told_upstream()


def told_upstream():
    """The heads of the upstream requests, where the upstream speaks HTTP/1.1."""
    for head in asked:
        print("-- upstream request:", flush=True)
        say(head[:4000])


def open_requests(seconds):
    """Upstream requests that are still under way after so long."""
    deadline = time.monotonic() + seconds
    while serving and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(serving)


def run(port):
    """Start the daemon, show it the finding, and end it."""
    url = f"http://127.0.0.1:{port}"
    folder = tempfile.mkdtemp(prefix="replayfuzz-")
    path = os.path.join(folder, "s")
    command = START.replace("{upstream}", url).replace("{socket}", path)
    daemon = subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while not os.path.exists(path) and daemon.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        try:
            show(path)
        except OSError as error:
            print(f"-- the daemon does not take clients any more: {error}", flush=True)
        time.sleep(0.2)
        status = daemon.poll()
        lives = status is None
        print("-- the daemon lives on" if lives else f"-- the daemon ended with status {status}")
    finally:
        try:
            os.killpg(daemon.pid, signal.SIGKILL)
        except OSError:
            pass
        daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    options = argparse.ArgumentParser(description="Serve the stream of a replayfuzz finding.")
    options.add_argument("socket", nargs="?", help="of the daemon: hand a client over to it")
    options.add_argument("--port", type=int, default=PORT, help=f"of the upstream (default {PORT})")
    options.add_argument("--run", action="store_true", help="start the daemon too, and end it")
    given = options.parse_args()
    try:
        port = listen(0 if given.run else given.port)
    except OSError as error:
        sys.exit(f"port {given.port}: {error.strerror}; choose another one with --port")
    url = f"http://127.0.0.1:{port}"
    print(ABOUT, flush=True)
    if given.run:
        return run(port)
    if given.socket:
        return show(given.socket)
    print(f"Serving on {url} until Ctrl-C. To see it at once: python3 repro.py --run", flush=True)
    command = START.replace("{upstream}", url).replace("{socket}", OWN)
    print(f"By hand: start the daemon so that it calls {url}\\n\\n  {command}\\n")
    print(f"end this program, and hand a client over: python3 repro.py --port {port} {OWN}")
    sys.stdout.flush()
    stay()


if __name__ == "__main__":
    main()
'''
