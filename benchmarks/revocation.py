"""How long after logout-all's answer a token is still let in somewhere.

Each round signs in, polls GET /users/me over all connections, ends every session, and takes the time until the last
connection was refused. Connections are kept open, so each stays with one gateway worker.
"""

import http.client
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks.load import percentile
from benchmarks.results import Figure, Part
from benchmarks.world import World

GOAL_MS = 1000
CONNECTIONS = 16
# what is measured is no finer than this; polling without a pause would measure the load that it makes
_POLL_SECONDS = 0.005
_GIVE_UP_SECONDS = 30.0


class _Client:
    """One connection to the gateway, kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def refused_at(self, token: str) -> float:
        """Use the token until it is refused; when that was. It must not be let in again afterwards."""
        deadline = time.perf_counter() + _GIVE_UP_SECONDS
        while self.call("GET", "/users/me", token=token)[0] == 200:
            assert time.perf_counter() < deadline, f"still let in after {_GIVE_UP_SECONDS:.0f} s"
            time.sleep(_POLL_SECONDS)
        at = time.perf_counter()
        for _ in range(5):
            status, content = self.call("GET", "/users/me", token=token)
            assert (status, content.get("code")) == (401, "TOKEN_REVOKED"), content
        return at


def measure(world: World, seconds: float, rounds: int) -> Part:
    """p50 and p99 over ten rounds for each second of load."""
    del rounds
    person, url = world.patients[0], world.suite.gateway_url
    count = int(10 * seconds)
    clients = [_Client(url) for _ in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        account = {"email": person.email, "password": person.password}
        _round(url, account, clients, pool)  # opens the connections
        took = [_round(url, account, clients, pool) * 1000 for _ in range(count)]
    person.log_in().expect(200)
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    told = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, slowest {max(took):.0f} ms ({count} rounds, {CONNECTIONS} connections)"
    what = "revocation: from logout-all's answer to refusal by every worker"
    return Part("revocation", [Figure(what, f"p99 ≤ {GOAL_MS} ms", told, p99 <= GOAL_MS)])


def _round(url: str, account: dict[str, str], clients: Sequence[_Client], pool: ThreadPoolExecutor) -> float:
    """Seconds from logout-all's answer until the last connection was refused."""
    ending = _Client(url)
    status, content = ending.call("POST", "/auth/login", account)
    assert status == 200, content
    token = content["data"]["accessToken"]
    # side by side, so that connections which are opened here spread over the workers
    assert {answer[0] for answer in pool.map(lambda client: client.call("GET", "/users/me", token=token), clients)} == {
        200
    }
    refusals = [pool.submit(client.refused_at, token) for client in clients]
    assert ending.call("POST", "/auth/logout-all", token=token)[0] == 200
    answered_at = time.perf_counter()
    # news may be quicker than the answer
    return max(0.0, max(refusal.result() for refusal in refusals) - answered_at)
