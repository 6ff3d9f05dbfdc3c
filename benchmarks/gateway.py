"""The gateway beside nginx, both before user-service; and what either adds to a single request."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.beside import answers
from benchmarks.load import Load, Request, in_turn, median, put, ratio
from benchmarks.results import Figure, Part
from benchmarks.world import World
from devkit.ports import free_port
from devkit.waiting import eventually

GOAL, ADDED_MS = 0.8, 1.0
_CONF = """
daemon off; master_process on; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream service {{ server 127.0.0.1:{upstream}; keepalive 100; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


@contextmanager
def nginx(upstream: int) -> Iterator[str]:
    """The URL of an nginx that proxies a port and keeps its connections, as the gateway does."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        conf = Path(folder) / "nginx.conf"
        conf.write_text(_CONF.format(folder=folder, port=port, upstream=upstream))
        process = subprocess.Popen(["nginx", "-e", f"{folder}/error.log", "-c", str(conf)])
        url = f"http://127.0.0.1:{port}"
        try:
            eventually(lambda: answers(f"{url}/health/live"), timeout=10)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def measure(world: World, seconds: float, rounds: int) -> Part:
    """Ratio of the rates with 32 clients, and ms added at the median with one."""
    part = Part("gateway")
    port = world.port("user")
    read = [Request("GET", "/api/v1/users/me", person.tokens["accessToken"]) for person in world.patients]

    def load(url: str, clients: int) -> Load:
        return put(url, read, clients=clients, seconds=seconds)

    with nginx(port) as proxy:
        direct = f"http://127.0.0.1:{port}"
        urls = (world.suite.gateway_url, proxy, direct)
        many = in_turn(rounds, *(lambda url=url: load(url, 32) for url in urls))
        one = in_turn(rounds, *(lambda url=url: load(url, 1) for url in urls))
    share = ratio(many[0], many[1])
    added = [median(load.p50 for load in loads) - median(load.p50 for load in one[2]) for loads in one[:2]]
    rates = [median(load.rate for load in loads) for loads in many]
    part.figures = [
        Figure(
            "gateway, 32 clients, GET /users/me (token verified, revocation checked)",
            f"≥ {GOAL} × nginx",
            f"{share:.2f} × ({rates[0]:.0f}/s, nginx {rates[1]:.0f}/s, the service itself {rates[2]:.0f}/s)",
            share >= GOAL,
        ),
        Figure(
            "gateway, added at the median, one client",
            f"≤ {ADDED_MS:.0f} ms",
            f"{added[0]:.2f} ms (nginx {added[1]:.2f})",
            added[0] <= ADDED_MS,
        ),
    ]
    return part
