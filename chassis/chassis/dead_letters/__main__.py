"""List, show, redrive or discard what services could not handle: reads AMQP_URL, and CONTRACTS_DIR for their names."""

import argparse
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pika
import structlog

from chassis import broker, logs
from chassis.clock import instant_text, now
from chassis.config import CONTRACTS_IN_CHECKOUT, EX_CONFIG
from chassis.dead_letters.letter import Letter
from chassis.dead_letters.queue import DeadLetterQueue, Outcome
from chassis.events import subscriptions

EX_USAGE, EX_UNAVAILABLE = 2, 69
"""Exit statuses of a wrong command line (argparse), and of a broker that is away (sysexits.h)."""

BODY_BYTES = 4096
_BROKER_SECONDS = 30

log = structlog.get_logger("chassis.dead_letters")


def main(arguments: list[str] | None = None) -> int:
    """0 when it is done; 1 where a letter stayed that was to go, or none has the id; else as above."""
    parser = _parser()
    options = parser.parse_args(arguments)
    url = os.environ.get("AMQP_URL")
    if not url:
        print("configuration: AMQP_URL: must be set", file=sys.stderr)
        return EX_CONFIG
    known = sorted(subscriptions(Path(os.environ.get("CONTRACTS_DIR") or CONTRACTS_IN_CHECKOUT)))
    if options.service and options.service not in known:
        parser.error(f"no such service: {options.service}; there are {', '.join(known)}")
    if options.action == "discard" and not options.id and not (options.all and options.service):
        parser.error("discard drops what is never seen again: name one with --id, or all of a --service with --all")
    logs.configure("dead-letters", options.action)
    try:
        with pika.BlockingConnection(broker.bounded(url, _BROKER_SECONDS)) as connection:
            queues = [DeadLetterQueue(connection, name) for name in ([options.service] if options.service else known)]
            match options.action:
                case "list":
                    return _list(queues, options.limit)
                case "show":
                    return _show(queues, options)
                case action:
                    return _move(queues, action, options)
    except broker.AWAY as error:
        print(f"the broker is away or went away: {type(error).__name__}; nothing is lost, repeat it", file=sys.stderr)
        return EX_UNAVAILABLE


@dataclass
class _Group:
    count: int = 0
    ids: set[str] = field(default_factory=set)
    oldest: datetime | None = None

    def add(self, letter: Letter) -> None:
        self.count += 1
        self.ids.add(letter.id)
        self.oldest = min((at for at in (self.oldest, letter.died) if at), default=None)


def _list(queues: list[DeadLetterQueue], limit: int | None) -> int:
    total = 0
    for queue in queues:
        groups: dict[tuple[str, str], _Group] = defaultdict(_Group)
        with queue.letters(limit) as (count, letters, _):
            for letter in letters:
                groups[_safe(letter.queue or "-"), _safe(letter.reason)].add(letter)
        total += count
        if count:
            seen = sum(group.count for group in groups.values())
            print(f"{queue.service}: {count}" + (f", of which {seen} were looked at" if seen < count else ""))
        for (source, reason), group in sorted(groups.items(), key=lambda item: -item[1].count):
            copies = group.count - len(group.ids)
            print(f"  {group.count:>6}  {source}: {reason}")
            print(f"          oldest {_when(group.oldest)}" + (f", {copies} are copies of another" if copies else ""))
    if not total:
        print("no dead letters")
    return 0


def _show(queues: list[DeadLetterQueue], options: argparse.Namespace) -> int:
    found = 0
    for queue in queues:
        with queue.letters() as (_, letters, _):
            for letter in letters:
                if options.id not in (None, letter.id):
                    continue
                if found == options.limit:
                    break
                if not found:
                    print("What follows may hold personal data: do not copy it into tickets or chats.")
                found += 1
                _tell(queue.service, letter)
    return _none(options.id) if options.id and not found else 0


def _tell(service: str, letter: Letter) -> None:
    print(f"\n{service}  {letter.id}")
    for name, value in (
        ("reason", letter.reason),
        ("came from", letter.queue),
        ("published to", f"{letter.note.get('exchange') or 'the queue itself'} by {letter.note.get('routingKey')}"),
        ("type", letter.kind),
        ("happened", _when(letter.happened)),
        ("dead since", _when(letter.died)),
        ("redriven", f"{letter.redriven} times"),
        ("content", f"{letter.properties.content_type}, {letter.properties.content_encoding}"),
    ):
        print(f"  {name + ':':<14}{_safe(str(value))}")
    cut = f"the first {BODY_BYTES} of " if len(letter.body) > BODY_BYTES else ""
    print(f"  body, {cut}{len(letter.body)} bytes:")
    print(f"    {_safe(letter.body[:BODY_BYTES].decode(errors='backslashreplace'))}")


def _move(queues: list[DeadLetterQueue], action: str, options: argparse.Namespace) -> int:
    done = stayed = 0
    for queue in queues:

        def wanted(letter: Letter) -> bool:
            return options.id in (None, letter.id)

        # which one has the id is known when all were looked at
        limit = None if options.id else options.limit
        if action == "redrive":
            outcome = queue.redrive(now(), wanted=wanted, limit=limit, force=options.force)
        else:
            outcome = queue.discard(wanted=wanted, limit=limit)
        done += outcome.done.total()
        stayed += len(outcome.stayed)
        _report(queue.service, action, outcome)
    if options.id and not done and not stayed:
        return _none(options.id)
    print(f"{action}: {done} done, {stayed} stayed")
    return 1 if stayed else 0


def _report(service: str, action: str, outcome: Outcome) -> None:
    for identifier, copies in outcome.done.items():
        log.info(action, of=service, event_id=identifier, copies=copies)
    for reason, letters in _by_reason(outcome).items():
        ids = ", ".join(letter.id for letter in letters[:5]) + (" …" if len(letters) > 5 else "")
        print(f"{service}: {len(letters)} stayed, {_safe(reason)} ({ids})")


def _by_reason(outcome: Outcome) -> dict[str, list[Letter]]:
    grouped: dict[str, list[Letter]] = defaultdict(list)
    for letter, reason in outcome.stayed:
        grouped[reason].append(letter)
    return grouped


def _none(identifier: str) -> int:
    print(f"no dead letter has the id {_safe(identifier)}", file=sys.stderr)
    return 1


def _when(at: datetime | None) -> str:
    return instant_text(at) if at else "unknown"


def _safe(text: str) -> str:
    # whoever wrote it might have meant the terminal
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chassis.dead_letters", description=__doc__)
    parser.add_argument("action", choices=["list", "show", "redrive", "discard"])
    parser.add_argument("--service", help="of this service only")
    parser.add_argument("--id", help="the one with this id, as show tells it, with all its copies")
    parser.add_argument("--limit", type=_positive, help="look at no more than this many of each service")
    parser.add_argument("--all", action="store_true", help="discard: all of the service")
    parser.add_argument("--force", action="store_true", help="redrive: also what is too old to be told from a copy")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
