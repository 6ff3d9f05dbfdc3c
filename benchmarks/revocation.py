"""How long after logout-all's answer a token is still let in somewhere: run by hand against a running suite.

    GATEWAY_URL=http://127.0.0.1:8080 ROUNDS=100 CONNECTIONS=16 python3 benchmarks/revocation.py

Needs nothing but Python. Each round signs in, polls GET /users/me over all connections, ends every session, and takes
the time until the last connection was refused. Connections are kept open, so each stays with one gateway worker.
"""

import http.client
import json
import os
import platform
import re
import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GATEWAY = urlsplit(os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080"))
ROUNDS = int(os.environ.get("ROUNDS", "100"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "16"))
API = "/api/v1"
#: What is measured is no finer than this; polling without a pause would measure the load that it makes.
POLL_SECONDS = 0.005
GIVE_UP_SECONDS = 30.0


class Surprise(Exception):
    """The suite answered something else than was expected."""


class Client:
    """One connection to the gateway, kept open."""

    def __init__(self) -> None:
        self._connection = http.client.HTTPConnection(GATEWAY.hostname or "", GATEWAY.port or 80, timeout=30)

    @property
    def port(self) -> int:
        return int(self._connection.sock.getsockname()[1])

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._connection.request(method, API + path, json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def expect(self, status: int, method: str, path: str, body: Any = None, token: str = "") -> Any:
        got, content = self.call(method, path, body, token)
        if got != status:
            raise Surprise(f"{method} {path}: expected {status}, got {got} {content.get('code')}")
        return content["data"]

    def refused_at(self, token: str) -> float:
        """Use the token until it is refused; when that was. Raises Surprise if it is let in again afterwards."""
        deadline = time.perf_counter() + GIVE_UP_SECONDS
        while self.call("GET", "/users/me", token=token)[0] == 200:
            if time.perf_counter() > deadline:
                raise Surprise(f"still let in after {GIVE_UP_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        at = time.perf_counter()
        for _ in range(5):
            status, content = self.call("GET", "/users/me", token=token)
            if (status, content.get("code")) != (401, "TOKEN_REVOKED"):
                raise Surprise(f"after a refusal: {status} {content.get('code')}")
        return at


def one_round(clients: Sequence[Client], account: dict[str, str], pool: ThreadPoolExecutor) -> float:
    """Seconds from logout-all's answer until the last connection was refused."""
    ending = Client()
    token = ending.expect(200, "POST", "/auth/login", account)["accessToken"]
    # side by side, so that connections which are opened here spread over the workers
    list(pool.map(lambda client: client.expect(200, "GET", "/users/me", token=token), clients))
    refusals = [pool.submit(client.refused_at, token) for client in clients]
    ending.expect(200, "POST", "/auth/logout-all", token=token)
    answered_at = time.perf_counter()
    # news may be quicker than the answer
    return max(0.0, max(refusal.result() for refusal in refusals) - answered_at)


def processes_behind(clients: Sequence[Client]) -> str:
    """How many processes hold the other ends, as far as this machine's /proc tells."""
    ours = {client.port for client in clients}
    held = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            columns = row.split()
            if int(columns[2].rpartition(":")[2], 16) in ours:
                held.add(f"socket:[{columns[9]}]")
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) in held:
                found.add(link.parts[2])
        except OSError:
            continue  # ended, or another user's
    return str(len(found)) if found else "an unknown number of"


def main() -> None:
    account = {"email": f"bench-{secrets.token_hex(8)}@clinic.example", "password": secrets.token_urlsafe(18)}
    Client().expect(201, "POST", "/auth/signup", {**account, "name": "Bench Mark"})
    clients = [Client() for _ in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        one_round(clients, account, pool)  # opens the connections
        behind = processes_behind(clients)
        seconds = sorted(one_round(clients, account, pool) for _ in range(ROUNDS))
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"{os.cpu_count()} x {model[1] if model else platform.machine()}, Python {platform.python_version()}")
    print(f"{ROUNDS} rounds over {CONNECTIONS} connections to {behind} processes")
    print("from logout-all's answer until every connection was refused:")
    for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        print(f"  {name} {seconds[max(0, round(share * ROUNDS) - 1)] * 1000:7.1f} ms")


if __name__ == "__main__":
    try:
        main()
    except (Surprise, OSError) as error:
        sys.exit(f"revocation: {error}")
