"""The table of processes: what runs, from which environment, and with which variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devkit import dotenv, mongod, say, venvs
from devkit.health import Check
from devkit.layout import CHASSIS, GATEWAY, PLAIN_SERVICES, ROOT, SCHEDULER, SERVICES, VENVS, Service, venv_python
from devkit.rabbitmq import Broker
from devkit.recipes import Recipe, base_environment

#: Where each listener sits in an instance's block of ports; the gateway's only counts where its port is not fixed.
OFFSETS = {"epmd": 0, "rabbitmq-dist": 1, "rabbitmq": 2, "mongod": 3, "mail": 4, "mongod-2": 5, "mongod-3": 6}
OFFSETS.update({service.name: 8 + index for index, service in enumerate(SERVICES)})

#: Where each process without HTTP serves its metrics.
_METRICS = [f"{s.name}-{kind}" for s in (*PLAIN_SERVICES, SCHEDULER) for kind in ("consumer", "relay")]
_METRICS += [f"{SCHEDULER.name}-{kind}" for kind in ("worker", "beat")]
OFFSETS.update({f"metrics-of-{name}": 16 + index for index, name in enumerate(_METRICS)})

#: Where one process would leave a core idle under load.
_BUSY = {"gateway", "appointment"}
#: For the local servers themselves, or for those in containers; a service is given its URLs only.
_NOT_FOR_SERVICES = {"RABBITMQ_USER", "RABBITMQ_PASSWORD", "MONGODB_MEMBERS", "MONGODB_ELECTION_MS"}
_NOT_FOR_SERVICES |= dotenv.FOR_CONTAINERS
#: For auth-service alone: nobody else can sign tokens with the private key, or make refresh tokens.
_ONLY_FOR_AUTH = {
    "JWT_PRIVATE_KEY",
    "JWT_REFRESH_SECRET",
    "JWT_PREVIOUS_REFRESH_SECRETS",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
}


@dataclass(frozen=True)
class Process:
    name: str
    recipe: Recipe
    check: Check
    #: Servers start in rising stages, each once the one before is healthy; what uses them comes last.
    stage: int = 2
    #: Where it serves its metrics; 0 where it has none.
    metrics_port: int = 0


@dataclass(frozen=True)
class Plan:
    """What one instance is made of: its folder, its ports, its settings."""

    folder: Path
    ports: Mapping[str, int]
    settings: Mapping[str, str]
    mail_folder: Path
    #: Services that run another version's code than this checkout's, by their names.
    instead: Mapping[str, Service] = field(default_factory=dict)

    @property
    def broker(self) -> Broker:
        return Broker(
            folder=self.folder / "data" / "rabbitmq",
            port=self.ports["rabbitmq"],
            epmd_port=self.ports["epmd"],
            dist_port=self.ports["rabbitmq-dist"],
            user=self.settings["RABBITMQ_USER"],
            password=self.settings["RABBITMQ_PASSWORD"],
            vhosts=("suite",),
        )

    @property
    def mongodb_uri(self) -> str:
        return self.settings.get("MONGODB_URI") or mongod.uri(*(self.ports[name] for name in self.mongodb_members))

    @property
    def mongodb_members(self) -> tuple[str, ...]:
        """The processes of the local replica set; none if one from outside is used."""
        if self.settings.get("MONGODB_URI"):
            return ()
        chosen = {"": 1, "1": 1, "3": 3}.get(wanted := self.settings.get("MONGODB_MEMBERS", ""))
        if chosen is None:
            raise say.Failure(f"MONGODB_MEMBERS={wanted} is neither 1 nor 3: two lose their primary with either")
        return ("mongod", "mongod-2", "mongod-3")[:chosen]

    @property
    def election_ms(self) -> int:
        wanted = self.settings.get("MONGODB_ELECTION_MS") or str(mongod.ELECTION_MS)
        if not wanted.isdigit() or int(wanted) < 1000:
            raise say.Failure(f"MONGODB_ELECTION_MS={wanted} is not a number of milliseconds from 1000 on")
        return int(wanted)

    @property
    def amqp_url(self) -> str:
        return self.settings.get("AMQP_URL") or self.broker.url("suite")

    @property
    def smtp_url(self) -> str:
        return self.settings.get("SMTP_URL") or f"smtp://127.0.0.1:{self.ports['mail']}"

    def processes(self) -> list[Process]:
        services = [
            *self._web(GATEWAY),
            *(process for service in PLAIN_SERVICES for process in self._plain(service)),
            *self._plain(SCHEDULER),
            *self._celery(),
        ]
        return [*self._servers(), *services]

    def _servers(self) -> Iterator[Process]:
        instance = str(self.folder)
        members = self.mongodb_members
        for name in members:
            port, data = self.ports[name], self.folder / "data" / name.replace("mongod", "mongodb")
            recipe = mongod.recipe(data, port, members=len(members), instance=instance)
            yield Process(name, recipe, Check("mongodb", port, alone=len(members) == 1), stage=1)
        if not self.settings.get("AMQP_URL"):
            epmd = Check("tcp", self.broker.epmd_port)
            yield Process("epmd", self.broker.epmd_recipe(instance=instance), epmd, stage=0)
            # Without its port mapper the broker gives up at once, so that one must listen before.
            yield Process("rabbitmq", self.broker.recipe(instance=instance), Check("amqp", self.broker.port), stage=1)
        if not self.settings.get("SMTP_URL"):
            port = self.ports["mail"]
            argv = [str(venv_python("tools")), "-m", "devkit.mail_catcher", str(port), str(self.mail_folder)]
            env = {**base_environment(), "SUITE_INSTANCE": instance, "PYTHONPATH": str(CHASSIS)}
            yield Process("mail", Recipe(argv, str(ROOT), env), Check("tcp", port), stage=0)

    def _plain(self, service: Service) -> Iterator[Process]:
        yield from self._web(service)
        for kind in ("consumer", "relay"):
            yield self._beating(service, kind, ["python", "-m", f"{service.package}.{kind}"])

    def _celery(self) -> Iterator[Process]:
        package = SCHEDULER.package
        worker = ["celery", "-A", f"{package}.worker", "worker", "--loglevel=info", "--concurrency=1"]
        yield self._beating(SCHEDULER, "worker", worker)
        yield self._beating(SCHEDULER, "beat", ["celery", "-A", f"{package}.beat", "beat"])

    def _web(self, service: Service) -> Iterator[Process]:
        name = f"{service.name}-web"
        metrics = str(self.folder / "metrics" / name)
        env = {
            "PORT": str(self.ports[service.name]),
            "WEB_CONCURRENCY": self.settings.get("WEB_CONCURRENCY") or ("2" if service.name in _BUSY else "1"),
            "PROMETHEUS_MULTIPROC_DIR": metrics,
        }
        if service is GATEWAY:
            others = (other for other in SERVICES if other is not GATEWAY)
            env |= {f"{o.name.upper()}_SERVICE_URL": f"http://127.0.0.1:{self.ports[o.name]}" for o in others}
        argv = ["gunicorn", "-c", "gunicorn.conf.py", f"{service.package}.wsgi:app"]
        # What a dead process counted must not be added to what its successor counts.
        recipe = replace(self._recipe(service, argv, env), empty=[metrics])
        port = self.ports[service.name]
        yield Process(name, recipe, Check("http", port), metrics_port=port)

    def _beating(self, service: Service, kind: str, argv: list[str]) -> Process:
        name = f"{service.name}-{kind}"
        heartbeat = self.folder / "heartbeat" / name
        heartbeat.parent.mkdir(parents=True, exist_ok=True)
        port = self.ports[f"metrics-of-{name}"]
        recipe = self._recipe(service, argv, {"HEARTBEAT_FILE": str(heartbeat), "METRICS_PORT": str(port)})
        check = Check("heartbeat", file=str(heartbeat))
        return Process(name, replace(recipe, remove=[str(heartbeat)]), check, metrics_port=port)

    def _recipe(self, service: Service, argv: list[str], env: Mapping[str, str]) -> Recipe:
        service = self.instead.get(service.name, service)
        bin_folder = VENVS / service.venv / "bin"
        stamp = venvs.runtime(service).stamp
        withheld = _NOT_FOR_SERVICES if service.name == "auth" else _NOT_FOR_SERVICES | _ONLY_FOR_AUTH
        environment = {
            **base_environment(str(bin_folder)),
            **{name: value for name, value in self.settings.items() if name not in withheld},
            "BIND_HOST": "127.0.0.1",
            "MONGODB_URI": self.mongodb_uri,
            "AMQP_URL": self.amqp_url,
            "SMTP_URL": self.smtp_url,
            "CONTRACTS_DIR": str(service.root / "contracts"),
            "SUITE_INSTANCE": str(self.folder),
            **env,
        }
        built_from = stamp.read_text() if stamp.exists() else ""
        command = [str(bin_folder / argv[0]), *argv[1:]]
        return Recipe(command, str(service.folder), environment, built_from=built_from)
