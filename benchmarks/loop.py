"""A closed loop of requests: each connection sends its next as soon as the last is answered.

``python -m benchmarks.loop`` reads {host, port, clients, seconds, once, requests} as JSON and writes what came of it.
A process of its own on one epoll loop over raw sockets, so that it takes little of the cores that it shares.
"""

import json
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

_PATIENCE_SECONDS = 60


class _Connection:
    """One client."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = self._opened()
        self.began = 0.0
        self.got = b""

    def _opened(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self, message: bytes) -> None:
        self.began, self.got = time.perf_counter(), b""
        self.socket.sendall(message)

    def hear(self) -> bool:
        """Whether the whole answer is there now. Raises ConnectionError if it never will be."""
        piece = self.socket.recv(262_144)
        if not piece:
            raise ConnectionResetError
        self.got += piece
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return False
        at = head.lower().index(b"\r\ncontent-length:") + len(b"\r\ncontent-length:")
        return len(body) >= int(head[at:].split(b"\r\n", 1)[0])

    def again(self) -> None:
        self.socket.close()
        self.socket = self._opened()


def run(port: int, requests: Sequence[bytes], clients: int, seconds: float, once: bool) -> dict[str, Any]:
    """{took: [seconds], refused: answers that were no 2xx, broken: connections lost, seconds: of the whole}."""
    left: Iterator[bytes] = iter(requests) if once else cycle(requests)
    connections = [_Connection(port) for _ in range(clients)]
    poll = select.epoll()
    by_number: dict[int, _Connection] = {}
    took: list[float] = []
    refused = broken = 0
    began = time.perf_counter()

    def next_of(connection: _Connection) -> None:
        message = next(left, None)
        if message is None or (not once and time.perf_counter() - began > seconds):
            return
        by_number[connection.socket.fileno()] = connection
        connection.ask(message)

    for connection in connections:
        poll.register(connection.socket, select.EPOLLIN)
        next_of(connection)
    while by_number:
        ready = poll.poll(_PATIENCE_SECONDS)
        if not ready:
            raise TimeoutError(f"{len(by_number)} requests without an answer for {_PATIENCE_SECONDS} s")
        for number, _ in ready:
            if number not in by_number:
                continue
            connection = by_number[number]
            try:
                if not connection.hear():
                    continue
                took.append(time.perf_counter() - connection.began)
                refused += not connection.got.startswith(b"HTTP/1.1 2")
            except ConnectionError:
                broken += 1
                poll.unregister(number)
                connection.again()
                poll.register(connection.socket, select.EPOLLIN)
            del by_number[number]
            next_of(connection)
    return {"took": took, "refused": refused, "broken": broken, "seconds": time.perf_counter() - began}


def main() -> None:
    asked = json.load(sys.stdin)
    requests = [request.encode() for request in asked["requests"]]
    told = run(asked["port"], requests, asked["clients"], asked["seconds"], asked["once"])
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
