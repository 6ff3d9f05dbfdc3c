"""The addresses of one service: whose turn it is, and who is left alone for a while."""

import socket
import time
from collections import Counter

import gevent

Address = tuple[str, int]

_RESOLVED_FOR_SECONDS = 5.0
_RESOLVED_ANEW_AFTER_SECONDS = 0.5
AVOIDED_FOR_SECONDS = 5.0

SILENT_AFTER = 5
"""So many calls in a row that got no answer in their time: the address is one that only costs time."""

_TRIED_EVERY_SECONDS = 1.0

_NEWCOMER_ASKED_FOR_SECONDS = 10.0
_NEWCOMER_ASKED_EVERY_SECONDS = 0.5


class Addresses:
    """What one service's name stands for. A name that stands for several addresses serves them evenly."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: list[Address] = []
        self._resolved_at = float("-inf")
        self._is_doubtful = False
        self._newcomers: set[Address] = set()
        self._turn = 0
        self._failed_at: dict[Address, float] = {}
        self._silences: Counter[Address] = Counter()
        self._tried_at: dict[Address, float] = {}
        self.under_way: Counter[Address] = Counter()

    def in_turn(self) -> list[Address]:
        """In the order to try them: who has the least to do first, each in its turn, who failed lately last.

        Who joined the others comes after them until it has answered: it listens seconds before it has loaded.

        Circuits that are open are left out, but for one trial a second: the list may be empty. Raises OSError if the
        name can not be resolved: a container that is replaced has none meanwhile.
        """
        now = time.monotonic()
        if now - self._resolved_at > (_RESOLVED_ANEW_AFTER_SECONDS if self._is_doubtful else _RESOLVED_FOR_SECONDS):
            self._resolve(now)
        self._turn += 1
        start = self._turn % len(self._known)
        order = self._known[start:] + self._known[:start]
        if len(order) > 1:
            # one that stands still gathers what it was given, and gets no more
            order.sort(key=self.under_way.__getitem__)
        if self._failed_at:
            self._failed_at = {at: when for at, when in self._failed_at.items() if now - when < AVOIDED_FOR_SECONDS}
            order.sort(key=self._failed_at.__contains__)
        if self._newcomers:
            order.sort(key=self._newcomers.__contains__)
        if self._silences:
            order = [address for address in order if not self._is_open(address, now)]
        return order

    def known(self) -> list[Address]:
        return self._known

    def refused(self, address: Address) -> None:
        """It took no connection: the name may not stand for it any more."""
        self._failed_at[address] = time.monotonic()
        self._is_doubtful = True

    def silent(self, address: Address) -> None:
        """It was asked, and its time passed without an answer."""
        self._silences[address] += 1
        self._tried_at[address] = time.monotonic()

    def answered(self, address: Address) -> None:
        if self._silences:
            self._silences.pop(address, None)

    def _is_open(self, address: Address, now: float) -> bool:
        if self._silences[address] < SILENT_AFTER:
            return False
        if now - self._tried_at[address] < _TRIED_EVERY_SECONDS:
            return True
        self._tried_at[address] = now
        return False

    def _resolve(self, now: float) -> None:
        before = self._resolved_at
        if self._known:
            # one asks; who comes meanwhile takes what was known
            self._resolved_at = now
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError:
            self._resolved_at = before
            raise
        known = list(dict.fromkeys((str(item[4][0]), self._port) for item in found))
        joined = set(known).difference(self._known) if self._known else set()
        self._known = known
        self._resolved_at = now
        self._is_doubtful = False
        self._newcomers.intersection_update(known)
        for address in joined - self._newcomers:
            self._newcomers.add(address)
            gevent.spawn(self._await_answer, address)

    def _await_answer(self, address: Address) -> None:
        while address in self._newcomers and not _answers(address, self._host):
            gevent.sleep(_NEWCOMER_ASKED_EVERY_SECONDS)
        self._newcomers.discard(address)


def _answers(address: Address, host: str) -> bool:
    """Whether somebody speaks HTTP there, whatever the answer is."""
    try:
        with socket.create_connection(address, _NEWCOMER_ASKED_FOR_SECONDS) as connection:
            connection.sendall(f"GET /health/live HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False
