"""What operators do with a suite's data: each runs a module of the services in the environment of their processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import CompletedProcess

from devkit import layout, say
from devkit.layout import Service
from devkit.suite import Instance

#: For what belongs to no service: it has the broker's and the database's address, and every library it takes.
_ANY = "scheduler-consumer"


def migrate(instance: Instance, service: str | None, *, back: bool = False, to: str | None = None) -> int:
    """Migrate forward, or with `back` the newest (all after `to`) back; 0 if every service did."""
    return _each(instance, "migrate", service, *(["down", *([to] if to else [])] if back else ["up"]))


def migrate_status(instance: Instance, service: str | None) -> int:
    return _each(instance, "migrate", service, "status")


def rebuild(instance: Instance, service: str | None, projection: str | None) -> int:
    """Make projections again from their sources, while the suite runs."""
    return _each(instance, "projections", service, "rebuild", *([projection] if projection else []))


def drift(instance: Instance, service: str | None) -> int:
    """Compare projections with their sources; 1 if one differs."""
    return _each(instance, "projections", service, "check")


def dead_letters(instance: Instance, action: str, *options: str) -> int:
    return instance.run_in(_ANY, "chassis.dead_letters", action, *options).returncode


def alarms(instance: Instance) -> int:
    return instance.run_in(_ANY, "chassis.alarms").returncode


def _each(instance: Instance, module: str, chosen: str | None, *arguments: str) -> int:
    """The worst exit status of `module` over the services that have it."""
    having = list(_having(module))
    if chosen:
        having = [service for service in having if chosen in {service.name, service.folder_name}]
        if not having:
            names = ", ".join(service.folder_name for service in _having(module))
            raise say.Failure(f"{chosen} has no {module}; these have: {names}")

    def run(service: Service) -> CompletedProcess[str]:
        return instance.run_in(f"{service.name}-consumer", f"{service.package}.{module}", *arguments, capture=True)

    worst = 0
    # side by side, for most of it is each one's start; told in order
    with ThreadPoolExecutor(3) as pool:
        for service, done in zip(having, pool.map(run, having), strict=True):
            say.line(f"{service.folder_name}:\n{(done.stdout + done.stderr).rstrip()}")
            worst = max(worst, done.returncode)
    return worst


def _having(module: str) -> Iterator[Service]:
    for service in layout.SERVICES:
        if (service.folder / service.package / f"{module}.py").exists():
            yield service
