"""The fixed text of repro.py: Python from 3.9 on, standard library only, ASCII.

``STEPS``, ``ABOUT``, ``REQUIRES`` and ``SNIPPET`` stand above it. A server is ``SHARED``, one
of ``HTTP1`` and ``HTTP2``, ``LISTEN``, and ``MAIN``; that of a daemon ends in ``handover.MAIN``.
"""

IMPORTS = """import argparse
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
"""

SHARED = '''
asked = []


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
'''

HTTP1 = '''

def read_request(connection):
    """Read one request; True when there was one."""
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return False
        data += piece
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    asked.append(head)
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
'''

HTTP2 = '''

def frame(kind, flags, stream, payload):
    """One frame (RFC 9113 section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def exactly(connection, size):
    """The next *size* bytes."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError("the peer left")
        data += piece
    return data


def play(connection):
    """Answer requests on one connection with STEPS: HTTP/2 with prior knowledge, no TLS."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    exactly(connection, len(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n"))
    connection.sendall(frame(4, 0, 0, b""))
    while True:
        head = exactly(connection, 9)
        size = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = exactly(connection, size)
        if kind in (4, 6) and not flags & 1:  # SETTINGS, PING: acknowledge
            connection.sendall(frame(kind, 1, 0, payload if kind == 6 else b""))
        if kind == 0 and size:  # DATA: let more come
            connection.sendall(frame(8, 0, 0, struct.pack(">I", size)))
            if not flags & 1:
                connection.sendall(frame(8, 0, stream, struct.pack(">I", size)))
        if kind in (0, 1) and flags & 1 and not respond(connection, stream):
            return


def respond(connection, stream):
    """Perform STEPS on one stream; False: the connection is done with."""
    waiting = b""
    for step, value in STEPS:
        if step == "frame":
            kind, flags, payload, cuts, stop = value
            if kind == 7:  # GOAWAY begins with the last stream, and is on none
                coded = frame(kind, flags, 0, struct.pack(">I", stream) + payload)
            else:
                coded = frame(kind, flags, stream, payload)[:stop]
            for start, end in zip((0, *cuts), cuts):
                send(connection, waiting + coded[start:end])
                waiting = b""
            waiting += coded[cuts[-1] if cuts else 0 :]
            continue
        send(connection, waiting)
        waiting = b""
        if step == "wait":
            time.sleep(value)
        elif value == "open":
            while connection.recv(65536):
                pass
            return False
        elif value != "keep":
            until_read(connection)
            if value == "reset":
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return False
            connection.shutdown(socket.SHUT_WR)  # a close with unread frames would be a reset
            connection.settimeout(2)
            while connection.recv(65536):
                pass
            return False
    return True


def send(connection, segment):
    """Send bytes that the peer is to read on their own."""
    if segment:
        until_read(connection)
        connection.sendall(segment)
'''

LISTEN = '''

serving = set()


def answer(connection):
    serving.add(connection)
    with connection:
        try:
            play(connection)
        except OSError:
            pass  # the peer left: its right
    serving.discard(connection)


def listen(port):
    """Serve in a thread; returns the port."""
    listener = socket.create_server(("127.0.0.1", port))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def stay():
    """Serve until Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
'''

MAIN = """

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
    stay()


if __name__ == "__main__":
    main()
"""

TOO_LONG = """

def main():
    print(ABOUT)
    print("A stream of this size needs HTTP/2 flow control, which this file does not speak. Run:")
    print("replayfuzz replay", os.path.dirname(os.path.abspath(__file__)))


if __name__ == "__main__":
    main()
"""
