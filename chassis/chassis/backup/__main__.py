"""``python -m chassis.backup``: save, check or load a backup of the suite's databases, or empty its queues."""

import argparse
import os
from pathlib import Path

import pika
import structlog
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from chassis import amqp, broker, logs
from chassis.backup import BackupError, load, save
from chassis.backup.folder import Manifest, read_manifest
from chassis.config import CONTRACTS_IN_CHECKOUT
from chassis.events import subscriptions
from chassis.mongo import Document

log = structlog.get_logger("chassis.backup")


def main() -> int:
    """0 when it is done; 1, with a line that says why, when it is not."""
    options = _parser().parse_args()
    logs.configure("backup", options.action)
    contracts = Path(os.environ.get("CONTRACTS_DIR") or CONTRACTS_IN_CHECKOUT)
    table = subscriptions(contracts)
    try:
        match options.action:
            case "save":
                with _client() as client:
                    _tell("saved", save(client, table, options.folder))
            case "check":
                _tell("whole", read_manifest(options.folder))
            case "load":
                with _client() as client:
                    _tell("loaded", load(client, options.folder, replace=options.replace))
            case "empty-queues":
                print(f"emptied the queues of events, dead letters too: {empty_queues(table)} messages", flush=True)
    except (BackupError, PyMongoError, *broker.AWAY) as error:
        # a driver's message may show a document
        reason = str(error) if isinstance(error, BackupError | OSError) else type(error).__name__
        if options.action == "save":
            log.error("backup failed", alarm="BackupFailed", error=reason)
        else:
            log.error("failed", error=reason)
        return 1
    return 0


def empty_queues(table: amqp.Subscriptions) -> int:
    """Remove every message from the queues, of events, to be tried again and dead letters; how many there were."""
    with pika.BlockingConnection(broker.bounded(os.environ["AMQP_URL"], 30)) as connection:
        channel = connection.channel()
        for source in {source for sources in table.values() for source in sources}:
            amqp.declare_source(channel, source, table)
        queues = [queue for consumer in table for queue in amqp.queues_of(consumer, table)]
        for consumer in table:
            channel.queue_declare(amqp.retries(consumer), durable=True, arguments=amqp.RETRIES_ARGUMENTS)
        waiting = [*queues, *map(amqp.retries, table), *map(amqp.dead_letters, table)]
        purged = [channel.queue_purge(name) for name in waiting]
        return sum(int(answer.method.message_count) for answer in purged)


def _client() -> MongoClient[Document]:
    """Bounded by the socket, not by the operation: an index over many documents takes its time."""
    return MongoClient(
        os.environ["MONGODB_URI"],
        appname="backup",
        w="majority",
        journal=True,
        readPreference="primary",
        serverSelectionTimeoutMS=10_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=1_800_000,
    )


def _tell(what: str, manifest: Manifest) -> None:
    entries = [entry for collections in manifest["databases"].values() for entry in collections.values()]
    documents = sum(entry["documents"] for entry in entries)
    names = ", ".join(manifest["databases"])
    print(f"{what}: {documents} documents of {len(entries)} collections, as of {manifest['savedAt']} ({names})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chassis.backup", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for action, purpose in {
        "save": "write a backup into a new folder",
        "check": "see that a backup is whole",
        "load": "put a backup in the place of the databases",
    }.items():
        actions.add_parser(action, help=purpose).add_argument("folder", type=Path)
    actions.choices["load"].add_argument("--replace", action="store_true", help="what is there now is lost")
    actions.add_parser("empty-queues", help="remove every message from the queues of events and dead letters")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
