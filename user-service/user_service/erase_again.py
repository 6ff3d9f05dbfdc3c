"""``python -m user_service.erase_again LEDGER``: after a restore, erase again whoever the backup brought back.

Everybody in the ledger is purged, whatever state the account is in, and announced as erased to every service, known
here or not. With ``--note`` nobody is erased: what this database knows of erasures is added to the ledger, which is
done before another takes its place. With ``--check`` the exit status is 1 while one of them still awaits a receipt.
"""

import argparse
from pathlib import Path

from chassis import logs
from chassis.clock import now
from chassis.mongo import Database
from user_service import events
from user_service.bootstrap import build, make_service
from user_service.config import Config


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m user_service.erase_again", description=__doc__)
    parser.add_argument("ledger", type=Path)
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--note", action="store_true", help="add this database's erasures to the ledger")
    does.add_argument("--check", action="store_true", help="only say whose erasure is not complete")
    options = parser.parse_args()
    config = Config.read_or_exit().model_copy(update={"erasure_ledger": options.ledger})
    logs.configure(events.SOURCE, "erase-again", config.log_level)
    if options.note:
        # not brought up to date before: a migration that fails may be why it is to be replaced
        erasures = make_service(config, Database(config.mongodb_uri, events.SOURCE), now).erasures
        print(f"noted in {options.ledger}: {erasures.note_all()} erasures that it lacked", flush=True)
        return 0
    erasures = build(config).service.erasures
    if options.check:
        waiting = erasures.incomplete()
        print(f"erased again, and not complete yet: {len(waiting)}", flush=True)
        return 1 if waiting else 0
    print(f"erased again, and announced to every service: {erasures.erase_again()} people", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
