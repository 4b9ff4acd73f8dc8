"""huggingface-hub 2.4.0 (sync, async) breaks role-equal: The caller sees the role of the message as it was sent.

Written by replayfuzz (role-equal-bom-3c8406). Standard library only.
"""

import argparse
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

ABOUT = 'huggingface-hub 2.4.0 (sync, async) breaks role-equal: The caller sees the role of the message as it was sent.\nsource:   https://platform.openai.com/docs/api-reference/chat-streaming, choices[].delta.role; https://docs.anthropic.com/en/api/messages-streaming, message_start.message.role; https://github.com/ollama/ollama/blob/main/docs/api.md, message.role\nbend:     byte order mark first\nbecause:  WHATWG HTML 9.2.6, Interpreting an event stream: "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any"\nexpected: role: "assistant"\nobserved: role: none'
REQUIRES = ''
SNIPPET = 'import sys\nimport urllib.request\n\nrequest = urllib.request.Request(sys.argv[1], data=b"{}", method="POST")\nwith urllib.request.urlopen(request, timeout=5) as response:\n    print(response.status, dict(response.headers))\n    while piece := response.read1():\n        print(ascii(piece))\nprint("complete")\n'
STEPS = [
    ('send', b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nopenai-version: 2020-10-01\r\nServer: cloudflare\r\nTransfer-Encoding: chunked\r\n\r\nd4\r\n\xef\xbb\xbfdata: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\ndata: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n\r\n0\r\n\r\n'),
    ('close', 'keep'),
]

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


def read_request(connection):
    """Read one request; True when there was one."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return False
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    asked.append(head)
    fields = head.lower()
    length = re.search(rb"\ncontent-length:\s*(\d+)", fields)
    chunked = re.search(rb"\ntransfer-encoding:[^\n]*chunked", fields)
    while len(body) < int(length[1] if length else 0) or (
        chunked and not body.endswith(b"0\r\n\r\n")
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
    print(f"By hand, with {url} as the argument of this program:\n\n{SNIPPET}", flush=True)
    stay()


if __name__ == "__main__":
    main()
