"""A process that reads streams and tells how many bytes each recv() gave: the judge of fidelity.

Arguments: address (a port or a path), number of streams, behaviour between two reads (idle, burn,
sleep). Prints ``[[length, …], …]``. Standard library only: it stands for any client.
"""

import json
import selectors
import socket
import sys
import time

BURN, SLEEP = 200e-6, 1e-3  # seconds after each read


def between(behaviour: str) -> None:
    if behaviour == "burn":
        end = time.perf_counter() + BURN
        while time.perf_counter() < end:
            pass
    elif behaviour == "sleep":
        time.sleep(SLEEP)


def main(address: str, streams: int, behaviour: str) -> None:
    unix = not address.isdigit()
    seen: dict[socket.socket, list[int]] = {}
    ready = selectors.DefaultSelector()
    for _ in range(streams):
        sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        sock.connect(address if unix else ("127.0.0.1", int(address)))
        ready.register(sock, selectors.EVENT_READ)
        seen[sock] = []
    while ready.get_map():
        for key, _ in ready.select():
            sock = key.fileobj
            data = sock.recv(65536)
            if data:
                seen[sock].append(len(data))
                between(behaviour)
            else:
                ready.unregister(sock)
                sock.close()
    print(json.dumps(list(seen.values())))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
