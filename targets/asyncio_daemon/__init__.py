"""A streaming daemon on asyncio: clients' sockets in, an LLM provider's stream out to them.

A web server passes a client's socket over a Unix socket (SCM_RIGHTS). The daemon asks the
provider for a chat completion and writes the whole HTTP response to that socket.

    __main__     command line, signals, the event loop
    settings     environment -> values
    listening    the Unix socket: bind, accept, receive a payload and a descriptor
    payload      bytes -> job (pure)
    serving      one hand-off from its job to its last byte
    client       the client's end: writes with back-pressure, notices that it left
    upstream     the provider's end: connects, reads, gives up
    connection   TCP, and TLS over it
    http1        HTTP/1.1 request and response (pure)
    http2        the same over HTTP/2, by the h2 package (pure)
    sse          bytes -> server-sent events (pure)
    chat         an event -> what the client is sent (pure)
    strict_json  JSON text -> value (pure)

Run it with ``python -m replayfuzz.targets.asyncio_daemon --socket PATH``.
"""
