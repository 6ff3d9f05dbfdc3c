"""Made-up accounts (chassis.seeding): they can sign in, and nobody is told that they signed up."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial

from auth_service import events, store
from auth_service.bootstrap import Built, build, make_passwords
from auth_service.config import Config
from auth_service.domain import Status
from auth_service.service.accounts import new_credential
from chassis import logs
from chassis.mongo import Document
from chassis.seeding import Plan, add, instant, main


def take(built: Built, plan: Plan) -> Mapping[str, int]:
    """All have one password and share its hash, salt and all: a hash costs tens of milliseconds, and it protects
    nothing here, for the password is printed.
    """
    hashed = make_passwords(built.config).hash(plan.asked["password"])
    return {"accounts": add(built.database[store.credentials.COLLECTION], _credentials(plan, hashed))}


def _credentials(plan: Plan, hashed: str) -> Iterator[Document]:
    for person in plan.lines("people"):
        who = person["userId"], person["email"], person["name"], person["role"]
        credential = new_credential(*who, hashed, instant(person["registeredAt"]))
        closed = person["status"] != Status.ACTIVE
        yield {
            **credential,
            "emailVerified": person["emailVerified"],
            "status": person["status"],
            "statusVersion": person["version"] if closed else 0,
            "outbox": [],
        }


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "seed", config.log_level)
    raise SystemExit(main(config, partial(build, config), take, sys.argv[1:]))
