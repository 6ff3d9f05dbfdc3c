"""`make backup` and `make restore`: all databases of a suite, to one consistent point (ADR 0026)."""

import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from devkit import commands, layout, say
from devkit.suite import Instance

#: It has the broker's and the database's address.
_ANY = "scheduler-consumer"
#: Not started before everybody in the ledger is erased again: whoever brings people in, and whoever writes to them.
_LAST = ("gateway-web", "scheduler-worker", "scheduler-beat")
#: Seconds within which at least one more person must be erased.
_PATIENCE = 120.0
_NOT_BROUGHT_BACK = """\
Not brought back is what happened after the backup, and what was on its way between services at that moment: mails,
reminders and entries of the audit that were announced and not yet taken up. Mail that waited then goes out again.
Passwords, and accounts that were suspended or deleted but not purged, are as they were. Everybody has to sign in."""


def save(instance: Instance, folder: Path | None) -> None:
    """Save every database while the suite works, into `folder` or a new one below `.local/backups`.

    Of those there, the newest KEEP (a variable) are kept, or all.
    """
    keep = os.environ.get("KEEP") or "0"
    if not keep.isdigit():
        raise say.Failure(f"KEEP={keep} is not a number of backups")
    below = layout.LOCAL / "backups"
    target = folder.absolute() if folder else below / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    _do(instance, _ANY, "chassis.backup", "save", str(target))
    say.line(f"The backup is in {target}. It holds personal data: see docs/security.md.")
    if not folder and int(keep):
        # without its manifest it is none: another may be under way
        for old in sorted(path.parent for path in below.glob("*/manifest.json"))[: -int(keep)]:
            shutil.rmtree(old)
            say.line(f"  ok removed {old.name}")


def restore(instance: Instance, folder: Path) -> None:
    """Put a backup in the place of every database; who was erased since is erased again before anyone gets in.

    A restore that was cut off, or failed half-way, is done again from its beginning.
    """
    source = str(folder.absolute())
    _do(instance, _ANY, "chassis.backup", "check", source)
    ledger = instance.environment("user-consumer")["ERASURE_LEDGER"]
    ended = instance.folder / "ended-sessions.json"
    services = [process.name for process in instance.plan.processes() if process.stage == 2]
    instance.stop(*services)
    say.line("  ok stopped the services")
    # what only the present databases know, and is lost with the next step
    _do(instance, "user-consumer", "user_service.erase_again", ledger, "--note")
    _do(instance, "auth-consumer", "auth_service.end_sessions", "--save", str(ended))
    instance.unusable.write_text(f"a restore was cut off, and the databases are incomplete: make restore FROM={source}")
    _do(instance, _ANY, "chassis.backup", "load", source, "--replace")
    _do(instance, _ANY, "chassis.backup", "empty-queues")
    _do(instance, "scheduler-beat", "celery", "-A", "scheduler_service.beat", "purge", "--force")
    _do(instance, "user-consumer", "user_service.erase_again", ledger)
    _do(instance, "auth-consumer", "auth_service.end_sessions", "--add", str(ended))
    _do(instance, "scheduler-consumer", "scheduler_service.end_runs")
    instance.unusable.unlink()
    instance.start(*(name for name in services if name not in _LAST))
    say.line("  ok started the services, but for the gateway and the jobs")
    _wait_until_erased(instance, ledger)
    if commands.rebuild(instance, None, None) != 0:
        raise say.Failure("a projection could not be made again: make rebuild shows it; make up lets people in")
    instance.start(*_LAST)
    ended.unlink()
    say.line(f"The suite is back at {instance.gateway_url}.\n{_NOT_BROUGHT_BACK}")


def _do(instance: Instance, process: str, module: str, *arguments: str) -> None:
    if instance.run_in(process, module, *arguments).returncode != 0:
        raise say.Failure(f"stopped at: {module} {' '.join(arguments)}")


def _wait_until_erased(instance: Instance, ledger: str) -> None:
    """However many there are in the ledger: as long as some more are erased, it goes on."""
    left, since = sys.maxsize, time.monotonic()
    while left > 0:
        before, left = left, _awaited(instance, ledger)
        if left < before:
            since = time.monotonic()
        elif time.monotonic() - since > _PATIENCE:
            raise say.Failure("not all are erased again who should be: see the services' logs; make up lets people in")


def _awaited(instance: Instance, ledger: str) -> int:
    """How many in the ledger are not erased by every service."""
    said = instance.run_in("user-consumer", "user_service.erase_again", ledger, "--check", capture=True).stdout.split()
    return int(said[-1]) if said and said[-1].isdigit() else sys.maxsize
