"""The commands that the Makefiles call: `PYTHONPATH=chassis python3 -m devkit <command>`."""

import argparse
import os
import shlex
import signal
import subprocess
from pathlib import Path

from devkit import layout, lint, locking, locks, reading, runner, say, setup, suite, venvs


def main() -> int:
    options = _parser().parse_args()
    # Whoever ends a run politely gets it tidied up too.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return int(options.run(options) or 0)
    except say.Failure as failure:
        say.error(str(failure))
        return 1
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
    add("up", _up, "start what is missing; 0 when every part is healthy")
    add("down", _down, "stop every process")
    add("status", _status, "show each process and whether it is healthy")
    logs = add("logs", _logs, "show the logs")
    logs.add_argument("process", nargs="?")
    logs.add_argument("--follow", action="store_true")
    restart = add("restart", _restart, "restart processes, or all services if none is named")
    restart.add_argument("processes", nargs="*")
    add("mail", _mail, "show the mails that were caught")
    add("demo", _demo, "start the suite and walk through a clinic's day")
    test = add("test", _test, "lint and run every test, or the suites that are named")
    test.add_argument("suites", nargs="*")
    test.add_argument("--arguments", default="", help="handed to pytest")
    add("lint", _lint, "ruff, mypy and import-linter")
    add("format", _format, "let ruff mend and format every source")
    lock = add("lock", _lock, "compile every requirements.lock")
    lock.add_argument("--upgrade", action="store_true")
    return parser


def _setup(_: argparse.Namespace) -> None:
    setup.ensure(setup.everything(), needs_mongod=True, needs_rabbitmq=True)


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
    instance = _env_is_made()
    if not instance.supervisor.is_running():
        raise say.Failure("the suite is not running: make up")
    known = [process.name for process in instance.plan.processes()]
    if unknown := set(options.processes) - set(known):
        raise say.Failure(f"no process is named {', '.join(sorted(unknown))}; there is: {', '.join(known)}")
    names = options.processes or [process.name for process in instance.plan.processes() if process.stage == 2]
    instance.restart(*names)
    say.line(f"restarted: {', '.join(names)}")


def _mail(_: argparse.Namespace) -> None:
    reading.print_mail(layout.LOCAL / "mail")


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


def _test(options: argparse.Namespace) -> int:
    return runner.run(options.suites, shlex.split(options.arguments))


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
