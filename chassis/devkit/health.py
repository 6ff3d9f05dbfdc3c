"""Whether a process does its work, asked from outside, each kind in its own way."""

import http.client
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devkit import mongod, rabbitmq

#: Touched every 2 s by a process that is well.
_STALE_AFTER = 15.0

Kind = Literal["http", "heartbeat", "tcp", "amqp", "mongodb"]


@dataclass(frozen=True)
class Check:
    kind: Kind
    port: int = 0
    file: str = ""
    #: Of a MongoDB server: without other members it must be the primary.
    alone: bool = True

    def passes(self) -> bool:
        if self.kind == "http":
            return _is_ready(self.port)
        if self.kind == "heartbeat":
            return _beats(Path(self.file))
        if self.kind == "amqp":
            return rabbitmq.answers(self.port)
        if self.kind == "mongodb":
            return mongod.is_primary(self.port) if self.alone else mongod.is_member(self.port)
        return _listens(self.port)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _beats(file: Path) -> bool:
    # The launcher removes the file of an earlier life, so one that is there was touched by this process.
    try:
        return time.time() - file.stat().st_mtime < _STALE_AFTER
    except FileNotFoundError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
