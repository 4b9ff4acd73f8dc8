"""The same slow streams from plain asyncio, as most would write them: one task a stream.

Arguments: events a stream, seconds between them. Prints its port. Standard library only.
"""

import asyncio
import contextlib
import resource
import sys

CHUNK = (
    b'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":0,'
    b'"model":"mock-model","choices":[{"index":0,"delta":{"content":" response"},'
    b'"finish_reason":null}]}\n\n'
)
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"x-accel-buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
)


async def serve(events: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD)
            start = loop.time()
            for number in range(events):
                # Until a point in time, not for a time, so that lateness does not add up.
                await asyncio.sleep(start + number * seconds - loop.time())
                writer.write(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
