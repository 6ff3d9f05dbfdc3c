"""The suite in containers, for who runs docker compose by a program: it looks, waits, and replaces without a gap."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from devkit import say
from devkit.layout import ROOT, SERVICES
from devkit.waiting import holds_within

#: For new containers to be healthy: a check comes every 10 s, and a machine may be busy.
_PATIENCE = 300.0
#: So many restarts, and it will not do.
_HOPELESS = 3
#: For old ones to finish what they have; docker-compose.yml gives each as much.
_GRACE_SECONDS = 40
#: Kinds of process that are replaced before the web: they then understand what it writes.
_BEHIND = ("consumer", "relay", "worker", "beat")


@cache
def program() -> tuple[str, ...]:
    """`docker compose`, or the older `docker-compose`. Raises Failure if there is neither."""
    if shutil.which("docker") and _succeeds("docker", "compose", "version"):
        return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise say.Failure("docker compose is not installed")


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def parts_of(service: str, known: Sequence[str]) -> list[list[str]]:
    """The compose services that run a service's image: those that are replaced together, one group after another."""
    if service == "gateway":
        return [["gateway"]]
    name = service.removesuffix("-service")
    behind = [part for kind in _BEHIND if (part := f"{name}-{kind}") in known]
    return [behind, [f"{name}-service"]]


@dataclass(frozen=True)
class Project:
    """One project of docker compose: the checkout's own, or one under another name with files and variables besides."""

    name: str = ""
    files: Sequence[Path] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, capture: bool = False, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of docker compose. Raises Failure, with what it said, unless it succeeds."""
        options = ["-p", self.name] if self.name else []
        options += [part for file in self.files for part in ("-f", str(file))]
        done = subprocess.run(
            [*program(), *options, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.variables},
            capture_output=capture,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            said = f": {done.stderr[-2000:]}" if capture else ""
            raise say.Failure(f"docker compose {' '.join(arguments)} failed{said}")
        return done

    def services(self) -> list[str]:
        return self.run("config", "--services", capture=True).stdout.split()

    def containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        listed = self.run("ps", "-q", service, capture=True).stdout.split()
        # some versions list those that have ended, too
        running = set(docker("ps", "-q", "--no-trunc").split())
        return [one for one in listed if one in running]

    def scale(self, service: str, number: int) -> None:
        """Have so many containers of a service; none that runs is replaced."""
        kept = ("--no-deps", "--no-build", "--no-recreate")
        self.run("up", "-d", *kept, "--scale", f"{service}={number}", service, capture=True)

    def wait_until_healthy(self, containers: Sequence[str]) -> None:
        """Raises Failure, with what it said, for the first that keeps ending, or is not healthy in time."""
        waiting = list(containers)

        def settled() -> bool:
            waiting[:] = [one for one in waiting if health(one) != "healthy"]
            return not waiting or any(restarts(one) >= _HOPELESS for one in waiting)

        holds_within(_PATIENCE, settled, every=0.5)
        if waiting:
            sick = max(waiting, key=restarts)
            said = docker("logs", "--tail", "15", sick, errors=True)
            raise say.Failure(
                f"{docker('inspect', '-f', '{{.Name}}', sick).strip()} is {health(sick)}; it said:\n{said}"
            )

    def roll(self, service: str) -> None:
        """Replace each container of a service by one of its present image: new ones first, then the old ones go."""
        known = self.services()
        if (migrate := f"{service.removesuffix('-service')}-migrate") in known:
            self.run("run", "--rm", "-T", "--no-deps", migrate, capture=True)
        for parts in parts_of(service, known):
            self._roll(parts)

    def _roll(self, parts: Sequence[str]) -> None:
        old = {part: self.containers(part) for part in parts}
        new: list[str] = []
        try:
            for part in parts:
                self.scale(part, 2 * len(old[part]))
                new += [one for one in self.containers(part) if one not in old[part]]
            self.wait_until_healthy(new)
        except say.Failure:
            if new:
                docker("rm", "--force", "--volumes", *new)
            say.error(f"{', '.join(parts)}: the new ones are removed, the old ones work on")
            raise
        gone = [one for containers in old.values() for one in containers]
        docker("stop", "-t", str(_GRACE_SECONDS), *gone)
        docker("rm", "--volumes", *gone)
        for part in parts:
            say.line(f"  ok {part}: {len(old[part])} replaced")


def roll(service: str) -> None:
    """`make compose-roll`: the checkout's project, a service by its name or its folder's."""
    known = {name for one in SERVICES for name in (one.name, one.folder_name)}
    if service not in known:
        raise say.Failure(f"no service is named {service}; there is: {', '.join(one.folder_name for one in SERVICES)}")
    Project().roll(service)


def docker(*arguments: str, errors: bool = False) -> str:
    """What one command of docker printed, on stderr too if asked for. Raises Failure unless it succeeds."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise say.Failure(f"docker {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout + (done.stderr if errors else "")


def health(container: str) -> str:
    """starting, healthy, unhealthy, or what the container's state is."""
    state = "{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}"
    return docker("inspect", "-f", state, container).strip()


def restarts(container: str) -> int:
    return int(docker("inspect", "-f", "{{.RestartCount}}", container))
