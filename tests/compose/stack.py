"""The suite in containers, in a project of its own: its names, ports, volumes, secrets and images are no other's."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devkit import dotenv, say
from devkit.compose import Project, docker
from devkit.layout import LOCAL, ROOT
from devkit.ports import PortBlock
from tests.rolling import Suite

FILES = (ROOT / "docker-compose.yml", ROOT / "tests" / "compose" / "without-mailpit.yml")
LOG = LOCAL / "compose-test.log"
#: One for each gateway, and one for each that takes its place.
PORTS = 4

_VERSIONS = [name for name in dotenv.FOR_CONTAINERS if name.endswith("_VERSION")]
_SERVED = """
import re, urllib.request as r
text = r.urlopen("http://127.0.0.1:8000/metrics").read().decode()
lines = [l for l in text.splitlines() if l.startswith("http_requests_total{") and 'route="/api/v1' in l]
print(int(sum(float(l.split()[-1]) for l in lines)))
"""


class Stack(Suite):
    """What the tests know of the containers."""

    def __init__(self, name: str, first_port: int) -> None:
        self._ports = range(first_port, first_port + PORTS)
        self.versions = (name, f"{name}-next")
        self.settings = {
            **dotenv.fresh(),
            **dict.fromkeys(_VERSIONS, name),
            "GATEWAY_PORT": f"{self._ports[0]}-{self._ports[-1]}",
            "RATE_LIMITS": "off",
            "ACCESS_TOKEN_MINUTES": "60",
        }
        self.project = Project(name, FILES, self.settings)

    def release(self, service: str) -> None:
        """Build another image of a service; what is started from here on is of that one."""
        self.settings[f"{service.upper().replace('-', '_')}_VERSION"] = self.versions[-1]
        self.project.run("build", service, capture=True)

    @property
    def gateway_urls(self) -> list[str]:
        """Where a gateway may listen.

        By the host's address in the containers' network: connections to 127.0.0.1 are taken by a process of Docker's,
        whether or not the container takes them.
        """
        network = json.loads(docker("network", "inspect", f"{self.project.name}_edge"))[0]
        host = network["IPAM"]["Config"][0]["Gateway"]
        return [f"http://{host}:{port}" for port in self._ports]

    @property
    def gateway_url(self) -> str:
        """Where the first of the gateways listens."""
        listening = min(int(self.published(one)["8000/tcp"]) for one in self.project.containers("gateway"))
        return next(url for url in self.gateway_urls if url.endswith(f":{listening}"))

    @property
    def mongodb_uri(self) -> str:
        """As operators see it, from this host."""
        password = self.settings["MONGODB_OPERATOR_PASSWORD"]
        return f"mongodb://operator:{password}@{self.address('mongo')}:27017/?directConnection=true"

    @property
    def amqp_url(self) -> str:
        user, password = self.settings["RABBITMQ_USER"], self.settings["RABBITMQ_PASSWORD"]
        return f"amqp://{user}:{password}@{self.address('rabbitmq')}:5672/%2F"

    def address(self, service: str) -> str:
        """A container's address in the network of the databases."""
        networks = self.looked_at(self.project.containers(service)[0])["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project.name}_data"]["IPAddress"])

    def looked_at(self, container: str) -> Any:
        return json.loads(docker("inspect", container))[0]

    def published(self, container: str) -> dict[str, str]:
        """{port in the container: port of the host}"""
        ports = self.looked_at(container)["NetworkSettings"]["Ports"]
        return {inside: bound[0]["HostPort"] for inside, bound in ports.items() if bound}

    def served(self, container: str) -> int:
        """How many requests a web process has answered."""
        return int(docker("exec", container, "python", "-c", _SERVED))

    def kill(self, container: str) -> None:
        """End every process in it at once (kill -9), as an accident would: its restart policy brings it back."""
        subprocess.run(["docker", "exec", container, "bash", "-c", "kill -9 -1"], capture_output=True, check=False)

    def running(self) -> dict[str, list[str]]:
        """The containers of each service that runs any."""
        label = "com.docker.compose"
        shown = f'{{{{.Label "{label}.service"}}}} {{{{.ID}}}}'
        listed = docker("ps", "--no-trunc", "--filter", f"label={label}.project={self.project.name}", "--format", shown)
        found: dict[str, list[str]] = {}
        for name, container in map(str.split, listed.splitlines()):
            found.setdefault(name, []).append(container)
        return found


@contextmanager
def running() -> Iterator[Stack]:
    """Build everything, start it, and remove it again, images and volumes included."""
    if script := os.environ.get("BASE_IMAGES"):
        say.line("building the base images")
        subprocess.run([script], check=True)
    ports = PortBlock.take()
    stack = Stack(f"suite-{secrets.token_hex(4)}", ports.start)
    try:
        stack.project.run("build", capture=True)
        stack.project.run("up", "-d", capture=True)
        stack.project.wait_until_healthy([one for containers in stack.running().values() for one in containers])
        yield stack
    except Exception:
        LOG.write_text(stack.project.run("logs", "--no-color", "--timestamps", capture=True, check=False).stdout)
        say.line(f"what the containers logged: {LOG}")
        raise
    finally:
        stack.project.run("down", "--volumes", "--remove-orphans", "--timeout", "5", capture=True, check=False)
        for version in stack.versions:
            if made := docker("images", "-q", "--filter", f"label=org.opencontainers.image.version={version}").split():
                docker("rmi", "--force", *dict.fromkeys(made))
        ports.release()
