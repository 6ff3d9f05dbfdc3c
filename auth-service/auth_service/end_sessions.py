"""``python -m auth_service.end_sessions``: end every session of everybody, as a restore must.

What was ended since a backup was made would go on after it is restored. So what is in force at the end can be written
to a file before (``--save FILE``), and added to the restored database after (``--add FILE``): an access token of a
session that the backup does not know is refused then like any other.
"""

import argparse
import json
import os
from pathlib import Path

from auth_service import events
from auth_service.bootstrap import build, make_service
from auth_service.config import Config
from chassis import logs
from chassis.clock import now
from chassis.mongo import Database


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m auth_service.end_sessions", description=__doc__)
    parser.add_argument("--save", type=Path, metavar="FILE", help="write what has ended, and until when it matters")
    parser.add_argument("--add", type=Path, metavar="FILE", help="take over what was saved")
    options = parser.parse_args()
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "end-sessions", config.log_level)
    if options.save:
        # not brought up to date before: a migration that fails may be why it is to be replaced
        service = make_service(config, Database(config.mongodb_uri, events.SOURCE), now)
    else:
        service = build(config).service
    if options.add:
        service.revocations.take_over(json.loads(options.add.read_text()))
    print(f"ended the sessions of {service.sessions.end_all()} people", flush=True)
    if options.save:
        # of a restore that was cut off, what it saved still holds
        saved = json.loads(options.save.read_text()) if options.save.exists() else {}
        with os.fdopen(os.open(options.save, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump({**saved, **service.revocations.in_force()}, out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
