"""The server whose streams the files beside it hold. See README.md.

``python server.py PORT``: text/event-stream at …/chat/completions (below ``/gzip``: compressed, with a
sync flush after each event), NDJSON at …/api/chat, JSON elsewhere. Ends when its standard input does.
"""

import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DELTAS = ("Grüße", " 👋🏽", " done.\\u2028")
_START = 'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m-1",'
EVENTS = [
    *(
        f'{_START}"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}\n\n'
        for text in _DELTAS
    ),
    f'{_START}"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}\n\n',
    "data: [DONE]\n\n",
]
LINES = [
    '{"model":"m-1","message":{"role":"assistant","content":"Grüße"},"done":false}\n',
    '{"model":"m-1","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}\n',
]


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if path.endswith("/chat/completions"):
            self.stream("text/event-stream; charset=utf-8", EVENTS, path.startswith("/gzip"))
        elif path.endswith("/api/chat"):
            self.stream("application/x-ndjson", LINES, False)
        else:
            self.stream("application/json", ['{"object":"list","data":[]}'], False)

    def do_GET(self):
        self.do_POST()

    def stream(self, kind, pieces, coded):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        if coded:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        press = zlib.compressobj(9, zlib.DEFLATED, 31)
        for piece in pieces:
            data = piece.encode()
            if coded:
                data = press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH)
            self.chunk(data)
        if coded:
            self.chunk(press.flush())
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()
