"""Made-up users, patients' records, and who saw whom (chassis.seeding)."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial

from chassis import logs
from chassis.mongo import Document
from chassis.seeding import Plan, add, instant, main
from user_service import events, store
from user_service.bootstrap import Built, build
from user_service.config import Config
from user_service.schemas.patients import RecordBody
from user_service.service.profiles import new_user
from user_service.service.relations import relation


def take(built: Built, plan: Plan) -> Mapping[str, int]:
    return {
        "users": add(built.database[store.users.COLLECTION], map(_user, plan.lines("people"))),
        "records": add(built.database[store.patients.COLLECTION], _records(plan)),
        "relations": add(built.database[store.relations.COLLECTION], map(_relation, plan.lines("appointments"))),
    }


def _user(person: Document) -> Document:
    verified, at = person["emailVerified"], instant(person["registeredAt"])
    user = new_user(person["userId"], person["email"], person["name"], person["role"], at, verified)
    suspension = person["suspension"]
    if suspension:
        suspended_at = instant(suspension["at"])
        user |= {"suspension": {**suspension, "at": suspended_at}, "closedAt": suspended_at}
    told = ("phone", "locale", "timezone", "status", "version")
    return {**user, **{name: person[name] for name in told}, "updatedAt": user["closedAt"] or at, "outbox": []}


def _records(plan: Plan) -> Iterator[Document]:
    """Those that their patients have sent; what can't be sent is a ValueError."""
    for person in plan.lines("people"):
        if person["record"]:
            at = instant(person["registeredAt"])
            times = {"createdAt": at, "updatedAt": at, "version": 1}
            record = RecordBody.model_validate(person["record"]).record()
            yield {"_id": person["userId"], **record, **times}


def _relation(appointment: Document) -> Document:
    event = events.AppointmentChanged.model_validate(appointment)
    return relation(event, cancelled=appointment["status"] == "CANCELLED")


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "seed", config.log_level)
    raise SystemExit(main(config, partial(build, config), take, sys.argv[1:]))
