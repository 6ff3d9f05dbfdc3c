"""The commands that the Makefiles call: `PYTHONPATH=chassis python3 -m devkit <command>`."""

import argparse
import os
import shlex
import signal
import subprocess
from pathlib import Path

from devkit import (
    backup,
    commands,
    compose,
    dotenv,
    layout,
    lint,
    locking,
    locks,
    programs,
    reading,
    runner,
    say,
    setup,
    suite,
    venvs,
)


def main() -> int:
    options = _parser().parse_args()
    # Whoever ends a run politely gets it tidied up too.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return say.failures_of(lambda: int(options.run(options) or 0))
    except BrokenPipeError:
        # Whoever reads, `head` perhaps, has seen enough; Python would complain once more as it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        say.error("interrupted")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devkit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: object, purpose: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.set_defaults(run=run)
        return command

    add("setup", _setup, "install what is missing: environments, MongoDB, RabbitMQ")
    add("env", _env, "make .env, or add what it lacks")
    add("up", _up, "start what is missing; 0 when every part is healthy")
    add("down", _down, "stop every process")
    add("check-alerts", _check_alerts, "test the rules of observability/alerts.yml")
    add("status", _status, "show each process and whether it is healthy")
    logs = add("logs", _logs, "show the logs")
    logs.add_argument("process", nargs="?")
    logs.add_argument("--follow", action="store_true")
    restart = add("restart", _restart, "restart processes, or all services if none is named")
    restart.add_argument("processes", nargs="*")
    add("mail", _mail, "show the mails that were caught")
    add("alarms", _alarms, "name what is wrong with the running suite's data")
    dead = add("dead-letters", _dead_letters, "list, show, redrive or discard messages that a service refused")
    dead.add_argument("action", nargs="?", default="list", choices=["list", "show", "redrive", "discard"])
    dead.add_argument("options", nargs=argparse.REMAINDER)
    migrate = add("migrate", _migrate, "migrate the databases forward, or back")
    migrate.add_argument("--service")
    migrate.add_argument("--back", action="store_true")
    migrate.add_argument("--to", help="with --back: the migration that stays the newest")
    add("migrate-status", _migrate_status, "show which migrations ran").add_argument("--service")
    rebuild = add("rebuild", _rebuild, "make projections again from their sources")
    rebuild.add_argument("--service")
    rebuild.add_argument("--projection")
    add("drift", _drift, "compare projections with their sources").add_argument("--service")
    add("backup", _backup, "save every database, as it is at one moment").add_argument("folder", nargs="?", type=Path)
    add("restore", _restore, "put a backup in the place of every database").add_argument("folder", type=Path)
    add("demo", _demo, "start the suite and walk through a clinic's day")
    seed = add("seed", _seed, "fill the running suite with a made-up clinic group")
    seed.add_argument("--arguments", default="", help="handed to python -m tests.seed")
    deploy = add("can-deploy", _can_deploy, "say whether a service may go out beside the released others")
    deploy.add_argument("service", choices=[service.folder_name for service in layout.SERVICES])
    release = add("release", _release, "note this checkout's contracts as released")
    release.add_argument("version")
    release.add_argument("service", nargs="?", choices=[service.folder_name for service in layout.SERVICES])
    mixed = add("mixed", _mixed, "walk through the day with the released version of one service, or of each in turn")
    mixed.add_argument("services", nargs="*")
    test = add("test", _test, "lint and run every test, or the suites that are named")
    test.add_argument("suites", nargs="*")
    test.add_argument("--arguments", default="", help="handed to pytest")
    bench = add("bench", _bench, "measure every figure, or the parts that are named")
    bench.add_argument("parts", nargs="*")
    bench.add_argument("--arguments", default="", help="handed to python -m benchmarks")
    containers = add("compose-test", _compose_test, "build the suite in containers, and try it there")
    containers.add_argument("--arguments", default="", help="handed to pytest")
    roll = add("compose-roll", _compose_roll, "replace a service's containers by ones of its present image")
    roll.add_argument("service")
    add("lint", _lint, "ruff, mypy and import-linter")
    add("format", _format, "let ruff mend and format every source")
    lock = add("lock", _lock, "compile every requirements.lock")
    lock.add_argument("--upgrade", action="store_true")
    return parser


def _setup(_: argparse.Namespace) -> None:
    setup.ensure(setup.everything(), needs_mongod=True, needs_rabbitmq=True)


def _env(_: argparse.Namespace) -> None:
    dotenv.ensure(layout.ROOT / ".env")


def _env_is_made() -> suite.Instance:
    with locking.exclusive(layout.LOCAL / "setup.lock", "waiting for another set-up of this checkout to finish"):
        return suite.of_checkout()


