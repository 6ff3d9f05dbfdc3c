"""The local RabbitMQ: installed from the distribution, started apart from anything else on the machine."""

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devkit import debian, say
from devkit.recipes import Recipe, base_environment

_OLDEST = (3, 10)
#: Not the wrapper in /usr/sbin, which insists on the packaged service's user and folders.
_SERVERS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/lib/rabbitmq/bin/rabbitmq-server")


def ensure_installed() -> None:
    if _find() is None or shutil.which("epmd") is None:
        debian.install("rabbitmq-server", because="RabbitMQ is not installed")
    version = _version()
    if version is not None and version < _OLDEST:
        raise say.Failure(f"RabbitMQ {version[0]}.{version[1]} is too old: 3.10 or newer is needed (quorum queues)")


def _find() -> str | None:
    return next((server for server in _SERVERS if os.access(server, os.X_OK)), None)


def _version() -> tuple[int, int] | None:
    found = [re.search(r"rabbitmq_server-(\d+)\.(\d+)", path.name) for path in Path("/usr/lib/rabbitmq/lib").glob("*")]
    return max(((int(match[1]), int(match[2])) for match in found if match), default=None)


@dataclass(frozen=True)
class Broker:
    """One broker with its own name, port mapper, data and virtual hosts."""

    folder: Path
    port: int
    epmd_port: int
    dist_port: int
    user: str
    password: str
    vhosts: tuple[str, ...]

    def url(self, vhost: str) -> str:
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"amqp://{login}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    def epmd_recipe(self, *, dies_with: int = 0, instance: str = "") -> Recipe:
        # In the foreground and ours, for one that Erlang starts by itself would outlive everything.
        argv = [shutil.which("epmd") or "/usr/bin/epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1"]
        env = {**base_environment(), "SUITE_INSTANCE": instance}
        self.folder.mkdir(parents=True, exist_ok=True)
        return Recipe(argv, str(self.folder), env, dies_with=dies_with)

    def recipe(self, *, dies_with: int = 0, instance: str = "") -> Recipe:
        self._configure()
        here = str(self.folder)
        env = {
            **base_environment(),
            "SUITE_INSTANCE": instance,
            "HOME": here,
            "ERL_CRASH_DUMP": "/dev/null",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": f"{here}/mnesia",
            # The data is kept under the node's name: it must be the same for the same folder, and no one else's.
            "RABBITMQ_NODENAME": f"suite-{hashlib.sha256(here.encode()).hexdigest()[:8]}@localhost",
            "RABBITMQ_PID_FILE": f"{here}/pid",
            # No busy waiting: two dozen processes share the developer's cores.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false +sbwt none +sbwtdcpu none +sbwtdio none",
            # Makes the start script become the server instead of staying as its parent, so that a kill hits the server.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return Recipe([_find() or _SERVERS[0]], here, env, dies_with=dies_with)

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        definitions = self.folder / "definitions.json"
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            "load_definitions": str(definitions),
            "log.console": "true",
            "log.console.level": "warning",
            "log.file": "false",
            # The default write-ahead log takes half a gigabyte of disk before the first message.
            "raft.wal_max_size_bytes": "67108864",
        }
        (self.folder / "rabbitmq.conf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        (self.folder / "enabled_plugins").write_text("[].\n")
        with os.fdopen(os.open(definitions, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(self._definitions(), out)

    def _definitions(self) -> dict[str, object]:
        """Read at each boot, so that users and passwords follow `.env` also where the data is older."""
        salt = secrets.token_bytes(4)
        digest = salt + hashlib.sha256(salt + self.password.encode()).digest()
        user = {
            "name": self.user,
            "password_hash": base64.b64encode(digest).decode(),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["administrator"],
        }
        everything = {"user": self.user, "configure": ".*", "write": ".*", "read": ".*"}
        return {
            "users": [user],
            "vhosts": [{"name": vhost} for vhost in self.vhosts],
            "permissions": [{**everything, "vhost": vhost} for vhost in self.vhosts],
        }


def answers(port: int) -> bool:
    """Whether something that speaks AMQP 0-9-1 is there: the port alone opens before the broker does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            # Connection.Start comes as a method frame (type 1) on channel 0.
            return connection.recv(3) == b"\x01\x00\x00"
    except OSError:
        return False
