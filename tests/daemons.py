"""A user's own daemon, small: what it takes to be one, and ways in which it can be wrong."""

import textwrap

PROGRAM = """
import array, http.client, json, os, socket, sys, time
from urllib.parse import urlsplit

FLAW = os.environ.get("FLAW", "")
HEAD = (b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n"
        b"Cache-Control: no-cache\\r\\nConnection: close\\r\\n\\r\\n")

def say(client, value):
    client.sendall(b"data: " + json.dumps(value).encode() + b"\\n\\n")

def refuse(client, status, message):
    body = json.dumps({"error": message}).encode()
    client.sendall(b"HTTP/1.1 %d No\\r\\nContent-Type: application/json\\r\\n"
                   b"Connection: close\\r\\n\\r\\n" % status + body)

def relay(client, answer):
    client.sendall(HEAD)
    try:
        for line in answer:
            text = line.decode("latin-1" if FLAW == "latin-1" else "utf-8").strip()
            if not text.startswith("data:"):
                continue
            if text == "data: [DONE]":
                return client.sendall(b"data: [DONE]\\n\\n")
            chunk = json.loads(text[5:])
            if chunk.get("error"):
                return say(client, {"error": chunk["error"]["message"]})
            content = chunk["choices"][0]["delta"].get("content")
            if content:
                say(client, {"content": content})
    except (OSError, http.client.HTTPException):
        pass
    if FLAW == "hides":
        return client.sendall(b"data: [DONE]\\n\\n")
    say(client, {"error": "the upstream broke off"})

def serve(client, payload):
    try:
        asked = json.loads(payload) if payload.strip(b"\\0") else {}
    except ValueError:
        return refuse(client, 400, "the payload is no JSON")
    base = urlsplit(os.environ["BASE"])
    upstream = http.client.HTTPConnection(base.hostname, base.port, timeout=20)
    messages = asked.get("messages") or [{"role": "user", "content": asked.get("prompt", "Hello")}]
    fields = {"Content-Type": "application/json"}
    if "test_pattern" in asked and FLAW != "forgets":
        fields["X-Test-Pattern"] = asked["test_pattern"]
    body = json.dumps({"model": "m", "stream": True, "messages": messages})
    upstream.request("POST", base.path + "/chat/completions", body, fields)
    answer = upstream.getresponse()
    if FLAW == "crashes" and asked.get("test_pattern") == "short":
        print("cannot go on", file=sys.stderr, flush=True)
        os._exit(3)
    if FLAW == "hangs" and asked.get("test_pattern") == "short":
        time.sleep(3600)
    if answer.status != 200:
        try:
            told = json.loads(answer.read())["error"]["message"]
        except ValueError:
            told = "no stream"
        return refuse(client, answer.status if answer.status >= 400 else 502, told)
    relay(client, answer)

def main(path):
    if FLAW == "exits":
        sys.exit("no configuration")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(64)
    while True:
        peer, _ = listener.accept()
        payload, ancillary, _, _ = peer.recvmsg(1 << 20, 1024)
        fds = array.array("i")
        for _, _, data in ancillary:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        peer.close()
        for fd in fds[1:]:
            os.close(fd)
        if fds:
            with socket.socket(fileno=fds[0]) as client:
                serve(client, payload)

main(sys.argv[1])
"""


def own_daemon(folder, *, name="own", flaw="", more="", top=""):
    """A daemon's declaration in *folder*, and its program beside it; returns the declaration."""
    (folder / f"{name}.py").write_text(PROGRAM)
    file = folder / f"{name}.toml"
    file.write_text(
        textwrap.dedent(
            f"""\
            [target]
            name = "{name}"
            kind = "daemon"
            dialects = ["openai.chat"]
            command = ["{{python}}", "-S", "{{here}}/{name}.py", "{{socket}}"]
            {top}
            [target.daemon]
            payload = ["prompt", "messages", "test_pattern"]
            fields = {{Content-Type = "text/event-stream", Cache-Control = "no-cache"}}
            environment = {{BASE = "{{upstream}}/v1", FLAW = "{flaw}"}}
            """
        )
        + more
    )
    return file