def _up(_: argparse.Namespace) -> None:
    instance = _env_is_made()
    setup.ensure(
        [venvs.TOOLS, *setup.runtimes()],
        needs_mongod="MONGODB_URI" not in instance.settings,
        needs_rabbitmq="AMQP_URL" not in instance.settings,
    )
    instance.up()
    say.line(f"The suite is up at {instance.gateway_url}.")


def _down(_: argparse.Namespace) -> None:
    if (layout.ROOT / ".env").exists():
        suite.of_checkout().down()
    say.line("The suite is down.")


def _status(_: argparse.Namespace) -> int:
    return 0 if reading.print_status(_env_is_made().status()) else 1


def _logs(options: argparse.Namespace) -> None:
    reading.show_logs(_env_is_made(), options.process, options.follow)


def _restart(options: argparse.Namespace) -> None:
    instance = _running()
    known = [process.name for process in instance.plan.processes()]
    if unknown := set(options.processes) - set(known):
        raise say.Failure(f"no process is named {', '.join(sorted(unknown))}; there is: {', '.join(known)}")
    names = options.processes or [process.name for process in instance.plan.processes() if process.stage == 2]
    instance.restart(*names)
    say.line(f"restarted: {', '.join(names)}")


def _mail(_: argparse.Namespace) -> None:
    reading.print_mail(layout.LOCAL / "mail")


def _running() -> suite.Instance:
    instance = _env_is_made()
    if not instance.supervisor.is_running():
        raise say.Failure("the suite is not running: make up")
    return instance


def _alarms(_: argparse.Namespace) -> int:
    return commands.alarms(_running())


def _dead_letters(options: argparse.Namespace) -> int:
    return commands.dead_letters(_running(), options.action, *options.options)


def _migrate(options: argparse.Namespace) -> int:
    return commands.migrate(_running(), options.service, back=options.back, to=options.to)


def _migrate_status(options: argparse.Namespace) -> int:
    return commands.migrate_status(_running(), options.service)


def _rebuild(options: argparse.Namespace) -> int:
    return commands.rebuild(_running(), options.service, options.projection)


def _drift(options: argparse.Namespace) -> int:
    return commands.drift(_running(), options.service)


def _backup(options: argparse.Namespace) -> None:
    backup.save(_running(), options.folder)


def _restore(options: argparse.Namespace) -> None:
    backup.restore(_running(), options.folder)


def _demo(options: argparse.Namespace) -> int:
    _up(options)
    setup.ensure([venvs.SUITE_TESTS])
    instance = suite.of_checkout()
    names = ("ADMIN_EMAIL", "ADMIN_PASSWORD")
    environ = {**os.environ, **{name: instance.settings[name] for name in names}, "GATEWAY_URL": instance.gateway_url}
    environ["MAIL_FOLDER"] = str(instance.mail_folder)
    command = [str(layout.venv_python("tests")), "-m", "tests.walkthrough"]
    walked = subprocess.run(command, cwd=layout.ROOT, env=environ, check=False).returncode
    if walked != 0:
        raise say.Failure(f"the walk-through failed (exit code {walked}); the suite is still up: make logs, make down")
    unhealthy = [row.name for row in instance.status() if not row.healthy]
    if unhealthy:
        raise say.Failure(f"after the walk-through these are not healthy: {', '.join(unhealthy)}")
    say.line(
        f"The suite stays up at {instance.gateway_url}; the admin's login is in {Path('.env')}. To stop it: make down"
    )
    return 0


def _seed(options: argparse.Namespace) -> int:
    _running()
    return programs.of_tests("tests.seed", *shlex.split(options.arguments))


def _can_deploy(options: argparse.Namespace) -> int:
    return programs.can_deploy(options.service)


def _release(options: argparse.Namespace) -> int:
    return programs.release(options.version, options.service)


def _mixed(options: argparse.Namespace) -> int:
    return programs.of_tests("tests.mixed", *options.services)


def _test(options: argparse.Namespace) -> int:
    return runner.run(options.suites, shlex.split(options.arguments))


def _check_alerts(_: argparse.Namespace) -> int:
    return programs.check_alerts()


def _bench(options: argparse.Namespace) -> int:
    return programs.bench(*shlex.split(options.arguments), *options.parts)


def _compose_test(options: argparse.Namespace) -> int:
    compose.program()
    setup.ensure([venvs.SUITE_TESTS])
    return runner.run_apart("compose", venvs.SUITE_TESTS, shlex.split(options.arguments))


def _compose_roll(options: argparse.Namespace) -> None:
    compose.roll(options.service)


def _lint(_: argparse.Namespace) -> int:
    setup.ensure([venvs.LINT])
    return 0 if lint.run() else 1


def _format(_: argparse.Namespace) -> int:
    setup.ensure([venvs.LINT])
    return 0 if lint.format_sources() else 1


def _lock(options: argparse.Namespace) -> None:
    with locking.exclusive(layout.LOCAL / "setup.lock", "waiting for another set-up of this checkout to finish"):
        venvs.ensure([])
        locks.compile_all(options.upgrade)
